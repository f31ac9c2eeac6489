"""The drawer: everything about one provider, at an address of its own."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.services.status import Mode
from atlas_hub.ui import words
from atlas_hub.ui.acts import danger, rename, tests
from atlas_hub.ui.connecting import how_to, ways
from atlas_hub.ui.facts import details, known, others, scopes, section
from atlas_hub.ui.theme import Markup, badge, link, mark


def drawer(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """Head, then what needs doing, what is known, what can be done, and the danger zone last."""
    return rx.el.div(
        rx.el.header(
            mark(provider),
            rx.el.div(
                rx.el.h2(provider.name, id="ah-drawer-title", tab_index=-1, custom_attrs={"data-ah-focus": ""}),
                rx.el.p(badge(state), rx.el.span(state.account, class_name="ah-account"), class_name="ah-row"),
            ),
            link("Close", to=route, class_name="ah-button", custom_attrs={"data-ah-close": ""}),
            class_name="ah-drawer-head",
        ),
        rx.el.div(
            _said(state),
            rx.match(
                state.mode,
                (words.LOADING, rx.el.p("Loading…", class_name="ah-quiet")),
                (Mode.CONNECTED.value, _connected(provider, state, page)),
                (Mode.NO_DEFAULT.value, _no_default(provider, state, page)),
                (Mode.FORM.value, _open(provider, state, page)),
                (
                    Mode.HINT.value,
                    section(
                        "What needs doing",
                        rx.el.p(
                            "There is no internal database here. Whoever runs the hub sets ",
                            rx.el.code("DATABASE_URL"),
                            " and restarts it.",
                        ),
                    ),
                ),
                section(
                    "Not available", rx.el.p(f"{provider.name} is not available here. Ask whoever runs this service.")
                ),
            ),
            class_name="ah-drawer-body",
        ),
        class_name="ah-drawer-inside",
        custom_attrs={"data-drawer": provider.slug, "data-mode": state.mode, "data-state": state.state},
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


def _connected(provider: Provider, state: Any, page: Any) -> Markup:
    broken = state.tone == words.Tone.BROKEN.value
    return rx.fragment(
        rx.cond(state.reason != "", section("What needs doing", rx.el.p(state.reason, class_name="ah-reason"))),
        rx.cond(page.may_change & broken, section("Reconnect", ways(provider, state, page))),
        known(state, page),
        details(state),
        scopes(state),
        rx.cond(page.may_change, rx.fragment(*tests(provider, state, page), rename(provider, state))),
        others(state, page),
        rx.cond(
            page.may_change & ~broken,
            rx.el.details(
                rx.el.summary("Replace the credentials"), ways(provider, state, page), class_name="ah-disclosure"
            ),
        ),
        how_to(provider),
        rx.cond(page.may_change, danger(provider, state)),
    )


def _no_default(provider: Provider, state: Any, page: Any) -> Markup:
    return rx.fragment(
        section("What needs doing", rx.el.p(state.reason, class_name="ah-reason")),
        others(state, page),
        rx.cond(page.may_change, section("Connect another", ways(provider, state, page))),
        how_to(provider),
    )


def _open(provider: Provider, state: Any, page: Any) -> Markup:
    return rx.cond(
        page.may_change,
        rx.el.div(
            rx.el.section(
                rx.el.h3(f"Connect {provider.name}"),
                rx.el.p(provider.sentence, class_name="ah-quiet"),
                ways(provider, state, page),
                class_name="ah-section",
            ),
            how_to(provider),
            class_name="ah-beside",
        ),
        section(
            "Not connected",
            rx.el.p(provider.sentence),
            rx.el.p(f"An owner or admin of this workspace can connect {provider.name}.", class_name="ah-quiet"),
        ),
    )
