"""The teams, apps, tokens and channels that the Slack stand-in begins with; none of them exists at Slack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

BOT_SCOPES = frozenset({"chat:write", "channels:read", "groups:read", "team:read", "users:read"})


@dataclass
class SlackToken:
    """What a token is. `state` is `active`, `revoked`, `inactive`, `expired` or `invalid`.

    `expires_at`: Unix seconds, None for never; `installer`: the person of the team who installs apps.
    """

    team_id: str
    team: str
    user_id: str
    user: str
    bot_id: str | None = None
    scopes: frozenset[str] = BOT_SCOPES
    app_id: str = "A0ATLAS"
    state: str = "active"
    domain: str = "acme"
    enterprise_id: str | None = None
    is_enterprise_install: bool = False
    expires_at: float | None = None
    installer: str = "U0GRACE"


class SlackError(Exception):
    """`ok: false` with `error`, and what belongs to it."""

    def __init__(self, error: str, **beside: Any) -> None:
        super().__init__(error)
        self.body: dict[str, Any] = {"ok": False, "error": error, **beside}


@dataclass
class SlackApp:
    """An app. `redirect_uris`: where it may send people, any where there are none; `rotation`: its tokens expire.

    `bots`: team id → the ids of its bot there, as user and as bot.
    """

    client_id: str
    client_secret: str
    name: str
    app_id: str
    bots: dict[str, tuple[str, str]]
    redirect_uris: set[str] = field(default_factory=set)
    rotation: bool = False

    def may_return_to(self, uri: str) -> bool:
        """Whether `uri` is one of the app's addresses, or lies below one, as Slack allows."""
        return not self.redirect_uris or any(
            uri == each or uri.startswith(each.rstrip("/") + "/") for each in self.redirect_uris
        )


@dataclass
class SlackChannel:
    """A channel; `members` are user ids. `size`: how many members are told where more are in it, -1 for not told."""

    id: str
    name: str
    team_id: str
    members: frozenset[str] = field(default_factory=frozenset)
    is_private: bool = False
    is_archived: bool = False
    size: int | None = None

    def wire(self, user_id: str) -> dict[str, Any]:
        """The channel as Slack writes it for that user."""
        members = len(self.members) if self.size is None else self.size
        told = {} if members < 0 else {"num_members": members}
        return {
            **told,
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_member": user_id in self.members,
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }


def fake(kind: str, letter: str) -> str:
    """A token of Slack's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "-".join([kind, "1" * 12, "2" * 12, (letter + "FAKE0") * 4])


EVERY_SCOPE = BOT_SCOPES | {"commands", "app_mentions:read"}

ACME, BETA = fake("xoxb", "A"), fake("xoxb", "B")
ACME_IN_FULL = fake("xoxb", "F")
SCOPELESS, REVOKED, INACTIVE = fake("xoxb", "S"), fake("xoxb", "R"), fake("xoxb", "I")
USER = fake("xoxp", "U")
ENTERPRISE = fake("xoxb", "E")

_ACME_BOT = SlackToken("T0ACME", "Acme Corp", "U0ATLAS", "atlas", "B0ATLAS")
_BETA_BOT = SlackToken("T0BETA", "Beta Inc", "U0BETABOT", "atlas", "B0BETA", domain="beta", installer="U0BARBARA")
_GRID_BOT = SlackToken(
    "T0GRID",
    "Grid Works",
    "U0GRIDBOT",
    "atlas",
    "B0GRID",
    domain="grid",
    enterprise_id="E0GRID",
    is_enterprise_install=True,
    installer="U0GRIDADMIN",
)
TEAMS = {bot.team_id: bot for bot in (_ACME_BOT, _BETA_BOT, _GRID_BOT)}
"""Team id → its bot, from which an install's tokens are made; Grid Works installs for its whole organization."""

TOKENS: dict[str, SlackToken] = {
    ACME: _ACME_BOT,
    ACME_IN_FULL: replace(_ACME_BOT, scopes=EVERY_SCOPE),
    BETA: replace(_BETA_BOT),
    SCOPELESS: replace(_ACME_BOT, scopes=frozenset({"users:read"})),
    REVOKED: replace(_ACME_BOT, state="revoked"),
    INACTIVE: replace(_ACME_BOT, state="inactive"),
    USER: SlackToken("T0ACME", "Acme Corp", "U0GRACE", "grace"),
    ENTERPRISE: replace(_GRID_BOT),
}

ATLAS_APP, ROTATING_APP = "111111111111.222222222222", "111111111111.333333333333"
"""The client ids of an app whose tokens last, and of one whose tokens expire after twelve hours."""
ATLAS_SECRET, ROTATING_SECRET = "5a1ac0de" * 4, "407a7e00" * 4
APPS: dict[str, SlackApp] = {
    ATLAS_APP: SlackApp(
        ATLAS_APP,
        ATLAS_SECRET,
        "Atlas",
        "A0ATLAS",
        {team: (bot.user_id, bot.bot_id or "") for team, bot in TEAMS.items()},
    ),
    ROTATING_APP: SlackApp(
        ROTATING_APP,
        ROTATING_SECRET,
        "Atlas Rotating",
        "A0ROTATE",
        {team: (f"U0ROTATE{team[2]}", f"B0ROTATE{team[2]}") for team in TEAMS},
        rotation=True,
    ),
}

_BOTS = frozenset({"U0ATLAS", "U0ROTATEA", "U0GRACE"})
CHANNELS: tuple[SlackChannel, ...] = (
    SlackChannel("C0GENERAL", "general", "T0ACME", _BOTS),
    SlackChannel("C0ALERTS01", "alerts", "T0ACME", _BOTS),
    SlackChannel("C0RANDOM01", "random", "T0ACME", frozenset({"U0GRACE"})),
    SlackChannel("C0OLDLAUNCH", "old-launch", "T0ACME", _BOTS, is_archived=True),
    SlackChannel("C0BOARDROOM", "board", "T0ACME", frozenset({"U0ATLAS"}), is_private=True),
    SlackChannel("C0SECRETS1", "secret", "T0ACME", frozenset({"U0GRACE"}), is_private=True),
    SlackChannel("C0BETAGEN", "general", "T0BETA", frozenset({"U0BETABOT"})),
)
