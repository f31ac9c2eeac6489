"""Signed-in browsers: a fresh opaque token at each sign-in, its hash in the table, looked up at every use."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from starlette.responses import Response

from atlas_hub.accounts import store
from atlas_hub.accounts.models import SignInSession
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound
from atlas_hub.kit.ids import is_id
from atlas_hub.services.access import Actor, Role
from atlas_hub.settings import Settings
from atlas_hub.storage import audit
from atlas_hub.storage.db import Tx

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=1)

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """256 bits of chance, as 43 characters that a cookie and a path may carry."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token: SHA-256, 64 hex. A token of 256 bits needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether the text has a token's shape."""
    return _TOKEN.fullmatch(text) is not None


def is_secure(settings: Settings) -> bool:
    """Whether browsers reach the hub by https."""
    return settings.address.startswith("https://")


def cookie_name(settings: Settings, name: str) -> str:
    """`__Host-` under https: no subdomain and no plain page can then set the cookie (RFC 6265bis §4.1.3.2)."""
    return f"__Host-{name}" if is_secure(settings) else name


def token_in(settings: Settings, cookies: Mapping[str, str]) -> str | None:
    """The session token among a request's cookies."""
    token = cookies.get(cookie_name(settings, "atlas_session"), "")
    return token if is_token(token) else None


def set_cookie(response: Response, settings: Settings, name: str, value: str) -> None:
    """A cookie that scripts cannot read and other sites' forms do not carry."""
    response.set_cookie(
        cookie_name(settings, name), value, path="/", httponly=True, samesite="lax", secure=is_secure(settings)
    )


def clear_cookie(response: Response, settings: Settings, name: str) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        cookie_name(settings, name), path="/", httponly=True, samesite="lax", secure=is_secure(settings)
    )


async def begin(hub: Hub, tx: Tx, user_id: str, workspace: str) -> str:
    """A new session of the user, active in the workspace; its token, which is never one that a browser sent."""
    at = hub.now()
    await store.delete_ended_sessions(tx, at=at, seen_before=at - IDLE)
    token = new_token()
    tx.add(
        SignInSession(
            token_hash=token_hash(token),
            user_id=user_id,
            workspace=workspace,
            created_at=at,
            seen_at=at,
            expires_at=at + ABSOLUTE,
        )
    )
    await tx.flush()
    return token


async def actor_of(hub: Hub, token: str | None) -> Actor | None:
    """Who a token belongs to now: one query. None for an unknown, ended or idle session and a disabled user.

    Where they belong no more to the session's workspace, it moves to the oldest that they do belong to.
    """
    if token is None:
        return None
    at, hashed = hub.now(), token_hash(token)
    async with hub.db.asking() as ask:
        found = await store.signed(ask, hashed, at=at, seen_after=at - IDLE)
    if found is None and await _moved(hub, hashed, at):
        async with hub.db.asking() as ask:
            found = await store.signed(ask, hashed, at=at, seen_after=at - IDLE)
    if found is None:
        return None
    if at - found.seen_at >= SEEN_EVERY:
        async with hub.db.transaction() as tx:
            await store.note_seen(tx, hashed, at)
    return Actor(
        id=found.user_id,
        name=found.email,
        display=found.name,
        workspace=found.workspace,
        workspace_name=found.workspace_name,
        role=Role(found.role),
    )


async def visitor_of(hub: Hub, token: str | None) -> store.Visitor | None:
    """Whose session a token is, also where they belong to no workspace: one query. None as `actor_of` says."""
    if token is None:
        return None
    at = hub.now()
    async with hub.db.asking() as ask:
        return await store.visitor(ask, token_hash(token), at=at, seen_after=at - IDLE)


async def end(hub: Hub, token: str) -> None:
    """Sign the browser out. A token that is nobody's changes nothing."""
    actor = await actor_of(hub, token)
    async with hub.db.transaction() as tx:
        if actor is not None:
            with suppress(NotFound):  # the workspace was deleted since
                head = await audit.head_of(tx, actor.workspace, begins=False)
                await audit.append(tx, head, kind="signed_out", actor=actor.name, at=hub.now())
        await store.delete_session(tx, token_hash(token))


async def switch(hub: Hub, token: str, actor: Actor, workspace: str) -> None:
    """Make another of the user's workspaces the active one. Raises `NotFound` for one they do not belong to."""
    async with hub.db.transaction() as tx:
        if not is_id(workspace) or await store.membership(tx, workspace, actor.id) is None:
            raise NotFound("There is no such workspace. Choose one from the list at the top of the page.")
        await store.switch_session(tx, token_hash(token), workspace)


async def seats_of(hub: Hub, actor: Actor) -> list[store.Seat]:
    """The workspaces between which the actor may switch."""
    async with hub.db.reading() as tx:
        return await store.seats(tx, actor.id)


async def _moved(hub: Hub, hashed: str, at: datetime) -> bool:
    """Whether a session that nobody could act in was moved, with the user's others like it, to where somebody can."""
    async with hub.db.asking() as ask:
        astray = await store.astray(ask, hashed, at=at, seen_after=at - IDLE)
    if astray is None:
        return False
    async with hub.db.transaction() as tx:
        await store.move_sessions(tx, astray.user_id, astray.workspace, astray.home)
    return True
