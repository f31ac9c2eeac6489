"""A server killed while a caller waits: once it is started again, status answers and the same connect works."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from atlas_hub.services import api_keys
from atlas_hub.services.access import Role
from atlas_hub.settings import Settings
from tests.conftest import open_hub, test_settings
from tests.crash.child import owner
from tests.crash.killed import environment, free_port, kill, running, wait_until
from tests.crash.test_killed_connect import counts
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

ADMIN = "/api/v1/admin/integrations"
BODY = {"botToken": ACME}


def answers(port: int) -> bool:
    """Whether a worker is there: the port alone is listened on before."""
    with suppress(httpx.TransportError):
        return httpx.request("GET", f"http://127.0.0.1:{port}{ADMIN}/status", trust_env=False).status_code == 401
    return False


@contextmanager
def served(port: int, env: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The API on granian, as Reflex serves it."""
    words = ("granian", "--interface", "asgi", "--factory", "--host", "127.0.0.1", "--port", str(port))
    with running(*words, "--log-level", "warning", "tests.crash.served:app", env=env) as process:
        wait_until(lambda: answers(port))
        yield process


async def make_key(settings: Settings, workspace: str) -> str:
    async with open_hub(settings) as hub:
        return (await api_keys.create(hub, owner(workspace), role=Role.OWNER)).private_key.reveal()


async def count(settings: Settings, workspace: str) -> list[int]:
    async with open_hub(settings) as hub:
        return await counts(hub, workspace)


def test_a_server_killed_in_the_middle_of_a_connect_comes_back_as_if_nobody_had_asked(
    slack: SlackStandin, tmp_path: Path, database_url: str, workspace: str
):
    settings = test_settings(tmp_path, database_url=database_url)
    key = asyncio.run(make_key(settings, workspace))
    port = free_port()
    env = environment(tmp_path, database_url, ATLAS_UPSTREAM_SLACK=slack.base)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}{ADMIN}", headers={"Authorization": f"Bearer {key}"}, trust_env=False
    )
    with client:
        slack.dial.set(Fault.HANG)
        faults: list[Exception] = []

        def ask() -> None:
            try:
                client.post("/slack/byot", json=BODY)
            except httpx.TransportError as error:
                faults.append(error)

        with served(port, env) as process:
            asking = threading.Thread(target=ask)
            asking.start()
            wait_until(lambda: bool(slack.calls))
            kill(process)
            asking.join(10)
        assert len(faults) == 1
        slack.dial.set(Fault.OK)
        with served(port, env):
            said = client.get("/status")
            assert said.status_code == 200
            assert said.json()["slack"]["connected"] is False
            assert client.delete("/slack").status_code == 404
            assert client.post("/slack/byot", json=BODY).status_code == 200
            assert client.get("/status").json()["slack"]["connected"] is True
    assert asyncio.run(count(settings, workspace))[:3] == [1, 1, 1]
