"""What stands beside the cards of the providers: the card of scheduled webhooks and the strip of delivery channels."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers import PROVIDERS
from atlas_hub.services.status import Mode
from atlas_hub.ui import words
from atlas_hub.ui.cards import CARDS
from atlas_hub.ui.theme import Markup, address, glyph, link, shape

HOOKS = "webhooks"
NAME = "Scheduled webhooks"
"""Not *Webhook*: that one takes alerts, at one address for the workspace."""


def webhooks(page: Any) -> Markup:
    """The summary card: how many scheduled deliveries go to a webhook. There is nothing to connect."""
    active = page.webhooks > 0
    return rx.el.article(
        rx.el.div(
            glyph(HOOKS, NAME),
            rx.el.h3(NAME, id="card-webhooks"),
            rx.cond(page.loaded, rx.cond(active, _word("good", "Active"), _word("off", "None"))),
            class_name="ah-card-head",
        ),
        rx.el.p(
            rx.cond(
                active,
                rx.fragment(
                    rx.el.strong(page.webhooks, class_name="ah-figure"),
                    rx.cond(page.webhooks == 1, " scheduled delivery goes", " scheduled deliveries go"),
                    " to a webhook.",
                ),
                "Schedules may deliver to webhooks of their own. None does now.",
            ),
            class_name="ah-quiet ah-sentence",
        ),
        class_name="ah-card",
        custom_attrs={
            "data-card": HOOKS,
            "data-name": NAME,
            "data-mode": rx.cond(active, "connected", "none"),
            "data-tone": rx.cond(active, "good", "off"),
            "data-word": rx.cond(active, "Active", "None"),
            "aria-labelledby": "card-webhooks",
        },
    )


def strip(route: str, page: Any) -> Markup:
    """What messages can leave by now, and what is missing for the rest."""
    return rx.el.section(
        rx.el.h2("Delivery channels", id="ah-channels"),
        rx.el.ul(
            _channel("email", "E-mail", route, page),
            _channel("slack", "Slack", route, page),
            rx.el.li(
                rx.el.span("Webhook ", class_name="ah-channel-name"),
                rx.cond(
                    page.webhooks > 0,
                    _word("good", rx.fragment(page.webhooks, " ready")),
                    _word("off", "no scheduled delivery uses one"),
                ),
                class_name="ah-channel",
                custom_attrs={"data-channel": "webhook"},
            ),
            class_name="ah-plain ah-strip",
        ),
        custom_attrs={"aria-labelledby": "ah-channels"},
    )


def _channel(slug: str, name: str, route: str, page: Any) -> Markup:
    """One channel: only what is proven counts as ready."""
    provider, state = PROVIDERS[slug], CARDS[slug]
    told = rx.match(
        state.state,
        ("ok", _word("good", "ready")),
        ("expiring", _word("good", "ready")),
        ("degraded", _word("good", "ready")),
        ("unverified", _word("attention", "not proven")),
        ("unreachable", _word("attention", "no answer")),
        ("", _word("good", "set by the environment")),
        _word("broken", "not working"),
    )
    return rx.el.li(
        rx.el.span(f"{name} ", class_name="ah-channel-name"),
        rx.match(
            state.mode,
            (words.LOADING, rx.fragment()),
            (Mode.CONNECTED.value, told),
            (Mode.ENVIRONMENT.value, told),
            (Mode.NO_DEFAULT.value, _word("attention", "no default")),
            rx.cond(
                state.falls_back,
                _word("good", "ready by the operator's mail"),
                rx.el.span(
                    _word("off", "not set up"),
                    rx.cond(
                        (state.mode == Mode.FORM.value) & page.may_change,
                        link("Set up", to=address(route, slug), custom_attrs={"aria-label": f"Set up {provider.name}"}),
                    ),
                    class_name="ah-row",
                ),
            ),
        ),
        class_name="ah-channel",
        custom_attrs={"data-channel": slug},
    )


def _word(tone: str, text: Any) -> Markup:
    return rx.el.span(shape(tone), rx.el.span(text), class_name="ah-badge", custom_attrs={"data-tone": tone})
