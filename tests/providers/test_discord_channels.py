"""The channels that a bot of Discord may see, and the server that they are of."""

from __future__ import annotations

import pytest

from atlas_hub.kit.errors import InsufficientPermissions, PlatformError, RateLimited
from tests.providers.test_discord import bot
from tests.standins import discord
from tests.standins import discord_seed as seed

pytestmark = pytest.mark.entry("discord", "bot_token")


def place(world):
    return world.standin.places[discord.ACME_GUILD]


def listed(found):
    return {each.name: each for each in found.channels}


async def channels(world, **changed):
    return await world.way.channels(world.form(**changed), world.http)


async def test_the_channels_of_the_only_server(world):
    found = listed(await channels(world))
    assert set(found) == {"#alerts", "#news", "#help", "#staff"}  # no voice, stage, category or media
    assert (found["#alerts"].private, found["#alerts"].members, found["#alerts"].joined) == (False, 42, True)
    assert (found["#staff"].private, found["#staff"].members, found["#staff"].joined) == (True, None, False)
    (call,) = [call for call in world.standin.calls if call.query == "with_counts=true"]
    assert call.path == f"/api/v10/guilds/{discord.ACME_GUILD}"


ALLOW, DENY = {"allow": seed.VIEW}, {"deny": seed.VIEW}
SEEN = {
    "nothing said": ({}, [], (), (False, True)),
    "everyone may not": ({}, [("guild", DENY)], (), (True, False)),
    "a role may": ({}, [("guild", DENY), (seed.STAFF_ROLE, ALLOW)], (seed.STAFF_ROLE,), (True, True)),
    "another's role may": ({}, [("guild", DENY), (seed.ADMIN_ROLE, ALLOW)], (seed.STAFF_ROLE,), (True, False)),
    "a role may not": ({}, [(seed.STAFF_ROLE, DENY)], (seed.STAFF_ROLE,), (False, False)),
    "one role allows what another denies": (
        {},
        [(seed.STAFF_ROLE, DENY), (seed.EXTRA_ROLE, ALLOW)],
        (seed.STAFF_ROLE, seed.EXTRA_ROLE),
        (False, True),
    ),
    "the bot itself may": ({}, [("guild", DENY), ("me", ALLOW)], (), (True, True)),
    "the bot itself may not": (
        {},
        [(seed.STAFF_ROLE, ALLOW), ("me", DENY)],
        (seed.STAFF_ROLE,),
        (False, False),
    ),
    "an administrator": ({}, [("guild", DENY), ("me", DENY)], (seed.ADMIN_ROLE,), (True, True)),
    "the role everyone may not": ({"guild": 0}, [], (), (True, False)),
    "the role everyone may not, the channel lets": ({"guild": 0}, [("guild", ALLOW)], (), (False, True)),
    "a role's own right": ({"guild": 0, seed.STAFF_ROLE: seed.VIEW}, [], (seed.STAFF_ROLE,), (True, True)),
}


@pytest.mark.parametrize("case", SEEN)
async def test_who_may_see_a_channel(world, case):
    roles, said, own, expected = SEEN[case]
    names = {"guild": discord.ACME_GUILD, "me": discord.ATLAS_ID}
    there = place(world)
    there.roles |= {seed.EXTRA_ROLE: 0} | {names.get(name, name): bits for name, bits in roles.items()}
    overwrites = [seed.overwrite(names.get(who, who), member=who == "me", **bits) for who, bits in said]
    there.channels = [seed.channel("420000000000000001", "one", 0, None, *overwrites)]
    world.standin.bots[discord.ATLAS].roles = own
    (found,) = (await channels(world)).channels
    assert (found.private, found.joined) == expected
    assert found.members == (None if found.private else 42)


async def test_a_category_that_is_private_keeps_what_says_nothing_of_everyone_private(world):
    there = place(world)
    hidden = seed.overwrite(discord.ACME_GUILD, deny=seed.VIEW)
    shown = seed.overwrite(discord.ACME_GUILD, allow=seed.VIEW)
    there.channels = [
        seed.channel("410000000000000009", "Hidden", 4, None, hidden),
        seed.channel("420000000000000001", "silent", 0, "410000000000000009"),
        seed.channel("420000000000000002", "open", 0, "410000000000000009", shown),
    ]
    found = listed(await channels(world))
    assert (found["#silent"].private, found["#open"].private) == (True, False)


async def test_of_several_servers_the_one_that_was_given(world):
    world.standin.bots[discord.ATLAS].guilds.append(discord.guild(discord.BETA_GUILD, "Beta Inc"))
    with pytest.raises(InsufficientPermissions) as caught:
        await channels(world)
    assert caught.value.field == "guild_id"
    found = await channels(world, guildId=discord.BETA_GUILD)
    assert [(each.id, each.members) for each in found.channels] == [(discord.BETA_ALERTS, 7)]


@pytest.mark.parametrize("number", [discord.BETA_GUILD, discord.NOBODYS_GUILD])
async def test_a_server_that_the_bot_is_not_in(world, number):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(guildId=number)
    assert caught.value.field == "guild_id"
    with pytest.raises(InsufficientPermissions):
        await channels(world, guildId=number)


async def test_a_server_that_was_given_is_the_account(world):
    result = await world.check(guildId=discord.ACME_GUILD)
    assert (result.account.app_key, result.account.key) == (discord.ATLAS_ID, discord.ACME_GUILD)
    assert result.account.name == result.label == "Acme Corp"
    assert result.learned == {}


async def test_what_is_left_empty_is_learned(world):
    result = await world.check(applicationId="", publicKey="", guildId=discord.ACME_GUILD)
    assert result.learned == {"application_id": discord.ATLAS_ID, "public_key": discord.ATLAS_KEY}
    assert result.account.app_key == discord.ATLAS_ID
    world.standin.bots[discord.ATLAS].hides["applications/@me"] = 404
    with pytest.raises(PlatformError):
        await world.check(applicationId="", publicKey="")


async def test_a_bot_whose_roles_are_not_told_is_not_known_to_see(world):
    world.standin.bots[discord.ATLAS].hides[f"guilds/{discord.ACME_GUILD}/members/{discord.ATLAS_ID}"] = 403
    found = await channels(world)
    assert {each.joined for each in found.channels} == {None}
    assert found.notes


async def test_a_bot_in_no_server_lists_nothing(world):
    with pytest.raises(InsufficientPermissions):
        await channels(world, **bot(discord.EMPTY, discord.EMPTY_ID))


@pytest.mark.parametrize(
    "said",
    [
        {"id": "1"},
        [{"id": "1"}],
        [{"id": "../1", "type": 0}],
        [{"id": "1", "type": 0, "permission_overwrites": [{"id": "1", "deny": "-1"}]}],
        [{"id": "1", "type": 0, "permission_overwrites": [{"id": "1", "deny": "9" * 21}]}],
    ],
)
async def test_a_list_that_makes_no_sense_is_not_believed(world, said):
    world.says(said, f"*/guilds/{discord.ACME_GUILD}/channels")
    with pytest.raises(PlatformError):
        await channels(world)
    world.mend()
    assert (await channels(world)).channels


@pytest.mark.parametrize(
    ("status", "said", "raised"),
    [
        (403, "error code: 1015", RateLimited),
        (403, "error code: 1020", PlatformError),
        (403, "<html>Access denied", PlatformError),
        (404, "<html>Not here", PlatformError),
        (404, "", PlatformError),
    ],
)
async def test_what_is_not_discords_word_says_nothing_of_the_server(world, answered, status, said, raised):
    answered(status, said, path="/channels")
    with pytest.raises(raised):
        await channels(world)


async def test_a_channel_without_a_name_is_called_by_its_id(world, answered):
    answered(200, [{"id": discord.ACME_ALERTS, "type": 0, "name": None}], path="/channels")
    (found,) = (await channels(world)).channels
    assert found.name == f"#{discord.ACME_ALERTS}"
