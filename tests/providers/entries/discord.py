"""What the contract suite knows of Discord."""

from __future__ import annotations

from atlas_hub.kit.errors import PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import discord
from tests.standins.discord import DiscordStandin

ENTRIES = (
    Entry(
        slug="discord",
        method="bot_token",
        vendor="Discord",
        standin=DiscordStandin,
        values=lambda _standin: {
            "botToken": discord.ATLAS,
            "applicationId": discord.ATLAS_ID,
            "publicKey": discord.ATLAS_KEY,
        },
        steps=("format", "reached", "accepted", "application", "servers"),
        to=discord.ACME_ALERTS,
        account=(discord.ATLAS_ID, discord.ATLAS_ID),
        tokens=("botToken",),
        misshapen={"botToken": "two canaries", "applicationId": "../canary", "publicKey": "two canaries"},
        wrong_to=("", "#general", "general", "4000000000000000", "400000000000000001/../x", "\u0664" * 18),
        troubles=(
            *HTTP_TROUBLES,
            inside({"id": discord.ATLAS_ID + "/x", "username": "acme-atlas", "bot": True}, PlatformError),
            inside({"id": True, "username": "acme-atlas", "bot": True}, PlatformError),
        ),
    ),
)
