"""What the contract suite knows of mail by SendGrid."""

from __future__ import annotations

from atlas_hub.kit.errors import PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import sendgrid
from tests.standins.sendgrid import SendgridStandin

ENTRIES = (
    Entry(
        slug="email",
        method="sendgrid",
        vendor="SendGrid",
        standin=SendgridStandin,
        values=lambda _standin: {"senderAddress": "alerts@acme.example", "apiKey": sendgrid.FULL_ACCESS},
        steps=("format", "reached", "accepted", "scopes", "sender"),
        to="ana@acme.example",
        account=None,
        tokens=("apiKey",),
        misshapen={"senderAddress": "canary@", "apiKey": "SG.can ary"},
        wrong_to=("", "ana", "a@b@c.example"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"errors": [{"message": "no", "field": None}]}, PlatformError),
            inside({"scopes": "mail.send"}, PlatformError),
        ),
        seconds="atlas_hub.providers._sendgrid.SECONDS",
    ),
)
