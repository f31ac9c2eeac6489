"""What a check taught us, as four truths and one state: pure functions over a row."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import Incomplete, InsufficientPermissions, ProviderError, VaultLocked
from atlas_hub.providers.contract import Alerts, CheckResult, Feature, Provider, Purpose, Sends
from atlas_hub.services.views import State, Truth, missing_scopes
from atlas_hub.storage.models import Connection

PATIENCE_TRIES = 3
PATIENCE = timedelta(minutes=5)
REASON_LENGTH = 500
"""What the column takes."""
EXPIRY_WARNING = timedelta(days=7)
FAULT = "fault"
"""In `Connection.listing`: why the channels could not be listed."""
MISSING = "Missing: "
"""How the proof begins that says which scopes were not granted."""


def _truth(status: str, at: datetime, proof: str) -> dict[str, str]:
    return {"status": status, "at": iso(at), "proof": proof}


def told(checks: dict[str, Any], truth: Truth, status: str, at: datetime, proof: str) -> dict[str, Any]:
    """The checks with one truth told anew. `status` is `yes`, `no` or `unknown`; `proof` a short sentence."""
    return {**checks, truth.value: _truth(status, at, proof)}


def accepted(row: Connection, provider: Provider, result: CheckResult, at: datetime) -> None:
    """Write what an accepted check proved into the row: nothing where it posts nothing and posting was refused."""
    if result.unproven and _was_refused(row):
        return
    granted = None if result.granted is None else sorted(result.granted)
    missing = missing_scopes(provider, granted, row.features)
    vendor = provider.asked_as(row.method)
    who = f" as {result.account.name}" if result.account else ""
    checks = told(row.checks, Truth.CONFIGURED, "yes", at, "All fields are set.")
    seen = [row.checks.get(truth.value, {}).get("status") for truth in (Truth.DELIVERED, Truth.AUTHENTICATED)]
    arrived = "yes" in seen
    if result.unproven and not arrived:
        checks = told(checks, Truth.AUTHENTICATED, "unknown", at, result.unproven)
    elif not result.unproven or row.checks.get(Truth.AUTHENTICATED.value, {}).get("status") != "yes":
        proof = "It took what was sent." if result.unproven else f"{vendor} accepted it{who}."
        checks = told(checks, Truth.AUTHENTICATED, "yes", at, proof)
    checks = _authorized(checks, vendor, granted, missing, at)
    checks.setdefault(Truth.DELIVERED.value, _nothing(row, provider))
    row.checks = checks
    row.failures, row.failing_since = 0, None
    if row.state in {State.RECONNECT, State.MISCONFIGURED}:
        forget_fault(row)
    row.state, row.reason = State.OK, ""
    ends = result.expires_at is not None and result.expires_at - at < EXPIRY_WARNING
    if result.expires_at is not None and ends:
        row.state = State.EXPIRING
        said = " ".join(result.limits) or f"It ends on {result.expires_at:%-d %B %Y}. Replace it before then."
        row.reason = said[:REASON_LENGTH]
    elif missing:
        _lacks(row, provider, missing)
    elif result.unproven and not arrived:
        row.state, row.reason = State.UNVERIFIED, " ".join((result.unproven, *result.limits))[:REASON_LENGTH]
    elif result.limits:
        row.state = State.DEGRADED if result.delivers else State.MISCONFIGURED
        row.reason = " ".join(result.limits)[:REASON_LENGTH]


def forget_fault(row: Connection) -> None:
    """Take back why the channels could not be listed: it was said of credentials that were refused, or are replaced."""
    row.listing = {name: value for name, value in row.listing.items() if name != FAULT}


def _was_refused(row: Connection) -> bool:
    """Whether the vendor refused the credentials when something was posted with them."""
    return all(
        row.checks.get(truth.value, {}).get("status") == "no" for truth in (Truth.AUTHENTICATED, Truth.DELIVERED)
    )


def _nothing(row: Connection, provider: Provider) -> dict[str, Any]:
    """What is said of what was delivered before anything was."""
    proof = f"No messages are sent through {provider.name}."
    if row.purpose == Purpose.SCRAPE:
        proof = f"{provider.name} scraped nothing yet."
    elif isinstance(provider.method(row.method), Sends | Alerts):
        proof = "Nothing was sent yet."
    return {"status": "unknown", "at": None, "proof": proof}


def _authorized(
    checks: dict[str, Any], vendor: str, granted: list[Any] | None, missing: tuple[str, ...], at: datetime
) -> dict[str, Any]:
    if missing:
        return told(checks, Truth.AUTHORIZED, "no", at, f"{MISSING}{', '.join(missing)}.")
    if granted is None:
        return told(checks, Truth.AUTHORIZED, "unknown", at, f"{vendor} does not tell its scopes.")
    return told(checks, Truth.AUTHORIZED, "yes", at, "Every scope that is needed is granted.")


def _lacks(row: Connection, provider: Provider, missing: tuple[str, ...]) -> None:
    sends = isinstance(provider.method(row.method), Sends)
    mute = sends and not provider.features.get(Feature.SEND, frozenset()).isdisjoint(missing)
    row.state = State.MISCONFIGURED if mute else State.DEGRADED
    row.reason = f"{provider.name} did not grant {', '.join(missing)}. Add the scopes at the vendor, then check."


def switched(row: Connection, provider: Provider, granted: list[Any] | None, at: datetime) -> None:
    """Measure a connection whose features were switched, against what the vendor told before.

    What else is wrong with it stays said: scopes alone make it better or worse.
    """
    if row.checks.get(Truth.AUTHENTICATED.value, {}).get("status") != "yes":
        return
    lacked = row.checks.get(Truth.AUTHORIZED.value, {}).get("proof", "").startswith(MISSING)
    fine = row.state == State.OK or (lacked and row.state in {State.DEGRADED, State.MISCONFIGURED})
    if not fine and row.state != State.EXPIRING:
        return
    missing = missing_scopes(provider, granted, row.features)
    row.checks = _authorized(row.checks, provider.asked_as(row.method), granted, missing, at)
    if not fine:
        return
    row.state, row.reason = State.OK, ""
    if missing:
        _lacks(row, provider, missing)


def delivered(row: Connection, proof: str, at: datetime) -> None:
    """Write that something really arrived: of what can be proven no other way, this is the proof."""
    refused = _was_refused(row)
    row.checks = told(row.checks, Truth.DELIVERED, "yes", at, proof)
    if refused or row.checks.get(Truth.AUTHENTICATED.value, {}).get("status") == "unknown":
        row.checks = told(row.checks, Truth.AUTHENTICATED, "yes", at, proof)
        if row.state == (State.RECONNECT if refused else State.UNVERIFIED):
            row.state, row.reason = State.OK, ""


def unproven(row: Connection, provider: Provider, why: str, at: datetime) -> None:
    """Write a save that the vendor did not answer into the row."""
    checks = told(row.checks, Truth.CONFIGURED, "yes", at, "All fields are set.")
    checks = told(checks, Truth.AUTHENTICATED, "unknown", at, why)
    checks = told(checks, Truth.AUTHORIZED, "unknown", at, f"{provider.asked_as(row.method)} was not asked.")
    row.checks = {**checks, Truth.DELIVERED.value: _nothing(row, provider)}
    row.state, row.reason = State.UNVERIFIED, why
    row.failures, row.failing_since = 0, None


def incomplete(row: Connection, why: str, at: datetime) -> None:
    """Write into the row that it lacks a field, or has a wrong one."""
    row.checks = told(row.checks, Truth.CONFIGURED, "no", at, why)
    row.state, row.reason = State.MISCONFIGURED, why[:REASON_LENGTH]
    row.failures, row.failing_since = 0, None


def failed(row: Connection, error: ProviderError | VaultLocked, at: datetime) -> None:
    """Write a failed check or use into the row. A passing fault changes the state only when it lasts."""
    if isinstance(error, VaultLocked):
        row.state, row.reason = State.LOCKED, error.text
    elif isinstance(error, Incomplete):
        incomplete(row, error.text, at)
    elif isinstance(error, InsufficientPermissions):
        row.checks = told(row.checks, Truth.AUTHORIZED, "no", at, error.text)
        row.state, row.reason = State.MISCONFIGURED, error.text
    elif error.permanent:
        row.checks = told(row.checks, Truth.AUTHENTICATED, "no", at, error.text)
        row.state, row.reason = State.RECONNECT, error.text
    else:
        _passing(row, error, at)


def _passing(row: Connection, error: ProviderError, at: datetime) -> None:
    row.failures += 1
    row.failing_since = row.failing_since or at
    lasts = row.failures >= PATIENCE_TRIES or (row.failures > 1 and at - row.failing_since >= PATIENCE)
    if lasts and row.state in {State.OK, State.EXPIRING, State.DEGRADED, State.UNVERIFIED, State.UNREACHABLE}:
        row.state, row.reason = State.UNREACHABLE, error.text
