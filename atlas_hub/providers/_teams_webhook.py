"""Alerts in a Teams channel by its own address: a workflow of Power Automate, or a connector of the retired kind.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from atlas_hub.kit.answer import judge, retry_after
from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.stars import host_of
from atlas_hub.providers._alerting import CLIENT, whole_address
from atlas_hub.providers.contract import Alert, CheckResult, Form, Method, Purpose, Receipt

VENDOR: Final = "Microsoft Teams"
FIELD: Final = "microsoft_teams_webhook_url"
TEXT_LENGTH: Final = 4000
"""Teams takes 28 KB in all; four thousand characters are 16 at most."""
UNPROVEN: Final = "Whether Microsoft Teams takes alerts here cannot be checked without posting: send a test alert."

_INSIDE = re.compile(r"HTTP error (\d{3})")
"""A connector's refusal within a 200."""


class Kind(StrEnum):
    """Whose address it is, by its host."""

    WORKFLOW = "Workflow"
    CONNECTOR = "Office 365 connector"
    OTHER = "Another host"


LIMITS: Final[Mapping[Kind, str]] = {
    Kind.CONNECTOR: "Microsoft has retired Office 365 connectors, and this address is one: it may stop at any time. "
    "Make a workflow in the channel and enter its URL.",
    Kind.OTHER: "This is not an address of Microsoft's: whether it passes alerts on to Teams is not known here.",
}
_ZONES: Final = {
    ".webhook.office.com": Kind.CONNECTOR,
    ".webhook.office365.us": Kind.CONNECTOR,
    ".logic.azure.com": Kind.WORKFLOW,
    ".logic.azure.us": Kind.WORKFLOW,
    ".api.powerplatform.com": Kind.WORKFLOW,
}
"""Microsoft's clouds, that of the United States' government (`us`) included."""
_FIRST_CONNECTORS: Final = frozenset({"outlook.office.com", "outlook.office365.com"})


class ChannelAddress(Form):
    """The address of a channel. Whoever has it can post there, so it is a secret."""

    microsoft_teams_webhook_url: Secret = Field(
        title="Webhook URL",
        description="In Teams, open the channel's menu, Workflows, choose the one that sends webhook alerts to a "
        "channel, and copy its URL. URLs of Office 365 connectors are retired.",
        examples=["https://….logic.azure.com/workflows/…"],
        json_schema_extra={"shows": "host", "target": True},
    )

    _cleaned = field_validator(FIELD, mode="before")(pasted)

    @field_validator(FIELD)
    @classmethod
    def _is_an_address(cls, value: Secret) -> Secret:
        return whole_address(
            value, "This is not a complete address. Copy it from the workflow: it begins with https://."
        )

    @property
    def kind(self) -> Kind:
        """Whose address it is."""
        try:
            host = (urlsplit(self.microsoft_teams_webhook_url.reveal()).hostname or "").rstrip(".").lower()
        except ValueError:
            host = ""
        if host in _FIRST_CONNECTORS:
            return Kind.CONNECTOR
        return next((kind for zone, kind in _ZONES.items() if host.endswith(zone)), Kind.OTHER)

    @property
    def host(self) -> str:
        """Scheme, host and port, which may be shown."""
        return host_of(self.microsoft_teams_webhook_url)


class TeamsWebhook(Method[ChannelAddress]):
    """An incoming webhook of a channel."""

    key, label, form = "webhook", "Incoming webhook", ChannelAddress
    purpose = Purpose.ALERTS
    wire_type = "MICROSOFT_TEAMS"
    recommended_because = "Alerts alone, in one channel, without a bot."

    def called(self, form: ChannelAddress) -> str:
        """Kind and host."""
        return f"{form.kind} at {form.host.partition('://')[2]}"[:120]

    def facts(self, form: ChannelAddress) -> Mapping[str, str]:
        """Kind and host."""
        return {"Kind": form.kind.value, "Address": f"{form.host}/…"}

    async def check(self, form: ChannelAddress, http: Http, report: Report) -> CheckResult:
        """See whose address it is and whether it may be used; only a test alert tells more.

        Raises `BadForm` where the guard refuses, `NetworkError` where the host is not known.
        """
        with Ladder(report).step("address", "Check the address") as rung:
            await http.guard.url(form.microsoft_teams_webhook_url.reveal(), field=FIELD)
            rung.detail = f"{form.kind} at {form.host}. Nothing was posted."
        limits = (LIMITS[form.kind],) if form.kind in LIMITS else ()
        return CheckResult(account=None, label=self.called(form), limits=limits, unproven=UNPROVEN)

    async def alert(self, form: ChannelAddress, alert: Alert, http: Http) -> Receipt:
        """Post an Adaptive Card. Raises `BadForm` where the guard refuses the address, a `ProviderError`."""
        body = json.dumps(card(alert), ensure_ascii=False, separators=(",", ":")).encode()
        address = form.microsoft_teams_webhook_url.reveal()
        headers = {"Content-Type": "application/json"}
        answer = await http.ask_url(VENDOR, "POST", address, headers=headers, body=body, field=FIELD)
        taken = answer.status < HTTPStatus.BAD_REQUEST  # else the page of a proxy in between could be taken for it
        inside = _INSIDE.search(answer.body.decode("utf-8", "replace")) if taken else None
        status = int(inside[1]) if inside else answer.status
        error = _refusal(status, answer)
        if error is not None:
            raise error
        judge(VENDOR, answer)
        if inside is not None:
            raise PlatformError(f"Microsoft Teams did not take it: its own service answered {status}. Try again later.")
        return _receipt(form, alert, answer)


def card(alert: Alert) -> dict[str, Any]:
    """The alert as Teams shows it: a message with one Adaptive Card."""
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [
                        {"type": "TextBlock", "text": f"TEST alert from {CLIENT}", "weight": "Bolder", "wrap": True},
                        {"type": "TextBlock", "text": _plain(alert.text[:TEXT_LENGTH]), "wrap": True},
                    ],
                },
            }
        ],
    }


def _plain(text: str) -> str:
    """The text without what a TextBlock reads as a link: whoever sends a test chose their own name."""
    return text.replace("[", "\\[").replace("]", "\\]")


def _refusal(status: int, answer: Answer) -> ProviderError | None:
    """What a status means, Teams' own or the one inside its 200; its words are never shown."""
    match status:
        case HTTPStatus.TOO_MANY_REQUESTS:
            seconds = retry_after(answer.headers.get("retry-after"))
            text = f"Microsoft Teams is busy: too many alerts went to this channel. Try again in {seconds} seconds."
            return RateLimited(text, retry_after=seconds)
        case HTTPStatus.NOT_FOUND | HTTPStatus.GONE:
            text = f"Microsoft Teams knows no such address ({status}): the workflow or connector was removed. "
            return InvalidCredentials(f"{text}Make a workflow in the channel and enter its URL.", field=FIELD)
        case HTTPStatus.UNAUTHORIZED:
            text = "Microsoft Teams refused the address (401): its signature is wrong or cut off. Copy the URL again."
            return InvalidCredentials(text, field=FIELD)
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return InsufficientPermissions("Microsoft Teams says the alert is too long (413). It takes 28 KB at most.")
        case HTTPStatus.BAD_REQUEST:
            text = (
                "Microsoft Teams did not take the alert (400): the workflow is turned off, or expects something else."
            )
            return InsufficientPermissions(f"{text} Open it in Power Automate.", field=FIELD)
    return None


def _receipt(form: ChannelAddress, alert: Alert, answer: Answer) -> Receipt:
    """What Teams says to a message that it took. Raises `PlatformError` for a 2xx that says something else."""
    if answer.status == HTTPStatus.ACCEPTED:
        return Receipt(id=alert.id, text="Microsoft Teams accepted it for the workflow, which posts it by itself.")
    if answer.body.strip() == b"1":
        return Receipt(id=alert.id, text="Microsoft Teams accepted it into the channel.")
    if form.kind is Kind.WORKFLOW:  # one that ends with a Response says what its maker likes
        return Receipt(id=alert.id, text="The workflow of Microsoft Teams accepted it.")
    raise PlatformError("Microsoft Teams answered without saying that it took the alert. Look into the channel.")
