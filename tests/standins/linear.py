"""A stand-in for Linear's GraphQL API: personal keys and OAuth tokens, their people and workspaces.

Wire: https://linear.app/developers/graphql and https://linear.app/developers/rate-limiting. A personal key goes bare;
with Bearer before it the answer is 400 and says so. Refusals are 400 or 401 with `errors`; a used-up budget is 400
too. It reads no GraphQL: it answers the fields of `viewer` and `organization` whose names stand in the query.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

BUDGET = 2500
NOT_SIGNED_IN = "Authentication required, not authenticated"
BARE = (
    "It looks like you're trying to use an API key as a Bearer token. "
    "Remove the Bearer prefix from the Authorization header."
)
CODES = {
    400: ("INPUT_ERROR", "invalid input", "Argument Validation Error"),
    401: ("AUTHENTICATION_ERROR", "authentication error", NOT_SIGNED_IN),
    403: ("FORBIDDEN", "forbidden", "You don't have permission to access this resource"),
    429: ("RATELIMITED", "ratelimited", f"Rate limit exceeded. Only {BUDGET} requests are allowed per 1 hour"),
    500: ("INTERNAL_SERVER_ERROR", "internal error", "Internal server error"),
}
"""Status → `extensions.code`, `extensions.type` and message."""


def fake(kind: str, letter: str) -> str:
    """A key of Linear's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "_".join(["lin", kind, (letter + "FAKE") * 8])


ADA, GRACE, REVOKED, NO_WORKSPACE = fake("api", "a"), fake("api", "g"), fake("api", "r"), fake("api", "n")
FORBIDDEN, OAUTH, WEBHOOK = fake("api", "f"), fake("oauth", "o"), fake("wh", "w")
ADA_ID = "0b9f6c1e-7a35-4d52-8a55-5d0c3a9f1e01"
GRACE_ID = "6f2d4b8a-1c77-4f0e-9d43-2e8b7c6a5f02"


@dataclass
class LinearPerson:
    """A person in a workspace: `organization` is (name, urlKey), None where the key may not read it."""

    id: str
    name: str | None
    email: str | None
    organization: tuple[str, str] | None = ("Acme", "acme")


class LinearError(Exception):
    """A refusal: status and body."""

    def __init__(self, status: int, error: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(error))
        self.status = status
        self.body = {"errors": [error]}
        self.headers = dict(headers or {})


def error(status: int, *, message: str | None = None, path: Sequence[str] | None = None) -> Mapping[str, Any]:
    """An entry of `errors` as Linear writes it for a status."""
    code, kind, usual = CODES[status]
    extensions = {"code": code, "type": kind, "statusCode": status, "userError": status < 500}
    return {"message": message or usual, "extensions": extensions} | ({"path": list(path)} if path else {})


class LinearStandin(Standin):
    """Linear. `keys`: key → person, None where it was revoked; `forbidden` keys may read nothing; `left`: budget."""

    upstream: ClassVar[str] = "LINEAR"
    tries: ClassVar[Mapping[str, str]] = {
        "Ada's key": ADA,
        "Grace's key": GRACE,
        "an OAuth token": OAUTH,
        "key revoked": REVOKED,
        "key that may not read the workspace": NO_WORKSPACE,
        "key that may read nothing": FORBIDDEN,
        "a webhook's secret": WEBHOOK,
    }
    error_inside: ClassVar[Mapping[str, Any]] = {"errors": [error(401)], "data": None}

    def seed(self) -> None:
        """Put the default people in: Ada and Grace of Acme."""
        ada = LinearPerson(ADA_ID, "Ada Lovelace", "ada@acme.example")
        self.keys: dict[str, LinearPerson | None] = {
            ADA: ada,
            OAUTH: ada,
            FORBIDDEN: ada,
            GRACE: LinearPerson(GRACE_ID, "Grace Hopper", "grace@acme.example"),
            NO_WORKSPACE: LinearPerson(ADA_ID, "Ada Lovelace", "ada@acme.example", None),
            REVOKED: None,
        }
        self.forbidden = {FORBIDDEN}
        self.left = BUDGET

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Linear's body for a status; the wait is in the headers alone."""
        return {"errors": [error(status)]}

    def routes(self) -> Sequence[Route]:
        """The one address of the API."""
        return [Route("/graphql", self._answer_query, methods=["POST"])]

    async def _answer_query(self, request: Request) -> Response:
        try:
            person = self._person(request.headers.get("authorization", ""))
            self._charge()
            query = await _query(request)
        except LinearError as refused:
            return JSONResponse(refused.body, status_code=refused.status, headers=refused.headers)
        said: dict[str, Any] = {"data": {}}
        if re.search(r"\bviewer\b", query):
            said["data"]["viewer"] = {"id": person.id, "name": person.name, "email": person.email}
        if re.search(r"\borganization\b", query):
            said["data"]["organization"] = None
            if person.organization:
                name, url_key = person.organization
                said["data"]["organization"] = {"id": f"org-{url_key}", "name": name, "urlKey": url_key}
            else:
                said["errors"] = [error(403, path=["organization"])]
        return JSONResponse(said, headers=self._budget())

    def _person(self, authorization: str) -> LinearPerson:
        scheme, _, token = authorization.rpartition(" ")
        if scheme == "Bearer" and token.startswith("lin_api_"):
            raise LinearError(400, error(400, message=BARE))
        right = scheme == ("Bearer" if token.startswith("lin_oauth_") else "")
        person = self.keys.get(token) if right else None
        if person is None:
            raise LinearError(401, error(401))
        if token in self.forbidden:
            raise LinearError(403, error(403))
        return person

    def _charge(self) -> None:
        if self.left <= 0:
            raise LinearError(400, error(429), self._budget())
        self.left -= 1

    def _budget(self) -> dict[str, str]:
        """The headers of every answer; the reset is in milliseconds since 1970."""
        here = time.time()  # noqa: TID251 - a vendor has a clock of its own
        return {
            "x-ratelimit-requests-limit": str(BUDGET),
            "x-ratelimit-requests-remaining": str(self.left),
            "x-ratelimit-requests-reset": str(int((here + 90) * 1000)),
        }


async def _query(request: Request) -> str:
    try:
        given = await request.json()
    except ValueError:
        raise LinearError(400, error(400, message="POST body missing, invalid Content-Type, or JSON")) from None
    query = given.get("query") if isinstance(given, dict) else None
    if not isinstance(query, str) or not query.strip():
        raise LinearError(400, error(400, message="GraphQL operations must contain a non-empty `query`"))
    return query
