"""What the contract suite knows of Prometheus: nobody is asked, so there are no troubles."""

from __future__ import annotations

from tests.providers.entries.entry import Entry, Nobody

PASSWORD = "not-a-live-password-of-prometheus"


ENTRIES = (
    Entry(
        slug="prometheus",
        method="pull",
        vendor="Prometheus",
        standin=Nobody,
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
        troubles=(),
    ),
)
