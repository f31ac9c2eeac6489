"""A stand-in for the addresses of Teams channels: connectors, which answer `1`, and workflows, which answer 202.

Wire: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using. A connector
that is asked too often says so in the text of a 200 (`inside`), not in the status.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

BODY_BYTES = 28 * 1024
GROUP, TENANT = "1b2c3d4e-0000-4000-8000-00000000000a", "1b2c3d4e-0000-4000-8000-00000000000b"
HOOK, OWNER = "FAKE" * 8, "1b2c3d4e-0000-4000-8000-00000000000c"
WORKFLOW, SIGNATURE = "FAKE0workflow0" + "0" * 18, "FAKE-sig_of-a-workflow-0000000000000000000"
CODES = {
    401: "DirectApiAuthorizationRequired",
    403: "AuthorizationFailed",
    404: "WorkflowNotFound",
    429: "WorkflowTriggerThrottled",
    500: "InternalServerError",
}
INSIDE = (
    "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} with "
    "ContextId tcid=0,server=STANDIN,cv=0."
)


class TeamsWebhookStandin(Standin):
    """Channels' addresses. `messages` that were posted; `removed`: both are gone; `inside`: a status within a 200."""

    upstream: ClassVar[str] = "TEAMS_WEBHOOK"

    @property
    def connector(self) -> str:
        """The address of a connector."""
        return f"{self.base or 'https://acme.webhook.office.com'}/webhookb2/{GROUP}@{TENANT}/IncomingWebhook/{HOOK}/{OWNER}"

    @property
    def workflow(self) -> str:
        """The address of a workflow."""
        path = f"/workflows/{WORKFLOW}/triggers/manual/paths/invoke"
        return f"{self.base or 'https://prod-01.westeurope.logic.azure.com'}{path}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"

    def seed(self) -> None:
        """Both addresses are there, and well."""
        self.removed = False
        self.inside: int | None = None
        self.messages: list[dict[str, Any]] = []

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """A workflow's body for a status."""
        return {"error": {"code": CODES[status], "message": "The request was not accepted."}}

    def routes(self) -> Sequence[Route]:
        """A connector and a workflow."""
        return [
            Route("/webhookb2/{channel}/IncomingWebhook/{hook}/{owner}", self._connector, methods=["POST"]),
            Route("/workflows/{workflow}/triggers/manual/paths/invoke", self._workflow, methods=["POST"]),
        ]

    async def _connector(self, request: Request) -> Response:
        if self.removed or request.path_params["hook"] != HOOK:
            return PlainTextResponse("Connector configuration not found", status_code=404)
        body = await request.body()
        if len(body) > BODY_BYTES:
            return PlainTextResponse("Request entity too large", status_code=413)
        said = _read(body)
        if said is None or not (is_card(said) or said.get("text") or said.get("summary")):
            return PlainTextResponse("Summary or Text is required.", status_code=400)
        if self.inside is not None:
            return PlainTextResponse(INSIDE.format(status=self.inside))
        self.messages.append(said)
        return PlainTextResponse("1")

    async def _workflow(self, request: Request) -> Response:
        if self.removed or request.path_params["workflow"] != WORKFLOW:
            return self._refuse(404)
        if request.query_params.get("sig") != SIGNATURE:
            return self._refuse(401)
        body = await request.body()
        if len(body) > BODY_BYTES:
            return JSONResponse({"error": {"code": "RequestEntityTooLarge"}}, status_code=413)
        said = _read(body)
        if said is None or not is_card(said):
            return JSONResponse({"error": {"code": "TriggerInputSchemaMismatch"}}, status_code=400)
        self.messages.append(said)
        return Response(status_code=202)

    def _refuse(self, status: int) -> Response:
        return JSONResponse(dict(self.refusal(status, None)), status_code=status)


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def is_card(said: Mapping[str, Any]) -> bool:
    """Whether it is a message with Adaptive Cards, as Teams reads them."""
    attachments = said.get("attachments")
    return (
        said.get("type") == "message"
        and isinstance(attachments, list)
        and bool(attachments)
        and all(
            isinstance(each, dict)
            and each.get("contentType") == "application/vnd.microsoft.card.adaptive"
            and isinstance(each.get("content"), dict)
            and each["content"].get("type") == "AdaptiveCard"
            and isinstance(each["content"].get("body"), list)
            for each in attachments
        )
    )
