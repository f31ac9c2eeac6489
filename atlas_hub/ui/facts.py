"""What the drawer tells: the four truths, details, scopes, what else is stored."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.ui import words
from atlas_hub.ui.card import make_default
from atlas_hub.ui.connecting import ladder
from atlas_hub.ui.theme import UNTOLD, Markup, ago


def section(title: str, *children: Any, **attributes: Any) -> Markup:
    """A titled part of the drawer."""
    return rx.el.section(rx.el.h3(title), *children, class_name="ah-section", **attributes)


def known(state: Any, page: Any) -> Markup:
    """The four truths with proof and age, and the button that asks again."""
    rungs = [
        rx.el.li(
            rx.el.span(
                rx.match(state.truths[number][0], ("yes", "✓ "), ("no", "✕ "), UNTOLD),
                custom_attrs={"aria-hidden": "true"},
            ),
            rx.el.strong(rx.match(state.truths[number][0], ("yes", holds), ("no", fails), f"{holds}: not known")),
            rx.cond(
                (state.truths[number][1] != "") & (state.truths[number][0] != words.NOT_TOLD),
                rx.el.span(" ", ago(state.truths[number][1]), class_name="ah-quiet ah-small"),
            ),
            rx.el.span(state.truths[number][2], class_name="ah-proof"),
            custom_attrs={"data-ok": state.truths[number][0], "data-truth": truth.value},
        )
        for number, (truth, holds, fails) in enumerate(words.TRUTHS)
    ]
    return section(
        "What is known",
        rx.el.ol(*rungs, class_name="ah-ladder ah-known"),
        rx.cond(
            page.may_change,
            rx.fragment(
                rx.cond(state.busy == "check", rx.el.div(ladder(state), custom_attrs={"aria-live": "polite"})),
                rx.el.button(
                    rx.cond(state.busy == "check", "Checking…", "Check now"),
                    type="button",
                    class_name="ah-button",
                    on_click=state.check,
                    custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
                ),
            ),
        ),
    )


def details(state: Any) -> Markup:
    """The account as the provider names it, the masks, when and by whom."""

    def row(pair: Any) -> Markup:
        return rx.el.tr(
            rx.el.th(pair[0], scope="row"),
            rx.el.td(
                rx.el.span(pair[1], class_name="ah-value"),
                rx.el.button(
                    "Copy",
                    rx.el.span(" ", pair[0], class_name="ah-hidden"),
                    type="button",
                    class_name="ah-button ah-copy",
                    custom_attrs={"data-ah-copy": pair[1]},
                ),
            ),
        )

    return section(
        "Details",
        rx.el.table(
            rx.el.tbody(
                rx.foreach(state.details, row),
                rx.el.tr(rx.el.th("Name here", scope="row"), rx.el.td(state.label)),
                rx.foreach(
                    state.masks, lambda pair: rx.el.tr(rx.el.th(pair[0], scope="row"), rx.el.td(rx.el.code(pair[1])))
                ),
                rx.el.tr(rx.el.th("Connected", scope="row"), rx.el.td(ago(state.at), " by ", state.by)),
                rx.cond(state.expires != "", rx.el.tr(rx.el.th("Ends", scope="row"), rx.el.td(ago(state.expires)))),
            ),
            class_name="ah-table",
        ),
    )


def scopes(state: Any) -> Markup:
    """What the vendor granted, and what is missing."""

    def listed(title: str, names: Any, mark: str) -> Markup:
        return rx.cond(
            names.length() > 0,
            rx.el.div(
                rx.el.h4(title),
                rx.el.ul(rx.foreach(names, lambda name: rx.el.li(mark, rx.el.code(name))), class_name="ah-scopes"),
            ),
        )

    return rx.cond(
        (state.granted.length() > 0) | (state.missing.length() > 0),
        section("Scopes", listed("Missing", state.missing, "✕ "), listed("Granted", state.granted, "✓ ")),
    )


def others(state: Any, page: Any) -> Markup:
    """What is stored beside the default."""
    return rx.cond(
        state.others.length() > 0,
        section(
            "Also stored",
            rx.el.ul(
                rx.foreach(
                    state.others,
                    lambda other: rx.el.li(
                        rx.el.span(other[1]), rx.cond(page.may_change, make_default(state, other)), class_name="ah-row"
                    ),
                ),
                class_name="ah-plain",
            ),
        ),
    )
