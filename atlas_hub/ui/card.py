"""One card: what depends on the provider file is markup, all else is a Var of the card's state."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.services.status import Mode
from atlas_hub.ui import words
from atlas_hub.ui.theme import UNTOLD, Markup, ago, badge, link, mark


def card(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """The card of a provider in its group: expanded where something is stored, else a compact row."""
    place = f"card-{provider.slug}"
    return rx.el.article(
        rx.el.div(mark(provider), rx.el.h3(provider.name, id=place), badge(state), class_name="ah-card-head"),
        rx.match(
            state.mode,
            (words.LOADING, _skeleton()),
            (Mode.CONNECTED.value, _connected(state)),
            (Mode.NO_DEFAULT.value, rx.el.p(state.reason, class_name="ah-reason")),
            (Mode.HINT.value, _hint(provider)),
            (Mode.NOT_AVAILABLE.value, _not_available(provider)),
            rx.el.p(provider.sentence, class_name="ah-quiet ah-sentence"),
        ),
        _problem(state),
        _acts(provider, state, route, page),
        class_name="ah-card",
        custom_attrs={
            "data-card": provider.slug,
            "data-name": provider.name,
            "data-mode": state.mode,
            "data-state": state.state,
            "data-tone": state.tone,
            "data-word": state.badge,
            "aria-labelledby": place,
            "aria-busy": rx.cond(state.mode == words.LOADING, "true", "false"),
        },
    )


def needy(provider: Provider, state: Any, route: str) -> Markup:
    """The row under "Needs you" for a card that is broken."""
    return rx.cond(
        state.tone == words.Tone.BROKEN.value,
        rx.el.li(
            mark(provider),
            rx.el.span(rx.el.strong(provider.name), " ", rx.el.span(state.account, class_name="ah-quiet")),
            badge(state),
            rx.el.span(state.reason, class_name="ah-needy-reason"),
            link(
                "Review",
                rx.el.span(f" {provider.name}", class_name="ah-hidden"),
                to=f"{route}/{provider.slug}",
                class_name="ah-button",
            ),
            class_name="ah-needy",
            custom_attrs={"data-needs": provider.slug},
        ),
    )


def channel(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """What the strip of delivery channels says of one provider: only what is proven counts as ready."""
    name = "E-mail" if provider.slug == "email" else provider.name
    return rx.el.li(
        rx.el.span(name, " ", class_name="ah-channel-name"),
        rx.cond(
            state.mode == Mode.CONNECTED.value,
            rx.match(
                state.state,
                ("ok", _word("good", "ready")),
                ("expiring", _word("good", "ready")),
                ("degraded", _word("good", "ready")),
                ("unverified", _word("attention", "not proven")),
                ("unreachable", _word("attention", "no answer")),
                _word("broken", "not working"),
            ),
            rx.el.span(
                _word("off", "not set up"),
                rx.cond(
                    (state.mode == Mode.FORM.value) & page.may_change,
                    link("Set up", to=f"{route}/{provider.slug}", custom_attrs={"aria-label": f"Set up {name}"}),
                ),
                class_name="ah-row",
            ),
        ),
        class_name="ah-channel",
        custom_attrs={"data-channel": provider.slug},
    )


def _word(tone: str, text: str) -> Markup:
    return rx.el.span(
        rx.el.span(class_name="ah-shape", custom_attrs={"data-tone": tone, "aria-hidden": "true"}),
        rx.el.span(text),
        class_name="ah-badge",
        custom_attrs={"data-tone": tone},
    )


def _skeleton() -> Markup:
    return rx.el.div(
        rx.el.span(class_name="ah-bone"),
        rx.el.span(class_name="ah-bone ah-short"),
        custom_attrs={"aria-hidden": "true"},
    )


def _connected(state: Any) -> Markup:
    """Account, two truths with their age, who connected it, the mask of the key."""
    return rx.fragment(
        rx.el.p(
            rx.el.span(state.account, class_name="ah-account"),
            rx.cond(state.label != state.account, rx.el.span(" · ", state.label, class_name="ah-quiet")),
            class_name="ah-line",
        ),
        rx.cond(state.reason != "", rx.el.p(state.reason, class_name="ah-reason")),
        rx.el.p(
            truth(state, 1, "accepted", "not accepted", "not checked yet"),
            truth(state, 3, "delivered", "not delivered", "nothing sent yet"),
            class_name="ah-truths",
        ),
        rx.el.p(
            "by ",
            state.by,
            " · ",
            ago(state.at, "date"),
            rx.foreach(state.masks, lambda pair: rx.el.span(" · ", rx.el.code(pair[1]), title=pair[0])),
            class_name="ah-quiet ah-small",
        ),
    )


def truth(state: Any, number: int, holds: str, fails: str, untold: str) -> Markup:
    """One truth in a word, with its age."""
    told = state.truths[number]
    return rx.el.span(
        rx.match(told[0], ("yes", "✓ " + holds), ("no", "✕ " + fails), UNTOLD + untold),
        rx.cond((told[1] != "") & (told[0] != words.NOT_TOLD), rx.fragment(" ", ago(told[1]))),
        title=told[2],
        custom_attrs={"data-truth": told[0]},
    )


def _hint(provider: Provider) -> Markup:
    return rx.el.p(
        f"To connect {provider.name}, the hub needs a database. Whoever runs it sets ",
        rx.el.code("DATABASE_URL"),
        " and restarts.",
        class_name="ah-reason",
    )


def _not_available(provider: Provider) -> Markup:
    return rx.el.p(f"{provider.name} is not available here. Ask whoever runs this service.", class_name="ah-reason")


def _problem(state: Any) -> Markup:
    problem = state.errors["card"]
    return rx.cond(problem, rx.el.p(problem, class_name="ah-error", role="alert"))


def _acts(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """Details for what is connected, and the one next act."""
    address = f"{route}/{provider.slug}"
    named = rx.el.span(f" {provider.name}", class_name="ah-hidden")
    # The drawer need not wait for the navigation, which loads every card anew.
    opens = page.open(provider.slug)
    details = link("Details", named, to=address, class_name="ah-button", on_click=opens)
    return rx.el.div(
        rx.match(
            state.mode,
            (
                Mode.CONNECTED.value,
                rx.fragment(
                    rx.cond(
                        page.may_change & (state.tone == words.Tone.BROKEN.value),
                        link("Reconnect", named, to=address, class_name="ah-button ah-primary", on_click=opens),
                    ),
                    details,
                ),
            ),
            (
                Mode.NO_DEFAULT.value,
                rx.fragment(rx.cond(page.may_change, make_default(state, state.others[0], primary=True)), details),
            ),
            (
                Mode.FORM.value,
                rx.cond(
                    page.may_change,
                    link("Connect", named, to=address, class_name="ah-button ah-primary", on_click=opens),
                    details,
                ),
            ),
            rx.fragment(),
        ),
        class_name="ah-acts",
    )


def make_default(state: Any, other: Any, *, primary: bool = False) -> Markup:
    """The button that makes a stored connection the default, which it names."""
    return rx.el.button(
        "Make default",
        rx.el.span(": ", other[1], class_name="ah-hidden"),
        type="button",
        class_name="ah-button ah-primary" if primary else "ah-button",
        on_click=state.make_default(other[0]),
        custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
    )
