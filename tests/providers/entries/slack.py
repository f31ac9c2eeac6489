"""What the contract suite knows of Slack."""

from __future__ import annotations

from atlas_hub.kit.errors import AuthExpired, InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside, turned
from tests.standins import slack_seed
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin

ENTRIES = (
    Entry(
        slug="slack",
        method="bot_token",
        vendor="Slack",
        standin=SlackStandin,
        values=lambda _standin: {"botToken": slack_seed.ACME, "signingSecret": "0123456789abcdef" * 2},
        steps=("format", "reached", "accepted", "scopes"),
        to="C0GENERAL",
        account=("T0ACME", "U0ATLAS"),
        tokens=("botToken", "signingSecret"),
        misshapen={"botToken": "xoxp-1-2-canary", "signingSecret": "two canaries"},
        wrong_to=("", "#general", "general", "c0123456789", "C0123456789/../x"),
        troubles=(
            *HTTP_TROUBLES,
            turned(Fault.OK_ERROR, PlatformError),
            inside({"ok": False, "error": "token_revoked"}, AuthExpired),
            inside({"ok": False, "error": "invalid_auth"}, InvalidCredentials),
            inside({"ok": False, "error": "ratelimited"}, RateLimited, waits=(60, 60)),
            inside({"ok": False, "error": "missing_scope", "needed": "x"}, InsufficientPermissions),
            inside({"ok": False, "error": "https://evil.example/xoxb-1"}, InvalidCredentials, in_send=False),
            inside({"ok": False, "error": "https://evil.example/xoxb-1"}, PlatformError, in_check=False),
            inside({"ok": False}, InvalidCredentials, in_send=False),
            inside({"ok": False}, PlatformError, in_check=False),
            inside({"ok": True}, PlatformError),
        ),
    ),
)

UNLISTED = (
    Entry(
        slug="slack",
        method="api_token",
        vendor="Slack",
        standin=SlackStandin,
        values=lambda _standin: {"apiToken": slack_seed.ACME, "teamName": "Acme Corp", "channelName": "general"},
        steps=ENTRIES[0].steps,
        to="C0GENERAL",
        account=("T0ACME", "U0ATLAS"),
        tokens=("apiToken",),
        misshapen={"apiToken": "two canaries", "teamName": "canary" * 100, "channelName": "canary\x07"},
        wrong_to=ENTRIES[0].wrong_to,
        troubles=ENTRIES[0].troubles,
    ),
)
"""A way in that no form offers: the groups API stores it."""
