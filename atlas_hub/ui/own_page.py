"""A page of its own below the Integrations page's route: where it is, and its addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from atlas_hub.ui.page import Frame, framed


class OwnPage:
    """The page whose route ends in `word`. Its `route` is known once `at` was told the Integrations page's."""

    def __init__(self, word: str) -> None:
        self._word = word
        self.route = f"/{word}"

    def address(self, query: Mapping[str, Any]) -> str:
        """The page's address with what a query says; what is empty is left out."""
        told = urlencode({name: value for name, value in query.items() if value})
        return f"{self.route}?{told}" if told else self.route

    def at(self, route: str, frame: Frame | None, panel: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
        """The page for the Integrations page's route: what the plugin adds to the app."""
        self.route = f"{route}/{self._word}"
        return lambda: framed(panel(), frame)
