"""`atlas-hub doctor`: what it says and how it exits when little works, and that it changes nothing by looking."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atlas_hub.cli import main
from atlas_hub.hub import opened
from atlas_hub.services import connections
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.bundle import STEPS, Bundle
from atlas_hub.settings import load
from atlas_hub.storage.db import Db
from atlas_hub.storage.installation import migrate
from atlas_hub.storage.keys import generate_key
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME_IN_FULL

NOWHERE = "postgresql://ana:hunter2@127.0.0.1:9/atlas"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`atlas-hub` with these words, on a database of the test's own, where no hub is served."""
    monkeypatch.setenv("ATLAS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PORT", "9")

    def asked(*words: str, **environment: str) -> Result:
        return CliRunner().invoke(main, words, env=environment)

    return asked


@pytest.fixture
def acme(run: Any) -> str:
    made: str = json.loads(run("workspace", "create", "--name", "Acme", "--json").stdout)["id"]
    return made


def told(result: Result) -> dict[str, dict[str, Any]]:
    """Step → finding of the installation, and what every report keeps."""
    value = json.loads(result.stdout)
    assert sum(value["summary"].values()) == len(value["findings"])
    assert {each["step"] for each in value["findings"]} <= set(STEPS)
    assert result.exit_code == (1 if value["summary"]["failed"] else 0)
    for each in value["findings"]:
        assert bool(each["fix"]) is (each["status"] in {"failed", "warning"})
    return {each["step"]: each for each in value["findings"] if each["area"] == "installation"}


def statuses(found: dict[str, dict[str, Any]], *steps: str) -> list[str]:
    return [found[step]["status"] for step in steps]


def test_a_sound_installation_exits_with_0_and_says_why_what_was_skipped(run: Any, acme: str) -> None:
    result = run("doctor", "--json")
    found = told(result)
    assert statuses(found, "database", "migrations", "keys", "redis", "audit") == ["ok"] * 5
    assert statuses(found, "reachable", "websocket", "clock") == ["skipped"] * 3
    report = run("doctor")
    assert report.exit_code == 0
    assert "Installation" in report.stdout
    assert "✓ database" in report.stdout


def test_where_nothing_was_made_yet_nothing_is_made_by_looking(run: Any, tmp_path: Path) -> None:
    found = told(run("doctor", "--json"))
    assert statuses(found, "database", "migrations", "keys") == ["failed", "skipped", "skipped"]
    assert "atlas-hub migrate" in found["database"]["fix"]
    assert not (tmp_path / "data").exists()


def test_a_database_that_is_down_is_a_finding_without_its_password(run: Any) -> None:
    result = run("doctor", "--json", DATABASE_URL=NOWHERE, ATLAS_ENCRYPTION_KEYS=generate_key())
    found = told(result)
    assert result.exit_code == 1
    assert statuses(found, "database", "migrations", "keys", "audit") == ["failed", "skipped", "skipped", "skipped"]
    assert "hunter2" not in result.output


def test_no_internal_database_is_no_fault(run: Any) -> None:
    found = told(run("doctor", "--json", DATABASE_URL="none"))
    assert statuses(found, "database", "migrations", "audit") == ["skipped"] * 3


@pytest.mark.parametrize(("revision", "word"), [("0001", "atlas-hub migrate"), ("newer", "newer version")])
def test_tables_of_another_version_are_told_and_left_as_they_are(
    run: Any, tmp_path: Path, revision: str, word: str
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"

    async def at(named: str) -> str:
        db = Db(url)
        try:
            await migrate(db, "0001")
            async with db.engine.begin() as connection:
                if named != "0001":
                    await connection.exec_driver_sql("UPDATE atlas_hub_alembic_version SET version_num = 'ffff'")
        finally:
            await db.close()
        return url

    async def version() -> str:
        db = Db(url)
        try:
            async with db.engine.connect() as connection:
                answer = await connection.exec_driver_sql("SELECT version_num FROM atlas_hub_alembic_version")
                return str(answer.scalar_one())
        finally:
            await db.close()

    asyncio.run(at(revision))
    before = asyncio.run(version())
    found = told(run("doctor", "--json", DATABASE_URL=url))
    assert statuses(found, "database", "migrations") == ["ok", "failed"]
    assert word in found["migrations"]["fix"]
    assert asyncio.run(version()) == before


def test_another_key_is_told_and_no_row_is_blamed(run: Any, acme: str, tmp_path: Path) -> None:
    with SlackStandin() as slack:
        connect(run, acme, tmp_path, slack)
        before = len(slack.calls)
        result = run("doctor", "--json", ATLAS_ENCRYPTION_KEYS=f"v1:{generate_key()}", **slack.env)
        found = told(result)
        assert found["keys"]["status"] == "failed"
        assert "ATLAS_ENCRYPTION_KEYS" in found["keys"]["text"]
        assert len(slack.calls) == before
        assert told(run("doctor", "--json", **slack.env))["keys"]["status"] == "ok"


def test_rows_under_a_former_key_are_a_warning_that_names_the_command(run: Any, acme: str, tmp_path: Path) -> None:
    former = (tmp_path / "data" / "encryption.key").read_text().strip()
    result = run("doctor", "--json", ATLAS_ENCRYPTION_KEYS=f"v2:{generate_key()},{former}")
    found = told(result)
    assert (found["keys"]["status"], result.exit_code) == ("warning", 0)
    assert "keys rotate" in found["keys"]["fix"]


def test_a_key_that_is_missing_in_production_is_told(run: Any, acme: str) -> None:
    found = told(run("doctor", "--json", ATLAS_DEPLOY_MODE="saas"))
    assert statuses(found, "keys", "address") == ["failed", "failed"]
    assert "key file" in found["keys"]["fix"]


def test_a_redis_that_is_down_is_told_and_one_that_runs_is_well(run: Any, acme: str, redis_url: str) -> None:
    found = told(run("doctor", "--json", REFLEX_REDIS_URL="redis://:hunter2@127.0.0.1:9/0"))
    assert found["redis"]["status"] == "failed"
    assert "hunter2" not in str(found)
    assert told(run("doctor", "--json", REFLEX_REDIS_URL=redis_url))["redis"]["status"] == "ok"


@pytest.mark.parametrize(
    "variables",
    [
        {"PORT": "hunter2", "ATLAS_RATE_LIMIT_RPM": "hunter2"},
        {"DATABASE_URL": "hunter2"},
        {"DATABASE_URL": "mysql://ana:hunter2@localhost/atlas"},
        {"REFLEX_REDIS_URL": "hunter2"},
        {"ATLAS_UPSTREAM_SLACK": "hunter2"},
        {"ATLAS_PUBLIC_URL": "https://ana:hunter2@hub.example.com"},
        {"ATLAS_PUBLIC_URL": "https://hub.example.com/hunter2"},
    ],
    ids=str,
)
def test_each_variable_that_is_wrong_is_named_and_never_its_value(run: Any, variables: dict[str, str]) -> None:
    result = run("doctor", "--json", **variables)
    value = json.loads(result.stdout)
    assert result.exit_code == 1
    wrong = [each for each in value["findings"] if each["step"] == "settings"]
    assert {name for name in variables if any(name in each["text"] for each in wrong)} == set(variables)
    assert "hunter2" not in result.output


def test_an_address_of_production_must_be_https_and_its_proxy_known(run: Any, acme: str, tmp_path: Path) -> None:
    key = (tmp_path / "data" / "encryption.key").read_text().strip()
    served = {"ATLAS_ENCRYPTION_KEYS": key, "HOST": "192.0.2.1"}
    found = told(run("doctor", "--json", ATLAS_PUBLIC_URL="http://hub.invalid", **served))
    assert statuses(found, "address", "proxy") == ["failed", "ok"]
    found = told(run("doctor", "--json", ATLAS_PUBLIC_URL="https://hub.invalid", **served))
    assert statuses(found, "address", "proxy") == ["ok", "warning"]
    served["ATLAS_TRUSTED_PROXIES"] = "10.0.0.0/8"
    found = told(run("doctor", "--json", ATLAS_PUBLIC_URL="https://hub.invalid", **served))
    assert statuses(found, "address", "proxy") == ["ok", "ok"]
    found = told(run("doctor", "--json", ATLAS_PUBLIC_URL="HTTPS://Hub.Invalid:443/", **served))
    assert statuses(found, "address", "proxy") == ["ok", "ok"]
    assert "https://hub.invalid." in found["address"]["text"]


def connect(run: Any, workspace: str, tmp_path: Path, slack: SlackStandin) -> None:
    async def work() -> None:
        settings = load(data_dir=tmp_path / "data")
        async with opened(settings) as hub:
            actor = Actor(id="t", name="ana@example.com", workspace=workspace, role=Role.OWNER)
            values = {"bot_token": ACME_IN_FULL}
            await connections.connect(hub, actor, "slack", "bot_token", values, source="page")

    with pytest.MonkeyPatch.context() as patch:
        for name, value in slack.env.items():
            patch.setenv(name, value)
        asyncio.run(work())


def test_every_workspace_is_looked_at_or_the_one_that_is_named(run: Any, acme: str, tmp_path: Path) -> None:
    other = json.loads(run("workspace", "create", "--name", "Other", "--json").stdout)["id"]
    with SlackStandin() as slack:
        connect(run, acme, tmp_path, slack)
        slack.dial.set(Fault.UNAUTHORIZED)
        whole = run("doctor", "--json", **slack.env)
        assert whole.exit_code == 1
        found = [each for each in json.loads(whole.stdout)["findings"] if each["area"] == "connection"]
        assert [each["code"] for each in found if each["status"] == "failed"] == ["INVALID_CREDENTIALS"]
        assert run("doctor", "--workspace", acme, **slack.env).exit_code == 1
        assert run("doctor", "--workspace", other, **slack.env).exit_code == 0
        assert ACME_IN_FULL not in whole.output


def test_an_unknown_workspace_or_a_file_that_cannot_be_written_exits_with_2(
    run: Any, acme: str, tmp_path: Path
) -> None:
    for words in (("--workspace", "f" * 24), ("--bundle", str(tmp_path / "nowhere" / "x.json"))):
        result = run("doctor", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize("url", ["", "none", NOWHERE, "nonsense"])
def test_the_bundle_is_written_for_its_owner_alone_whatever_works(
    run: Any, acme: str, tmp_path: Path, url: str
) -> None:
    file = tmp_path / "bundle.json"
    file.write_text("former")
    file.chmod(0o644)
    run("doctor", "--bundle", str(file), **({"DATABASE_URL": url} if url else {}))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = Bundle.model_validate_json(file.read_text())
    assert made.findings
    assert "hunter2" not in file.read_text()
    assert str(tmp_path) not in file.read_text()
