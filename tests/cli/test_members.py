from __future__ import annotations

import re

import pytest

from tests.accounts.browser import quick_hashes
from tests.cli.test_people_and_keys import acme, make_user, run, told

__all__ = ["acme", "quick_hashes", "run"]


def member(run, acme: str, *words: str):
    verb, *rest = words
    return run("member", verb, "--workspace", acme, *rest, "--json")


def test_members_are_listed_changed_signed_out_and_removed(run, acme):
    make_user(run, acme)
    made = told(make_user(run, acme, email="mo@example.com", role="member"))
    found = told(member(run, acme, "list"))
    assert [(each["email"], each["role"], each["seenAt"]) for each in found["members"]] == [
        ("ana@example.com", "owner", None), ("mo@example.com", "member", None),
    ]  # fmt: skip
    assert told(member(run, acme, "role", "mo@example.com", "admin"))["role"] == "admin"
    assert told(member(run, acme, "sign-out", "Mo@example.com"))["signedOut"] is True
    assert member(run, acme, "remove", made["id"]).exit_code == 2
    assert told(member(run, acme, "remove", made["id"], "--yes"))["removed"] is True
    assert "mo@example.com" not in run("member", "list", "--workspace", acme).stdout


def test_an_invitation_is_printed_once_and_listed_without_its_link(run, acme):
    made = told(member(run, acme, "invite", "--email", "New@example.com", "--role", "admin"))
    assert re.fullmatch(r"http://localhost:3000/join/[\w-]{43}", made["link"])
    listed = run("member", "list", "--workspace", acme, "--json")
    assert told(listed)["invitations"][0]["email"] == "new@example.com"
    assert made["link"].rpartition("/")[2] not in listed.stdout


@pytest.mark.parametrize("words", [
    ("role", "ana@example.com", "member"), ("remove", "ana@example.com", "--yes"), ("role", "nobody@x.com", "member"),
    ("sign-out", "nobody"), ("invite", "--email", "nonsense", "--role", "admin"),
])  # fmt: skip
def test_what_may_not_be_is_a_sentence_and_exit_1(run, acme, words):
    make_user(run, acme)
    result = member(run, acme, *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr) > 30


@pytest.mark.parametrize("words", [("member", "list", "--workspace"), ("workspace", "rename", "--name", "X")])
def test_an_unknown_workspace_is_said_so(run, words):
    result = run(*words, "0" * 24, "--json")
    assert result.exit_code == 1
    assert "no workspace" in result.stderr


def test_a_workspace_is_renamed(run, acme):
    assert told(run("workspace", "rename", acme, "--name", "Acme Corp", "--json")) == {"id": acme, "name": "Acme Corp"}
    assert told(run("workspace", "list", "--json"))[0]["name"] == "Acme Corp"
    assert run("workspace", "rename", acme, "--name", " ").exit_code == 1
