"""The bundle holds what its allow-list names and nothing else: canaries in every column, setting and variable."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, Integer, LargeBinary, Table, delete, insert

from atlas_hub.accounts import models as people
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Forbidden
from atlas_hub.kit.ids import new_id
from atlas_hub.services import bundle, doctor
from atlas_hub.services.access import Actor
from atlas_hub.services.findings import Area, Finding, Status
from atlas_hub.storage.db import UtcDateTime
from atlas_hub.storage.models import PREFIX, HubModel
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for

CANARY = "kanarie"
KEPT = {
    "workspace", "id", "connection_id", "credential_id", "key_id", "seq", "kind", "state", "provider", "method",
    "role", "primary_scope", "subscriber", "contexts", "user_id",
}  # fmt: skip
"""The columns in which rows are found, or that the tables' own rules hold to a few words."""
assert people


def canary(column: Column[Any], table: Table) -> Any:
    """A canary as the column takes it; a plain value where it takes no words."""
    word = f"{CANARY}-{table.name.removeprefix(PREFIX)}-{column.name}"
    match column.type:
        case JSON() if column.name == "granted":
            return ["chat:write", word]
        case JSON():
            return {"delivered": {"status": word, "at": word, "proof": word}, word: [word]}
        case LargeBinary():
            return word.encode()
        case Boolean() | Integer():
            return 1
        case UtcDateTime():
            return datetime(2026, 1, 1, tzinfo=UTC)
        case kind:
            return word[: getattr(kind, "length", None) or 100]


def canaries(table: Table, workspace: str) -> dict[str, Any]:
    """A row with a canary in every column that can hold one."""
    row = {column.name: canary(column, table) for column in table.columns if column.name not in KEPT}
    fixed = {
        "workspace": workspace, "id": new_id(), "connection_id": new_id(), "kind": "account", "provider": "slack",
        "method": "bot_token", "state": "ok", "role": "owner", "subscriber": "", "contexts": "", "key_id": "v1",
        "primary_scope": None, "credential_id": None, "user_id": new_id(), "seq": 1,
    }  # fmt: skip
    row |= {name: value for name, value in fixed.items() if name in table.c}
    if table.name == PREFIX + "idempotency":
        row["method"] = "POST"
    if table.name == PREFIX + "installation":
        row["id"] = 1
    return row


async def plant(hub: Hub, workspace: str) -> set[str]:
    """A canary in every column of every table; the tables that took one."""
    rows = {table: canaries(table, workspace) for table in HubModel.metadata.sorted_tables}
    by_name = {table.name.removeprefix(PREFIX): row for table, row in rows.items()}
    by_name["workspace"]["id"] = workspace
    by_name["connection"]["credential_id"] = by_name["credential"]["id"]
    for name in ("channel", "channel_endpoint"):
        by_name[name]["connection_id"] = by_name["connection"]["id"]
    for table, row in rows.items():
        for key in table.foreign_keys:
            if key.column.table.name == PREFIX + "user":
                row[key.parent.name] = by_name["user"]["id"]
    async with hub.db.transaction() as tx:
        await tx.execute(delete(HubModel.metadata.tables[PREFIX + "installation"]))
        for table, row in rows.items():
            await tx.execute(insert(table).values(**row))
    return {table.name for table in rows}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary in every variable of the vendors and of the machine."""
    for name in (*bundle._variables(), "HOME_OF_SOMEBODY", "ATLAS_UPSTREAM_KANARIE"):
        monkeypatch.setenv(name, f"https://{CANARY}.example/{name.lower()}")


async def test_no_canary_of_any_column_setting_or_variable_is_in_it(
    tmp_path: Path, owner: Actor, variables: None, database_url: str
) -> None:
    given = {
        "public_url": f"https://{CANARY}.example", "api_key": f"{CANARY}-api-key-of-the-operator",
        "data_dir": tmp_path / CANARY, "database_url": database_url, "trusted_proxies": "10.1.2.3/32",
    }  # fmt: skip
    async with open_hub(settings_for(tmp_path, **given)) as hub:
        planted = await plant(hub, owner.workspace)
        assert len(planted) == len(HubModel.metadata.sorted_tables)
        vendors_word = Finding(
            area=Area.CONNECTION, subject=CANARY, step=CANARY, status=Status.FAILED, text=CANARY, fix=CANARY,
            connection=CANARY, code=CANARY,
        )  # fmt: skip
        own = await bundle.of_workspace(hub, owner)
        whole = await bundle.made(hub, [owner.workspace], [vendors_word])
        found = await doctor.run(hub, owner)
    for made in (own, whole):
        text = made.model_dump_json()
        for hidden in (CANARY, str(tmp_path), "10.1.2.3", os.uname().nodename, owner.workspace, owner.name):
            assert hidden not in text, hidden
    (told,) = own.connections
    assert (told.provider, told.method, told.state, told.source) == ("slack", "bot_token", "ok", "other")
    assert (told.scopes, told.other_scopes) == (["chat:write"], 1)
    assert own.counts["connection"] == own.counts["credential"] == 1
    assert (own.settings["ATLAS_API_KEY"], own.settings["ATLAS_DEPLOY_MODE"]) == ("set", "self-hosted")
    assert own.settings["SLACK_BOT_TOKEN"] == "set"
    assert [each.step for each in whole.findings] == ["other"]
    # The report may name a connection; no secret, path or account is in it.
    report = str(found).replace(f"{CANARY}-connection-label", "").replace(f"https://{CANARY}.example", "")
    assert CANARY not in report


async def test_it_is_for_admins_and_of_their_own_workspace_alone(hub: Hub, owner: Actor, member: Actor) -> None:
    await plant(hub, owner.workspace)
    with pytest.raises(Forbidden):
        await bundle.of_workspace(hub, member)
    foreign = await bundle.of_workspace(hub, actor())
    assert foreign.connections == []
    assert set(foreign.counts.values()) == {0}


async def test_where_the_hub_is_run_for_many_it_has_no_word_of_the_installation(tmp_path: Path, owner: Actor) -> None:
    async with open_hub(settings_for(tmp_path, deploy_mode="saas")) as hub:
        made = await bundle.of_workspace(hub, owner)
    assert (made.settings, made.findings) == ({}, [])
    assert "ATLAS_" not in json.dumps(made.model_dump(mode="json"))
