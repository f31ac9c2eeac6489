"""Mail's own ways: addresses, ports, TLS, the sender that must be allowed, SendGrid's senders and domains."""

from __future__ import annotations

import email
import email.policy
import json

import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers.contract import Message
from atlas_hub.providers.email import IN_THE_CLEAR, PROVIDER
from tests.providers.stubs import PAGE, connect, stub
from tests.standins import sendgrid
from tests.standins.dial import Fault
from tests.standins.mailbox import PASSWORD, Mailbox, MailMode
from tests.standins.sendgrid import SendgridAccount, SendgridKey

smtp = pytest.mark.entry("email", "smtp")
by_sendgrid = pytest.mark.entry("email", "sendgrid")

HURRIED = 0.4
WRONG = (
    "ana", "@example.com", "ana@", "a@b@example.com", "Ana <ana@example.com>", "ana @example.com", "a,b@example.com",
    "ana@example.com\r\nBcc: x@example.com", "ana@exa\x00mple.com", "ana@exam\u202eple.com", "a" * 65 + "@example.com",
    "ana@" + "a" * 256, "ana@.example.com", "ana@example.com.", "ana@example.com;", '"a b"@example.com',
)  # fmt: skip


@smtp
@pytest.mark.parametrize("address", WRONG)
def test_a_sender_is_one_address_alone(world, address):
    with pytest.raises(BadForm) as caught:
        world.form(senderAddress=address)
    assert list(caught.value.fields) == ["sender_address"]
    assert world.form(senderAddress=" ana.o+x@mail.example.com ").sender_address == "ana.o+x@mail.example.com"


@smtp
@pytest.mark.parametrize(
    ("typed", "port"), [(587, 587), ("587", 587), (" 465 ", 465), (1, 1), ("65535", 65535), ("0025", 25)]
)
def test_a_port_is_a_number_or_its_digits(world, typed, port):
    assert world.form(port=typed).port == port


@smtp
@pytest.mark.parametrize(
    "typed", [0, "0", -1, 65536, "99999", 587.0, True, "5_87", "0x19", "+25", "25.0", "\u0661", [25]]
)
def test_nothing_else_is_a_port(world, typed):
    with pytest.raises(BadForm) as caught:
        world.form(port=typed)
    assert list(caught.value.fields) == ["port"]
    assert world.form()


@smtp
@pytest.mark.parametrize(
    ("typed", "tls"),
    [("on", True), (True, True), ("true", True), (False, False), ("off", False), ("false", False), ("", False)],
)
def test_the_tick_is_read_from_page_and_api(world, typed, tls):
    assert world.form(tls=typed).tls is tls


@smtp
def test_a_missing_tick_is_no_tick(world):
    values = {name: value for name, value in world.values.items() if name != "tls"}
    assert world.way.read(values).tls is False


@smtp
@pytest.mark.parametrize("host", ["https://smtp.example.com", "a b", "x/../y", "ana@smtp"])
def test_a_host_is_a_name_alone(world, host):
    with pytest.raises(BadForm) as caught:
        world.form(host=host)
    assert list(caught.value.fields) == ["host"]


@smtp
async def test_a_check_sends_nothing_and_says_who_sends(world):
    result = await world.check()
    assert result.label == "alerts@acme.example by SMTP"
    assert (result.granted, result.warnings) == (None, ())
    assert not world.standin.messages
    assert [verb for verb, _ in world.standin.calls][-2:] == ["RSET", "QUIT"]


@smtp
async def test_without_tls_there_is_a_warning(world, monkeypatch):
    with Mailbox(MailMode.PLAIN) as plain:
        result = await world.check(port=plain.port, tls=False)
    assert result.warnings == (IN_THE_CLEAR,)


@smtp
async def test_a_server_without_starttls_is_not_given_the_password(world):
    with Mailbox(MailMode.PLAIN) as plain:
        with pytest.raises(PlatformError) as caught:
            await world.check(port=plain.port)
        assert not [verb for verb, _ in plain.calls if verb == "AUTH"]
    assert caught.value.field == "port"
    assert await world.check()


@smtp
async def test_a_certificate_that_nobody_vouches_for_is_refused(world, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NetworkError) as caught:
        await world.check()
    assert "certificate" in caught.value.text
    assert not [verb for verb, _ in world.standin.calls if verb == "AUTH"]
    monkeypatch.setenv("SSL_CERT_FILE", world.standin.ca_pem_path)
    assert await world.check()


@smtp
async def test_a_wrong_password_is_the_fault_of_the_password(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(password=f"{PASSWORD}x")
    assert caught.value.field == "password"


@smtp
async def test_a_sender_that_the_server_refuses_is_the_fault_of_the_sender(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(senderAddress="ana@refused.example")
    assert caught.value.field == "sender_address"
    assert await world.check()


@smtp
async def test_a_private_address_is_not_asked_unless_the_operator_allows_it(world):
    guarded = Http({}, Guard())
    with pytest.raises(BadForm):
        await world.way.check(world.form(), guarded, world.steps.append)
    assert not world.standin.calls
    await guarded.close()


@smtp
async def test_a_server_that_is_gone_is_no_answer(world):
    world.standin.stop()
    with pytest.raises(NetworkError):
        await world.check()


@smtp
async def test_a_mail_arrives_as_it_was_written_and_the_receipt_is_the_250_line(world):
    message = Message(subject="Hello\r\nBcc: x@example.com", text="One.\n.\nTwo \u00e9.\r\nThree.")
    receipt = await world.way.send(world.form(), "ana@example.com", message, world.http)
    (sent,) = world.standin.messages
    assert (sent.sender, sent.recipients, sent.user) == ("alerts@acme.example", ("ana@example.com",), "atlas")
    read = email.message_from_bytes(sent.content, policy=email.policy.default)
    assert read["Subject"] == "Hello Bcc: x@example.com"
    assert read["Bcc"] is None
    assert read.get_content().replace("\r\n", "\n") == "One.\n.\nTwo \u00e9.\nThree.\n"
    assert receipt.id == "250 2.0.0 Ok: queued as FAKE00000001"
    assert receipt.text == f"The mail server accepted it for ana@example.com: {receipt.id}."


@by_sendgrid
async def test_the_scopes_are_what_sendgrid_tells(world):
    result = await world.check()
    assert result.granted == sendgrid.FULL
    assert result.label == "alerts@acme.example by SendGrid"
    assert result.warnings == ()


@by_sendgrid
async def test_a_key_that_may_not_send_is_refused(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(apiKey=sendgrid.NO_SEND)
    assert caught.value.required_scopes == ("mail.send",)
    assert caught.value.field == "api_key"
    assert await world.check()


MADE_UP = {"senderAddress": "a@acme.example", "apiKey": "SG.test"}


@by_sendgrid
@pytest.mark.parametrize("rest", ["nothing", "page"])
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest):
    result = await connect(world.way, MADE_UP, stub({"/v3/scopes": {"scopes": ["mail.send"]}}, rest))
    assert result.label == "a@acme.example by SendGrid"
    assert "Send a test message" in result.warnings[0]


@by_sendgrid
@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("said", [{}, {"errors": []}, {"errors": [{"message": "canary"}]}, {"error": "canary"}, []])
async def test_any_shape_of_refusal_is_a_refusal(world, status, said):
    kind = InsufficientPermissions if status == 403 else InvalidCredentials
    with pytest.raises(kind) as caught:
        await connect(world.way, MADE_UP, stub({"/v3/scopes": said}, status=status))
    assert caught.value.field == "api_key"
    assert type(caught.value) is kind


@by_sendgrid
@pytest.mark.parametrize("status", [400, 403])
async def test_a_page_is_no_refusal(world, status):
    with pytest.raises(PlatformError):
        await connect(world.way, MADE_UP, stub({"/v3/scopes": PAGE}, status=status))


@by_sendgrid
async def test_a_long_sender_fits_where_it_is_kept(world):
    sender = {"senderAddress": f"a@{'b' * 60}.{'c' * 60}.example"}
    http = stub({"/v3/scopes": {"scopes": ["mail.send"]}})
    assert len((await connect(world.way, MADE_UP | sender, http)).label) == 120


@by_sendgrid
async def test_a_key_that_may_only_send_is_warned_about_not_refused(world):
    result = await world.check(apiKey=sendgrid.SEND_ONLY)
    assert "Send a test message" in result.warnings[0]
    assert "mail.send" in result.granted


@by_sendgrid
@pytest.mark.parametrize("address", ["x@mail.acme.example", "ALERTS@acme.example", "x@deep.mail.acme.example"])
async def test_a_verified_sender_or_domain_may_send(world, address):
    assert (await world.check(senderAddress=address)).warnings == ()


@by_sendgrid
@pytest.mark.parametrize(
    "address",
    ["new@acme.example", "x@old.example", "x@acme.example", "x@evilmail.acme.example", "x@mail.acme.example.org"],
)
async def test_an_unverified_sender_is_refused(world, address):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(senderAddress=address)
    assert caught.value.field == "sender_address"
    assert "Sender Authentication" in caught.value.text


@by_sendgrid
async def test_a_list_that_may_go_on_proves_nothing(world):
    many = SendgridAccount({f"a{number}@acme.example": True for number in range(200)})
    world.standin.keys[sendgrid.FULL_ACCESS] = SendgridKey(sendgrid.FULL, many)
    result = await world.check()
    assert result.warnings


@by_sendgrid
@pytest.mark.parametrize("path", ["/v3/verified_senders", "/v3/whitelabel/domains"])
async def test_trouble_with_a_later_question_ends_the_check_too(world, path):
    address = "x@mail.acme.example"
    for fault, body in ((Fault.SERVER_ERROR, None), (Fault.HTML, None), (Fault.NONSENSE, "7"), (Fault.NONSENSE, "[1]")):
        world.standin.dial.set(fault, path=path, body=body)
        with pytest.raises(PlatformError):
            await world.check(senderAddress=address)
        assert world.steps[-1].key == "sender"
        assert world.steps[-1].ok is False
        world.mend()
        assert await world.check(senderAddress=address)


@by_sendgrid
async def test_a_check_has_its_seconds_in_all_not_for_each_question(world, monkeypatch):
    monkeypatch.setattr("atlas_hub.providers._sendgrid.SECONDS", HURRIED)
    monkeypatch.setattr(type(world.http), "ask", _patient(type(world.http).ask))
    world.standin.dial.set(Fault.HANG, path="/v3/whitelabel/domains")
    with pytest.raises(NetworkError) as caught:
        await world.check(senderAddress="x@mail.acme.example")
    assert caught.value.text == f"SendGrid did not answer within {HURRIED:g} seconds. Try again."


def _patient(ask):
    async def asked(self, *given, timeout=None, **named):  # noqa: ASYNC109  # as Http has it
        return await ask(self, *given, **named)

    return asked


@by_sendgrid
async def test_a_mail_is_plain_text_to_one_recipient_and_the_receipt_is_sendgrids(world):
    receipt = await world.way.send(world.form(), "ana@example.com", Message(text="Hi"), world.http)
    (sent,) = world.standin.messages
    assert sent["personalizations"] == [{"to": [{"email": "ana@example.com"}]}]
    assert sent["from"] == {"email": "alerts@acme.example"}
    assert sent["content"] == [{"type": "text/plain", "value": "Hi"}]
    assert sent["subject"]
    assert receipt.id == sent["id"]


@by_sendgrid
async def test_an_unverified_sender_at_sending_is_the_fault_of_the_sender(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(apiKey=sendgrid.UNVERIFIED)
    assert caught.value.field == "sender_address"
    assert (await world.send()).id


@by_sendgrid
async def test_a_200_is_no_receipt(world):
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"message": "success"}))
    with pytest.raises(PlatformError):
        await world.send()


def test_mail_may_be_saved_without_an_answer():
    assert all(method.may_save_unverified for method in PROVIDER.methods)
