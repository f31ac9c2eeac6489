"""The Integrations page. `panel()` is its content as a component, for hosts with a frame of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["panel"]

if TYPE_CHECKING:
    import reflex as rx


def panel() -> rx.Component:
    """The page's content for a page of the host's own, in its own frame. Called where the host's page is made.

    It loads by itself and follows every change. Which drawer is open stands in the query (`?integration=telegram`).
    One panel to a page. Needs `HubPlugin` in `rxconfig.py`, with `route=None` where the panel is all there is.
    """
    from atlas_hub.ui.page import panel as made  # late: it makes Reflex states

    return made()
