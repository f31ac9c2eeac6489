"""Mail through Resend's API (https://resend.com/docs/api-reference)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._mail import SECONDS, Mail, MailMethod, message_id, recipient, subject, within
from atlas_hub.providers.contract import CheckResult, Message, Receipt

RESEND = Upstream("RESEND", "Resend", "https://api.resend.com")
PAGE = 100
"""How many domains are asked for, the most that there are in one answer."""
TEST_DOMAIN = "resend.dev"
DAY_USED_UP = 3600
"""Seconds to wait when the day's mails are used up."""

_UNKNOWN_KEY = "Resend does not know this API key: it is wrong or deleted. Make a new one under API Keys."
_REFUSED: dict[str, tuple[type[InvalidCredentials | InsufficientPermissions], str, str | None]] = {
    "missing_api_key": (InvalidCredentials, _UNKNOWN_KEY, "api_key"),
    "invalid_api_key": (InvalidCredentials, _UNKNOWN_KEY, "api_key"),
    "invalid_api_Key": (InvalidCredentials, _UNKNOWN_KEY, "api_key"),
    "suspended_api_key": (
        InsufficientPermissions,
        "Resend has suspended this API key. Ask Resend for the reason, or use another key.",
        "api_key",
    ),
    "invalid_from_address": (
        InsufficientPermissions,
        "Resend does not take this sender address. Use one in a domain that is verified there.",
        "sender_address",
    ),
    "monthly_quota_exceeded": (
        InsufficientPermissions,
        "The Resend account has used up this month's mails. Wait, or change its plan.",
        None,
    ),
}


class ResendKey(Mail):
    """An API key of Resend."""

    api_key: Secret = Field(
        title="API Key",
        description="In Resend, under API Keys. Sending Access suffices.",
        examples=["re_…"],
    )

    _cleaned = field_validator("api_key", mode="before")(pasted)

    @field_validator("api_key")
    @classmethod
    def _can_be_sent(cls, value: Secret) -> Secret:
        if re.fullmatch(r"re_[\x21-\x7e]{1,509}", value.reveal()) is None:
            raise ValueError("This is not an API key of Resend. Copy it again, whole and alone; it begins with re_.")
        return value


class Resend(MailMethod[ResendKey]):
    """Resend (https://resend.com/docs/api-reference/emails/send-email)."""

    key, label, form = "resend", "Resend", ResendKey
    recommended_because = "No mail server to run; Resend keeps a log of every mail."

    async def check(self, form: ResendKey, http: Http, report: Report) -> CheckResult:
        """Ask whether the key is known and the sender's domain verified. Raises a `ProviderError`."""
        return await within(SECONDS, "Resend", self._check(form, http, Ladder(report)))

    async def _check(self, form: ResendKey, http: Http, ladder: Ladder) -> CheckResult:
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like an API key."
        answer = await ladder.reach("Resend", _ask(form, http, "GET", f"/domains?limit={PAGE}"))
        with ladder.step("accepted", "Sign in"):
            domains, whole = _domains(answer, http)
        with ladder.step("sender", "Look for the sender's domain") as rung:
            warning = _look_for_sender(form, domains, whole=whole)
            rung.detail = warning or f"{form.sender_address} may send."
        warnings = (warning,) if warning else ()
        return CheckResult(account=None, label=self.called(form), warnings=warnings)

    async def send(self, form: ResendKey, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`; after a `NetworkError` it may have arrived."""
        to = recipient(to)
        said = {"from": form.sender_address, "to": [to], "subject": subject(message), "text": message.text}
        answer = await _ask(form, http, "POST", "/emails", said)
        rejected = _rejection(answer, form)
        if rejected is not None:
            raise rejected
        number = message_id(_object(answer, http).get("id"))
        if not number:
            raise _nonsense()
        return Receipt(id=number, text=f"Resend accepted it for {to} as {number}.")


async def _ask(form: ResendKey, http: Http, method: str, path: str, said: Mapping[str, Any] | None = None) -> Answer:
    headers = {"Authorization": f"Bearer {form.api_key.reveal()}"}
    return await http.ask(RESEND, method, path, headers=headers, json=said, timeout=SECONDS)


def _domains(answer: Answer, http: Http) -> tuple[Mapping[str, str], bool]:
    """Domain → status, and whether these are all: a key with Sending Access may read none, which is no refusal."""
    if _explained(answer)[0] == "restricted_api_key":
        return {}, False
    body = _object(answer, http)
    data = body.get("data")
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise _nonsense()
    return {str(each.get("name")).lower(): str(each.get("status")) for each in data}, body.get("has_more") is not True


def _look_for_sender(form: ResendKey, domains: Mapping[str, str], *, whole: bool) -> str:
    """A warning where it is not certain that the sender may send, "" where it is.

    Each subdomain is verified by itself (https://resend.com/docs/add-a-domain).
    Raises `InsufficientPermissions` where it is certain that it may not.
    """
    domain = form.sender_address.lower().rpartition("@")[2]
    if domain == TEST_DOMAIN:
        return f"Resend delivers mail from {TEST_DOMAIN} to the account's own address alone. Verify a domain."
    status = domains.get(domain, "")
    if status == "verified":
        return ""
    if status.startswith("partially") or status == "temporary_failure":
        return f"Resend has not verified all of {domain}. Send a test message to find out whether it may send."
    if not whole and not status:
        return f"This key may not read whether {domain} is verified in Resend. Send a test message to find out."
    raise InsufficientPermissions(_unverified(domain), field="sender_address")


def _object(answer: Answer, http: Http) -> dict[str, Any]:
    """The JSON object of a yes. Raises a `ProviderError` for everything else."""
    code, _ = _explained(answer)
    if code in _REFUSED:
        kind, text, field = _REFUSED[code]
        raise kind(text, field=field, vendor_code=code)
    if code == "daily_quota_exceeded":
        raise RateLimited("Resend has sent all that this account may in a day. Try later.", retry_after=DAY_USED_UP)
    http.judge(RESEND, answer, field="api_key")
    body = answer.json()
    if not isinstance(body, dict):
        raise _nonsense()
    return body


def _explained(answer: Answer) -> tuple[str, str]:
    """The error's name, and its message in lower case, which is never shown; "" for a yes.

    https://resend.com/docs/api-reference/errors
    """
    if answer.status < 400:  # noqa: PLR2004  # no error
        return "", ""
    try:
        body = answer.json()
    except PlatformError:
        return "", ""
    body = body if isinstance(body, dict) else {}
    return str(body.get("name") or ""), str(body.get("message") or "").lower()


def _rejection(answer: Answer, form: ResendKey) -> ProviderError | None:
    """Why this mail was not taken."""
    code, message = _explained(answer)
    if code == "restricted_api_key":
        text = "This key may not send from this domain with Resend. Make one that may, under API Keys."
        return InsufficientPermissions(text, field="api_key", vendor_code=code)
    if code != "validation_error":
        return None
    if "not verified" in message:
        domain = form.sender_address.rpartition("@")[2]
        return InsufficientPermissions(_unverified(domain), field="sender_address", vendor_code=code)
    if "testing emails" in message:
        text = "Resend mails the account's own address alone until a domain is verified. Verify one under Domains."
        return InsufficientPermissions(text, field="to", vendor_code=code)
    text = "Resend does not take this mail. Check the recipient and the sender address."
    return InsufficientPermissions(text, field="to", vendor_code=code)


def _unverified(domain: str) -> str:
    return f"Resend has not verified {domain}. Verify it under Domains, or use a sender in another domain."


def _nonsense() -> PlatformError:
    return PlatformError("Resend gave an answer that makes no sense. Try again later.")
