from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from atlas_hub.accounts import models as accounts_models  # the walk must meet these tables too
from atlas_hub.accounts import people, workspaces
from atlas_hub.kit.errors import NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from atlas_hub.storage import installation
from atlas_hub.storage.models import AuditEvent, HubModel
from tests.accounts.browser import KEY, PASSWORD, hub_with

GLOBAL = {
    "atlas_hub_installation",
    "atlas_hub_setup_link",
    "atlas_hub_digest_nonce",
    "atlas_hub_user",
    "atlas_hub_workspace",
}


def made_up(table, workspace: str, parents: dict[str, object]) -> dict[str, object]:
    """A row of any table, its required columns filled by type."""
    values: dict[str, object] = {}
    for column in table.columns:
        kind = column.type.python_type if not hasattr(column.type, "impl") else object
        if column.name == "workspace":
            values[column.name] = workspace
        elif column.foreign_keys:
            (key,) = column.foreign_keys
            values[column.name] = parents[key.column.table.name]
        elif column.name == "kind" and table.name == "atlas_hub_connection":
            values[column.name] = "account"
        elif column.name == "role":
            values[column.name] = "admin"
        elif column.primary_key and kind is str:
            values[column.name] = new_id()
        elif not column.nullable:
            values[column.name] = fill(column, kind)
    return values


def fill(column, kind):
    name = type(column.type).__name__
    if "DateTime" in name:
        return datetime(2026, 1, 1, tzinfo=UTC)
    if name == "JSON":
        return {}
    if "Binary" in name:
        return b"sealed"
    if "Boolean" in name:
        return True
    return 1 if "Integer" in name else new_id()[-8:]


async def fill_every_table(hub, workspace: str, user: str) -> set[str]:
    """One row at least in every table with a workspace."""
    parents: dict[str, object] = {"atlas_hub_workspace": workspace, "atlas_hub_user": user}
    filled = set()
    async with hub.db.transaction() as tx:
        for table in HubModel.metadata.sorted_tables:
            if table.name in GLOBAL:
                continue
            values = made_up(table, workspace, parents)
            if table.name in {"atlas_hub_audit_head", "atlas_hub_audit_event", "atlas_hub_membership"}:
                filled.add(table.name)  # written by the making of workspace and user
                continue
            await tx.execute(insert(table).values(**values))
            parents[table.name] = values.get("id")
            filled.add(table.name)
    return filled


async def counts(hub, workspace: str) -> dict[str, int]:
    found = {}
    async with hub.db.reading() as tx:
        for table in HubModel.metadata.sorted_tables:
            if "workspace" in table.c:
                rows = (await tx.execute(select(table).where(table.c.workspace == workspace))).all()
                found[table.name] = len(rows)
    return found


async def purge_one_of_two(hub):
    gone, stays = [await workspaces.create(hub, name) for name in ("Gone", "Stays")]
    users = {}
    for workspace in (gone, stays):
        user, _ = await people.create(
            hub,
            email=f"{workspace.name.lower()}@example.com",
            password=PASSWORD,
            role=Role.OWNER,
            workspace=workspace.id,
        )
        users[workspace.id] = user.id
    await people.create(hub, email="both@example.com", password=PASSWORD, role=Role.ADMIN, workspace=gone.id)
    await people.create(hub, email="both@example.com", password=None, role=Role.ADMIN, workspace=stays.id)
    filled = [await fill_every_table(hub, workspace.id, users[workspace.id]) for workspace in (gone, stays)]
    before = await counts(hub, stays.id)
    every = {table.name for table in HubModel.metadata.sorted_tables}
    assert filled[0] == every - GLOBAL  # a new table must be walked here or named as nobody's
    assert all(before.values())
    assert all((await counts(hub, gone.id)).values())

    name = (await workspaces.delete(hub, gone.id)).name

    assert name == "Gone"
    assert not any((await counts(hub, gone.id)).values())
    assert await counts(hub, stays.id) == before
    assert [person.user.email for person in await people.listed(hub)] == ["stays@example.com", "both@example.com"]
    assert [row.id for row, _ in await workspaces.listed(hub)] == [stays.id]
    return stays


async def test_deleting_a_workspace_leaves_no_row_of_it_in_any_table(hub):
    assert accounts_models.Workspace.__tablename__ in HubModel.metadata.tables
    await purge_one_of_two(hub)


@pytest.mark.postgres
async def test_deleting_a_workspace_leaves_no_row_of_it_on_postgresql(tmp_path, clock, postgres_url):
    async with hub_with(tmp_path, clock, database_url=postgres_url) as hub:
        await purge_one_of_two(hub)


async def test_an_unknown_workspace_is_not_found_and_leaves_no_trace(hub):
    with pytest.raises(NotFound):
        await workspaces.delete(hub, new_id())
    assert await counts(hub, "") == dict.fromkeys(await counts(hub, ""), 0)


async def first(hub) -> str:
    async with hub.db.reading() as tx:
        return await installation.first_workspace(tx)


async def test_what_belonged_to_the_first_workspace_belongs_to_nobody_until_it_is_given(hub):
    one = await workspaces.create(hub, "One")
    two = await workspaces.create(hub, "Two")
    assert await first(hub) == one.id
    await workspaces.delete(hub, one.id)
    assert await first(hub) not in {one.id, two.id, ""}
    await workspaces.create(hub, "Three")
    assert [is_first for _, is_first in await workspaces.listed(hub)] == [False, False]
    await workspaces.make_first(hub, two.id)
    assert await first(hub) == two.id
    with pytest.raises(NotFound):
        await workspaces.make_first(hub, one.id)


async def test_who_became_the_first_workspace_is_in_the_installations_log_once(any_hub):
    one, two = [await workspaces.create(any_hub, name) for name in ("One", "Two")]
    for _ in range(2):
        await workspaces.make_first(any_hub, two.id)
    async with any_hub.db.reading() as tx:
        (event,) = (await tx.execute(select(AuditEvent).filter_by(workspace=""))).scalars()
    assert (event.kind, event.actor, event.subject) == ("first_workspace_changed", "command line", two.id)
    assert event.detail == {"former": one.id, "new": two.id}


async def test_keys_of_a_deleted_workspace_are_gone(hub):
    one = await workspaces.create(hub, "One")
    actor = Actor(id="x", name="x", workspace=one.id, role=Role.OWNER)
    await api_keys.create(hub, actor, role=Role.ADMIN)
    await workspaces.delete(hub, one.id)
    assert await api_keys.listed(hub, None) == []
    assert KEY  # the vault is open: keys are gone, not merely unreadable
