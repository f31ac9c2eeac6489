from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atlas_hub.accounts import people, sign_in
from atlas_hub.cli import COMMANDS, main
from atlas_hub.hub import opened
from atlas_hub.services import api_keys
from atlas_hub.settings import load
from atlas_hub.storage.keys import generate_key
from tests.accounts.browser import quick_hashes

__all__ = ["quick_hashes"]

PASSWORD = "four unrelated words"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`atlas-hub` with these words, on a database of the test's own."""
    monkeypatch.setenv("ATLAS_DATA_DIR", str(tmp_path))

    def asked(*words: str, stdin: str = "", **environment: str) -> Result:
        return CliRunner().invoke(main, words, input=stdin, env=environment)

    return asked


def told(result: Result):
    """The one JSON value on standard output."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture
def acme(run) -> str:
    return told(run("workspace", "create", "--name", "Acme", "--json"))["id"]


def make_user(run, workspace, email="ana@example.com", role="owner", stdin=PASSWORD + "\n"):
    return run(
        "user", "create", "--email", email, "--password-stdin", "--role", role, "--workspace", workspace, "--json",
        stdin=stdin,
    )  # fmt: skip


def test_a_workspace_is_made_and_listed(run):
    made = told(run("workspace", "create", "--name", "Acme", "--json"))
    assert re.fullmatch(r"[0-9a-f]{24}", made["id"])
    assert made == {"id": made["id"], "name": "Acme"}
    (listed,) = told(run("workspace", "list", "--json"))
    assert (listed["id"], listed["name"], listed["first"]) == (made["id"], "Acme", True)
    assert made["id"] in run("workspace", "list").stdout


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "two\nlines"])
def test_a_workspace_without_a_proper_name_is_not_made(run, name):
    result = run("workspace", "create", "--name", name, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "name" in result.stderr
    assert told(run("workspace", "list", "--json")) == []


def test_a_user_who_was_made_can_sign_in(run, acme, tmp_path):
    made = told(make_user(run, acme, email="Ana@Example.com"))
    assert (made["email"], made["role"], made["workspace"]) == ("ana@example.com", "owner", acme)

    async def enter():
        async with opened(load(data_dir=tmp_path)) as hub:
            return await sign_in.sign_in(hub, email="ana@example.com", password=PASSWORD, address="127.0.0.1")

    assert asyncio.run(enter())
    (listed,) = told(run("user", "list", "--json"))
    assert listed["memberships"] == [{"workspace": acme, "name": "Acme", "role": "owner"}]


def test_a_user_who_exists_gets_another_workspace_and_keeps_the_password(run, acme):
    first = told(make_user(run, acme))
    other = told(run("workspace", "create", "--name", "Other", "--json"))["id"]
    result = make_user(run, other, role="member", stdin="another password altogether\n")
    assert told(result)["id"] == first["id"]
    assert "keeps the password" in result.stderr
    (listed,) = told(run("user", "list", "--json"))
    assert [seat["role"] for seat in listed["memberships"]] == ["owner", "member"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"stdin": "short\n"}, "too short"),
        ({"stdin": ""}, "too short"),
        ({"email": "nonsense"}, "e-mail"),
        ({"email": "x" * 200 + "@example.com"}, "too long"),
        ({"workspace": "f" * 24}, "no workspace"),
    ],
)
def test_a_user_with_a_fault_is_not_made(run, acme, change, word):
    result = make_user(run, **{"workspace": acme, **change})
    assert (result.exit_code, result.stdout) == (1, "")
    assert word in result.stderr
    assert told(run("user", "list", "--json")) == []
    told(make_user(run, acme))


def test_no_password_is_asked_for_where_nobody_could_answer(run, acme):
    words = ("user", "create", "--email", "a@b.c", "--role", "owner", "--workspace", acme)
    for more in ((), ("--json",)):
        result = run(*words, *more)
        assert result.exit_code == 2
        assert "--password-stdin" in result.stderr


def test_disable_enable_and_reset(run, acme):
    user = told(make_user(run, acme))
    assert told(run("user", "disable", user["id"], "--json"))["disabled"] is True
    assert told(run("user", "enable", "ana@example.com", "--json"))["disabled"] is False
    assert run("user", "reset-password", "ana@example.com", "--password-stdin", stdin="x").exit_code == 1
    result = run("user", "reset-password", "ANA@example.com", "--password-stdin", stdin="other unrelated words\n")
    assert result.exit_code == 0
    assert "other unrelated" not in result.output
    assert run("user", "disable", "nobody@example.com").exit_code == 1


def test_a_key_is_shown_once(run, acme, tmp_path):
    made = told(run("key", "create", "--workspace", acme, "--role", "read_only", "--api", "chat,groups", "--json"))
    assert set(made) >= {"id", "publicKey", "privateKey"}
    assert made["apis"] == ["groups", "chat"]
    for words in (
        ("key", "list"),
        ("key", "list", "--json"),
        ("key", "revoke", made["id"], "--json"),
        ("keys", "status"),
    ):
        result = run(*words)
        assert result.exit_code == 0
        assert made["privateKey"] not in result.output
    (listed,) = told(run("key", "list", "--workspace", acme, "--json"))
    assert listed["revokedAt"]
    assert "privateKey" not in listed


def test_a_key_that_was_made_is_known_and_a_revoked_one_is_not(run, acme, tmp_path):
    made = told(run("key", "create", "--workspace", acme, "--role", "admin", "--name", "CI", "--json"))

    async def who():
        async with opened(load(data_dir=tmp_path)) as hub:
            return await api_keys.actor_of_key(hub, made["privateKey"], "admin")

    assert asyncio.run(who()).workspace == acme
    told(run("key", "revoke", made["id"], "--json"))
    with pytest.raises(api_keys.Unauthenticated):
        asyncio.run(who())


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("key", "create", "--workspace", "f" * 24, "--role", "admin"), 1),
        (("key", "create", "--workspace", "ACME", "--role", "admin", "--api", "mail"), 1),
        (("key", "create", "--workspace", "ACME", "--role", "admin", "--api", ","), 1),
        (("key", "create", "--workspace", "ACME", "--role", "member"), 2),
        (("key", "create", "--role", "admin"), 2),
        (("key", "list", "--workspace", "f" * 24), 1),
        (("key", "revoke", "f" * 24), 1),
        (("user", "create", "--email", "a@b.c", "--role", "read_only", "--workspace", "ACME"), 2),
        (("workspace", "delete", "f" * 24, "--yes"), 1),
        (("workspace", "delete", "ACME"), 2),
        (("workspace", "make-first", "nonsense"), 1),
        (("nonsense",), 2),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_is_a_sentence_on_standard_error_and_nothing_on_standard_output(run, acme, words, exit_code, as_json):
    words = [acme if word == "ACME" else word for word in words]
    result = run(*words, *(["--json"] if as_json and words != ["nonsense"] else []))
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert result.stderr.startswith(("Error: ", "Usage: "))
    assert "Traceback" not in result.stderr
    assert len(told(run("workspace", "list", "--json"))) == 1


def test_a_deleted_workspace_is_gone(run, acme):
    made = told(make_user(run, acme))
    assert made
    gone = told(run("workspace", "delete", acme, "--yes", "--json"))
    assert (gone["id"], gone["deleted"]) == (acme, True)
    assert told(run("workspace", "list", "--json")) == told(run("user", "list", "--json")) == []
    assert run("workspace", "delete", acme, "--yes").exit_code == 1


def test_a_key_of_encryption_needs_no_database_and_is_new_each_time(run):
    first, second = (told(run("keys", "generate", "--json", DATABASE_URL="none"))["key"] for _ in range(2))
    assert first != second
    assert run("keys", "generate").stdout.strip() != first


def test_rotation_is_run_and_its_state_shown(run, acme):
    one, two = generate_key(), generate_key()
    # The file's key of the first start is the installation's: rotate from it.
    file_key = Path(load().data_dir, "encryption.key").read_text().strip()
    told(run("key", "create", "--workspace", acme, "--role", "admin", "--json"))
    both = f"v2:{two},{file_key}"
    before = told(run("keys", "status", "--json", ATLAS_ENCRYPTION_KEYS=both))
    assert {use["keyId"]: use["rows"] for use in before} == {"v2": 0, "v1": 2}
    done = told(run("keys", "rotate", "--json", ATLAS_ENCRYPTION_KEYS=both))
    assert (done["changed"], done["left"]) == (2, 0)
    wrong = run("key", "create", "--workspace", acme, "--role", "admin", ATLAS_ENCRYPTION_KEYS=f"v1:{one}")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    told(run("key", "create", "--workspace", acme, "--role", "admin", "--json", ATLAS_ENCRYPTION_KEYS=f"v2:{two}"))


@pytest.mark.parametrize(
    "words",
    [("workspace", "list"), ("user", "list"), ("key", "list"), ("keys", "status"), ("keys", "rotate"), ("migrate",)],
)
def test_without_a_database_a_sentence_says_so(run, words):
    result = run(*words, "--json", DATABASE_URL="none")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "DATABASE_URL" in result.stderr


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"DATABASE_URL": "mysql://root:hunter2@127.0.0.1/x"}, "DATABASE_URL: mysql is not supported"),
        ({"DATABASE_URL": "::hunter2::"}, "DATABASE_URL: this is not the address"),
        (
            {"DATABASE_URL": "postgresql://root:hunter2@127.0.0.1:1/x", "ATLAS_ENCRYPTION_KEYS": "v1:x"},
            "did not answer",
        ),
        ({"PORT": "hunter2"}, "PORT"),
    ],
)
def test_a_wrong_setting_is_a_sentence_without_its_secret(run, environment, word):
    result = run("workspace", "list", **environment)
    assert (result.exit_code, result.stdout) == (1, "")
    assert word in result.stderr
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr


EVERY_KIND = pytest.mark.parametrize("words", [("workspace", "list"), ("migrate",), ("serve",)])
"""Commands of each kind: they fail in the same words."""


@EVERY_KIND
def test_a_database_that_does_not_answer_is_told_in_the_same_words_everywhere(run, words):
    url = "postgresql://root:hunter2@127.0.0.1:1/x"
    result = run(*words, DATABASE_URL=url, ATLAS_ENCRYPTION_KEYS=f"v1:{generate_key()}")
    assert (result.exit_code, result.stdout) == (1, "")
    said = "Error: The database did not answer. Check DATABASE_URL, and that the database runs, then try again.\n"
    assert result.stderr.endswith(said)
    assert "hunter2" not in result.stderr


@EVERY_KIND
def test_a_folder_that_cannot_be_made_is_told_in_the_same_words_everywhere(run, words, monkeypatch):
    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", "/nowhere/atlas")

    monkeypatch.setattr(Path, "mkdir", refuse)
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: /nowhere/atlas cannot be written. Give the hub a folder by ATLAS_DATA_DIR.\n"


@pytest.mark.parametrize("words", [("workspace", "list"), ("migrate",), ("build",), ("serve",)])
def test_an_unexpected_error_is_a_sentence_everywhere(run, words, monkeypatch):
    def broken(**_):
        raise RuntimeError("hunter2")

    monkeypatch.setattr("atlas_hub.settings.load", broken)
    result = run(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: Something unexpected went wrong (RuntimeError).")
    assert "hunter2" not in result.stderr


def test_migrate_says_that_it_is_done_and_to_programs_as_json(run):
    assert run("migrate").stdout == "The database has the newest tables.\n"
    assert told(run("migrate", "--json")) == {"migrated": True}


def test_an_unexpected_error_shows_its_stack_only_where_asked(run, monkeypatch):
    def broken(hub):
        raise RuntimeError("with xoxb-1234567890-abcdef in it")

    monkeypatch.setattr(people, "listed", broken)
    quiet, loud = run("user", "list"), run("--debug", "user", "list")
    assert quiet.exit_code == loud.exit_code == 1
    assert "Traceback" not in quiet.stderr
    assert "RuntimeError" in quiet.stderr
    assert "Traceback" in loud.stderr
    assert "xoxb-1234567890" not in loud.stderr
    monkeypatch.undo()
    assert "Traceback" not in run("workspace", "list").stderr


def test_every_command_of_these_groups_takes_json():
    for word in ("workspace", "user", "key", "keys"):
        group = main.get_command(None, word)
        assert group is not None
        for command in group.commands.values():
            assert any("--json" in option.opts for option in command.params), command.name
    assert main.get_command(None, "nonsense") is None
    assert set(COMMANDS) >= {"serve", "migrate"}


def test_the_program_itself_starts_on_an_empty_machine(tmp_path):
    environment = {"PATH": os.defpath, "ATLAS_DATA_DIR": str(tmp_path / "new"), "PYTHONPATH": str(ROOT)}

    def start(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "atlas_hub", *words], env=environment, cwd=tmp_path, input=stdin, text=True,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip

    made = json.loads(start("workspace", "create", "--name", "Acme", "--json").stdout)
    words = ("--email", "a@b.c", "--password-stdin", "--role", "owner", "--workspace", made["id"], "--json")
    user = start("user", "create", *words, stdin=PASSWORD)
    assert user.returncode == 0, user.stderr
    assert PASSWORD not in user.stdout + user.stderr
    refused = start("user", "disable", "x@y.z", "--json")
    assert (refused.returncode, refused.stdout) == (1, "")
