"""Opsgenie wakes whoever is on call, until 5 April 2027.

1. In Opsgenie, open Settings, Integrations (or your team's Integrations) and add the integration "API".
2. Give it Read Access and Create and Update Access, and turn it on.
3. Copy its API Key; one from API key management cannot raise alerts.
4. Paste it into the form, choose the region that your account is in, and choose Connect.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._alerting import CLIENT, UUID, looked_at, name_of, nonsense, opening, sendable, told
from atlas_hub.providers.contract import (
    Alert,
    Category,
    CheckResult,
    Form,
    Lifecycle,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

VENDOR: Final = "Opsgenie"
HOSTS: Final = {
    "US": Upstream("OPSGENIE", VENDOR, "https://api.opsgenie.com"),
    "EU": Upstream("OPSGENIE", VENDOR, "https://api.eu.opsgenie.com"),
}
"""https://docs.opsgenie.com/docs/api-overview"""
FIELD: Final = "api_key"
MESSAGE_LENGTH: Final = 130
PAUSES = (0.0, 0.5, 0.5)
"""Seconds before each question what became of an alert: Opsgenie answers first and works after."""

MAY_NOT_READ: Final = (
    "Opsgenie knows the key and does not let it read alerts; it may still raise them. Send a test alert to find out; "
    "if that fails, choose the other region."
)
MAY_IT_RAISE: Final = "Opsgenie does not tell whether the key may raise alerts. Send a test alert to find out."

_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class ApiKey(Form):
    """The key of an API integration, and the region of its account."""

    api_key: Secret = Field(
        title="API Key",
        description="Of an integration of the kind API, in Opsgenie's or a team's settings.",
        examples=["00000000-0000-0000-0000-000000000000"],
    )
    region: Literal["US", "EU"] = Field(
        default="US",
        title="Region",
        description="EU where the address of your Opsgenie is ….eu.opsgenie.com, else US.",
        json_schema_extra={"target": True},
    )

    _cleaned = field_validator("api_key", mode="before")(pasted)
    _sent = field_validator("api_key")(sendable)


class OpsgenieApi(Method[ApiKey]):
    """The Alert API (https://docs.opsgenie.com/docs/alert-api)."""

    key, label, form = "api_key", "API key", ApiKey
    purpose = Purpose.ALERTS
    wire_type: ClassVar[str | None] = "OPS_GENIE"

    def called(self, form: ApiKey) -> str:
        """Opsgenie tells no account to such a key, so that its region has to do."""
        return f"{VENDOR} {form.region}"

    def facts(self, form: ApiKey) -> Mapping[str, str]:
        """The row of the card."""
        return {"Region": form.region}

    async def check(self, form: ApiKey, http: Http, report: Report) -> CheckResult:
        """Read one alert, which a key may be allowed or not. Raises a `ProviderError`."""
        ladder = Ladder(report)
        warnings = looked_at(ladder, form.api_key, UUID, "Looks like a key.")
        answer = await ladder.reach(VENDOR, _ask(form, http, "GET", "/v2/alerts?limit=1"))
        with ladder.step("accepted", "Sign in") as rung:
            rung.detail = MAY_IT_RAISE if _reads(answer, form, http) else MAY_NOT_READ
        return CheckResult(account=None, label=self.called(form), warnings=(*warnings, rung.detail))

    async def alert(self, form: ApiKey, alert: Alert, http: Http) -> Receipt:
        """Raise an alert, ask what became of it, and close it. Raises a `ProviderError`."""
        name = name_of(alert)
        said = _read(await opening(_ask(form, http, "POST", "/v2/alerts", _payload(alert))), form, http)
        request = said.get("requestId")
        if not isinstance(request, str) or _ID.fullmatch(request) is None:
            raise nonsense(VENDOR)
        outcome = await _outcome(form, http, request)
        words = told(outcome.get("status"), form)
        if outcome.get("isSuccess") is False:
            reason = f": {words}" if words else ""
            raise InsufficientPermissions(
                f"Opsgenie took the alert and did not raise it{reason}. Look at the integration's settings there.",
            )
        ending = await _close(form, http, name, may_ask=bool(outcome))
        if not outcome:
            text = f"Opsgenie took the alert as request {request}; it has not told whether it was raised. {ending}"
            return Receipt(id=request, text=text)
        number = told(outcome.get("alertId"), form) or name
        return Receipt(id=request, text=f"Opsgenie raised it as {number}{f' (“{words}”)' if words else ''}. {ending}")


def _payload(alert: Alert) -> dict[str, Any]:
    """https://docs.opsgenie.com/docs/alert-api#create-alert"""
    return {
        "message": alert.text[:MESSAGE_LENGTH],
        "alias": name_of(alert),
        "description": f"{alert.text}\n\n{alert.url}",
        "priority": "P5",
        "tags": ["test"],
        "details": {"test": "true", "sent_by": alert.by, "group": alert.group},
        "source": CLIENT,
        "entity": alert.group,
    }


async def _ask(form: ApiKey, http: Http, method: str, path: str, said: Mapping[str, Any] | None = None) -> Answer:
    headers = {"Accept": "application/json", "Authorization": f"GenieKey {form.api_key.reveal()}"}
    return await http.ask(HOSTS[form.region], method, path, headers=headers, json=said, region=form.region)


async def _outcome(form: ApiKey, http: Http, request: str) -> Mapping[str, Any]:
    """What became of a request (…/alert-api#get-request-status); {} where that cannot be learned soon."""
    for pause in PAUSES:
        await asyncio.sleep(pause)
        try:
            answer = await _ask(form, http, "GET", f"/v2/alerts/requests/{request}")
        except ProviderError:
            return {}
        data = answer.object.get("data")
        if answer.status == HTTPStatus.OK and isinstance(data, dict) and isinstance(data.get("isSuccess"), bool):
            return data
        if answer.status != HTTPStatus.NOT_FOUND:  # not yet
            return {}
    return {}


async def _close(form: ApiKey, http: Http, name: str, *, may_ask: bool) -> str:
    """Close the alert by its alias; a sentence on how that went, for which Opsgenie is asked where the key may."""
    said = {"source": CLIENT, "note": "The test is over."}
    try:
        path = f"/v2/alerts/{name}/close?identifierType=alias"
        request = _read(await _ask(form, http, "POST", path, said), form, http).get("requestId")
    except ProviderError:
        return "It could not be closed: close it there."
    known = isinstance(request, str) and _ID.fullmatch(request) is not None
    outcome = await _outcome(form, http, str(request)) if may_ask and known else {}
    match outcome.get("isSuccess"):
        case True:
            return "It is closed again."
        case False:
            return "It was not closed: close it there."
    return "Opsgenie took its end, too; look there whether it is closed."


def _reads(answer: Answer, form: ApiKey, http: Http) -> bool:
    """Whether the key may read alerts. Raises a `ProviderError` where it is refused."""
    if answer.status == HTTPStatus.FORBIDDEN and answer.is_json and "disabled" not in _message(answer):
        return False
    if not isinstance(_read(answer, form, http).get("data"), list):
        raise nonsense(VENDOR)
    return True


def _read(answer: Answer, form: ApiKey, http: Http) -> Mapping[str, Any]:
    """The body of a yes. Raises a `ProviderError` for everything else."""
    said = _message(answer)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        other = "US" if form.region == "EU" else "EU"
        text = (
            f"Opsgenie rejected the API key: it knows no such key in its {form.region} region. Copy it again, or "
            f"choose {other} if your account is there."
        )
        raise InvalidCredentials(text, field=FIELD)
    if answer.status == HTTPStatus.UNPROCESSABLE_ENTITY and "key format" in said:
        text = "Opsgenie rejected the API key: it has not the form of one. Copy it from an integration of the kind API."
        raise InvalidCredentials(text, field=FIELD)
    if answer.status == HTTPStatus.FORBIDDEN and "disabled" in said:
        raise InsufficientPermissions("Opsgenie says that the key's integration is turned off. Turn it on there.")
    if answer.status == HTTPStatus.FORBIDDEN and "api integration" in said:
        text = "Opsgenie takes alerts by the key of an API integration alone. Add one there and copy its key."
        raise InsufficientPermissions(text, field=FIELD)
    http.judge(HOSTS[form.region], answer, field=FIELD)
    if not answer.object:
        raise nonsense(VENDOR)
    return answer.object


def _message(answer: Answer) -> str:
    """Opsgenie's own words, in lower case: it has few codes. They are never shown."""
    return str(answer.object.get("message", "")).lower()


PROVIDER = Provider(
    slug="opsgenie",
    name="Opsgenie",
    category=Category.ALERTING,
    docs="https://support.atlassian.com/opsgenie/docs/create-a-default-api-integration/",
    about=__doc__ or "",
    stops="Alerts no longer reach whoever is on call; what is open at Opsgenie stays open.",
    methods=(OpsgenieApi(),),
    names=Names(chat="opsgenie"),
    limits=("A key without Read Access works, but then Opsgenie does not tell what became of an alert.",),
    lifecycle=Lifecycle(
        deprecated=True, ends=date(2027, 4, 5), instead="Move to Jira Service Management or Compass before then."
    ),
)
