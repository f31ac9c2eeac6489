"""Mail for digests and notifications, from an address of your own.

1. Choose how the mail leaves: SMTP through any mail server, SendGrid, Postmark or Amazon SES.
2. Enter the sender address, which appears as From and which the server or service must let you use.
3. SMTP: enter host, port, user name and password; port 587 with TLS is usual, 465 is TLS from the start.
4. SMTP at Google or Microsoft: they want an app password, not the one you sign in with.
5. SendGrid: open https://app.sendgrid.com/settings/api_keys, choose Create API Key, then Restricted Access.
6. SendGrid: give the key Mail Send, Full Access; copy it at once, for SendGrid shows it only then.
7. SendGrid: verify the sender under Settings, Sender Authentication.
8. Postmark: open https://account.postmarkapp.com/servers, choose your server, then API Tokens, and copy a token.
9. Postmark: confirm the sender at https://account.postmarkapp.com/signature_domains, the address or its domain.
10. Amazon SES: verify the sender at https://console.aws.amazon.com/ses/home under Identities, in the region you enter.
11. Amazon SES: at https://console.aws.amazon.com/iam/home#/users make a user who may ses:SendEmail and an access key.
12. Amazon SES: a new account is in the sandbox and mails verified recipients alone. Ask for production access.
13. Choose Connect, then send a test message.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, field_validator

from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Ladder, Report, Step
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.smtp import mail, smtp_session
from atlas_hub.providers._bridge import Bridge
from atlas_hub.providers._mail import SECONDS, UNSEEN, Mail, MailMethod, recipient, subject
from atlas_hub.providers._postmark import Postmark
from atlas_hub.providers._resend import Resend
from atlas_hub.providers._sendgrid import Sendgrid
from atlas_hub.providers._ses import Ses
from atlas_hub.providers.contract import (
    Category,
    CheckResult,
    Environment,
    Message,
    Names,
    Provider,
    Receipt,
)

HOST_LENGTH = 253
PORT_LAST = 65_535
IN_THE_CLEAR = "The connection is not encrypted: the password crosses the network in the clear."


class Smtp(Mail):
    """A mail server and who we are there."""

    host: str = Field(
        title="Host",
        examples=["smtp.example.com"],
        description="The mail server's name.",
        json_schema_extra={"target": True},
    )
    port: int = Field(
        title="Port",
        description="587 with TLS is usual; 465 is TLS from the start.",
        examples=[587],
        json_schema_extra={"input": "number", "minimum": 1, "maximum": PORT_LAST, "target": True},
    )
    username: str = Field(title="Username", examples=["atlas@example.com"])
    password: Secret = Field(title="Password", description="Often an app password made for this purpose.")
    tls: bool = Field(
        default=False,
        title="Use TLS",
        description="Encrypt the connection. Turn it off only for a server on your own machine or network.",
        json_schema_extra={"input": "checkbox", "checked": True, "target": True},
    )

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        if len(value) > HOST_LENGTH or re.search(r"[\s/@?#\\]", value) or UNSEEN.search(value):
            raise ValueError("Enter a host name alone, such as smtp.example.com.")
        return value

    @field_validator("port", mode="before")
    @classmethod
    def _is_a_port(cls, value: Any) -> int:
        # The page's input gives digits; pydantic itself would also take True, 587.0 and "5_87".
        text = value.strip() if isinstance(value, str) else str(value)
        if isinstance(value, bool | float) or re.fullmatch(r"[0-9]{1,5}", text) is None:
            raise ValueError("The port is a whole number, such as 587.")
        if not 1 <= int(text) <= PORT_LAST:
            raise ValueError(f"The port is a number from 1 to {PORT_LAST}, such as 587.")
        return int(text)

    @field_validator("tls", mode="before")
    @classmethod
    def _is_a_tick(cls, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        told = {"on": True, "true": True, "off": False, "false": False}.get(str(value).strip().lower())
        if told is None:
            raise ValueError("Use TLS is either true or false.")
        return told


class SmtpServer(MailMethod[Smtp]):
    """Any mail server."""

    key, label, form = "smtp", "SMTP", Smtp
    recommended_because = "Works with every mail server you can sign in to."

    async def check(self, form: Smtp, http: Http, report: Report) -> CheckResult:
        """Connect, secure, sign in and offer the sender, without sending. Raises `BadForm`, a `ProviderError`."""

        def told(key: str, text: str, ok: bool | None, detail: str) -> None:  # noqa: FBT001  # as kit.smtp calls it
            report(Step(key=key, text=text, ok=ok, detail=detail))

        opened = smtp_session(
            http.guard,
            form.host,
            form.port,
            form.username,
            form.password,
            tls=form.tls,
            timeout=SECONDS,
            report=told,
        )
        async with opened as session:
            with Ladder(report).step("sender", "Offer the sender address") as rung:
                await session.check_sender(form.sender_address)
                rung.detail = f"The server takes mail from {form.sender_address}."
        warnings = () if form.tls else (IN_THE_CLEAR,)
        return CheckResult(account=None, label=self.called(form), warnings=warnings)

    async def send(self, form: Smtp, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`; after a `NetworkError` it may have arrived."""
        to = recipient(to)
        letter = mail(form.sender_address, to, subject(message), message.text)
        opened = smtp_session(
            http.guard, form.host, form.port, form.username, form.password, tls=form.tls, timeout=SECONDS
        )
        async with opened as session:
            said = await session.send(letter, form.sender_address, to)
        return Receipt(id=said, text=f"The mail server accepted it for {to}: {said}.")


PROVIDER = Provider(
    slug="email",
    name="Email",
    category=Category.MAIL,
    docs="https://www.twilio.com/docs/sendgrid/for-developers/sending-email/sender-identity",
    about=__doc__ or "",
    stops="Mail falls back to the operator's mail settings, or stops where there are none.",
    methods=(SmtpServer(), Sendgrid(), Postmark(), Ses()),
    unlisted=(Resend(),),
    names=Names(admin="email", refused="invalid_config"),
    wire_fields=("provider", "senderAddress"),
    limits=("Amazon SES in AWS China is not served: its addresses are in another domain.",),
    environment=(
        Environment(
            method=Bridge(),
            variables={"bridge_url": "ATLAS_SMTP_URL", "sender_address": "ATLAS_EMAIL_FROM"},
            defaults=frozenset({"sender_address"}),
        ),
        Environment(
            method=Resend(),
            variables={"api_key": "RESEND_API_KEY", "sender_address": "ATLAS_EMAIL_FROM"},
            defaults=frozenset({"sender_address"}),
        ),
    ),
)
