"""The stand-in answers as the addresses of Teams channels do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.teams_webhook import BODY_BYTES, TeamsWebhookStandin


@pytest.fixture
def channel() -> Iterator[TeamsWebhookStandin]:
    with TeamsWebhookStandin() as started:
        yield started


def card(text: str = "Hello") -> dict[str, Any]:
    content = {"type": "AdaptiveCard", "version": "1.2", "body": [{"type": "TextBlock", "text": text}]}
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": content}],
    }


def test_a_connector_says_1_and_a_workflow_nothing(channel, http):
    answer = http.post(channel.connector, json=card())
    assert (answer.status_code, answer.text) == (200, "1")
    answer = http.post(channel.workflow, json=card())
    assert (answer.status_code, answer.content) == (202, b"")
    assert len(channel.messages) == 2


@pytest.mark.parametrize("said", [{"text": "Hello"}, {"@type": "MessageCard", "summary": "Hello"}])
def test_only_a_connector_reads_the_older_cards(channel, http, said):
    assert http.post(channel.connector, json=said).text == "1"
    assert http.post(channel.workflow, json=said).status_code == 400


@pytest.mark.parametrize("address", ["connector", "workflow"])
@pytest.mark.parametrize("said", [{}, [], {"type": "message", "attachments": []}])
def test_what_is_no_card_is_refused(channel, http, address, said):
    assert http.post(getattr(channel, address), json=said).status_code == 400
    assert channel.messages == []


@pytest.mark.parametrize("address", ["connector", "workflow"])
def test_what_is_too_long_or_gone_is_refused(channel, http, address):
    url = getattr(channel, address)
    assert http.post(url, json=card("x" * BODY_BYTES)).status_code == 413
    channel.removed = True
    assert http.post(url, json=card()).status_code == 404
    channel.reset()
    assert http.post(url, json=card()).is_success


def test_a_workflow_wants_its_signature(channel, http):
    answer = http.post(channel.workflow.rpartition("&sig=")[0], json=card())
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "DirectApiAuthorizationRequired")


def test_a_connector_that_is_asked_too_often_says_so_in_a_200(channel, http):
    channel.inside = 429
    answer = http.post(channel.connector, json=card())
    assert answer.status_code == 200
    assert "HTTP error 429" in answer.text
    assert channel.messages == []
