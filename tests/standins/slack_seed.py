"""The teams, tokens and channels that the Slack stand-in begins with; none of them exists at Slack."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

BOT_SCOPES = frozenset({"chat:write", "channels:read", "groups:read", "team:read", "users:read"})


@dataclass
class SlackToken:
    """What a token is. `state` is `active`, `revoked`, `inactive`, `expired` or `invalid`."""

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


@dataclass
class SlackChannel:
    """A channel; `members` are user ids."""

    id: str
    name: str
    team_id: str
    members: frozenset[str] = field(default_factory=frozenset)
    is_private: bool = False
    is_archived: bool = False

    def wire(self, user_id: str) -> dict[str, Any]:
        """The channel as Slack writes it for that user."""
        return {
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
            "num_members": len(self.members),
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

TOKENS: dict[str, SlackToken] = {
    ACME: _ACME_BOT,
    ACME_IN_FULL: replace(_ACME_BOT, scopes=EVERY_SCOPE),
    BETA: SlackToken("T0BETA", "Beta Inc", "U0BETABOT", "atlas", "B0BETA", domain="beta"),
    SCOPELESS: replace(_ACME_BOT, scopes=frozenset({"users:read"})),
    REVOKED: replace(_ACME_BOT, state="revoked"),
    INACTIVE: replace(_ACME_BOT, state="inactive"),
    USER: SlackToken("T0ACME", "Acme Corp", "U0GRACE", "grace"),
    ENTERPRISE: SlackToken(
        "T0GRID",
        "Grid Works",
        "U0GRIDBOT",
        "atlas",
        "B0GRID",
        domain="grid",
        enterprise_id="E0GRID",
        is_enterprise_install=True,
    ),
}

_BOTS = frozenset({"U0ATLAS", "U0GRACE"})
CHANNELS: tuple[SlackChannel, ...] = (
    SlackChannel("C0GENERAL", "general", "T0ACME", _BOTS),
    SlackChannel("C0ALERTS01", "alerts", "T0ACME", _BOTS),
    SlackChannel("C0RANDOM01", "random", "T0ACME", frozenset({"U0GRACE"})),
    SlackChannel("C0OLDLAUNCH", "old-launch", "T0ACME", _BOTS, is_archived=True),
    SlackChannel("C0BOARDROOM", "board", "T0ACME", frozenset({"U0ATLAS"}), is_private=True),
    SlackChannel("C0SECRETS1", "secret", "T0ACME", frozenset({"U0GRACE"}), is_private=True),
    SlackChannel("C0BETAGEN", "general", "T0BETA", frozenset({"U0BETABOT"})),
)
