"""The doctor's look at the installation itself: nothing is changed by it, and nothing here needs to work."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from atlas_hub import bus
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.kit import probe
from atlas_hub.kit.errors import ProviderError
from atlas_hub.services import rotation
from atlas_hub.services.findings import Area, Sheet, Tell
from atlas_hub.settings import LOOPBACK
from atlas_hub.storage import audit, installation
from atlas_hub.storage import connections as stored
from atlas_hub.storage.keys import is_key_id

log = logging.getLogger(__name__)

SUBJECT = "Installation"
SKEW_WARNING, SKEW_FAILURE = timedelta(seconds=60), timedelta(seconds=300)
START_AGAIN = "then start the hub again."


def sheet(tell: Tell) -> Sheet:
    """Where what is found about the installation is written."""
    return Sheet(area=Area.INSTALLATION, subject=SUBJECT, tell=tell)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look: the hub, where to write, and whether its server is this process."""

    hub: Hub
    sheet: Sheet
    serving: bool


async def inward(look: Look, workspaces: Sequence[str]) -> bool:
    """What can be told without asking anyone outside. Whether the store can be read."""
    readable = await _database(look)
    await _careful(look, "keys", _keys(look, readable=readable))
    await _careful(look, "redis", _redis(look))
    _address(look)
    _proxy(look)
    if readable:
        await _careful(look, "audit", _audit(look, workspaces))
    else:
        look.sheet.skipped("audit", "The audit log cannot be read without the database.")
    return readable


async def outward(look: Look) -> None:
    """What the page's own address says from here."""
    await _careful(look, "reachable", _reachable(look))


def clock(look: Look, ahead: Sequence[timedelta]) -> None:
    """This machine's clock against the vendors' that were asked: the one in the middle counts."""
    if not ahead:
        look.sheet.skipped("clock", "No vendor that was asked told its time, so there is nothing to compare with.")
        return
    skew(look.sheet, sorted(ahead)[len(ahead) // 2], "the vendors' clocks")


def skew(paper: Sheet, ahead: timedelta, whose: str) -> None:
    """What a clock that is so far ahead means."""
    seconds = round(abs(ahead).total_seconds())
    if timedelta(seconds=seconds) <= SKEW_WARNING:
        paper.ok("clock", f"This machine and {whose} agree to within a minute.")
        return
    text = f"This machine is {seconds} seconds {'ahead of' if ahead > timedelta() else 'behind'} {whose}."
    fix = "Let a time server set this machine's clock (NTP): signed requests and consents fail by a wrong one."
    (paper.failed if timedelta(seconds=seconds) > SKEW_FAILURE else paper.warning)("clock", text, fix)


async def is_current(hub: Hub) -> bool:
    """Whether the store can be read by this version. Raises `Unreachable`, `TimeoutError`."""
    return hub.has_database and await installation.revision(hub.db) == installation.head()


async def _careful(look: Look, step: str, work: Awaitable[None]) -> None:
    """The doctor outlives whatever it looks at."""
    try:
        await work
    except Exception as error:
        log.exception("The doctor's step %s could not be finished.", step)
        look.sheet.failed(
            step, f"This could not be looked at ({type(error).__name__}).", "The hub's log has more about it."
        )


async def _database(look: Look) -> bool:
    hub, paper = look.hub, look.sheet
    skipped = "The tables cannot be looked at without the database."
    if not hub.settings.has_database:
        paper.skipped("database", "There is no internal database (DATABASE_URL is none).")
        paper.skipped("migrations", skipped)
        return False
    kind = "PostgreSQL" if hub.settings.database.startswith("postgres") else "SQLite"
    if not hub.has_database:
        paper.failed("database", "There is no SQLite file yet.", "Run `atlas-hub migrate`, or start the hub.")
        paper.skipped("migrations", skipped)
        return False
    try:
        present = await installation.revision(hub.db)
    except Exception as error:
        if not isinstance(error, (*Unreachable, OSError, TimeoutError)):
            log.exception("The doctor could not read the database.")
        fix = "See that the database runs, that DATABASE_URL names it, and that its user may sign in."
        paper.failed("database", f"The {kind} database does not answer as it should.", fix)
        paper.skipped("migrations", skipped)
        return False
    paper.ok("database", f"The {kind} database answers.")
    return _migrations(paper, present)


def _migrations(paper: Sheet, present: str) -> bool:
    newest = installation.head()
    if present == newest:
        paper.ok("migrations", f"The tables are at the newest revision, {present}.")
        return True
    if not present:
        text, fix = "The hub's tables are not there.", "Run `atlas-hub migrate`, or start the hub."
    elif installation.knows(present):
        text = f"The tables are at revision {present}; this version needs {newest}."
        fix = "Make a backup, then run `atlas-hub migrate`."
    else:
        text = "The tables are at a revision that this version does not know: a newer hub made them."
        fix = "Start the newer version again, or restore the backup that was made before it."
    paper.failed("migrations", text, fix)
    return False


async def _keys(look: Look, *, readable: bool) -> None:
    vault, settings, paper = look.hub.vault, look.hub.settings, look.sheet
    begun = readable or settings.encryption_keys is not None or settings.production
    if not begun and not settings.key_file.exists():
        paper.skipped("keys", "There is no encryption key yet; the first start makes one.")
        return
    if vault.locked:
        unused = settings.production and settings.encryption_keys is None and settings.key_file.exists()
        paper.failed(
            "keys",
            vault.reason,
            "The key file of development is not used in production. Put its content into ATLAS_ENCRYPTION_KEYS, "
            f"{START_AGAIN}"
            if unused
            else f"Put the right keys into ATLAS_ENCRYPTION_KEYS, {START_AGAIN}",
        )
        return
    if not readable:
        paper.skipped("keys", "The keys are well formed. Whether they open what is stored needs the database.")
        return
    uses = await rotation.status(look.hub)
    missing = [use for use in uses if use.rows and not use.configured]
    older = [use for use in uses if use.rows and use.configured and not use.active]
    if missing:
        paper.failed("keys", _rows(missing, "which is not configured"), "Put that key back after the active one.")
    elif older:
        paper.warning("keys", _rows(older, "a former key"), "Run `atlas-hub keys rotate`; then remove the former key.")
    elif settings.encryption_keys is None:
        paper.ok("keys", "The key file beside the SQLite file opens everything. Keep a copy apart from the database.")
    else:
        paper.ok("keys", f"Everything that is stored is sealed with the active key, {vault.active_id}.")


def _rows(uses: Sequence[rotation.KeyUse], what: str) -> str:
    told = []
    for use in uses:
        key = f"sealed with {use.key_id}, {what}" if is_key_id(use.key_id) else "not what any key of this hub sealed"
        told.append(f"{use.rows} {'row is' if use.rows == 1 else 'rows are'} {key}.")
    return " ".join(told)


async def _redis(look: Look) -> None:
    url, paper = look.hub.settings.redis_url, look.sheet
    if not url:
        paper.ok("redis", "None is configured. One process needs none; several workers or machines do.")
    elif await bus.answers(url):
        paper.ok("redis", "Redis answers.")
    else:
        fix = "See that Redis runs and that REFLEX_REDIS_URL names it. Until then pages do not follow changes."
        paper.failed("redis", "Redis is configured, but does not answer.", fix)


def _address(look: Look) -> None:
    settings, paper = look.hub.settings, look.sheet
    parts = urlsplit(settings.address)
    here = (parts.hostname or "") in LOOPBACK
    if not settings.production:
        paper.ok("address", f"Links and callbacks use {settings.address}.")
    elif not settings.public_url:
        text = "ATLAS_PUBLIC_URL is not set: links and callbacks lead to this machine alone."
        paper.failed("address", text, "Set ATLAS_PUBLIC_URL to the address that browsers use.")
    elif parts.scheme != "https" and not here:
        text = "The public address begins with http://, so that passwords and sessions can be read on the way."
        paper.failed("address", text, "Put a proxy with a certificate in front, and set ATLAS_PUBLIC_URL to https://.")
    elif here:
        fix = "Set ATLAS_PUBLIC_URL to the address that browsers use."
        paper.warning("address", f"The public address, {settings.address}, leads to this machine alone.", fix)
    else:
        paper.ok("address", f"Links and callbacks use {settings.address}.")


def _proxy(look: Look) -> None:
    settings, paper = look.hub.settings, look.sheet
    if settings.trusted_proxies:
        paper.ok("proxy", "The proxies in ATLAS_TRUSTED_PROXIES are believed when they say who asks.")
    elif settings.address.startswith("https://"):
        # The hub's own server speaks http: where the address is https, a proxy stands in between.
        text = "A proxy stands in front (the address is https), and none is trusted: every visitor counts as one."
        paper.warning("proxy", text, "Set ATLAS_TRUSTED_PROXIES to the proxy's address, so that limits count each one.")
    else:
        paper.ok("proxy", "None is expected: the address is http.")


async def _audit(look: Look, workspaces: Sequence[str]) -> None:
    async with look.hub.db.reading() as tx:
        used = await stored.workspaces(tx)
        lost = [each for each in workspaces if each in used and not await audit.has_head(tx, each)]
    if lost:
        text = f"{len(lost)} of {len(workspaces)} workspaces have connections, but no audit log: it was removed."
        look.sheet.failed(
            "audit", text, "Restore the tables from a backup, and find out who can write to the database."
        )
    else:
        look.sheet.ok("audit", "Every workspace with connections has an audit log.")


async def _reachable(look: Look) -> None:
    hub, paper = look.hub, look.sheet
    try:
        found = await probe.ping(hub.http, hub.settings.address)
    except ProviderError as error:
        if look.serving or await _runs(hub):
            text = f"The hub runs, but its address {hub.settings.address} cannot be reached from here. {error.text}"
            fix = "Open the address in a browser. Where that works, only this machine cannot; else mend name or proxy."
            paper.warning("reachable", text, fix)
        else:
            paper.skipped("reachable", f"The hub does not run here, and nothing answers at {hub.settings.address}.")
        paper.skipped("websocket", "The page's websocket can be tried only where the address can be reached.")
        return
    if not found:
        text = f"Something answers at {hub.settings.address}, but it is not this hub."
        paper.failed("reachable", text, "Let the proxy pass every path on, or mend ATLAS_PUBLIC_URL.")
        paper.skipped("websocket", "The page's websocket is tried only at this hub's own address.")
        return
    paper.ok("reachable", f"The hub answers at {hub.settings.address}.")
    await _websocket(look)


async def _websocket(look: Look) -> None:
    fix = "Let the proxy pass `Upgrade` and `Connection` on for /_event, and give it at least 60 seconds of silence."
    try:
        opened = await probe.takes_websockets(look.hub.http, look.hub.settings.address)
    except ProviderError as error:
        look.sheet.failed("websocket", f"The page's websocket cannot be opened. {error.text}", fix)
        return
    if opened:
        look.sheet.ok("websocket", "The page's websocket can be opened.")
    else:
        look.sheet.failed("websocket", "The page's websocket is refused, so that pages stay empty.", fix)


async def _runs(hub: Hub) -> bool:
    """Whether a hub answers on this machine's own port."""
    try:
        return await probe.ping(hub.http, f"http://127.0.0.1:{hub.settings.port}")
    except ProviderError:
        return False
