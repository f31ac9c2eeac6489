"""What the contract suite knows of Linear."""

from __future__ import annotations

from dataclasses import replace

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside, turned
from tests.standins import linear
from tests.standins.dial import Fault
from tests.standins.linear import LinearStandin, error

ENTRIES = (
    Entry(
        slug="linear",
        method="api_key",
        vendor="Linear",
        standin=LinearStandin,
        values=lambda _standin: {"apiKey": linear.ADA},
        steps=("format", "reached", "accepted"),
        to="",
        account=(linear.ADA_ID, "-"),
        tokens=("apiKey",),
        misshapen={"apiKey": "lin_wh_canary"},
        wrong_to=(),
        troubles=tuple(
            replace(trouble, in_send=False)
            for trouble in (
                *HTTP_TROUBLES,
                turned(Fault.OK_ERROR, InvalidCredentials),
                inside({"errors": [error(403)], "data": None}, InsufficientPermissions),
                inside({"errors": [error(429)]}, RateLimited, waits=(60, 60)),
                inside({"errors": [error(500)]}, PlatformError),
                inside({"errors": [{"message": "canary"}]}, InvalidCredentials),
                inside({"data": {"viewer": None}}, InvalidCredentials),
                inside({"data": {"viewer": {"id": "../x"}}}, PlatformError),
                Trouble(
                    name="budget",
                    begin=lambda standin: setattr(standin, "left", 0),
                    error=RateLimited,
                    waits=(85, 91),
                ),
                Trouble(
                    name="revoked",
                    begin=lambda standin: standin.keys.update({linear.ADA: None}),
                    error=InvalidCredentials,
                ),
            )
        ),
    ),
)
