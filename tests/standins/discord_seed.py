"""What the Discord stand-in begins with: bots, applications and servers; and how Discord refuses."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any


def fake(bot_id: str, letter: str) -> str:
    """A token of Discord's shape that is nobody's. Put together, so that no scanner takes it for live."""
    first = base64.urlsafe_b64encode(bot_id.encode()).decode().rstrip("=")
    return f"{first}.{'G' + letter + 'FAKE'}.{(letter + 'fake-discord_') * 3}"[:72]


ATLAS_ID, EMPTY_ID, MANY_ID, SHY_ID, OLD_ID, HUB_ID = (f"10000000000000000{number}" for number in range(1, 7))
ATLAS, EMPTY, MANY = fake(ATLAS_ID, "a"), fake(EMPTY_ID, "e"), fake(MANY_ID, "m")
SHY, REVOKED, PERSON = fake(SHY_ID, "s"), fake(OLD_ID, "r"), fake("200000000000000001", "p")
HUB = fake(HUB_ID, "h")
"""The operator's bot, which is in no server until somebody adds it."""
HUB_SECRET, ATLAS_SECRET = "-".join(["hub", "fake", "secret"] * 2), "-".join(["atlas", "fake", "secret"] * 2)
ATLAS_KEY, OTHER_KEY = "0a1b2c3d" * 8, "4e5f6a7b" * 8
ACME_GUILD, ACME_ALERTS = "300000000000000001", "400000000000000001"
BETA_GUILD, BETA_ALERTS = "300000000000000002", "400000000000000005"
NOBODYS_GUILD = "399999999999999999"
ARCHIVED, READ_ONLY, HIDDEN_ONE = "400000000000000002", "400000000000000003", "400000000000000004"
UNKNOWN = "499999999999999999"


@dataclass
class DiscordBot:
    """A bot. `hides`: paths that answer it with the status given. `channels`: id → (status, message, code) or None.
    `roles`: its roles in every server that it is in, @everyone apart.
    """

    id: str
    username: str
    verify_key: str
    guilds: list[dict[str, Any]] = field(default_factory=list)
    channels: dict[str, tuple[int, str, int] | None] = field(default_factory=dict)
    hides: dict[str, int] = field(default_factory=dict)
    revoked: bool = False
    is_bot: bool = True
    roles: tuple[str, ...] = ()

    def wire(self) -> dict[str, Any]:
        """The bot as a user; a person's `bot` is false."""
        told = {"id": self.id, "username": self.username, "discriminator": "0000", "avatar": None, "public_flags": 0}
        return told | {"bot": self.is_bot}


class DiscordError(Exception):
    """A refusal: status, message and code, and further headers."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "code": code}


def guild(number: str, name: str) -> dict[str, Any]:
    """A server as the list of a bot's servers has it."""
    return {"id": number, "name": name, "icon": None, "owner": False, "permissions": "274877926400", "features": []}


@dataclass
class DiscordApp:
    """An application. `redirect_uris`: where it may send people, any where there are none."""

    client_id: str
    client_secret: str
    name: str
    bot_token: str
    redirect_uris: set[str] = field(default_factory=set)


VIEW, ADMIN = 1 << 10, 1 << 3
STAFF_ROLE, ADMIN_ROLE, EXTRA_ROLE = (f"70000000000000000{number}" for number in (1, 2, 3))


@dataclass
class DiscordPlace:
    """What a server consists of: its roles (id → permissions), its channels as the API tells them, and its size."""

    roles: dict[str, int] = field(default_factory=dict)
    channels: list[dict[str, Any]] = field(default_factory=list)
    members: int = 42
    owner: str = "200000000000000001"


def overwrite(who: str, *, allow: int = 0, deny: int = 0, member: bool = False) -> dict[str, Any]:
    """A channel's word about a role or a member; permissions are decimal texts."""
    return {"id": who, "type": int(member), "allow": str(allow), "deny": str(deny)}


def channel(number: str, name: str, kind: int = 0, parent: str | None = None, *said: Any) -> dict[str, Any]:
    """A channel as a server lists it."""
    return {"id": number, "type": kind, "name": name, "parent_id": parent, "permission_overwrites": list(said),
            "position": 0, "nsfw": False, "guild_id": ""}  # fmt: skip


def the_places() -> dict[str, DiscordPlace]:
    """Server id → what it consists of. Acme's category Staff is for its role alone, and its channels copy that."""
    hidden = (overwrite(ACME_GUILD, deny=VIEW), overwrite(STAFF_ROLE, allow=VIEW))
    acme = [
        channel("410000000000000001", "Staff", 4, None, *hidden),
        channel(ACME_ALERTS, "alerts"),
        channel("400000000000000011", "news", 5),
        channel("400000000000000012", "help", 15),
        channel("400000000000000013", "Talk", 2),
        channel("400000000000000014", "Stage", 13),
        channel("400000000000000015", "clips", 16),
        channel("400000000000000016", "staff", 0, "410000000000000001", *hidden),
    ]
    beta = [channel(BETA_ALERTS, "alerts")]
    roles = {STAFF_ROLE: 0, ADMIN_ROLE: ADMIN}
    return {
        ACME_GUILD: DiscordPlace({ACME_GUILD: VIEW, **roles}, acme),
        BETA_GUILD: DiscordPlace({BETA_GUILD: VIEW}, beta, members=7),
    }


def the_bots() -> dict[str, DiscordBot]:
    """Token → bot: one server, none, five, one that learns little, one reset, a person, and one to be added."""
    channels: dict[str, tuple[int, str, int] | None] = {
        ACME_ALERTS: None,
        ARCHIVED: (400, "Thread is archived", 50083),
        READ_ONLY: (403, "Missing Permissions", 50013),
        HIDDEN_ONE: (403, "Missing Access", 50001),
    }
    many = [guild(f"30000000000000001{number}", f"Server {number}") for number in range(5)]
    return {
        ATLAS: DiscordBot(ATLAS_ID, "acme-atlas", ATLAS_KEY, [guild(ACME_GUILD, "Acme Corp")], channels),
        EMPTY: DiscordBot(EMPTY_ID, "lonely-atlas", OTHER_KEY),
        MANY: DiscordBot(MANY_ID, "busy-atlas", OTHER_KEY, many),
        SHY: DiscordBot(SHY_ID, "shy-atlas", OTHER_KEY, hides={"applications/@me": 404, "users/@me/guilds": 403}),
        REVOKED: DiscordBot(OLD_ID, "old-atlas", OTHER_KEY, revoked=True),
        PERSON: DiscordBot("200000000000000001", "grace", OTHER_KEY, is_bot=False),
        HUB: DiscordBot(HUB_ID, "atlas-hub", OTHER_KEY),
    }


def the_apps() -> dict[str, DiscordApp]:
    """Client id → application."""
    return {
        HUB_ID: DiscordApp(HUB_ID, HUB_SECRET, "Atlas Hub", HUB),
        ATLAS_ID: DiscordApp(ATLAS_ID, ATLAS_SECRET, "Acme Atlas", ATLAS),
    }


SERVERS = {ACME_GUILD: "Acme Corp", BETA_GUILD: "Beta Inc"}
"""The servers to which a bot can be added."""
CHANNELS = {ACME_GUILD: ACME_ALERTS, BETA_GUILD: BETA_ALERTS}
"""The channel of a server in which a bot may write once it was added."""
