"""The fixtures of this folder are in a module of their own name, so that tests can also import what is no fixture."""

from __future__ import annotations

from tests.accounts.browser import acme, browser, clock, hub, quick_hashes

__all__ = ["acme", "browser", "clock", "hub", "quick_hashes"]
