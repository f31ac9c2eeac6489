"""Slack's own ways: errors inside a 200, scopes in a header, look-alike tokens, enterprises, revoking."""

from __future__ import annotations

import json

import pytest

from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.providers.contract import Message
from atlas_hub.providers.slack import PROVIDER
from tests.standins import slack_seed
from tests.standins.dial import Fault
from tests.standins.slack_seed import SlackChannel

pytestmark = pytest.mark.entry("slack", "bot_token")

LOOKALIKES = {
    "xoxp-1-2-3": "user token (xoxp-)",
    "xapp-1-A0-2": "app-level token (xapp-)",
    "xoxe.xoxb-1-abc": "12 hours",
    "xoxe-1-abc": "12 hours",
    "xoxc-1-2": "browser",
    "xoxd-abc": "browser",
    "https://hooks.slack.com/services/T/B/x": "an address",
    "0123456789abcdef0123456789abcdef": "not a bot token",
    "xoxb-": "characters",
    "xoxb-1 2": "characters",
    "xoxb-1\r\nX-Evil: 1": "characters",
    "xoxb-\u0661": "characters",
}


@pytest.mark.parametrize("token", LOOKALIKES)
def test_a_token_of_another_kind_is_named(world, token):
    with pytest.raises(BadForm) as caught:
        world.form(botToken=token)
    assert LOOKALIKES[token] in caught.value.fields["bot_token"]
    assert world.form()


def test_the_sentence_for_a_user_token_says_what_to_paste_instead(world):
    with pytest.raises(BadForm) as caught:
        world.form(botToken="xoxp-1-2-3")
    assert caught.value.fields["bot_token"] == (
        "Looks like a user token (xoxp-). Slack needs the Bot User OAuth Token, which begins with xoxb-."
    )


@pytest.mark.parametrize("secret", ["a b", "a" * 257, "\u0661" * 32, "a\r\nb"])
def test_a_signing_secret_is_one_word(world, secret):
    with pytest.raises(BadForm) as caught:
        world.form(signingSecret=secret)
    assert list(caught.value.fields) == ["signing_secret"]


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_the_signing_secret_may_be_left_out(world, nothing):
    assert world.form(signingSecret=nothing).signing_secret is None


async def test_the_token_travels_in_the_header_and_the_question_is_a_form(world):
    await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path, call.query) == ("POST", "/api/auth.test", "")
    assert call.headers["authorization"] == f"Bearer {slack_seed.ACME}"
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    assert slack_seed.ACME.encode() not in call.body


async def test_the_card_shows_workspace_team_and_bot(world):
    account = (await world.check()).account
    assert account.details == {"Workspace": "Acme Corp", "Team ID": "T0ACME", "Bot": "@atlas"}
    assert account.wire == {"teamId": "T0ACME", "workspaceName": "Acme Corp"}
    assert account.url == "https://acme.slack.com/"


async def test_the_scopes_are_those_of_the_header_and_the_missing_ones_are_named(world):
    result = await world.check()
    assert result.granted == slack_seed.BOT_SCOPES
    assert world.steps[-1].ok is False
    assert world.steps[-1].detail == "Missing: app_mentions:read, commands."
    world.standin.tokens[slack_seed.ACME].scopes = PROVIDER.needed_scopes
    assert (await world.check()).granted == PROVIDER.needed_scopes
    assert world.steps[-1].ok is True


async def test_scopes_are_not_told_where_the_header_is_missing(world):
    said = {"ok": True, "team_id": "T0ACME", "user_id": "U0ATLAS", "team": "A", "user": "a", "bot_id": "B0ATLAS"}
    world.says(said)
    assert (await world.check()).granted is None
    assert world.steps[-1].detail == "Slack did not tell them."


async def test_an_enterprise_is_the_account_only_where_the_install_is_its_own(world):
    account = (await world.check(botToken=slack_seed.ENTERPRISE)).account
    assert account.key == "enterprise:E0GRID"
    world.standin.tokens[slack_seed.ENTERPRISE].is_enterprise_install = False
    assert (await world.check(botToken=slack_seed.ENTERPRISE)).account.key == "T0GRID"
    world.standin.tokens[slack_seed.ENTERPRISE].is_enterprise_install = True
    world.standin.tokens[slack_seed.ENTERPRISE].enterprise_id = None
    with pytest.raises(PlatformError):
        await world.check(botToken=slack_seed.ENTERPRISE)


async def test_an_answer_that_names_neither_bot_nor_team_will_do(world):
    world.says({"ok": True, "team_id": "T0ACME", "user_id": "U0ATLAS"})
    account = (await world.check()).account
    assert (account.name, account.details) == ("T0ACME", {"Workspace": "T0ACME", "Team ID": "T0ACME"})


async def test_what_the_vendor_writes_is_shown_on_one_line_without_secrets(world):
    world.standin.tokens[slack_seed.ACME].team = f"Acme\x00\n\u202e{slack_seed.ACME}{'x' * 500}"
    world.standin.tokens[slack_seed.ACME].domain = "evil.example/?"
    account = (await world.check()).account
    assert slack_seed.ACME not in repr(account)
    assert account.name.isprintable()
    assert len(account.name) <= 120
    assert account.url is None


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("revoked", AuthExpired),
        ("inactive", InvalidCredentials),
        ("expired", AuthExpired),
        ("invalid", InvalidCredentials),
    ],
)
async def test_a_token_that_ended_says_how_to_get_another(world, state, kind):
    world.standin.tokens[slack_seed.ACME].state = state
    with pytest.raises(kind) as caught:
        await world.check()
    assert caught.value.field == "bot_token"
    assert "Bot User OAuth Token" in caught.value.text
    world.mend()
    assert await world.check()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_authed", InvalidCredentials),
        ("not_allowed_token_type", InsufficientPermissions),
        ("team_access_not_granted", InsufficientPermissions),
        ("ekm_access_denied", InsufficientPermissions),
        ("org_login_required", InsufficientPermissions),
        ("rate_limited", RateLimited),
        ("fatal_error", PlatformError),
        ("service_unavailable", PlatformError),
        ("request_timeout", PlatformError),
        ("team_added_to_org", PlatformError),
        ("channel_not_found", InvalidCredentials),
        ("never_heard_of", InvalidCredentials),
    ],
)
async def test_a_code_becomes_an_error_of_ours(world, code, kind):
    world.says({"ok": False, "error": code})
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind
    world.mend()
    assert await world.check()


@pytest.mark.parametrize("code", ["Never Heard", "x" * 65, "xoxb-1-2", 7, None, ["a"], {"b": 1}, "a\nb"])
async def test_a_code_that_is_none_is_not_repeated(world, code):
    world.says({"ok": False, "error": code})
    for ask, kind, text in (
        (world.check, InvalidCredentials, "Slack rejected the token. Copy the Bot User OAuth Token again."),
        (world.send, PlatformError, "Slack could not do this. Try again later."),
    ):
        with pytest.raises(kind) as caught:
            await ask()
        assert caught.value.text == text
        assert caught.value.vendor_code is None


async def test_a_code_that_nobody_knows_is_named_and_no_end_of_the_token(world):
    world.says({"ok": False, "error": "never_heard_of"})
    with pytest.raises(InvalidCredentials) as caught:
        await world.check()
    assert caught.value.field == "bot_token"
    assert "never_heard_of" in caught.value.text
    for ask in (world.send, lambda: world.way.revoke(world.form(), world.http)):
        with pytest.raises(PlatformError):
            await ask()


async def test_a_missing_scope_is_named(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(botToken=slack_seed.SCOPELESS)
    assert caught.value.required_scopes == ("chat:write",)
    assert "chat:write" in caught.value.text


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (None, "no such channel"),
        (SlackChannel("C0ELSEWHERE", "e", "T0ACME", frozenset()), "/invite"),
        (SlackChannel("C0ELSEWHERE", "e", "T0ACME", frozenset({"U0ATLAS"}), is_archived=True), "archived"),
        (SlackChannel("C0ELSEWHERE", "e", "T0BETA", frozenset({"U0ATLAS"})), "no such channel"),
    ],
)
async def test_a_channel_that_takes_nothing_is_the_fault_of_the_destination(world, channel, said):
    world.standin.channels += [channel] if channel else []
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send("C0ELSEWHERE")
    assert caught.value.field == "to"
    assert said in caught.value.text
    assert (await world.send()).id


async def test_a_channel_name_is_answered_with_how_to_find_the_id(world):
    with pytest.raises(BadForm) as caught:
        await world.send("#general")
    assert "copy the Channel ID" in caught.value.fields["to"]


async def test_a_message_is_plain_text_without_mentions_or_previews(world):
    message = Message(text="<!channel> & <https://a.example|b>")
    receipt = await world.way.send(world.form(), "C0GENERAL", message, world.http)
    said = world.standin.calls[-1].json()
    assert said["text"] == "&lt;!channel&gt; &amp; &lt;https://a.example|b&gt;"
    assert (said["mrkdwn"], said["unfurl_links"], said["unfurl_media"]) == (False, False, False)
    assert receipt.id == world.standin.messages[-1]["ts"]
    assert receipt.text == "Slack accepted it in C0GENERAL at 22:13:20 UTC."


@pytest.mark.parametrize("said", [{"ok": True}, {"ok": True, "ts": "now", "channel": "C0GENERAL"}])
async def test_without_a_receipt_nothing_was_sent(world, said):
    world.says(said, "*/chat.postMessage")
    with pytest.raises(PlatformError):
        await world.send()


async def test_a_token_is_revoked_at_slack_and_twice_is_well(world):
    assert (await world.way.revoke(world.form(), world.http)).dead is True
    with pytest.raises(AuthExpired):
        await world.check()
    assert (await world.way.revoke(world.form(), world.http)).dead is True
    world.mend()
    world.says({"ok": True, "revoked": False}, "*/auth.revoke")
    assert (await world.way.revoke(world.form(), world.http)).dead is False


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidCredentials),
        (401, InvalidCredentials),
        (403, InvalidCredentials),
        (404, InvalidCredentials),
        (408, PlatformError),
        (429, RateLimited),
        (503, PlatformError),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b'{"ok": "no"}'])
async def test_the_status_tells_where_the_body_does_not(world, answered, status, kind, body):
    answered(status, body)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503])
async def test_a_refusal_in_words_counts_whatever_the_status(world, answered, status):
    answered(status, b'{"ok": false, "error": "invalid_auth"}')
    with pytest.raises(InvalidCredentials) as caught:
        await world.check()
    assert caught.value.vendor_code == "invalid_auth"


@pytest.mark.parametrize("status", [200, 400, 401, 403])
async def test_a_yes_in_words_counts_whatever_the_status(world, answered, status):
    answered(status)
    assert (await world.check()).account.key == "T0ACME"


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (500, PlatformError), (503, PlatformError)])
async def test_a_yes_is_not_believed_of_a_vendor_in_trouble(world, answered, status, kind):
    answered(status)
    with pytest.raises(kind):
        await world.check()


@pytest.mark.parametrize(
    ("status", "kind"), [(401, InvalidCredentials), (403, InsufficientPermissions), (404, PlatformError)]
)
async def test_a_message_is_judged_by_the_status_where_the_body_tells_nothing(world, answered, status, kind):
    answered(status, b"{}")
    with pytest.raises(kind) as caught:
        await world.send()
    assert type(caught.value) is kind


@pytest.mark.parametrize("token", ["xoxb-test-token", "xoxb-test_token.1", "xoxb-" + "a" * 507])
async def test_of_a_bot_token_of_any_shape_slack_is_the_judge(world, token):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(botToken=token)
    assert caught.value.vendor_code == "invalid_auth"


@pytest.mark.parametrize(
    ("who", "app", "name"),
    [
        ({"team_id": "T123"}, "-", "T123"),
        ({"team_id": "T123", "team": "Acme", "user_id": None}, "-", "Acme"),
        ({"team_id": "T123", "team": "Acme", "user_id": "U1", "user": "\u200b"}, "U1", "Acme"),
        ({"team_id": "T123", "team": "x" * 500}, "-", "x" * 120),
    ],
)
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, who, app, name):
    world.says({"ok": True, **who}, "*/auth.test")
    result = await world.check()
    assert (result.account.key, result.account.app_key, result.label) == ("T123", app, name)
    assert result.account.details == {"Workspace": name, "Team ID": "T123"}


async def test_an_account_without_a_team_is_none(world):
    world.says({"ok": True, "team": "Acme", "user_id": "U1"}, "*/auth.test")
    with pytest.raises(PlatformError):
        await world.check()


def listing_calls(world):
    return [call.form() for call in world.standin.calls if call.path == "/api/conversations.list"]


async def listed(world):
    return await world.way.channels(world.form(), world.http)


async def test_every_page_is_asked_for_by_form_with_its_cursor(world):
    world.standin.channels = [SlackChannel(f"C{n:08d}", f"c{n}", "T0ACME", size=n) for n in range(1201)]
    found = await listed(world)
    assert [each.name for each in found.channels] == [f"#c{n}" for n in range(1201)]
    assert found.channels[7].members == 7
    asked = listing_calls(world)
    assert len(asked) == 3
    assert all(each["types"] == "public_channel,private_channel" for each in asked)
    assert all(each["exclude_archived"] == "true" and int(each["limit"]) < 1000 for each in asked)
    assert "cursor" not in asked[0]
    assert asked[1]["cursor"].endswith("=")
    assert b"%3D" in next(call.body for call in world.standin.calls if b"cursor" in call.body)  # as a form has it
    for call in world.standin.calls:
        assert call.method == "POST"


async def test_archived_ones_are_left_out_and_private_ones_told_apart(world):
    found = {each.name: each for each in (await listed(world)).channels}
    assert set(found) == {"#general", "#alerts", "#random", "#board"}
    assert (found["#board"].private, found["#random"].joined, found["#general"].joined) == (True, False, True)


async def test_a_count_that_is_not_told_is_none(world):
    world.standin.channels = [SlackChannel("C0PRIVATE1", "p", "T0ACME", frozenset({"U0ATLAS"}), size=-1)]
    (found,) = (await listed(world)).channels
    assert found.members is None


async def test_an_empty_page_is_not_the_end(world):
    first = {"ok": True, "channels": [], "response_metadata": {"next_cursor": "bmV4dDow"}}
    world.standin.dial.set(Fault.NONSENSE, path="*/conversations.list", body=json.dumps(first), times=1)
    found = await listed(world)
    assert len(listing_calls(world)) == 2
    assert len(found.channels) == 4


@pytest.mark.parametrize("meta", [{}, {"response_metadata": None}, {"response_metadata": {"next_cursor": ""}}])
async def test_a_cursor_that_is_not_there_is_the_end(world, meta):
    world.says({"ok": True, "channels": [{"id": "C1", "name": "x"}], **meta}, "*/conversations.list")
    (found,) = (await listed(world)).channels
    assert (found.id, found.private, found.members, found.joined) == ("C1", False, None, None)


async def test_a_cursor_that_comes_again_ends_with_an_error(world):
    again = {"ok": True, "channels": [{"id": "C1", "name": "x"}], "response_metadata": {"next_cursor": "YQ=="}}
    world.says(again, "*/conversations.list")
    with pytest.raises(PlatformError):
        await listed(world)
    assert len(listing_calls(world)) == 2


@pytest.mark.parametrize(
    "channels", [None, {}, [{"name": "x"}], [{"id": "C/1", "name": "x"}], [{"id": "C1", "name": 5}]]
)
async def test_a_list_that_makes_no_sense_is_not_believed(world, channels):
    world.says({"ok": True, "channels": channels}, "*/conversations.list")
    with pytest.raises(PlatformError):
        await listed(world)


async def test_without_groups_read_only_public_ones(world):
    world.standin.tokens[slack_seed.ACME].scopes -= {"groups:read"}
    found = await listed(world)
    assert {each.name for each in found.channels} == {"#general", "#alerts", "#random"}
    assert (found.lacks, len(found.notes)) == (("groups:read",), 1)
    assert [each["types"] for each in listing_calls(world)] == ["public_channel,private_channel", "public_channel"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("invalid_auth", InvalidCredentials),
        ("token_revoked", AuthExpired),
        ("missing_scope", InsufficientPermissions),
        ("ratelimited", RateLimited),
        ("invalid_cursor", PlatformError),
    ],
)
async def test_what_slack_says_of_a_list(world, error, kind):
    world.says({"ok": False, "error": error, "needed": "channels:read"}, "*/conversations.list")
    with pytest.raises(kind):
        await listed(world)


async def test_a_list_that_is_busy_says_how_long(world):
    world.standin.dial.set(Fault.BUSY_SECONDS, path="*/conversations.list")
    with pytest.raises(RateLimited) as caught:
        await listed(world)
    assert caught.value.retry_after >= 1
