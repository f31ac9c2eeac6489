"""The drawer: everything about one provider, at an address of its own."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers import key_of
from atlas_hub.providers.contract import Provider, Purpose
from atlas_hub.services.status import Mode
from atlas_hub.services.views import State
from atlas_hub.ui import consent, newer, picker, scrape, words
from atlas_hub.ui.acts import choices, danger, rename, tests
from atlas_hub.ui.connecting import connecting, copies, how_to
from atlas_hub.ui.facts import about, details, known, others, section
from atlas_hub.ui.scopes import scopes
from atlas_hub.ui.theme import Markup, address, badge, link, mark
from atlas_hub.ui.used import used_by


def drawer(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """Head, then what needs doing, what is known, what can be done, and the danger zone last."""
    return rx.el.div(
        rx.el.header(
            mark(provider),
            rx.el.div(
                rx.el.h2(provider.name, id="ah-drawer-title", tab_index=-1, custom_attrs={"data-ah-focus": ""}),
                rx.el.p(badge(state), rx.el.span(state.account, class_name="ah-account"), class_name="ah-row"),
            ),
            link("Close", to=address(route), class_name="ah-button", custom_attrs={"data-ah-close": ""}),
            class_name="ah-drawer-head",
        ),
        rx.el.div(
            _said(state),
            consent.outcome(provider, state, page, drawer=True),
            consent.question(provider, state, page),
            rx.match(
                state.mode,
                (words.LOADING, rx.el.p("Loading…", class_name="ah-quiet")),
                (Mode.HINT.value, _hint(provider, state)),
                (Mode.NOT_AVAILABLE.value, _not_available(provider)),
                (Mode.CLOSED.value, section("Closed", rx.el.p(words.lifecycle(provider) or provider.sentence))),
                _here(provider, state, page),
            ),
            class_name="ah-drawer-body",
        ),
        class_name="ah-drawer-inside",
        custom_attrs={
            "data-drawer": key_of(provider),
            "data-of": provider.slug,
            "data-mode": state.mode,
            "data-state": state.state,
        },
    )


def _said(state: Any) -> Markup:
    problem = state.errors["card"]
    return rx.fragment(
        rx.el.p(
            state.said,
            class_name="ah-said",
            role="status",
            tab_index=-1,
            custom_attrs={
                "data-ah-said": rx.cond(state.said != "", rx.cond(state.busy == "connect", "connect", "yes"), ""),
                "data-tone": state.tone,
            },
        ),
        rx.cond(problem, rx.el.p(problem, class_name="ah-error", role="alert")),
    )


def _hint(provider: Provider, state: Any) -> Markup:
    """What the operator of a self-hosted hub may do. The variables' names come with the state, not with the page."""
    return section(
        "What needs doing",
        rx.el.p(f"{provider.name} cannot be connected here. Whoever runs the hub sets one of these and restarts it:"),
        rx.el.ul(rx.foreach(state.hint, lambda each: rx.el.li(rx.el.code(each))), class_name="ah-bullets"),
    )


def _not_available(provider: Provider) -> Markup:
    return section("Not available", rx.el.p(f"{provider.name} is not available here. Ask whoever runs this service."))


def _here(provider: Provider, state: Any, page: Any) -> Markup:
    """The body where something is stored or can be."""
    broken = (state.mode == Mode.CONNECTED.value) & (state.tone == words.Tone.BROKEN.value)
    # Nobody types a key of a service that was closed.
    typing = (
        page.may_change
        & (not provider.lifecycle.closed)
        & ((state.mode == Mode.FORM.value) | (state.mode == Mode.CONNECTING.value) | broken | (state.form != ""))
    )
    shown = state.state != ""
    return rx.fragment(
        _doing(provider, state, page),
        _waiting(provider, state, page),
        rx.cond(state.mode == Mode.ENVIRONMENT.value, _environment(state)),
        rx.cond(state.fallback != "", section("Until then", rx.el.p(state.fallback))),
        rx.cond(
            typing,
            rx.el.div(
                connecting(provider, state, page),
                rx.el.div(how_to(provider, state), copies(provider, state, page)),
                class_name="ah-beside",
            ),
            rx.cond(state.mode == Mode.FORM.value, _for_admins(provider)),
        ),
        rx.cond(shown, rx.fragment(known(provider, state, page), details(state), scopes(provider, state, page))),
        scrape.configuration(provider, state),
        picker.channels(provider, state, page) if provider.methods[0].purpose is Purpose.CHAT else rx.fragment(),
        used_by(page, state.connection, rx.el.h3("Used by")),
        rx.cond(
            page.may_change,
            rx.fragment(
                *tests(provider, state, page), choices(provider, state), rx.cond(shown, rename(provider, state))
            ),
        ),
        others(provider, state, page),
        rx.cond(~typing, rx.fragment(how_to(provider, state), copies(provider, state, page))),
        about(provider),
        rx.cond(page.may_change & (state.mode == Mode.CONNECTED.value), danger(provider, state, page)),
    )


def _doing(provider: Provider, state: Any, page: Any) -> Markup:
    """What an admin has to do, why nothing is proven where there is nothing to do, and where the service ends."""
    life = words.lifecycle(provider)
    if provider.lifecycle.closed:
        said = rx.cond(state.reason != "", state.reason, life)
        return section("Service closed", rx.el.p(said, class_name="ah-reason"))
    heading = rx.cond((state.state == State.UNVERIFIED.value) & ~state.needs, "Not proven yet", "What needs doing")
    return rx.fragment(
        *([section("The end of the service", rx.el.p(life, class_name="ah-reason"))] if life else []),
        rx.cond(
            state.newer.length() > 0,
            newer.question(state, page),
            rx.cond(state.reason != "", section(heading, rx.el.p(state.reason, class_name="ah-reason"))),
        ),
    )


def _waiting(provider: Provider, state: Any, page: Any) -> Markup:
    return rx.cond(state.until != "", section("Waiting", consent.waiting(provider, state, page)))


def _environment(state: Any) -> Markup:
    return section(
        "From the environment",
        rx.el.p(
            "Using environment variable (",
            rx.el.code(state.variables.join(", ")),
            "). It is managed by whoever runs the hub, so it cannot be disconnected here.",
        ),
    )


def _for_admins(provider: Provider) -> Markup:
    return section(
        "Not connected",
        rx.el.p(provider.sentence),
        rx.el.p(f"An owner or admin of this workspace can connect {provider.name}.", class_name="ah-quiet"),
    )
