"""A process killed in the middle of a connect leaves nothing half stored, and the same connect then succeeds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from atlas_hub.hub import Hub
from atlas_hub.services import connections, status
from atlas_hub.services.connections import Mode
from atlas_hub.storage import audit
from atlas_hub.storage.models import AccountClaim, AuditEvent, Connection, Credential
from tests.conftest import open_hub, test_settings
from tests.crash.child import owner
from tests.crash.killed import environment, kill, running, wait_for_line, wait_until
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

TABLES = (Connection, Credential, AccountClaim, AuditEvent)


async def counts(hub: Hub, workspace: str) -> list[int]:
    """How many rows the workspace has in each of `TABLES`."""
    async with hub.db.reading() as tx:
        return [
            (await tx.execute(select(func.count()).select_from(table).where(table.workspace == workspace))).scalar_one()
            for table in TABLES
        ]


async def connect(hub: Hub, workspace: str) -> Any:
    given = {"bot_token": ACME}
    return await connections.connect(
        hub, owner(workspace), "slack", "bot_token", given, source="admin", mode=Mode.REPLACE
    )


async def chain_holds(hub: Hub, workspace: str) -> bool:
    """Whether every audit event follows from the one before."""
    before = ""
    async with hub.db.reading() as tx:
        rows = await tx.execute(
            select(AuditEvent).where(col(AuditEvent.workspace) == workspace).order_by(col(AuditEvent.seq))
        )
        for row in rows.scalars():
            if row.previous_hash != before or row.hash != audit.link(row):
                return False
            before = row.hash
    return True


def killed_at(moment: str, slack: SlackStandin, folder: Path, database_url: str, workspace: str) -> None:
    """Begin a connect in another process and kill that at a moment of it."""
    env = environment(folder, database_url, ATLAS_UPSTREAM_SLACK=slack.base)
    if moment == "asked":
        slack.dial.set(Fault.HANG)
    with running("tests.crash.child", "connect", moment, workspace, ACME, env=env) as process:
        if moment == "asked":
            wait_until(lambda: bool(slack.calls))
        else:
            wait_for_line(process, moment)
        kill(process)
    slack.dial.set(Fault.OK)


@pytest.mark.parametrize("moment", ["asked", "answered", "written"])
async def test_a_kill_before_the_commit_leaves_nothing_and_the_next_connect_succeeds(
    slack: SlackStandin, tmp_path: Path, database_url: str, workspace: str, moment: str
):
    killed_at(moment, slack, tmp_path, database_url, workspace)
    async with open_hub(test_settings(tmp_path, database_url=database_url)) as hub:
        assert await counts(hub, workspace) == [0, 0, 0, 0]
        assert (await status.card(hub, workspace, "slack")).connection is None
        done = await connect(hub, workspace)
        assert done.account == "Acme Corp"
        assert await counts(hub, workspace) == [1, 1, 1, 1]
        assert await chain_holds(hub, workspace)
        assert (await connections.check_now(hub, owner(workspace), done.view.id)).state == "ok"


async def test_a_kill_after_the_commit_leaves_everything_and_the_same_connect_updates_it(
    slack: SlackStandin, tmp_path: Path, database_url: str, workspace: str
):
    killed_at("committed", slack, tmp_path, database_url, workspace)
    async with open_hub(test_settings(tmp_path, database_url=database_url)) as hub:
        assert await counts(hub, workspace) == [1, 1, 1, 1]
        shown = (await status.card(hub, workspace, "slack")).connection
        assert shown is not None
        again = await connect(hub, workspace)
        assert again.view.id == shown.id
        assert await counts(hub, workspace) == [1, 1, 1, 2]
        assert await chain_holds(hub, workspace)


async def test_a_kill_while_it_is_written_does_not_take_the_account_from_another_workspace(
    slack: SlackStandin, tmp_path: Path, database_url: str, workspace: str
):
    killed_at("written", slack, tmp_path, database_url, workspace)
    other = workspace[::-1]
    async with open_hub(test_settings(tmp_path, database_url=database_url)) as hub:
        await connect(hub, other)
        assert await counts(hub, other) == [1, 1, 1, 1]
