"""What a card's state knows and does of consents at the vendor and of features, beside the rest (`cards.CardState`)."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.errors import HubError
from atlas_hub.services import features, granting
from atlas_hub.services.access import Actor
from atlas_hub.services.connections import Mode
from atlas_hub.ui import words
from atlas_hub.ui.guard import admin_only
from atlas_hub.ui.working import tell, working


class Consenting(rx.State, mixin=True):
    """The consent that may be given, the one under way, what became of the last; and which features are on."""

    offers: bool = False
    app: str = ""
    client_id: str = ""
    until: str = ""
    failed: str = ""
    done: str = ""
    question: rx.Field[list[str]] = rx.field(default_factory=list)  # present, proven, until when it is asked
    by_consent: bool = False
    features: rx.Field[list[str]] = rx.field(default_factory=list)
    told: bool = False
    extra: rx.Field[list[str]] = rx.field(default_factory=list)
    lacks: rx.Field[dict[str, list[str]]] = rx.field(default_factory=dict)
    needed: str = ""
    subscribers: int = 0

    @rx.event(background=True)
    @admin_only
    async def dismiss(self, actor: Actor) -> None:
        """Take away what is said of the last consent, and end one that is under way."""
        card: Any = self
        async with working(card, actor, "dismiss") as free:
            if not free:
                return
            waited = self.until != ""
            try:
                await granting.dismiss(hub(), actor, card.provider.slug)
            except HubError as error:
                await tell(card, errors={"card": error.text})
            else:
                await tell(card, said="Nobody is waited for any more." if waited else "")

    @rx.event(background=True)
    @admin_only
    async def answer(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Store the account that a consent proved in the other's place, beside it, or not at all."""
        card: Any = self
        mode = str(form_data.get("mode", ""))
        async with working(card, actor, "answer") as free:
            if not free:
                return
            if mode not in {Mode.REPLACE, Mode.ADD, words.NEITHER}:
                await tell(card, errors={"consent.mode": "Choose one of the three."})
                return
            try:
                connected = await granting.answer(hub(), actor, card.provider.slug, mode)
            except HubError as error:
                await tell(card, errors={"card": error.text})
            else:
                said = words.welcome(card.provider, connected) if connected else "Nothing was changed."
                await tell(card, said=said)

    @rx.event(background=True)
    @admin_only
    async def switch(self, actor: Actor, feature: str, on: bool) -> None:  # noqa: FBT001  # a switch
        """Switch a feature of the connection that this tab shows."""
        card: Any = self
        async with working(card, actor, "switch") as free:
            if not free:
                return
            try:
                view = await features.switch(hub(), actor, card.connection, str(feature), on is True)
            except HubError as error:
                await tell(card, errors={"card": error.text})
            else:
                await tell(card, said=words.switched(card.provider, view, str(feature)))
