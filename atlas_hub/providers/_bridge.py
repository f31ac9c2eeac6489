"""Mail through a bridge of the operator's own: an address that takes each mail as JSON."""

from __future__ import annotations

import base64
import re
from html import escape
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import PlatformError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._mail import SECONDS, Mail, MailMethod, recipient, subject
from atlas_hub.providers.contract import CheckResult, Message, Receipt

NAME, VENDOR = "MAIL_BRIDGE", "The mail bridge"
ADDRESS_LENGTH = 2048
UNTRIED = "A mail bridge can be tried only by sending. Send a test message."


class BridgeUrl(Mail):
    """Where the bridge is. Its address is secret as a whole: name, password or a token may be part of it."""

    bridge_url: Secret = Field(
        title="Bridge URL",
        description="Takes each mail as JSON by POST: from, to, subject, html.",
        examples=["https://mail.example.com/send"],
        json_schema_extra={"target": True},
    )

    _cleaned = field_validator("bridge_url", mode="before")(pasted)

    @field_validator("bridge_url")
    @classmethod
    def _is_an_address(cls, value: Secret) -> Secret:
        if _parts(value) is None:
            raise ValueError("This is not the address of a bridge. It looks like https://mail.example.com/send.")
        return value


def _parts(address: Secret) -> SplitResult | None:
    """The address taken apart; None unless it is one of http or https with a host, fit to be sent as it is."""
    text = address.reveal()
    if len(text) > ADDRESS_LENGTH or re.fullmatch(r"https?://[^\s\\#\x00-\x1f\x7f]+", text, re.IGNORECASE) is None:
        return None
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return None
    known = re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*", host) is not None
    return parts if known and "/.." not in f"{parts.path}?{parts.query}" else None


class Bridge(MailMethod[BridgeUrl]):
    """A bridge of the operator's own."""

    key, label, form = "bridge", "Mail bridge", BridgeUrl
    recommended_because = "For mail that only the operator's own service can send."

    async def check(self, form: BridgeUrl, http: Http, report: Report) -> CheckResult:
        """Say that the address is well formed: a bridge has no question without a mail."""
        del http
        with Ladder(report).step("format", "Check the address") as rung:
            rung.detail = UNTRIED
        return CheckResult(account=None, label=self.called(form), limits=(UNTRIED,))

    async def send(self, form: BridgeUrl, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`; after a `NetworkError` it may have arrived."""
        to = recipient(to)
        said = {
            "from": form.sender_address,
            "to": to,
            "subject": subject(message),
            "html": "<br>\n".join(escape(message.text).splitlines()),
        }
        number = _number(await _ask(form.bridge_url, said, http))
        if not number:
            return Receipt(id="", text=f"{VENDOR} accepted it for {to}, without a message ID.")
        return Receipt(id=number, text=f"{VENDOR} accepted it for {to} as {number}.")


async def _ask(address: Secret, said: dict[str, str], http: Http) -> Answer:
    """The answer of a yes. Raises a `ProviderError` that knows nothing of the address."""
    parts = _parts(address)
    if parts is None:
        raise PlatformError(f"{VENDOR} has an address that is none. Correct it in the hub's settings.")
    upstream = Upstream(NAME, VENDOR, f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {}
    if parts.username or parts.password:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    answer = await http.ask(upstream, "POST", path, headers=headers, json=said, timeout=SECONDS)
    # Without its body: a bridge may repeat what it was sent, and its word would be shown.
    http.judge(upstream, Answer(answer.status, answer.headers, b"{}", VENDOR), field="bridge_url")
    return answer


def _number(answer: Answer) -> str:
    """The bridge's own number for the mail, "" where it tells none."""
    try:
        said = answer.json()
    except PlatformError:
        return ""
    said = said if isinstance(said, dict) else {}
    told = said.get("id") or said.get("messageId")
    return told if isinstance(told, str) and re.fullmatch(r"[\w.@<>-]{1,128}", told, re.ASCII) else ""
