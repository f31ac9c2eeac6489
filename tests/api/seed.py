"""The seed's own words about the admin API: its twenty routes, and what the answers call the vendors' facts."""

from __future__ import annotations

from typing import Any

from atlas_hub.api.bodies import ways
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Method, Provider, Purpose
from tests.api.conftest import Vendors
from tests.providers.entries import ENTRIES
from tests.providers.entries.entry import Entry
from tests.standins import discord, teams, whatsapp

ROUTES = {
    ("GET", "/status"),
    ("POST", "/slack/byot"),
    ("DELETE", "/slack"),
    ("POST", "/teams/byot"),
    ("DELETE", "/teams"),
    ("POST", "/discord/byot"),
    ("DELETE", "/discord"),
    ("POST", "/telegram"),
    ("DELETE", "/telegram"),
    ("POST", "/gchat"),
    ("DELETE", "/gchat"),
    ("POST", "/github"),
    ("DELETE", "/github"),
    ("POST", "/linear"),
    ("DELETE", "/linear"),
    ("POST", "/whatsapp"),
    ("DELETE", "/whatsapp"),
    ("POST", "/email"),
    ("POST", "/email/test"),
    ("DELETE", "/email"),
}
MORE = {
    ("GET", "/used-by"),
    ("GET", "/activity"),
    ("GET", "/activity/export"),
    ("POST", "/doctor"),
    ("GET", "/doctor/bundle"),
}
"""What the admin API offers beside the seed's routes."""
EVERY = ROUTES | MORE

STATUS = {
    "slack": {"teamId", "workspaceName", "oauthConfigured", "envConfigured"},
    "teams": {"tenantId", "tenantName"},
    "discord": {"guildId", "guildName"},
    "telegram": {"botId", "botUsername"},
    "gchat": {"projectId", "serviceAccountEmail"},
    "github": {"username"},
    "linear": {"userName", "userEmail"},
    "whatsapp": {"phoneNumberId", "displayPhone"},
    "email": {"provider", "senderAddress"},
}
"""The platforms of the status answer and their own fields, beside connected, installedAt and configurable."""

REFUSED = {
    "slack": "invalid_token",
    "teams": "invalid_credentials",
    "discord": "invalid_token",
    "telegram": "invalid_token",
    "gchat": "invalid_credentials",
    "github": "invalid_token",
    "linear": "invalid_token",
    "whatsapp": "invalid_credentials",
    "email": "invalid_config",
}
"""Each route's own word for what the vendor refuses."""

FACTS: dict[str, dict[str, Any]] = {
    "slack": {"workspaceName": "Acme Corp", "teamId": "T0ACME"},
    "teams": {"appId": teams.ATLAS},
    "discord": {"botUsername": "acme-atlas"},
    "telegram": {"botUsername": "acme_atlas_bot"},
    "gchat": {"projectId": "acme-atlas", "serviceAccountEmail": "atlas@acme-atlas.iam.gserviceaccount.com"},
    "github": {"username": "octocat"},
    "linear": {"userName": "Ada Lovelace", "userEmail": "ada@acme.example"},
    "whatsapp": {"displayPhone": whatsapp.PHONE},
}
"""What the answer to a connect tells of the good credential's account, in the seed's fields."""

SHOWN: dict[str, dict[str, Any]] = {
    **FACTS,
    "teams": {"tenantId": teams.ACME, "tenantName": "Acme Corp"},
    "discord": {"guildId": discord.ACME_GUILD, "guildName": "Acme Corp"},
    "telegram": {"botId": "123456789", "botUsername": "acme_atlas_bot"},
    "whatsapp": {"phoneNumberId": whatsapp.NUMBER, "displayPhone": whatsapp.PHONE},
}
"""What the status answer then shows."""


def offered(entry: Entry) -> bool:
    """Whether the admin API offers the entry's method."""
    provider = PROVIDERS[entry.slug]
    return provider.names.admin is not None and entry.way in ways(provider)


ADMIN = tuple(entry for entry in ENTRIES if offered(entry))
"""The entries of every way to connect by the admin API, those of a provider that is added later included."""


def provider_of(entry: Entry) -> Provider:
    return PROVIDERS[entry.slug]


def name_of(entry: Entry) -> str:
    """The platform's name: its path, and its key in the status answer."""
    name = provider_of(entry).names.admin
    assert name is not None
    return name


def path_of(entry: Entry) -> str:
    """Where it is connected."""
    return f"/{provider_of(entry).names.admin_path or name_of(entry)}"


def is_mail(entry: Entry) -> bool:
    return entry.way.purpose is Purpose.MAIL


def _names(method: Method[Any]) -> set[str]:
    return {str(info.alias) for info in method.form.model_fields.values()}


def outside(entry: Entry) -> set[str] | None:
    """The fields that stand beside `config`, where the provider has several ways; None where it has one."""
    several = ways(provider_of(entry))
    return set.intersection(*map(_names, several)) if len(several) > 1 else None


def wire(entry: Entry, alias: str) -> str:
    """A field's name in `details`."""
    shared = outside(entry)
    return alias if shared is None or alias in shared else f"config.{alias}"


def body_of(entry: Entry, vendors: Vendors, without: str = "", **changed: Any) -> dict[str, Any]:
    """The body that connects it."""
    values = {**entry.values(vendors.of(entry)), **changed}
    values.pop(without, None)
    shared = outside(entry)
    if shared is None:
        return values
    return {
        "provider": entry.method,
        **{alias: value for alias, value in values.items() if alias in shared},
        "config": {alias: value for alias, value in values.items() if alias not in shared},
    }


def secrets_of(entry: Entry, vendors: Vendors) -> list[str]:
    """The secrets in that body."""
    form = entry.way.form
    values = entry.values(vendors.of(entry))
    aliases = [str(form.model_fields[name].alias) for name in form.secrets()]
    return [str(values[alias]) for alias in aliases if alias in values]
