"""What a tab was told, above a page's content: that it could not be loaded, or a notice."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.ui.guard import Tab
from atlas_hub.ui.theme import Markup


def trouble(retry: Any) -> Markup:
    """Why the page could not be loaded, and the button that raises `retry`; nothing where it could."""
    return rx.cond(
        Tab.trouble != "",
        rx.el.div(
            rx.el.p(Tab.trouble),
            rx.el.button("Retry", type="button", class_name="ah-button", on_click=retry),
            class_name="ah-banner",
            role="alert",
            custom_attrs={"data-tone": "broken", "data-banner": "trouble"},
        ),
    )


def notice() -> Markup:
    """The notice, until it is dismissed. What holds it is always there, so that ears are told of it when it comes."""
    return rx.el.div(
        rx.cond(
            Tab.notice != "",
            rx.el.div(
                rx.el.p(Tab.notice),
                rx.el.button("Dismiss", type="button", class_name="ah-button", on_click=Tab.dismiss),
                class_name="ah-banner",
                custom_attrs={"data-tone": "attention", "data-banner": "notice"},
            ),
        ),
        role="status",
        custom_attrs={"aria-live": "polite"},
    )
