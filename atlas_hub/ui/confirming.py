"""The dialog that asks before something is deleted."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.ui.theme import Markup


def confirming(place: Any, asks: tuple[Any, ...], *inside: Any, verb: str, act: Any, about: Any = None) -> Markup:
    """A dialog of the id `place` that asks `asks`, says and takes what is `inside`, and does `act` by a button `verb`.

    `about` is the id of what describes it, where there is one. A button with `data-ah-opens` of its id opens it.
    """
    described = {} if about is None else {"aria-describedby": about}
    return rx.el.dialog(
        rx.el.form(
            rx.el.h3(*asks, id=f"{place}-title"),
            *inside,
            rx.el.div(
                rx.el.button(
                    "Cancel",
                    type="button",
                    class_name="ah-button",
                    custom_attrs={"data-ah-close": "", "data-ah-focus": ""},
                ),
                rx.el.button(verb, type="submit", class_name="ah-button ah-danger"),
                class_name="ah-acts",
            ),
            on_submit=act,
            custom_attrs={"data-ah-closes": ""},
        ),
        id=place,
        role="alertdialog",
        class_name="ah-dialog",
        custom_attrs={"aria-labelledby": f"{place}-title", **described},
    )
