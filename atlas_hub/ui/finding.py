"""Search and filter above the cards; the page's script applies them and keeps them in the address."""

from __future__ import annotations

from typing import Final

import reflex as rx

from atlas_hub.ui.theme import Markup

FILTERS: Final = (("", "All"), ("needs", "Needs you"), ("connected", "Connected"), ("available", "Not connected"))
"""What may be shown: the word in the address, and the word for the eye."""


def find() -> Markup:
    """Search and filter. The script applies them and keeps them in the address."""
    return rx.el.div(
        rx.el.input(
            type="search",
            placeholder="Search",
            auto_complete="off",
            aria_label="Search integrations",
            custom_attrs={"data-ah-search": "", "aria-keyshortcuts": "/"},
        ),
        rx.el.select(
            *[rx.el.option(text, value=value) for value, text in FILTERS],
            aria_label="Show",
            custom_attrs={"data-ah-filter": ""},
        ),
        class_name="ah-find",
        role="search",
    )


def nothing() -> Markup:
    """What stands there when nothing matches; the script shows it."""
    return rx.el.div(
        rx.el.p("Nothing here matches what you look for."),
        rx.el.button("Show all", type="button", class_name="ah-button", custom_attrs={"data-ah-clear": ""}),
        class_name="ah-banner",
        hidden=True,
        custom_attrs={"data-ah-nothing": ""},
    )
