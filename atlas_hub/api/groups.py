"""The groups API: one configuration of each service for a workspace, as clients of the original speak."""

from __future__ import annotations

from typing import Any, Final

from starlette.types import ASGIApp

from atlas_hub.api import groups_openapi
from atlas_hub.api.envelope import body_of, require_json
from atlas_hub.api.groups_fields import BODY_BYTES, read
from atlas_hub.api.groups_fields import body_of as object_of
from atlas_hub.api.groups_frame import ALL, ONE, PREFIX, Call, Frame, Listing, Routes
from atlas_hub.kit.secret import Secret
from atlas_hub.services import configurations
from atlas_hub.services.configurations import Configuration, Kind, Values

__all__ = ["PREFIX", "build"]


async def list_all(call: Call) -> Listing:
    """GET of the list."""
    return await _listing(call, "")


async def get(call: Call) -> dict[str, Any]:
    """GET of a type."""
    return _object(await configurations.one(call.hub, call.actor, _kind(call)))


async def create(call: Call) -> Listing:
    """POST: the list, in which what was just stored is shown once as it was sent."""
    kind = _kind(call)
    values, _ = await _values(call, kind, whole=True)
    await configurations.create(call.hub, call.actor, kind, values)
    return await _listing(call, f"/{kind.type}", {kind.type: _echo(kind, values)})


async def put(call: Call) -> Listing:
    """PUT: laid over what is there, or stored where nothing is."""
    kind = _kind(call)
    whole = not await configurations.is_there(call.hub, call.actor, kind)
    values, cleared = await _values(call, kind, whole=whole)
    await configurations.change(call.hub, call.actor, kind, values, cleared)
    return await _listing(call, f"/{kind.type}")


async def delete(call: Call) -> None:
    """DELETE: nothing takes its place."""
    await configurations.delete(call.hub, call.actor, _kind(call))


ROUTES: Final[Routes] = {ALL: {"GET": list_all}, ONE: {"GET": get, "POST": create, "PUT": put, "DELETE": delete}}


def build() -> ASGIApp:
    """The API for everything under `PREFIX`."""
    return Frame(ROUTES, groups_openapi.text)


def _kind(call: Call) -> Kind:
    assert call.kind is not None  # noqa: S101  # its path has one
    return call.kind


async def _values(call: Call, kind: Kind, *, whole: bool) -> tuple[Values, frozenset[str]]:
    """What the body says. Raises `Refusal` 415, 413, 400, `Refused` 400, in this order."""
    require_json(call.request)
    raw = await body_of(call.request, most=BODY_BYTES)
    return read(kind, object_of(call.request, raw), whole=whole)


def _echo(kind: Kind, values: Values) -> dict[str, str]:
    """The secrets that were just stored, in clear: this once, for whoever sent them. Never a password."""
    return {
        wire: value.reveal()
        for wire, field in kind.fields.items()
        if field.shown and isinstance(value := values.get(field.name), Secret)
    }


async def _listing(call: Call, path: str, echo: dict[str, dict[str, str]] | None = None) -> Listing:
    found = await configurations.listed(call.hub, call.actor)
    begins = (call.asked.page - 1) * call.asked.items
    page = found[begins : begins + call.asked.items]
    results = [_object(each, (echo or {}).get(each.type)) for each in page]
    return Listing(path=path, results=results, total=len(found))


def _object(one: Configuration, echo: dict[str, str] | None = None) -> dict[str, Any]:
    told = {**one.values, **(echo or {}), "type": one.type}
    return {name: told[name] for name in sorted(told)}
