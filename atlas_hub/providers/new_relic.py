"""Alerts as custom events in New Relic, which its own alert conditions can watch.

1. In New Relic, open your name's menu and choose API Keys; the account's number stands beside each key.
2. Copy the licence key (INGEST - LICENSE). One that begins with eu01xx belongs to the data centre in the EU.
3. Under Insights insert keys make a key that begins with NRII-, under Insights query keys one with NRIQ-.
4. Enter the account's number and the three keys, and choose Connect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import InvalidCredentials
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._alerting import nonsense, sendable
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

NEW_RELIC = Upstream("NEW_RELIC", "New Relic", "https://insights-collector.newrelic.com")
NEW_RELIC_INSIGHTS = Upstream("NEW_RELIC_INSIGHTS", "New Relic", "https://insights-api.newrelic.com")
_EUROPE: Final = {
    NEW_RELIC.name: Upstream("NEW_RELIC", "New Relic", "https://insights-collector.eu01.nr-data.net"),
    NEW_RELIC_INSIGHTS.name: Upstream("NEW_RELIC_INSIGHTS", "New Relic", "https://insights-api.eu.newrelic.com"),
}
"""The data centre of licence keys that begin with `eu01xx`."""

EVENT: Final = "AtlasTestAlert"
VALUE_LENGTH: Final = 4096
UNPROVEN: Final = (
    "The read token is accepted. The write token and the licence key cannot be checked without posting an event: "
    "send a test alert."
)
_QUERY = quote("SELECT count(*) FROM AtlasTestAlert SINCE 1 minute ago", safe="")


class Keys(Form):
    """An account and its keys. Alerts go out with the write token; the read token proves the account."""

    license_key: Secret = Field(
        title="Licence Key",
        description="Tells the data centre: one that begins with eu01xx is of the EU.",
        examples=["40 characters that end in NRAL"],
    )
    account_id: str = Field(
        title="Account ID", description="The account's number, beside each of its keys.", examples=["1234567"]
    )
    write_token: Secret = Field(
        title="Write Token",
        description="An Insights insert key; the licence key does the same.",
        examples=["NRII-…"],
    )
    read_token: Secret = Field(
        title="Read Token", description="An Insights query key of the same account.", examples=["NRIQ-…"]
    )

    _cleaned = field_validator("license_key", "account_id", "write_token", "read_token", mode="before")(pasted)

    _sent = field_validator("license_key", "write_token", "read_token")(sendable)

    @field_validator("account_id")
    @classmethod
    def _can_be_an_account(cls, value: str) -> str:
        # It becomes part of a path: nothing else may get there.
        if re.fullmatch(r"[A-Za-z0-9]{1,64}", value) is None:
            raise ValueError("This is not an account ID. Enter the account's number alone, such as 1234567.")
        return value

    @property
    def is_european(self) -> bool:
        """Whether the account is in the data centre in the EU."""
        return self.license_key.reveal().lower().startswith("eu")

    @property
    def centre(self) -> str:
        """The data centre, in a word."""
        return "EU" if self.is_european else "US"

    def oddities(self) -> tuple[str, ...]:
        """What does not look as New Relic's usually do, a sentence each."""
        usual = (
            (self.account_id.isdecimal(), "Account IDs are numbers; this one is not."),
            (self.write_token.reveal().startswith("NRII-"), "Insert keys begin with NRII-; the write token does not."),
            (self.read_token.reveal().startswith("NRIQ-"), "Query keys begin with NRIQ-; the read token does not."),
        )
        return tuple(sentence for looks, sentence in usual if not looks)


class NewRelicKeys(Method[Keys]):
    """The keys of an account (https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/)."""

    key, label, form = "keys", "Account keys", Keys
    purpose = Purpose.ALERTS
    wire_type = "NEW_RELIC"

    def called(self, form: Keys) -> str:
        """The account by its number."""
        return f"Account {form.account_id}"

    def facts(self, form: Keys) -> Mapping[str, str]:
        """Account and data centre."""
        return {"Account ID": form.account_id, "Data centre": form.centre}

    async def check(self, form: Keys, http: Http, report: Report) -> CheckResult:
        """Count events by the read token, which changes nothing. Raises a `ProviderError`.

        The Insights query API: https://docs.newrelic.com/docs/apis/insights-apis/query-insights-event-data-api/.
        """
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            odd = form.oddities()
            rung.detail = " ".join(odd) or "Looks like an account and its keys."
        path = f"/v1/accounts/{form.account_id}/query?nrql={_QUERY}"
        headers = {"Accept": "application/json", "X-Query-Key": form.read_token.reveal()}
        asked = http.ask(_at(NEW_RELIC_INSIGHTS, form), "GET", path, headers=headers, region=form.centre)
        answer = await ladder.reach("New Relic", asked)
        with ladder.step("accepted", "Query the account") as rung:
            body = _read(answer, form, http, field="read_token", named="read token")
            if not isinstance(body.get("results"), list):
                raise nonsense("New Relic")
            rung.detail = f"account {form.account_id}, data centre {form.centre}"
        return CheckResult(account=None, label=self.called(form), warnings=odd, unproven=UNPROVEN)

    async def alert(self, form: Keys, alert: Alert, http: Http) -> Receipt:
        """Post one event (https://docs.newrelic.com/docs/data-apis/ingest-apis/event-api/). Raises a `ProviderError`.

        Values are texts and numbers; the API takes no others.
        """
        event = {
            "eventType": EVENT,
            "timestamp": int(alert.at.timestamp() * 1000),
            "message": alert.text[:VALUE_LENGTH],
            "alertId": alert.id,
            "groupId": alert.group,
            "test": "true",
        }
        token = form.write_token.reveal()
        header = "X-Insert-Key" if token.startswith("NRII-") else "Api-Key"
        path = f"/v1/accounts/{form.account_id}/events"
        headers = {header: token}
        answer = await http.ask(_at(NEW_RELIC, form), "POST", path, headers=headers, json=[event], region=form.centre)
        body = _read(answer, form, http, field="write_token", named="write token")
        number = body.get("uuid")
        if body.get("success") is not True or not isinstance(number, str):
            raise nonsense("New Relic")
        if re.fullmatch(r"[\w.-]{1,64}", number, re.ASCII) is None:
            raise nonsense("New Relic")
        text = f"New Relic took it for account {form.account_id} as {number}; it looks at the contents later."
        return Receipt(id=number, text=text)


def _at(upstream: Upstream, form: Keys) -> Upstream:
    return _EUROPE[upstream.name] if form.is_european else upstream


def _read(answer: Answer, form: Keys, http: Http, *, field: str, named: str) -> Mapping[str, Any]:
    """The body of a good answer. A 403 (and a 401) is the key's: of another account, data centre or kind."""
    if answer.status == HTTPStatus.UNAUTHORIZED or (answer.status == HTTPStatus.FORBIDDEN and answer.is_json):
        raise InvalidCredentials(
            f"New Relic refused the {named}: it knows no such key for account {form.account_id} in its data centre "
            f"{form.centre}. Check the key and the account ID; the licence key tells the data centre.",
            field=field,
        )
    if answer.status == HTTPStatus.NOT_FOUND:
        raise InvalidCredentials(
            f"New Relic knows no account {form.account_id} in its data centre {form.centre}. Check the account ID.",
            field="account_id",
        )
    http.judge(NEW_RELIC, answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise nonsense("New Relic")
    return body


PROVIDER = Provider(
    slug="new_relic",
    name="New Relic",
    category=Category.ALERTING,
    docs="https://docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys/",
    about=__doc__ or "",
    stops="Alerts to New Relic stop at once.",
    methods=(NewRelicKeys(),),
    names=Names(),
    limits=(
        f"Alerts become custom events of the type {EVENT}; whom New Relic tells is for a condition there to say.",
        "New Relic takes events first and reads them later: a receipt says that one was taken, not that it was kept.",
        "The write token and the licence key cannot be checked without posting an event.",
    ),
)
