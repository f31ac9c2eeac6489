"""Postmark's own ways: error codes inside a 422, a sandbox, a test token, senders that a server token cannot read."""

from __future__ import annotations

import json

import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.providers import _postmark
from tests.providers.stubs import PAGE, connect, rests, stub
from tests.standins import postmark
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("email", "postmark")


def refuses(world, code, message="canary"):
    world.standin.servers[postmark.LIVE] = postmark.PostmarkServer(1, "Acme", refuses=(code, message))


async def test_the_card_shows_provider_and_sender(world):
    result = await world.check()
    assert result.label == "alerts@acme.example by Postmark"
    assert world.way.facts(world.form()) == {"Provider": "Postmark", "Sender": "alerts@acme.example"}
    assert (result.account, result.granted, result.limits) == (None, None, ())
    assert next(step.detail for step in world.steps if step.key == "accepted" and step.ok) == "to the server Acme"


async def test_that_the_sender_cannot_be_read_is_a_warning(world):
    (warning,) = (await world.check()).warnings
    assert "alerts@acme.example" in warning
    assert warning.endswith("Send a test message to find out.")


async def test_a_check_sends_nothing(world):
    await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path) == ("GET", "/server")
    assert call.headers["x-postmark-server-token"] == postmark.LIVE
    assert call.headers["accept"] == "application/json"


async def test_a_mail_is_put_as_postmark_wants_it(world):
    receipt = await world.send("ana@acme.example")
    (mail,) = world.standin.messages
    assert {name: mail[name] for name in ("From", "To", "Subject", "TextBody", "MessageStream")} == {
        "From": "alerts@acme.example",
        "To": "ana@acme.example",
        "Subject": "A test",
        "TextBody": "Nothing needs to be done.",
        "MessageStream": "outbound",
    }
    assert receipt.id == mail["MessageID"]
    assert receipt.text == f"Postmark accepted it for ana@acme.example as {receipt.id}."


async def test_a_sandbox_is_taken_and_says_that_nothing_arrives(world):
    result = await world.check(serverToken=postmark.SANDBOX)
    assert result.limits == (_postmark.SANDBOX,)
    assert "delivers none" in result.limits[0]


@pytest.mark.parametrize("reads", [True, False])
async def test_the_test_token_is_taken_and_says_that_nothing_arrives(world, reads):
    world.standin.test_reads = reads
    result = await world.check(serverToken=postmark.TEST)
    assert result.limits == (_postmark.NOWHERE,)
    assert result.delivers is False
    receipt = await world.send(serverToken=postmark.TEST)
    assert receipt.text.endswith("sends nothing.")
    assert world.standin.messages == []


async def test_the_test_token_does_not_hide_a_fault(world):
    world.standin.dial.set(Fault.SERVER_ERROR)
    with pytest.raises(PlatformError):
        await world.check(serverToken=postmark.TEST)


async def test_the_accounts_token_is_explained(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(serverToken=postmark.ACCOUNT)
    assert caught.value.field == "server_token"
    assert "it is the account's" in caught.value.text


async def test_a_401_without_a_code_is_the_tokens_fault_too(world, monkeypatch):
    monkeypatch.setitem(postmark.REFUSALS, 401, {})
    world.standin.dial.set(Fault.UNAUTHORIZED)
    with pytest.raises(InvalidCredentials) as caught:
        await world.check()
    assert caught.value.field == "server_token"


MADE_UP = {"senderAddress": "a@acme.example", "serverToken": "pm-token"}


@rests
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest):
    result = await connect(world.way, MADE_UP, stub({"/server": {"ID": 1, "Name": "Acme"}}, rest))
    assert result.label == "a@acme.example by Postmark"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (401, {}, InvalidCredentials),
        (401, PAGE, InvalidCredentials),
        (422, {"ErrorCode": 10}, InvalidCredentials),
        (403, {}, InsufficientPermissions),
        (403, {"Message": "canary"}, InsufficientPermissions),
        (403, PAGE, PlatformError),
        (403, "", PlatformError),
    ],
)
async def test_any_shape_of_refusal_is_a_refusal_but_a_firewalls_page(world, status, said, kind):
    with pytest.raises(kind) as caught:
        await connect(world.way, MADE_UP, stub({"/server": said}, status=status))
    assert type(caught.value) is kind
    assert "canary" not in caught.value.text


async def test_a_long_sender_fits_where_it_is_kept(world):
    sender = {"senderAddress": f"a@{'b' * 60}.{'c' * 60}.example"}
    result = await connect(world.way, MADE_UP | sender, stub({"/server": {"ID": 1, "Name": "Acme"}}))
    assert len(result.label) == 120


async def test_a_403_is_not_postmarks_own(world):
    world.standin.dial.set(Fault.FORBIDDEN)
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send()
    assert "network" in caught.value.text
    assert caught.value.field is None


@pytest.mark.parametrize(
    ("token", "changed", "to", "field", "said"),
    [
        (postmark.LIVE, {"senderAddress": "new@acme.example"}, None, "sender_address", "not confirmed"),
        (postmark.LIVE, {"senderAddress": "x@elsewhere.example"}, None, "sender_address", "no such sender"),
        (postmark.LIVE, {}, "gone@acme.example", "to", "Reactivate"),
        (postmark.PENDING, {}, "x@elsewhere.example", "to", "not approved the account yet"),
        (postmark.CLOSED, {}, None, None, "not approved this account"),
        (postmark.SPENT, {}, None, None, "used up its mails"),
    ],
)
async def test_what_postmark_does_not_send_has_its_own_remedy(world, token, changed, to, field, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(to, serverToken=token, **changed)
    assert caught.value.field == field
    assert said in caught.value.text
    assert world.standin.messages == []


@pytest.mark.parametrize(
    ("code", "message", "field"),
    [
        (300, "Invalid 'From' address: 'canary'.", "sender_address"),
        (300, "Error parsing 'To': Illegal email domain 'canary'.", "to"),
        (1235, "canary", None),
        (1236, "canary", None),
        (1480, "You are not authorized to send emails from your current IP address: 'canary'.", None),
    ],
)
async def test_a_code_becomes_a_remedy(world, code, message, field):
    refuses(world, code, message)
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send()
    assert caught.value.field == field
    assert "canary" not in caught.value.text


@pytest.mark.parametrize(("code", "named"), [(300, " (300)"), (402, " (402)"), (-7, ""), (10**40, "")])
async def test_any_other_code_is_nobodys_fault(world, code, named):
    refuses(world, code)
    with pytest.raises(PlatformError) as caught:
        await world.send()
    assert caught.value.text == f"Postmark could not do this{named}. Try again later."
    world.mend()
    assert (await world.send()).id


async def test_maintenance_is_named(world):
    refuses(world, 100)
    with pytest.raises(PlatformError) as caught:
        await world.send()
    assert "maintenance" in caught.value.text


async def test_a_limit_tells_how_long(world):
    world.standin.dial.set(Fault.BUSY_SECONDS)
    with pytest.raises(RateLimited) as caught:
        await world.send()
    assert caught.value.retry_after == 2


@pytest.mark.parametrize(
    "said",
    [
        {"ID": "1", "Name": "Acme"},
        {"ID": 0, "Name": "Acme"},
        {"ID": True, "Name": "Acme"},
        {"ID": 1, "Name": None},
        {"ID": 1, "Name": "Acme", "DeliveryType": 7},
        {"ID": 1, "Name": "Acme", "ErrorCode": "7"},
        {"ID": 1, "Name": "Acme", "ErrorCode": True},
        {"ID": 1, "Name": "Acme", "ErrorCode": []},
    ],
)
async def test_a_server_that_makes_no_sense_is_not_believed(world, said):
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps(said))
    with pytest.raises(PlatformError) as caught:
        await world.check()
    assert "makes no sense" in caught.value.text
    world.mend()
    assert await world.check()


async def test_a_name_is_shown_without_what_is_unseen_and_a_blank_one_by_its_number(world):
    for name, shown in (("Ac\u202eme\n", "Acme"), ("\u200b", "1")):
        world.standin.servers[postmark.LIVE] = postmark.PostmarkServer(1, name)
        await world.check()
        assert next(s.detail for s in world.steps if s.key == "accepted" and s.ok) == f"to the server {shown}"


@pytest.mark.parametrize(
    ("number", "shown"), [(None, ""), (7, ""), ("", ""), ("<b>", ""), ("x" * 129, ""), ("1-2-3-4-5", "1-2-3-4-5")]
)
async def test_what_postmark_accepted_is_sent_whatever_its_id_looks_like(world, number, shown):
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"ErrorCode": 0, "Message": "OK", "MessageID": number}))
    receipt = await world.send()
    assert receipt.id == shown
    assert receipt.text.endswith(f" as {shown}." if shown else ", without a message ID.")


@pytest.mark.parametrize("body", ["{}", '{"Message": "OK"}', '{"ErrorCode": "0"}'])
async def test_without_a_yes_nothing_was_sent(world, body):
    world.standin.dial.set(Fault.NONSENSE, body=body)
    with pytest.raises(PlatformError):
        await world.send()


def test_a_key_of_sendgrid_is_named(world):
    with pytest.raises(BadForm) as caught:
        world.form(serverToken="SG." + "x" * 20)
    said = world.way.form.said_of("server_token")["lookalikes"]["SG."]
    assert caught.value.fields == {"server_token": said}


@pytest.mark.parametrize(("token", "usual"), [(postmark.LIVE, True), ("an-older-token", False)])
async def test_an_unusual_token_is_tried_all_the_same(world, token, usual):
    world.standin.servers[token] = world.standin.servers[postmark.LIVE]
    await world.check(serverToken=token)
    assert world.steps[1].detail.startswith("Looks like" if usual else "Most tokens")


async def test_a_whole_check_has_ten_seconds(world, monkeypatch):
    monkeypatch.setattr(_postmark, "SECONDS", 0.3)
    world.standin.dial.set(Fault.HANG)
    with pytest.raises(NetworkError):
        await world.check()
