"""A hub, its vendors with OAuth, and browsers of the people who agree there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select
from sqlmodel import col
from starlette.requests import Request

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.services import status
from atlas_hub.services.access import Actor
from atlas_hub.services.views import CardView
from atlas_hub.storage.models import Connection, Credential, HubModel, OAuthAttempt
from atlas_hub.storage.sealed import bound_to
from tests.conftest import actor
from tests.standins.browser import click, told
from tests.standins.discord import DiscordStandin
from tests.standins.slack import SlackStandin
from tests.standins.teams import TeamsStandin

ADDRESS = "http://hub.test"
ROUTE = "/admin/integrations"
HEADERS = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
Answer = httpx.Response


class Clock:
    """The hub's clock, which a test sets forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return now() + self.ahead

    def forward(self, **by: float) -> None:
        self.ahead += timedelta(**by)


@dataclass
class Sessions:
    """The host's actors module: who is signed in with which `who` cookie."""

    people: dict[str, Actor] = field(default_factory=dict)
    SIGN_IN_PATH: str = "/sign-in"

    async def actor_of_request(self, request: Request) -> Actor | None:
        return self.people.get(request.cookies.get("who", ""))


@dataclass
class Vendors:
    """The three with consent pages."""

    slack: SlackStandin
    teams: TeamsStandin
    discord: DiscordStandin

    def of(self, slug: str) -> Any:
        return {"slack": self.slack, "teams": self.teams, "discord": self.discord}[slug]

    def reset(self) -> None:
        for each in (self.slack, self.teams, self.discord):
            each.reset()

    def secrets(self) -> set[str]:
        """What nobody may find anywhere: client secrets, tokens and codes."""
        return set().union(*(each.hidden() for each in (self.slack, self.teams, self.discord)))


@dataclass
class Ground:
    """What a test stands on."""

    hub: Hub
    vendors: Vendors
    sessions: Sessions
    app: Any
    clock: Clock
    owner: Actor

    def browser(self, who: str = "owner", base: str = ADDRESS) -> Browser:
        """A browser in which somebody is signed in."""
        return Browser(self, who, base)

    def person(self, who: str, **given: Any) -> Actor:
        """Somebody, who is signed in with the cookie `who` from now on."""
        self.sessions.people[who] = actor(**given)
        return self.sessions.people[who]

    async def card(self, slug: str, who: str = "owner") -> CardView:
        return await status.card(self.hub, self.sessions.people[who].workspace, slug)

    async def rows(self, model: type[HubModel] = Connection) -> list[Any]:
        async with self.hub.db.reading() as tx:
            key = HubModel.metadata.tables[model.__tablename__].primary_key.columns.values()[0]
            return list((await tx.execute(select(model).order_by(key))).scalars())

    async def attempts(self) -> list[OAuthAttempt]:
        async with self.hub.db.reading() as tx:
            found = await tx.execute(select(OAuthAttempt).order_by(col(OAuthAttempt.created_at)))
            return list(found.scalars())

    async def token(self, slot: str = "current") -> dict[str, str]:
        """The secrets of the one credential that is stored."""
        (row,) = await self.rows(Credential)
        opened = self.hub.vault.open(getattr(row, slot), bound_to=bound_to(row, slot))
        return {name: secret.reveal() for name, secret in opened.items()}

    async def dump(self) -> str:
        """Every value of every table, as one text."""
        said: list[str] = []
        async with self.hub.db.reading() as tx:
            for table in HubModel.metadata.sorted_tables:
                for row in await tx.execute(select(table)):
                    said += [repr(value) for value in row]
        return "\n".join(said)

    async def clean(self) -> None:
        """Nothing that a vendor gave or knows us by is readable in the database."""
        dump = await self.dump()
        secrets = self.vendors.secrets()
        assert len(secrets) > 3
        assert [each for each in secrets if each in dump] == []


class Browser:
    """A browser: cookies of its own, no redirect followed by itself."""

    def __init__(self, ground: Ground, who: str, base: str) -> None:
        self.ground = ground
        self.base = base
        self.http = httpx.AsyncClient(  # noqa: TID251  # a browser, not the hub
            transport=httpx.ASGITransport(app=ground.app), base_url=base, cookies={"who": who} if who else {}
        )

    async def begin(self, slug: str, headers: Mapping[str, str] | None = None, **form: str) -> Answer:
        """Press the button of a card."""
        given = {"sec-fetch-site": "same-origin", "origin": self.base, **(headers or {})}
        return await self.http.post(f"/oauth/begin/{slug}", data=form, headers=given)

    async def consent(self, slug: str, button: str = "", url: str = "", **choices: str) -> str:
        """The address with which the vendor sends this browser back: of `url`, else of a consent begun for it."""
        if not url:
            answer = await self.begin(slug)
            assert answer.status_code == 303, answer.text
            url = answer.headers["location"]
        with httpx.Client() as http:  # as above
            usual = {"slack": "Allow", "teams": "Accept", "discord": "Authorize"}[slug]
            return str(await asyncio.to_thread(click, http, url, button or usual, **choices))

    async def back(self, url: str) -> Answer:
        """Come back from the vendor."""
        answer = await self.http.get(url)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        return answer

    async def connect(self, slug: str, form: Mapping[str, str] | None = None, **choices: str) -> Answer:
        """Everything: begin, agree (at Microsoft sign in, too), come back."""
        begun = await self.begin(slug, **(form or {}))
        assert begun.status_code == 303, begun.text
        if slug == "teams":
            where = {name: choices.pop(name) for name in ("tenant",) if name in choices}
            begun = await self.back(await self.consent(slug, url=begun.headers["location"], **where))
            assert begun.status_code == 303
            if begun.headers["location"].startswith("/"):
                return begun
        return await self.back(await self.consent(slug, url=begun.headers["location"], **choices))

    async def page(self, answer: Answer) -> str:
        """The text of the page that a consent which came to nothing leads to."""
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert where.startswith("/oauth/ended/"), where
        shown = await self.back(where)
        assert shown.status_code == 400
        assert 'role="alert"' in shown.text
        return shown.text


def state_of(url: str) -> str:
    """The state in an address."""
    return told(url)["state"]


__all__ = ["Browser", "Clock", "Connection", "Credential", "Ground", "Sessions", "Vendors", "state_of", "told"]
