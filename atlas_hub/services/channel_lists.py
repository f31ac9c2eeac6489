"""The words for a page of the chat API's lists, for the API to use: `storage` is not its neighbor."""

from __future__ import annotations

from atlas_hub.storage.chat import Wanted
from atlas_hub.storage.paging import Cut, Found

__all__ = ["Cut", "Found", "Wanted"]
