"""Invitations of somebody who may not invite any more, and roles that are given behind the last owner's back."""

from __future__ import annotations

import pytest

from atlas_hub.accounts import members, people
from atlas_hub.kit.errors import Conflict
from atlas_hub.services.access import Role
from tests.accounts.settling import found

ACTS = {
    "removed": members.remove,
    "disabled": lambda hub, who, id_: members.set_disabled(hub, who, id_, disabled=True),
    "made a member": lambda hub, who, id_: members.change_role(hub, who, id_, Role.MEMBER),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_open_invitations_go_with_the_right_to_invite(hub, act):
    acme = await found(hub)
    owner, admin = await acme.actor(Role.OWNER), await acme.actor(Role.ADMIN)
    await acme.invite(admin, "theirs@example.com", Role.ADMIN)
    await acme.invite(owner, "ours@example.com")
    await act(hub, owner, admin.id)
    assert [invite.email for invite in (await members.listed(hub, owner)).invites] == ["ours@example.com"]


async def test_another_admin_role_keeps_them(hub):
    acme = await found(hub)
    owner, admin = await acme.actor(Role.OWNER), await acme.actor(Role.ADMIN)
    await acme.invite(admin, "theirs@example.com")
    await members.change_role(hub, owner, admin.id, Role.OWNER)
    assert len((await members.listed(hub, owner)).invites) == 1


async def test_making_a_user_anew_changes_no_role(hub):
    acme = await found(hub)
    owner = await acme.person(Role.OWNER)
    before = await acme.kinds()
    with pytest.raises(Conflict, match="member role"):
        await people.create(hub, email=owner.email, password=None, role=Role.MEMBER, workspace=acme.id)
    await people.create(hub, email=owner.email, password=None, role=Role.OWNER, workspace=acme.id)
    assert await acme.roles() == {owner.email: "owner"}
    assert await acme.kinds() == before
