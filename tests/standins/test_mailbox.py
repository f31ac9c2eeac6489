"""The mailbox speaks SMTP as a strict server does."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.standins.mailbox import PASSWORD, Mailbox, MailFault, MailMode


@pytest.fixture(scope="module", params=[*MailMode])
def mailbox_running(request) -> Iterator[Mailbox]:
    with Mailbox(request.param) as started:
        yield started


@pytest.fixture
def mailbox(mailbox_running: Mailbox) -> Iterator[Mailbox]:
    yield mailbox_running
    mailbox_running.reset()


@pytest.fixture
def connect(mailbox: Mailbox) -> Iterator[Callable[..., smtplib.SMTP]]:
    opened: list[smtplib.SMTP] = []

    def dial_in(timeout: float = 5, *, trusting: bool = True) -> smtplib.SMTP:
        context = ssl.create_default_context(cafile=mailbox.ca_pem_path if trusting else None)
        if mailbox.mode is MailMode.TLS:
            client: smtplib.SMTP = smtplib.SMTP_SSL(mailbox.host, mailbox.port, timeout=timeout, context=context)
        else:
            client = smtplib.SMTP(mailbox.host, mailbox.port, timeout=timeout)
        opened.append(client)
        if mailbox.mode is MailMode.STARTTLS:
            client.starttls(context=context)
        return client

    yield dial_in
    for client in opened:
        client.close()


def post(client: smtplib.SMTP, sender: str = "alerts@acme.example") -> Any:
    return client.sendmail(sender, ["grace@acme.example"], "Subject: Test\r\n\r\nHello\r\n")


def test_the_mailbox_takes_a_mail_after_a_login(mailbox, connect):
    client = connect()
    client.login("atlas", PASSWORD)
    assert post(client) == {}
    (mail,) = mailbox.messages
    assert (mail.sender, mail.recipients, mail.user) == (
        "alerts@acme.example",
        ("grace@acme.example",),
        "atlas",
    )
    assert b"Subject: Test" in mail.content
    assert [verb for verb, _ in mailbox.calls if verb != "EHLO"][-4:] == ["AUTH", "MAIL", "RCPT", "DATA"]


@pytest.mark.parametrize("mechanism", ["auth_login", "auth_plain"])
def test_the_mailbox_knows_login_and_plain_and_refuses_a_wrong_password(connect, mechanism):
    client = connect()
    client.ehlo()
    client.user, client.password = "atlas", "wrong"
    name = mechanism.removeprefix("auth_").upper()
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.auth(name, getattr(client, mechanism))
    assert refused.value.smtp_code == 535
    client.password = PASSWORD
    assert client.auth(name, getattr(client, mechanism))[0] == 235


def test_the_mailbox_wants_a_login(mailbox, connect):
    client = connect()
    client.ehlo()
    assert client.mail("alerts@acme.example")[0] == 530
    assert mailbox.messages == []


def test_the_mailbox_refuses_a_sender_that_is_not_ours(connect):
    client = connect()
    client.login("atlas", PASSWORD)
    with pytest.raises(smtplib.SMTPSenderRefused) as refused:
        post(client, "someone@refused.example")
    assert refused.value.smtp_code == 550
    assert post(client) == {}


def test_the_mailbox_greylists_once(mailbox, connect):
    mailbox.dial.set(MailFault.GREYLIST, times=1)
    client = connect()
    client.login("atlas", PASSWORD)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        post(client)
    assert refused.value.recipients["grace@acme.example"][0] == 451
    assert post(client) == {}


def test_the_mailbox_is_unavailable_once(mailbox, connect):
    mailbox.dial.set(MailFault.UNAVAILABLE, times=1)
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        connect()
    assert refused.value.smtp_code == 421
    connect().login("atlas", PASSWORD)


@pytest.mark.parametrize("fault", [MailFault.HANG_CONNECT, MailFault.HANG_EHLO, MailFault.HANG_AUTH])
def test_the_mailbox_hangs_where_the_dial_says(mailbox, connect, fault):
    mailbox.dial.set(fault, times=1)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        connect(timeout=0.3).login("atlas", PASSWORD)
    connect().login("atlas", PASSWORD)


def test_the_mailboxs_certificate_is_trusted_by_its_ca_alone(mailbox, connect):
    if mailbox.mode is MailMode.PLAIN:
        client = connect()
        client.ehlo()
        assert "starttls" not in client.esmtp_features
        return
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(trusting=False)
    connect().login("atlas", PASSWORD)


def test_a_mailbox_with_starttls_takes_no_password_before_it():
    with Mailbox(MailMode.STARTTLS) as one, smtplib.SMTP(one.host, one.port, timeout=5) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        assert client.docmd("AUTH", "PLAIN AGEAYg==")[0] in (530, 538)
        assert client.mail("alerts@acme.example")[0] == 530


def test_another_process_drives_the_mailbox(mailbox, connect, http):
    told = {"fault": "greylist", "times": 1}
    assert http.post(f"{mailbox.control}/__dial", json=told).status_code == 204
    client = connect()
    client.login("atlas", PASSWORD)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        post(client)
    post(client)
    (mail,) = http.get(f"{mailbox.control}/__messages").json()["messages"]
    assert (mail["recipients"], "Hello" in mail["content"]) == (["grace@acme.example"], True)
    calls = http.get(f"{mailbox.control}/__calls").json()["calls"]
    assert [argument for verb, argument in calls if verb == "AUTH"] == ["PLAIN"]
    assert http.post(f"{mailbox.control}/__dial", json={"fault": "flood"}).status_code == 400
    assert http.post(f"{mailbox.control}/__reset").status_code == 204
    assert mailbox.messages == []
