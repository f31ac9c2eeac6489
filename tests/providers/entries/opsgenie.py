"""What the contract suite knows of Opsgenie."""

from __future__ import annotations

from dataclasses import replace

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import opsgenie
from tests.standins.opsgenie import OpsgenieKey, OpsgenieStandin


def _off(standin: OpsgenieStandin) -> None:
    standin.keys[opsgenie.LIVE] = OpsgenieKey(enabled=False)


def _manages(standin: OpsgenieStandin) -> None:
    standin.keys[opsgenie.LIVE] = OpsgenieKey(manages=True)


ENTRIES = (
    Entry(
        slug="opsgenie",
        method="api_key",
        vendor="Opsgenie",
        standin=OpsgenieStandin,
        values=lambda _standin: {"apiKey": opsgenie.LIVE, "region": "US"},
        steps=("format", "reached", "accepted"),
        to="",
        account=None,
        tokens=("apiKey",),
        misshapen={"apiKey": "can ary", "region": "canary"},
        troubles=(
            # A 403 to the question of a check is a key that may not read, which is no trouble.
            *(replace(each, in_check=each.error is not InsufficientPermissions) for each in HTTP_TROUBLES),
            inside({"data": {}, "requestId": 7}, PlatformError),
            Trouble(name="key-deleted", begin=lambda standin: standin.keys.clear(), error=InvalidCredentials),
            Trouble(name="turned-off", begin=_off, error=InsufficientPermissions),
            Trouble(name="no-integration", begin=_manages, error=InsufficientPermissions, in_check=False),
            Trouble(
                name="not-created",
                begin=lambda standin: setattr(standin, "refuses", "Integration is in maintenance"),
                error=InsufficientPermissions,
                in_check=False,
            ),
        ),
    ),
)
