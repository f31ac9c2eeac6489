"""What the services need, held together: opened in the lifespan of each worker, never at import."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from atlas_hub.bus import Bus, open_bus
from atlas_hub.kit.clock import Now, now
from atlas_hub.kit.errors import BadForm, NotAvailable
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.kit.limits import Limits
from atlas_hub.settings import Settings
from atlas_hub.storage import installation
from atlas_hub.storage.db import Db, Unreachable, is_there
from atlas_hub.storage.vault import Vault

__all__ = ["Hub", "Unreachable", "hub", "opened"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hub:
    """One worker's hub. Services take it first and read no global."""

    settings: Settings
    vault: Vault
    http: Http
    bus: Bus
    limits: Limits
    now: Now
    _db: Db | None
    engines: list[Callable[[str, str], Coroutine[Any, Any, None]]] = field(default_factory=list, repr=False)
    """What `later` asks: the engine for durable work, while it is open."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the present request; what still runs when the hub closes is cancelled."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, job: str, row_id: str) -> None:
        """Have a job done on a row at once, by whichever worker is free. Call it after the commit; it does not wait.

        Only a nudge: where no engine is open (the command line) or it does not answer, the job's sweep finds the row.
        Raises `ValueError` for a job that the open engine does not know, and for what is no row's id.
        """
        for engine in self.engines:
            self.soon(engine(job, row_id))

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def db(self) -> Db:
        """The database. Raises `NotAvailable` where there is none (`DATABASE_URL=none`)."""
        if self._db is None:
            remedy = "" if self.settings.saas else " Set DATABASE_URL and restart the hub."
            raise NotAvailable(f"There is no internal database here.{remedy}")
        return self._db

    @property
    def has_database(self) -> bool:
        """Whether `db` can be asked for."""
        return self._db is not None


_open: list[Hub] = []


def hub() -> Hub:
    """The open hub of this process, for Reflex states and API routes, which are made before it is opened."""
    if not _open:
        raise NotAvailable("The hub is not running yet. Try again in a moment.")
    return _open[-1]


@asynccontextmanager
async def opened(settings: Settings, *, clock: Now = now) -> AsyncIterator[Hub]:
    """Open a hub, make it the process's own, and close it at the end.

    Migrates the database under a lock. Raises `BadForm` where the encryption key is missing in production or malformed,
    or where the folder cannot be made.
    """
    async with AsyncExitStack() as closing:
        db: Db | None = None
        if settings.has_database:
            _make_folder(settings)
            db = Db(settings.database)
            closing.push_async_callback(db.close)
            await installation.migrate(db)
        vault = await installation.open_vault(settings, db)
        the_hub = _held(settings, db, vault, clock, closing)
        closing.push_async_callback(the_hub._end_tasks)  # noqa: SLF001  # its own
        _open.append(the_hub)
        closing.callback(_open.remove, the_hub)
        yield the_hub


@asynccontextmanager
async def as_found(settings: Settings, *, clock: Now = now) -> AsyncIterator[Hub]:
    """A hub on what is there, for looking at it: nothing is migrated, made or written, and nothing broken refuses.

    There is no `db` where its SQLite file does not exist, and the vault is locked where its keys are wrong. Raises
    `BadForm` where an address among the settings cannot be read.
    """
    async with AsyncExitStack() as closing:
        db: Db | None = None
        if settings.has_database and is_there(settings.database):
            db = Db(settings.database)
            closing.push_async_callback(db.close)
        vault = await installation.vault_as_found(settings, db)
        yield _held(settings, db, vault, clock, closing)


def _make_folder(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        text = f"{error.filename} cannot be written. Give the hub a folder by ATLAS_DATA_DIR."
        raise BadForm({"ATLAS_DATA_DIR": text}) from None


def _held(settings: Settings, db: Db | None, vault: Vault, clock: Now, closing: AsyncExitStack) -> Hub:
    own_host = urlsplit(settings.address).hostname or ""
    guard = Guard(settings.outbound_allow, own_hosts=(own_host,))
    http = Http(settings.upstreams, guard, versions=settings.versions)
    closing.push_async_callback(http.close)
    bus = open_bus(settings.redis_url)
    closing.push_async_callback(bus.close)
    limits = Limits(settings.redis_url)
    closing.push_async_callback(limits.close)
    return Hub(settings, vault, http, bus, limits, clock, db)
