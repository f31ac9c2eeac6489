from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from atlas_hub import hub as hubs
from atlas_hub.accounts import workspaces
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Forbidden, NotAvailable, NotFound, Unauthenticated, VaultLocked
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys, digest, rotation
from atlas_hub.services.access import Actor, Role
from atlas_hub.storage.keys import generate_key
from atlas_hub.storage.models import ApiKey, AuditEvent
from tests.conftest import test_settings as settings_of

OPERATORS = "operators-own-key-0123456789"


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hub(tmp_path, clock) -> AsyncIterator[Hub]:
    async with hubs.opened(settings_of(tmp_path), clock=clock) as the_hub:
        yield the_hub


async def stored(hub) -> ApiKey:
    async with hub.db.reading() as tx:
        return (await tx.execute(select(ApiKey))).scalar_one()


def statements(hub, seen):
    def note(connection, cursor, statement, *more):
        if not statement.startswith(("BEGIN", "COMMIT")):
            seen.append(statement)

    event.listen(hub.db.engine.sync_engine, "before_cursor_execute", note)
    return lambda: event.remove(hub.db.engine.sync_engine, "before_cursor_execute", note)


async def test_a_key_is_who_it_was_made_to_be(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.READ_ONLY, apis=["chat", "groups"], name="CI")

    private_key = made.private_key.reveal()
    assert re.fullmatch(r"ahk_[A-Za-z0-9]{43}", private_key)
    assert re.fullmatch(r"[a-z]{8}", made.view.public_key)
    actor = await api_keys.actor_of_key(hub, private_key, "groups")
    assert (actor.id, actor.workspace, actor.role, actor.name) == (
        made.view.id, owner.workspace, Role.READ_ONLY, "API key CI",
    )  # fmt: skip


async def test_a_key_for_no_named_api_is_for_all(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN)
    assert made.view.apis == api_keys.APIS
    for api in api_keys.APIS:
        assert (await api_keys.actor_of_key(hub, made.private_key.reveal(), api)).role is Role.ADMIN


async def test_a_key_is_refused_by_the_other_apis(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN, apis=["chat"])
    with pytest.raises(Forbidden, match="admin API"):
        await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")
    assert await api_keys.actor_of_key(hub, made.private_key.reveal(), "chat")


@pytest.mark.parametrize("text", ["", "ahk_" + "a" * 43, "ä" * 47, "ahk_'--", "x" * 100_000])
async def test_an_unknown_key_is_nobody(hub, owner, text):
    made = await api_keys.create(hub, owner, role=Role.ADMIN)
    with pytest.raises(Unauthenticated):
        await api_keys.actor_of_key(hub, text, "admin")
    with pytest.raises(Unauthenticated):
        await api_keys.actor_of_key(hub, made.view.public_key, "admin")
    assert await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")


async def test_a_revoked_key_is_nobody(hub, owner):
    made, other = [await api_keys.create(hub, owner, role=Role.ADMIN) for _ in range(2)]
    first = await api_keys.revoke(hub, owner, made.view.id)
    again = await api_keys.revoke(hub, owner, made.view.id)

    assert first.revoked_at == again.revoked_at is not None
    with pytest.raises(Unauthenticated):
        await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")
    assert not (await digest.known(hub, made.view.public_key, "")).is_somebody
    assert await api_keys.actor_of_key(hub, other.private_key.reveal(), "admin")


async def test_a_key_is_looked_up_in_one_query_and_its_use_written_once_a_minute(hub, owner, clock):
    made = await api_keys.create(hub, owner, role=Role.ADMIN)
    private_key = made.private_key.reveal()
    await api_keys.actor_of_key(hub, private_key, "admin")
    assert (await stored(hub)).used_at == clock.moment
    began, clock.moment = clock.moment, clock.moment + timedelta(seconds=59)
    seen: list[str] = []
    stop = statements(hub, seen)
    await api_keys.actor_of_key(hub, private_key, "admin")
    stop()
    assert len(seen) == 1
    assert (await stored(hub)).used_at == began
    clock.moment += timedelta(seconds=1)
    await api_keys.actor_of_key(hub, private_key, "admin")
    assert (await stored(hub)).used_at == clock.moment


async def test_the_private_key_is_in_no_column_view_or_event(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN, name="CI")
    private_key = made.private_key.reveal()
    row = await stored(hub)
    assert private_key.encode() not in row.sealed
    assert private_key not in repr(row.model_dump())
    assert private_key not in repr(made)
    assert private_key not in repr(await api_keys.listed(hub, owner.workspace))
    async with hub.db.reading() as tx:
        events = (await tx.execute(select(AuditEvent))).scalars().all()
    assert [one.kind for one in events] == ["key_created"]
    assert private_key not in repr([one.model_dump() for one in events])


async def test_digest_gets_the_private_key_of_a_public_one(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN, apis=["groups"])
    found = await digest.known(hub, made.view.public_key, "")
    assert found.is_somebody
    assert found.secret == made.private_key
    assert (await digest.actor(hub, found, "groups")).workspace == owner.workspace
    with pytest.raises(Forbidden):
        await digest.actor(hub, found, "chat")
    nobody = await digest.known(hub, "zzzzzzzz" + made.view.public_key, "")
    assert not nobody.is_somebody
    assert nobody.secret


async def test_a_key_can_do_no_more_than_its_maker(hub, owner, member):
    admin = Actor(id=new_id(), name="ad", workspace=owner.workspace, role=Role.ADMIN)
    made = await api_keys.create(hub, owner, role=Role.OWNER)
    for refused in (
        api_keys.create(hub, member, role=Role.READ_ONLY),
        api_keys.create(hub, admin, role=Role.OWNER),
        api_keys.revoke(hub, member, made.view.id),
        api_keys.revoke(hub, admin, made.view.id),
    ):
        with pytest.raises(Forbidden):
            await refused
    assert (await api_keys.create(hub, admin, role=Role.ADMIN)).view.role is Role.ADMIN


async def test_another_workspaces_key_does_not_exist(hub, owner, other_owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN)
    assert await api_keys.listed(hub, other_owner.workspace) == []
    for key_id in (made.view.id, new_id()):
        with pytest.raises(NotFound):
            await api_keys.revoke(hub, other_owner, key_id)
    assert await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")


@pytest.mark.parametrize(
    "given", [{"role": Role.MEMBER}, {"role": Role.ADMIN, "apis": ["mail"]}, {"role": Role.ADMIN, "name": "x" * 121}]
)
async def test_a_malformed_key_is_not_made(hub, owner, given):
    with pytest.raises(BadForm):
        await api_keys.create(hub, owner, **given)
    assert await api_keys.listed(hub, None) == []


async def test_with_the_vault_locked_no_key_is_made_or_known(hub, owner):
    made = await api_keys.create(hub, owner, role=Role.ADMIN)
    hub.vault.lock("The vault is locked.")
    with pytest.raises(VaultLocked):
        await api_keys.create(hub, owner, role=Role.ADMIN)
    with pytest.raises(VaultLocked):
        await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")


async def test_a_key_outlives_the_rotation_of_what_it_is_sealed_with(tmp_path, owner):
    first, second = generate_key(), generate_key()
    async with hubs.opened(settings_of(tmp_path, encryption_keys=f"v1:{first}")) as hub:
        made = await api_keys.create(hub, owner, role=Role.ADMIN)
    async with hubs.opened(settings_of(tmp_path, encryption_keys=f"v2:{second},v1:{first}")) as hub:
        assert await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")
        assert (await rotation.rotate(hub, lambda *_: None)).left == 0
    async with hubs.opened(settings_of(tmp_path, encryption_keys=f"v2:{second}")) as hub:
        assert await api_keys.actor_of_key(hub, made.private_key.reveal(), "admin")
        assert (await digest.known(hub, made.view.public_key, "")).secret == made.private_key


async def test_the_operators_key_is_owner_of_the_first_workspace_on_the_admin_api_alone(tmp_path):
    async with hubs.opened(settings_of(tmp_path, api_key=OPERATORS)) as hub:
        with pytest.raises(Unauthenticated, match="make-first"):
            await api_keys.actor_of_key(hub, OPERATORS, "admin")
        first = await workspaces.create(hub, "First")
        await workspaces.create(hub, "Second")
        seen: list[str] = []
        stop = statements(hub, seen)
        actor = await api_keys.actor_of_key(hub, OPERATORS, "admin")
        stop()
        assert len(seen) == 1
        assert (actor.workspace, actor.role) == (first.id, Role.OWNER)
        for api in ("groups", "connections", "chat"):
            with pytest.raises(Forbidden):
                await api_keys.actor_of_key(hub, OPERATORS, api)
        for wrong in (OPERATORS[:-1], OPERATORS + "x", "ä", ""):
            with pytest.raises(Unauthenticated):
                await api_keys.actor_of_key(hub, wrong, "admin")
        hub.vault.lock("The vault is locked.")
        assert (await api_keys.actor_of_key(hub, OPERATORS, "admin")).workspace == first.id
        await workspaces.delete(hub, first.id)
        with pytest.raises(Unauthenticated):
            await api_keys.actor_of_key(hub, OPERATORS, "admin")


async def test_without_a_database_only_the_operators_key_is_known(tmp_path):
    async with hubs.opened(settings_of(tmp_path, api_key=OPERATORS, database_url="none")) as hub:
        actor = await api_keys.actor_of_key(hub, OPERATORS, "admin")
        assert (actor.workspace, actor.role) == ("", Role.OWNER)
        with pytest.raises(Unauthenticated):
            await api_keys.actor_of_key(hub, "ahk_" + "a" * 43, "admin")
        with pytest.raises(NotAvailable):
            await api_keys.actor_of_key(hub, "ahk_" + "a" * 43, "chat")


@pytest.mark.postgres
async def test_keys_on_postgresql(tmp_path, postgres_url, owner):
    async with hubs.opened(settings_of(tmp_path, database_url=postgres_url)) as hub:
        made = await api_keys.create(hub, owner, role=Role.ADMIN, apis=["chat"])
        assert (await api_keys.actor_of_key(hub, made.private_key.reveal(), "chat")).workspace == owner.workspace
        await api_keys.revoke(hub, owner, made.view.id)
        with pytest.raises(Unauthenticated):
            await api_keys.actor_of_key(hub, made.private_key.reveal(), "chat")


async def test_a_form_sent_twice_at_once_makes_one_key(any_hub, owner):
    once = new_id()
    outcomes = await asyncio.gather(
        *(api_keys.create(any_hub, owner, role=Role.ADMIN, once=once) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "NewKey"]
    assert [view.id for view in await api_keys.listed(any_hub, owner.workspace)] == [once]
