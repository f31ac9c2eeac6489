"""The command line for a host application: its tenants have no row of their own in the hub's tables."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atlas_hub import workspace_id
from atlas_hub.cli import here, main
from atlas_hub.hub import opened
from atlas_hub.settings import load
from atlas_hub.storage.counting import rows

ROOT = Path(__file__).parents[2]
TENANT = workspace_id("1")
KEY = ("key", "create", "--role", "admin", "--json", "--workspace")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`atlas-hub` with these words, on a database of the test's own."""
    monkeypatch.setenv("ATLAS_DATA_DIR", str(tmp_path))
    return lambda *words: CliRunner().invoke(main, words)


def told(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def refused(result: Result, words: str = "no workspace with this id") -> None:
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr


def left_of(tenant: str, folder: Path) -> dict[str, int]:
    async def count() -> dict[str, int]:
        async with opened(load(data_dir=folder)) as hub, hub.db.reading() as tx:
            return {table: number for table, number in (await rows(tx, [tenant])).items() if number}

    return asyncio.run(count())


def test_a_host_makes_a_key_for_a_tenant_and_purges_the_tenant(run: Any, tmp_path: Path) -> None:
    made = told(run(*KEY, TENANT))
    assert made["workspace"] == TENANT
    assert [key["id"] for key in told(run("key", "list", "--workspace", TENANT, "--json"))] == [made["id"]]
    assert run("doctor", "--workspace", TENANT, "--json").exit_code in {0, 1}
    other = told(run(*KEY, workspace_id("2")))

    gone = told(run("workspace", "delete", TENANT, "--yes", "--json"))

    grants = {"revoked": 0, "notRevoked": 0}
    # The rows: the key, its event, the chain's end.
    assert gone == {"id": TENANT, "name": TENANT, "deleted": True, "rows": 3, "grants": grants}
    assert left_of(TENANT, tmp_path) == {}
    assert [key["id"] for key in told(run("key", "list", "--json"))] == [other["id"]]
    (event,) = told(run("audit", "list", "--workspace", "-", "--json"))
    assert (event["kind"], event["subject"]) == ("workspace_deleted", TENANT)
    refused(run("workspace", "delete", TENANT, "--yes", "--json"))
    told(run(*KEY, TENANT))  # a tenant may come back


def test_a_tenant_that_nothing_belongs_to_has_no_keys_yet_and_cannot_be_purged(run: Any) -> None:
    assert told(run("key", "list", "--workspace", TENANT, "--json")) == []
    refused(run("workspace", "delete", TENANT, "--yes", "--json"))
    assert told(run("audit", "list", "--workspace", "-", "--json")) == []


@pytest.mark.parametrize("id_", ["1", "acme", TENANT.upper(), TENANT + "0", ""])
def test_what_is_no_id_is_refused_for_a_host_too(run: Any, id_: str) -> None:
    told(run(*KEY, TENANT))
    told(run("workspace", "delete", TENANT, "--yes", "--json"))  # so that the installation has a chain of its own
    refused(run(*KEY, id_))
    refused(run("key", "list", "--json", "--workspace", id_))
    refused(run("workspace", "delete", id_, "--yes", "--json"))
    assert run("doctor", "--workspace", id_, "--json").exit_code == 2
    assert len(told(run("audit", "list", "--workspace", "-", "--json"))) == 1


def test_a_typo_is_refused_where_there_are_workspaces_or_were(run: Any) -> None:
    acme = told(run("workspace", "create", "--name", "Acme", "--json"))["id"]
    for _ in range(2):
        refused(run(*KEY, TENANT))
        refused(run("key", "list", "--json", "--workspace", TENANT))
        refused(run("workspace", "delete", TENANT, "--yes", "--json"))
        assert run("doctor", "--workspace", TENANT, "--json").exit_code == 2
        run("workspace", "delete", acme, "--yes")
    refused(run(*KEY, acme))


HOST = """
import reflex as rx
from atlas_hub import HubPlugin

print("a host may print")
hub = HubPlugin(actors="dashboard.actors"{more})
config = rx.Config(app_name="dashboard", db_url="sqlite:///mine.db", plugins=[hub])
"""


def in_folder(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`atlas-hub` in a folder, as a process of its own: Reflex reads one configuration in each."""
    fixed = {"HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "atlas_hub", *words],
        cwd=folder,
        env={**fixed, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_a_hosts_folder_the_commands_use_the_hosts_database(tmp_path: Path) -> None:
    (tmp_path / "rxconfig.py").write_text(HOST.format(more=""))
    run = in_folder(tmp_path, *KEY, TENANT, HOST="0.0.0.0")  # noqa: S104  # of the host's server: not read here
    assert json.loads(run.stdout)["workspace"] == TENANT, run.stderr
    assert (tmp_path / "mine.db").is_file()
    assert not (tmp_path / ".atlas" / "atlas.db").exists()


def test_what_a_host_gives_its_plugin_counts(tmp_path: Path) -> None:
    given = ', settings=__import__("atlas_hub.settings").settings.load(database_url="sqlite:///given.db")'
    (tmp_path / "rxconfig.py").write_text(HOST.format(more=given))
    run = in_folder(tmp_path, "migrate", "--json")
    assert json.loads(run.stdout) == {"migrated": True}, run.stderr
    assert (tmp_path / "given.db").is_file()


def test_the_environment_comes_before_the_hosts_database(tmp_path: Path) -> None:
    (tmp_path / "rxconfig.py").write_text(HOST.format(more=""))
    run = in_folder(tmp_path, "migrate", DATABASE_URL="sqlite:///named.db")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "named.db").is_file()
    assert not (tmp_path / "mine.db").exists()


@pytest.mark.parametrize("broken", ["import nothing_that_exists", "raise SystemExit(0)", "config = 1", "def ("])
def test_a_configuration_that_cannot_be_imported_is_one_sentence(tmp_path: Path, broken: str) -> None:
    (tmp_path / "rxconfig.py").write_text(broken)
    run = in_folder(tmp_path, "migrate", "--json")
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("Error: rxconfig.py of this folder cannot be imported")
    assert len(run.stderr.splitlines()) == 1


def test_the_stand_alone_apps_configuration_is_known_without_importing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(sys.modules, "atlas_hub.plugin", None)  # importing it would raise
    assert here.settings() == load()


def test_the_doctor_looks_at_workspaces_in_which_nothing_is_connected_yet(run: Any, tmp_path: Path) -> None:
    told(run(*KEY, TENANT))
    file = tmp_path / "bundle.json"
    run("doctor", "--bundle", str(file))
    assert json.loads(file.read_text())["counts"]["api_key"] == 1
