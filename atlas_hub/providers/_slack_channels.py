"""Every channel of a Slack workspace, page by page (https://docs.slack.dev/reference/methods/conversations.list)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from atlas_hub.kit.cleaning import shown
from atlas_hub.kit.errors import InsufficientPermissions, PlatformError
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._slack_wire import ask, nonsense, read
from atlas_hub.providers.contract import Listed, Listing

PAGE: Final = 500
"""Slack takes fewer than 1,000. It lets a token ask about twenty times a minute, so that shorter pages of a large
workspace would run into its limit; longer ones would grow over what an answer may weigh."""
PAGES: Final = 400
"""More than any workspace has: whoever goes on is not telling channels any more."""
PRIVATE_SCOPE: Final = "groups:read"
PUBLIC, BOTH = "public_channel", "public_channel,private_channel"


class _Channel(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str = ""
    is_private: bool = False
    is_archived: bool = False
    is_member: bool | None = None
    num_members: int | None = Field(default=None, ge=0, lt=2**31)


_CHANNELS = TypeAdapter(list[_Channel])


async def listing(token: Secret, http: Http) -> Listing:
    """The public channels and the private ones that the bot is in; public ones alone where it may not list others.

    Raises a `ProviderError`. A page with few or no channels is not the last one: a missing cursor says which is.
    """
    try:
        return Listing(channels=await _all(token, http, BOTH))
    except InsufficientPermissions as error:
        if error.vendor_code != "missing_scope" or PRIVATE_SCOPE not in error.required_scopes:
            raise
    note = (
        f"Private channels are left out: Slack did not grant {PRIVATE_SCOPE}. Add it under OAuth & Permissions, "
        "then reinstall the app."
    )
    return Listing(channels=await _all(token, http, PUBLIC), notes=(note,), lacks=(PRIVATE_SCOPE,))


async def _all(token: Secret, http: Http, types: str) -> tuple[Listed, ...]:
    found: dict[str, Listed] = {}
    cursor, seen = "", set[str]()
    for _ in range(PAGES):
        asked = {"types": types, "exclude_archived": "true", "limit": str(PAGE)}
        body = read(
            await ask(token, http, "conversations.list", form=asked | ({"cursor": cursor} if cursor else {})), http
        )
        found |= {channel.id: channel for channel in _page(body)}
        cursor = _next(body)
        if not cursor:
            return tuple(found.values())
        if cursor in seen:
            break
        seen.add(cursor)
    raise PlatformError("Slack's list of channels does not end. Try again later.")


def _page(body: Mapping[str, Any]) -> list[Listed]:
    try:
        channels = _CHANNELS.validate_python(body.get("channels"))
    except ValidationError:
        raise nonsense() from None
    return [
        Listed(
            id=each.id,
            name=f"#{shown(each.name) or each.id}",
            private=each.is_private,
            members=each.num_members,
            joined=each.is_member,
        )
        for each in channels
        if not each.is_archived
    ]


def _next(body: Mapping[str, Any]) -> str:
    told = body.get("response_metadata")
    cursor = told.get("next_cursor") if isinstance(told, Mapping) else None
    return cursor if isinstance(cursor, str) else ""
