"""The groups API's list of configurations with HTTP Digest, against a bare endpoint with the same query."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Method, Provider, scope_of
from bench import ground as grounds
from bench import turns
from bench.chat_rows import row_of
from bench.figures import Figure, Skipped, middle, paired, quarters
from bench.ground import Ground
from bench.load import Digest, Load, Target
from bench.rows import insert_rows
from bench.servers import granian

CONCURRENCY = 16
ROUNDS, SECONDS = 7, 1.0


def figures() -> Iterator[Figure | Skipped]:
    """Requests a second, on each database."""
    for kind in ("SQLite", "PostgreSQL"):
        missing = grounds.postgres_missing() if kind == "PostgreSQL" else ""
        name = f"configurations of a group by Digest, {kind}"
        yield Skipped(name, missing) if missing else _rate(name, kind)


async def _prepared(kind: str, url: str, folder: Path) -> Ground:
    """A workspace in which every type is configured."""
    ground = await grounds.prepare(kind, url, folder, rows=False, apis=("groups",))
    async with grounds.open_hub(url, folder) as hub:
        rows = [
            _configuration(ground.workspace, provider, method)
            for provider in PROVIDERS.values()
            for method in (*provider.methods, *provider.unlisted)
            if method.wire_type
        ]
        async with hub.db.transaction() as tx:
            from atlas_hub.storage.models import Connection

            await insert_rows(tx, Connection, rows)
        await grounds.settle(hub)
    return ground


def _configuration(workspace: str, provider: Provider, method: Method[Any]) -> dict[str, Any]:
    row_id, scope = new_id(), scope_of(provider, method)
    secrets = method.form.secrets()
    return {
        **row_of(workspace, row_id),
        "source": "groups",
        "provider": provider.slug,
        "method": method.key,
        "purpose": method.purpose.value,
        "scope": scope,
        "primary_scope": scope,
        "identifier": f"{provider.slug}-{row_id}",
        "label": provider.name,
        "stars": {name: "*" * 28 + "c0de" for name in secrets if "password" not in name},
        "options": {name: "US" for name in method.form.model_fields if name not in secrets},
        "state": "ok",
    }


def _challenge(port: int, path: str, username: str, password: str) -> Digest:
    """A nonce of the server's."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10)
    except HTTPError as error:
        return grounds.challenged(error.headers.get_all("WWW-Authenticate")[0], username, password)
    raise RuntimeError("The groups API answered who did not sign in.")


def _rate(name: str, kind: str) -> Figure:
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = running.enter_context(grounds.database(kind, folder))
        ground = asyncio.run(_prepared(kind, url, folder))
        path = f"/api/atlas/v1.0/groups/{ground.workspace}/integrations"
        signs = (ground.public_key, ground.key)
        statements, body = asyncio.run(grounds.counted(ground, path, digest=signs))
        lists = [(sql, said) for sql, said in statements if "FROM atlas_hub_connection" in sql.replace("\n", "")]
        written = grounds.floor_file(ground, lists, body)
        port, pid = running.enter_context(granian("hub", folder, ground.env))
        bare, bare_pid = running.enter_context(granian("floor", folder, {"BENCH_FLOOR": str(written)}))
        load = running.enter_context(Load())
        ours = Target(port, path, digest=_challenge(port, path, *signs))
        asked = ((ours, pid), (Target(bare, path), bare_pid))
        rates, costs = turns.rates(load, asked, concurrency=CONCURRENCY, rounds=ROUNDS, seconds=SECONDS)
    ratios = paired(*rates)
    ratio = middle(ratios)
    writes = sum(1 for sql, _ in statements if not sql.lstrip().upper().startswith("SELECT"))
    return Figure(
        name=name,
        unit="req/s",
        ours=middle(rates[0]),
        floor=middle(rates[1]),
        value=ratio,
        of=f"{ratio:.0%} of the floor",
        aim=">= 50 %",
        met=ratio >= 0.5 and len(lists) == 1,
        spread=quarters(ratios),
        notes=(
            f"{len(statements)} statements, {writes} of them writes: {len(lists)} for the answer of {len(body)} bytes.",
            "The floor asks that one alone; the others prove who asks and count the nonce.",
            f"A request costs {middle(costs[0]):.2f} ms of a processor, in the floor {middle(costs[1]):.2f} ms.",
        ),
    )
