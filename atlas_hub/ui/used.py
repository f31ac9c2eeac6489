"""Used by: what depends on a connection, shown in its drawer and before it is disconnected or gets a new key."""

from __future__ import annotations

from typing import Any, Final

import reflex as rx

from atlas_hub.ui.theme import Markup

STOPS: Final = "These use it, and stop until another connection serves them:"
GOES_ON: Final = "These use it, and go on with the new key:"


def used_by(page: Any, connection: Any, *said: Any) -> Markup:
    """The names of what depends on a connection, after what is said of them; nothing where nothing does."""
    names = page.used.get(connection, [])
    return rx.cond(
        names.length() > 0,
        rx.el.div(
            *said,
            rx.el.ul(rx.foreach(names, rx.el.li), class_name="ah-bullets"),
            class_name="ah-section",
            custom_attrs={"data-used-by": connection},
        ),
    )
