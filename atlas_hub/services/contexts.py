"""The chat API's contexts: an application's own `type:id`, such as a tenant, found or made where one is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, NotFound
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import Change, changing
from atlas_hub.storage import installation
from atlas_hub.storage import subscribers as stored
from atlas_hub.storage.db import Broken, Tx
from atlas_hub.storage.models import Context
from atlas_hub.storage.paging import Cut, Found

MOST: Final = 5
WORD: Final = re.compile(r"[a-zA-Z0-9_-]{1,100}")
_SAID = "This must be 1 to 100 characters of a-z, A-Z, 0-9, _ and -."


@dataclass(frozen=True, kw_only=True)
class ContextView:
    """A context as it is told."""

    type: str
    id: str
    data: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Named:
    """A context that a request names; `data` is None where it says nothing of it."""

    type: str
    id: str
    data: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """`type:id`."""
        return f"{self.type}:{self.id}"


def parsed(context: Any, field: str = "context") -> tuple[Named, ...]:
    """The contexts of a map type → id, or type → `{id, data?}`, sorted by their keys; none for None.

    Raises `BadForm` naming what is wrong below `field`.
    """
    if context is None:
        return ()
    if not isinstance(context, Mapping) or not 1 <= len(context) <= MOST:
        raise BadForm({field: f"This must be an object with 1 to {MOST} types, such as {{'tenant': 'acme'}}."})
    faults: dict[str, str] = {}
    named = []
    for kind, given in context.items():
        shown = kind if WORD.fullmatch(kind) else "?"
        whole = isinstance(given, Mapping)
        context_id, values = (given.get("id"), given.get("data")) if whole else (given, None)
        if shown == "?":
            faults[field] = f"A type of context: {_SAID.removeprefix('This ')}"
        if not isinstance(context_id, str) or WORD.fullmatch(context_id) is None:
            faults[f"{field}.{shown}.id" if whole else f"{field}.{shown}"] = _SAID
        elif values is not None and not isinstance(values, Mapping):
            faults[f"{field}.{shown}.data"] = "This must be an object."
        else:
            named.append(Named(type=kind, id=context_id, data=values))
    if faults:
        raise BadForm(faults)
    return tuple(sorted(named, key=lambda each: each.key))


def joined(named: tuple[Named, ...]) -> str:
    """The exact set, as rows keep it and are found by it."""
    return ",".join(each.key for each in named)


def keys_of(contexts: str) -> list[str]:
    """What `joined` joined."""
    return contexts.split(",") if contexts else []


def exact(keys: list[str]) -> str:
    """The exact set of a filter's `type:id` words, in any order; blank ones name none."""
    return ",".join(sorted({key for key in keys if key}))


async def resolved(change: Change, context: Any) -> str:
    """The exact set that a request's map names, each context made where there is none. Raises `BadForm`.

    A context that is there keeps its data, whatever the map says.
    """
    named = parsed(context)
    for each in named:
        if await stored.context(change.tx, change.actor.workspace, each.type, each.id) is None:
            await _made(change, each)
    return joined(named)


async def _made(change: Change, named: Named) -> Context:
    row = Context(
        workspace=change.actor.workspace,
        type=named.type,
        context_id=named.id,
        attributes=dict(named.data or {}),
        created_at=change.at,
        updated_at=change.at,
    )
    change.tx.add(row)
    await change.tx.flush()
    await change.note("context_created", subject=row.id, context=named.key)
    return row


async def create(hub: Hub, actor: Actor, kind: str, context_id: str, values: Mapping[str, Any]) -> ContextView:
    """Make a context. Raises `BadForm`, `Conflict` where it is there."""
    require_admin(actor)
    named = Named(type=_word("type", kind), id=_word("id", context_id), data=values)
    taken = f"Context with type '{kind}' and id '{context_id}' already exists in environment '{actor.workspace}'"
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
    try:
        async with changing(hub, actor, begins=begins) as change:
            if await stored.context(change.tx, actor.workspace, kind, context_id) is not None:
                raise Conflict(taken)
            return _view(await _made(change, named))
    except Broken:
        raise Conflict(taken) from None


def _word(field: str, text: str) -> str:
    if WORD.fullmatch(text) is None:
        raise BadForm({field: _SAID})
    return text


async def one(hub: Hub, actor: Actor, kind: str, context_id: str) -> ContextView:
    """A context. Raises `NotFound`."""
    async with hub.db.reading() as tx:
        return _view(await _the(tx, actor, kind, context_id))


async def update(hub: Hub, actor: Actor, kind: str, context_id: str, values: Mapping[str, Any]) -> ContextView:
    """Replace a context's data whole. Raises `NotFound`."""
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change.tx, actor, kind, context_id)
        row.attributes, row.updated_at = dict(values), change.at
        await change.note("context_updated", subject=row.id, context=f"{kind}:{context_id}")
        return _view(row)


async def delete(hub: Hub, actor: Actor, kind: str, context_id: str) -> None:
    """Delete a context; connections and endpoints for it keep naming it. Raises `NotFound`."""
    require_admin(actor)
    async with changing(hub, actor, begins=False) as change:
        row = await _the(change.tx, actor, kind, context_id)
        await stored.delete_context(change.tx, actor.workspace, kind, context_id)
        await change.note("context_deleted", subject=row.id, context=f"{kind}:{context_id}")


async def listed(hub: Hub, actor: Actor, cut: Cut, *, context_id: str = "", search: str = "") -> Found:
    """A page of contexts, as `ContextView`s."""
    async with hub.db.asking() as ask:
        found = await stored.contexts(ask, actor.workspace, cut, context_id=context_id, search=search)
    return found.shown(_view)


async def _the(tx: Tx, actor: Actor, kind: str, context_id: str) -> Context:
    row = await stored.context(tx, actor.workspace, kind, context_id)
    if row is None:
        raise NotFound(f"Context with id '{context_id}' and type '{kind}' not found")
    return row


def _view(row: Any) -> ContextView:
    return ContextView(
        type=row.type,
        id=row.context_id,
        data=row.attributes,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
