"""What the contract suite knows of PagerDuty."""

from __future__ import annotations

from atlas_hub.kit.errors import PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import pagerduty
from tests.standins.pagerduty import PagerDutyStandin

ENTRIES = (
    Entry(
        slug="pagerduty",
        method="events_key",
        vendor="PagerDuty",
        standin=PagerDutyStandin,
        values=lambda _standin: {"serviceKey": pagerduty.LIVE, "region": "US"},
        steps=("format", "reached", "accepted"),
        to="",
        account=None,
        tokens=("serviceKey",),
        misshapen={"serviceKey": "can ary", "region": "canary"},
        troubles=(
            *HTTP_TROUBLES,
            inside({"status": True, "dedup_key": "x"}, PlatformError),
            inside({"status": "invalid event", "message": "canary"}, PlatformError),
        ),
    ),
)
