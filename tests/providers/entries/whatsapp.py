"""What the contract suite knows of WhatsApp."""

from __future__ import annotations

from atlas_hub.kit.errors import AuthExpired, InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import whatsapp
from tests.standins.whatsapp import WhatsappStandin


def error(code: int, **facts: object) -> dict[str, object]:
    return {"error": {"message": "x", "type": "OAuthException", "code": code, **facts}}


ENTRIES = (
    Entry(
        slug="whatsapp",
        method="access_token",
        vendor="WhatsApp",
        standin=WhatsappStandin,
        values=lambda _standin: {"phoneNumberId": whatsapp.NUMBER, "accessToken": whatsapp.PERMANENT},
        steps=("format", "reached", "accepted", "token"),
        to=whatsapp.GRACE,
        account=(whatsapp.NUMBER, "-"),
        tokens=("accessToken",),
        misshapen={"phoneNumberId": "1/../canary", "accessToken": "EAA canary"},
        wrong_to=("", "15550000001", "+0123456789", "+1555", "+1555000000112345678", "grace", "+1555x000001"),
        troubles=(
            *HTTP_TROUBLES,
            inside(error(190, error_subcode=463), AuthExpired),
            inside(error(190), InvalidCredentials),
            inside(error(100, error_subcode=33), InvalidCredentials),
            inside(error(10), InsufficientPermissions),
            inside(error(80007), RateLimited, waits=(60, 60)),
            inside(error(2), PlatformError),
            inside({"error": {}}, PlatformError),
            inside({"id": None}, PlatformError),
        ),
    ),
)
