"""One card: what depends on the provider file is markup, all else is a Var of the card's state."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers import key_of
from atlas_hub.providers.contract import Provider, Purpose
from atlas_hub.services.status import Mode
from atlas_hub.services.views import Truth
from atlas_hub.ui import consent, newer, parts, words
from atlas_hub.ui.theme import UNTOLD, Markup, address, ago, badge, link, mark

_DELIVERED = 3
"""The place of that truth."""
SUBSCRIBERS = "subscribers"
"""The end of the address of the page that lists them."""


def card(provider: Provider, state: Any, route: str, page: Any, beside: parts.Beside = ()) -> Markup:
    """The card of a provider in its group: expanded where something is stored, else a compact row; `beside` it a
    section for each other part.
    """
    place = f"card-{provider.slug}"
    worst = parts.worst(state, beside)
    return rx.el.article(
        rx.el.div(mark(provider), rx.el.h3(provider.name, id=place), badge(worst), class_name="ah-card-head"),
        _body(provider, state, page),
        rx.cond(state.fallback != "", rx.el.p(state.fallback, class_name="ah-reason")),
        rx.cond(
            (state.until != "") & (state.mode != Mode.CONNECTING.value),
            consent.waiting(provider, state, page, small=True),
        ),
        consent.outcome(provider, state, page),
        consent.asks(provider, state, page, _review(provider, route, page)),
        _ending(provider, state),
        newer.notice(provider, state, route, page),
        _subscribers(provider, state, route),
        _problem(state),
        _acts(provider, state, route, page),
        *[parts.section(part, other, route, page) for part, other in beside],
        class_name="ah-card",
        custom_attrs={
            "data-card": provider.slug,
            "data-name": provider.name,
            "data-mode": state.mode,
            "data-state": state.state,
            "data-tone": worst.tone,
            "data-word": worst.badge,
            "data-beside": _also(beside),
            "aria-labelledby": place,
            "aria-busy": rx.cond(state.mode == words.LOADING, "true", "false"),
        },
    )


def _body(provider: Provider, state: Any, page: Any) -> Any:
    """What the card says of what is there."""
    return rx.match(
        state.mode,
        (words.LOADING, _skeleton()),
        (Mode.CONNECTED.value, _connected(provider, state)),
        (Mode.ENVIRONMENT.value, _environment(provider, state)),
        (Mode.CONNECTING.value, consent.waiting(provider, state, page)),
        (Mode.NO_DEFAULT.value, rx.el.p(state.reason, class_name="ah-reason")),
        (Mode.HINT.value, _hint(provider, state)),
        (Mode.NOT_AVAILABLE.value, _not_available(provider)),
        (Mode.CLOSED.value, rx.el.p(words.lifecycle(provider) or provider.sentence, class_name="ah-reason")),
        rx.el.p(provider.sentence, class_name="ah-quiet ah-sentence"),
    )


def _also(beside: parts.Beside) -> Any:
    """Whether another part is connected: the card is then found among the connected ones."""
    found: Any = ""
    for _, other in beside:
        found = rx.cond(parts.connected(other), "connected", found)
    return found


def _ending(provider: Provider, state: Any) -> Markup:
    """Where a service is in its life, but where the card says that it is closed anyway."""
    life = words.lifecycle(provider)
    if not life:
        return rx.fragment()
    said = rx.el.p(life, class_name="ah-reason", custom_attrs={"data-life": ""})
    told = (state.mode == Mode.CLOSED.value) | (state.mode == words.LOADING)
    return rx.cond(told | ((state.reason != "") & provider.lifecycle.closed), rx.fragment(), said)


def needy(provider: Provider, state: Any, route: str) -> Markup:
    """The row under "Needs you" for a card where an admin has something to do."""
    return rx.cond(
        state.needs,
        rx.el.li(
            mark(provider),
            rx.el.span(rx.el.strong(provider.name), " ", rx.el.span(state.account, class_name="ah-quiet")),
            badge(state),
            rx.el.span(state.reason, class_name="ah-needy-reason"),
            link(
                "Review",
                rx.el.span(f" {provider.name}", class_name="ah-hidden"),
                to=address(route, key_of(provider)),
                class_name="ah-button",
            ),
            class_name="ah-needy",
            custom_attrs={"data-needs": key_of(provider), "data-of": provider.slug, "data-tone": state.tone},
        ),
    )


def _skeleton() -> Markup:
    return rx.el.div(
        rx.el.span(class_name="ah-bone"),
        rx.el.span(class_name="ah-bone ah-short"),
        custom_attrs={"aria-hidden": "true"},
    )


def _connected(provider: Provider, state: Any) -> Markup:
    """Account, two truths with their age, who connected it, the mask of the key."""
    return rx.fragment(
        rx.el.p(
            rx.el.span(state.account, class_name="ah-account"),
            rx.cond(state.label != state.account, rx.el.span(" · ", state.label, class_name="ah-quiet")),
            class_name="ah-line",
        ),
        rx.cond(state.reason != "", rx.el.p(state.reason, class_name="ah-reason")),
        _truths(provider, state),
        rx.el.p(
            "by ",
            state.by,
            " · ",
            ago(state.at, "date"),
            rx.foreach(state.masks, lambda pair: rx.el.span(" · ", rx.el.code(pair[1]), title=pair[0])),
            class_name="ah-quiet ah-small",
        ),
    )


def truth(state: Any, number: int, holds: str, fails: str, untold: Any) -> Markup:
    """One truth in a word, with its age."""
    told = state.truths[number]
    return rx.el.span(
        rx.match(told[0], ("yes", "✓ " + holds), ("no", "✕ " + fails), UNTOLD + untold),
        rx.cond((told[1] != "") & (told[0] != words.NOT_TOLD), rx.fragment(" ", ago(told[1]))),
        title=told[2],
        custom_attrs={"data-truth": told[0]},
    )


def _truths(provider: Provider, state: Any) -> Markup:
    tried = rx.cond(state.truths[_DELIVERED][1] != "", "sent, not known to have arrived", "nothing sent yet")
    purpose = provider.methods[0].purpose
    untold = {
        Truth.AUTHENTICATED: "not proven yet" if purpose is Purpose.ALERTS else "not checked yet",
        Truth.DELIVERED: tried,
    }
    if purpose is Purpose.SCRAPE:
        untold = {Truth.AUTHENTICATED: "not seen yet", Truth.DELIVERED: "not scraped yet"}
    told = [each for each in words.truths_of(provider) if each[1] in untold]
    return rx.el.p(
        *[truth(state, at, yes.lower(), no.lower(), untold[each]) for at, each, yes, no in told],
        class_name="ah-truths",
    )


def _environment(provider: Provider, state: Any) -> Markup:
    """What the operator's variables connect, named here because only a self-hosted hub's state carries the names."""
    return rx.fragment(
        rx.cond(state.account != "", rx.el.p(rx.el.span(state.account, class_name="ah-account"), class_name="ah-line")),
        rx.cond(state.reason != "", rx.el.p(state.reason, class_name="ah-reason")),
        rx.cond(
            state.variables.length() > 0,
            rx.el.p(
                "Using environment variable (",
                rx.el.code(state.variables[0]),
                ")",
                class_name="ah-quiet",
            ),
        ),
        rx.cond(state.connection != "", _truths(provider, state)),
    )


def _review(provider: Provider, route: str, page: Any) -> Markup:
    place = address(route, provider.slug)
    return link("Choose", rx.el.span(f" for {provider.name}", class_name="ah-hidden"), to=place,
                class_name="ah-button", on_click=page.open(provider.slug))  # fmt: skip


def _subscribers(provider: Provider, state: Any, route: str) -> Markup:
    """How many connections subscribers of applications have, with the way to them; a host's page has no such way."""
    text = rx.cond(state.subscribers == 1, "1 subscriber connection", f"{state.subscribers} subscriber connections")
    shown = link(text, to=f"{route}/{SUBSCRIBERS}?provider={provider.slug}") if route else text
    return rx.cond(state.subscribers > 0, rx.el.p(shown, class_name="ah-quiet ah-small"))


def _hint(provider: Provider, state: Any) -> Markup:
    return rx.el.p(
        f"{provider.name} cannot be connected here yet. Whoever runs the hub sets ",
        rx.el.code(state.hint.join(", or ")),
        " and restarts it.",
        class_name="ah-reason",
    )


def _not_available(provider: Provider) -> Markup:
    return rx.el.p(f"{provider.name} is not available here. Ask whoever runs this service.", class_name="ah-reason")


def _problem(state: Any) -> Markup:
    problem = state.errors["card"]
    return rx.cond(problem, rx.el.p(problem, class_name="ah-error", role="alert"))


def _acts(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """Details for what is connected, and the one next act."""
    place = address(route, provider.slug)
    named = rx.el.span(f" {provider.name}", class_name="ah-hidden")
    # The drawer need not wait for the navigation, which loads every card anew.
    opens = page.open(provider.slug)
    details = link("Details", named, to=place, class_name="ah-button", on_click=opens)

    def first(text: str) -> Markup:
        return link(text, named, to=place, class_name="ah-button ah-primary", on_click=opens)

    return rx.el.div(
        rx.match(
            state.mode,
            (
                Mode.CONNECTED.value,
                rx.fragment(
                    rx.cond(
                        page.may_change & (state.tone == words.Tone.BROKEN.value) & (not provider.lifecycle.closed),
                        _reconnect(provider, state, first("Reconnect")),
                    ),
                    details,
                ),
            ),
            (Mode.ENVIRONMENT.value, details),
            (Mode.CONNECTING.value, details),
            (
                Mode.NO_DEFAULT.value,
                rx.fragment(rx.cond(page.may_change, make_default(state, state.others[0], primary=True)), details),
            ),
            (
                Mode.FORM.value,
                rx.cond(page.may_change, _first(provider, state, first("Connect"), details), details),
            ),
            rx.fragment(),
        ),
        class_name="ah-acts",
    )


def _first(provider: Provider, state: Any, typed: Markup, details: Markup) -> Markup:
    """To connect: the vendor's consent where it is offered, else the form."""
    if provider.oauth is None:
        return typed
    return rx.cond(state.offers, rx.fragment(details, consent.button(provider)), typed)


def _reconnect(provider: Provider, state: Any, typed: Markup) -> Markup:
    if provider.oauth is None:
        return typed
    return rx.cond(state.offers & state.by_consent, consent.again(provider, state), typed)


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
