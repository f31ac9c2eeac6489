"""Whom whoever runs the hub shut out, no workspace lets in again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from atlas_hub.accounts import invites, members, people, roster, sign_in, workspaces
from atlas_hub.kit.errors import Conflict, Unauthenticated
from atlas_hub.services.access import Role
from tests.accounts.browser import PASSWORD, hub_with
from tests.accounts.settling import Acme, found, signed_in

OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER
MO = "mo@example.com"
BY_OPERATOR = "Disabled by whoever runs the hub."


@pytest.fixture
async def acme(tmp_path, clock, database_url) -> AsyncIterator[Acme]:
    """A workspace on each database, with an owner, an admin and a member whom the operator disabled."""
    async with hub_with(tmp_path, clock, database_url=database_url) as hub:
        made = await found(hub)
        await made.person(OWNER)
        await made.person(ADMIN)
        await made.person(MEMBER, MO)
        await people.set_disabled(hub, MO, disabled=True)
        yield made


def by(acme: Acme, role: Role):
    return acme.acting(acme.people[f"{role.value}@example.com"], role)


async def can_enter(acme: Acme) -> bool:
    try:
        await sign_in.sign_in(acme.hub, email=MO, password=PASSWORD, address="1.2.3.4")
    except Unauthenticated:
        return False
    return True


async def of_mo(acme: Acme) -> roster.Member:
    return await members.find(acme.hub, by(acme, OWNER), MO)


@pytest.mark.parametrize("role", [OWNER, ADMIN])
async def test_no_workspace_enables_whom_the_operator_disabled(acme, role):
    mo = await of_mo(acme)
    before = await acme.kinds()
    with pytest.raises(Conflict, match="whoever runs the hub"):
        await members.set_disabled(acme.hub, by(acme, role), mo.id, disabled=False)
    assert await acme.kinds() == before
    await members.set_disabled(acme.hub, by(acme, role), mo.id, disabled=True)  # adds nothing to it
    with pytest.raises(Conflict):
        await members.set_disabled(acme.hub, by(acme, role), mo.id, disabled=False)
    assert not await can_enter(acme)
    await people.set_disabled(acme.hub, MO, disabled=False)
    assert await can_enter(acme)


async def test_what_a_workspace_did_it_undoes_also_after_the_operator_did_the_same(acme):
    await people.set_disabled(acme.hub, MO, disabled=False)
    mo = await of_mo(acme)
    await members.set_disabled(acme.hub, by(acme, ADMIN), mo.id, disabled=True)
    await people.set_disabled(acme.hub, MO, disabled=True)
    with pytest.raises(Conflict):
        await members.set_disabled(acme.hub, by(acme, ADMIN), mo.id, disabled=False)
    await people.set_disabled(acme.hub, MO, disabled=False)
    await members.set_disabled(acme.hub, by(acme, ADMIN), mo.id, disabled=True)
    await members.set_disabled(acme.hub, by(acme, ADMIN), mo.id, disabled=False)
    assert await can_enter(acme)


async def test_removing_them_and_inviting_them_again_does_not_lift_it(acme):
    await members.remove(acme.hub, by(acme, ADMIN), acme.people[MO].id)
    assert MO not in await acme.roles()
    token = await acme.invite(by(acme, ADMIN), MO)
    with pytest.raises(Conflict):
        await invites.join(acme.hub, token, name="", password=PASSWORD)
    assert not await can_enter(acme)


async def test_deleting_the_workspace_does_not_lift_it(acme):
    other = await found(acme.hub, "Other")
    boss = await other.actor(OWNER, "boss@example.org")
    await workspaces.delete_own(acme.hub, by(acme, OWNER), "Acme")
    token = await other.invite(boss, MO)
    with pytest.raises(Conflict):
        await invites.join(acme.hub, token, name="", password=PASSWORD)
    assert not await can_enter(acme)


async def test_what_the_operator_removes_or_deletes_is_gone(acme):
    operator = people.command_line(acme.id)
    await members.remove(acme.hub, operator, acme.people[MO].id)
    assert await people.find(acme.hub, MO) is None
    await acme.person(MEMBER, MO)
    await people.set_disabled(acme.hub, MO, disabled=True)
    await workspaces.delete(acme.hub, acme.id)
    assert await people.listed(acme.hub) == []


async def test_the_settings_say_so_and_have_no_button_for_it(acme):
    browser = await signed_in("admin@example.com")
    path = f"/settings/members/{acme.people[MO].id}"
    assert "by whoever runs the hub" in (await browser.get("/settings/members")).text
    page = (await browser.get(path)).text
    assert BY_OPERATOR in page
    assert "Enable" not in page
    assert "Disable…" not in page
    assert "Remove…" in page
    for answer in (
        await browser.get(f"{path}/enable"),
        await browser.post(f"{path}/enable", {"form_token": re.search(r'name="form_token" value="([^"]+)"', page)[1]}),
    ):
        assert answer.status_code == 409
        assert BY_OPERATOR in answer.text
    assert not await can_enter(acme)


async def test_the_invitations_of_somebody_disabled_are_taken_back(acme):
    admin = acme.people["admin@example.com"]
    token = await acme.invite(by(acme, ADMIN), "guest@example.com")
    await people.set_disabled(acme.hub, admin.email, disabled=True)
    assert await invites.opened(acme.hub, token) is None
