"""Tokens that end are had anew once, proven before they count, and asked for no more once they are refused for good."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from atlas_hub import hub as hubs
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import ProviderError
from atlas_hub.services import refreshing
from atlas_hub.services.views import State
from atlas_hub.storage.models import AuditEvent, Credential
from tests.oauth.ground import Ground
from tests.oauth.rotating import HALF_A_DAY, connected, later, lives, the_credential, use
from tests.standins.dial import Fault
from tests.standins.slack_oauth import EXPIRES_IN, TOKEN_PATH

PASSING = [Fault.BUSY_SECONDS, Fault.SERVER_ERROR, Fault.UNAVAILABLE, Fault.HTML, Fault.REDIRECT, Fault.RESET]


pytestmark = pytest.mark.usefixtures("rotating")


async def test_a_token_that_has_ended_is_had_anew_before_it_is_used(each_ground: Ground) -> None:
    ground = each_ground
    connection, number = await connected(ground)
    first = await use(ground, connection)
    assert ground.vendors.slack.refreshes == 0
    later(ground)
    assert not lives(ground, first)
    second = await use(ground, connection)
    assert second != first
    assert lives(ground, second)
    assert await use(ground, connection) == second
    assert ground.vendors.slack.refreshes == 1
    credential = await the_credential(ground)
    assert (credential.id, credential.pending, credential.previous, credential.lease_owner) == (number, None, None, "")
    assert credential.expires_at is not None
    wanted = ground.clock() + timedelta(seconds=EXPIRES_IN)
    assert abs(credential.expires_at - wanted) < timedelta(seconds=30)
    assert not any(name.startswith("_") for name in credential.options)
    await ground.clean()
    (row,) = await ground.rows()
    assert row.masks["bot_token"].endswith(second[-4:])
    assert "token_renewed" in [event.kind for event in await ground.rows(AuditEvent)]


async def test_fifty_uses_over_two_hubs_ask_the_vendor_once(each_ground: Ground) -> None:
    ground = each_ground
    connection, number = await connected(ground)
    later(ground)
    async with AsyncExitStack() as closing:
        second = await closing.enter_async_context(hubs.opened(ground.hub.settings, clock=ground.clock))
        both = (ground.hub, second)
        uses = [use(ground, connection, both[each % 2]) for each in range(40)]
        renewals = [refreshing.fresh(both[each % 2], number) for each in range(10)]
        tokens, _ = await asyncio.gather(asyncio.gather(*uses), asyncio.gather(*renewals))
    assert len(set(tokens)) == 1
    assert lives(ground, tokens[0])
    assert ground.vendors.slack.refreshes == 1


async def test_the_engine_finds_what_ends_soon_and_renews_it_once(each_ground: Ground) -> None:
    ground = each_ground
    _, number = await connected(ground)
    assert await refreshing.those_that_end(ground.hub) == []
    later(ground, HALF_A_DAY - 20 * 60)
    assert await refreshing.those_that_end(ground.hub) == [number]
    await asyncio.gather(*(refreshing.renew(ground.hub, number) for _ in range(5)))
    assert ground.vendors.slack.refreshes == 1
    assert await refreshing.those_that_end(ground.hub) == []


async def test_the_old_pair_stays_until_the_new_one_is_proven(each_ground: Ground) -> None:
    ground = each_ground
    connection, number = await connected(ground)
    old = await ground.token()
    later(ground, HALF_A_DAY - 20 * 60)
    ground.vendors.slack.dial.set(Fault.UNAVAILABLE, path="*/auth.test")
    await refreshing.renew(ground.hub, number)
    assert await ground.token() == old
    new = await ground.token("pending")
    assert new["bot_token"] != old["bot_token"]
    assert await use(ground, connection) == old["bot_token"]  # it counts still, and so it is used
    await ground.clean()
    ground.vendors.slack.dial.set(Fault.OK)
    later(ground, 61)
    await refreshing.renew(ground.hub, number)
    assert ground.vendors.slack.refreshes == 1
    assert await ground.token() == new
    assert (await the_credential(ground)).pending is None


async def test_a_hub_that_is_killed_before_the_new_pair_counts(
    each_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = each_ground
    connection, number = await connected(ground)
    later(ground)

    async def killed(*_: object) -> bool:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(refreshing, "_take_over", killed)
        with pytest.raises(asyncio.CancelledError):
            await refreshing.fresh(ground.hub, number)
    new = await ground.token("pending")
    assert (await the_credential(ground)).lease_owner != ""
    later(ground, 600)
    assert await use(ground, connection) == new["bot_token"]
    assert ground.vendors.slack.refreshes == 1
    credential = await the_credential(ground)
    assert credential.expires_at is not None
    vendor = ground.vendors.slack.tokens[new["bot_token"]].expires_at
    assert vendor is not None
    assert abs(credential.expires_at.timestamp() - vendor) < 30  # it ends when it does, however late it was proven


async def test_the_lease_went_to_somebody_else_meanwhile(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    _, number = await connected(ground)
    later(ground)
    old = await ground.token()
    asked = refreshing._asked

    async def overtaken(hub: Hub, turn: refreshing._Turn) -> object:
        grant = await asked(hub, turn)
        async with hub.db.transaction() as tx:
            await tx.execute(update(Credential).where(col(Credential.id) == number).values(lease_owner="another"))
        return grant

    monkeypatch.setattr(refreshing, "_asked", overtaken)
    assert await refreshing._renew(ground.hub, number) is False
    assert await ground.token() == old
    assert (await the_credential(ground)).pending is None


@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_fault_proves_nothing_against_a_token(ground: Ground, fault: Fault) -> None:
    connection, _ = await connected(ground)
    old = await ground.token()
    later(ground)
    ground.vendors.slack.dial.set(fault, path=TOKEN_PATH)
    with pytest.raises(ProviderError) as raised:
        await use(ground, connection)
    assert raised.value.retryable
    (row,) = await ground.rows()
    assert row.state != State.RECONNECT
    assert await ground.token() == old
    calls = len([call for call in ground.vendors.slack.calls if call.path == TOKEN_PATH])
    assert calls == 2  # the exchange, and one try
    with pytest.raises(ProviderError) as raised:
        await use(ground, connection)
    assert raised.value.retryable
    assert len([call for call in ground.vendors.slack.calls if call.path == TOKEN_PATH]) == calls
    ground.vendors.slack.dial.set(Fault.OK)
    later(ground, 61)
    assert lives(ground, await use(ground, connection))


async def test_a_vendor_that_is_silent(ground: Ground) -> None:
    connection, _ = await connected(ground)
    later(ground)
    ground.vendors.slack.dial.set(Fault.HANG, path=TOKEN_PATH)
    began = asyncio.get_running_loop().time()
    with pytest.raises(ProviderError) as raised:
        await use(ground, connection)
    assert raised.value.retryable
    assert asyncio.get_running_loop().time() - began < 25
    assert [row.state for row in await ground.rows()] != [State.RECONNECT]


async def test_a_token_that_counts_still_is_used_where_the_vendor_gives_no_new_one(ground: Ground) -> None:
    connection, _ = await connected(ground)
    token = await use(ground, connection)
    later(ground, HALF_A_DAY - 40)
    ground.vendors.slack.dial.set(Fault.UNAVAILABLE, path=TOKEN_PATH)
    assert await use(ground, connection) == token
