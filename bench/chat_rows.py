"""Channel connections in bulk: one for each subscriber of a workspace, every tenth for a context instead."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.storage.models import Connection, Credential
from bench.rows import insert_rows

APP = "slack-bench"
CHUNK = 5_000
WORKSPACES_OF_OTHERS = 100


async def fill(hub: Hub, workspace: str, count: int) -> None:
    """`count` connections of a workspace, or of a hundred others where it is "", and two integrations each."""
    places = [workspace] if workspace else [new_id() for _ in range(WORKSPACES_OF_OTHERS)]
    async with hub.db.transaction() as tx:
        for place in places:
            apps = [_app(place, number) for number in range(2)]
            await insert_rows(tx, Connection, apps)
            each = count // len(places)
            for start in range(0, each, CHUNK):
                numbers = range(start, min(start + CHUNK, each))
                ids = [new_id() for _ in numbers]
                await insert_rows(tx, Credential, [_credential(place, row_id) for row_id in ids])
                rows = [
                    _connection(place, str(apps[number % 10 == 5]["id"]), row_id, number)
                    for row_id, number in zip(ids, numbers, strict=True)
                ]
                await insert_rows(tx, Connection, rows)


def _app(workspace: str, number: int) -> dict[str, Any]:
    row_id = new_id()
    return {
        **row_of(workspace, row_id), "kind": "app", "method": "app", "identifier": f"{APP}-{number}", "label": "Slack",
    }  # fmt: skip


def row_of(workspace: str, row_id: str) -> dict[str, Any]:
    """A row of a Slack connection, which others are made from."""
    at = now()
    return {
        "id": row_id,
        "workspace": workspace,
        "kind": "account",
        "source": "chat",
        "provider": "slack",
        "method": "oauth",
        "purpose": "chat",
        "scope": "slack:chat",
        "label": "Acme",
        "account_key": f"row:{row_id}",
        "details": [],
        "wire": {},
        "options": {},
        "masks": {},
        "checks": {},
        "integration": {},
        "created_at": at,
        "connected_at": at,
        "updated_at": at,
    }


def _connection(workspace: str, app_id: str, row_id: str, number: int) -> dict[str, Any]:
    row = row_of(workspace, row_id)
    shared = number % 10 == 0
    return {
        **row,
        "identifier": f"chconn-{number}",
        "account_name": "Acme HQ",
        "app_id": app_id,
        "subscriber": "" if shared else f"sub-{number}",
        "contexts": f"tenant:t{number}" if shared else f"tenant:t{number % 100}",
        "wire": {"workspace": {"id": "T0ACME", "name": "Acme HQ"}},
        "masks": {"access_token": "••••1234"},
        "credential_id": row_id,
        "state": "ok",
        # As if they had been made one after another, each a second after the last.
        "updated_at": row["updated_at"] + timedelta(seconds=number),
    }


def _credential(workspace: str, row_id: str) -> dict[str, Any]:
    at = now()
    return {
        "id": row_id,
        "workspace": workspace,
        "provider": "slack",
        "app_key": "-",
        "account_key": f"row:{row_id}",
        "current": bytes(160),
        "key_id": "v1",
        "client_id": "",
        "lease_owner": "",
        "options": {},
        "created_at": at,
        "updated_at": at,
    }
