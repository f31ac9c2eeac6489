"""The admin API with the hub's own keys: what they open, and what a request costs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from atlas_hub.api import callers
from atlas_hub.hub import Hub
from atlas_hub.services import api_keys
from atlas_hub.services.access import Role
from tests.api.conftest import People, Vendors, asking
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.telegram import ATLAS

OPERATOR = "operator-key-of-this-test"


@pytest.fixture
def real_keys(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are looked up as they are outside of tests."""
    monkeypatch.setattr(callers, "actor_of_key", api_keys.actor_of_key)


@pytest.fixture
async def key(hub: Hub, people: People, real_keys: None) -> str:
    """A key of the owner's."""
    return (await api_keys.create(hub, people.keys["owner"], role=Role.OWNER)).private_key.reveal()


@pytest.fixture
async def operators_hub(tmp_path: Path, vendors: Vendors) -> AsyncIterator[Hub]:
    """A hub without a database, with ATLAS_API_KEY."""
    async with open_hub(settings_for(tmp_path, database_url="none", api_key=OPERATOR)) as hub:
        yield hub


@contextmanager
def noted(hub: Hub) -> Iterator[list[str]]:
    """The statements that the database was sent."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            statements.append(statement)

    engine = hub.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


async def test_status_costs_one_query_for_the_caller_and_one_for_the_answer(hub: Hub, people: People, key: str) -> None:
    async with asking(people, key) as client:
        assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200
        with noted(hub) as statements:
            assert (await client.get("/status")).json()["telegram"]["connected"] is True
        assert len(statements) == 2, statements


async def test_a_stranger_costs_one_query_at_most(hub: Hub, people: People, real_keys: None) -> None:
    async with asking(people, "nobody") as client:
        with noted(hub) as statements:
            assert (await client.get("/status")).status_code == 401
        assert len(statements) <= 1
    async with asking(people, None, Authorization="Basic b3duZXI6") as client:
        with noted(hub) as statements:
            assert (await client.get("/status")).status_code == 401
        assert statements == []


@pytest.mark.parametrize(
    ("role", "api", "status"),
    [
        (Role.OWNER, "admin", 200),
        (Role.ADMIN, "admin", 200),
        (Role.READ_ONLY, "admin", 403),
        (Role.OWNER, "groups", 403),
        (Role.OWNER, "chat", 403),
    ],
)
async def test_a_key_opens_what_it_is_made_for(
    hub: Hub, people: People, real_keys: None, role: Role, api: str, status: int
) -> None:
    made = await api_keys.create(hub, people.keys["owner"], role=role, apis=[api])
    async with asking(people, made.private_key.reveal()) as client:
        answer = await client.get("/status")
        assert answer.status_code == status
        assert answer.json().get("error") == (None if status == 200 else "forbidden_role")


async def test_a_revoked_key_opens_nothing(hub: Hub, people: People, key: str) -> None:
    owner = people.keys["owner"]
    async with asking(people, key) as client:
        assert (await client.get("/status")).status_code == 200
        [view] = await api_keys.listed(hub, owner.workspace)
        await api_keys.revoke(hub, owner, view.id)
        assert (await client.get("/status")).status_code == 401


async def test_the_operator_s_key_reads_the_status_where_there_is_no_database(
    operators_hub: Hub, people: People, real_keys: None
) -> None:
    async with asking(people, OPERATOR) as client:
        status = await client.get("/status")
        assert (status.status_code, status.json()["hasInternalDB"]) == (200, False)
        write = await client.post("/telegram", json={"botToken": ATLAS})
        assert (write.status_code, write.json()["error"]) == (404, "not_available")
    async with asking(people, "another-key-altogether") as client:
        assert (await client.get("/status")).status_code == 401
