"""What the contract suite knows of webhooks."""

from __future__ import annotations

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, NetworkError, PlatformError, RateLimited
from tests.providers.entries.entry import Entry, at_delivery, turned
from tests.standins import webhook
from tests.standins.dial import BUSY_FOR, Fault
from tests.standins.webhook import WebhookStandin

ENTRIES = (
    Entry(
        slug="webhook",
        method="url",
        vendor="webhook",
        standin=WebhookStandin,
        values=lambda standin: {"url": standin.url, "secret": webhook.SECRET},
        steps=("address",),
        to="",
        account=None,
        tokens=("url",),
        misshapen={"url": "https://canary.example/two canaries", "secret": "canary\x07canary"},
        troubles=at_delivery(
            turned(Fault.UNAUTHORIZED, InvalidCredentials),
            turned(Fault.FORBIDDEN, InsufficientPermissions),
            turned(Fault.BUSY_SECONDS, RateLimited, waits=(BUSY_FOR, BUSY_FOR)),
            turned(Fault.BUSY_DATE, RateLimited, waits=(1, BUSY_FOR + 1)),
            turned(Fault.BUSY_BARE, RateLimited, waits=(60, 60)),
            turned(Fault.SERVER_ERROR, PlatformError),
            turned(Fault.UNAVAILABLE, PlatformError),
            turned(Fault.HANG, NetworkError, slow=True),
            turned(Fault.REDIRECT, PlatformError),
            turned(Fault.HUGE, PlatformError),
            turned(Fault.RESET, NetworkError),
        ),
    ),
)
"""A 2xx is a yes, whatever the receiver says with it."""
