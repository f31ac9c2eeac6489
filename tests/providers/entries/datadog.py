"""What the contract suite knows of Datadog."""

from __future__ import annotations

from atlas_hub.kit.errors import InvalidCredentials, PlatformError
from tests.providers.entries.entry import Entry, http_troubles, inside, turned
from tests.standins import datadog
from tests.standins.datadog import DatadogStandin
from tests.standins.dial import Fault

ENTRIES = (
    Entry(
        slug="datadog",
        method="api_key",
        vendor="Datadog",
        standin=DatadogStandin,
        values=lambda _standin: {"apiKey": datadog.ATLAS, "region": "US5"},
        steps=("format", "reached", "accepted"),
        to="",
        account=None,
        tokens=("apiKey",),
        misshapen={"apiKey": "two canaries", "region": "canary", "sendDatabaseMetrics": "canary"},
        troubles=(
            *http_troubles(Fault.FORBIDDEN),
            turned(Fault.FORBIDDEN, InvalidCredentials),  # Datadog says so of a wrong key
            inside({"valid": False}, InvalidCredentials, in_send=False),
            inside({"valid": "yes"}, PlatformError),
            inside({"status": "ok"}, PlatformError),
            inside({"status": "ok", "event": {"id": "7"}}, PlatformError),
            inside({"status": "ok", "event": {"id": True}}, PlatformError),
            inside({"status": "pending", "event": {"id": 7}}, PlatformError),
        ),
    ),
)
