"""A connection whose tokens end, and its use."""

from __future__ import annotations

from atlas_hub.hub import Hub
from atlas_hub.services import opening
from atlas_hub.storage.models import Credential
from tests.oauth.ground import Ground

HALF_A_DAY = 12 * 3600


async def connected(ground: Ground) -> tuple[str, str]:
    """The ids of a connection whose token ends in half a day, and of its credential."""
    await ground.browser().connect("slack")
    (row,) = await ground.rows()
    assert row.credential_id is not None
    return row.id, row.credential_id


def later(ground: Ground, seconds: float = HALF_A_DAY) -> None:
    """For hub and vendor alike."""
    ground.clock.forward(seconds=seconds)
    ground.vendors.slack.ahead += int(seconds)


async def the_credential(ground: Ground) -> Credential:
    (credential,) = await ground.rows(Credential)
    found: Credential = credential
    return found


async def use(ground: Ground, connection: str, hub: Hub | None = None) -> str:
    """The token with which a connection is used now. Raises why it cannot be."""
    _, _, _, form, fault = await opening.opened(hub or ground.hub, ground.owner, connection)
    if fault is not None:
        raise fault
    assert form is not None
    token: str = form.bot_token.reveal()  # type: ignore[attr-defined]
    return token


def lives(ground: Ground, token: str) -> bool:
    slack = ground.vendors.slack
    found = slack.tokens[token]
    return found.state == "active" and (found.expires_at is None or found.expires_at > slack.now())
