"""What becomes of somebody meanwhile: their workspace is deleted, they are added to another, their role changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from atlas_hub.accounts import invites, members, people, sessions, sign_in, workspaces
from atlas_hub.accounts.models import User
from atlas_hub.kit.errors import Conflict, Forbidden
from atlas_hub.services.access import Actor, Role
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


async def who_acted(acme: Acme, role: Role, meanwhile: str) -> Actor:
    """Somebody as they were when they asked, and what was done to them before their change was made."""
    actor, owner = await acme.actor(role, "quick@example.com"), by(acme, OWNER)
    match meanwhile:
        case "demoted":
            await members.change_role(acme.hub, owner, actor.id, MEMBER)
        case "removed":
            await members.remove(acme.hub, owner, actor.id)
        case "disabled":
            await members.set_disabled(acme.hub, owner, actor.id, disabled=True)
        case "shut out":
            await people.set_disabled(acme.hub, actor.name, disabled=True)
    return actor


@pytest.mark.parametrize("meanwhile", ["demoted", "removed", "disabled", "shut out"])
async def test_a_change_by_somebody_who_has_lost_the_right_to_it_does_not_go_through(acme, meanwhile):
    hub, target = acme.hub, acme.people["member@example.com"].id
    await acme.invite(by(acme, OWNER), "new@example.com")
    (invite,) = (await members.listed(hub, by(acme, OWNER))).invites
    actor = await who_acted(acme, OWNER, meanwhile)
    before, roles = await acme.kinds(), await acme.roles()
    for act in (
        lambda: members.change_role(hub, actor, target, ADMIN),
        lambda: members.remove(hub, actor, target),
        lambda: members.set_disabled(hub, actor, target, disabled=True),
        lambda: members.sign_out(hub, actor, target),
        lambda: invites.create(hub, actor, email="friend@example.com", role=OWNER),
        lambda: invites.revoke(hub, actor, invite.id),
        lambda: workspaces.rename(hub, actor, "Mine"),
        lambda: workspaces.delete_own(hub, actor, "Acme"),
    ):
        with pytest.raises(Forbidden):
            await act()
    assert (await acme.kinds(), await acme.roles()) == (before, roles)


async def test_who_is_no_owner_any_more_does_what_an_admin_may(acme):
    hub, actor = acme.hub, await who_acted(acme, OWNER, "")
    await members.change_role(hub, by(acme, OWNER), actor.id, ADMIN)
    for act in (
        lambda: members.change_role(hub, actor, acme.people["member@example.com"].id, OWNER),
        lambda: members.sign_out(hub, actor, acme.people["owner@example.com"].id),
        lambda: invites.create(hub, actor, email="friend@example.com", role=OWNER),
        lambda: workspaces.delete_own(hub, actor, "Acme"),
    ):
        with pytest.raises(Forbidden):
            await act()
    await members.change_role(hub, actor, acme.people["member@example.com"].id, ADMIN)
    assert (await acme.roles())["member@example.com"] == ADMIN


@pytest.mark.parametrize("act", ["demote", "remove"])
async def test_two_owners_who_leave_by_themselves_at_once_leave_one(acme, act):
    hub = acme.hub
    pair = [by(acme, OWNER), await acme.actor(OWNER, "second@example.com")]
    acts = {
        "demote": lambda me: members.change_role(hub, me, me.id, ADMIN),
        "remove": lambda me: members.remove(hub, me, me.id),
    }
    outcomes = await asyncio.gather(*(acts[act](me) for me in pair), return_exceptions=True)
    assert [isinstance(outcome, Conflict) for outcome in outcomes].count(True) == 1
    assert list((await acme.roles()).values()).count("owner") == 1
