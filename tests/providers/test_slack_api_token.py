"""Slack by the groups API's form: the same bot, names that apply at once, errors that name the form's own field."""

from __future__ import annotations

import pytest

from atlas_hub.kit.errors import BadForm, InvalidCredentials
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import scope_of
from tests.standins import slack_seed

pytestmark = pytest.mark.entry("slack", "api_token")

SLACK = PROVIDERS["slack"]


def test_no_form_offers_it_and_it_shares_the_scope_of_the_card():
    method = SLACK.method("api_token")
    assert method in SLACK.unlisted
    assert method not in SLACK.methods
    assert (method.wire_type, scope_of(SLACK, method)) == ("SLACK", "slack:chat")
    assert [each.key for each in SLACK.methods] == ["bot_token"]


def test_a_cards_own_slack_is_the_configured_one_of_its_group():
    fields = {info.alias: name for name, info in SLACK.method("api_token").form.model_fields.items()}
    assert set(fields) == {"apiToken", "teamName", "channelName"}
    for key in ("bot_token", "oauth"):
        method = SLACK.method(key)
        assert dict(method.wire_names) == {"bot_token": "apiToken"}
        assert set(method.wire_names) <= set(method.form.model_fields)
    assert dict(SLACK.method("api_token").wire_names) == {}


def test_names_apply_at_once(world):
    assert world.way.form.at_once() == {"team_name", "channel_name"}


async def test_it_proves_the_same_account_as_the_card(world):
    result = await world.check()
    card = SLACK.method("bot_token")
    other = await card.check(card.read({"botToken": slack_seed.ACME}), world.http, lambda _step: None)
    assert result.account == other.account
    assert result.granted == other.granted


@pytest.mark.parametrize(
    ("name", "warned"), [("Acme Corp", False), ("ACME CORP", False), ("Beta", True), (None, False)]
)
async def test_another_name_than_slacks_is_a_warning(world, name, warned):
    result = await world.check(teamName=name)
    assert result.account.name == "Acme Corp"
    assert any("Beta" in warning for warning in result.warnings) == warned


@pytest.mark.parametrize("token", ["1234567890", "xoxp-1-2-3", "x" * 512])
async def test_a_token_of_any_shape_is_stored_and_slack_is_its_judge(world, token):
    assert world.form(apiToken=token)
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(apiToken=token)
    assert caught.value.field == "api_token"
    ended = [step for step in world.steps if step.ok is not None]
    assert ended[0].detail.startswith("Not a bot token")
    assert token not in f"{world.steps}"


async def test_a_refused_message_names_the_field_too(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.send(apiToken="xoxb-nobody")
    assert caught.value.field == "api_token"


@pytest.mark.parametrize("changed", [{"apiToken": "a b"}, {"channelName": "x" * 81}, {"teamName": "a\nb"}])
def test_what_cannot_be_a_token_or_a_name_is_refused(world, changed):
    with pytest.raises(BadForm):
        world.form(**changed)
