"""What the contract suite knows of mail by SMTP."""

from __future__ import annotations

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, NetworkError, RateLimited
from tests.providers.entries.entry import Entry, Trouble
from tests.standins.mailbox import PASSWORD, Mailbox, MailFault, MailMode


def hung(fault: MailFault) -> Trouble:
    """A mail server that falls silent."""
    return Trouble(name=fault, begin=lambda box: box.dial.set(fault), error=NetworkError, slow=True)


MAIL_TROUBLES = (
    hung(MailFault.HANG_CONNECT),
    hung(MailFault.HANG_EHLO),
    hung(MailFault.HANG_AUTH),
    Trouble(
        name="wrong_password",
        begin=lambda box: box.accounts.update(atlas="another"),
        error=InvalidCredentials,
    ),
    Trouble(
        name="unavailable",
        begin=lambda box: box.dial.set(MailFault.UNAVAILABLE),
        error=RateLimited,
        waits=(60, 60),
    ),
    Trouble(
        name="greylisted",
        begin=lambda box: box.dial.set(MailFault.GREYLIST),
        error=RateLimited,
        waits=(60, 60),
        in_check=False,
    ),
    Trouble(
        name="sender_refused",
        begin=lambda box: box.refused_domains.add("acme.example"),
        error=InsufficientPermissions,
    ),
)


def mended(box: Mailbox) -> None:
    """A mailbox as it was."""
    box.reset()
    box.accounts["atlas"] = PASSWORD
    box.refused_domains.discard("acme.example")


ENTRIES = (
    Entry(
        slug="email",
        method="smtp",
        vendor="mail server",
        standin=lambda: Mailbox(MailMode.STARTTLS),
        values=lambda box: {
            "senderAddress": "alerts@acme.example",
            "host": box.host,
            "port": box.port,
            "username": "atlas",
            "password": PASSWORD,
            "tls": True,
        },
        steps=("address", "connect", "tls", "sign_in", "sender"),
        to="ana@acme.example",
        account=None,
        misshapen={"senderAddress": "canary", "host": "https://canary/", "port": "canary", "tls": "canary"},
        wrong_to=("", "ana", "ana@a.example, b@b.example", "Ana <ana@a.example>", "ana@a.example\r\nBcc: x@y.example"),
        troubles=MAIL_TROUBLES,
        mend=mended,
        variables=lambda box: {"SSL_CERT_FILE": box.ca_pem_path},
        seconds="atlas_hub.providers.email.SECONDS",
    ),
)
