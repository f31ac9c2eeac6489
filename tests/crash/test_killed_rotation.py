"""A rotation killed anywhere is resumed by starting it again: then everything opens with the new key alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_hub.services import connections, rotation
from atlas_hub.services.connections import Mode
from atlas_hub.storage.keys import generate_key
from tests.conftest import KEY, open_hub, test_settings
from tests.crash.child import BATCH, owner
from tests.crash.conftest import SCOPES
from tests.crash.killed import environment, kill, running, wait_for_line
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import SlackToken

ROWS = 2 * BATCH + 1


@pytest.mark.parametrize("moment", ["between", "within"])
async def test_a_killed_rotation_is_resumed(
    slack: SlackStandin, tmp_path: Path, database_url: str, workspace: str, moment: str
):
    fresh = f"v2:{generate_key()}"
    who, ids = owner(workspace), []
    async with open_hub(test_settings(tmp_path, database_url=database_url)) as hub:
        for number in range(ROWS):
            token = "-".join(("xoxb", "1" * 12, f"number{number}"))
            slack.tokens[token] = SlackToken(f"T0TEAM{number}", f"Team {number}", "U0BOT", "bot", "B0BOT", SCOPES)
            made = await connections.connect(
                hub, who, "slack", "bot_token", {"bot_token": token}, source="page", mode=Mode.ADD
            )
            ids.append(made.view.id)
    env = environment(tmp_path, database_url, ATLAS_ENCRYPTION_KEYS=f"{fresh},{KEY}")
    with running("tests.crash.child", "rotate", moment, env=env) as process:
        wait_for_line(process, moment)
        kill(process)
    both = test_settings(tmp_path, database_url=database_url, encryption_keys=f"{fresh},{KEY}")
    async with open_hub(both) as hub:
        use = {each.key_id: each.rows for each in await rotation.status(hub)}
        assert use["v2"] >= BATCH
        assert use["v1"] >= 1
        for connection in ids:
            assert (await connections.check_now(hub, who, connection)).state == "ok"
        done = await rotation.rotate(hub, lambda _done, _total: None)
        assert (done.left, done.unreadable) == (0, [])
        assert done.changed == use["v1"]
    async with open_hub(test_settings(tmp_path, database_url=database_url, encryption_keys=fresh)) as hub:
        for connection in ids:
            assert (await connections.check_now(hub, who, connection)).state == "ok"
