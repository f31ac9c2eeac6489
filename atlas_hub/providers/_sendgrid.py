"""Mail through SendGrid's v3 API (https://www.twilio.com/docs/sendgrid/api-reference)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
)
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._mail import SECONDS, Mail, MailMethod, message_id, recipient, subject, within
from atlas_hub.providers.contract import CheckResult, Message, Receipt

SENDGRID = Upstream("SENDGRID", "SendGrid", "https://api.sendgrid.com")
PAGE = 200
"""How many senders and domains are asked for; where as many come back, there may be more."""


class SendgridKey(Mail):
    """An API key of SendGrid."""

    api_key: Secret = Field(
        title="API Key",
        description="In SendGrid, under Settings, API Keys. It needs Mail Send.",
        examples=["SG.…"],
    )

    _cleaned = field_validator("api_key", mode="before")(pasted)

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, value: Secret) -> Secret:
        if re.fullmatch(r"[\x21-\x7e]{1,512}", value.reveal()) is None:
            raise ValueError("This is not an API key. Copy it again, whole and alone; most begin with SG.")
        return value


class Sendgrid(MailMethod[SendgridKey]):
    """SendGrid's v3 API (https://www.twilio.com/docs/sendgrid/api-reference)."""

    key, label, form = "sendgrid", "SendGrid", SendgridKey
    recommended_because = "No mail server to run; SendGrid keeps a log of every mail."

    async def check(self, form: SendgridKey, http: Http, report: Report) -> CheckResult:
        """Ask what the key may, and whether the sender is verified. Raises a `ProviderError`."""
        return await within(SECONDS, "SendGrid", self._check(form, http, Ladder(report)))

    async def _check(self, form: SendgridKey, http: Http, ladder: Ladder) -> CheckResult:
        with ladder.step("format", "Check the format") as rung:
            usual = form.api_key.reveal().startswith("SG.")
            rung.detail = "Looks like an API key." if usual else "Most API keys begin with SG.; this one does not."
        answer = await ladder.reach("SendGrid", _ask(form, http, "GET", "/v3/scopes"))
        with ladder.step("accepted", "Sign in"):
            if answer.status == HTTPStatus.BAD_REQUEST and answer.is_json:  # nothing was asked with but the key
                text = "SendGrid rejected the API key. Make a new one under Settings, API Keys, then paste it."
                raise InvalidCredentials(text, field="api_key")
            granted = _scopes(_read(answer, http))
        with ladder.step("scopes", "Compare the scopes") as rung:
            if "mail.send" not in granted:
                raise InsufficientPermissions(
                    "This key may not send mail. Make one with Mail Send, Full Access, in SendGrid.",
                    required_scopes=("mail.send",),
                    field="api_key",
                )
            rung.detail = "It may send mail."
        with ladder.step("sender", "Look for the sender address") as rung:
            warning = await _look_for_sender(form, http)
            rung.detail = warning or f"{form.sender_address} is verified."
        warnings = (warning,) if warning else ()
        return CheckResult(account=None, label=self.called(form)[:SHOWN_LENGTH], granted=granted, warnings=warnings)

    async def send(self, form: SendgridKey, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`."""
        to = recipient(to)
        said = {
            "personalizations": [{"to": [{"email": to}]}],
            "from": {"email": form.sender_address},
            "subject": subject(message),
            "content": [{"type": "text/plain", "value": message.text}],
        }
        answer = await _ask(form, http, "POST", "/v3/mail/send", said)
        _judge(answer, http)
        if answer.status != 202:  # noqa: PLR2004  # SendGrid's one yes; a 200 is somebody else
            raise _nonsense()
        number = message_id(answer.headers.get("x-message-id"))
        if not number:
            return Receipt(id="", text=f"SendGrid accepted it for {to}, without a message ID.")
        return Receipt(id=number, text=f"SendGrid accepted it for {to} as {number}.")


async def _ask(form: SendgridKey, http: Http, method: str, path: str, said: Mapping[str, Any] | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {form.api_key.reveal()}"}
    return await http.ask(SENDGRID, method, path, headers=headers, json=said, timeout=SECONDS)


def _read(answer: Answer, http: Http) -> Any:
    _judge(answer, http)
    return answer.json()


def _judge(answer: Answer, http: Http) -> None:
    """Raise for what SendGrid says in `errors` of a refusal, else as every vendor's status is judged."""
    error = _refusal(answer)
    if error is not None:
        raise error
    http.judge(SENDGRID, answer, field="api_key")


def _refusal(answer: Answer) -> ProviderError | None:
    """A refusal that is not the key's fault, by `errors[0]`; its message is never shown."""
    if answer.status not in {400, 401, 403}:
        return None
    try:
        first = answer.json()["errors"][0]
        about, said = str(first.get("field")), str(first.get("message")).lower()
    except (PlatformError, LookupError, TypeError, AttributeError):
        return None
    if "credits exceeded" in said:
        return InsufficientPermissions("The SendGrid account has used up its mails. Wait, or change its plan.")
    if about == "from" or about.startswith("from."):
        return InsufficientPermissions(_unverified("this sender address"), field="sender_address")
    if about.startswith("personalizations"):
        return InsufficientPermissions("SendGrid does not take this recipient. Check the address.", field="to")
    return None


def _scopes(body: Any) -> frozenset[str]:
    scopes = body.get("scopes") if isinstance(body, dict) else None
    if not isinstance(scopes, list):
        raise _nonsense()
    return frozenset(each for each in scopes if isinstance(each, str) and re.fullmatch(r"[a-z0-9_.:-]{1,64}", each))


async def _look_for_sender(form: SendgridKey, http: Http) -> str:
    """A warning where SendGrid does not tell whether the sender is verified, "" where it is.

    Raises `InsufficientPermissions` where it is certain that it is not.
    """
    address, domain = form.sender_address.lower(), form.sender_address.lower().rpartition("@")[2]
    senders = await _list(form, http, f"/v3/verified_senders?limit={PAGE}", "results")
    for each in senders or ():
        if str(each.get("from_email")).lower() == address and each.get("verified") is True:
            return ""
    domains = await _list(form, http, f"/v3/whitelabel/domains?limit={PAGE}&domain={quote(domain)}", None)
    for each in domains or ():
        known = str(each.get("domain")).lower()
        if each.get("valid") is True and known and (domain == known or domain.endswith(f".{known}")):
            return ""
    if senders is None or domains is None or PAGE in {len(senders), len(domains)}:
        return (
            f"This key may not read whether {form.sender_address} is verified in SendGrid. "
            "Send a test message to find out."
        )
    raise InsufficientPermissions(_unverified(form.sender_address), field="sender_address")


async def _list(form: SendgridKey, http: Http, path: str, key: str | None) -> list[dict[str, Any]] | None:
    """The entries of a list, None where the key may not read it."""
    answer = await _ask(form, http, "GET", path)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    try:
        body = _read(answer, http)
    except (InsufficientPermissions, InvalidCredentials):
        return None  # the key was accepted a moment ago: this is about this list alone
    entries = body.get(key) if key and isinstance(body, dict) else body
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise _nonsense()
    return entries


def _unverified(what: str) -> str:
    return f"SendGrid has not verified {what}. Verify it under Settings, Sender Authentication, or use another."


def _nonsense() -> PlatformError:
    return PlatformError("SendGrid gave an answer that makes no sense. Try again later.")
