"""A token that Discord refused once is never sent again, by anybody, in no worker that shares the Redis."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import InvalidCredentials, ProviderError
from atlas_hub.providers.contract import silent
from atlas_hub.services import asking, channels, connections, delivery, named, refused, status
from atlas_hub.services.access import Actor
from atlas_hub.services.connections import Mode
from atlas_hub.services.opening import find_method
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.dial import Fault
from tests.standins.discord import ACME_ALERTS, ACME_GUILD, ATLAS, ATLAS_ID, ATLAS_KEY, DiscordStandin, fake

ME = "/api/v10/users/@me"


@pytest.fixture
def discord(monkeypatch: pytest.MonkeyPatch) -> Iterator[DiscordStandin]:
    with DiscordStandin() as standin:
        monkeypatch.setenv("ATLAS_UPSTREAM_DISCORD", standin.base)
        yield standin


@pytest.fixture
async def workers(
    discord: DiscordStandin, database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Hub, Hub]]:
    """Two workers on one database and one Redis, which others use at the same time: what is kept there is by key."""
    key = f"v1:{b64encode(token_bytes(32)).decode()}"
    async with AsyncExitStack() as open_ones:
        settings = settings_for(tmp_path, database_url=database_url, redis_url=redis_url, encryption_keys=key)
        yield (
            await open_ones.enter_async_context(open_hub(settings)),
            await open_ones.enter_async_context(open_hub(settings)),
        )


def values(token: str = ATLAS, **more: Any) -> dict[str, Any]:
    return {"bot_token": token, "application_id": ATLAS_ID, "public_key": ATLAS_KEY, **more}


async def connect(hub: Hub, owner: Actor, **given: Any) -> str:
    mode = given.pop("mode", Mode.REPLACE)
    done = await connections.connect(hub, owner, "discord", "bot_token", values(**given), source="page", mode=mode)
    return done.view.id


async def test_after_one_401_nobody_asks_again(workers: tuple[Hub, Hub], owner: Actor, discord: DiscordStandin) -> None:
    here, there = workers
    row = await connect(here, owner, guild_id=ACME_GUILD)
    discord.bots[ATLAS].revoked = True
    calls = len(discord.calls)
    first = await connections.checked(here, owner, row)
    assert isinstance(first.refusal, InvalidCredentials)
    assert first.refusal.text.endswith(refused.NOT_AGAIN)
    assert first.view.state == "reconnect"
    assert len(discord.calls) == calls + 1
    for hub in (there, here):
        again = await connections.checked(hub, owner, row)
        assert again.refusal is not None
        assert again.refusal.text == first.refusal.text
        validity = await named.validate(hub, owner, row)
        assert isinstance(validity.refusal, InvalidCredentials)
        sent = await delivery.send_test(hub, owner, row, ACME_ALERTS)
        assert (sent.success, sent.code) == (False, "INVALID_CREDENTIALS")
        with pytest.raises(InvalidCredentials):
            await channels.listed(hub, owner, row, refresh=True)
        for mode in (Mode.ADD, Mode.REPLACE):
            with pytest.raises(InvalidCredentials) as caught:
                await connect(hub, owner, mode=mode)
            assert caught.value.field == "bot_token"
        with pytest.raises(InvalidCredentials):
            await connections.renew(hub, owner, row, {"bot_token": ATLAS}, "connections")
    assert len(discord.calls) == calls + 1
    (card,) = [each for each in (await status.overview(here, owner)).cards if each.provider == "discord"]
    assert card.connection is not None
    assert card.connection.state == "reconnect"


async def test_the_new_token_works_at_once(workers: tuple[Hub, Hub], owner: Actor, discord: DiscordStandin) -> None:
    here, there = workers
    row = await connect(here, owner)
    new = fake(ATLAS_ID, "n")
    discord.bots[new] = discord.bots.pop(ATLAS)
    await connections.checked(here, owner, row)
    await connections.renew(there, owner, row, {"bot_token": new}, "connections")
    assert (await connections.checked(here, owner, row)).refusal is None
    assert (await delivery.send_test(here, owner, row, ACME_ALERTS)).success
    with pytest.raises(InvalidCredentials):
        await connections.renew(here, owner, row, {"bot_token": ATLAS}, "connections")
    assert (await connections.checked(there, owner, row)).refusal is None


@pytest.mark.parametrize(
    "path", [f"/api/v10/channels/{ACME_ALERTS}/messages", f"/api/v10/guilds/{ACME_GUILD}/channels"]
)
async def test_any_401_is_the_one(workers: tuple[Hub, Hub], owner: Actor, discord: DiscordStandin, path: str) -> None:
    here, there = workers
    row = await connect(here, owner, guild_id=ACME_GUILD)
    discord.dial.set(Fault.UNAUTHORIZED, path=path, times=1)
    if path.endswith("messages"):
        assert not (await delivery.send_test(here, owner, row, ACME_ALERTS)).success
    else:
        with pytest.raises(InvalidCredentials):
            await channels.listed(here, owner, row)
    calls = len(discord.calls)
    assert (await connections.checked(there, owner, row)).refusal is not None
    assert len(discord.calls) == calls


async def test_a_restart_forgets_nothing_of_what_is_stored(
    discord: DiscordStandin, database_url: str, tmp_path: Path, owner: Actor
) -> None:
    settings = settings_for(tmp_path, database_url=database_url)  # without a Redis each process counts by itself
    async with open_hub(settings) as hub:
        row = await connect(hub, owner)
        discord.bots[ATLAS].revoked = True
        await connections.checked(hub, owner, row)
    calls = len(discord.calls)
    async with open_hub(settings) as hub:
        assert (await connections.checked(hub, owner, row)).refusal is not None
        assert not (await delivery.send_test(hub, owner, row, ACME_ALERTS)).success
        assert len(discord.calls) == calls


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.BUSY_SECONDS, Fault.UNAVAILABLE, Fault.HTML, Fault.RESET])
async def test_no_other_answer_is_held_against_a_token(
    workers: tuple[Hub, Hub], owner: Actor, discord: DiscordStandin, fault: Fault
) -> None:
    here, _ = workers
    discord.dial.set(fault)
    with pytest.raises(ProviderError):
        await connect(here, owner)
    discord.dial.set(Fault.OK)
    assert await connect(here, owner)


async def test_a_wrong_key_beside_a_good_token_is_mended(
    workers: tuple[Hub, Hub], owner: Actor, discord: DiscordStandin
) -> None:
    here, _ = workers
    with pytest.raises(InvalidCredentials):
        await connect(here, owner, public_key="0" * 64)
    assert await connect(here, owner)


async def test_who_asks_without_a_memory_is_a_mistake_of_ours(discord: DiscordStandin, hub: Hub) -> None:
    _, method = find_method("discord", "bot_token")
    with pytest.raises(TypeError):
        await asking.check(method, method.read(values()), hub.http, silent)
    assert discord.calls == []
