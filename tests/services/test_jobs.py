"""What is done in the background finds its rows by itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.kit.secret import Secret
from atlas_hub.services import channel_connections, jobs
from atlas_hub.services.access import Actor
from atlas_hub.services.channel_connections import NewConnection, Place
from atlas_hub.services.channel_tokens import Auth
from atlas_hub.storage.models import Connection
from tests.api.chat.ground import integration, subscriber
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME_IN_FULL


async def rows(hub: Hub) -> list[Any]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(Connection).where(Connection.subscriber == "ana"))).scalars())


async def test_a_token_that_slack_was_silent_about_is_asked_about_again(
    vendors: Hub, slack: SlackStandin, owner: Actor
) -> None:
    await integration(vendors, owner, "slack-abc")
    await subscriber(vendors, owner, "ana")
    slack.dial.set(Fault.UNAVAILABLE, times=1)
    new = NewConnection(
        integration="slack-abc",
        place=Place(id="T0ACME"),
        auth=Auth(access_token=Secret(ACME_IN_FULL)),
        subscriber="ana",
    )
    await channel_connections.create(vendors, owner, new)
    while vendors._tasks:
        await next(iter(vendors._tasks))
    [row] = await rows(vendors)
    assert row.state == "unverified"
    assert await jobs.unproven(vendors) == [(jobs.PROVE, row.id)]
    await jobs.prove(vendors, row.id)
    [row] = await rows(vendors)
    assert (row.state, row.account_key) == ("ok", "T0ACME")
    assert await jobs.unproven(vendors) == []
