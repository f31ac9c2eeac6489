"""What the contract suite knows of the addresses of Teams channels."""

from __future__ import annotations

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, at_delivery, turned
from tests.standins.dial import Fault
from tests.standins.teams_webhook import INSIDE, TeamsWebhookStandin


def remove(standin: TeamsWebhookStandin) -> None:
    standin.removed = True


ENTRIES = (
    Entry(
        slug="teams",
        method="webhook",
        vendor="Microsoft Teams",
        standin=TeamsWebhookStandin,
        values=lambda standin: {"microsoftTeamsWebhookUrl": standin.workflow},
        steps=("address",),
        to="",
        account=None,
        tokens=("microsoftTeamsWebhookUrl",),
        misshapen={"microsoftTeamsWebhookUrl": "canary.webhook.office.com/webhookb2/canary"},
        troubles=at_delivery(
            *HTTP_TROUBLES,
            Trouble(name="removed", begin=remove, error=InvalidCredentials),
            *(
                turned(Fault.NONSENSE, error, body=INSIDE.format(status=status))
                for status, error in (
                    (429, RateLimited),
                    (404, InvalidCredentials),
                    (413, InsufficientPermissions),
                    (500, PlatformError),
                )
            ),
        ),
    ),
)
