"""Alerts as events in Datadog, on the site that the organisation is on.

1. Sign in to Datadog and look at the browser's address: it tells the site, such as us5.datadoghq.com for US5.
2. Open Organization Settings, API Keys, and choose New Key.
3. Copy the key; it is 32 characters, 0 to 9 and a to f. An application key is another thing.
4. Choose the site, paste the key into the form and choose Connect.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import Field, field_validator

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import InvalidCredentials, RateLimited
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._alerting import CLIENT, looked_at, name_of, nonsense, sendable
from atlas_hub.providers.contract import (
    Alert,
    Category,
    CheckResult,
    Form,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

DATADOG = Upstream("DATADOG", "Datadog", "https://api.datadoghq.com")
FIELD: Final = "api_key"
TEXT_LENGTH: Final = 4000

SITES: Final[Mapping[str, str]] = {
    "US": "datadoghq.com",
    "US3": "us3.datadoghq.com",
    "US5": "us5.datadoghq.com",
    "EU": "datadoghq.eu",
    "AP1": "ap1.datadoghq.com",
    "AP2": "ap2.datadoghq.com",
    "US1_FED": "ddog-gov.com",
}
"""Region → site (https://docs.datadoghq.com/getting_started/site/). Whatever an admin types, no other host is asked."""
_HOSTS: Final = {region: Upstream("DATADOG", "Datadog", f"https://api.{site}") for region, site in SITES.items()}

_USUAL = (r"[0-9a-fA-F]{32}", "32 characters, 0 to 9 and a to f")


def _kept(title: str) -> Any:
    """A switch that the hub stores and never looks at."""
    return Field(
        default=False,
        title=title,
        description="Kept for clients of the groups API; the hub sends no metrics.",
        json_schema_extra={"input": "checkbox", "at_once": True, "on_page": False},
    )


class ApiKey(Form):
    """An API key and the site where it is good. The four switches are kept for the groups API, whose clients set them.

    They select nothing here: the hub sends alerts, and no metrics.
    """

    api_key: Secret = Field(
        title="API Key",
        description="In Datadog, under Organization Settings, API Keys.",
        examples=["32 characters, 0 to 9 and a to f"],
    )
    region: Literal["US", "US3", "US5", "EU", "AP1", "AP2", "US1_FED"] = Field(
        default="US",
        title="Site",
        description="Where your organisation is; a key is good on its own site alone.",
        json_schema_extra={"target": True},
    )
    send_collection_latency_metrics: bool = _kept("Collection latency metrics")
    send_database_metrics: bool = _kept("Database metrics")
    send_query_stats_metrics: bool = _kept("Query statistics")
    send_user_provided_resource_tags: bool = _kept("Resource tags")

    _cleaned = field_validator("api_key", mode="before")(pasted)

    _sent = field_validator("api_key")(sendable)

    @property
    def site(self) -> str:
        """The site in Datadog's words and ours: `US5 (us5.datadoghq.com)`."""
        return f"{self.region} ({SITES[self.region]})"


class DatadogKey(Method[ApiKey]):
    """An API key (https://docs.datadoghq.com/account_management/api-app-keys/)."""

    key, label, form = "api_key", "API key", ApiKey
    purpose = Purpose.ALERTS
    wire_type = "DATADOG"

    def called(self, form: ApiKey) -> str:
        """The site, which is all that is known of the organisation."""
        return f"Datadog {form.site}"

    def facts(self, form: ApiKey) -> Mapping[str, str]:
        """The site."""
        return {"Site": form.site}

    async def check(self, form: ApiKey, http: Http, report: Report) -> CheckResult:
        """Ask the site whether it knows the key (GET /api/v1/validate). Raises a `ProviderError`."""
        ladder = Ladder(report)
        warnings = looked_at(ladder, form.api_key, _USUAL, "Looks like an API key.")
        answer = await ladder.reach("Datadog", _ask(form, http, "GET", "/api/v1/validate"))
        with ladder.step("accepted", "Sign in") as rung:
            valid = _read(form, answer, http).get("valid")
            if valid is False:
                raise _refused(form)
            if valid is not True:
                raise nonsense("Datadog")
            rung.detail = f"on the site {form.site}"
        return CheckResult(account=None, label=self.called(form), warnings=warnings)

    async def alert(self, form: ApiKey, alert: Alert, http: Http) -> Receipt:
        """Post an event (https://docs.datadoghq.com/api/latest/events/#post-an-event). Raises a `ProviderError`."""
        said = {
            "title": f"TEST alert from {CLIENT}",
            "text": alert.text[:TEXT_LENGTH],
            "alert_type": "info",
            "priority": "low",
            "date_happened": int(alert.at.timestamp()),
            "tags": ["test:true", "source:atlas-hub"],
            "aggregation_key": name_of(alert),
            "source_type_name": "my_apps",
        }
        body = _read(form, await _ask(form, http, "POST", "/api/v1/events", said), http)
        event = body.get("event")
        number = event.get("id") if isinstance(event, dict) else None
        if body.get("status") != "ok" or not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise nonsense("Datadog")
        return Receipt(id=str(number), text=f"Datadog accepted it on the site {form.site} as event {number}.")


async def _ask(form: ApiKey, http: Http, method: str, path: str, said: Mapping[str, Any] | None = None) -> Answer:
    headers = {"Accept": "application/json", "DD-API-KEY": form.api_key.reveal()}
    return await http.ask(_HOSTS[form.region], method, path, headers=headers, json=said, region=form.region)


def _read(form: ApiKey, answer: Answer, http: Http) -> Mapping[str, Any]:
    """The body of a good answer. A key of another site is refused as a wrong one is."""
    if answer.status == HTTPStatus.UNAUTHORIZED or (answer.status == HTTPStatus.FORBIDDEN and answer.is_json):
        raise _refused(form)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        # Datadog's own header counts the seconds (https://docs.datadoghq.com/api/latest/rate-limits/).
        told = answer.headers.get("retry-after") or answer.headers.get("x-ratelimit-reset")
        seconds = retry_after(told)
        raise RateLimited(f"Datadog is busy. Try again in {seconds} seconds.", retry_after=seconds)
    http.judge(DATADOG, answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise nonsense("Datadog")
    return body


def _refused(form: ApiKey) -> InvalidCredentials:
    return InvalidCredentials(
        f"Datadog refused the API key: the key is wrong, or it is of another Datadog site than {form.site}; "
        "the hub does not try it elsewhere. Check both.",
        field=FIELD,
    )


PROVIDER = Provider(
    slug="datadog",
    name="Datadog",
    category=Category.ALERTING,
    docs="https://docs.datadoghq.com/account_management/api-app-keys/",
    about=__doc__ or "",
    stops="Alerts to Datadog stop at once.",
    methods=(DatadogKey(),),
    names=Names(),
    limits=(
        "Alerts become events; the hub sends no metrics to Datadog.",
        "An API key is good on its own site alone, and Datadog does not tell which that is.",
    ),
)
