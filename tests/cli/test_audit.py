"""`atlas-hub audit`: reads, exports and verifies, one JSON value on standard output, exit 0 only where all is whole."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, update

from atlas_hub.cli import main
from atlas_hub.hub import Hub, opened
from atlas_hub.kit.clock import parse
from atlas_hub.settings import load
from atlas_hub.storage import audit
from atlas_hub.storage.models import AuditEvent, AuditHead


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ATLAS_DATA_DIR", str(tmp_path))

    def asked(*words: str) -> Result:
        return CliRunner().invoke(main, ["audit", *words])

    return asked


def inside(folder: Path, work):
    async def done():
        async with opened(load(data_dir=folder)) as hub:
            return await work(hub)

    return asyncio.run(done())


@pytest.fixture
def acme(run, tmp_path: Path) -> str:
    """A workspace in which three more things happened, one of which is a formula."""
    made = CliRunner().invoke(main, ["workspace", "create", "--name", "Acme", "--json"])
    workspace = json.loads(made.stdout)["id"]

    async def note(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            head = await audit.head_of(tx, workspace)
            for kind, actor, result in (
                ("connected", "ana@example.com", "ok"), ("checked", "=cmd|' /C calc'!A0", "failed"),
                ("checked", "Bo_@example.com", "ok"),
            ):  # fmt: skip
                await audit.append(
                    tx, head, kind=kind, actor=actor, at=hub.now(), provider="slack", result=result, subject="s"
                )

    inside(tmp_path, note)
    return workspace


def told(result: Result, code: int = 0):
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def test_events_are_listed_newest_first_and_in_pages(run, acme):
    listed = told(run("list", "--workspace", acme, "--json"))
    assert [(event["seq"], event["kind"]) for event in listed] == [
        (4, "checked"), (3, "checked"), (2, "connected"), (1, "workspace_created"),
    ]  # fmt: skip
    page = run("list", "--workspace", acme, "--limit", "2")
    assert [line.split()[0] for line in page.stdout.splitlines()] == ["SEQ", "4", "3"]
    assert "--before 3" in page.stderr
    assert [event["seq"] for event in told(run("list", "--workspace", acme, "--before", "3", "--json"))] == [2, 1]


@pytest.mark.parametrize(
    ("words", "seqs"),
    [
        (("--kind", "checked"), [4, 3]), (("--result", "failed"), [3]), (("--actor", "BO_@"), [4]),
        (("--actor", "%"), []), (("--provider", "slack", "--kind", "connected"), [2]), (("--to", "2001-01-01"), []),
        (("--from", "2001-01-01", "--subject", "s"), [4, 3, 2]),
    ],
)  # fmt: skip
def test_filters_narrow_list_and_export(run, acme, words, seqs):
    assert [event["seq"] for event in told(run("list", "--workspace", acme, *words, "--json"))] == seqs
    exported = run("export", "--workspace", acme, "--format", "jsonl", *words)
    assert [json.loads(line)["seq"] for line in exported.stdout.splitlines()] == seqs[::-1]


def test_an_export_in_csv_has_every_column_and_no_formula(run, acme):
    done = run("export", "--workspace", acme, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[2]["actor"] == "'=cmd|' /C calc'!A0"
    assert not re.search(r"(?m)(^|,)\"?[=+@-]", done.stdout)
    for before, after in itertools.pairwise(rows):
        assert after["previousHash"] == before["hash"]


def test_an_export_has_all_that_its_hashes_are_made_of(run, acme):
    done = run("export", "--workspace", acme, "--format", "jsonl")
    for line in done.stdout.splitlines():
        event = json.loads(line)
        own = event.pop("hash")
        event["request_id"], event["previous_hash"] = event.pop("requestId"), event.pop("previousHash")
        event["at"] = parse(event["at"])
        assert audit.hash_of(event) == own


def test_what_a_command_did_has_an_id_of_that_command(run, acme):
    CliRunner().invoke(main, ["key", "create", "--workspace", acme, "--role", "admin", "--api", "admin"])
    key, *_, created = told(run("list", "--workspace", acme, "--json"))
    assert (key["kind"], created["kind"]) == ("key_created", "workspace_created")
    assert re.fullmatch("[0-9a-f]{24}", key["requestId"])
    assert re.fullmatch("[0-9a-f]{24}", created["requestId"])
    assert key["requestId"] != created["requestId"]


@pytest.mark.parametrize(
    "setting", ["at = 'garbage'", "detail = '{'", "actor = x'ff00'", "actor = CAST(x'ff' AS TEXT)"]
)
def test_an_event_that_cannot_be_read_hides_no_other(run, acme, tmp_path, setting):
    async def tamper(hub: Hub) -> None:
        async with hub.db.engine.begin() as connection:
            await connection.exec_driver_sql(f"UPDATE atlas_hub_audit_event SET {setting} WHERE seq = 3")  # noqa: S608  # a test's own words

    inside(tmp_path, tamper)
    listed = told(run("list", "--workspace", acme, "--json"))
    assert [(event["seq"], event["kind"], event["at"] == "") for event in listed] == [
        (4, "checked", False), (3, "unreadable", True), (2, "connected", False), (1, "workspace_created", False),
    ]  # fmt: skip
    assert "Event 3 cannot be read. Run `atlas-hub audit verify`." in run("list", "--workspace", acme).stderr
    lines = run("export", "--workspace", acme, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == listed[::-1]
    rows = list(csv.DictReader(io.StringIO(run("export", "--workspace", acme, "--format", "csv").stdout)))
    assert [row["kind"] for row in rows] == [event["kind"] for event in listed[::-1]]
    assert told(run("verify", "--json"), code=1)["chains"][0]["findings"][0]["seq"] == 3


@pytest.mark.parametrize("words", [("--from", "yesterday"), ("--kind", "Not a kind"), ("--result", "maybe")])
def test_a_filter_that_means_nothing_is_refused_by_name(run, acme, words):
    for verb in (("list",), ("export", "--format", "csv")):
        result = run(*verb, "--workspace", acme, *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words[0].lstrip("-") in result.stderr


def test_a_workspace_without_a_log_is_told(run, acme):
    for verb in (("list",), ("export", "--format", "csv"), ("verify",)):
        result = run(*verb, "--workspace", "0" * 24)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "no audit log" in result.stderr


def test_an_export_takes_json_as_every_command_does(run, acme):
    asked = ("export", "--workspace", acme)
    lines = run(*asked, "--format", "jsonl").stdout
    assert lines
    for words in (("--json",), ("--json", "--format", "jsonl")):
        assert run(*asked, *words).stdout == lines
    for words in ((), ("--json", "--format", "csv")):
        assert run(*asked, *words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--before", "99999999999999999999999"), 2), (("--actor", "\udcff"), 2), (("--subject", "\udcff"), 2),
        (("--workspace", "\udcff"), 1), (("--from", "2026-04-02", "--to", "2026-04-01"), 2),
    ],
)  # fmt: skip
def test_what_no_event_can_have_is_refused_with_a_sentence(run, acme, words, code):
    result = run("list", "--workspace", acme, *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert "unexpected" not in result.stderr
    assert (words[0] in result.stderr) == (code == 2)


def test_a_log_that_was_deleted_whole_is_found_by_its_head(run, acme, tmp_path):
    head = told(run("verify", "--json"))["chains"][0]["hash"]

    async def remove(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            for table in (AuditEvent, AuditHead):
                await tx.execute(delete(table))

    inside(tmp_path, remove)
    for where in ((), ("--workspace", acme)):
        value = told(run("verify", *where, "--head", head, "--json"), code=1)
        assert (value["whole"], value["head"]) == (False, None)


def test_the_log_of_a_fresh_installation_is_whole(run):
    value = told(run("verify", "--workspace", "-", "--json"))
    assert value == {
        "whole": True,
        "chains": [{"workspace": "", "seq": 0, "hash": "", "whole": True, "findings": [], "leftOut": 0}],
    }


def test_verify_prints_what_to_keep_and_takes_it_back(run, acme):
    whole = run("verify")
    assert whole.exit_code == 0
    head = re.search(rf"^{acme}  whole  4 events  ([0-9a-f]{{64}})$", whole.stdout, re.MULTILINE)
    assert head
    assert "Keep these hashes elsewhere" in whole.stderr
    value = told(run("verify", "--head", head[1], "--json"))
    assert (value["whole"], value["head"]) == (True, {"workspace": acme, "seq": 4})
    (chain,) = value["chains"]
    assert chain == {
        "workspace": acme, "seq": 4, "hash": head[1], "whole": True, "findings": [], "leftOut": 0,
    }  # fmt: skip
    assert told(run("verify", "--workspace", acme, "--head", head[1], "--json"))["head"]["seq"] == 4


def test_verify_names_what_is_wrong_and_fails(run, acme, tmp_path):
    async def tamper(hub: Hub) -> None:
        async with hub.db.transaction() as tx:
            await tx.execute(update(AuditEvent).where(AuditEvent.seq == 2).values(actor="mallory"))
            await tx.execute(delete(AuditEvent).where(AuditEvent.seq == 4))

    inside(tmp_path, tamper)
    value = told(run("verify", "--json"), code=1)
    assert value["whole"] is False
    assert [(each["seq"], each["fault"]) for each in value["chains"][0]["findings"]] == [(2, "edited"), (3, "tail_cut")]
    said = run("verify", "--workspace", acme)
    assert said.exit_code == 1
    assert "NOT WHOLE" in said.stdout
    assert "event 2 " in said.stdout
    assert "Keep" not in said.stderr


@pytest.mark.parametrize("one", [True, False])
def test_a_head_that_is_not_there_any_more_fails(run, acme, one):
    where = ("--workspace", acme) if one else ()
    value = told(run("verify", *where, "--head", "0" * 64, "--json"), code=1)
    assert (value["whole"], value["head"]) == (False, None)
    assert "kept" in run("verify", *where, "--head", "0" * 64).stdout
    assert run("verify", "--head", "short").exit_code == 1


def test_the_installations_own_chain_tells_of_a_deleted_workspace(run, acme):
    CliRunner().invoke(main, ["workspace", "delete", acme, "--yes"])
    (event,) = told(run("list", "--workspace", "-", "--json"))
    assert (event["kind"], event["subject"], event["workspace"]) == ("workspace_deleted", acme, "")
    assert [each["workspace"] for each in told(run("verify", "--json"))["chains"]] == [""]
    assert "the installation  whole  1 events" in run("verify", "--workspace", "-").stdout
