"""What the figures stand on: databases, a workspace with its owner, key and cookie, and rows in bulk."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event, text

from atlas_hub import api
from atlas_hub import hub as hubs
from atlas_hub.accounts import people, sessions, workspaces
from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from atlas_hub.settings import load
from bench.load import Digest, Target
from bench.rows import fill
from bench.servers import KEY, asked

BROWSERS = 10
"""Signed-in browsers, each with a cookie of its own."""
STATUS = "/api/v1/admin/integrations/status"
POSTGRES = asked("ATLAS_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


@dataclass(frozen=True)
class Ground:
    """A database with one workspace in use. `env` is what a hub on it is started with."""

    kind: str
    url: str
    workspace: str
    key: str
    cookies: tuple[str, ...]
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    public_key: str = ""

    @property
    def cookie(self) -> str:
        """The first browser's session."""
        return self.cookies[0]

    @property
    def bearer(self) -> tuple[tuple[str, str], ...]:
        """The header that the key's holder sends."""
        return (("Authorization", f"Bearer {self.key}"),)

    @property
    def api_key(self) -> tuple[tuple[str, str], ...]:
        """The header that a caller of the chat API sends."""
        return (("Authorization", f"ApiKey {self.key}"),)

    def status(self, port: int) -> Target:
        """GET /status with the key."""
        return Target(port, STATUS, headers=self.bearer)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one figure's files."""
    return tempfile.TemporaryDirectory(prefix="atlas-bench-")


def postgres_missing() -> str:
    """Why there is no PostgreSQL to measure on; empty where there is one."""
    try:
        with psycopg.connect(POSTGRES, connect_timeout=3):
            return ""
    except psycopg.OperationalError:
        return "PostgreSQL is not there. Start one, or name it in ATLAS_TEST_POSTGRES."


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of a kind (`SQLite` or `PostgreSQL`), gone afterwards."""
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'atlas.db'}"
        return
    name = f"atlas_bench_{new_id()}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield POSTGRES.rpartition("/")[0] + "/" + name
    finally:
        with psycopg.connect(POSTGRES, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@asynccontextmanager
async def open_hub(url: str, folder: Path) -> AsyncIterator[Hub]:
    """A hub in this process, to prepare the ground with."""
    async with hubs.opened(load(database_url=url, data_dir=folder, encryption_keys=KEY)) as hub:
        yield hub


async def prepare(
    kind: str, url: str, folder: Path, *, rows: bool = True, others: int = 0, apis: Sequence[str] = ("admin",)
) -> Ground:
    """A workspace with an owner, a cookie, a key and ten connections; `others` more workspaces with ten each."""
    async with open_hub(url, folder) as hub:
        home = await workspaces.create(hub, "Acme")
        user, _ = await people.create(
            hub, email="ana@example.com", password="bench " + new_id(), role=Role.OWNER, workspace=home.id
        )
        async with hub.db.transaction() as tx:
            cookies = [await sessions.begin(hub, tx, user.id, home.id) for _ in range(BROWSERS)]
        actor = Actor(id=user.id, name=user.email, workspace=home.id, role=Role.OWNER)
        made = await api_keys.create(hub, actor, role=Role.ADMIN, apis=list(apis))
        if rows:
            await fill(hub, [home.id], keys=False)
        await fill(hub, [new_id() for _ in range(others)], keys=True)
        await settle(hub)
    env = {
        "DATABASE_URL": url,
        "ATLAS_DATA_DIR": str(folder),
        "ATLAS_ENCRYPTION_KEYS": KEY,
        # The limit is asked at every change, and never reached.
        "ATLAS_RATE_LIMIT_RPM": "1000000",
        "ATLAS_API_RATE_LIMIT_RPM": "1000000000",
    }
    key, public_key = made.private_key.reveal(), made.view.public_key
    return Ground(kind, url, home.id, key, tuple(cookies), folder, env, public_key)


async def settle(hub: Hub) -> None:
    """What the database does by itself sooner or later: statistics for its planner."""
    async with hub.db.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE" if hub.db.postgres else "ANALYZE"))


async def counted(
    ground: Ground,
    path: str = STATUS,
    headers: Sequence[tuple[str, str]] = (),
    query: str = "",
    digest: tuple[str, str] | None = None,
) -> tuple[list[tuple[str, Any]], bytes]:
    """The statements of one GET, of /status unless another is named, as the driver gets them, and the answer's bytes:
    a hub in this process. `digest`: public and private key, where it is signed.
    """
    seen: list[tuple[str, Any]] = []
    app = api.transformer("atlas_hub.accounts.actors")(_nothing)
    async with open_hub(ground.url, ground.folder) as hub:
        sign = await _signer(app, path, *digest) if digest else lambda _: headers or ground.bearer
        await _ask(app, path, sign(1), query)  # notes that the key was used, once a minute
        event.listen(hub.db.engine.sync_engine, "before_cursor_execute", _note(seen))
        body = await _ask(app, path, sign(2), query)
    return [(sql, said) for sql, said in seen if not sql.startswith("BEGIN")], body


async def _nothing(*_: Any) -> None:
    raise RuntimeError("The hub's API did not answer its own path.")


def _note(seen: list[tuple[str, Any]]) -> Callable[..., None]:
    def before(_connection: Any, _cursor: Any, sql: str, said: Any, _context: Any, _many: bool) -> None:  # noqa: FBT001  # SQLAlchemy's
        seen.append((sql, said))

    return before


async def _signer(app: Any, path: str, username: str, password: str) -> Callable[[int], Sequence[tuple[str, str]]]:
    headers, _ = await _answer(app, path, (), "", 401)
    digest = challenged(headers[b"www-authenticate"].decode(), username, password)
    return lambda count: (("Authorization", digest.header("GET", path, count)),)


def challenged(challenge: str, username: str, password: str) -> Digest:
    """Who signs, with the nonce of a challenge."""
    told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    return Digest(username, password, told["realm"], told["nonce"])


async def _ask(app: Any, path: str, sending: Sequence[tuple[str, str]], query: str) -> bytes:
    return (await _answer(app, path, sending, query, 200))[1]


async def _answer(
    app: Any, path: str, sending: Sequence[tuple[str, str]], query: str, wants: int
) -> tuple[dict[bytes, bytes], bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in (*sending, ("Host", "localhost"))]
    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {
        "root_path": "",
        "headers": headers,
        "query_string": query.encode(),
        "scheme": "http",
        "http_version": "1.1",
    }
    await app({**scope, "server": None, "client": ("127.0.0.1", 1), "asgi": {"version": "3.0"}}, receive, send)
    assert sent[0]["status"] == wants, sent
    told = dict(reversed(sent[0]["headers"]))  # the first of several
    return told, b"".join(message.get("body", b"") for message in sent)


def floor_file(ground: Ground, statements: Sequence[tuple[str, Any]], body: bytes) -> Path:
    """What the floor is to do, written down for its process."""
    path = ground.folder / "floor.json"
    path.write_text(json.dumps({"url": ground.url, "statements": statements, "body": body.decode()}))
    return path
