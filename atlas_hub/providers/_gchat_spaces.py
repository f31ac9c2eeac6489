"""The spaces that a Google Chat app is in (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces/list)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atlas_hub.kit.cleaning import shown
from atlas_hub.kit.errors import PlatformError
from atlas_hub.providers.contract import Listed, Listing

PAGE: Final = 1000
PAGES: Final = 100
"""More spaces than any app is in: whoever goes on is not telling spaces any more."""
DIRECT: Final = "DIRECT_MESSAGE"
NAMELESS: Final = "Group chat"
OPEN: Final = "DISCOVERABLE"
ONLY_OWN: Final = "Google Chat tells an app only of the spaces it was added to."


class _Counts(BaseModel):
    people: int | None = Field(default=None, alias="joinedDirectHumanUserCount", ge=0, lt=2**31)


class _Access(BaseModel):
    state: str = Field(default="", alias="accessState")


class _Space(BaseModel):
    """A space. `spaceType` is SPACE, GROUP_CHAT or DIRECT_MESSAGE; an app sees the names of SPACE alone."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str = Field(pattern=r"^spaces/[A-Za-z0-9_-]{1,64}$")
    kind: str = Field(default="SPACE", alias="spaceType")
    title: str = Field(default="", alias="displayName")
    counts: _Counts | None = Field(default=None, alias="membershipCount")
    access: _Access | None = Field(default=None, alias="accessSettings")


class _Page(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    spaces: list[_Space] = Field(default_factory=list)
    token: str = Field(default="", alias="nextPageToken")


async def listing(page: Callable[[str], Awaitable[object]]) -> Listing:
    """Every space but conversations with one person. `page` gives the body for a path's query.

    Raises what `page` raises, `PlatformError` where the pages do not end.
    """
    found: dict[str, Listed] = {}
    token, seen = "", set[str]()
    for _ in range(PAGES):
        told = _read(await page(f"?pageSize={PAGE}" + (f"&pageToken={quote(token, safe='')}" if token else "")))
        found |= {each.name: _listed(each) for each in told.spaces if each.kind != DIRECT}
        token = told.token
        if not token:
            return Listing(channels=tuple(found.values()), notes=(ONLY_OWN,))
        if token in seen:
            break
        seen.add(token)
    raise PlatformError("Google Chat's list of spaces does not end. Try again later.")


def _read(body: object) -> _Page:
    try:
        return _Page.model_validate(body)
    except ValidationError:
        raise PlatformError("Google Chat gave an answer that makes no sense. Try again later.") from None


def _listed(space: _Space) -> Listed:
    return Listed(
        id=space.name,
        name=shown(space.title) or NAMELESS,
        # Whoever was not invited sees none that is not said to be open.
        private=space.access is None or space.access.state != OPEN,
        members=None if space.counts is None else space.counts.people,
        joined=True,
    )
