"""What the contract suite knows of Microsoft Teams."""

from __future__ import annotations

from atlas_hub.kit.errors import AuthExpired, PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import teams
from tests.standins.teams import TeamsStandin


def expire(standin: TeamsStandin) -> None:
    standin.apps[teams.ATLAS].secrets[teams.GOOD] = False


ENTRIES = (
    Entry(
        slug="teams",
        method="app",
        vendor="Microsoft",
        standin=TeamsStandin,
        values=lambda _standin: {"appId": teams.ATLAS, "appPassword": teams.GOOD, "tenantId": teams.ACME},
        steps=("format", "reached", "accepted", "tenant"),
        to=teams.ALERTS,
        account=(teams.ACME, teams.ATLAS),
        tokens=("appPassword",),
        misshapen={
            "appId": f"{teams.ATLAS}/canary",
            "appPassword": "can\u00e4ry canary",
            "tenantId": "canary/../common",
        },
        wrong_to=(
            "",
            "General",
            "19:x@thread.tacv2/../members",
            "19:x@thread.tacv2?y=1",
            "19:x@elsewhere.example",
            "19:x@thread.tacv2;messageid=1/2",
            "a:one two",
            "https://teams.microsoft.com/l/channel/General/x",
            "https://elsewhere.example/l/channel/19%3Ax%40thread.tacv2/General",
        ),
        troubles=(
            *HTTP_TROUBLES,
            inside({"token_type": "Bearer", "access_token": 7}, PlatformError),
            inside({"token_type": "Bearer", "access_token": "two words"}, PlatformError),
            Trouble(name="expired", begin=expire, error=AuthExpired),
        ),
    ),
)
