"""What the contract suite knows of mail by Postmark."""

from __future__ import annotations

from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import postmark
from tests.standins.postmark import PostmarkStandin

ENTRIES = (
    Entry(
        slug="email",
        method="postmark",
        vendor="Postmark",
        standin=PostmarkStandin,
        values=lambda _standin: {"senderAddress": "alerts@acme.example", "serverToken": postmark.LIVE},
        steps=("format", "reached", "accepted", "sender"),
        to="ana@acme.example",
        account=None,
        tokens=("serverToken",),
        misshapen={"senderAddress": "canary@", "serverToken": "can ary"},
        wrong_to=("", "ana", "a@b@c.example"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"ErrorCode": 10, "Message": postmark.NO_TOKEN}, InvalidCredentials),
            inside({"ErrorCode": 429, "Message": "canary"}, RateLimited, waits=(60, 60)),
            inside({"ErrorCode": 406, "Message": "canary"}, InsufficientPermissions),
            inside({"ErrorCode": 100, "Message": "canary"}, PlatformError),
            inside({"ErrorCode": True, "ID": "1", "Name": "Acme"}, PlatformError),
            inside({"Message": "OK"}, PlatformError),
            Trouble(name="token-deleted", begin=lambda standin: standin.servers.clear(), error=InvalidCredentials),
        ),
        seconds="atlas_hub.providers._postmark.SECONDS",
    ),
)
