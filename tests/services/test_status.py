"""The status answer: complete for ten platforms, truthful about those to come, alone in its own failures."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from atlas_hub.hub import Hub
from atlas_hub.services import connections, status
from atlas_hub.services.access import Actor
from atlas_hub.services.status import Mode, mode_of
from atlas_hub.storage.models import Connection, Credential
from tests.standins.sendgrid import FULL_ACCESS
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

FIELDS = {
    "slack": {"teamId", "workspaceName", "oauthConfigured", "envConfigured"},
    "teams": {"tenantId", "tenantName"},
    "discord": {"guildId", "guildName"},
    "telegram": {"botId", "botUsername"},
    "gchat": {"projectId", "serviceAccountEmail"},
    "github": {"username"},
    "linear": {"userName", "userEmail"},
    "whatsapp": {"phoneNumberId", "displayPhone"},
    "email": {"provider", "senderAddress"},
}


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"primary": True, "others": True, "database": True, "saas": True}, Mode.CONNECTED),
        ({"primary": False, "others": True, "database": True, "saas": True}, Mode.NO_DEFAULT),
        ({"primary": False, "others": False, "database": True, "saas": False}, Mode.FORM),
        ({"primary": False, "others": False, "database": True, "saas": True}, Mode.FORM),
        ({"primary": False, "others": False, "database": False, "saas": False}, Mode.HINT),
        ({"primary": False, "others": False, "database": False, "saas": True}, Mode.NOT_AVAILABLE),
        ({"given": True, "others": True}, Mode.ENVIRONMENT),
        ({"given": True, "database": False}, Mode.ENVIRONMENT),
        ({"given": True, "primary": True}, Mode.CONNECTED),
        ({"consent": True, "given": True, "others": True}, Mode.CONNECTING),
        ({"consent": True, "primary": True}, Mode.CONNECTED),
        ({"closed": True}, Mode.CLOSED),
        ({"closed": True, "primary": True}, Mode.CONNECTED),
        ({"closed": True, "database": False, "saas": True}, Mode.CLOSED),
    ],
)
def test_the_mode_of_a_card_is_a_table(given: dict[str, bool], mode: Mode) -> None:
    assert mode_of(**given) is mode


async def test_an_empty_workspace_has_every_key(vendors: Hub, owner: Actor) -> None:
    said = await status.answer(vendors, owner)
    assert set(said) == {*FIELDS, "webhooks", "deliveryChannels", "deployMode", "hasInternalDB"}
    for name, fields in FIELDS.items():
        assert set(said[name]) == {"connected", "installedAt", "configurable", *fields}
        assert said[name]["connected"] is False
        assert said[name]["installedAt"] is None
    assert said["webhooks"] == {"activeCount": 0, "configurable": True}
    assert (said["deliveryChannels"], said["deployMode"], said["hasInternalDB"]) == ([], "self-hosted", True)


async def test_slacks_oauth_app_counts_only_when_whole(
    vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_CLIENT_ID", "1.2")
    assert not (await status.answer(vendors, owner))["slack"]["oauthConfigured"]
    monkeypatch.setenv("SLACK_CLIENT_SECRET", "s" * 32)
    said = (await status.answer(vendors, owner))["slack"]
    assert (said["oauthConfigured"], said["configurable"]) == (True, True)


async def test_connected_ones_say_who_and_when(vendors: Hub, owner: Actor) -> None:
    await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    form = {"sender_address": "alerts@acme.example", "api_key": FULL_ACCESS}
    await connections.connect(vendors, owner, "email", "sendgrid", form, source="page")
    said = await status.answer(vendors, owner)
    assert (said["slack"]["teamId"], said["slack"]["workspaceName"]) == ("T0ACME", "Acme Corp")
    assert (said["email"]["provider"], said["email"]["senderAddress"]) == ("sendgrid", "alerts@acme.example")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["slack"]["installedAt"])
    assert said["deliveryChannels"] == ["email", "slack"]


async def test_a_row_that_cannot_be_opened_is_shown_locked_and_takes_nothing_else_down(
    vendors: Hub, owner: Actor
) -> None:
    done = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    async with vendors.db.transaction() as tx:
        row = await tx.get(Connection, done.view.id)
        assert row is not None
        credential = await tx.get(Credential, row.credential_id)
        assert credential is not None
        credential.key_id = "v9"
    said = await status.answer(vendors, owner)
    assert (said["slack"]["connected"], said["slack"]["state"]) == (True, "locked")
    assert said["deliveryChannels"] == []
    card = next(card for card in (await status.overview(vendors, owner)).cards if card.provider == "slack")
    assert "v9" in card.connection.reason


async def test_a_row_that_makes_no_sense_spoils_no_other_platform(vendors: Hub, owner: Actor) -> None:
    await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    await _write(vendors, state="newer_word")
    said = (await status.answer(vendors, owner))["slack"]
    assert (said["connected"], said["state"], said["teamId"]) == (True, "unverified", "T0ACME")
    await _write(vendors, state="ok", wire=None)
    said = await status.answer(vendors, owner)
    assert (said["slack"]["connected"], said["slack"]["state"]) == (True, "misconfigured")
    assert (said["slack"]["teamId"], said["slack"]["installedAt"], said["slack"]["checks"]) == (None, None, {})
    assert said["telegram"]["connected"] is False


async def test_a_token_that_may_not_send_is_no_delivery_channel(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    slack.tokens[ACME].scopes -= {"chat:write"}
    await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    said = await status.answer(vendors, owner)
    assert (said["slack"]["connected"], said["slack"]["state"]) == (True, "misconfigured")
    assert "chat:write" in said["slack"]["checks"]["authorized"]["proof"]
    assert said["deliveryChannels"] == []


async def _write(hub: Hub, **facts: object) -> None:
    async with hub.db.transaction() as tx:
        await tx.execute(update(Connection).values(**facts))
