"""A provider's other parts on its card: a compact section for each, and the badge that is the worse of those set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from atlas_hub.providers import key_of
from atlas_hub.providers.contract import Provider
from atlas_hub.services.status import Mode
from atlas_hub.ui import newer
from atlas_hub.ui.theme import Markup, address, badge, link

Beside = Sequence[tuple[Provider, Any]]
"""The other parts of a provider, each with its state."""


@dataclass(frozen=True)
class Badge:
    """The word and the meaning of a badge, as vars; `given`: whether anything is set up that it speaks of."""

    badge: Any
    tone: Any
    given: Any


def connected(state: Any) -> Any:
    """Whether a card's state counts as connected, in the browser."""
    return (state.mode == Mode.CONNECTED.value) | (state.mode == Mode.ENVIRONMENT.value)


def worst(state: Any, beside: Beside) -> Badge:
    """The worst badge of those parts that are set up; the main part's own where none is."""
    found = _of(state)
    for _, other in beside:
        found = _worse(found, _of(other))
    return found


def _of(state: Any) -> Badge:
    return Badge(state.badge, state.tone, connected(state) | (state.mode == Mode.NO_DEFAULT.value))


def _worse(one: Badge, other: Badge) -> Badge:
    leads = other.given & (~one.given | (_rank(other.tone) > _rank(one.tone)))
    return Badge(rx.cond(leads, other.badge, one.badge), rx.cond(leads, other.tone, one.tone), one.given | other.given)


def _rank(tone: Any) -> Any:
    return rx.cond(tone == "broken", 3, rx.cond(tone == "attention", 2, rx.cond(tone == "off", 1, 0)))


def section(part: Provider, state: Any, route: str, page: Any) -> Markup:
    """Another part on its provider's card: its state, what it is connected to, and the way to its drawer."""
    key = key_of(part)
    place = f"card-{key}"
    opens: dict[str, Any] = {"to": address(route, key), "class_name": "ah-button", "on_click": page.open(key)}
    named = rx.el.span(f" {part.name}", class_name="ah-hidden")
    able = page.may_change & (state.mode == Mode.FORM.value)
    return rx.el.section(
        rx.el.div(rx.el.h4(part.methods[0].label, id=place), badge(state), class_name="ah-card-head"),
        rx.cond(
            state.connection != "",
            rx.el.p(rx.el.span(state.account, class_name="ah-account"), class_name="ah-line"),
        ),
        rx.cond((state.connection != "") & (state.reason != ""), rx.el.p(state.reason, class_name="ah-reason")),
        newer.notice(part, state, route, page),
        rx.cond(
            (state.mode == Mode.FORM.value) | (state.connection != "") | (state.mode == Mode.NO_DEFAULT.value),
            rx.el.div(
                rx.cond(able, link("Set up", named, **opens), link("Details", named, **opens)),
                class_name="ah-acts",
            ),
        ),
        class_name="ah-part",
        custom_attrs={
            "data-part": key,
            "data-mode": state.mode,
            "data-state": state.state,
            "data-word": state.badge,
            "aria-labelledby": place,
        },
    )
