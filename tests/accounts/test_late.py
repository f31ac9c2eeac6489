"""What was admitted before a workspace was deleted, and comes after: it brings nothing of it back."""

from __future__ import annotations

import pytest

from atlas_hub.accounts import invites, members, people, sessions, sign_in, workspaces
from atlas_hub.kit.errors import HubError, NotFound, Unauthenticated
from atlas_hub.services import api_keys, connections, delivery, environment
from atlas_hub.services.access import Role
from tests.accounts.browser import PASSWORD
from tests.accounts.settling import Acme, found
from tests.accounts.test_purge import counts
from tests.conftest import open_hub, test_settings

TOKEN = "xoxb-1111111111-2222222222-abcdefghijklmnop"
LATE = {
    "make a key": lambda hub, who, _: api_keys.create(hub, who, role=Role.ADMIN),
    "revoke a key": lambda hub, who, _: api_keys.revoke(hub, who, who.id),
    "invite": lambda hub, who, _: invites.create(hub, who, email="new@example.com", role=Role.MEMBER),
    "take an invitation back": lambda hub, who, _: invites.revoke(hub, who, who.id),
    "change a role": lambda hub, who, other: members.change_role(hub, who, other.id, Role.MEMBER),
    "remove a member": lambda hub, who, other: members.remove(hub, who, other.id),
    "sign a member out": lambda hub, who, other: members.sign_out(hub, who, other.id),
    "make a user": lambda hub, who, _: people.create(
        hub, email="new@example.com", password=PASSWORD, role=Role.OWNER, workspace=who.workspace
    ),
}


@pytest.fixture
async def acme(hub) -> Acme:
    await workspaces.create(hub, "First")
    return await found(hub)


@pytest.mark.parametrize("verb", LATE.values(), ids=LATE)
async def test_a_verb_that_comes_late_finds_no_workspace_and_leaves_nothing(hub, acme, verb):
    owner = await acme.actor(Role.OWNER)
    other = await acme.person(Role.ADMIN)
    await workspaces.delete(hub, acme.id)
    with pytest.raises(HubError):
        await verb(hub, owner, other)
    assert not any((await counts(hub, acme.id)).values())


async def test_a_key_that_comes_late_is_told_why(hub, acme):
    owner = await acme.actor(Role.OWNER)
    await workspaces.delete(hub, acme.id)
    with pytest.raises(NotFound, match="deleted in the meantime"):
        await api_keys.create(hub, owner, role=Role.ADMIN)


async def test_a_connect_or_a_test_mail_that_comes_late_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", "http://127.0.0.1:9")  # nobody answers there: also that is an event
    monkeypatch.setenv("ATLAS_UPSTREAM_RESEND", "http://127.0.0.1:9")
    monkeypatch.setenv("RESEND_API_KEY", "re_AbCdEfGh_1234567890abcdefghijklmn")
    monkeypatch.setenv("ATLAS_EMAIL_FROM", "hub@example.com")
    async with open_hub(test_settings(tmp_path)) as hub:
        acme = await found(hub)
        owner = await acme.actor(Role.OWNER)
        await workspaces.delete(hub, acme.id)
        with pytest.raises(NotFound, match="deleted in the meantime"):
            await connections.connect(hub, owner, "slack", "bot_token", {"bot_token": TOKEN}, source="page")
        with pytest.raises(NotFound, match="deleted in the meantime"):
            await delivery.send_test_mail(hub, owner, "ana@example.com")
        await environment.settle(hub, acme.id, frozenset())
        assert not any((await counts(hub, acme.id)).values())


async def test_signing_out_works_where_the_workspace_went_meanwhile(hub, acme, monkeypatch):
    owner = await acme.actor(Role.OWNER)
    token = await sign_in.sign_in(hub, email=owner.name, password=PASSWORD, address="192.0.2.1")

    async def deleted_since(the_hub, token_):
        await workspaces.delete(the_hub, acme.id)
        return owner

    monkeypatch.setattr(sessions, "actor_of", deleted_since)
    await sessions.end(hub, token)
    assert not any((await counts(hub, acme.id)).values())


async def test_a_failed_sign_in_is_noted_in_no_workspace_that_went_meanwhile(hub, acme, monkeypatch):
    owner = await acme.actor(Role.OWNER)
    user = await people.find(hub, owner.name)
    seats = sign_in.store.seats

    async def read_before(tx, user_id):
        return stale

    async with hub.db.reading() as tx:
        stale = await seats(tx, user.id)
    await workspaces.delete(hub, acme.id)
    monkeypatch.setattr(sign_in.store, "seats", read_before)
    monkeypatch.setattr(people, "find", lambda *_: _given(user))
    with pytest.raises(Unauthenticated):
        await sign_in.sign_in(hub, email=owner.name, password="wrong wrong wrong", address="192.0.2.1")
    assert not any((await counts(hub, acme.id)).values())


async def _given(value):
    return value
