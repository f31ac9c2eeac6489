"""The stand-in takes mails as a bridge does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.standins.bridge import PASSWORD, USER, BridgeStandin

MAIL = {"from": "alerts@acme.example", "to": "grace@acme.example", "subject": "Test", "html": "Hi"}


@pytest.fixture
def bridge() -> Iterator[BridgeStandin]:
    with BridgeStandin() as started:
        yield started


def test_a_bridge_takes_a_mail_at_any_path(bridge, http):
    for path in ("", "/", "/a/b?c=d"):
        answer = http.post(bridge.base + path, json=MAIL)
        assert (answer.status_code, answer.json()) == (202, {"id": "bridge-1"})
    assert bridge.messages == [MAIL] * 3


def test_a_bridge_wants_four_fields(bridge, http):
    assert http.post(bridge.base, json={**MAIL, "text": "x"}).status_code == 422
    assert http.post(bridge.base, content=b"{").status_code == 400
    assert http.get(bridge.base).status_code == 405
    assert bridge.messages == []


def test_a_locked_bridge_wants_its_password(bridge, http):
    bridge.locked = True
    assert http.post(bridge.base, json=MAIL).status_code == 401
    assert http.post(bridge.base, json=MAIL, auth=(USER, "x")).status_code == 401
    assert http.post(bridge.base, json=MAIL, auth=(USER, PASSWORD)).status_code == 202
