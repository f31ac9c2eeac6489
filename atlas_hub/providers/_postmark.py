"""Mail through Postmark's API by a server token (https://postmarkapp.com/developer/api/overview)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted, shown
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

POSTMARK = Upstream("POSTMARK", "Postmark", "https://api.postmarkapp.com")
FIELD = "server_token"
STREAM = "outbound"
"""The transactional stream that every server has."""
TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105  # Postmark publishes it: mail sent with it goes nowhere

NOWHERE = "This is Postmark's test token: it takes mail and delivers none. Use the token of a server of yours."
SANDBOX = "This Postmark server is a sandbox: it takes mail and delivers none. Use the token of a live server."

_LOOKALIKES = {"SG.": "This is an API key of SendGrid. Choose SendGrid, or paste the server token of Postmark."}
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
_USUAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SENDER = {
    400: "Postmark knows no such sender. Add it under Sender Signatures, or use another address.",
    401: "Postmark has not confirmed this sender. Follow the link in Postmark's mail to it, or use another address.",
}
_TO = {
    406: "Postmark sends nothing to this recipient: earlier mail bounced or was called spam. Reactivate the address "
    "under Suppressions, or choose another.",
    412: "Postmark has not approved the account yet: until then mail goes to the sender's own domain alone. "
    "Choose such a recipient, or ask Postmark for approval.",
}
_ACCOUNT = {
    405: "Postmark does not let this account send: it has used up its mails. Wait, or change its plan.",
    413: "Postmark has not approved this account for sending. Ask Postmark's support for approval.",
    1235: f"Postmark has no message stream named {STREAM} on this server. Restore it, or take another server.",
    1236: f"Postmark does not send from the message stream named {STREAM} of this server. Take another server.",
    1480: "Postmark takes mail of this account from certain addresses alone. Add the hub's address in Postmark.",
}
"""What `ErrorCode` means where it is not the token's fault (…/api/overview#error-codes)."""
_INVALID, _OFFLINE, _NO_TOKEN = 300, 100, 10
LAST_CODE = 10_000


class PostmarkToken(Mail):
    """A server token of Postmark."""

    server_token: Secret = Field(
        title="Server Token",
        description="In Postmark, on the API Tokens tab of your server; the account's token cannot send.",
        examples=["00000000-0000-0000-0000-000000000000"],
        json_schema_extra={"lookalikes": {**_LOOKALIKES}},
    )

    _cleaned = field_validator("server_token", mode="before")(pasted)

    @field_validator("server_token")
    @classmethod
    def _can_be_sent(cls, value: Secret) -> Secret:
        for beginning, sentence in _LOOKALIKES.items():
            if value.reveal().startswith(beginning):
                raise ValueError(sentence)
        if _TOKEN.fullmatch(value.reveal()) is None:
            raise ValueError("This is not a server token. Copy it again, whole and alone, from the API Tokens tab.")
        return value

    @property
    def is_test(self) -> bool:
        """Whether it is the token that Postmark gives everyone for tests."""
        return self.server_token.reveal() == TEST_TOKEN


class _Server(BaseModel):
    """What GET /server answers (https://postmarkapp.com/developer/api/server-api#get-server)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    number: int = Field(alias="ID", gt=0)
    name: str = Field(alias="Name")
    delivery: str = Field(default="Live", alias="DeliveryType")


class Postmark(MailMethod[PostmarkToken]):
    """Postmark's API (https://postmarkapp.com/developer/api/email-api)."""

    key, label, form = "postmark", "Postmark", PostmarkToken
    recommended_because = "Made for single mails that must arrive soon; Postmark keeps a log of every mail."

    async def check(self, form: PostmarkToken, http: Http, report: Report) -> CheckResult:
        """Ask which server the token is for. Raises a `ProviderError`."""
        return await within(SECONDS, "Postmark", self._check(form, http, Ladder(report)))

    async def _check(self, form: PostmarkToken, http: Http, ladder: Ladder) -> CheckResult:
        with ladder.step("format", "Check the format") as rung:
            usual = _USUAL.fullmatch(form.server_token.reveal()) is not None
            rung.detail = "Looks like a token." if usual else "Most tokens are 32 digits in five groups; this is not."
            if form.is_test:
                rung.detail = NOWHERE
        answer = await ladder.reach("Postmark", _ask(form, http, "GET", "/server"))
        with ladder.step("accepted", "Sign in") as rung:
            server = _server(form, answer, http)
            rung.detail = f"to the server {shown(server.name) or server.number}" if server else NOWHERE
        with ladder.step("sender", "Look for the sender address") as rung:
            # Signatures and domains are read by the account token alone (…/api/signatures-api, …/api/domains-api).
            rung.detail = f"Postmark does not tell a server token whether it may send as {form.sender_address}."
        limits = (NOWHERE,) if form.is_test else ()
        if server is not None and server.delivery == "Sandbox":
            limits = (SANDBOX,)
        warning = f"{rung.detail} Send a test message to find out."
        label = self.called(form)[:SHOWN_LENGTH]
        return CheckResult(account=None, label=label, warnings=(warning,), limits=limits, delivers=not limits)

    async def send(self, form: PostmarkToken, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`."""
        to = recipient(to)
        said = {
            "From": form.sender_address,
            "To": to,
            "Subject": subject(message),
            "TextBody": message.text,
            "MessageStream": STREAM,
        }
        body = _read(await _ask(form, http, "POST", "/email", said), http)
        number = message_id(body.get("MessageID"))
        if not number and body.get("ErrorCode") != 0:
            raise _nonsense()
        if not number:  # ErrorCode 0 is the yes: called a failure, the mail would be sent twice
            return Receipt(id="", text=f"Postmark accepted it for {to}, without a message ID.")
        if form.is_test:
            return Receipt(id=number, text=f"Postmark took it as {number} and, with its test token, sends nothing.")
        return Receipt(id=number, text=f"Postmark accepted it for {to} as {number}.")


async def _ask(
    form: PostmarkToken, http: Http, method: str, path: str, said: Mapping[str, Any] | None = None
) -> Answer:
    headers = {"Accept": "application/json", "X-Postmark-Server-Token": form.server_token.reveal()}
    return await http.ask(POSTMARK, method, path, headers=headers, json=said, timeout=SECONDS)


def _server(form: PostmarkToken, answer: Answer, http: Http) -> _Server | None:
    """The server; None for the test token, of which Postmark says only that it can send."""
    try:
        body = _read(answer, http)
    except InvalidCredentials:
        if form.is_test:
            return None
        raise
    try:
        return _Server.model_validate(body)
    except ValidationError:
        raise _nonsense() from None


def _read(answer: Answer, http: Http) -> Mapping[str, Any]:
    """The body of an answer without an error in it."""
    try:
        body = answer.json()
    except PlatformError:
        body = None
    code = body.get("ErrorCode") if isinstance(body, dict) else None
    if isinstance(code, int) and not isinstance(code, bool) and code != 0:
        raise _refusal(code, body, answer)
    if answer.status == 401:  # noqa: PLR2004  # whatever it says
        raise _no_token()
    if answer.status == 403 and answer.is_json:  # noqa: PLR2004  # not its API's own (support: "Getting a 403 …")
        text = "Postmark's network did not let the request through to it. Ask Postmark's support why."
        raise InsufficientPermissions(text)
    http.judge(POSTMARK, answer)
    if not isinstance(body, dict) or code not in (None, 0):
        raise _nonsense()
    return body


def _refusal(code: int, body: Mapping[str, Any], answer: Answer) -> ProviderError:  # noqa: PLR0911  # one for each meaning
    """What `ErrorCode` means; the message itself is never shown."""
    if answer.status == 401 or code == _NO_TOKEN:  # noqa: PLR2004  # ErrorCode 401 comes with status 422
        return _no_token()
    if answer.status == 429 or code == 429:  # noqa: PLR2004  # too many requests
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Postmark is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if code in _SENDER:
        return InsufficientPermissions(_SENDER[code], field="sender_address")
    if code in _TO:
        return InsufficientPermissions(_TO[code], field="to")
    if code in _ACCOUNT:
        return InsufficientPermissions(_ACCOUNT[code])
    said = str(body.get("Message"))
    if code == _INVALID and "'From'" in said:
        return InsufficientPermissions("Postmark cannot read this sender. Check the address.", field="sender_address")
    if code == _INVALID and "'To'" in said:
        return InsufficientPermissions("Postmark cannot read this recipient. Check the address.", field="to")
    if code == _OFFLINE:
        return PlatformError("Postmark is closed for maintenance. Try again later.")
    return PlatformError(f"Postmark could not do this{f' ({code})' if 0 < code < LAST_CODE else ''}. Try again later.")


def _no_token() -> InvalidCredentials:
    return InvalidCredentials(
        "Postmark rejected the server token: it knows no such token, or it is the account's. Copy the one on the API "
        "Tokens tab of your server.",
        field=FIELD,
    )


def _nonsense() -> PlatformError:
    return PlatformError("Postmark gave an answer that makes no sense. Try again later.")
