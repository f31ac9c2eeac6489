"""What the contract suite knows of Prometheus: nobody is asked, so there are no troubles."""

from __future__ import annotations

from contextlib import nullcontext

from tests.providers.entries.entry import Entry

PASSWORD = "not-a-live-password-of-prometheus"

ENTRIES = (
    Entry(
        slug="prometheus",
        method="pull",
        vendor="Prometheus",
        standin=nullcontext,
        values=lambda _standin: {
            "username": "prom_user",
            "password": PASSWORD,
            "serviceDiscovery": "http",
            "enabled": True,
            "scheme": "https",
        },
        steps=("format",),
        to="",
        account=None,
        misshapen={"username": "can:ary canary", "password": "canary", "serviceDiscovery": "canary"},
        mend=lambda _standin: None,
        troubles=(),
    ),
)
