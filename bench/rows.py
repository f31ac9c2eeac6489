"""Rows in bulk: what many workspaces have stored, inserted by a statement for some hundreds of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import JSON, insert

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso, now
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import AccountClaim, ApiKey, Connection, Credential

OWN_ROWS = 10
CHUNK = 500
"""Workspaces inserted by one statement."""


async def fill(hub: Hub, ids: Sequence[str], *, keys: bool) -> None:
    """Ten connections with credential and claim for each workspace, three of them primary; a key too where asked."""
    tables: tuple[tuple[Any, Callable[[str], list[dict[str, Any]]]], ...] = (
        (Credential, lambda workspace: [_credential(workspace, number) for number in range(OWN_ROWS)]),
        (Connection, lambda workspace: [_connection(workspace, number) for number in range(OWN_ROWS)]),
        (AccountClaim, lambda workspace: [_claim(workspace, number) for number in range(OWN_ROWS)]),
    )
    if keys:
        tables += ((ApiKey, lambda workspace: [_key(workspace)]),)
    async with hub.db.transaction() as tx:
        for start in range(0, len(ids), CHUNK):
            for table, rows in tables:
                await insert_rows(tx, table, [row for one in ids[start : start + CHUNK] for row in rows(one)])


async def insert_rows(tx: Tx, table: Any, rows: list[dict[str, Any]]) -> None:
    """Rows of a table in one statement; what they leave out is the column's plain default, or null."""
    # Every column in every row, so that one statement takes them all and no default is made row by row.
    blank = {column.name: _blank(column) for column in table.__table__.columns}
    await tx.execute(insert(table.__table__), [{**blank, **row} for row in rows])


def _blank(column: Any) -> Any:
    if column.default is not None and column.default.is_scalar:
        return column.default.arg
    return {} if isinstance(column.type, JSON) and not column.nullable else None


PROVIDERS: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("telegram", "bot_token", "chat", {"botId": "123456789", "botUsername": "acme_atlas_bot"}),
    ("slack", "bot_token", "chat", {"teamId": "T0ACME", "workspaceName": "Acme Corp"}),
    ("email", "sendgrid", "mail", {}),
)


def _credential(workspace: str, number: int) -> dict[str, Any]:
    provider, *_ = PROVIDERS[number % len(PROVIDERS)]
    at = now()
    return {
        "id": _mixed(workspace, number),
        "workspace": workspace,
        "provider": provider,
        "app_key": "-",
        "account_key": f"{workspace}-{number}",
        "current": bytes(160),
        "key_id": "v1",
        "client_id": "",
        "lease_owner": "",
        "granted": ["chat:write", "channels:read"],
        "created_at": at,
        "updated_at": at,
    }


def _connection(workspace: str, number: int) -> dict[str, Any]:
    provider, method, purpose, wire = PROVIDERS[number % len(PROVIDERS)]
    at = now()
    known = {"status": "yes", "at": iso(at), "proof": "The vendor accepted it."}
    return {
        "id": _mixed(workspace, number),
        "workspace": workspace,
        "kind": "account",
        "source": "admin",
        "provider": provider,
        "method": method,
        "purpose": purpose,
        "scope": provider,
        "primary_scope": provider if number < len(PROVIDERS) else None,
        "identifier": f"{provider}-{number}",
        "label": f"Acme {number}",
        "account_name": f"Acme {number}",
        "app_key": "-",
        "account_key": f"{workspace}-{number}",
        "details": [["Workspace", "Acme Corp"]],
        "wire": wire,
        "options": {"sender_address": "alerts@acme.example"} if provider == "email" else {},
        "masks": {"bot_token": "xoxb-••••1234"},
        "credential_id": _mixed(workspace, number),
        "state": "ok",
        "checks": {"configured": known, "authenticated": known, "authorized": known},
        "created_at": at,
        "connected_at": at,
        "updated_at": at,
    }


def _claim(workspace: str, number: int) -> dict[str, Any]:
    provider, *_ = PROVIDERS[number % len(PROVIDERS)]
    row = {"provider": provider, "app_key": "-", "account_key": f"{workspace}-{number}"}
    return {**row, "workspace": workspace, "created_at": now()}


def _key(workspace: str) -> dict[str, Any]:
    return {
        "id": workspace,
        "workspace": workspace,
        "role": "admin",
        "apis": [],
        "public_key": workspace[-20:],
        "lookup": f"v1:{workspace}{workspace}",
        "sealed": bytes(160),
        "key_id": "v1",
        "created_at": now(),
    }


def _mixed(workspace: str, number: int) -> str:
    """An id for a workspace's row: 24 hex, unique as far as the workspace's last digits are."""
    return f"{workspace[2:]}{number:02x}"
