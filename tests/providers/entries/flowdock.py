"""What the contract suite knows of Flowdock: nobody stands in for it, as nobody asks it."""

from __future__ import annotations

from tests.providers.entries.entry import Entry, Nobody

ENTRIES = (
    Entry(
        slug="flowdock",
        method="api_token",
        vendor="Flowdock",
        standin=Nobody,
        values=lambda _standin: {"flowName": "alerts", "apiToken": "0fa4e" * 6 + "00", "orgName": "acme"},
        steps=("format",),
        to="",
        account=None,
        tokens=("apiToken",),
        misshapen={"flowName": "canary\x07", "apiToken": "canary" * 100, "orgName": "canary" * 100},
        troubles=(),
    ),
)
