"""The connections API: the chat accounts of a workspace, as sync jobs know them (docs/connections-api.md).

What is connected here stands on the Integrations page, and the other way round: it is one store.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.types import ASGIApp

from atlas_hub.api import connections_bodies as bodies
from atlas_hub.api import connections_openapi
from atlas_hub.api.connections_errors import PREFIX as ID_PREFIX
from atlas_hub.api.connections_errors import error_of, unsupported
from atlas_hub.api.connections_frame import ID, PREFIX, Call, Frame, Verb, written
from atlas_hub.kit.errors import BadForm, ManagedByEnvironment, NotAvailable, RateLimited
from atlas_hub.services import channels, connections, environment, named
from atlas_hub.services.channels import ChannelList
from atlas_hub.services.connections import OLDEST, Mode
from atlas_hub.services.named import ERROR, Named

__all__ = ["PREFIX", "build"]

SOURCE: Final = "connections"


def build() -> ASGIApp:
    """The API for everything under `PREFIX`."""
    return Frame(ROUTES, {"/openapi.json": connections_openapi.text})


async def list_all(call: Call) -> tuple[int, Any]:
    """GET /: an array, the oldest first; one query."""
    return HTTPStatus.OK, [item(each) for each in await named.listed(call.hub, call.actor)]


async def create(call: Call) -> tuple[int, Any]:
    """POST /: prove, then store beside what there is."""
    raw, parsed = await call.json()
    platform, name, values = bodies.new(raw, parsed)
    method = bodies.ways()[platform]
    try:
        label = connections.called(name)
        method.read(values)
        done = await connections.connect(
            call.hub,
            call.actor,
            named.PLATFORMS[platform].slug,
            method.key,
            values,
            source=SOURCE,
            mode=Mode.ADD,
            label=label,
            needs=method.lists_by,
        )
    except BadForm as error:
        raise bodies.judged(error, method, values, platform) from None
    return HTTPStatus.CREATED, item(await named.one(call.hub, call.actor, done.view.id))


async def get_one(call: Call) -> tuple[int, Any]:
    """GET /{id}: with settings, and what is known of its list of channels."""
    return HTTPStatus.OK, detail(await named.one(call.hub, call.actor, call.id))


async def change(call: Call) -> tuple[int, Any]:
    """PUT /{id}: name, credentials and settings, each as far as it is given; refused credentials change nothing."""
    present = await named.one(call.hub, call.actor, call.id)
    raw, _ = await call.json()
    name, values, settings = bodies.changed(present.platform, raw)
    if present.source == environment.SOURCE:
        raise ManagedByEnvironment(environment.MANAGED)
    method = bodies.ways()[present.platform]
    try:
        label = None if name is None else connections.called(name)
        if values:
            await connections.renew(call.hub, call.actor, call.id, values, SOURCE, needs=method.lists_by)
        await named.change(call.hub, call.actor, call.id, name=label, settings=settings)
    except BadForm as error:
        raise bodies.judged(error, method, values, present.platform) from None
    return HTTPStatus.OK, detail(await named.one(call.hub, call.actor, call.id))


async def delete(call: Call) -> tuple[int, Any]:
    """DELETE /{id}: where it was the default, the oldest active one takes its place."""
    await named.one(call.hub, call.actor, call.id)
    await connections.disconnect(call.hub, call.actor, call.id, promote=OLDEST)
    return HTTPStatus.NO_CONTENT, None


async def validate(call: Call) -> Response:
    """POST /{id}/validate: 200 for both outcomes; `valid` says which."""
    found = await named.validate(call.hub, call.actor, call.id)
    now, refusal = found.connection, found.refusal
    if refusal is not None:
        wait = {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, RateLimited) else {}
        return written(HTTPStatus.OK, {"valid": False, "error": error_of(refusal)}, wait)
    told = {"id": f"{ID_PREFIX}{now.id}", "status": now.status, "validated_at": moment(now.validated_at)}
    return written(HTTPStatus.OK, {"valid": True, "connection": told})


async def list_channels(call: Call) -> tuple[int, Any]:
    """GET /{id}/channels: as listed within the last five minutes, or anew with `?refresh=true`."""
    await named.one(call.hub, call.actor, call.id)
    refresh = call.flag("refresh")
    try:
        found = await channels.listed(call.hub, call.actor, call.id, refresh=refresh)
    except NotAvailable as error:
        raise unsupported(error.text) from None
    return HTTPStatus.OK, channels_of(found)


async def choose_channels(call: Call) -> tuple[int, Any]:
    """PUT /{id}/channels: which to sync; the answer is the list."""
    await named.one(call.hub, call.actor, call.id)
    raw, _ = await call.json()
    ids, sync_all = bodies.chosen(raw)
    try:
        found = await channels.choose(call.hub, call.actor, call.id, ids, sync_all=sync_all)
    except NotAvailable as error:
        raise unsupported(error.text) from None
    return HTTPStatus.OK, channels_of(found)


ROUTES: Final[Mapping[str, Mapping[str, Verb]]] = {
    "": {"GET": list_all, "POST": create},
    f"/{ID}": {"GET": get_one, "PUT": change, "DELETE": delete},
    f"/{ID}/validate": {"POST": validate},
    f"/{ID}/channels": {"GET": list_channels, "PUT": choose_channels},
}


def item(each: Named) -> dict[str, Any]:
    """A connection in a list. `last_sync` stays null until something here syncs."""
    said = {
        "id": f"{ID_PREFIX}{each.id}",
        "name": each.name,
        "platform": each.platform,
        "status": each.status,
        "created_at": moment(each.created_at),
        "last_sync": None,
        "channel_count": each.channel_count,
        "source": each.source,
        "state": each.state.value,
        "checks": each.checks,
    }
    return {**said, "error": {"message": each.error}} if each.status == ERROR else said


def detail(each: Named) -> dict[str, Any]:
    """A connection by itself."""
    about = {
        "listed_at": moment(each.listed_at),
        "sync_all": each.sync_all,
        "notes": list(each.notes),
        "missing_scopes": list(each.lacks),
        "error": each.fault or None,
        "retry_at": moment(each.wait_until),
    }
    return {**item(each), "settings": dict(each.settings), "channels": about}


def channels_of(found: ChannelList) -> list[dict[str, Any]]:
    """The channels of a connection."""
    return [
        {
            "id": each.id,
            "name": each.name,
            "is_private": each.private,
            "member_count": each.members,
            "sync_enabled": each.sync,
            "is_member": each.joined,
            "missing": each.missing,
            "renamed_from": each.former_name or None,
        }
        for each in found.channels
    ]


def moment(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with seconds and `Z`, as this API writes it."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
