"""The chat API's names for credentials, and what they are here: form fields for what is live, else public or sealed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.secret import HIDDEN, Secret, mask

FOREIGN: Final = "foreign"


@dataclass(frozen=True)
class Way:
    """What a providerId is here. `kind` is the row's; `channel` the one that it is for, "" for any."""

    provider: str
    method: str
    kind: str
    name: str
    channel: str = ""


_APPS = (
    ("slack", "slack", "Slack"),
    ("msteams", "teams", "Microsoft Teams"),
    ("discord", "discord", "Discord"),
    ("telegram", "telegram", "Telegram"),
    ("whatsapp-business", "whatsapp", "WhatsApp"),
)
_MAIL = (
    ("nodemailer", "smtp", "SMTP"),
    ("sendgrid", "sendgrid", "SendGrid"),
    ("postmark", "postmark", "Postmark"),
    ("ses", "ses", "Amazon SES"),
    ("resend", "resend", "Resend"),
)
_ALERTS = (("pagerduty", "events_key", "PagerDuty"), ("opsgenie", "api_key", "Opsgenie"))
KNOWN: Final[Mapping[str, Way]] = MappingProxyType(
    {wire: Way(slug, "app", "app", name, "chat") for wire, slug, name in _APPS}
    | {wire: Way("email", method, "account", name, "email") for wire, method, name in _MAIL}
    | {slug: Way(slug, method, "account", name, "chat") for slug, method, name in _ALERTS}
)
"""providerId → what it is; every other is `foreign`."""

_WIRE: Final = {(way.provider, way.method): wire for wire, way in KNOWN.items()}

PUBLIC: Final = frozenset(
    {
        "clientId",
        "redirectUrl",
        "applicationId",
        "tenantId",
        "region",
        "from",
        "senderName",
        "hmac",
        "host",
        "port",
        "secure",
        "requireTls",
        "ignoreTls",
        "domain",
        "user",
        "projectName",
        "ipPoolName",
        "channelId",
        "senderId",
        "title",
        "state",
        "alertUid",
        "phoneNumberIdentification",
        "useFromAddressOverride",
        "fromAddressOverride",
        "emailSlugPrefix",
    }
)
"""What of an app's or an unknown provider's credentials is no secret; everything else is sealed."""

BOOLEANS: Final = frozenset(
    {"secure", "requireTls", "ignoreTls", "hmac", "authenticateByToken", "useFromAddressOverride"}
)

FIELDS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = MappingProxyType(
    {
        ("email", "smtp"): {
            "host": "host",
            "port": "port",
            "user": "username",
            "password": "password",
            "from": "sender_address",
        },
        ("email", "sendgrid"): {"apiKey": "api_key", "from": "sender_address"},
        ("email", "postmark"): {"apiKey": "server_token", "from": "sender_address"},
        ("email", "ses"): {
            "region": "region",
            "accessKey": "access_key_id",
            "secretKey": "secret_access_key",
            "from": "sender_address",
        },
        ("email", "resend"): {"apiKey": "api_key", "from": "sender_address"},
        ("pagerduty", "events_key"): {
            "secretKey": "service_key",
            "routingKey": "service_key",
            "apiKey": "service_key",
            "region": "region",
        },
        ("opsgenie", "api_key"): {"apiKey": "api_key", "region": "region"},
    }
)
"""Of each way that is live, by provider and method: wire name → form field. What is not here is not used, and not
kept. Of several names for a field the last counts that says anything.
"""


def way_of(provider_id: str) -> Way:
    """What a providerId is here."""
    return KNOWN.get(provider_id) or Way(provider_id, FOREIGN, FOREIGN, provider_id)


def wire_of(provider: str, method: str) -> str:
    """The providerId of a row."""
    return _WIRE.get((provider, method), provider)


def is_known(provider: str, method: str) -> bool:
    """Whether a row of a provider that the hub knows has a providerId."""
    return (provider, method) in _WIRE


def name_of(provider: str) -> str:
    """What people call the provider of a chat account."""
    return next((way.name for way in KNOWN.values() if way.provider == provider), provider)


MOST_NAMES: Final = 80
NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What a credential may be called: a name is kept in sight, so nothing long that is no name may be one."""


def given(credentials: Mapping[str, Any], masks: Mapping[str, Any]) -> dict[str, str | bool]:
    """What was really given of a body's credentials: no nulls, no objects, which the clients empty on the way.

    A value that is what is shown of the stored one stands for it. Raises `BadForm` for another one with dots in it.
    """
    found: dict[str, str | bool] = {}
    if len(credentials) > MOST_NAMES or not all(NAME.fullmatch(name) for name in credentials):
        raise BadForm(
            {"credentials": f"These must be at most {MOST_NAMES}, each called by a short word (a-z, 0-9, _)."}
        )
    for name, value in credentials.items():
        if (
            value is None
            or isinstance(value, dict | list)
            or (isinstance(value, str) and value and value == masks.get(name))
        ):
            continue
        if isinstance(value, str) and HIDDEN in value:
            raise BadForm({f"credentials.{name}": "This is a value as it is shown, not as it is. Send it whole."})
        if isinstance(value, bool) or name in BOOLEANS:
            found[name] = _truth(name, value)
        else:
            found[name] = str(value)
    return found


def _truth(name: str, value: Any) -> bool | str:
    if isinstance(value, str) and value.lower() in {"true", "false", ""}:
        return value.lower() == "true" if value else ""
    if not isinstance(value, bool) or name not in BOOLEANS:
        raise BadForm({f"credentials.{name}": "This is either true or false, or a text, as the name says."})
    return value


def form_values(provider: str, method: str, wire: Mapping[str, str | bool]) -> dict[str, Any]:
    """Credentials as the fields of a way that is live; "" stands for what is to be cleared."""
    values: dict[str, Any] = {}
    for name, field in FIELDS[provider, method].items():
        if name in wire and (wire[name] != "" or field not in values):
            values[field] = wire[name]
    if provider != "email" and isinstance(values.get("region"), str):
        values["region"] = values["region"].upper()  # endpoints of the same vendors have it small
    if method == "smtp" and not {"secure", "requireTls", "ignoreTls"}.isdisjoint(wire):
        clear = wire.get("ignoreTls") is True or (wire.get("secure") is False and wire.get("requireTls") is not True)
        values["tls"] = not clear
    return values


def field_masks(provider: str, method: str, masks: Mapping[str, Any]) -> dict[str, Any]:
    """Masks by form field as masks by wire name."""
    return {name: masks[field] for name, field in FIELDS.get((provider, method), {}).items() if field in masks}


def split(wire: Mapping[str, str | bool | Secret]) -> tuple[dict[str, str | bool], dict[str, Secret]]:
    """Credentials of an app or an unknown provider: what may be shown, and what is sealed. Both without blanks."""
    secrets: dict[str, Secret] = {}
    public: dict[str, str | bool] = {}
    for name, value in wire.items():
        if isinstance(value, Secret):
            secrets[name] = value
        elif isinstance(value, bool) or (name in PUBLIC and value):
            public[name] = value
        elif value:
            secrets[name] = Secret(value)
    return public, secrets


def masks_of(secrets: Mapping[str, Secret]) -> dict[str, str]:
    """What may be shown of what is sealed."""
    return {name: HIDDEN if name == "password" else mask(secret) for name, secret in secrets.items()}
