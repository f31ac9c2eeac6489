"""The doctor's look at one connection: the way to its vendor, then what the vendor says, then what is stored of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit import probe
from atlas_hub.kit.errors import (
    BadForm,
    HubError,
    InsufficientPermissions,
    NetworkError,
    NotFound,
    ProviderError,
    RateLimited,
    TooManyRequests,
    VaultLocked,
)
from atlas_hub.kit.probe import Place, Seen, Watched
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Provider, silent
from atlas_hub.services import asking, connections, environment
from atlas_hub.services.access import Actor
from atlas_hub.services.findings import Area, Sheet, Tell
from atlas_hub.services.installed import skew
from atlas_hub.services.views import Truth, missing_scopes
from atlas_hub.storage.connections import Stored

CHECK_SECONDS: Final = 10.0
"""How long the whole of a check may take, and so any answer in it."""
EXPIRY_WARNING: Final = timedelta(days=14)
CERTIFICATE_WARNING: Final = timedelta(days=7)
ASKED_STEPS: Final = ("dns", "tls", "clock", "authentication", "scopes")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a check came to. `error` is why it was refused or not made; `granted` is None where that is not told."""

    error: HubError | None = None
    proof: str = ""
    granted: tuple[str, ...] | None = None
    missing: tuple[str, ...] = ()
    expires_at: datetime | None = None
    checks: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)


def of_row(row: Any, tell: Tell) -> Sheet:
    """Where what is found about a stored connection is written."""
    provider = PROVIDERS.get(row.provider)
    name = provider.name if provider else row.provider
    subject = row.label if row.label.startswith(name) else f"{name}: {row.label}"
    return Sheet(area=Area.CONNECTION, subject=subject, connection=row.id, tell=tell)


async def examine(hub: Hub, actor: Actor, each: Stored, paper: Sheet) -> Sequence[timedelta]:
    """Look at a stored connection; the check that is made of it is written down as *Check now* does.

    Returns how far our clock is ahead of the vendor's, for each answer that told.
    """
    provider = PROVIDERS.get(each.row.provider)
    if provider is None or provider.method(each.row.method) is None:
        fix = "Install the package that brings this provider, or disconnect it."
        paper.failed("authentication", "This hub does not know the provider or its way to connect.", fix)
        return ()
    known = Outcome(expires_at=each.expires_at, checks=each.row.checks)
    if provider.lifecycle.closed:
        for step in ASKED_STEPS:
            paper.skipped(step, f"{provider.name} is not asked any more.")
        _stored(paper, hub, provider, known)
        return ()
    seen = Seen(hub.now)
    outcome = await _checked(replace(hub, http=Watched(hub.http, seen, CHECK_SECONDS)), actor, each, known)
    await _told(paper, hub, provider, each.row.method, seen, outcome)
    return seen.ahead


async def examine_mail(hub: Hub, tell: Tell) -> Sequence[timedelta]:
    """Look at the way that mail goes by the operator's variables, where they give one."""
    gift = environment.mail(hub)
    if gift is None:
        return ()
    paper = Sheet(area=Area.CONNECTION, subject=f"{gift.provider.name} of the environment", tell=tell)
    if gift.form is None:
        paper.failed("authentication", gift.fault, "Mend the variable, then start the hub again.")
        return ()
    seen = Seen(hub.now)
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            result = await asking.check(gift.method, gift.form, Watched(hub.http, seen, CHECK_SECONDS), silent, hub=hub)
    except TimeoutError:
        outcome = Outcome(error=_late())
    except (ProviderError, BadForm) as error:
        outcome = Outcome(error=error)
    else:
        granted = None if result.granted is None else tuple(sorted(result.granted))
        proof = " ".join(result.limits) or f"{gift.method.label} accepted it."
        outcome = Outcome(
            proof=proof,
            granted=granted,
            missing=missing_scopes(gift.provider, None if granted is None else list(granted)),
            expires_at=result.expires_at,
        )
    await _told(paper, hub, gift.provider, gift.method.key, seen, outcome)
    return seen.ahead


async def _checked(hub: Hub, actor: Actor, each: Stored, known: Outcome) -> Outcome:
    if hub.vault.locked or (each.key_id is not None and not hub.vault.knows(each.key_id)):
        # Not tried: a command line without the key must not write into the row that it is locked.
        return replace(
            known, error=VaultLocked("What is stored of it cannot be opened: its encryption key is missing.")
        )
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            done = await connections.checked(hub, actor, each.row.id)
    except TimeoutError:
        return replace(known, error=_late())
    except HubError as error:
        return replace(known, error=error)
    view = done.view
    return Outcome(
        error=done.refusal,
        proof=view.checks.get(Truth.AUTHENTICATED, {}).get("proof") or "It was accepted.",
        granted=view.granted,
        missing=view.missing,
        expires_at=view.expires_at,
        checks=view.checks,
    )


def _late() -> NetworkError:
    return NetworkError(f"The vendor was not done within {CHECK_SECONDS:g} seconds.")


async def _told(paper: Sheet, hub: Hub, provider: Provider, method: str, seen: Seen, outcome: Outcome) -> None:
    vendor = provider.asked_as(method)
    blocked = await _way(paper, hub, seen, vendor)
    if seen.ahead:
        skew(paper, max(seen.ahead, key=abs), f"{vendor}'s clock")
    else:
        paper.skipped("clock", f"{vendor} did not tell its time.")
    _authentication(paper, vendor, outcome, blocked)
    _scopes(paper, provider, vendor, outcome)
    _stored(paper, hub, provider, outcome)


async def _way(paper: Sheet, hub: Hub, seen: Seen, vendor: str) -> str:
    """DNS and TLS of every server that the check asked; why the way is blocked, "" where it is open."""
    if not seen.places:
        paper.skipped("dns", f"{vendor} was not asked, so there is no name to look up.")
        paper.skipped("tls", f"{vendor} was not asked, so there is no certificate to look at.")
        return ""
    found: list[tuple[Place, str]] = []
    for place in (_named(hub, place, vendor) for place in seen.places):
        try:
            addresses = await probe.addresses(hub.http.guard, place)
        except (ProviderError, BadForm) as error:
            whose = "the connection's settings" if place.typed else "the name server of the hub's machine"
            paper.failed("dns", error.text, f"Check {whose}, then run the doctor again.")
            paper.skipped("tls", "Without an address there is no certificate to look at.")
            return "its name leads nowhere."
        found.append((place, addresses[0]))
    hosts = ", ".join(dict.fromkeys(place.name for place, _ in found))
    paper.ok("dns", f"Found: {hosts}.")
    return await _tls(paper, hub, [(place, address) for place, address in found if place.secure])


def _named(hub: Hub, place: Place, vendor: str) -> Place:
    """Where the hub is run for many, a server that nobody there typed is the operator's business: only the vendor."""
    return replace(place, said=vendor) if hub.settings.saas and not place.typed else place


async def _tls(paper: Sheet, hub: Hub, found: Sequence[tuple[Place, str]]) -> str:
    if not found:
        paper.skipped("tls", "The connection does not begin with TLS: mail secures itself later, or it is plain http.")
        return ""
    ends: list[datetime] = []
    for place, address in found:
        try:
            ends.append(await probe.certificate_ends(place, address))
        except NetworkError as error:
            fix = "Where the name and this machine's clock are right, the vendor or a proxy in between is at fault."
            paper.failed("tls", error.text, fix)
            return "the way there is not safe or not open."
    left = min(ends) - hub.now()
    days = f"{left.days} day{'' if left.days == 1 else 's'}"
    if left < CERTIFICATE_WARNING:
        paper.warning(
            "tls", f"The certificate is valid, but ends in {days}.", "Whoever runs that server must renew it."
        )
    else:
        paper.ok("tls", f"The certificate is valid for another {days}.")
    return ""


def _authentication(paper: Sheet, vendor: str, outcome: Outcome, blocked: str) -> None:
    step, error = "authentication", outcome.error
    if error is None:
        paper.ok(step, outcome.proof)
    elif blocked:
        paper.skipped(step, f"{vendor} could not be asked: {blocked}")
    elif isinstance(error, VaultLocked):
        paper.failed(step, error.text, "Ask whoever runs the hub to put the key back, or connect anew.", error.code)
    elif isinstance(error, InsufficientPermissions):
        paper.failed(step, error.text, "Grant what is missing at the vendor, or mend its settings.", error.code)
    elif isinstance(error, RateLimited):
        paper.warning(step, error.text, "Wait, then run the doctor again.", error.code)
    elif isinstance(error, ProviderError) and error.permanent:
        paper.failed(step, error.text, "Replace the key on its card.", error.code)
    elif isinstance(error, ProviderError):
        fix = "Run the doctor again in a while; the vendor's status page may say more."
        paper.failed(step, error.text, fix, error.code)
    elif isinstance(error, TooManyRequests | NotFound):
        paper.skipped(step, error.text)
    else:
        paper.failed(step, error.text, "Mend its settings on its card.", error.code)


def _scopes(paper: Sheet, provider: Provider, vendor: str, outcome: Outcome) -> None:
    if outcome.error is not None:
        paper.skipped("scopes", f"{vendor} did not say what is allowed.")
    elif outcome.missing:
        fix = f"Add them at {provider.name}, then check the connection again."
        paper.warning("scopes", f"Missing: {', '.join(outcome.missing)}.", fix)
    elif outcome.granted is None:
        paper.skipped("scopes", f"{vendor} does not tell its scopes.")
    else:
        paper.ok("scopes", "Every scope that is needed is granted.")


def _stored(paper: Sheet, hub: Hub, provider: Provider, outcome: Outcome) -> None:
    """Destination, expiry and sunset: what is known without asking."""
    delivered = outcome.checks.get(Truth.DELIVERED, {})
    if delivered.get("status") == "yes":
        paper.ok("destination", "The last message arrived.")
    elif delivered.get("status") == "no":
        fix = "Send a test message from its card to the destination that is meant."
        paper.warning("destination", "The last message was refused.", fix)
    else:
        paper.skipped("destination", "It has no destination of its own, and nothing was sent through it yet.")
    left = None if outcome.expires_at is None else outcome.expires_at - hub.now()
    if left is None:
        paper.ok("expiry", "No end is known.")
    elif left <= timedelta():
        paper.failed("expiry", f"It ended on {outcome.expires_at:%-d %B %Y}.", "Replace it on its card.")
    elif left < EXPIRY_WARNING:
        paper.warning("expiry", f"It ends on {outcome.expires_at:%-d %B %Y}.", "Replace it on its card before then.")
    else:
        paper.ok("expiry", f"It ends on {outcome.expires_at:%-d %B %Y}.")
    _sunset(paper, hub, provider)


def _sunset(paper: Sheet, hub: Hub, provider: Provider) -> None:
    life = provider.lifecycle
    fix = life.instead or "Choose another service."
    if life.closed or (life.ends is not None and life.ends <= hub.now().date()):
        paper.failed("sunset", f"{provider.name} was closed.", fix)
    elif life.ends is not None:
        paper.warning("sunset", f"{provider.name} ends on {life.ends:%-d %B %Y}.", fix)
    elif life.deprecated:
        paper.warning("sunset", f"{provider.name} is deprecated.", fix)
    else:
        paper.ok("sunset", f"{provider.name} has announced no end.")
