"""SIGTERM: not ready at once, what runs is finished, pages are sent away, and the process ends with 0."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from pathlib import Path

import httpx
import pytest
from simple_websocket import Client, ConnectionClosed

from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys
from atlas_hub.services.access import Actor, Role
from atlas_hub.settings import Settings
from tests.api.operated_server import ADMIN, Server, served
from tests.conftest import open_hub, test_settings
from tests.crash.killed import wait_until
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME


@pytest.fixture
def slack():
    with SlackStandin() as standin:
        yield standin


def key_for(settings: Settings) -> str:
    async def make() -> str:
        owner = Actor(id=new_id(), name="ana@example.com", workspace=new_id(), role=Role.OWNER)
        async with open_hub(settings) as hub:
            return (await api_keys.create(hub, owner, role=Role.OWNER)).private_key.reveal()

    return asyncio.run(make())


def readiness(server: Server) -> tuple[int, str]:
    answer = httpx.get(f"{server.base}/readyz", trust_env=False)  # noqa: TID251  # a probe
    return answer.status_code, answer.json().get("checks", {}).get("hub", "")


def test_what_runs_is_finished_and_what_is_open_is_sent_away(slack: SlackStandin, tmp_path: Path) -> None:
    key = key_for(test_settings(tmp_path))
    slack.dial.set(Fault.HANG)
    with served(tmp_path, ATLAS_UPSTREAM_SLACK=slack.base) as server:
        page = Client(f"ws://127.0.0.1:{server.port}/_event")
        page.send("there?")
        assert page.receive(timeout=10) == "there?"
        answers: list[httpx.Response] = []

        def connect() -> None:
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{server.base}{ADMIN}/slack/byot"
            answers.append(httpx.post(url, json={"botToken": ACME}, headers=headers, timeout=30, trust_env=False))

        asking = threading.Thread(target=connect)
        asking.start()
        wait_until(lambda: bool(slack.calls))
        os.kill(server.process.pid, signal.SIGTERM)
        wait_until(lambda: readiness(server) == (503, "stopping"))
        with pytest.raises(ConnectionClosed) as closed:
            page.receive(timeout=30)
        assert closed.value.reason == 1012
        assert not answers, "the request was over before: this proves nothing"
        assert server.process.poll() is None
        asking.join(30)
        assert server.process.wait(60) == 0
    assert [answer.status_code for answer in answers] == [502]  # the vendor never answered, and its caller was told so
    [line] = [line for line in server.lines() if line["requestId"] == answers[0].json()["requestId"]]
    assert (line["logger"], line["status"], line["route"]) == ("atlas_hub.access", 502, f"{ADMIN}/slack/byot")


@pytest.mark.redis
def test_two_workers_with_nothing_to_do_end_at_once(tmp_path: Path, redis_url: str) -> None:
    with served(tmp_path, workers=2, REFLEX_REDIS_URL=redis_url) as server:

        def both_answered() -> bool:
            httpx.get(f"{server.base}{ADMIN}/status", trust_env=False)  # noqa: TID251  # each time whoever is free
            return len({line["pid"] for line in server.lines() if line["logger"] == "atlas_hub.access"}) == 2

        wait_until(both_answered)
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(60) == 0
    said = [line for line in server.lines() if line["message"].startswith("Stopping: 0 requests")]
    assert len({line["pid"] for line in said}) == 2
    assert not [line for line in server.lines() if line["level"] in {"ERROR", "CRITICAL"}]
