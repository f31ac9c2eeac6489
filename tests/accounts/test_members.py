from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from atlas_hub.accounts import invites, members, people, sessions, sign_in, workspaces
from atlas_hub.accounts.models import Invite
from atlas_hub.kit.errors import BadForm, Conflict, Forbidden, NotFound, Unauthenticated
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Role
from atlas_hub.storage import audit
from tests.accounts.browser import PASSWORD, hub_with
from tests.accounts.settling import Acme, found

OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER
SECOND = "second@example.com"


@pytest.fixture
async def acme(tmp_path, clock, database_url) -> AsyncIterator[Acme]:
    """A workspace on each database, with an owner, an admin and a member."""
    async with hub_with(tmp_path, clock, database_url=database_url) as hub:
        made = await found(hub)
        for role in (OWNER, ADMIN, MEMBER):
            await made.person(role)
        yield made


def by(acme: Acme, role: Role, email: str = ""):
    return acme.acting(acme.people[email or f"{role.value}@example.com"], role)


def id_of(acme: Acme, role: Role) -> str:
    return acme.people[f"{role.value}@example.com"].id


async def test_the_list_names_everyone_and_who_is_invited(acme):
    await acme.invite(by(acme, ADMIN), "New@Example.com")
    await sign_in.sign_in(acme.hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4")
    listed = await members.listed(acme.hub, by(acme, ADMIN))
    assert [(each.email, each.role) for each in listed.members] == [
        ("admin@example.com", "admin"), ("member@example.com", "member"), ("owner@example.com", "owner"),
    ]  # fmt: skip
    assert [each.seen_at is not None for each in listed.members] == [False, False, True]
    assert [each.email for each in listed.invites] == ["new@example.com"]


@pytest.mark.parametrize("verb", ["role", "remove", "disable", "enable", "sign_out"])
@pytest.mark.parametrize(
    ("who", "whom", "may"),
    [
        (OWNER, SECOND, True), (OWNER, ADMIN, True), (OWNER, MEMBER, True),
        (ADMIN, SECOND, False), (ADMIN, ADMIN, True), (ADMIN, MEMBER, True),
        (MEMBER, SECOND, False), (MEMBER, ADMIN, False), (MEMBER, MEMBER, False),
    ],
)  # fmt: skip
async def test_who_may_do_what_to_whom(acme, who, whom, may, verb):
    await acme.person(OWNER, SECOND)
    target = acme.people[SECOND].id if whom == SECOND else (await acme.person(whom, "other@example.com")).id
    actor, hub = by(acme, who), acme.hub
    acts = {
        "role": lambda: members.change_role(hub, actor, target, MEMBER),
        "remove": lambda: members.remove(hub, actor, target),
        "disable": lambda: members.set_disabled(hub, actor, target, disabled=True),
        "enable": lambda: members.set_disabled(hub, actor, target, disabled=False),
        "sign_out": lambda: members.sign_out(hub, actor, target),
    }
    before = await acme.kinds()
    if may:
        await acts[verb]()
        assert len(await acme.kinds()) == len(before) + (0 if (verb, whom) == ("role", MEMBER) else 1)
    else:
        with pytest.raises(Forbidden):
            await acts[verb]()
        assert await acme.kinds() == before


@pytest.mark.parametrize(("who", "gives", "may"), [
    (OWNER, OWNER, True), (OWNER, ADMIN, True), (ADMIN, OWNER, False), (ADMIN, ADMIN, True), (ADMIN, MEMBER, True),
    (MEMBER, MEMBER, False),
])  # fmt: skip
async def test_nobody_gives_a_role_above_their_own(acme, who, gives, may):
    actor = by(acme, who)
    target = (await acme.person(MEMBER, "other@example.com")).id
    if may:
        await members.change_role(acme.hub, actor, target, gives)
        await acme.invite(actor, "new@example.com", gives)
        assert (await acme.roles())["other@example.com"] == gives
    else:
        with pytest.raises(Forbidden):
            await members.change_role(acme.hub, actor, target, gives)
        with pytest.raises(Forbidden):
            await acme.invite(actor, "new@example.com", gives)


@pytest.mark.parametrize("role", [Role.READ_ONLY])
async def test_a_role_for_keys_is_no_members(acme, role):
    with pytest.raises(BadForm):
        await members.change_role(acme.hub, by(acme, OWNER), id_of(acme, MEMBER), role)
    with pytest.raises(BadForm):
        await acme.invite(by(acme, OWNER), "new@example.com", role)


async def test_an_admin_does_not_touch_an_invitation_of_an_owner(acme):
    token = await acme.invite(by(acme, OWNER), "new@example.com", OWNER)
    (invite,) = (await members.listed(acme.hub, by(acme, ADMIN))).invites
    with pytest.raises(Forbidden):
        await invites.revoke(acme.hub, by(acme, ADMIN), invite.id)
    with pytest.raises(Forbidden):
        await acme.invite(by(acme, ADMIN), "new@example.com")
    assert await invites.opened(acme.hub, token) is not None


async def test_the_last_owner_stays_owner_here_and_able_to_sign_in(acme):
    hub, owner = acme.hub, by(acme, OWNER)
    second = await acme.person(OWNER, SECOND)
    await members.set_disabled(hub, owner, second.id, disabled=True)  # an owner who cannot sign in does not count
    for act in (
        members.change_role(hub, owner, owner.id, ADMIN),
        members.remove(hub, owner, owner.id),
        members.set_disabled(hub, people.command_line(acme.id), owner.id, disabled=True),
    ):
        with pytest.raises(Conflict, match="last owner"):
            await act
    await members.set_disabled(hub, owner, second.id, disabled=False)
    await members.change_role(hub, owner, owner.id, ADMIN)
    assert (await acme.roles())["owner@example.com"] == "admin"


@pytest.mark.parametrize("act", ["demote", "remove", "disable"])
async def test_two_owners_who_go_at_once_leave_one(acme, act):
    hub = acme.hub
    pair = [by(acme, OWNER), acme.acting(await acme.person(OWNER, SECOND), OWNER)]
    acts = {
        "demote": lambda me, other: members.change_role(hub, me, other.id, ADMIN),
        "remove": lambda me, other: members.remove(hub, me, other.id),
        "disable": lambda me, other: members.set_disabled(hub, me, other.id, disabled=True),
    }
    work = [acts[act](me, other) for me, other in (pair, pair[::-1])]
    outcomes = await asyncio.gather(*work, return_exceptions=True)
    done = "str" if act == "remove" else "NoneType"  # the other is no owner any more, and may not
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Forbidden", done]
    able = [p for p in await people.listed(hub) if p.seats and p.seats[0].role == "owner" and not p.user.disabled]
    assert len(able) == 1


async def test_oneself_is_not_disabled(acme):
    await acme.person(OWNER, SECOND)
    with pytest.raises(Conflict, match="yourself"):
        await members.set_disabled(acme.hub, by(acme, OWNER), id_of(acme, OWNER), disabled=True)


async def test_who_belongs_elsewhere_too_is_removed_from_here_and_not_disabled(acme):
    other = await found(acme.hub, "Other")
    await other.person(OWNER)
    await people.create(acme.hub, email="member@example.com", password=None, role=MEMBER, workspace=other.id)
    target = id_of(acme, MEMBER)
    for disabled in (True, False):
        with pytest.raises(Conflict, match="other workspaces"):
            await members.set_disabled(acme.hub, by(acme, OWNER), target, disabled=disabled)
    assert await members.remove(acme.hub, by(acme, OWNER), target) == "member@example.com"
    assert "member@example.com" not in await acme.roles()
    assert (await other.roles())["member@example.com"] == "member"


async def test_a_removed_member_is_signed_out_and_their_account_goes_with_the_last_workspace(acme):
    token = await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
    await members.remove(acme.hub, by(acme, ADMIN), id_of(acme, MEMBER))
    assert await sessions.visitor_of(acme.hub, token) is None
    assert await people.find(acme.hub, "member@example.com") is None


async def test_an_old_session_does_not_rise_when_somebody_comes_back(acme):
    other = await found(acme.hub, "Other")
    await people.create(acme.hub, email="member@example.com", password=None, role=MEMBER, workspace=other.id)
    token = await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
    await members.remove(acme.hub, by(acme, ADMIN), id_of(acme, MEMBER))
    await people.create(acme.hub, email="member@example.com", password=None, role=MEMBER, workspace=acme.id)
    assert await sessions.actor_of(acme.hub, token) is None


async def test_disabling_signs_out_and_keeps_out_until_enabled(acme):
    async def enter() -> str:
        return await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")

    token = await enter()
    await members.set_disabled(acme.hub, by(acme, ADMIN), id_of(acme, MEMBER), disabled=True)
    assert await sessions.actor_of(acme.hub, token) is None
    with pytest.raises(Unauthenticated):
        await enter()
    await members.set_disabled(acme.hub, by(acme, ADMIN), id_of(acme, MEMBER), disabled=False)
    assert await sessions.actor_of(acme.hub, token) is None
    assert await sessions.actor_of(acme.hub, await enter()) is not None


async def test_signing_out_everywhere_ends_every_session(acme):
    tokens = [
        await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
        for _ in range(2)
    ]
    await members.sign_out(acme.hub, by(acme, ADMIN), id_of(acme, MEMBER))
    assert [await sessions.actor_of(acme.hub, token) for token in tokens] == [None, None]
    assert (await acme.kinds())[-1] == "signed_out_everywhere"


@pytest.mark.parametrize("made_up", ["x", "\0", "1" * 24])
async def test_another_workspaces_people_and_invitations_are_not_found(acme, made_up):
    other = await found(acme.hub, "Other")
    stranger = await other.person(MEMBER, "stranger@example.org")
    boss = await other.actor(OWNER, "boss@example.org")
    await other.invite(boss, "guest@example.org")
    (invite,) = (await members.listed(acme.hub, boss)).invites
    owner, hub = by(acme, OWNER), acme.hub
    for user_id in (stranger.id, made_up):
        for act in (
            members.member(hub, owner, user_id),
            members.change_role(hub, owner, user_id, ADMIN),
            members.remove(hub, owner, user_id),
            members.set_disabled(hub, owner, user_id, disabled=True),
            members.sign_out(hub, owner, user_id),
        ):
            with pytest.raises(NotFound):
                await act
    for invite_id in (invite.id, made_up):
        with pytest.raises(NotFound):
            await invites.revoke(hub, owner, invite_id)
        with pytest.raises(NotFound):
            await invites.find(hub, owner, invite_id)


async def test_somebody_invited_makes_an_account_and_is_signed_in(acme):
    token = await acme.invite(by(acme, ADMIN), "New@Example.com", ADMIN)
    session = await invites.join(acme.hub, token, name="Nia", password=PASSWORD)
    actor = await sessions.actor_of(acme.hub, session)
    assert (actor.name, actor.called, actor.role, actor.workspace) == ("new@example.com", "Nia", ADMIN, acme.id)
    assert (await acme.kinds())[-2:] == ["member_invited", "member_joined"]
    with pytest.raises(NotFound):
        await invites.join(acme.hub, token, name="Nia", password=PASSWORD)


async def test_a_links_password_follows_the_rules_and_a_fault_does_not_use_it_up(acme):
    token = await acme.invite(by(acme, ADMIN), "new@example.com")
    with pytest.raises(BadForm) as refused:
        await invites.join(acme.hub, token, name="two\nlines", password="short")
    assert set(refused.value.fields) == {"name", "password"}
    assert await invites.join(acme.hub, token, name="", password=PASSWORD)


async def test_only_the_links_hash_is_stored_and_its_text_is_in_no_repr(acme):
    new = await invites.create(acme.hub, by(acme, ADMIN), email="new@example.com", role=MEMBER)
    token = new.link.rpartition("/")[2]
    async with acme.hub.db.reading() as tx:
        row = await tx.get(Invite, new.invite.id)
    assert token not in repr(row.model_dump())
    assert token not in repr(new)


async def test_a_link_ends_by_time_by_a_newer_one_and_by_being_taken_back(acme, clock):
    admin = by(acme, ADMIN)
    former, newest = [await acme.invite(admin, "new@example.com") for _ in range(2)]
    assert await invites.opened(acme.hub, former) is None
    clock.pass_(days=6, hours=23)
    assert await invites.opened(acme.hub, newest) is not None
    clock.pass_(hours=1)
    assert await invites.opened(acme.hub, newest) is None
    last = await acme.invite(admin, "new@example.com")
    (invite,) = (await members.listed(acme.hub, admin)).invites
    assert await invites.revoke(acme.hub, admin, invite.id) == "new@example.com"
    assert await invites.opened(acme.hub, last) is None
    assert (await acme.kinds())[-1] == "invitation_revoked"


async def test_a_form_sent_twice_makes_one_invitation(acme):
    once = new_id()
    await invites.create(acme.hub, by(acme, ADMIN), email="new@example.com", role=MEMBER, once=once)
    for email in ("new@example.com", "other@example.com"):
        with pytest.raises(Conflict):
            await invites.create(acme.hub, by(acme, ADMIN), email=email, role=MEMBER, once=once)


@pytest.mark.parametrize("email", ["nonsense", "a@b\nc", "member@example.com", " MEMBER@example.com "])
async def test_who_is_here_already_or_no_address_is_not_invited(acme, email):
    with pytest.raises(BadForm) as refused:
        await acme.invite(by(acme, OWNER), email)
    assert set(refused.value.fields) == {"email"}


async def test_somebody_with_an_account_accepts_and_the_workspace_is_active(acme):
    other = await found(acme.hub, "Other")
    boss = await other.actor(OWNER, "boss@example.org")
    token = await other.invite(boss, "member@example.com", ADMIN)
    stranger = await invites.opened(acme.hub, await other.invite(boss, "new@example.com", ADMIN))
    assert await invites.opened(acme.hub, token) == replace(stranger, email="member@example.com")
    with pytest.raises(Conflict):
        await invites.join(acme.hub, token, name="", password=PASSWORD)
    session = await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
    visitor = await sessions.visitor_of(acme.hub, session)
    await invites.accept(acme.hub, token, visitor, session)
    actor = await sessions.actor_of(acme.hub, session)
    assert (actor.workspace, actor.role) == (other.id, ADMIN)
    with pytest.raises(NotFound):
        await invites.accept(acme.hub, token, visitor, session)


async def test_a_link_is_not_accepted_by_somebody_else(acme):
    token = await acme.invite(by(acme, OWNER), "new@example.com", ADMIN)
    session = await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
    with pytest.raises(Forbidden):
        await invites.accept(acme.hub, token, await sessions.visitor_of(acme.hub, session), session)
    assert (await acme.roles())["member@example.com"] == "member"
    assert await invites.opened(acme.hub, token) is not None


async def test_two_who_follow_one_link_at_once_are_one(acme):
    token = await acme.invite(by(acme, OWNER), "new@example.com")
    outcomes = await asyncio.gather(
        *(invites.join(acme.hub, token, name=str(n), password=PASSWORD) for n in range(2)), return_exceptions=True
    )
    assert len([outcome for outcome in outcomes if isinstance(outcome, str)]) == 1
    assert len([outcome for outcome in outcomes if isinstance(outcome, NotFound | Conflict)]) == 1
    assert len([person for person in await people.listed(acme.hub) if person.user.email == "new@example.com"]) == 1


async def test_two_browsers_that_accept_one_link_at_once_join_once(acme):
    other = await found(acme.hub, "Other")
    token = await other.invite(await other.actor(OWNER, "boss@example.org"), "member@example.com")
    session = await sign_in.sign_in(acme.hub, email="member@example.com", password=PASSWORD, address="1.2.3.4")
    visitor = await sessions.visitor_of(acme.hub, session)
    outcomes = await asyncio.gather(
        *(invites.accept(acme.hub, token, visitor, session) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "NotFound"]
    assert (await other.kinds()).count("member_joined") == 1


async def test_invitations_into_two_workspaces_at_once_make_one_account(acme):
    other = await found(acme.hub, "Other")
    boss = await other.actor(OWNER, "boss@example.org")
    tokens = [await acme.invite(by(acme, OWNER), "new@example.com"), await other.invite(boss, "new@example.com")]
    outcomes = await asyncio.gather(
        *(invites.join(acme.hub, token, name="", password=PASSWORD) for token in tokens), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "str"]


async def test_own_workspaces_are_made_renamed_and_deleted(acme):
    hub, owner = acme.hub, by(acme, OWNER)
    session = await sign_in.sign_in(hub, email="owner@example.com", password=PASSWORD, address="1.2.3.4")
    made = await workspaces.create_own(hub, await sessions.visitor_of(hub, session), session, " Second ")
    actor = await sessions.actor_of(hub, session)
    assert (actor.workspace, actor.workspace_name, actor.role) == (made.id, "Second", OWNER)
    assert [(seat.name, first) for seat, first in await workspaces.of(hub, owner.id)] == [
        ("Acme", True), ("Second", False),
    ]  # fmt: skip
    await workspaces.rename(hub, actor, "Two")
    actor = await sessions.actor_of(hub, session)
    with pytest.raises(BadForm):
        await workspaces.delete_own(hub, actor, "Second")
    await workspaces.delete_own(hub, actor, "Two")
    actor = await sessions.actor_of(hub, session)
    assert actor.workspace == acme.id
    await workspaces.delete_own(hub, actor, "Acme")
    assert await sessions.actor_of(hub, session) is None
    visitor = await sessions.visitor_of(hub, session)
    assert [person.user.email for person in await people.listed(hub)] == ["owner@example.com"]
    await workspaces.create_own(hub, visitor, session, "Anew")
    assert (await sessions.actor_of(hub, session)).workspace_name == "Anew"


@pytest.mark.parametrize(("role", "may_create", "may_rename", "may_delete"), [
    (OWNER, True, True, True), (ADMIN, True, True, False), (MEMBER, False, False, False),
])  # fmt: skip
async def test_who_may_do_what_with_workspaces(acme, role, may_create, may_rename, may_delete):
    hub, actor = acme.hub, by(acme, role)
    session = await sign_in.sign_in(hub, email=actor.name, password=PASSWORD, address="1.2.3.4")
    visitor = await sessions.visitor_of(hub, session)
    for may, act in (
        (may_create, lambda: workspaces.create_own(hub, visitor, session, "Second")),
        (may_rename, lambda: workspaces.rename(hub, actor, "Acme")),
        (may_delete, lambda: workspaces.delete_own(hub, actor, "Acme")),
    ):
        if may:
            await act()
        else:
            with pytest.raises(Forbidden):
                await act()


async def test_a_workspace_that_is_gone_is_not_renamed_into_being(acme):
    owner = by(acme, OWNER)
    await workspaces.delete(acme.hub, acme.id)
    with pytest.raises(NotFound):
        await workspaces.rename(acme.hub, owner, "Ghost")
    async with acme.hub.db.reading() as tx:
        assert not await audit.has_head(tx, acme.id)
