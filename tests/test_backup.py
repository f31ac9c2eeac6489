"""A backup: without the keys it opens nothing and says nothing, with them another machine serves the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm
from atlas_hub.services import connections, status
from atlas_hub.services.access import Actor
from atlas_hub.services.views import State
from atlas_hub.settings import Settings
from atlas_hub.storage.keys import generate_key
from tests.conftest import actor, database_on, missing, open_hub, test_settings
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackStandin]:
    with SlackStandin() as standin:
        monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", standin.base)
        yield standin


@pytest.fixture
def second_database(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database: another machine's."""
    with database_on(postgres_server, "test") as url:
        yield url


def another(key_id: str) -> str:
    """A key that sealed nothing here."""
    return f"{key_id}:{generate_key()}"


def run(*given, **how) -> subprocess.CompletedProcess[str]:
    """The operator's command, as the guide has it."""
    return subprocess.run(*given, check=True, **how)


async def fill(settings: Settings) -> Actor:
    """A workspace with a connection."""
    owner = actor()
    async with open_hub(settings) as hub:
        await connections.connect(hub, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    return owner


async def serves_the_same(hub: Hub, owner: Actor, slack: SlackStandin) -> None:
    """The restored hub opens the credential and asks the vendor with it."""
    slack.calls.clear()
    card = await status.card(hub, owner.workspace, "slack")
    assert card.connection is not None
    checked = await connections.check_now(hub, owner, card.connection.id)
    assert checked.checks["authenticated"]["status"] == "yes"
    assert slack.calls


async def test_sqlite(tmp_path: Path, slack: SlackStandin) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    if shutil.which("sqlite3") is None:
        missing("sqlite3")
    owner = await fill(test_settings(here))
    dump = tmp_path / "backup.db"
    # As docs/operations.md says, with the hub's log of writes still beside the file.
    run(["sqlite3", here / "atlas.db", f"VACUUM INTO '{dump}'"])
    assert ACME.encode() not in dump.read_bytes()
    shutil.copy(dump, there / "atlas.db")
    async with open_hub(test_settings(there)) as hub:
        await serves_the_same(hub, owner, slack)


async def test_sqlite_with_another_key_is_calm_and_names_the_key(
    tmp_path: Path, slack: SlackStandin, caplog: pytest.LogCaptureFixture
) -> None:
    owner = await fill(test_settings(tmp_path / "here"))
    (tmp_path / "there").mkdir()
    with sqlite3.connect(tmp_path / "here" / "atlas.db") as source:
        source.execute("VACUUM INTO ?", (str(tmp_path / "there" / "atlas.db"),))
    source.close()
    async with open_hub(test_settings(tmp_path / "there", encryption_keys=another("v2"))) as hub:
        assert hub.vault.locked
        assert "v1" in hub.vault.reason
        card = await status.card(hub, owner.workspace, "slack")
        assert card.connection is not None
        assert card.connection.state is State.LOCKED
    assert ACME not in caplog.text


@pytest.mark.postgres
async def test_postgres(tmp_path: Path, slack: SlackStandin, postgres_url: str, second_database: str) -> None:
    if shutil.which("pg_dump") is None:
        missing("pg_dump")
    owner = await fill(test_settings(tmp_path / "here", database_url=postgres_url))
    dump = tmp_path / "backup.dump"
    run(["pg_dump", "--format=custom", f"--file={dump}", postgres_url])
    plain = run(["pg_restore", "--file=-", dump], capture_output=True, text=True).stdout
    assert "atlas_hub_credential" in plain
    assert ACME not in plain
    assert ACME.encode().hex() not in plain
    restore = ["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={second_database}", str(dump)]
    run(restore, env={"PATH": os.environ["PATH"]})  # noqa: TID251  # a child's
    with pytest.raises(BadForm) as unset:
        async with open_hub(test_settings(tmp_path / "there", database_url=second_database, encryption_keys=None)):
            pass
    assert list(unset.value.fields) == ["ATLAS_ENCRYPTION_KEYS"]
    with pytest.raises(BadForm) as wrong:
        async with open_hub(
            test_settings(tmp_path / "there", database_url=second_database, encryption_keys=another("v2"))
        ):
            pass
    assert "v1" in wrong.value.text
    async with open_hub(test_settings(tmp_path / "there", database_url=second_database)) as hub:
        await serves_the_same(hub, owner, slack)
