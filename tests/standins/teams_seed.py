"""What the Microsoft stand-in begins with: tenants, their people, app registrations; and how Microsoft refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BOTS, GRAPH = "https://api.botframework.com", "https://graph.microsoft.com"
SHARED = "botframework.com"
SHARED_ID = "d6d49420-f39b-4df7-a1dc-d59a935871db"
"""The tenant of Microsoft's own in which every multi-tenant bot is known."""
SIZE_LIMIT = 100_000
CONVERSATION = re.compile(r"19:[^@\s]+@[a-z0-9.]+(;messageid=\d+)?|a:[\w-]+", re.ASCII)
NO_BOT = {"message": "Authorization has been denied for this request."}
REFUSALS = {403: "Forbidden", 429: "Throttled", 500: "ServiceError"}
STAMP = "2026-01-05 09:00:00Z"
TRACE, CORRELATION = "0" * 8 + "-1111-2222-3333-" + "4" * 12, "5" * 8 + "-6666-7777-8888-" + "9" * 12


def guid(digit: str) -> str:
    """A GUID of one digit."""
    return "-".join(digit * length for length in (8, 4, 4, 4, 12))


def fake(letter: str) -> str:
    """A client secret of Entra's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return letter * 3 + "8Q" + "~" + (letter + "Fake.") * 5 + letter * 4


ACME, BETA, OPERATOR = guid("a"), guid("b"), guid("c")
ATLAS, SHY, OLD, PLAIN, DISABLED, ORPHAN = (guid(digit) for digit in "123456")
HUB = guid("7")
"""The app of the operator, which every tenant may have once its admin has agreed."""
GOOD, EXPIRED, HUB_SECRET = fake("g"), fake("x"), fake("h")
GRACE, KEN, BARBARA, ALAN = (f"{digit}" * 8 + "-1000-2000-3000-" + f"{digit}" * 12 for digit in "1234")
CATALOG_ID = guid("f")
"""What the app of the operator is called in a tenant's catalogue of Teams apps."""
SECRET_ID = guid("e")
ALERTS, GENERAL = "19:a1e27500000000000000000000000000@thread.tacv2", "19:General_Acme-1@thread.tacv2"
GROUP, PERSON, ONE_TO_ONE = "19:meeting_Acme@thread.v2", "a:1AcmePerson_-x", f"19:{ACME}_{ATLAS}@unq.gbl.spaces"
LEFT, MUTED, BLOCKED, GOVERNMENT = (f"19:{name}@thread.tacv2" for name in ("left", "muted", "blocked", "government"))
ROSTER = "The bot is not part of the conversation roster."
WRITES_BLOCKED = json.dumps({"subCode": "MessageWritesBlocked", "details": "Thread is blocked from message writes."})


@dataclass
class TeamsTenant:
    """A tenant: its name, and the domains by which it can be called."""

    name: str
    domains: tuple[str, ...] = ()


@dataclass
class TeamsApp:
    """An app registration. `secrets`: value → whether it still counts; `multi`: any tenant may have it.

    `bot`: an Azure Bot uses it; `graph`: it may read the organization and install itself; `disabled` and `orphan`
    (without a service principal) in its tenant. `consented`: the tenants whose admin has agreed to it, None where
    nobody needs to. `redirect_uris`: where it may send people, any where there are none.
    """

    home: str
    secrets: dict[str, bool] = field(default_factory=lambda: {GOOD: True, EXPIRED: False})
    multi: bool = False
    bot: bool = True
    graph: bool = False
    disabled: bool = False
    orphan: bool = False
    consented: set[str] | None = None
    redirect_uris: set[str] = field(default_factory=set)
    name: str = "Atlas"

    def lives_in(self, tenant: str) -> bool:
        """Whether the tenant knows it: its own, and of the others those that may have it and have agreed."""
        agreed = self.consented is None or tenant == SHARED_ID or tenant in self.consented
        return tenant == self.home or (self.multi and agreed)

    def may_return_to(self, uri: str) -> bool:
        """Whether `uri` is one of its addresses, to the letter."""
        return not self.redirect_uris or uri in self.redirect_uris


@dataclass(frozen=True)
class TeamsPerson:
    """Somebody in a tenant."""

    oid: str
    tenant: str
    name: str
    address: str


@dataclass(frozen=True)
class TeamsToken:
    """What a token was made for; `person` is who signed in, None for an app by itself."""

    app: str
    tenant: str
    audience: str
    person: str | None = None


def stamped(number: int, said: str) -> str:
    """A sentence as Entra writes it, with the numbers by which its support finds the request."""
    return f"AADSTS{number}: {said} Trace ID: {TRACE} Correlation ID: {CORRELATION} Timestamp: {STAMP}"


class EntraError(Exception):
    """A refusal of Entra: HTTP status, AADSTS number, OAuth's word and the sentence."""

    def __init__(self, status: int, number: int, error: str, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.body: dict[str, Any] = {
            "error": error,
            "error_description": stamped(number, said),
            "error_codes": [number],
            "timestamp": STAMP,
            "trace_id": TRACE,
            "correlation_id": CORRELATION,
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        }


def refused(code: str, said: str) -> dict[str, Any]:
    """A refusal as the connector and Graph write it."""
    return {"error": {"code": code, "message": said}}


def wrong_secret(app_id: str) -> EntraError:
    said = "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
    said += f"not the client secret ID, for a secret added to app '{app_id}'."
    return EntraError(401, 7000215, "invalid_client", said)


TENANTS: dict[str, Callable[[], TeamsTenant]] = {
    ACME: lambda: TeamsTenant("Acme Corp", ("acme.onmicrosoft.com", "acme.example")),
    BETA: lambda: TeamsTenant("Beta Inc", ("beta.onmicrosoft.com",)),
    OPERATOR: lambda: TeamsTenant("Operator", ("operator.onmicrosoft.com",)),
    SHARED_ID: lambda: TeamsTenant("Bot Framework", (SHARED,)),
}
APPS: dict[str, Callable[[], TeamsApp]] = {
    ATLAS: lambda: TeamsApp(ACME, graph=True),
    SHY: lambda: TeamsApp(ACME),
    OLD: lambda: TeamsApp(ACME, multi=True),
    PLAIN: lambda: TeamsApp(ACME, bot=False),
    DISABLED: lambda: TeamsApp(ACME, disabled=True),
    ORPHAN: lambda: TeamsApp(ACME, orphan=True),
    HUB: lambda: TeamsApp(OPERATOR, {HUB_SECRET: True, EXPIRED: False}, multi=True, graph=True, consented=set()),
}
PEOPLE: dict[str, TeamsPerson] = {
    person.oid: person
    for person in (
        TeamsPerson(GRACE, ACME, "Grace Hopper", "grace@acme.example"),
        TeamsPerson(KEN, ACME, "Ken Thompson", "ken@acme.example"),
        TeamsPerson(BARBARA, BETA, "Barbara Liskov", "barbara@beta.onmicrosoft.com"),
        TeamsPerson(ALAN, OPERATOR, "Alan Kay", "alan@operator.onmicrosoft.com"),
    )
}
