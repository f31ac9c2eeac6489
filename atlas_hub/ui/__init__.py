"""The Integrations page. `panel()` is its content as a component, for hosts with a frame of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import reflex as rx


def panel() -> rx.Component:
    """The page's content without header or frame; the host's page needs `on_load=atlas_hub.ui.page.Page.load`."""
    from atlas_hub.ui.page import panel as made  # late: it makes Reflex states

    return made()
