"""What may be handed to somebody who helps: made field by field from an allow-list, so that nothing else is in it.

No name, address, label, account, option, mask or sentence of a vendor's: words that this program knows itself, numbers
and moments. Whatever else stands in a field becomes `other`.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso, parse
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Provider
from atlas_hub.services import doctor
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.findings import Area, Finding, Status
from atlas_hub.services.views import State, Truth, missing_scopes, state_of
from atlas_hub.settings import Settings
from atlas_hub.storage import connections as stored
from atlas_hub.storage import counting
from atlas_hub.storage.connections import Stored

FORMAT: Final = 1
OTHER: Final = "other"
LIBRARIES: Final = ("reflex", "fastapi", "sqlalchemy", "pydantic", "httpx", "cryptography")
SHOWN: Final = frozenset({"deploy_mode", "rate_limit_rpm", "api_rate_limit_rpm", "port"})
"""The settings whose values are words or numbers of ours. Of every other one only whether it is set is told."""
SOURCES: Final = ("page", "admin", "groups", "connections", "chat", "environment")
CODES: Final = (
    "INVALID_CREDENTIALS",
    "AUTH_EXPIRED",
    "INSUFFICIENT_PERMISSIONS",
    "RATE_LIMITED",
    "NETWORK_ERROR",
    "PLATFORM_ERROR",
    "VAULT_LOCKED",
    "BAD_FORM",
)
STEPS: Final = (
    "settings", "database", "migrations", "keys", "redis", "address", "proxy", "audit", "reachable", "websocket",
    "clock", "dns", "tls", "authentication", "scopes", "destination", "expiry", "sunset",
)  # fmt: skip
"""Every step there is, in the order in which it is looked at."""

UPSTREAMS: Final = (
    "SLACK", "MICROSOFT_LOGIN", "MICROSOFT_GRAPH", "BOTFRAMEWORK", "DISCORD", "TELEGRAM", "GOOGLE_OAUTH", "GOOGLE_CHAT",
    "GITHUB", "LINEAR", "META_GRAPH", "SENDGRID", "POSTMARK", "RESEND", "SES", "PAGERDUTY", "DATADOG", "NEW_RELIC",
    "NEW_RELIC_INSIGHTS", "OPSGENIE", "VICTOROPS",
)  # fmt: skip
"""The vendors whose address the operator may replace."""


class Part(BaseModel):
    """Nothing is in it that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Program(Part):
    """What runs, and on what."""

    version: str
    python: str
    platform: str
    libraries: dict[str, str]


class TruthTold(Part):
    """How one of the four truths stands, and since when."""

    status: Literal["yes", "no", "unknown"]
    at: str | None


class ConnectionTold(Part):
    """A connection without anything by which its account could be known. `number` is its place in this bundle."""

    number: int
    provider: str
    method: str
    source: str
    primary: bool
    active: bool
    state: str
    checks: dict[str, TruthTold]
    failures: int
    age_days: int
    days_left: int | None
    scopes: list[str]
    other_scopes: int
    missing_scopes: list[str]


class FindingTold(Part):
    """How a step ended. `connection` is the number of a connection above; null for the installation."""

    area: Area
    connection: int | None
    step: str
    status: Status
    code: str | None


class Bundle(Part):
    """The whole of it."""

    format: int
    made_at: str
    program: Program
    settings: dict[str, str]
    counts: dict[str, int]
    connections: list[ConnectionTold]
    findings: list[FindingTold]


async def of_workspace(hub: Hub, actor: Actor) -> Bundle:
    """The bundle of the actor's own workspace. No vendor is asked. In SaaS it says nothing of the settings.

    Raises `Forbidden`, and `NotAvailable` without a database.
    """
    require_admin(actor)
    return await made(hub, [actor.workspace], await doctor.here(hub, actor), whole=not hub.settings.saas)


async def made(hub: Hub, workspaces: Sequence[str], findings: Iterable[Finding], *, whole: bool = True) -> Bundle:
    """The bundle of some workspaces and of what the doctor found. `whole`: with the settings' names."""
    async with hub.db.reading() as tx:
        rows = [each for workspace in workspaces for each in await stored.cards(tx, workspace)]
        counts = await counting.rows(tx, workspaces)
    numbers = {each.row.id: number for number, each in enumerate(rows, start=1)}
    return assembled(
        hub.settings if whole else None,
        hub.now(),
        counts=counts,
        connections=[_connection(hub, each, numbers[each.row.id]) for each in rows],
        findings=[_finding(finding, numbers) for finding in findings],
    )


def without_store(settings: Settings | None, at: datetime, findings: Iterable[Finding]) -> Bundle:
    """The bundle where what is stored cannot be read, or not even the settings."""
    return assembled(settings, at, counts={}, connections=[], findings=[_finding(each, {}) for each in findings])


def assembled(
    settings: Settings | None,
    at: datetime,
    *,
    counts: Mapping[str, int],
    connections: list[ConnectionTold],
    findings: list[FindingTold],
) -> Bundle:
    """The parts put together."""
    return Bundle(
        format=FORMAT,
        made_at=iso(at),
        program=Program(
            version=_version("atlas-hub"),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
            libraries={name: _version(name) for name in LIBRARIES},
        ),
        settings={} if settings is None else _settings(settings),
        counts=dict(counts),
        connections=connections,
        findings=findings,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _settings(settings: Settings) -> dict[str, str]:
    told = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if name in SHOWN:
            told[str(field.validation_alias)] = str(value)
        else:
            told[str(field.validation_alias)] = "unset" if value == field.default or not value else "set"
    for name in sorted(_variables()):
        told[name] = "set" if settings.env(name) else "unset"
    upstreams = {name for name in settings.upstreams if name in UPSTREAMS}
    return told | {f"ATLAS_UPSTREAM_{name}": "set" for name in sorted(upstreams)}


def _variables() -> set[str]:
    found: set[str] = set()
    for provider in PROVIDERS.values():
        found |= set(provider.oauth_env or ())
        for way in provider.environment:
            found |= set(way.variables.values())
    return found


def _connection(hub: Hub, each: Stored, number: int) -> ConnectionTold:
    row, at = each.row, hub.now()
    provider = PROVIDERS.get(row.provider)
    known = _scopes_of(provider) if provider else frozenset()
    granted = {scope for scope in each.granted or () if isinstance(scope, str)}
    return ConnectionTold(
        number=number,
        provider=row.provider if provider else OTHER,
        method=row.method if provider and provider.method(row.method) else OTHER,
        source=_one_of(row.source, SOURCES),
        primary=row.primary_scope is not None,
        active=bool(row.active),
        state=_one_of(_state(hub, each), list(State)),
        checks={truth.value: _truth(row.checks.get(truth.value)) for truth in Truth},
        failures=int(row.failures),
        age_days=(at - row.connected_at).days,
        days_left=None if each.expires_at is None else (each.expires_at - at).days,
        scopes=sorted(granted & known),
        other_scopes=len(granted - known),
        missing_scopes=list(missing_scopes(provider, each.granted)) if provider else [],
    )


def _state(hub: Hub, each: Stored) -> str:
    try:
        return state_of(each.row, hub.vault, each.key_id).value
    except ValueError:
        return OTHER


def _scopes_of(provider: Provider) -> frozenset[str]:
    return frozenset().union(*provider.features.values())


def _truth(told: Any) -> TruthTold:
    told = told if isinstance(told, dict) else {}
    status = told.get("status")
    return TruthTold(status=status if status in ("yes", "no") else "unknown", at=_moment(told.get("at")))


def _moment(text: Any) -> str | None:
    try:
        return iso(parse(str(text)))
    except ValueError:
        return None


def _one_of(word: str, words: Iterable[str]) -> str:
    return next((str(each) for each in words if each == word), OTHER)


def _finding(finding: Finding, numbers: Mapping[str, int]) -> FindingTold:
    return FindingTold(
        area=finding.area,
        connection=numbers.get(finding.connection),
        step=_one_of(finding.step, STEPS),
        status=finding.status,
        code=_one_of(finding.code, CODES) if finding.code else None,
    )
