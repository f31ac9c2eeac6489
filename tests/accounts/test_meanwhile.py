"""What becomes of somebody meanwhile: their workspace is deleted, they are added to another, their role changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from atlas_hub.accounts import invites, people, sessions, sign_in, workspaces
from atlas_hub.accounts.models import User
from atlas_hub.services.access import Role
from tests.accounts.browser import PASSWORD, hub_with
from tests.accounts.settling import Acme, found

OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER


@pytest.fixture
async def acme(tmp_path, clock, database_url) -> AsyncIterator[Acme]:
    """A workspace on each database, with an owner, an admin and a member."""
    async with hub_with(tmp_path, clock, database_url=database_url) as hub:
        made = await found(hub)
        for role in (OWNER, ADMIN, MEMBER):
            await made.person(role)
        yield made


def by(acme: Acme, role: Role):
    return acme.acting(acme.people[f"{role.value}@example.com"], role)


async def test_a_session_without_a_workspace_finds_the_one_they_are_added_to(acme):
    hub = acme.hub
    session = await sign_in.sign_in(hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4")
    other_browser = await sign_in.sign_in(hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4")
    await workspaces.delete_own(hub, by(acme, OWNER), "Acme")
    assert await sessions.actor_of(hub, session) is None
    # By id, not by when they were made: two may be made within a millisecond.
    other, third = sorted([await found(hub, "Other"), await found(hub, "Third")], key=lambda each: each.id)
    await people.create(hub, email="owner@example.com", password=None, role=ADMIN, workspace=third.id)
    await people.create(hub, email="owner@example.com", password=None, role=MEMBER, workspace=other.id)
    for token in (session, other_browser):
        actor = await sessions.actor_of(hub, token)
        assert (actor.workspace, actor.workspace_name, actor.role) == (other.id, other.name, MEMBER)
    await sessions.switch(hub, session, actor, third.id)
    assert (await sessions.actor_of(hub, session)).workspace == third.id
    assert (await sessions.actor_of(hub, other_browser)).workspace == other.id


async def test_an_invitation_that_is_followed_in_one_browser_seats_the_others_too(acme):
    hub = acme.hub
    other = await found(hub, "Other")
    token = await other.invite(await other.actor(OWNER, "boss@example.org"), "owner@example.com")
    tokens = [
        await sign_in.sign_in(hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4") for _ in range(2)
    ]
    await workspaces.delete_own(hub, by(acme, OWNER), "Acme")
    await invites.accept(hub, token, await sessions.visitor_of(hub, tokens[0]), tokens[0])
    assert [(await sessions.actor_of(hub, each)).workspace for each in tokens] == [other.id, other.id]


@pytest.mark.parametrize("how", ["idle", "over", "disabled", "unknown"])
async def test_a_session_that_is_over_finds_no_workspace(acme, clock, how):
    hub = acme.hub
    session = await sign_in.sign_in(hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4")
    await workspaces.delete_own(hub, by(acme, OWNER), "Acme")
    other = await found(hub, "Other")
    await people.create(hub, email="owner@example.com", password=None, role=ADMIN, workspace=other.id)
    match how:
        case "idle":
            clock.pass_(hours=12)
        case "over":
            clock.pass_(days=8)
        case "disabled":
            async with hub.db.transaction() as tx:
                (await tx.get(User, by(acme, OWNER).id)).disabled = True
        case _:
            session = sessions.new_token()
    assert await sessions.actor_of(hub, session) is None
