"""Mail by Amazon SES: regions, keys that look alike, identities and their domains, the sandbox, Amazon's errors."""

from __future__ import annotations

import json

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from moto.sesv2.models import sesv2_backends

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Answer, Http
from atlas_hub.providers._ses import SES, SesKeys
from atlas_hub.providers.contract import Message, silent
from atlas_hub.providers.email import PROVIDER
from tests.providers.conftest import LOOPBACK, MESSAGE
from tests.providers.stubs import connect, stub
from tests.standins import ses
from tests.standins.dial import Fault
from tests.standins.ses import SesAccount, SesError, SesKey

pytestmark = pytest.mark.entry("email", "ses")

HURRIED = 0.4
IDENTITIES = "/v2/email/identities/*"
ACCOUNT = "/v2/email/account"


def keys(pair):
    return {"accessKeyId": pair[0], "secretAccessKey": pair[1]}


def said(standin, code, message="no", status=400):
    """Let every answer be this error."""

    def signer(*_given):
        raise SesError(status, code, message)

    standin._signer = signer


@pytest.mark.parametrize(
    ("typed", "region"),
    [("us-east-1", "us-east-1"), (" EU-West-1 ", "eu-west-1"), ("us-gov-west-1", "us-gov-west-1")],
)
def test_a_region_is_its_code(world, typed, region):
    assert world.form(region=typed).region == region


@pytest.mark.parametrize(
    "typed",
    [
        "cn-north-1",
        "us-east",
        "useast1",
        "us-east-1.evil.example",
        "us-east-1/",
        "us-east-1#-1",
        "us-east-\u0661",
        "US East (N. Virginia)",
        "x-1",
    ],
)
def test_nothing_else_becomes_part_of_an_address(world, typed):
    with pytest.raises(BadForm) as caught:
        world.form(region=typed)
    assert list(caught.value.fields) == ["region"]
    assert not world.standin.calls


def test_the_region_decides_where_the_secret_is_used():
    assert SesKeys.targets() == {"region"}


@pytest.mark.parametrize(
    ("field", "typed", "word"),
    [
        ("accessKeyId", "ASIA" + "X" * 16, "temporary"),
        ("accessKeyId", "AIDA" + "X" * 16, "a user"),
        ("accessKeyId", "AROA" + "X" * 16, "a role"),
        ("accessKeyId", "AKIA XXX", "not an access key"),
        ("accessKeyId", "AKIA/XXX", "not an access key"),
        ("accessKeyId", "X" * 129, "not an access key"),
        ("secretAccessKey", "AKIA" + "X" * 16, "Access Key ID"),
        ("secretAccessKey", "s/h +t", "not a secret access key"),
        ("secretAccessKey", "s" * 129, "not a secret access key"),
    ],
)
def test_what_looks_like_a_key_is_told_apart(world, field, typed, word):
    with pytest.raises(BadForm) as caught:
        world.form(**{field: typed})
    (sentence,) = caught.value.fields.values()
    assert word in sentence
    assert typed not in sentence


@pytest.mark.parametrize("field", ["access_key_id", "secret_access_key"])
def test_the_page_and_the_form_say_the_same_of_a_lookalike(world, field):
    alias = SesKeys.model_fields[field].alias
    for beginning, sentence in SesKeys.said_of(field)["lookalikes"].items():
        with pytest.raises(BadForm) as caught:
            world.form(**{alias: beginning + "X" * 16})
        assert caught.value.fields == {field: sentence}


MADE_UP = {"senderAddress": "a@acme.example", "region": "us-east-1", "accessKeyId": "test_key", "secretAccessKey": "s!"}
IDENTITY = "/v2/email/identities/a@acme.example"


@pytest.mark.parametrize("rest", ["nothing", "page", "same"])
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest):
    result = await connect(world.way, MADE_UP, stub({IDENTITY: {"VerifiedForSendingStatus": True}}, rest))
    assert (result.label, result.warnings) == ("a@acme.example by Amazon SES", ())


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize(
    "said",
    [
        {"__type": "UnrecognizedClientException"},
        {"code": "InvalidClientTokenId"},
        {"Code": "SignatureDoesNotMatch"},
        "<ErrorResponse><Error><Type>Sender</Type><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>",
    ],
)
async def test_any_shape_of_refusal_is_a_refusal(world, status, said):
    with pytest.raises(InvalidCredentials):
        await connect(world.way, MADE_UP, stub({IDENTITY: said}, status=status))


async def test_a_long_sender_fits_where_it_is_kept(world):
    sender = f"a@{'b' * 60}.{'c' * 60}.example"
    http = stub({f"/v2/email/identities/{sender}": {"VerifiedForSendingStatus": True}})
    assert len((await connect(world.way, MADE_UP | {"senderAddress": sender}, http)).label) == 120


async def test_a_secret_of_an_smtp_passwords_shape_is_tried_and_named_when_it_is_refused(world):
    secret = "BP" + "x" * 42
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(secretAccessKey=secret)
    assert "looks like an SMTP password" in caught.value.text
    assert caught.value.field == "secret_access_key"
    key = world.standin.keys[ses.FULL[0]]
    world.standin.keys[ses.FULL[0]] = SesKey(secret, key.allowed, key.account)
    assert (await world.check(secretAccessKey=secret)).warnings == ()
    assert "SMTP password" in world.steps[1].detail


async def test_a_check_names_sender_and_way_and_asks_nothing_but_reads(world):
    result = await world.check()
    assert result.label == "alerts@acme.example by Amazon SES"
    assert (result.account, result.granted, result.warnings, result.limits) == (None, None, (), ())
    assert {call.method for call in world.standin.calls} == {"GET"}
    assert not world.standin.messages


async def test_each_request_is_signed_for_its_region(world):
    world.standin.keys[ses.FULL[0]] = SesKey(
        ses.FULL[1], frozenset({ses.READ, ses.ACCOUNT}), SesAccount({"acme.example": True}, region="eu-west-1")
    )
    assert (await world.check(region="eu-west-1")).warnings == ()
    assert all("/eu-west-1/ses/" in call.headers["authorization"] for call in world.standin.calls)
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(region="us-west-2")
    assert "us-west-2" in caught.value.text


def test_the_region_is_part_of_the_address():
    url = Http({}, Guard()).url(SES, ACCOUNT, region="ap-south-1")
    assert url == "https://email.ap-south-1.amazonaws.com/v2/email/account"


@pytest.mark.parametrize(
    "address",
    ["x@mail.acme.example", "ALERTS@acme.example", "x+y@deep.mail.acme.example", "o'neil/x=1%41@mail.acme.example"],
)
async def test_a_verified_address_domain_or_parent_domain_may_send(world, address):
    assert (await world.check(senderAddress=address)).warnings == ()
    assert (await world.send(senderAddress=address)).id


@pytest.mark.parametrize("address", ["o'neil/x=1%41@other.example", "a+b&c?d#e@other.example", "\u00e9@other.example"])
async def test_an_address_is_looked_up_as_it_is_whatever_signs_it_has(world, address):
    account = SesAccount({address: True})
    world.standin.keys[ses.FULL[0]] = SesKey(ses.FULL[1], frozenset({ses.READ, ses.ACCOUNT}), account)
    assert (await world.check(senderAddress=address)).warnings == ()
    assert [call.path for call in world.standin.calls] == [f"/v2/email/identities/{address}", ACCOUNT]


@pytest.mark.parametrize(
    "address",
    ["new@acme.example", "x@old.example", "x@evilmail.acme.example", "x@mail.acme.example.org", "x@localhost"],
)
async def test_an_unverified_sender_is_refused(world, address):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(senderAddress=address)
    assert caught.value.field == "sender_address"
    assert ses.REGION in caught.value.text
    assert world.steps[-1].key == "sender"
    assert (await world.check()).label


async def test_a_top_level_domain_and_far_parents_are_not_asked_for(world):
    with pytest.raises(InsufficientPermissions):
        await world.check(senderAddress="x@a.b.c.d.e.f.example")
    asked = [call.path.rpartition("/")[2] for call in world.standin.calls]
    assert asked == [
        "x@a.b.c.d.e.f.example",
        "a.b.c.d.e.f.example",
        "b.c.d.e.f.example",
        "c.d.e.f.example",
        "d.e.f.example",
    ]


async def test_a_key_that_may_only_send_is_warned_about_not_refused(world):
    result = await world.check(**keys(ses.SEND_ONLY))
    assert "Send a test message" in result.warnings[0]
    assert "sandbox" in result.limits[0]
    assert (await world.send(**keys(ses.SEND_ONLY))).id


async def test_a_key_that_may_not_read_the_account_says_so(world):
    result = await world.check(**keys(ses.READ_ONLY))
    assert result.warnings == ()
    assert "may not read" in result.limits[0]


async def test_an_identity_that_may_not_be_read_leaves_it_open(world):
    world.standin.dial.set(Fault.NONSENSE, path=IDENTITIES, times=1, body='{"VerifiedForSendingStatus": false}')
    assert (await world.check(senderAddress="x@mail.acme.example")).warnings == ()


async def test_the_sandbox_is_a_limit_not_a_fault(world):
    result = await world.check(**keys(ses.SANDBOX))
    assert "sandbox in us-east-1" in result.limits[0]
    assert world.steps[-1].detail == result.limits[0]


async def test_an_account_under_review_is_a_limit(world):
    account = SesAccount({"acme.example": True}, enforcement="PROBATION")
    world.standin.keys[ses.FULL[0]] = SesKey(ses.FULL[1], frozenset({ses.READ, ses.ACCOUNT}), account)
    assert "reviewing" in (await world.check()).limits[0]


async def test_an_account_that_is_paused_is_refused_at_check_and_at_sending(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(**keys(ses.PAUSED))
    assert "paused" in caught.value.text
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(**keys(ses.PAUSED))
    assert "paused" in caught.value.text
    assert (await world.send()).id


@pytest.mark.parametrize("path", [IDENTITIES, ACCOUNT])
async def test_trouble_with_any_question_ends_the_check(world, path):
    for fault, body in ((Fault.SERVER_ERROR, None), (Fault.HTML, None), (Fault.NONSENSE, "7")):
        world.standin.dial.set(fault, path=path, body=body)
        with pytest.raises(PlatformError):
            await world.check()
        assert world.steps[-1].ok is False
        world.mend()
        assert await world.check()


@pytest.mark.parametrize(
    ("pair", "field"),
    [(ses.DELETED, "access_key_id"), ((ses.FULL[0], "x" * 40), "secret_access_key")],
)
async def test_a_wrong_key_and_a_wrong_secret_are_told_apart(world, pair, field):
    for act in (world.check, world.send):
        with pytest.raises(InvalidCredentials) as caught:
            await act(**keys(pair))
        assert caught.value.field == field
    assert await world.check()


@pytest.mark.parametrize("ahead", [3600, -3600])
async def test_a_wrong_clock_is_not_the_keys_fault(world, ahead):
    world.standin.ahead = ahead
    for act in (world.check, world.send):
        with pytest.raises(PlatformError) as caught:
            await act()
        assert "clock" in caught.value.text
    world.mend()
    assert await world.check()


@pytest.mark.parametrize(
    ("code", "message", "error", "word"),
    [
        ("InvalidClientTokenId", "", InvalidCredentials, "access key"),
        ("SignatureDoesNotMatch", "", InvalidCredentials, "secret"),
        ("InvalidSignatureException", "", InvalidCredentials, "secret"),
        ("RequestExpired", "", PlatformError, "clock"),
        ("AccessDeniedException", "", InsufficientPermissions, "ses:SendEmail"),
        ("AccountSuspendedException", "", InsufficientPermissions, "paused"),
        ("SendingPausedException", "", InsufficientPermissions, "paused"),
        ("MailFromDomainNotVerifiedException", "", InsufficientPermissions, "MAIL FROM"),
        ("MessageRejected", "Email address is not verified: Alerts@acme.example", InsufficientPermissions, "verified"),
        ("MessageRejected", "Email address is not verified: ana@acme.example", InsufficientPermissions, "sandbox"),
        ("MessageRejected", "canary", InsufficientPermissions, "Check the recipient"),
        ("BadRequestException", "canary", InsufficientPermissions, "Check the recipient"),
        ("TooManyRequestsException", "", RateLimited, "busy"),
        ("ThrottlingException", "Maximum sending rate exceeded.", RateLimited, "60 seconds"),
        ("LimitExceededException", "", RateLimited, "busy"),
        ("Throttling", "Daily message quota exceeded.", RateLimited, "24 hours"),
        ("OptInRequired", "", InsufficientPermissions, "region"),
        ("ValidationError", "canary", PlatformError, "400"),
    ],
)
async def test_each_of_amazons_errors_has_a_sentence(world, code, message, error, word):
    said(world.standin, code, message)
    with pytest.raises(error) as caught:
        await world.send()
    assert type(caught.value) is error
    assert word in caught.value.text
    assert "canary" not in caught.value.text
    assert "Amazon SES" in caught.value.text


class Answering(Http):
    """An `Http` to whom every vendor says the same."""

    def __init__(self, status, body, **headers):
        super().__init__({}, Guard())
        self.answer = Answer(status, headers, body.encode(), SES.vendor)

    async def ask(self, *_given, **_named):
        return self.answer


@pytest.mark.parametrize("body", ["[]", '{"__type": 7}', '{"code": ["x"], "message": {"a": 1}}', '"x"', "<html>", ""])
async def test_an_error_in_another_shape_is_judged_by_its_status(world, body):
    denied = PlatformError if body in {"<html>", ""} else InsufficientPermissions
    for status, error in ((400, PlatformError), (403, denied), (404, PlatformError)):
        with pytest.raises(error):
            await world.way.send(world.form(), "ana@example.com", MESSAGE, Answering(status, body))
        with pytest.raises(error):
            await world.way.check(world.form(), Answering(status, body), silent)


async def test_a_code_is_read_from_the_body_too(world):
    for body in ('{"__type": "a.b#SignatureDoesNotMatch"}', '{"Code": "SignatureDoesNotMatch", "Message": "no"}'):
        with pytest.raises(InvalidCredentials) as caught:
            await world.way.send(world.form(), "ana@example.com", MESSAGE, Answering(403, body))
        assert caught.value.field == "secret_access_key"


async def test_a_peer_without_the_account_question_is_taken_as_it_is(world):
    world.http = Lacking({SES.name: world.standin.base}, Guard(LOOPBACK))
    result = await world.check()
    assert (result.warnings, result.limits) == ((), ())
    await world.http.close()


class Lacking(Http):
    """An `Http` to a peer that does not know GetAccount."""

    async def ask(self, upstream, method, path, **named):
        return await super().ask(upstream, method, path.replace("/account", "/nothing"), **named)


async def test_an_unverified_recipient_in_the_sandbox_is_the_fault_of_the_recipient(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(**keys(ses.SANDBOX))
    assert caught.value.field == "to"
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send("more-alerts@acme.example", **keys(ses.SANDBOX))  # the sender's address is its end
    assert caught.value.field == "to"
    assert (await world.send("x@mail.acme.example", **keys(ses.SANDBOX))).id


async def test_an_unverified_sender_at_sending_is_the_fault_of_the_sender(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(senderAddress="new@acme.example")
    assert caught.value.field == "sender_address"


async def test_a_mail_is_plain_text_to_one_recipient_and_the_receipt_is_amazons(world):
    message = Message(subject="Hello\r\nBcc: x@example.com", text="One.\n.\nTwo \u00e9.")
    receipt = await world.way.send(world.form(), "ana@example.com", message, world.http)
    (sent,) = world.standin.messages
    assert sent == {
        "FromEmailAddress": "alerts@acme.example",
        "Destination": {"ToAddresses": ["ana@example.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Hello Bcc: x@example.com", "Charset": "UTF-8"},
                "Body": {"Text": {"Data": "One.\n.\nTwo \u00e9.", "Charset": "UTF-8"}},
            }
        },
        "id": receipt.id,
    }


@pytest.mark.parametrize("number", [7, "", "two words", "x" * 129, None])
async def test_a_receipt_without_an_id_is_none(world, number):
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"MessageId": number}))
    with pytest.raises(PlatformError):
        await world.send()


async def test_a_check_has_its_seconds_in_all_not_for_each_question(world, monkeypatch):
    monkeypatch.setattr("atlas_hub.providers._ses.SECONDS", HURRIED)
    world.standin.dial.set(Fault.HANG, path=ACCOUNT)
    with pytest.raises(NetworkError) as caught:
        await world.check()
    assert caught.value.text == f"Amazon SES did not answer within {HURRIED:g} seconds. Try again."
    assert world.steps[-1].key == "account"


def test_china_is_said_to_be_left_out():
    assert any("China" in limit for limit in PROVIDER.limits)


REGION_OF_MOTO, ACCOUNT_OF_MOTO = "eu-west-1", "123456789012"


class Moto:
    """moto's own server: a user with an access key, and one verified identity."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.clients = []
        iam = self.client("iam")
        iam.create_user(UserName="atlas")
        self.key = iam.create_access_key(UserName="atlas")["AccessKey"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="atlas", PolicyName="mail", PolicyDocument=json.dumps(policy))
        mails = self.client("sesv2")
        for identity in ("alerts@acme.example", "new@acme.example"):
            mails.create_email_identity(EmailIdentity=identity)
        # moto verifies nothing by itself, and has no call for it in version 2.
        self.backend = sesv2_backends[ACCOUNT_OF_MOTO][REGION_OF_MOTO].core_backend
        self.backend.email_identities["alerts@acme.example"].verified_for_sending_status = True

    def client(self, service):
        nobody = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self.clients.append(boto3.client(service, endpoint_url=self.base, region_name=REGION_OF_MOTO, **nobody))
        return self.clients[-1]

    def values(self, **changed):
        own = {"accessKeyId": self.key["AccessKeyId"], "secretAccessKey": self.key["SecretAccessKey"]}
        return {"senderAddress": "alerts@acme.example", "region": REGION_OF_MOTO, **own, **changed}

    def believe_signatures_alone(self, after):
        """From the request `after` this one on, moto computes each signature anew, with botocore."""
        said = httpx.post(f"{self.base}/moto-api/reset-auth", content=after, headers={"Content-Type": "text/json"})
        assert said.json()["status"] == "ok"


@pytest.fixture
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    peer = Moto(f"http://{host}:{port}")
    yield peer
    peer.believe_signatures_alone("inf")
    httpx.post(f"{peer.base}/moto-api/reset")
    for client in peer.clients:
        client.close()
    server.stop()
    server._server.server_close()  # stop() leaves the socket open


async def test_a_server_that_neither_of_us_wrote_takes_check_and_mail(world, moto):
    http = Http({SES.name: moto.base}, Guard(LOOPBACK))
    result = await world.way.check(world.way.read(moto.values()), http, world.steps.append)
    assert (result.warnings, result.limits) == ((), ())
    with pytest.raises(InsufficientPermissions) as caught:
        await world.way.check(world.way.read(moto.values(senderAddress="new@acme.example")), http, silent)
    assert caught.value.field == "sender_address"
    # Only for sending: moto computes a GET's signature from the decoded path, on which boto3 itself fails.
    moto.believe_signatures_alone("0")
    receipt = await world.way.send(world.way.read(moto.values()), "ana@example.com", MESSAGE, http)
    (sent,) = moto.backend.sent_messages
    assert (sent.id, sent.source, sent.subject, sent.body) == (
        receipt.id,
        "alerts@acme.example",
        MESSAGE.subject,
        MESSAGE.text,
    )
    with pytest.raises(InvalidCredentials):
        await world.way.send(world.way.read(moto.values(secretAccessKey="x" * 40)), "ana@example.com", MESSAGE, http)
    assert len(moto.backend.sent_messages) == 1
    await http.close()
