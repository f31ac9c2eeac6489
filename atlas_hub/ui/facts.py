"""What the drawer tells: the four truths, details, scopes, what else is stored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.ui import words
from atlas_hub.ui.card import make_default
from atlas_hub.ui.confirming import confirming
from atlas_hub.ui.connecting import ladder
from atlas_hub.ui.theme import UNTOLD, Markup, ago, shape
from atlas_hub.ui.used import STOPS, used_by

TYPED: Final = 4
"""How many characters nobody copies: a yes, a region."""


def section(title: Any, *children: Any, **attributes: Any) -> Markup:
    """A titled part of the drawer."""
    return rx.el.section(rx.el.h3(title), *children, class_name="ah-section", **attributes)


def known(provider: Provider, state: Any, page: Any) -> Markup:
    """The four truths with proof and age, and the button that asks again; three where nothing can be sent."""
    asks = page.may_change & (not provider.lifecycle.closed)
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
        for number, truth, holds, fails in words.truths_of(provider)
    ]
    return section(
        "What is known",
        rx.el.ol(*rungs, class_name="ah-ladder ah-known"),
        rx.cond(
            asks,
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
                rx.cond(
                    pair[1].length() > TYPED,
                    rx.el.button(
                        "Copy",
                        rx.el.span(" ", pair[0], class_name="ah-hidden"),
                        type="button",
                        class_name="ah-button ah-copy",
                        custom_attrs={"data-ah-copy": pair[1]},
                    ),
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


def others(provider: Provider, state: Any, page: Any) -> Markup:
    """What is stored beside the default, and what may be done with it."""
    return rx.cond(
        state.others.length() > 0,
        section(
            "Also stored",
            rx.el.ul(
                rx.foreach(state.others, lambda other: _other(provider, state, other, page)), class_name="ah-plain"
            ),
        ),
    )


def _other(provider: Provider, state: Any, other: Any, page: Any) -> Markup:
    """`other`: id, label, account, word, meaning."""
    place = f"other-{other[0]}"
    return rx.el.li(
        rx.el.span(
            rx.el.strong(other[1]),
            rx.cond(other[2] != "", rx.el.span(" ", other[2], class_name="ah-quiet")),
            class_name="ah-grow",
        ),
        rx.el.span(shape(other[4]), rx.el.span(other[3]), class_name="ah-badge", custom_attrs={"data-tone": other[4]}),
        rx.cond(
            page.may_change,
            rx.el.span(
                make_default(state, other),
                rx.el.button(
                    "Check",
                    rx.el.span(" ", other[1], class_name="ah-hidden"),
                    type="button",
                    class_name="ah-button",
                    on_click=state.check_other(other[0]),
                    custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
                ),
                rx.el.button(
                    "Disconnect…",
                    rx.el.span(" ", other[1], class_name="ah-hidden"),
                    type="button",
                    class_name="ah-button ah-danger",
                    custom_attrs={"data-ah-opens": place},
                ),
                _goodbye(provider, state, other, place, page),
                class_name="ah-row",
            ),
        ),
        class_name="ah-row ah-other",
    )


def _goodbye(provider: Provider, state: Any, other: Any, place: Any, page: Any) -> Markup:
    return confirming(
        place,
        ("Disconnect ", other[1], "?"),
        rx.el.input(type="hidden", name="connection", value=other[0], read_only=True),
        rx.el.p(f"The default {provider.name} connection stays. What is stored of this one's key is deleted."),
        used_by(page, other[0], rx.el.p(STOPS)),
        verb="Disconnect",
        act=state.disconnect_other,
    )


def about(provider: Provider) -> Markup:
    """What it can do and needs, where it is in its life, and its limits: all from the provider file."""
    features = [
        rx.el.li(words.FEATURES[feature], *([" needs ", *_codes(scopes)] if scopes else []))
        for feature, scopes in provider.features.items()
    ]
    life = words.lifecycle(provider)
    if not (features or provider.limits or life):
        return rx.fragment()
    return rx.el.details(
        rx.el.summary("What it is for, and its limits"),
        *([rx.el.p(life, class_name="ah-reason")] if life else []),
        rx.el.ul(*features, *[rx.el.li(limit) for limit in provider.limits], class_name="ah-bullets"),
        class_name="ah-disclosure",
    )


def _codes(scopes: Iterable[str]) -> list[Any]:
    parts: list[Any] = []
    for scope in sorted(scopes):
        parts += [", ", rx.el.code(scope)]
    return parts[1:]
