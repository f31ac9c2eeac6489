"""What the contract suite knows of VictorOps."""

from __future__ import annotations

from dataclasses import replace

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import victorops
from tests.standins.victorops import VictorOpsStandin

ENTRIES = (
    Entry(
        slug="victorops",
        method="api_key",
        vendor="VictorOps",
        standin=VictorOpsStandin,
        values=lambda _standin: {"apiKey": victorops.LIVE, "routingKey": victorops.ROUTE},
        steps=("format",),
        to="",
        account=None,
        tokens=("apiKey",),
        misshapen={"apiKey": "can ary", "routingKey": "can\tary"},
        troubles=tuple(
            replace(each, in_check=False)  # a check asks nobody
            for each in (
                *HTTP_TROUBLES,
                inside({"result": True, "entity_id": "x"}, PlatformError),
                inside({"result": "failure"}, InvalidCredentials),
                inside({"result": "failure", "message": "canary key"}, InvalidCredentials),
                inside({"result": "failure", "message": "canary"}, InsufficientPermissions),
                Trouble(name="turned-off", begin=lambda standin: standin.keys.clear(), error=InvalidCredentials),
            )
        ),
    ),
)
