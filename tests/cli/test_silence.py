"""A database that takes the connection and says nothing, and addresses and folders that cannot be used."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from atlas_hub.cli import main
from atlas_hub.storage import db
from atlas_hub.storage.keys import generate_key


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a PostgreSQL that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"postgresql://ana:hunter2@127.0.0.1:{server.getsockname()[1]}/atlas"


@pytest.mark.parametrize("words", [("migrate", "--json"), ("workspace", "list", "--json"), ("serve", "--json")])
def test_a_database_that_says_nothing_is_not_waited_for(
    silent: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "CONNECT_SECONDS", 2)
    environment = {"DATABASE_URL": silent, "ATLAS_ENCRYPTION_KEYS": f"v1:{generate_key()}"}
    result = CliRunner().invoke(main, words, env=environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "The database did not answer." in result.stderr


def test_the_address_may_say_how_long_to_wait(silent: str) -> None:
    assert db.make_engine(silent).url.query["connect_timeout"] == "10"
    assert db.make_engine(silent + "?connect_timeout=30").url.query["connect_timeout"] == "30"


@pytest.mark.parametrize("words", [("migrate", "--json"), ("serve", "--json"), ("workspace", "list", "--json")])
@pytest.mark.parametrize(
    "environment",
    [{"DATABASE_URL": "mysql://x/y"}, {"DATABASE_URL": "garbage"}, {"ATLAS_DATA_DIR": "/proc/nope"}],
)
def test_what_cannot_be_opened_is_a_sentence(
    words: tuple[str, ...], environment: dict[str, str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("ATLAS_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(main, words, env=environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert next(iter(environment)) in result.stderr
    assert len(result.stderr.splitlines()) == 1
