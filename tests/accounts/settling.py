"""People of a workspace for the settings' tests, and what its audit log says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlalchemy import select

from atlas_hub.accounts import invites, people, workspaces
from atlas_hub.accounts.models import User
from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor, Role
from atlas_hub.storage.models import AuditEvent
from tests.accounts.browser import PASSWORD, Browser, browser_of


@dataclass
class Acme:
    """A workspace, and people made in it by role."""

    hub: Hub
    id: str
    name: str = "Acme"
    people: dict[str, User] = field(default_factory=dict)

    async def person(self, role: Role, email: str = "") -> User:
        email = email or f"{role.value}@example.com"
        user, _ = await people.create(self.hub, email=email, password=PASSWORD, role=role, workspace=self.id)
        self.people[email] = user
        return user

    def acting(self, user: User, role: Role) -> Actor:
        return Actor(id=user.id, name=user.email, workspace=self.id, workspace_name=self.name, role=role)

    async def actor(self, role: Role, email: str = "") -> Actor:
        return self.acting(await self.person(role, email), role)

    async def roles(self) -> dict[str, str]:
        """E-mail → role, of who belongs here."""
        return {
            person.user.email: seat.role
            for person in await people.listed(self.hub)
            for seat in person.seats
            if seat.workspace == self.id
        }

    async def kinds(self) -> list[str]:
        """What happened here, in order."""
        async with self.hub.db.reading() as tx:
            rows = await tx.execute(select(AuditEvent).where(AuditEvent.workspace == self.id).order_by(AuditEvent.seq))
            return [row.kind for row in rows.scalars()]

    async def invite(self, actor: Actor, email: str, role: Role = Role.MEMBER) -> str:
        """The token of an invitation."""
        return (await invites.create(self.hub, actor, email=email, role=role)).link.rpartition("/")[2]


async def found(hub: Hub, name: str = "Acme") -> Acme:
    return Acme(hub, (await workspaces.create(hub, name)).id, name)


async def signed_in(email: str) -> Browser:
    browser = browser_of()
    assert (await browser.sign_in(email)).status_code == 303
    return browser


def link_in(text: str) -> str:
    """The invitation's path on a page."""
    found_link = re.search(r'value="http://localhost:3000(/join/[\w-]{43})"', text)
    assert found_link is not None
    return found_link[1]
