"""A client that is not ours proves the stand-ins: Prometheus' Alertmanager sends them an alert, and that it is over."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import missing
from tests.standins import opsgenie, pagerduty, slack_seed, telegram, victorops
from tests.standins.opsgenie import OpsgenieStandin
from tests.standins.pagerduty import PagerDutyStandin
from tests.standins.serve import HOST
from tests.standins.slack import SlackStandin
from tests.standins.standin import Standin
from tests.standins.telegram import TelegramStandin
from tests.standins.victorops import PATH, VictorOpsStandin
from tests.standins.webhook import UNSIGNED_PATH, WebhookStandin

PATIENCE = 60.0
LABELS = {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"}
VENDORS = {
    "pagerduty": PagerDutyStandin,
    "opsgenie": OpsgenieStandin,
    "victorops": VictorOpsStandin,
    "slack": SlackStandin,
    "telegram": TelegramStandin,
    "webhook": WebhookStandin,
}
"""What Alertmanager calls each of its integrations → who stands in for the vendor."""
GOOD = {"pagerduty": pagerduty.LIVE, "opsgenie": opsgenie.LIVE, "victorops": victorops.LIVE}
BAD = {"pagerduty": pagerduty.REST, "opsgenie": opsgenie.ELSEWHERE, "victorops": victorops.GONE}


def receivers(base: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, Any]:
    """Alertmanager's settings of every vendor, all of them told when an alert is over."""
    ends = {"send_resolved": True}
    slack = {"http_config": {"authorization": {"credentials": slack_seed.ACME}}, "channel": "C0GENERAL"}
    return {
        "pagerduty_configs": [{"url": f"{base['pagerduty']}/v2/enqueue", "routing_key": keys["pagerduty"], **ends}],
        "opsgenie_configs": [{"api_url": f"{base['opsgenie']}/", "api_key": keys["opsgenie"], **ends}],
        "victorops_configs": [
            {
                "api_url": f"{base['victorops']}{PATH}/",
                "api_key": keys["victorops"],
                "routing_key": victorops.ROUTE,
                **ends,
            }
        ],
        "slack_configs": [{"api_url": f"{base['slack']}/api/chat.postMessage", **slack, **ends}],
        "telegram_configs": [{"api_url": base["telegram"], "bot_token": telegram.ATLAS, "chat_id": 4242, **ends}],
        "webhook_configs": [{"url": f"{base['webhook']}{UNSIGNED_PATH}", **ends}],
    }


@dataclass
class Manager:
    """A running Alertmanager and the vendors that it sends to."""

    url: str
    vendors: Mapping[str, Any]
    http: httpx.Client

    def tell(self, *, over: bool) -> None:
        """Have it know of one alert, or that the alert is over."""
        alert = {
            "labels": LABELS,
            "annotations": {"summary": "The disk of db-1 is full."},
            "startsAt": "2026-01-31T10:00:00Z",
            "endsAt": "2026-01-31T10:05:00Z" if over else "2099-01-31T10:00:00Z",
            "generatorURL": "http://prometheus.acme.example/graph",
        }
        assert self.http.post(f"{self.url}/api/v2/alerts", json=[alert]).status_code == 200

    def count(self, integration: str, name: str = "notification_latency_seconds_count") -> int:
        """What it counts of an integration: the notifications that it ended, or `notifications_failed_total`."""
        text = self.http.get(f"{self.url}/metrics").text
        found = re.search(rf'^alertmanager_{name}{{integration="{integration}"[^}}]*}} (\d+)$', text, re.MULTILINE)
        assert found is not None, f"Alertmanager has no {name} of {integration}"
        return int(found[1])


def wait(until: Callable[[], Any], what: str) -> None:
    """Wait until something is so, and fail where it is not so in time."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE:g} seconds"
        time.sleep(0.05)


@contextmanager
def managing(folder: Path, keys: Mapping[str, str]) -> Iterator[Manager]:
    """Alertmanager with receivers that lead to the stand-ins, from start to stop."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        missing("Alertmanager (Debian's prometheus-alertmanager)")
        raise AssertionError
    with ExitStack() as running:
        vendors: dict[str, Standin] = {name: running.enter_context(kind()) for name, kind in VENDORS.items()}
        base = {name: standin.base for name, standin in vendors.items()}
        route = {"receiver": "all", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
        settings = {"route": route, "receivers": [{"name": "all", **receivers(base, keys)}]}
        (folder / "alertmanager.yml").write_text(json.dumps(settings))  # JSON is YAML
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        given = [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'data'}"]
        given += [f"--web.listen-address={HOST}:{port}", "--cluster.listen-address=", "--log.level=warn"]
        with (folder / "log").open("wb") as log:
            child = subprocess.Popen([program, *given], stdout=log, stderr=log, cwd=folder)
        running.callback(child.wait, timeout=10)
        running.callback(child.terminate)
        http = running.enter_context(httpx.Client(timeout=5, trust_env=False))

        def is_ready() -> bool:
            assert child.poll() is None, (folder / "log").read_text()
            try:
                return http.get(f"http://{HOST}:{port}/-/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait(is_ready, "That Alertmanager is ready")
        yield Manager(f"http://{HOST}:{port}", vendors, http)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    """An Alertmanager that has told every vendor of an alert, and that it is over."""
    with managing(tmp_path_factory.mktemp("good"), GOOD) as manager:
        manager.tell(over=False)
        for name in VENDORS:
            wait(lambda name=name: manager.count(name) == 1, f"That {name} is told of the alert")
        opened = {name: len(standin.open) for name, standin in manager.vendors.items() if hasattr(standin, "open")}
        assert opened == {"pagerduty": 1, "victorops": 1}
        manager.tell(over=True)
        for name in VENDORS:
            wait(lambda name=name: manager.count(name) == 2, f"That {name} is told of its end")
        yield manager


@pytest.mark.parametrize("name", VENDORS)
def test_alertmanager_counts_no_failure(told, name):
    assert told.count(name, "notifications_failed_total") == 0
    assert len(told.vendors[name].calls) == 2


def test_pagerduty_takes_what_alertmanager_sends(told):
    standin = told.vendors["pagerduty"]
    trigger, resolve = standin.events
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert re.fullmatch(r"[0-9a-f]{64}", trigger["dedup_key"])
    assert trigger["payload"]["summary"].startswith("[FIRING:1] DiskFull")
    assert {"source", "severity", "custom_details"} <= trigger["payload"].keys()
    assert (len(standin.messages), standin.open) == (1, set())


def test_opsgenie_takes_what_alertmanager_sends(told):
    standin = told.vendors["opsgenie"]
    (alert,) = standin.messages
    assert alert["message"].startswith("[FIRING:1] DiskFull")
    assert {"alias", "description", "details", "source"} <= alert.keys()
    assert standin.closed == [alert["alias"]]
    assert [call.headers["authorization"] for call in standin.calls] == [f"GenieKey {opsgenie.LIVE}"] * 2


def test_victorops_takes_what_alertmanager_sends(told):
    standin = told.vendors["victorops"]
    critical, recovery = standin.messages
    assert (critical["message_type"], recovery["message_type"]) == ("CRITICAL", "RECOVERY")
    assert critical["entity_id"] == recovery["entity_id"]
    assert {"entity_display_name", "state_message", "monitoring_tool"} <= critical.keys()
    assert critical["route"] == victorops.ROUTE
    assert standin.open == set()


def test_slack_and_telegram_take_what_alertmanager_sends(told):
    assert [message["channel"] for message in told.vendors["slack"].messages] == ["C0GENERAL"] * 2
    firing, resolved = told.vendors["telegram"].messages
    assert ("Firing" in firing["text"], "Resolved" in resolved["text"]) == (True, True)


def test_a_receiver_of_webhooks_takes_what_alertmanager_sends(told):
    firing, resolved = told.vendors["webhook"].messages
    assert (firing["status"], resolved["status"], firing["version"]) == ("firing", "resolved", "4")
    assert firing["groupKey"] == resolved["groupKey"]
    assert firing["alerts"][0]["labels"] == LABELS


def test_a_vendor_that_refuses_a_key_is_a_failure_to_alertmanager(tmp_path):
    with managing(tmp_path, BAD) as manager:
        manager.tell(over=False)
        for name in BAD:
            wait(lambda name=name: manager.count(name, "notifications_failed_total"), f"That {name} refuses the key")
            assert manager.vendors[name].messages == []
