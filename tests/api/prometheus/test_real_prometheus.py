"""A real Prometheus with the configuration that the page gives: it discovers, scrapes, and shows what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit import metrics
from atlas_hub.services import scraping, workspace_figures
from atlas_hub.services.views import State
from atlas_hub.storage import connections as rows
from atlas_hub.storage.models import Connection
from tests.api.operated_server import Server, served
from tests.api.prometheus.conftest import PASSWORD, PREFIX, USERNAME, stored
from tests.conftest import actor, missing, open_hub
from tests.conftest import test_settings as settings_for
from tests.crash.killed import free_port, wait_until

T = TypeVar("T")
WHO = actor()


def program(name: str) -> str:
    """Where a program of Debian's package prometheus is."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} (Debian's package prometheus)")
    assert found is not None
    return found


def in_hub(folder: Path, work: Callable[[Hub], Awaitable[T]]) -> T:
    """Do something in the served hub's database."""

    async def done() -> T:
        async with open_hub(settings_for(folder)) as hub:
            return await work(hub)

    return asyncio.run(done())


async def row_of(hub: Hub) -> Connection:
    async with hub.db.reading() as tx:
        row = await rows.primary_of(tx, WHO.workspace, scraping.SCOPE)
    assert row is not None
    return row


def config(server: Server, discovery: str = "http", password: str = PASSWORD) -> str:
    """What the page gives to copy, with the password in it and in a hurry."""
    text = scraping.scrape_config(
        server.base, WHO.workspace, username=USERNAME, service_discovery=discovery, scheme="http"
    )
    assert text.count(scraping.PLACEHOLDER) == (2 if discovery == "http" else 1)
    return text.replace(scraping.PLACEHOLDER, password).replace(scraping.INTERVAL, "1s")


@contextmanager
def prometheus(folder: Path, text: str) -> Iterator[str]:
    """The address of a Prometheus that runs with this configuration; what it wrote is in `prometheus.log`."""
    port, file = free_port(), folder / "prometheus.yml"
    file.write_text(text)
    words = [program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    words += [f"--web.listen-address=127.0.0.1:{port}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            wait_until(lambda: is_ready(f"http://127.0.0.1:{port}"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def is_ready(base: str) -> bool:
    """Whether it answers what it is asked: it listens before it can."""
    try:
        return httpx.get(f"{base}/-/ready", trust_env=False).status_code == 200  # noqa: TID251  # a caller
    except httpx.TransportError:
        return False


def asked(base: str, path: str, **query: str) -> Any:
    return httpx.get(f"{base}/api/v1/{path}", params=query, trust_env=False).json()["data"]  # noqa: TID251  # a caller


def targets(base: str) -> list[Any]:
    found: list[Any] = asked(base, "targets")["activeTargets"]
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A served hub in whose database a Prometheus is connected."""
    program("prometheus")
    in_hub(tmp_path, lambda hub: stored(hub, WHO, scheme="http"))
    port = free_port()
    with served(tmp_path, port=port, ATLAS_PUBLIC_URL=f"http://127.0.0.1:{port}") as running:
        yield running


@pytest.mark.parametrize("discovery", ["http", "file"])
def test_it_discovers_and_scrapes_with_what_the_page_gives(server: Server, tmp_path: Path, discovery: str) -> None:
    text = config(server, discovery)
    if discovery == "file":
        kept = tmp_path / "atlas-hub.json"
        address = f"{server.base}{PREFIX}/{WHO.workspace}/discovery"
        assert address in text  # what makes the file
        kept.write_bytes(httpx.get(address, auth=(USERNAME, PASSWORD), trust_env=False).content)  # noqa: TID251  # a caller
        text = text.replace(scraping.FILE, str(kept))
    with prometheus(tmp_path, text) as base:
        wait_until(lambda: [target["health"] for target in targets(base)] == ["up"])
        [target] = targets(base)
        assert target["scrapeUrl"] == f"{server.base}{PREFIX}/{WHO.workspace}/metrics"
        assert target["labels"]["group_id"] == WHO.workspace
        query = f'atlas_hub_workspace_connections{{provider="prometheus",group_id="{WHO.workspace}"}}'
        wait_until(lambda: bool(asked(base, "query", query=query)["result"]))
        [found] = asked(base, "query", query=query)["result"]
        assert found["value"][1] == "1"
        assert asked(base, "query", query=f'up{{group_id="{WHO.workspace}"}}')["result"][0]["value"][1] == "1"
    row = in_hub(tmp_path, row_of)
    assert row.state == State.OK
    for truth, proof in (("authenticated", scraping.SIGNED_IN), ("delivered", scraping.SCRAPED)):
        assert (row.checks[truth]["status"], row.checks[truth]["proof"]) == ("yes", proof)
        assert row.checks[truth]["at"]


def test_a_wrong_password_shows_in_prometheus_and_proves_nothing(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "prometheus.log"
    with prometheus(tmp_path, config(server, password="another-password-of-tests")):
        wait_until(lambda: "server returned HTTP status 401" in log.read_text())
    (tmp_path / "wrong").mkdir()
    target = json.dumps([{"targets": [f"127.0.0.1:{server.port}"]}])
    (tmp_path / "wrong" / "targets.json").write_text(target)
    text = config(server, "file", "another-password-of-tests")
    text = text.replace(scraping.FILE, str(tmp_path / "wrong" / "targets.json"))
    with prometheus(tmp_path / "wrong", text) as base:
        wait_until(lambda: [target["health"] for target in targets(base)] == ["down"])
        assert "401" in targets(base)[0]["lastError"] or "429" in targets(base)[0]["lastError"]
    row = in_hub(tmp_path, row_of)
    assert (row.state, row.checks["authenticated"]["status"]) == (State.UNVERIFIED, "unknown")


@pytest.mark.parametrize("discovery", ["http", "file"])
@pytest.mark.parametrize("username", [USERNAME, 'it\'s "quoted" # \\ ü: no', "{{ % & *"])
@pytest.mark.parametrize("address", ["https://hub.example.com", "http://[::1]:3000"])
def test_promtool_takes_what_the_page_gives(tmp_path: Path, discovery: str, username: str, address: str) -> None:
    scheme = address.partition(":")[0]
    username = username.replace(":", "")
    text = scraping.scrape_config(
        address, WHO.workspace, username=username, service_discovery=discovery, scheme=scheme
    ).replace(scraping.FILE, str(tmp_path / "targets.json"))
    (tmp_path / "targets.json").write_text("[]")
    (tmp_path / "prometheus.yml").write_text(text)
    words = [program("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_scheme_that_is_not_the_addresss_is_asked_about(tmp_path: Path, scheme: str) -> None:
    text = scraping.scrape_config(
        "http://localhost:3000", WHO.workspace, username=USERNAME, service_discovery="http", scheme=scheme
    )
    assert ("The hub's address is http://localhost:3000" in text) == (scheme == "https")
    (tmp_path / "prometheus.yml").write_text(text)
    words = [program("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_promtool_takes_the_metrics(tmp_path: Path) -> None:
    async def figures(hub: Hub) -> bytes:
        await stored(hub, WHO)
        return metrics.text_of(await workspace_figures.gauges(hub, WHO.workspace))

    text = in_hub(tmp_path, figures)
    assert b"atlas_hub_workspace_connection_info{" in text
    words = [program("promtool"), "check", "metrics"]
    said = subprocess.run(words, input=text, capture_output=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
