"""The channels of a Discord server, and who may see them (https://discord.com/developers/docs/topics/permissions)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from atlas_hub.kit.cleaning import shown
from atlas_hub.kit.errors import InsufficientPermissions
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._discord_errors import Id, read_as
from atlas_hub.providers._discord_wire import ask
from atlas_hub.providers.contract import Listed, Listing

VIEW_CHANNEL, ADMINISTRATOR = 1 << 10, 1 << 3


TEXT, CATEGORY, ANNOUNCEMENT, FORUM = 0, 4, 5, 15
KINDS = frozenset({TEXT, ANNOUNCEMENT, FORUM})
"""The kinds of channels that hold messages or posts; voice, stages, categories and media are left out."""


def _bits(value: Any) -> Any:
    """Permissions are 64 bits as a decimal text."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20 else value  # noqa: PLR2004  # 2**64 has twenty


Bits = Annotated[int, BeforeValidator(_bits), Field(ge=0, lt=2**64)]


class _Said(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: Id


class _Role(_Said):
    permissions: Bits = 0


class _Guild(_Said):
    """A server by itself (…/docs/resources/guild#guild-object), with counts."""

    owner_id: Id | None = None
    roles: list[_Role] = Field(default_factory=list)
    approximate_member_count: int | None = Field(default=None, ge=0, lt=2**31)


class _Overwrite(_Said):
    allow: Bits = 0
    deny: Bits = 0


class _Channel(_Said):
    type: int
    name: str | None = None  # nullable (…/docs/resources/channel#channel-object)
    parent_id: Id | None = None
    permission_overwrites: list[_Overwrite] = Field(default_factory=list)


class _Member(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    roles: list[Id]


_GUILD, _CHANNELS, _MEMBER, _ME = (
    TypeAdapter(_Guild),
    TypeAdapter(list[_Channel]),
    TypeAdapter(_Member),
    TypeAdapter(_Said),
)


async def listing(token: Secret, application: str, guild_id: str, http: Http) -> Listing:
    """The server's text channels, announcements and forums, those included that the bot may not see.

    Raises a `ProviderError`. Private is what @everyone may not see; Discord tells no members of a channel, so a public
    one has as many as the server has, about.
    """
    me = read_as(_ME, await ask(token, application, http, "/users/@me")).id
    counted = await ask(token, application, http, f"/guilds/{guild_id}?with_counts=true")
    guild = read_as(_GUILD, counted, of_server=True)
    found = await ask(token, application, http, f"/guilds/{guild_id}/channels")
    channels = read_as(_CHANNELS, found, of_server=True)
    own = await _roles_of(token, application, guild_id, me, http)
    parents = {each.id: each for each in channels if each.type == CATEGORY}
    listed = []
    for each in channels:
        if each.type not in KINDS:
            continue
        private = _is_private(guild, each, parents.get(each.parent_id or ""))
        listed.append(
            Listed(
                id=each.id,
                name=f"#{shown(each.name or '') or each.id}",
                private=private,
                members=None if private else guild.approximate_member_count,
                joined=None if own is None else _may_see(guild, each, me, own),
            )
        )
    notes = () if own is not None else ("Discord did not tell the bot's roles, so what it may see is not known.",)
    return Listing(channels=tuple(listed), notes=notes)


async def _roles_of(token: Secret, application: str, guild_id: str, me: str, http: Http) -> frozenset[str] | None:
    answer = await ask(token, application, http, f"/guilds/{guild_id}/members/{me}")
    try:
        return frozenset(read_as(_MEMBER, answer, of_server=True).roles)
    except InsufficientPermissions:
        return None


def _of(overwrites: Iterable[_Overwrite], wanted: str) -> _Overwrite | None:
    return next((each for each in overwrites if each.id == wanted), None)


def _is_private(guild: _Guild, channel: _Channel, category: _Channel | None) -> bool:
    """Whether @everyone may not see it: by its own overwrite, else by its category's, else by the role itself.

    A channel carries a copy of its category's overwrites. Where it has none for @everyone, one that moved there without
    the copy is rather taken for private than synced by mistake.
    """
    own = _of(channel.permission_overwrites, guild.id)
    if own is None and category is not None:
        own = _of(category.permission_overwrites, guild.id)
    allow, deny = (own.allow, own.deny) if own is not None else (0, 0)
    everyone = next((role.permissions for role in guild.roles if role.id == guild.id), VIEW_CHANNEL)
    return not ((everyone & ~deny | allow) & VIEW_CHANNEL)


def _may_see(guild: _Guild, channel: _Channel, me: str, own: frozenset[str]) -> bool:
    """The bot's own right to view: its roles together, then what the channel says of everyone, of roles and of it."""
    if guild.owner_id == me:
        return True
    roles: Mapping[str, int] = {role.id: role.permissions for role in guild.roles}
    right = roles.get(guild.id, VIEW_CHANNEL)
    for role in own:
        right |= roles.get(role, 0)
    if right & ADMINISTRATOR:
        return True
    said = channel.permission_overwrites
    by_roles = [each for each in said if each.id in own and each.id != guild.id]
    everyone, member = _of(said, guild.id), _of(said, me)
    for some in ([everyone] if everyone else [], by_roles, [member] if member else []):
        deny = allow = 0
        for each in some:
            deny, allow = deny | each.deny, allow | each.allow
        right = right & ~deny | allow
    return bool(right & VIEW_CHANNEL)
