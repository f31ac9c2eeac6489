"""A receiver of webhooks: it takes what is signed with its secret, by either of two signatures, and keeps it.

`webhook-signature` is verified by the library `standardwebhooks`, `X-MMS-Signature` by hand, as MongoDB Atlas' page
says: Base64 of the raw body's HMAC-SHA1. Both must be right where they are sent, and one must be.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

PATH, UNSIGNED_PATH = "/hooks/atlas", "/hooks/unsigned"
REASONS = {401: "bad signature", 403: "forbidden", 404: "not found", 410: "gone", 429: "slow down", 500: "fault"}
EVENTS = {f"alert.{word}" for word in ("open", "close", "update", "acknowledge", "cancel", "inform")}

SECRET = "whsec_" + base64.b64encode(b"atlas-hub-stand-in-FAKE-key-01").decode()


class WebhookStandin(Standin):
    """A receiver at `url`. `secret` is what it verifies with; `messages` that it took; `answers` replaces its 200."""

    upstream: ClassVar[str] = "WEBHOOK_RECEIVER"

    @property
    def url(self) -> str:
        """The address that wants a signature."""
        return f"{self.base or 'https://receiver.example'}{PATH}?token=receiver-FAKE-token-01"

    def seed(self) -> None:
        """Put the default secret in."""
        self.secret = SECRET
        self.answers = 200
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """A receiver's body for a status."""
        return {"error": REASONS[status]}

    def routes(self) -> Sequence[Route]:
        """The address that wants a signature, and one that does not."""
        return [
            Route(PATH, self._signed, methods=["POST"]),
            Route(UNSIGNED_PATH, self._unsigned, methods=["POST"]),
        ]

    async def _signed(self, request: Request) -> Response:
        body = await request.body()
        if not self.verifies(request.headers, body):
            return JSONResponse(dict(self.refusal(401, None)), status_code=401)
        return self._take(request, body)

    async def _unsigned(self, request: Request) -> Response:
        return self._take(request, await request.body())

    def _take(self, request: Request, body: bytes) -> Response:
        try:
            said = json.loads(body)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return JSONResponse({"error": "not a JSON object"}, status_code=400)
        if self.answers >= 300:
            return JSONResponse(dict(self.refusal(self.answers, None)), status_code=self.answers)
        self.messages.append({"event": request.headers.get("x-mms-event"), **said})
        return Response(status_code=self.answers)

    def verifies(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether every signature that was sent is right, and at least one was."""
        old, new = headers.get("x-mms-signature"), headers.get("webhook-signature")
        fine = []
        if old is not None:
            made = hmac.new(self.secret.encode(), body, hashlib.sha1).digest()
            fine.append(hmac.compare_digest(old, base64.b64encode(made).decode()))
        if new is not None:
            try:
                verifier(self.secret).verify(body, dict(headers))
                fine.append(True)
            except (WebhookVerificationError, ValueError):
                fine.append(False)
        return bool(fine) and all(fine)


def verifier(secret: str) -> Webhook:
    """The library's verifier. It takes any text for base64, so what is not `whsec_` is handed to it as bytes."""
    return Webhook(secret if secret.startswith("whsec_") else secret.encode())
