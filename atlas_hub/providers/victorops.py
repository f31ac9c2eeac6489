"""VictorOps, now Splunk On-Call, wakes whoever is on call.

1. In Splunk On-Call, open Integrations, choose "REST Endpoint" and turn it on.
2. Copy the key from its URL: what stands between "/alert/" and "/$routing_key".
3. Under Settings, Routing Keys, see which key leads to the team that should get alerts.
4. Paste both into the form and choose Connect.
5. Send a test alert: without one, the key cannot be checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final
from urllib.parse import quote

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._alerting import CLIENT, UUID, looked_at, name_of, nonsense, sendable, told
from atlas_hub.providers.contract import Alert, Category, CheckResult, Form, Method, Names, Provider, Purpose, Receipt

VENDOR: Final = "VictorOps"
VICTOROPS: Final = Upstream("VICTOROPS", VENDOR, "https://alert.victorops.com")
FIELD: Final = "api_key"
PATH: Final = "/integrations/generic/20131114/alert"
DEFAULT_ROUTE: Final = "default"
"""Stands in for a routing key: VictorOps sends what it knows no route for by the default one."""
ROUTE_LENGTH: Final = 128
URL: Final = "https://"
WHOLE_URL: Final = "This is a whole URL. Enter the part of it between /alert/ and the routing key alone."

UNPROVEN: Final = (
    "A key of VictorOps cannot be checked without posting to its timeline: send a test alert to find out whether it "
    "works."
)

_STEPS = frozenset({".", ".."})
_ABOUT_THE_KEY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND})


class RestKey(Form):
    """The key of the REST endpoint, and the route that alerts take."""

    api_key: Secret = Field(
        title="API Key",
        description="The part of the REST endpoint's URL between /alert/ and the routing key.",
        examples=["00000000-0000-0000-0000-000000000000"],
        json_schema_extra={"lookalikes": {URL: WHOLE_URL}},
    )
    routing_key: str | None = Field(
        default=None,
        title="Routing Key",
        description="From Settings, Routing Keys. Without one, alerts take the default route.",
        examples=["operations"],
        max_length=ROUTE_LENGTH,
        json_schema_extra={"at_once": True},
    )

    _cleaned = field_validator("api_key", mode="before")(pasted)
    _sent = field_validator("api_key")(sendable)

    @field_validator("api_key")
    @classmethod
    def _is_a_part_of_the_url(cls, value: Secret) -> Secret:
        if value.reveal().lower().startswith((URL, "http://")):
            raise ValueError(WHOLE_URL)
        # It becomes part of a path, in which these two would lead elsewhere.
        if value.reveal() in _STEPS:
            raise ValueError("This is not a key. Copy it again, whole and alone.")
        return value

    @field_validator("routing_key")
    @classmethod
    def _is_a_route(cls, value: str | None) -> str | None:
        if value is not None and (value in _STEPS or shown(value, ROUTE_LENGTH) != value):
            raise ValueError("This is not a routing key. Copy it from Settings, Routing Keys.")
        return value


class VictorOpsRest(Method[RestKey]):
    """The REST endpoint (https://help.victorops.com/knowledge-base/rest-endpoint-integration-guide/)."""

    key, label, form = "api_key", "REST endpoint", RestKey
    purpose = Purpose.ALERTS
    wire_type: ClassVar[str | None] = "VICTOR_OPS"

    def called(self, form: RestKey) -> str:
        """VictorOps tells no account, so that the route has to do."""
        return f"{VENDOR} {form.routing_key}" if form.routing_key else VENDOR

    def facts(self, form: RestKey) -> Mapping[str, str]:
        """The row of the card."""
        return {"Routing key": form.routing_key} if form.routing_key else {}

    async def check(self, form: RestKey, http: Http, report: Report) -> CheckResult:
        """Look at the key, and ask nobody: whatever is sent to VictorOps stands in its timeline."""
        del http
        warnings = looked_at(Ladder(report), form.api_key, UUID, f"Looks like a key. {UNPROVEN}")
        return CheckResult(account=None, label=self.called(form), warnings=warnings, unproven=UNPROVEN)

    async def alert(self, form: RestKey, alert: Alert, http: Http) -> Receipt:
        """Write a line into the timeline, which pages nobody and needs no end. Raises a `ProviderError`."""
        body = _read(await _ask(form, http, _payload(alert)), http)
        name = told(body.get("entity_id"), form) or name_of(alert)
        return Receipt(id=name, text=f"VictorOps took it as {name}: look for it in the timeline there.")


def _payload(alert: Alert) -> dict[str, Any]:
    """https://help.victorops.com/knowledge-base/rest-endpoint-integration-guide/"""
    return {
        "message_type": "INFO",
        "entity_id": name_of(alert),
        "entity_display_name": f"TEST from {CLIENT}",
        "state_message": f"{alert.text}\n\n{alert.url}",
        "monitoring_tool": CLIENT,
        "timestamp": int(alert.at.timestamp()),
    }


async def _ask(form: RestKey, http: Http, said: Mapping[str, Any]) -> Answer:
    # The key is part of the path, which is why no error and no log line of `Http` names one.
    key, route = quote(form.api_key.reveal(), safe=""), quote(form.routing_key or DEFAULT_ROUTE, safe="")
    return await http.ask(VICTOROPS, "POST", f"{PATH}/{key}/{route}", json=said)


def _read(answer: Answer, http: Http) -> Mapping[str, Any]:
    """The body of a yes. Raises a `ProviderError` for everything else."""
    result = answer.object.get("result")
    # A "failure" of its own, or because it is busy, says nothing about the key.
    of_its_own = answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if not of_its_own and (answer.status == HTTPStatus.NOT_FOUND or result == "failure"):
        raise _refusal(answer)
    http.judge(VICTOROPS, answer, field=FIELD)
    if result != "success":
        raise nonsense(VENDOR)
    return answer.object


def _refusal(answer: Answer) -> ProviderError:
    """What a failure is about: the key, unless it names something else. Its own words are not shown."""
    said = str(answer.object.get("message", "")).lower()
    if said and "key" not in said and answer.status not in _ABOUT_THE_KEY:
        return InsufficientPermissions("VictorOps did not take the alert. See whether its REST endpoint is turned on.")
    return InvalidCredentials(
        "VictorOps rejected the key: it knows no such key, or the REST endpoint is turned off. Copy the key from the "
        "endpoint's URL, without the routing key.",
        field=FIELD,
    )


PROVIDER = Provider(
    slug="victorops",
    name="VictorOps (Splunk On-Call)",
    category=Category.ALERTING,
    docs="https://help.victorops.com/knowledge-base/rest-endpoint-integration-guide/",
    about=__doc__ or "",
    stops="Alerts no longer reach whoever is on call; what is open at VictorOps stays open.",
    methods=(VictorOpsRest(),),
    names=Names(),
    limits=(
        "A key cannot be checked without posting: only a test alert proves it.",
        "A routing key that is not known is no error: VictorOps takes the default route then.",
    ),
)
