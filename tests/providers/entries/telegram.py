"""What the contract suite knows of Telegram."""

from __future__ import annotations

from atlas_hub.kit.errors import InvalidCredentials, PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import telegram
from tests.standins.telegram import TelegramStandin

ENTRIES = (
    Entry(
        slug="telegram",
        method="bot_token",
        vendor="Telegram",
        standin=TelegramStandin,
        values=lambda _standin: {"botToken": telegram.ATLAS},
        steps=("format", "reached", "accepted"),
        to="@acme_alerts",
        account=("123456789", "-"),
        tokens=("botToken",),
        misshapen={"botToken": "123456789:../../canary"},
        wrong_to=("", "acme", "https://t.me/acme", "12 34", "@a"),
        troubles=(
            *HTTP_TROUBLES,
            inside({"ok": False, "error_code": 401, "description": "Unauthorized"}, InvalidCredentials),
            inside({"ok": False, "error_code": 404, "description": "Not Found"}, InvalidCredentials),
            inside({"ok": False, "error_code": 409, "description": "Conflict"}, PlatformError),
            inside({"ok": False, "error_code": True}, InvalidCredentials, in_send=False),
            inside({"ok": False, "error_code": True}, PlatformError, in_check=False),
            inside({"ok": False}, InvalidCredentials, in_send=False),
            inside({"ok": False}, PlatformError, in_check=False),
            inside({"ok": True, "result": {"id": 1, "is_bot": "yes"}}, PlatformError),
        ),
    ),
)
