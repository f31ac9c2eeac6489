"""Alerts as JSON to an address of your own, signed so that it can tell that they are the hub's.

1. Have a service that takes POST requests over https and answers with 2xx, where the internet reaches it.
2. Make a secret for it: whsec_ and the base64 of 24 to 64 random bytes. Any other text is used as it is, in UTF-8.
3. Enter address and secret, choose Connect, then send a test alert.
4. Verify webhook-signature with a library of Standard Webhooks, or X-MMS-Signature: Base64 of the body's HMAC-SHA1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import Field, field_validator

from atlas_hub.kit.answer import judge, retry_after
from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.clock import iso, now
from atlas_hub.kit.errors import (
    AuthExpired,
    InsufficientPermissions,
    InvalidCredentials,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.signing import is_garbled, key_of, signed
from atlas_hub.kit.stars import host_of
from atlas_hub.providers._alerting import whole_address
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

VENDOR: Final = "The webhook"
NO_CONFIGURATION: Final = "0" * 24
"""The alert configuration of a test: there is none."""
UNPROVEN: Final = "Whether the webhook takes alerts cannot be checked without posting: send a test alert."
UNSIGNED: Final = "Without a secret alerts are not signed, and the receiver cannot tell whose they are."
SHORT: Final = "The secret is short; 24 random bytes or more cannot be guessed."
GARBLED: Final = (
    "The secret begins with whsec_ and is not base64 after it, so that it signs as it is, in UTF-8; a library may read "
    "it otherwise. Copy it again, whole."
)

_SHORTEST_KEY = 24
_BUSY = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
"""What asks a sender to slow down (https://github.com/standard-webhooks/standard-webhooks, *Deliverability*)."""


class Address(Form):
    """Where alerts go, and what signs them. The address may hold a secret, so it is kept as one."""

    url: Secret = Field(
        title="URL",
        description="Where alerts are posted to; it must begin with https://.",
        examples=["https://alerts.example.com/atlas"],
        json_schema_extra={"shows": "host", "target": True},
    )
    secret: Secret | None = Field(
        default=None,
        title="Secret",
        description="Signs every alert. A secret that is not whsec_ and base64 is used as it is, in UTF-8.",
        examples=["whsec_…"],
        json_schema_extra={"shows": "nothing"},
    )

    _cleaned = field_validator("url", mode="before")(pasted)

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: Secret) -> Secret:
        return whole_address(value, "This is not a complete address, such as https://alerts.example.com/atlas.")

    @field_validator("secret")
    @classmethod
    def _can_sign(cls, value: Secret | None) -> Secret | None:
        if value is not None and (len(value) > 512 or not value.reveal().isprintable()):  # noqa: PLR2004  # a text
            raise ValueError("A secret has at most 512 characters, and no control characters. Enter it again.")
        return value

    @property
    def host(self) -> str:
        """Scheme, host and port, which may be shown."""
        return host_of(self.url)


class SignedWebhook(Method[Address]):
    """An address that takes alerts as JSON."""

    key, label, form = "url", "URL and secret", Address
    purpose = Purpose.ALERTS
    wire_type = "WEBHOOK"

    def called(self, form: Address) -> str:
        """The host."""
        return form.host.partition("://")[2][:120] or self.label

    def facts(self, form: Address) -> Mapping[str, str]:
        """Where to, and whether alerts are signed."""
        return {"Address": f"{form.host}/…", "Signed": "no" if form.secret is None else "yes"}

    async def check(self, form: Address, http: Http, report: Report) -> CheckResult:
        """See whether the address may be used and its host is known; only a test alert tells more.

        HEAD and OPTIONS prove nothing of a receiver of POSTs. Raises `BadForm` where the guard refuses, `NetworkError`.
        """
        with Ladder(report).step("address", "Check the address") as rung:
            await http.guard.url(form.url.reveal(), field="url")
            rung.detail = f"{form.host} may be used. Nothing was posted."
        return CheckResult(account=None, label=self.called(form), warnings=_warnings(form.secret), unproven=UNPROVEN)

    async def alert(self, form: Address, alert: Alert, http: Http) -> Receipt:
        """Post the alert, signed. Raises `BadForm` where the guard refuses the address, a `ProviderError`."""
        body = json.dumps(said_of(alert), ensure_ascii=False, separators=(",", ":")).encode()
        number = f"msg_{alert.id}"
        headers = {"Content-Type": "application/json", "X-MMS-Event": "alert.inform"}
        if form.secret is not None:
            headers |= signed(body, form.secret, number=number, at=now())
        answer = await http.ask_url(VENDOR, "POST", form.url.reveal(), headers=headers, body=body)
        error = _refusal(answer, is_signed=form.secret is not None)
        if error is not None:
            raise error
        judge(VENDOR, answer)
        how = "unsigned" if form.secret is None else "signed"
        return Receipt(id=number, text=f"The webhook took it, {how}, and answered {answer.status}.")


def _warnings(secret: Secret | None) -> tuple[str, ...]:
    if secret is None:
        return (UNSIGNED,)
    if is_garbled(secret):
        return (GARBLED,)
    return (SHORT,) if len(key_of(secret)) < _SHORTEST_KEY else ()


def said_of(alert: Alert) -> dict[str, Any]:
    """The alert in the JSON of MongoDB Atlas' webhooks, and `test`, by which a receiver knows it for what it is.

    https://www.mongodb.com/docs/atlas/reference/api-resources-spec/v2/ (*Alerts*).
    """
    at = iso(alert.at)
    return {
        "id": alert.id,
        "groupId": alert.group,
        "alertConfigId": NO_CONFIGURATION,
        "eventTypeName": "TEST_ALERT",
        "status": "INFORMATIONAL",
        "created": at,
        "updated": at,
        "lastNotified": at,
        "resolved": None,
        "humanReadable": alert.text,
        "metricName": None,
        "currentValue": None,
        "clusterName": None,
        "replicaSetName": None,
        "links": [{"rel": "self", "href": alert.url}],
        "test": True,
    }


def _refusal(answer: Answer, *, is_signed: bool) -> ProviderError | None:
    """What the receiver's status means where the usual words would not help; its body is never shown."""
    status = answer.status
    match status:
        case HTTPStatus.UNAUTHORIZED:
            refused = "The webhook refused the alert: it does not accept the signature (401). Check the secret there."
            bare = "The webhook refused the alert, which was not signed (401). Enter the secret that it verifies with."
            return InvalidCredentials(refused if is_signed else bare, field="secret")
        case HTTPStatus.GONE:
            text = "The webhook is disabled there: its receiver answered that it is gone for good (410). Enter another."
            return AuthExpired(text, field="url")
        case HTTPStatus.NOT_FOUND:
            text = "The webhook's host knows no such address (404). Check the URL."
            return InsufficientPermissions(text, field="url")
    if status in _BUSY:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"The webhook is busy ({status}). Try again in {seconds} seconds.", retry_after=seconds)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return InsufficientPermissions(f"The webhook did not take the alert ({status}). Look into the receiver's log.")
    return None


PROVIDER = Provider(
    slug="webhook",
    name="Webhook",
    category=Category.WEBHOOKS,
    docs="https://www.standardwebhooks.com",
    about=__doc__ or "",
    stops="Alerts to this address stop at once.",
    methods=(SignedWebhook(),),
    names=Names(),
    limits=(
        "Only what answers 2xx within 10 seconds has taken an alert; redirects are not followed.",
        "Addresses in private networks are refused, unless whoever runs the hub allows them.",
        "Whether the address takes alerts cannot be checked without posting one.",
    ),
)
