"""What may leave the hub about a connection. No field here can carry a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from atlas_hub.providers._consent import Consent
from atlas_hub.providers.contract import CheckResult, Provider
from atlas_hub.services.access import Actor
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.vault import Vault


class State(StrEnum):
    """What is known about a stored connection, in one word (decisions §7)."""

    OK = "ok"
    EXPIRING = "expiring"
    DEGRADED = "degraded"
    UNVERIFIED = "unverified"
    UNREACHABLE = "unreachable"
    RECONNECT = "reconnect"
    MISCONFIGURED = "misconfigured"
    LOCKED = "locked"
    PAUSED = "paused"
    UNINSTALLED = "uninstalled"


class Truth(StrEnum):
    """The four things that may be known."""

    CONFIGURED = "configured"
    AUTHENTICATED = "authenticated"
    AUTHORIZED = "authorized"
    DELIVERED = "delivered"


_KNOWN = frozenset(State)
CONNECTED = _KNOWN - {State.UNINSTALLED}
"""The states in which the status API says `connected: true`."""


@dataclass(frozen=True, kw_only=True)
class ConnectionView:
    """One connection as the page and the APIs may show it. `masks`: field → what may be shown of a secret.

    `waiting`: what the vendor said of a write that waits, empty where none does. `destination`: the default one.
    """

    id: str
    provider: str
    method: str
    method_label: str
    label: str
    account: str
    details: tuple[tuple[str, str], ...]
    wire: Mapping[str, Any]
    options: Mapping[str, Any]
    masks: Mapping[str, str]
    waiting: Mapping[str, Any]
    destination: Mapping[str, str]
    state: State
    reason: str
    checks: Mapping[str, Mapping[str, str | None]]
    granted: tuple[str, ...] | None
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    features: tuple[str, ...]
    by_consent: bool
    source: str
    primary: bool
    connected_at: datetime
    connected_by: str
    expires_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Connected:
    """What became of a connect. `replaced` names the account that made way; `gone` is its grant, to be revoked."""

    view: ConnectionView
    account: str
    wire: Mapping[str, Any]
    replaced: str | None = None
    verified: bool = True
    warnings: tuple[str, ...] = ()
    gone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Disconnected:
    """What became of a disconnect. `others` are still stored in the scope; `promoted` names the new default.

    `revoked`: whether the grant is dead at the vendor, None where there was none to revoke or that is not known;
    `revocation` says so, and where to do it by hand.
    """

    label: str
    still_in_use: bool
    others: int = 0
    promoted: str | None = None
    revoked: bool | None = None
    revocation: str = ""


def view_of(
    provider: Provider,
    row: Connection,
    vault: Vault,
    *,
    key_id: str | None,
    granted: list[Any] | None = None,
    expires_at: datetime | None = None,
) -> ConnectionView:
    """A row as it may be shown. A credential sealed with a key that is not configured makes it `locked`."""
    method = provider.method(row.method)
    locked = key_id is not None and not vault.knows(key_id)
    return ConnectionView(
        id=row.id,
        provider=provider.slug,
        method=row.method,
        method_label=method.label if method else row.provider,
        label=row.label,
        account=row.account_name,
        details=tuple((str(name), str(value)) for name, value in row.details),
        wire=row.wire,
        options=row.options,
        masks=row.masks,
        waiting=row.waiting,
        destination=row.destination,
        state=state_of(row, vault, key_id),
        reason=vault.reason or _locked_reason(key_id) if locked else row.reason,
        checks=row.checks,
        granted=None if granted is None else tuple(granted),
        missing=missing_scopes(provider, granted, row.features),
        extra=extra_scopes(provider, granted, row.features),
        features=provider.usual_features if row.features is None else tuple(row.features),
        by_consent=isinstance(method, Consent),
        source=row.source,
        primary=row.primary_scope is not None,
        connected_at=row.connected_at,
        connected_by=row.connected_by,
        expires_at=expires_at,
    )


def view_with(vault: Vault, provider: Provider, row: Connection, credential: Credential | None) -> ConnectionView:
    """A row with its credential as it may be shown."""
    return view_of(
        provider,
        row,
        vault,
        key_id=credential.key_id if credential else None,
        granted=credential.granted if credential else None,
        expires_at=credential.expires_at if credential else None,
    )


def state_of(row: Connection, vault: Vault, key_id: str | None) -> State:
    """The state of a row; `locked` where its credential is sealed with a key that is not configured.

    A word that this release does not know, written by a newer one, proves nothing: `unverified`.
    """
    if key_id is not None and not vault.knows(key_id):
        return State.LOCKED
    return State(row.state) if row.state in _KNOWN else State.UNVERIFIED


def _locked_reason(key_id: str | None) -> str:
    return (
        f"It is sealed with encryption key {key_id}, which is not configured. "
        "Ask whoever runs the hub to put that key back, or connect anew."
    )


def missing_scopes(provider: Provider, granted: list[Any] | None, features: list[Any] | None = None) -> tuple[str, ...]:
    """The scopes that the features which are on need and the vendor did not grant; none where it does not tell."""
    if granted is None:
        return ()
    return tuple(sorted(provider.scopes_of(features) - set(granted)))


def extra_scopes(provider: Provider, granted: list[Any] | None, features: list[Any] | None = None) -> tuple[str, ...]:
    """The scopes that were granted and that no feature which is on needs."""
    if granted is None or not provider.scopes_of([*provider.features]):
        return ()
    return tuple(sorted(set(granted) - provider.scopes_of(features)))


def scopes_of(provider: Provider, granted: list[Any] | None, features: list[Any] | None = None) -> dict[str, Any]:
    """What APIs tell of scopes: `granted` is None where the vendor does not tell."""
    return {
        "granted": None if granted is None else list(granted),
        "missing": list(missing_scopes(provider, granted, features)),
        "extra": list(extra_scopes(provider, granted, features)),
    }


@dataclass(frozen=True, kw_only=True)
class Other:
    """A connection that is stored beside the one that a card shows."""

    id: str
    label: str
    account: str
    state: State


@dataclass(frozen=True, kw_only=True)
class ConsentView:
    """The provider's consent on the page. `offered`: it can be given here now, to the app called `app`, which the
    vendor knows as `client_id`.

    `said` is what became of the last one where it failed; `present` and `proven` are asked about where it proved
    another account than the one that is connected, until `asks_until`. `done` is what a consent of the last minutes
    connected.
    """

    offered: bool
    app: str = ""
    client_id: str = ""
    said: str = ""
    done: str = ""
    present: str = ""
    proven: str = ""
    asks_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CardView:
    """One card, of one part of a provider: a mode (`status.Mode`), the connection it shows, the others stored beside.

    `key`: what the part is called on the page (`providers.key_of`). `suggested`: field → what its form begins with.
    `scrape`: the configuration that a Prometheus takes, without the password.
    `hint`: variables that the operator may set to make it work, alternatives each; `variables`: those that are set and
    used. Both are empty in SaaS, where no variable's name may be seen. `fallback` says what mail goes through without
    a connection, and `falls_back` whether that can deliver. `waits_until`: when the consent under way ends.
    `subscribers`: how many connections of subscribers there are.
    """

    provider: str
    key: str
    mode: str
    connection: ConnectionView | None = None
    suggested: Mapping[str, str] = field(default_factory=dict)
    scrape: str = ""
    others: tuple[Other, ...] = ()
    hint: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    fallback: str = ""
    falls_back: bool = False
    waits_until: datetime | None = None
    consent: ConsentView | None = None
    subscribers: int = 0

    def seen_by(self, actor: Actor) -> CardView:
        """The card as an actor may see it: consents are for those who may give them."""
        return self if actor.may_change else replace(self, consent=None)


def said(result: CheckResult) -> str:
    """The account a check proved, in words."""
    return result.account.name if result.account else result.label
