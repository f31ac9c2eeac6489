"""Flowdock, a chat for teams that was discontinued on 15 August 2023.

1. Nothing can be connected any more: the service is offline, and the hub never calls it.
2. What tools store for it through the groups API is kept and shown, until somebody deletes it.
3. Choose another card, such as Slack or Microsoft Teams, for the alerts that went to Flowdock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import InsufficientPermissions
from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
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

GONE: Final = (
    "Flowdock was discontinued on 15 August 2023, and the hub never calls it. Send alerts to Slack or Microsoft Teams "
    "instead."
)
LENGTH: Final = 512


class Flow(Form):
    """A flow and its token, as the groups API stores them."""

    flow_name: str = Field(
        title="Flow", description="The flow's name.", examples=["alerts"], json_schema_extra={"at_once": True}
    )
    api_token: Secret = Field(title="API Token", description="The flow's token.", examples=["32 characters"])
    org_name: str = Field(
        title="Organisation",
        description="The organisation's name.",
        examples=["acme"],
        json_schema_extra={"at_once": True},
    )

    _cleaned = field_validator("api_token", mode="before")(pasted)

    @field_validator("flow_name", "org_name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if len(value) > LENGTH or not value.isprintable():
            raise ValueError("A name has at most 512 characters, and no control characters. Enter it again.")
        return value

    @field_validator("api_token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        if not 1 <= len(value) <= LENGTH or not value.reveal().isprintable():
            raise ValueError("A token has 1 to 512 characters, and no control characters. Copy it again.")
        return value


class FlowdockToken(Method[Flow]):
    """The token of a flow, which nobody can use any more."""

    key, label, form = "api_token", "API token", Flow
    purpose = Purpose.ALERTS
    wire_type = "FLOWDOCK"

    def called(self, form: Flow) -> str:
        """Organisation and flow."""
        return f"{form.org_name}/{form.flow_name}"[:120]

    def facts(self, form: Flow) -> Mapping[str, str]:
        """Organisation and flow."""
        return {"Organisation": form.org_name, "Flow": form.flow_name}

    async def check(self, form: Flow, http: Http, report: Report) -> CheckResult:
        """Ask nobody: there is nobody left to ask."""
        del http
        with Ladder(report).step("format", "Look at what is stored") as rung:
            rung.detail = GONE
        return CheckResult(account=None, label=self.called(form), unproven=GONE, delivers=False)

    async def alert(self, form: Flow, alert: Alert, http: Http) -> Receipt:
        """Raises `InsufficientPermissions`, always: nothing is delivered there any more."""
        del form, alert, http
        raise InsufficientPermissions(GONE)


PROVIDER = Provider(
    slug="flowdock",
    name="Flowdock",
    category=Category.ALERTING,
    docs="https://en.wikipedia.org/wiki/Flowdock",
    about=__doc__ or "",
    stops="Nothing stops: nothing has been delivered to Flowdock since 15 August 2023.",
    methods=(FlowdockToken(),),
    names=Names(),
    limits=(GONE,),
    lifecycle=Lifecycle(closed=True, ends=date(2023, 8, 15), instead="Use Slack or Microsoft Teams instead."),
)
