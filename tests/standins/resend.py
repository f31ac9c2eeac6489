"""A stand-in for Resend's API: keys with full or sending access, teams with domains, mails.

Wire: https://resend.com/docs/api-reference/errors and https://resend.com/docs/api-reference/domains/list-domains.
A key with sending access is 401 wherever it does not send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

REFUSALS = {
    401: ("missing_api_key", "Missing API key in the authorization header."),
    403: ("suspended_api_key", "This API key is suspended."),
    429: ("rate_limit_exceeded", "Too many requests. You can only make 2 requests per second."),
    500: ("application_error", "An unexpected error occurred."),
}
OWNER = "ana@acme.example"


def fake(letter: str) -> str:
    """A key of Resend's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "_".join(["re", (letter + "FAKE") * 2, (letter + "FAKE") * 5])


FULL_ACCESS, SEND_ONLY, UNVERIFIED, DELETED = fake("f"), fake("s"), fake("u"), fake("d")


@dataclass(frozen=True)
class ResendKey:
    """What a key may do. `domains` of its team: name → status."""

    full: bool = True
    domains: Mapping[str, str] = field(default_factory=dict)


class ResendError(Exception):
    """A refusal: status, name and message."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"statusCode": status, "name": name, "message": message}


class ResendStandin(Standin):
    """Resend. `keys`: key → `ResendKey`; `messages` that it took: the JSON as sent, and `id`."""

    upstream: ClassVar[str] = "RESEND"
    tries: ClassVar[Mapping[str, str]] = {
        "Full access, for alerts@acme.example": FULL_ACCESS,
        "Sending access: cannot tell whether the domain is verified": SEND_ONLY,
        "No verified domain": UNVERIFIED,
        "Deleted": DELETED,
    }

    def seed(self) -> None:
        """Put the default keys in; everything at acme.example may send."""
        domains = {
            "acme.example": "verified",
            "new.example": "pending",
            "half.example": "partially_verified",
            "shaky.example": "temporary_failure",
        }
        self.keys: dict[str, ResendKey] = {
            FULL_ACCESS: ResendKey(domains=domains),
            SEND_ONLY: ResendKey(full=False, domains=domains),
            UNVERIFIED: ResendKey(),
        }
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Resend's body for a status; the wait is in the headers alone."""
        return ResendError(status, *REFUSALS[status]).body

    def routes(self) -> Sequence[Route]:
        """The paths that a credential store needs."""
        return [
            Route("/domains", self._asked(self._domains, sends=False), methods=["GET"]),
            Route("/emails", self._asked(self._send, sends=True), methods=["POST"]),
        ]

    def _asked(
        self, act: Callable[[ResendKey, Any], Response], *, sends: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                key = self._key(request.headers.get("authorization", ""), sends=sends)
                return act(key, await _json(request) if sends else None)
            except ResendError as error:
                return JSONResponse(error.body, status_code=error.status)

        return endpoint

    def _key(self, authorization: str, *, sends: bool) -> ResendKey:
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise ResendError(401, *REFUSALS[401])
        key = self.keys.get(text.strip())
        if key is None:
            raise ResendError(403, "invalid_api_key", "API key is invalid.")
        if not (key.full or sends):
            raise ResendError(401, "restricted_api_key", "This API key is restricted to only send emails.")
        return key

    def _domains(self, key: ResendKey, _given: Any) -> Response:
        domains = [
            {
                "id": f"d91cd9bd-1176-453e-8fc1-{number:012d}",
                "name": name,
                "status": status,
                "created_at": "2026-04-26T20:21:26.347412+00:00",
                "region": "us-east-1",
            }
            for number, (name, status) in enumerate(key.domains.items(), start=1)
        ]
        return JSONResponse({"object": "list", "has_more": False, "data": domains})

    def _send(self, key: ResendKey, given: Any) -> Response:
        _complain(given)
        domain = given["from"].rpartition("@")[2].lower()
        if domain == "resend.dev":
            if given["to"] != [OWNER]:
                text = f"You can only send testing emails to your own email address ({OWNER})."
                raise ResendError(403, "validation_error", text)
        elif key.domains.get(domain) != "verified":
            text = f"The {domain} domain is not verified. Please, add and verify your domain."
            raise ResendError(403, "validation_error", text)
        message_id = f"49a3999c-0ce1-4ea6-ab68-{len(self.messages) + 1:012d}"
        self.messages.append({**given, "id": message_id})
        return JSONResponse({"id": message_id})


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise ResendError(400, "validation_error", "The request body is no JSON.") from None


def _complain(given: Any) -> None:
    """Raise what Resend says to a mail that lacks something."""
    given = given if isinstance(given, dict) else {}
    for name in ("from", "to", "subject"):
        if not given.get(name):
            raise ResendError(422, "missing_required_field", f"Missing `{name}` field.")
    if not given.get("text") and not given.get("html"):
        raise ResendError(422, "validation_error", "Missing `html` or `text` field.")
    if any("\n" in text or "\r" in text for text in (given["from"], given["subject"], *given["to"])):
        raise ResendError(422, "validation_error", "The `\\n` is not allowed.")
