"""Rotation: everything ends under the active key, while others connect, however often it is stopped."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, delete, func, select
from sqlmodel import col

from atlas_hub.accounts import models as people
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import VaultLocked
from atlas_hub.kit.ids import new_id
from atlas_hub.services import rotation
from atlas_hub.services.rotation import KeyUse, Rotated, rotate, status
from atlas_hub.storage import sealed
from atlas_hub.storage.keys import Key
from atlas_hub.storage.models import (
    ApiKey,
    AuditEvent,
    Credential,
    HubModel,
    Idempotency,
    Installation,
    OAuthAttempt,
)
from atlas_hub.storage.sealed import SEALED, bound_to, row_name
from atlas_hub.storage.vault import Vault, passes
from tests.conftest import open_hub, test_settings

V1, V2, LOST = (Key(key_id, secrets.token_bytes(32)) for key_id in ("v1", "v2", "v9"))
WORKSPACE = new_id()


def text_of(*keys: Key) -> str:
    return ",".join(f"{key.id}:{b64encode(key.material).decode()}" for key in keys)


def silent(done: int, total: int) -> None:
    """A progress that nobody reads."""


@pytest.fixture
async def old(database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub that knows v1 alone, on each kind of database."""
    settings = test_settings(tmp_path, database_url=database_url, encryption_keys=text_of(V1))
    async with open_hub(settings) as hub:
        yield hub


def with_keys(hub: Hub, *keys: Key) -> Hub:
    """Another worker on the same database, with other keys."""
    return replace(hub, vault=Vault(keys))


def credential(vault: Vault, number: int, **slots: str) -> Credential:
    row = Credential(workspace=WORKSPACE, provider="slack", account_key=f"T{number}", key_id=vault.active_id)
    for slot, token in (slots or {"current": f"token {number}"}).items():
        setattr(row, slot, vault.seal({"bot_token": token}, bound_to=bound_to(row, slot)))
    return row


def api_key(vault: Vault, private: str) -> ApiKey:
    row = ApiKey(
        workspace=WORKSPACE,
        role="admin",
        public_key=private[:8],
        lookup=vault.fingerprint(private),
        key_id=vault.active_id,
    )
    row.sealed = vault.seal({"private_key": private}, bound_to=bound_to(row, "sealed"))
    return row


async def add(hub: Hub, *rows: HubModel) -> None:
    async with hub.db.transaction() as tx:
        tx.add_all(rows)


async def opened(hub: Hub, row: HubModel, column: str) -> dict[str, str]:
    async with hub.db.reading() as tx:
        ident = tuple(getattr(row, key.name) for key in HubModel.metadata.tables[row.__tablename__].primary_key)
        now_there = await tx.get_one(type(row), ident)
        secrets_there = hub.vault.open(getattr(now_there, column), bound_to=bound_to(now_there, column))
    return {name: secret.reveal() for name, secret in secrets_there.items()}


async def everything(hub: Hub) -> list[Credential]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Credential).order_by(col(Credential.id)))).scalars())


def used(uses: list[KeyUse]) -> dict[str, int]:
    return {use.key_id: use.rows for use in uses}


def test_every_sealed_column_of_every_table_is_in_the_list() -> None:
    assert people.Workspace.metadata is HubModel.metadata  # the stand-alone app's tables are looked at too
    there = {
        (table.name, column.name)
        for table in HubModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    listed = {(table.table.name, column) for table in SEALED for column in table.columns}
    assert there == listed
    marked = {t.name for t in HubModel.metadata.tables.values() if "key_id" in t.columns}
    assert marked == {table.table.name for table in SEALED if table.marked}


def test_each_place_is_its_own() -> None:
    one, two = credential(Vault([V1]), 1), credential(Vault([V1]), 2)
    assert bound_to(one, "current") == f"{WORKSPACE}|credential|{one.id}|current|slack"
    answers = [
        Idempotency(workspace=WORKSPACE, method="POST", path="/v1/a", key=key, body_hash="")
        for key in ("k", "k|answer|-")
    ]
    places = {bound_to(one, "current"), bound_to(one, "pending"), bound_to(two, "current")}
    places |= {bound_to(row, "answer") for row in answers}
    assert len(places) == 5
    assert all(place.count("|") == 4 for place in places)
    assert bound_to(Installation(), "key_check") == "installation|key_check"


async def test_every_table_ends_under_the_active_key(old: Hub) -> None:
    vault = old.vault
    full = credential(vault, 1, current="one", pending="two", previous="three")
    bare = credential(vault, 2, pending="four")
    key = api_key(vault, "a-private-key")
    attempt = OAuthAttempt(state_hash=vault.fingerprint("state"), workspace=WORKSPACE, provider="slack")
    attempt.sealed = vault.seal({"verifier": "five"}, bound_to=bound_to(attempt, "sealed"))
    answer = Idempotency(workspace=WORKSPACE, method="POST", path="/v1/x", key="k'%", body_hash="")
    answer.answer = vault.seal({"body": "six"}, bound_to=bound_to(answer, "answer"))
    unused = OAuthAttempt(state_hash="x", workspace=WORKSPACE, provider="slack")
    await add(old, full, bare, key, attempt, answer, unused)
    assert used(await status(old)) == {"v1": 6}

    seen: list[tuple[int, int]] = []
    hub = with_keys(old, V2, V1)
    rotated = await rotate(hub, lambda done, total: seen.append((done, total)))

    assert rotated == Rotated(total=6, changed=6, unreadable=[], left=0)
    assert (seen[0], seen[-1]) == ((0, 6), (6, 6))
    assert seen == sorted(seen)
    new = with_keys(old, V2)
    assert used(await status(new)) == {"v2": 6}
    for row, column, value in (
        (full, "current", "one"),
        (full, "pending", "two"),
        (full, "previous", "three"),
        (bare, "pending", "four"),
        (key, "sealed", "a-private-key"),
        (attempt, "sealed", "five"),
        (answer, "answer", "six"),
    ):
        assert list((await opened(new, row, column)).values()) == [value]
    assert {row.key_id for row in await everything(new)} == {"v2"}
    async with new.db.reading() as tx:
        assert (await tx.get_one(ApiKey, key.id)).lookup == new.vault.fingerprint("a-private-key")
        assert passes(new.vault, (await tx.get_one(Installation, 1)).key_check)


async def test_a_second_run_changes_nothing(old: Hub) -> None:
    await add(old, credential(old.vault, 1))
    hub = with_keys(old, V2, V1)
    await rotate(hub, silent)
    before = await everything(hub)
    assert await rotate(hub, silent) == Rotated(total=0, changed=0, unreadable=[], left=0)
    assert await everything(hub) == before


async def test_a_row_that_nothing_opens_is_named_and_left_alone(old: Hub) -> None:
    good, lost = credential(old.vault, 1), credential(Vault([LOST]), 2)
    half = credential(old.vault, 3, current="three", pending="gone")
    half.pending = old.vault.seal({}, bound_to="elsewhere")
    garbage = credential(old.vault, 4)
    garbage.current = b"garbage"
    await add(old, good, lost, half, garbage)
    before = {row.id: row for row in await everything(old)}
    hub = with_keys(old, V2, V1)

    rotated = await rotate(hub, silent)

    names = sorted(row_name(row) for row in (lost, half, garbage))
    assert rotated == Rotated(total=5, changed=3, unreadable=names, left=3)
    assert f"credential|{lost.id}" in rotated.unreadable
    after = {row.id: row for row in await everything(hub)}
    assert after[lost.id] == before[lost.id]
    assert after[half.id].pending == before[half.id].pending
    assert after[half.id].key_id == "v2"
    assert after[garbage.id].current == b"garbage"
    assert await opened(hub, half, "current") == {"bot_token": "three"}
    assert used(await status(hub)) == {"v1": 1, "v2": 3, "v9": 1, "?": 1}

    found_again = with_keys(old, V2, V1, LOST)
    assert (await rotate(found_again, silent)).unreadable == sorted(row_name(row) for row in (half, garbage))
    assert await opened(found_again, lost, "current") == {"bot_token": "token 2"}


async def test_a_dead_key_is_not_brought_back_to_life(old: Hub) -> None:
    key = api_key(old.vault, "a-private-key")
    key.lookup = "revoked"
    await add(old, key)
    hub = with_keys(old, V2, V1)
    assert (await rotate(hub, silent)).unreadable == [f"api_key|{key.id}"]
    async with hub.db.reading() as tx:
        assert (await tx.get_one(ApiKey, key.id)).lookup == "revoked"


async def test_the_key_check_moves_last(old: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(old, *(credential(old.vault, number) for number in range(3)))
    hub = with_keys(old, V2, V1)

    def stop(done: int, total: int) -> None:
        if done:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await rotate(hub, stop)
    async with hub.db.reading() as tx:
        check = (await tx.get_one(Installation, 1)).key_check
    assert passes(with_keys(old, V1).vault, check)
    assert (await rotate(hub, silent)).left == 0
    async with hub.db.reading() as tx:
        check = (await tx.get_one(Installation, 1)).key_check
    assert passes(with_keys(old, V2).vault, check)
    assert not passes(with_keys(old, V1).vault, check)


@pytest.mark.parametrize("keys", [(), (V1,)])
async def test_a_locked_vault_rotates_nothing_and_still_tells_the_status(old: Hub, keys: tuple[Key, ...]) -> None:
    await add(old, credential(old.vault, 1))
    locked = with_keys(old, *keys)
    locked.vault.lock("Locked. Put the key back.")
    with pytest.raises(VaultLocked, match="Put the key back"):
        await rotate(locked, silent)
    uses = await status(locked)
    assert used(uses) == {"v1": 2}
    assert [use.configured for use in uses] == [bool(keys)]
    assert (await rotate(with_keys(old, V2, V1), silent)).left == 0


async def test_the_status_names_the_active_key_first_and_those_without_rows(old: Hub) -> None:
    await add(old, credential(old.vault, 1), credential(Vault([LOST]), 2))
    v10 = Key("v10", secrets.token_bytes(32))
    assert await status(with_keys(old, v10, V2, V1)) == [
        KeyUse(key_id="v10", rows=0, active=True, configured=True),
        KeyUse(key_id="v1", rows=2, active=False, configured=True),
        KeyUse(key_id="v2", rows=0, active=False, configured=True),
        KeyUse(key_id="v9", rows=1, active=False, configured=False),
    ]


async def test_a_run_is_one_audit_event_without_a_secret(old: Hub) -> None:
    await add(old, credential(old.vault, 1))
    await rotate(with_keys(old, V2, V1), silent, actor="ana@example.com")
    async with old.db.reading() as tx:
        event = (await tx.execute(select(AuditEvent))).scalar_one()
    assert (event.kind, event.actor, event.subject, event.result) == ("keys_rotated", "ana@example.com", "v2", "ok")
    assert event.detail == {"changed": 2, "unreadable": 0, "left": 0}


async def test_a_row_whose_mark_is_wrong_is_found_by_its_envelope(old: Hub) -> None:
    row = credential(old.vault, 1)
    row.key_id = "v2"
    right = credential(Vault([V2]), 2)
    right.key_id = "v1"
    await add(old, row, right)
    hub = with_keys(old, V2, V1)
    assert (await rotate(hub, silent)).left == 0
    assert await opened(with_keys(old, V2), row, "current") == {"bot_token": "token 1"}
    assert {row.key_id for row in await everything(hub)} == {"v2"}


async def keep_connecting(hub: Hub, wanted: dict[str, str], stop: asyncio.Event) -> None:
    """What connects do meanwhile: overwrite a stored credential, add one, delete one."""
    number = 0
    while not stop.is_set():
        number += 1
        row_id = secrets.choice(list(wanted))
        async with hub.db.transaction() as tx:
            row = await tx.get_one(Credential, row_id)
            await asyncio.sleep(0.001)
            token = f"rewritten {number}"
            row.current = hub.vault.seal({"bot_token": token}, bound_to=bound_to(row, "current"))
            row.key_id = hub.vault.active_id
            fresh = credential(hub.vault, 100_000 + number)
            tx.add(fresh)
            gone = secrets.choice(list(wanted))
            if gone != row_id and number % 5 == 0:
                await tx.execute(delete(Credential).where(col(Credential.id) == gone))
        wanted[row_id] = token
        wanted[fresh.id] = f"token {100_000 + number}"
        if gone != row_id and number % 5 == 0:
            del wanted[gone]
        await asyncio.sleep(0)


@pytest.mark.parametrize("former", [False, True], ids=["workers with the new key", "a worker with the former key"])
async def test_it_rotates_under_load_is_killed_and_resumes(
    old: Hub, monkeypatch: pytest.MonkeyPatch, *, former: bool
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 7)
    rows = [credential(old.vault, number) for number in range(150)]
    await add(old, *rows, *(api_key(old.vault, f"{number:08}-private") for number in range(20)))
    wanted = {row.id: f"token {number}" for number, row in enumerate(rows)}
    hub = with_keys(old, V2, V1)
    stop = asyncio.Event()
    load = asyncio.create_task(keep_connecting(with_keys(old, V1, V2) if former else hub, wanted, stop))

    killed_at = await kill_midway(hub, after=40)
    middle = used(await status(hub))
    assert middle["v1"] > 0
    assert middle["v2"] >= (1 if former else killed_at)  # the former worker undoes some of it

    resumed = asyncio.create_task(rotate(hub, silent))
    await asyncio.sleep(0.3)
    stop.set()
    await load
    rotated = await resumed
    assert len(wanted) > 150

    assert rotated.unreadable == []
    assert rotated.left == 0
    new = with_keys(old, V2)
    assert used(await status(new)).keys() == {"v2"}
    stored = await everything(new)
    found = {
        row.id: new.vault.open(row.current or b"", bound_to=bound_to(row, "current"))["bot_token"].reveal()
        for row in stored
    }
    assert found == wanted
    async with new.db.reading() as tx:
        for number in range(20):
            lookups = new.vault.fingerprints(f"{number:08}-private")
            query: Any = select(func.count()).where(col(ApiKey.lookup).in_(lookups))
            assert (await tx.execute(query)).scalar_one() == 1


async def kill_midway(hub: Hub, *, after: int) -> int:
    """Cancel a rotation once so many rows are done; how many it was."""
    reached: list[int] = []

    def watch(done: int, total: int) -> None:
        if done >= after and not reached:
            reached.append(done)
            task.cancel()

    task = asyncio.create_task(rotate(hub, watch))
    with suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    return reached[0]


async def test_two_rotations_at_once_do_the_work_once(old: Hub) -> None:
    await add(old, *(credential(old.vault, number) for number in range(30)))
    hub = with_keys(old, V2, V1)
    first, second = await asyncio.gather(rotate(hub, silent), rotate(hub, silent))
    assert first.changed + second.changed == 31
    assert (first.left, second.left) == (0, 0)
    assert used(await status(with_keys(old, V2))) == {"v2": 31}


async def test_a_row_that_somebody_holds_is_taken_in_a_later_round(old: Hub) -> None:
    held, free = credential(old.vault, 1), credential(old.vault, 2)
    await add(old, held, free)
    hub = with_keys(old, V2, V1)
    async with old.db.transaction() as tx:
        await tx.execute(select(Credential).where(col(Credential.id) == held.id).with_for_update())
        running = asyncio.create_task(rotate(hub, silent))
        await asyncio.sleep(0.2)
        if old.db.postgres:  # one row waits, not the whole rotation
            assert (await opened(with_keys(old, V2), free, "current"))["bot_token"] == "token 2"
        assert not running.done()
    assert (await running).left == 0


async def test_a_connect_between_reading_and_writing_a_row_is_not_undone(
    old: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = credential(old.vault, 1)
    await add(old, row)
    hub = with_keys(old, V2, V1)
    lock_rows = sealed.lock_rows
    connects: list[asyncio.Task[None]] = []

    async def connect() -> None:
        async with hub.db.transaction() as tx:
            there = await tx.get_one(Credential, row.id)
            there.current = hub.vault.seal({"bot_token": "newer"}, bound_to=bound_to(there, "current"))

    async def lock_and_dawdle(*args: Any, **options: Any) -> list[HubModel]:
        rows = await lock_rows(*args, **options)
        if not connects:
            connects.append(asyncio.create_task(connect()))
            await asyncio.sleep(0.3)
        return rows

    monkeypatch.setattr(sealed, "lock_rows", lock_and_dawdle)
    assert (await rotate(hub, silent)).left == 0
    await connects[0]
    assert await opened(with_keys(old, V2), row, "current") == {"bot_token": "newer"}


async def test_after_a_rotation_the_hub_starts_with_the_new_key_alone(database_url: str, tmp_path: Path) -> None:
    def start(*keys: Key) -> AbstractAsyncContextManager[Hub]:
        return open_hub(test_settings(tmp_path, database_url=database_url, encryption_keys=text_of(*keys)))

    row = credential(Vault([V1]), 1)
    async with start(V1) as hub:
        await add(hub, row)
    async with start(V2, V1) as hub:
        assert (await rotate(hub, silent)).left == 0
    async with start(V2) as hub:
        assert not hub.vault.locked
        assert await opened(hub, row, "current") == {"bot_token": "token 1"}
