"""Who asks the admin API, and whether they may: key or cookie session, role, rate."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request

from atlas_hub.api.errors import Refusal
from atlas_hub.hub import Hub, Unreachable
from atlas_hub.kit.errors import NotAvailable, Unauthenticated
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.api_keys import actor_of_key

log = logging.getLogger(__name__)

API = "admin"
READING = frozenset({"GET", "HEAD"})
MINUTE = 60

_BEARER = re.compile(rb"bearer +([!-~]{1,512})", re.IGNORECASE)


class Actors(Protocol):
    """The part of a host's actors module that the APIs use."""

    async def actor_of_request(self, request: Request) -> Actor | None:
        """Who is signed in with this request's cookies, or None."""


async def admit(hub: Hub, actors: Actors, request: Request, request_id: str) -> Actor:
    """The actor, once they may use this API: authenticated, no forgery, owner or admin, within the rate.

    Raises `Unauthenticated`, `Refusal` 403 `csrf_failed`, `Forbidden`, `TooManyRequests`, in this order.
    """
    actor = await _authenticate(hub, actors, request, request_id)
    require_admin(actor)
    if request.method not in READING:
        await hub.limits.hit(
            API,
            actor.id,
            times=hub.settings.rate_limit_rpm,
            seconds=MINUTE,
            text=f"More than {hub.settings.rate_limit_rpm} changes were asked for within a minute. Wait, then go on.",
        )
    return actor


async def _authenticate(hub: Hub, actors: Actors, request: Request, request_id: str) -> Actor:
    given = [value for name, value in request.scope["headers"] if name == b"authorization"]
    if given:
        try:
            return await actor_of_key(hub, bearer(given), API)
        except NotAvailable:  # no database, so no keys: who asks comes before what is there
            raise Unauthenticated("This key is not known here. Send one that was made for this hub.") from None
    actor = await _signed_in(actors, request, request_id)
    if actor is None:
        raise Unauthenticated("Send a key as 'Authorization: Bearer <privateKey>', or sign in.")
    if request.method not in READING:
        refuse_forgery(hub, request)
    return actor


def bearer(given: Sequence[bytes]) -> str:
    """The token of the one Authorization header (RFC 6750 §2.1). Raises `Unauthenticated` for anything else."""
    found = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if found is None:
        raise Unauthenticated("The Authorization header is not 'Bearer <privateKey>'. Send it once, in that form.")
    return found[1].decode("ascii")


async def _signed_in(actors: Actors, request: Request, request_id: str) -> Actor | None:
    try:
        return await actors.actor_of_request(request)
    except (Unauthenticated, *Unreachable):
        raise
    except Exception:
        log.exception("Request %s: the check of who is signed in failed, so nobody is.", request_id)
        return None


def refuse_forgery(hub: Hub, request: Request) -> None:
    """For a cookie's write: the header that no form can send, and the same origin where the browser tells it.

    The same origin is that of `ATLAS_PUBLIC_URL` or of the Host header, which a foreign page cannot choose.
    """
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own = {origin_of(hub.settings.address), origin_of(f"{request.url.scheme}://{headers.get('host', '')}")}
    forged = (
        headers.get("x-atlas-csrf") != "1"
        or (site is not None and site != "same-origin")
        or (origin is not None and origin_of(origin) not in own - {None})
    )
    if forged:
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "csrf_failed",
            "A change with a session cookie needs the header 'X-Atlas-CSRF: 1' and a page of the same origin.",
        )


def origin_of(url: str) -> str | None:
    """Scheme, host and port of a URL, default ports left out; None where it has none (`null`)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}:{port or usual}"
