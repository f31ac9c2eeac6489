"""A stand-in for SendGrid's v3 API: keys with scopes, accounts with verified senders and domains, mails.

Wire: https://www.twilio.com/docs/sendgrid/api-reference. Every key may read its own scopes; the other reads
need a scope of their own, so a key restricted to Mail Send is 403 there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

EXPIRED = "The provided authorization grant is invalid, expired, or revoked"
REFUSALS = {401: EXPIRED, 403: "access forbidden", 429: "too many requests", 500: "internal server error"}
UNVERIFIED_SENDER = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is"
    " resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ "
    "to see the Sender Identity requirements"
)
ALWAYS = frozenset({"2fa_required", "sender_verification_eligible"})
"""What SendGrid puts into the scopes of every key."""
FULL = ALWAYS | {"mail.send", "mail.batch.create", "senders.read", "whitelabel.read", "user.account.read"}


def fake(letter: str) -> str:
    """A key of SendGrid's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return ".".join(["SG", (letter + "FAKE") * 4 + "xx", (letter + "FAKE") * 8 + "xxx"])


FULL_ACCESS, SEND_ONLY, NO_SEND, UNVERIFIED = fake("f"), fake("s"), fake("n"), fake("u")


@dataclass(frozen=True)
class SendgridAccount:
    """Who may be the sender. `senders`: address → verified; `domains`: authenticated domain → valid."""

    senders: Mapping[str, bool] = field(default_factory=dict)
    domains: Mapping[str, bool] = field(default_factory=dict)

    def may_send_as(self, address: str) -> bool:
        """Whether the address is a verified sender or in a valid domain."""
        return self.senders.get(address.lower(), False) or self.domains.get(address.lower().rpartition("@")[2], False)


@dataclass(frozen=True)
class SendgridKey:
    """What a key may do, and for which account."""

    scopes: frozenset[str]
    account: SendgridAccount


class SendgridError(Exception):
    """A refusal: status, message, and the field it is about."""

    def __init__(self, status: int, message: str, about: str | None = None, help_: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"errors": [{"message": message, "field": about, "help": help_}]}


class SendgridStandin(Standin):
    """SendGrid. `keys`: key → `SendgridKey`; `messages` that it took: the JSON as sent, and `id`."""

    upstream: ClassVar[str] = "SENDGRID"
    tries: ClassVar[Mapping[str, str]] = {
        "Full access, for alerts@acme.example": FULL_ACCESS,
        "Mail Send alone: cannot tell whether the sender is verified": SEND_ONLY,
        "Mail Send missing": NO_SEND,
        "An account with no verified sender": UNVERIFIED,
    }

    def seed(self) -> None:
        """Put the default keys in; alerts@acme.example and everything @mail.acme.example may send."""
        acme = SendgridAccount(
            {"alerts@acme.example": True, "new@acme.example": False},
            {"mail.acme.example": True, "old.example": False},
        )
        self.keys: dict[str, SendgridKey] = {
            FULL_ACCESS: SendgridKey(FULL, acme),
            SEND_ONLY: SendgridKey(ALWAYS | {"mail.send"}, acme),
            NO_SEND: SendgridKey(FULL - {"mail.send"}, acme),
            UNVERIFIED: SendgridKey(FULL, SendgridAccount()),
        }
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """SendGrid's body for a status; the wait is in the headers alone."""
        return SendgridError(status, REFUSALS[status]).body

    def routes(self) -> Sequence[Route]:
        """The v3 paths that a credential store needs."""
        return [
            Route("/v3/scopes", self._asked(self._scopes, None), methods=["GET"]),
            Route("/v3/verified_senders", self._asked(self._senders, "senders.read"), methods=["GET"]),
            Route("/v3/whitelabel/domains", self._asked(self._domains, "whitelabel.read"), methods=["GET"]),
            Route("/v3/user/account", self._asked(self._account, "user.account.read"), methods=["GET"]),
            Route("/v3/mail/send", self._asked(self._send, "mail.send"), methods=["POST"]),
        ]

    def _asked(
        self, act: Callable[[SendgridKey, Any], Response], scope: str | None
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                key = self._key(request.headers.get("authorization", ""), scope)
                return act(key, await _json(request) if request.method == "POST" else None)
            except SendgridError as error:
                return JSONResponse(error.body, status_code=error.status)

        return endpoint

    def _key(self, authorization: str, scope: str | None) -> SendgridKey:
        scheme, _, text = authorization.partition(" ")
        key = self.keys.get(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise SendgridError(401, EXPIRED if scheme else "authorization required")
        if scope is not None and scope not in key.scopes:
            raise SendgridError(403, REFUSALS[403])
        return key

    def _scopes(self, key: SendgridKey, _given: Any) -> Response:
        return JSONResponse({"scopes": sorted(key.scopes)})

    def _senders(self, key: SendgridKey, _given: Any) -> Response:
        empty = dict.fromkeys(("reply_to_name", "address", "address2", "state", "city", "zip", "country"), "")
        senders = [
            {
                "id": number,
                "nickname": address,
                "from_email": address,
                "from_name": "Acme",
                "reply_to": address,
            }
            | empty
            | {"verified": verified, "locked": False}
            for number, (address, verified) in enumerate(key.account.senders.items(), start=1)
        ]
        return JSONResponse({"results": senders})

    def _domains(self, key: SendgridKey, _given: Any) -> Response:
        fixed = {
            "user_id": 7,
            "subdomain": "em",
            "username": "acme",
            "ips": [],
            "custom_spf": False,
            "legacy": False,
        }
        domains = [
            {
                "id": number,
                "domain": domain,
                "default": number == 1,
                "automatic_security": True,
                "valid": valid,
            }
            | fixed
            | {"dns": {}}
            for number, (domain, valid) in enumerate(key.account.domains.items(), start=1)
        ]
        return JSONResponse(domains)

    def _account(self, _key: SendgridKey, _given: Any) -> Response:
        return JSONResponse({"type": "paid", "reputation": 99.7})

    def _send(self, key: SendgridKey, given: Any) -> Response:
        _complain(given)
        if not key.account.may_send_as(str(given["from"]["email"])):
            raise SendgridError(403, UNVERIFIED_SENDER, "from")
        settings = given.get("mail_settings") or {}
        if (settings.get("sandbox_mode") or {}).get("enable"):
            return Response(status_code=200)
        message_id = f"FakeMessageId{len(self.messages) + 1:09d}"
        self.messages.append({**given, "id": message_id})
        return Response(status_code=202, headers={"x-message-id": message_id})


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise SendgridError(400, "Bad Request") from None


def _complain(given: Any) -> None:
    """Raise what SendGrid says to a mail that lacks something."""
    where = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message"
    if not isinstance(given, dict):
        raise SendgridError(400, "Bad Request")
    people = given.get("personalizations")
    if not people:
        what = "The personalizations field is required and must have at least one personalization."
        raise SendgridError(400, what, "personalizations", f"{where}.personalizations")
    if not all(isinstance(person, dict) and person.get("to") for person in people):
        what = "The to array is required for all personalization objects."
        raise SendgridError(400, what, "personalizations.0.to", f"{where}.personalizations.to")
    if not isinstance(given.get("from"), dict) or "@" not in str(given["from"].get("email", "")):
        what = "The from object must be provided for every email send and requires the email parameter."
        raise SendgridError(400, what, "from.email", f"{where}.from")
    if not given.get("subject"):
        raise SendgridError(400, "The subject is required.", "subject", f"{where}.subject")
    if not given.get("content"):
        what = "Unless a valid template_id is provided, the content parameter is required."
        raise SendgridError(400, what, "content", f"{where}.content")
