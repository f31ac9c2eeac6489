"""A stand-in for Postmark's API: servers by token, their senders, mails.

Wire: https://postmarkapp.com/developer/api/overview. A refusal is `ErrorCode` and `Message`, with HTTP 401 for the
token and 422 for all else; a 403 is a network's, without `ErrorCode`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

TEST = "POSTMARK_API_TEST"
NO_TOKEN = "Request does not contain a valid Server token."  # a message, not a token
REFUSALS = {
    401: {"ErrorCode": 10, "Message": NO_TOKEN},
    403: {"message": "Forbidden"},
    429: {"ErrorCode": 429, "Message": "Rate limit exceeded"},
    500: {"ErrorCode": 101, "Message": "An unexpected error occurred. Error ID: 1"},
}


def fake(digit: str) -> str:
    """A token of Postmark's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "-".join([digit * 8, "face", "4bad", "8bad", digit * 12])


LIVE, SANDBOX, PENDING, CLOSED, SPENT, ACCOUNT = (fake(digit) for digit in "1bcde0")


@dataclass(frozen=True)
class PostmarkServer:
    """A server. `senders`: address → confirmed; `inactive`: recipients that bounced; `refuses`: code of every send."""

    id: int
    name: str
    delivery: str = "Live"
    senders: Mapping[str, bool] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()
    pending: bool = False
    refuses: tuple[int, str] | None = None

    def wire(self, token: str) -> dict[str, Any]:
        """The server as Postmark writes it, in short."""
        return {
            "ID": self.id,
            "Name": self.name,
            "ApiTokens": [token],
            "Color": "blue",
            "SmtpApiActivated": True,
            "RawEmailEnabled": False,
            "DeliveryType": self.delivery,
            "ServerLink": f"https://postmarkapp.com/servers/{self.id}/streams",
            "TrackOpens": False,
            "TrackLinks": "None",
        }


class PostmarkError(Exception):
    """A refusal: code, message and HTTP status."""

    def __init__(self, code: int, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"ErrorCode": code, "Message": message}


class PostmarkStandin(Standin):
    """Postmark. `servers`: token → `PostmarkServer`; `messages` that it took: the JSON as sent, and `MessageID`.

    ACCOUNT is the account's token, which no server has. `test_reads`: whether the test token may read a server.
    """

    upstream: ClassVar[str] = "POSTMARK"
    tries: ClassVar[Mapping[str, str]] = {
        "alerts@acme.example": LIVE,
        "Sandbox server": SANDBOX,
        "Account that is not approved": PENDING,
        "Account's token, which cannot send": ACCOUNT,
        "Test token": TEST,
    }

    def seed(self) -> None:
        """Put the default servers in; alerts@acme.example and everything @mail.acme.example may send."""
        senders = {"alerts@acme.example": True, "new@acme.example": False}
        domains, inactive = frozenset({"mail.acme.example"}), frozenset({"gone@acme.example"})
        spent = (405, "You are not allowed to send, because you ran out of credits.")
        closed = (413, "This account is not approved to send email.")
        self.servers: dict[str, PostmarkServer] = {
            LIVE: PostmarkServer(1, "Acme", "Live", senders, domains, inactive),
            SANDBOX: PostmarkServer(2, "Acme sandbox", "Sandbox", senders, domains, inactive),
            PENDING: PostmarkServer(3, "Acme new", "Live", senders, domains, inactive, pending=True),
            CLOSED: PostmarkServer(4, "Acme closed", "Live", senders, refuses=closed),
            SPENT: PostmarkServer(5, "Acme spent", "Live", senders, refuses=spent),
        }
        self.test_reads = False
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Postmark's body for a status; the wait is in the headers alone."""
        return REFUSALS[status]

    def routes(self) -> Sequence[Route]:
        """The paths that a credential store needs."""
        return [
            Route("/server", self._asked(self._server), methods=["GET"]),
            Route("/email", self._asked(self._email), methods=["POST"]),
        ]

    def _asked(self, act: Callable[[str, Any], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                token = self._token(request.headers.get("x-postmark-server-token", ""))
                return act(token, await _json(request) if request.method == "POST" else None)
            except PostmarkError as error:
                return JSONResponse(error.body, status_code=error.status)

        return endpoint

    def _token(self, text: str) -> str:
        """The token in lower case, in which Postmark compares it."""
        if text.lower() != TEST.lower() and text.lower() not in self.servers:
            raise PostmarkError(10, NO_TOKEN, 401)
        return text.lower()

    def _server(self, token: str, _given: Any) -> Response:
        if token == TEST.lower():
            if not self.test_reads:
                raise PostmarkError(10, NO_TOKEN, 401)
            return JSONResponse(PostmarkServer(9, "Test").wire(TEST))
        return JSONResponse(self.servers[token].wire(token))

    def _email(self, token: str, given: Any) -> Response:
        _complain(given)
        number = f"{len(self.messages):08x}-face-4bad-8bad-{'f' * 12}"
        answer = {"To": given["To"], "SubmittedAt": "2026-01-31T10:00:00.0000000-05:00", "MessageID": number}
        if token == TEST.lower():
            return JSONResponse({**answer, "ErrorCode": 0, "Message": "Test job accepted"})
        _refuse(self.servers[token], given)
        self.messages.append({**given, "MessageID": number})
        return JSONResponse({**answer, "ErrorCode": 0, "Message": "OK"})


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise PostmarkError(402, "Received invalid JSON input.") from None


def _complain(given: Any) -> None:
    """Raise what Postmark says to a mail that lacks something."""
    if not isinstance(given, dict):
        raise PostmarkError(403, "Received JSON input is not compatible.")
    for name in ("From", "To"):
        if "@" not in str(given.get(name, "")):
            raise PostmarkError(300, f"Invalid '{name}' address: '{given.get(name)}'.")
    if not (given.get("TextBody") or given.get("HtmlBody")):
        raise PostmarkError(300, "Provide either email TextBody or HtmlBody or both.")
    if given.get("MessageStream", "outbound") != "outbound":
        raise PostmarkError(1235, "The 'MessageStream' provided does not exist on this server.")


def _refuse(server: PostmarkServer, given: Mapping[str, Any]) -> None:
    """Raise what Postmark says to a mail that this server may not send."""
    sender, to = str(given["From"]).lower(), str(given["To"]).lower()
    if server.refuses is not None:
        raise PostmarkError(*server.refuses)
    if sender.rpartition("@")[2] not in server.domains:
        if sender not in server.senders:
            what = f"The 'From' address you supplied ({sender}) is not a Sender Signature on your account."
            raise PostmarkError(400, what)
        if not server.senders[sender]:
            raise PostmarkError(401, f"The Sender Signature for '{sender}' is not confirmed.")
    if server.pending and to.rpartition("@")[2] != sender.rpartition("@")[2]:
        what = "While your account is pending approval, all recipient addresses must share the same domain as the "
        raise PostmarkError(412, f"{what}'From' address.")
    if to in server.inactive:
        what = "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: "
        raise PostmarkError(406, f"{what}{to}.")
