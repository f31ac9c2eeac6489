"""Connections that take alerts: what is proven at once, what only a delivery proves, what is refused for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.services import connections, delivery, status
from atlas_hub.services.access import Actor
from atlas_hub.services.views import ConnectionView, State
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.providers.entries import ENTRIES
from tests.standins.webhook import WebhookStandin

OURS = [entry for entry in ENTRIES if entry.slug in {"datadog", "new_relic", "flowdock", "webhook"}]
OURS += [entry for entry in ENTRIES if entry.id == "teams-webhook"]
BY_ID = {entry.id: entry for entry in OURS}
CARD = {"teams-webhook": "teams_alerts"}
"""Whose card is not called by the provider's slug alone."""
PROVEN = {"datadog-api_key"}
"""What the vendor proves without a post."""


@pytest.fixture
def standins() -> Any:
    with ExitStack() as running:
        yield {entry.id: running.enter_context(entry.standin()) for entry in OURS}


@pytest.fixture
async def alerting(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standins: Mapping[str, Any]
) -> AsyncIterator[Hub]:
    """A hub on each database that may post to loopback."""
    for standin in standins.values():
        for name, base in getattr(standin, "env", {}).items():
            monkeypatch.setenv(name, base)
    async with open_hub(settings_for(tmp_path, database_url=database_url)) as hub:
        yield hub


async def connected(hub: Hub, who: Actor, standins: Mapping[str, Any], key: str, **changed: Any) -> ConnectionView:
    entry = BY_ID[key]
    values = {**entry.values(standins[key]), **changed}
    done = await connections.connect(hub, who, entry.slug, entry.method, values, source="page")
    return done.view


@pytest.mark.parametrize("key", BY_ID)
async def test_what_cannot_be_checked_stays_unverified_until_an_alert_arrives(
    alerting: Hub, owner: Actor, standins: Mapping[str, Any], key: str
) -> None:
    view = await connected(alerting, owner, standins, key)
    proven = key in PROVEN
    assert (view.state is State.OK) == proven
    assert view.checks["authenticated"]["status"] == ("yes" if proven else "unknown")
    if not proven:
        assert view.state is State.UNVERIFIED
        assert view.reason.endswith(".")
    sent = await delivery.send_test(alerting, owner, view.id)
    at_once = (await status.card(alerting, owner.workspace, CARD.get(key, BY_ID[key].slug))).connection
    after = await connections.check_now(alerting, owner, view.id)
    assert at_once is not None
    assert (at_once.state, at_once.reason) == (after.state, after.reason), "a check told what the message had not"
    if key == "flowdock-api_token":
        assert (sent.success, after.state) == (False, State.UNVERIFIED)
        assert "discontinued" in sent.text
        assert after.checks["delivered"]["status"] == "no"
        return
    assert sent.success, sent.text
    assert len(standins[key].messages) == 1
    assert after.checks["delivered"]["status"] == "yes"
    assert after.checks["authenticated"]["status"] == "yes"
    assert after.state is (State.DEGRADED if key == "teams-webhook" else State.OK)  # of no host of Microsoft's


@pytest.mark.parametrize("key", BY_ID)
async def test_nothing_that_is_shown_holds_a_secret(
    alerting: Hub, owner: Actor, standins: Mapping[str, Any], key: str
) -> None:
    view = await connected(alerting, owner, standins, key)
    secrets = BY_ID[key].way.read(BY_ID[key].values(standins[key])).given_secrets().values()
    assert secrets
    assert not [secret for secret in secrets if secret.reveal() in repr(view)]


async def test_a_webhook_that_is_gone_needs_another_address(
    alerting: Hub, owner: Actor, standins: Mapping[str, Any]
) -> None:
    view = await connected(alerting, owner, standins, "webhook-url")
    receiver = standins["webhook-url"]
    assert isinstance(receiver, WebhookStandin)
    receiver.answers = 410
    sent = await delivery.send_test(alerting, owner, view.id)
    assert (sent.success, sent.code) == (False, "AUTH_EXPIRED")
    after = (await status.card(alerting, owner.workspace, "webhook")).connection
    assert after is not None
    assert after.state is State.RECONNECT
    assert "disabled there" in after.reason
