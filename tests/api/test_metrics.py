"""Figures for the operator: behind a token, bounded, without ids, and added up over the workers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from atlas_hub.hub import Hub
from tests.api.conftest import People, Vendors, asking
from tests.api.operated_server import ADMIN, served
from tests.api.test_operator import asking as probing
from tests.conftest import open_hub, test_settings
from tests.standins.telegram import ATLAS

TOKEN = "a-token-of-the-operator"
ROOT = Path(__file__).parents[2]

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Figures:
    """Every sample, as Prometheus's own parser understands it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape() -> Figures:
    """What the operator reads."""
    async with probing(authorization=f"Bearer {TOKEN}") as probe:
        answer = await probe.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return read(answer.text)


@pytest.fixture
async def open_to_metrics(tmp_path: Path, vendors: Vendors):
    """A hub with a token for its figures."""
    async with open_hub(test_settings(tmp_path, metrics_token=TOKEN, rate_limit_rpm=0)) as hub:
        yield hub


async def test_without_a_token_there_are_no_metrics(hub: Hub) -> None:
    async with probing(authorization="Bearer ") as probe:
        assert (await probe.get("/metrics")).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer another-token-of-16", f"Basic {TOKEN}", f"Bearer {TOKEN}x"])
async def test_another_token_is_refused(open_to_metrics: Hub, header: str) -> None:
    async with probing(authorization=header) as probe:
        answer = await probe.get("/metrics")
    assert (answer.status_code, answer.content, answer.headers["www-authenticate"]) == (401, b"", "Bearer")


async def test_requests_are_counted_by_route_and_never_by_what_somebody_typed(
    open_to_metrics: Hub, people: People
) -> None:
    before = await scrape()
    async with asking(people) as client:
        await client.get("/status/")
        await client.get("/canary-in-a-path")
        await client.request("CANARY", "/status")
    after = await scrape()
    status = ("method", "GET"), ("route", f"{ADMIN}/status"), ("status", "200")
    lost = ("method", "GET"), ("route", "(none)"), ("status", "404")
    strange = ("method", "other"), ("route", f"{ADMIN}/status"), ("status", "405")
    for labels in (status, lost, strange):
        name = "atlas_hub_requests_total"
        assert after[name, labels] == before.get((name, labels), 0) + 1
    assert not [labels for _, labels in after if "canary" in str(labels).lower()]


async def test_vendors_and_connections_are_counted_without_any_id(
    open_to_metrics: Hub, people: People, vendors: Vendors
) -> None:
    async with asking(people) as client:
        assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200
    found = await scrape()
    assert found["atlas_hub_vendor_calls_total", (("outcome", "ok"), ("vendor", "Telegram"))] >= 1
    assert found["atlas_hub_vendor_call_seconds_count", (("vendor", "Telegram"),)] >= 1
    assert found["atlas_hub_connections", (("provider", "telegram"), ("state", "ok"))] == 1
    assert found["atlas_hub_audit_events", ()] >= 1
    assert found["atlas_hub_vault_locked", ()] == 0
    names = {labels for _, labels in found}
    assert not re.search(r"[0-9a-f]{24}", str(names)), "an id of a row is a label"


async def test_a_locked_vault_and_its_connections_are_seen(open_to_metrics: Hub, people: People) -> None:
    async with asking(people) as client:
        assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200
    open_to_metrics.vault.lock("The key is another one.")
    assert (await scrape())["atlas_hub_vault_locked", ()] == 1


@pytest.mark.redis
def test_the_counts_of_two_workers_add_up(tmp_path: Path, redis_url: str) -> None:
    counting = tmp_path / "counting"
    counting.mkdir()
    env = {"REFLEX_REDIS_URL": redis_url, "ATLAS_METRICS_TOKEN": TOKEN, "PROMETHEUS_MULTIPROC_DIR": str(counting)}
    with served(tmp_path, workers=2, **env) as server:
        for _ in range(60):  # each on a connection of its own, so that both workers get some
            assert httpx.get(f"{server.base}{ADMIN}/status", trust_env=False).status_code == 401  # noqa: TID251  # a caller
        pids = {line["pid"] for line in server.lines() if line.get("route") == f"{ADMIN}/status"}
        assert len(pids) == 2, "one worker answered everything: this proves nothing"
        labels = ("method", "GET"), ("route", f"{ADMIN}/status"), ("status", "401")
        for _ in range(6):  # whichever worker is asked
            headers = {"Authorization": f"Bearer {TOKEN}"}
            text = httpx.get(f"{server.base}/metrics", headers=headers, trust_env=False).text  # noqa: TID251  # same
            asked = sum(line.get("status") == 401 for line in server.lines())
            assert read(text)["atlas_hub_requests_total", labels] == asked


def test_the_tabs_of_a_worker_that_died_are_forgotten_and_its_counts_are_not(tmp_path: Path) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}  # noqa: TID251  # a child's
    dies = "from atlas_hub.kit import metrics; metrics.tab(1); metrics.answered('/x', 'GET', 200, 0.1)"
    tells = "import sys; from atlas_hub.kit import metrics; metrics.tab(1); sys.stdout.buffer.write(metrics.text({}))"
    subprocess.run([sys.executable, "-c", dies], env=env, cwd=ROOT, check=True)
    said = subprocess.run([sys.executable, "-c", tells], env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    found = read(said.stdout)
    assert found["atlas_hub_open_tabs", ()] == 1
    assert found["atlas_hub_requests_total", (("method", "GET"), ("route", "/x"), ("status", "200"))] == 1
