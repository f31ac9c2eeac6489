"""PagerDuty wakes whoever is on call.

1. In PagerDuty, open Services and choose the service that alerts belong to, or make one.
2. On its Integrations tab, add the integration "Events API V2".
3. Copy its Integration Key: 32 letters and digits. A REST API key cannot raise alerts.
4. Paste it into the form, choose the region that your account is in, and choose Connect.
5. Send a test alert: that alone shows whether the key belongs to a service.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import InvalidCredentials, PlatformError, ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ids import new_id
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._alerting import CLIENT, looked_at, name_of, nonsense, opening, sendable, told
from atlas_hub.providers.contract import Alert, Category, CheckResult, Form, Method, Names, Provider, Purpose, Receipt

VENDOR: Final = "PagerDuty"
HOSTS: Final = {
    "US": Upstream("PAGERDUTY", VENDOR, "https://events.pagerduty.com"),
    "EU": Upstream("PAGERDUTY", VENDOR, "https://events.eu.pagerduty.com"),
}
"""https://support.pagerduty.com/main/docs/service-regions"""
FIELD: Final = "service_key"
USUAL: Final = (r"[A-Za-z0-9]{32}", "32 letters and digits")
SUMMARY_LENGTH: Final = 1024

UNPROVEN: Final = (
    "PagerDuty took the form of the key; whether the key exists shows with the first alert. Send a test alert, and "
    "look for it there."
)


class EventsKey(Form):
    """The integration key of an Events API v2 integration, and the region of its account."""

    service_key: Secret = Field(
        title="Integration Key",
        description="Of an Events API V2 integration, on the Integrations tab of a service.",
        examples=["0123456789abcdef0123456789abcdef"],
    )
    region: Literal["US", "EU"] = Field(
        default="US",
        title="Region",
        description="EU where the address of your PagerDuty is ….eu.pagerduty.com, else US.",
        json_schema_extra={"target": True},
    )

    _cleaned = field_validator("service_key", mode="before")(pasted)
    _sent = field_validator("service_key")(sendable)


class PagerDutyEvents(Method[EventsKey]):
    """The Events API v2 (https://developer.pagerduty.com/docs/events-api-v2/overview/)."""

    key, label, form = "events_key", "Integration key", EventsKey
    purpose = Purpose.ALERTS
    wire_type: ClassVar[str | None] = "PAGER_DUTY"

    def called(self, form: EventsKey) -> str:
        """PagerDuty tells no account, so that its region has to do."""
        return f"{VENDOR} {form.region}"

    def facts(self, form: EventsKey) -> Mapping[str, str]:
        """The row of the card."""
        return {"Region": form.region}

    async def check(self, form: EventsKey, http: Http, report: Report) -> CheckResult:
        """End an alert that never began, which opens nothing: PagerDuty looks at the form of the key alone.

        Raises a `ProviderError`.
        """
        ladder = Ladder(report)
        warnings = looked_at(ladder, form.service_key, USUAL, "Looks like an integration key.")
        answer = await ladder.reach(VENDOR, _ask(form, http, "resolve", f"check-{new_id()}"))
        with ladder.step("accepted", "Ask whether the key has the right form") as rung:
            _read(answer, http)
            rung.detail = UNPROVEN
        return CheckResult(account=None, label=self.called(form), warnings=warnings, unproven=UNPROVEN)

    async def alert(self, form: EventsKey, alert: Alert, http: Http) -> Receipt:
        """Raise an alert and resolve it. Raises a `ProviderError`; after a `NetworkError` it may be open."""
        name = name_of(alert)
        said = _read(await opening(_ask(form, http, "trigger", name, _payload(alert))), http)
        name = told(said.get("dedup_key"), form) or name
        words = told(said.get("message"), form)
        taken = f"PagerDuty took the alert as {name}{f' (“{words}”)' if words else ''}"
        try:
            _read(await _ask(form, http, "resolve", name), http)
        except ProviderError:
            return Receipt(id=name, text=f"{taken}, but not its end: resolve it there.", proves=False)
        text = f"{taken}, and its end. Look for it there: PagerDuty takes alerts by keys that nobody has, too."
        return Receipt(id=name, text=text, proves=False)


def _payload(alert: Alert) -> dict[str, Any]:
    """What a trigger says beside key and name (https://developer.pagerduty.com/docs/send-alert-event)."""
    return {
        "payload": {
            "summary": alert.text[:SUMMARY_LENGTH],
            "source": alert.group,
            "severity": "info",
            "timestamp": iso(alert.at),
            "component": CLIENT,
            "group": alert.group,
            "class": "test",
            "custom_details": {"test": True, "sent_by": alert.by},
        },
        "client": CLIENT,
        "client_url": alert.url,
        "links": [{"href": alert.url, "text": CLIENT}],
        "images": [],
    }


async def _ask(form: EventsKey, http: Http, action: str, name: str, more: Mapping[str, Any] | None = None) -> Answer:
    event = {"routing_key": form.service_key.reveal(), "event_action": action, "dedup_key": name, **(more or {})}
    return await http.ask(HOSTS[form.region], "POST", "/v2/enqueue", json=event, region=form.region)


def _read(answer: Answer, http: Http) -> Mapping[str, Any]:
    """The body of a yes. Raises a `ProviderError` for everything else."""
    body = answer.object
    if answer.status == HTTPStatus.BAD_REQUEST and body:  # else it is the word of something in between
        raise _refusal(body)
    http.judge(HOSTS["US"], answer, field=FIELD)
    if body.get("status") != "success":
        raise nonsense(VENDOR)
    return body


def _refusal(body: Mapping[str, Any]) -> ProviderError:
    """What a 400 is about: the key, unless it names something else. Its own words are not shown."""
    errors = [str(each) for each in body["errors"]] if isinstance(body.get("errors"), list) else []
    if errors and not any("routing" in each.lower() for each in errors):
        return PlatformError("PagerDuty could not read the alert. Nothing was raised; report this to the hub's makers.")
    return InvalidCredentials(
        "PagerDuty rejected the integration key: it has not the form of one. Copy the Integration Key of an Events "
        "API V2 integration; a REST API key is another kind.",
        field=FIELD,
    )


PROVIDER = Provider(
    slug="pagerduty",
    name="PagerDuty",
    category=Category.ALERTING,
    docs="https://support.pagerduty.com/main/docs/services-and-integrations",
    about=__doc__ or "",
    stops="Alerts no longer reach whoever is on call; what is open at PagerDuty stays open.",
    methods=(PagerDutyEvents(),),
    names=Names(chat="pagerduty"),
    limits=("PagerDuty takes a well-formed key whether or not it exists: only an alert that arrives proves it.",),
)
