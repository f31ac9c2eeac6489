"""A key that an API wrote and that waits beside the one that is used: what the vendor said of it, and the question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import reflex as rx

from atlas_hub.hub import Hub, hub
from atlas_hub.kit.errors import HubError
from atlas_hub.providers import key_of
from atlas_hub.providers.contract import Provider
from atlas_hub.services import pending
from atlas_hub.services.access import Actor
from atlas_hub.ui.guard import admin_only
from atlas_hub.ui.theme import Markup, address, link
from atlas_hub.ui.working import tell, working

Verb = Callable[[Hub, Actor, str], Awaitable[Any]]


class Newer(rx.State, mixin=True):
    """What a card's state knows of a newer key, and the two answers."""

    newer: rx.Field[list[str]] = rx.field(default_factory=list)  # the account it proved, what is said of it

    @rx.event(background=True)
    @admin_only
    async def take(self, actor: Actor) -> None:
        """Use the newer key, and let the old account go."""
        card: Any = self
        account = card.newer[0] if card.newer else ""
        await _settle(card, actor, "take", pending.take, f"{account or 'The new key'} is used now.")

    @rx.event(background=True)
    @admin_only
    async def drop(self, actor: Actor) -> None:
        """Forget the newer key."""
        await _settle(self, actor, "drop", pending.drop, "The new key is forgotten; the present one goes on.")


async def _settle(card: Any, actor: Actor, verb: str, work: Verb, said: str) -> None:
    async with working(card, actor, verb) as free:
        if not free:
            return
        try:
            await work(hub(), actor, card.connection)
        except HubError as error:
            await tell(card, errors={"card": error.text})
        else:
            await tell(card, said=said)


def notice(provider: Provider, state: Any, route: str, page: Any) -> Markup:
    """The way to the drawer, which asks; what is said of the newer key stands on the card as the reason."""
    return rx.cond(
        page.may_change & (state.newer.length() > 0),
        rx.el.div(
            link(
                "Choose",
                rx.el.span(f" the key of {provider.name}", class_name="ah-hidden"),
                to=address(route, key_of(provider)),
                class_name="ah-button ah-primary",
                on_click=page.open(key_of(provider)),
            ),
            class_name="ah-acts",
            custom_attrs={"data-newer": rx.cond(state.newer[0] != "", "asks", "refused")},
        ),
    )


def question(state: Any, page: Any) -> Markup:
    """What is said of the newer key, and the answers: use its account, where it proved one, or forget it."""

    def answer(verb: str, event: Any, *text: Any) -> Markup:
        return rx.el.button(
            *text,
            type="button",
            class_name="ah-button ah-primary" if verb == "take" else "ah-button",
            on_click=event,
            custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false"), "data-answer": verb},
        )

    return rx.el.section(
        rx.el.h3("A new key waits"),
        rx.el.p(state.newer[1], class_name="ah-reason"),
        rx.cond(
            page.may_change,
            rx.el.div(
                rx.cond(state.newer[0] != "", answer("take", state.take, "Use ", state.newer[0])),
                answer("drop", state.drop, rx.cond(state.newer[0] != "", "Forget the new token", "Forget the new key")),
                class_name="ah-row",
            ),
        ),
        class_name="ah-section",
        custom_attrs={"data-waits-for": rx.cond(state.newer[0] != "", "account", "key")},
    )
