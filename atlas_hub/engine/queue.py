"""The queue of DBOS, and the only place that knows DBOS. All of it is synchronous and called from threads.

DBOS is imported when a queue is opened, never before: a server forks after the hub was imported.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from atlas_hub.kit.errors import NotAvailable
from atlas_hub.storage import executors
from atlas_hub.storage.executors import Place

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions

log = logging.getLogger(__name__)

NAME: Final = "atlas-hub"
VERSION: Final = "1"
"""Of what is queued; never the release's, as what the former release queued is done too."""
POLL_SECONDS: Final = 1.0
"""How often each kind of work is looked for: what an idle worker costs."""
AHEAD: Final = 25
"""How many times what may run a worker takes at once: else a kind that runs 4 would be done 4 a second."""
SILENT_SECONDS: Final = 20.0
"""A worker that was not seen for this long is suspected …"""
SUSPECT_SECONDS: Final = 15.0
"""… and taken over after this long without a break: when the database was away, all seem dead at first."""
ATTEMPTS: Final = 10
"""A row on which more workers died is left to its sweep."""
KEEP_SECONDS: Final = 86_400.0
"""How long a dead worker's name is kept."""
BATCH: Final = 500
THREADS: Final = 8
_WORK: Final = "work"
_ENDED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Do = Callable[[str, str], Awaitable[None]]
"""Does the work of this name, on the row of this id."""


class Failed(Exception):
    """What the queue is told of a failure: its code or class, and nothing of its text."""


class Queue:
    """One worker's hold on the queue."""

    def __init__(self) -> None:
        self.executor_id = uuid.uuid4().hex
        """Of this start of this worker alone: whoever starts with the id of another runs its living work twice."""
        self._place: Place | None = None
        self._client: DBOSClient | None = None
        self._launched = False
        self._suspects: dict[str, float] = {}

    def open(self, url: str, at_once: Mapping[str, int], do: Do | None) -> None:
        """Open the queue beside the hub's database; where `do` is given, take work from it and do that.

        `at_once`: the name of each kind of work and how many of it are to run, to which `do` holds back what is taken
        ahead. Raises `Unreachable`, `NotAvailable`, and
        what the database says where it does not let us make our tables.
        """
        from dbos import DBOSClient

        self._place = executors.open_place(url)
        serializer = _json()
        if do is not None:
            executors.beat(self._place, self.executor_id)
            self._launch(self._place, serializer, at_once, do)
        self._client = DBOSClient(
            system_database_engine=self._place,
            dbos_system_schema=executors.SCHEMA,
            serializer=serializer,
            application_name=NAME,
            lazy=True,
            retry_connection_errors=False,  # it would hold its thread until the database is back
        )

    def _launch(self, place: Place, serializer: Any, at_once: Mapping[str, int], do: Do) -> None:
        from dbos import DBOS, DBOSConfig

        if _is_taken():
            text = "This process uses DBOS for itself. Set ATLAS_WORKER=off and run `atlas-hub worker` beside it."
            raise NotAvailable(text)
        config = DBOSConfig(
            name=NAME,
            system_database_engine=place,
            dbos_system_schema=executors.SCHEMA,
            application_version=VERSION,
            executor_id=self.executor_id,
            serializer=serializer,
            use_listen_notify=False,  # a connection for messages that nobody sends
            max_executor_threads=THREADS,
            notification_listener_polling_interval_sec=0.2,  # it only sleeps, and is waited for at the end
            scheduler_polling_interval_sec=3600,  # sweeps are ticked by the engine
            enable_otlp=False,
            log_level="ERROR",  # it warns at every poll while the database is away; the engine says so once
        )
        its_log = logging.getLogger("dbos")
        if not its_log.handlers:
            its_log.addHandler(logging.NullHandler())  # else it writes by itself, past what covers secrets
        its_log.addFilter(_is_news)
        self._launched = True
        DBOS(config=config)

        @DBOS.workflow(name=_WORK, max_recovery_attempts=ATTEMPTS)
        async def work(name: str, row_id: str) -> None:
            await do(name, row_id)

        DBOS.listen_queues(list(at_once))
        DBOS.launch()
        for name, most in at_once.items():
            DBOS.register_queue(
                name, worker_concurrency=most * AHEAD, polling_interval_sec=POLL_SECONDS, on_conflict="always_update"
            )

    def put(self, found: Iterable[tuple[str, str]]) -> None:
        """Queue work by name, each on a row, unless it is queued or running. Raises `NotAvailable`, `Unreachable`."""
        for name, row_id in found:
            self._enqueue(
                {
                    "workflow_name": _WORK,
                    "queue_name": name,
                    "deduplication_id": row_id,
                    "duplication_policy": "return-existing",
                },
                name,
                row_id,
            )

    def put_once(self, queue: str, name: str, number: int) -> None:
        """Queue the work of a name, which has no row, once for a number, however many ask. Raises as `put` does."""
        self._enqueue(
            {
                "workflow_name": _WORK,
                "queue_name": queue,
                "workflow_id": f"{name}.{number}",
                "deduplication_id": name,
                "duplication_policy": "return-existing",
            },
            name,
            "",
        )

    def _enqueue(self, options: EnqueueOptions, *given: str) -> None:
        if self._client is None:
            raise NotAvailable("Background work does not run yet.")
        self._client.enqueue(options, *given)

    def beat(self) -> None:
        """Tell that we live, and take over the work of who has not told for a while. Raises `Unreachable`."""
        if self._place is None or self._client is None:
            return
        try:
            executors.beat(self._place, self.executor_id)
            running = self._client.list_workflows(status="PENDING", load_input=False, load_output=False)
            living = executors.alive(self._place, SILENT_SECONDS)
        except Exception:
            self._suspects.clear()
            raise
        silent = {each.executor_id for each in running if each.executor_id} - living - {self.executor_id}
        now = time.monotonic()
        self._suspects = {each: self._suspects.get(each, now) for each in silent}
        dead = [each for each, since in self._suspects.items() if now - since >= SUSPECT_SECONDS]
        if dead:
            log.warning("Taking over the work of workers that ended without a word: %d.", len(dead))
            _queue_again(dead)

    def clean(self, before: datetime) -> int:
        """Delete what ended before a moment, in batches. How many that were. Raises `Unreachable`."""
        count = 0
        while self._client is not None and self._place is not None:
            old = self._client.list_workflows(
                status=_ENDED, completed_before=before.isoformat(), limit=BATCH, load_input=False, load_output=False
            )
            if old:
                self._client.delete_workflows([each.workflow_id for each in old])
            count += len(old)
            if len(old) < BATCH:
                executors.forget(self._place, seconds=KEEP_SECONDS)
                break
        return count

    def stop_taking(self) -> None:
        """Take no more work, and wait for no database that is away. What runs goes on."""
        its_own = _its_own() if self._launched else None
        if its_own is not None:
            for event in its_own.background_thread_stop_events:
                event.set()
            if its_own._sys_db_field is not None:  # noqa: SLF001  # there is no setting for it
                its_own._sys_db_field._retry_connection_errors = False  # noqa: SLF001  # same

    def hand_back(self) -> None:
        """Queue again what we took and have not ended, and sign off. Only while none of it runs."""
        if self._launched:
            _queue_again([self.executor_id])
        if self._place is not None:
            executors.forget(self._place, executor_id=self.executor_id)

    def close(self) -> None:
        """Close everything. It may be opened again."""
        if self._launched:
            from dbos import DBOS

            self._launched = False
            DBOS.destroy()
        if self._client is not None:
            self._client.destroy()
            self._client = None
        if self._place is not None:
            executors.close_place(self._place)
            self._place = None


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a line is about more than work that failed, which is in our own log already."""
    return not (record.exc_info and isinstance(record.exc_info[1], Failed))


def _its_own() -> Any:
    from dbos import _dbos

    return _dbos._dbos_global_instance  # noqa: SLF001  # there is no other way to ask


def _is_taken() -> bool:
    """Whether DBOS runs in this process already: there is one in a process."""
    return _its_own() is not None


def _queue_again(executor_ids: list[str]) -> None:
    """Queue what these workers took and have not ended. Of several who do so at once, one has an effect."""
    from dbos import DBOS

    DBOS._recover_pending_workflows(executor_ids)  # noqa: SLF001  # public for its own conductor alone


def _json() -> Any:
    """What DBOS writes into its tables: JSON, and of an exception one word."""
    from dbos import Serializer

    class Json(Serializer):
        def name(self) -> str:
            return "atlas_json"

        def serialize(self, data: Any) -> str:
            if isinstance(data, BaseException):
                word = str(data) if isinstance(data, Failed) else type(data).__name__
                return json.dumps({"failed": word})
            return json.dumps(data)

        def deserialize(self, serialized_data: str) -> Any:
            data = json.loads(serialized_data)
            if isinstance(data, dict) and "failed" in data:
                return Failed(data["failed"])
            return data

    return Json()
