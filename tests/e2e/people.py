"""Workspaces of a test's own, with people who are signed in already and keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

import httpx

from atlas_hub.accounts import people, sessions, workspaces
from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from tests.e2e.ground import Inside, Site

PASSWORD = "four unrelated words"
API = "/api/v1/admin/integrations"


@dataclass(frozen=True)
class Person:
    """Someone with a session."""

    id: str
    email: str
    token: str

    def cookie(self, site: Site) -> dict[str, str]:
        """The session's cookie, as Playwright wants it."""
        return {"name": "atlas_session", "value": self.token, "url": site.base, "sameSite": "Lax"}


@dataclass(frozen=True)
class Place:
    """A workspace of a test's own on a site."""

    site: Site
    inside: Inside
    id: str
    name: str
    rest: httpx.Client = field(repr=False)

    def person(self, role: Role = Role.OWNER) -> Person:
        """A new user of this workspace, signed in."""
        email = f"{role.value}-{secrets.token_hex(4)}@example.com"

        async def make(hub: Hub) -> Person:
            user, _ = await people.create(hub, email=email, password=PASSWORD, role=role, workspace=self.id)
            async with hub.db.transaction() as tx:
                return Person(user.id, email, await sessions.begin(hub, tx, user.id, self.id))

        return self.inside.do(make)

    def join(self, person: Person, role: Role = Role.OWNER) -> None:
        """Make someone of another workspace belong to this one too."""
        self.inside.do(lambda hub: people.create(hub, email=person.email, password=None, role=role, workspace=self.id))

    def status(self) -> dict[str, object]:
        """What the status API says."""
        answer = self.rest.get(f"{API}/status").raise_for_status().json()
        told: dict[str, object] = answer.get("data", answer)
        return told


def found(site: Site, inside: Inside, name: str = "Acme") -> Place:
    """A new workspace, and a client with a key of its own for the REST API. Close the client afterwards."""

    async def make(hub: Hub) -> tuple[str, str]:
        made = await workspaces.create(hub, name)
        actor = Actor(id="e2e", name="e2e", workspace=made.id, role=Role.OWNER)
        key = await api_keys.create(hub, actor, role=Role.OWNER, apis=["admin"])
        return made.id, key.private_key.reveal()

    workspace, key = inside.do(make)
    bearer = {"Authorization": f"Bearer {key}"}
    rest = httpx.Client(
        base_url=site.base.replace("localhost", "127.0.0.1"), headers=bearer, timeout=20, trust_env=False
    )
    return Place(site, inside, workspace, name, rest)


def sign_out_everywhere(inside: Inside, person: Person) -> None:
    """End the person's session, as another browser's sign-out does."""
    inside.do(lambda hub: sessions.end(hub, person.token))
