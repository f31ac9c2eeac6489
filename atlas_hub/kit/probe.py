"""Look at the way to a server: what a check asked, where the name leads, what the certificate says, what answers."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from atlas_hub.kit.answer import Answer, Upstream
from atlas_hub.kit.clock import Now
from atlas_hub.kit.errors import NetworkError
from atlas_hub.kit.guard import DEFAULT_PORTS, Guard, Target, resolve_all
from atlas_hub.kit.http import Http

SECONDS = 3.0
"""How long one look may take."""
SECURE_PORTS = frozenset({443, 8443, 465})
SMTP = "smtp"


@dataclass(frozen=True)
class Place:
    """A server that was asked. `typed`: an admin named it, so that the guard decides where it may lead.

    `said`: what to call it, where its own name is nobody's business.
    """

    scheme: str
    host: str
    port: int
    typed: bool = False
    said: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.said or self.host

    @property
    def secure(self) -> bool:
        """Whether it speaks TLS from the first byte."""
        return self.scheme == "https" or (self.scheme == SMTP and self.port in SECURE_PORTS)


@dataclass
class Seen:
    """What one check asked of the network: the servers in order, and how far our clock is ahead of theirs."""

    now: Now
    places: list[Place] = field(default_factory=list)
    ahead: list[timedelta] = field(default_factory=list)

    def place(self, place: Place) -> None:
        """Note a server, once."""
        if place not in self.places:
            self.places.append(place)

    def url(self, url: str, *, typed: bool = False) -> None:
        """Note the server of a URL; one that cannot be read is the guard's to refuse."""
        with suppress(ValueError):
            parts = urlsplit(url)
            if parts.hostname and parts.scheme in DEFAULT_PORTS:
                port = parts.port or DEFAULT_PORTS[parts.scheme]
                self.place(Place(parts.scheme, parts.hostname, port, typed))

    def answer(self, answer: Answer) -> Answer:
        """Note what the answer's `Date` says (RFC 9110 §6.6.1)."""
        with suppress(ValueError, TypeError, IndexError, OverflowError):
            moment = parsedate_to_datetime(answer.headers.get("date", ""))
            self.ahead.append(self.now() - moment.replace(tzinfo=moment.tzinfo or UTC))
        return answer


class Watched(Http):
    """Somebody's client that tells `seen` whom it asks, and waits at most `seconds` for each answer."""

    def __init__(self, client: Http, seen: Seen, seconds: float) -> None:
        super().__init__({}, _Watching(client.guard, seen))
        self._client_of = client
        self._seen = seen
        self._seconds = seconds

    def url(self, upstream: Upstream, path: str, *, region: str = "") -> str:
        """As the client's own."""
        return self._client_of.url(upstream, path, region=region)

    def version(self, upstream: Upstream) -> str:
        """As the client's own."""
        return self._client_of.version(upstream)

    async def ask(self, upstream: Upstream, method: str, path: str, **more: Any) -> Answer:
        """As the client's own, watched."""
        self._seen.url(self.url(upstream, path, region=more.get("region", "")))
        more["timeout"] = min(self._seconds, more.get("timeout", self._seconds))
        return self._seen.answer(await self._client_of.ask(upstream, method, path, **more))

    async def ask_url(self, vendor: str, method: str, url: str, **more: Any) -> Answer:
        """As the client's own, watched."""
        self._seen.url(url, typed=True)
        more["timeout"] = min(self._seconds, more.get("timeout", self._seconds))
        return self._seen.answer(await self._client_of.ask_url(vendor, method, url, **more))


class _Watching(Guard):
    """The client's own guard, which tells whose mail server is looked for."""

    def __init__(self, guard: Guard, seen: Seen) -> None:
        super().__init__()
        self._guard = guard
        self._seen = seen

    async def url(self, url: str, *, field: str = "url") -> Target:
        return await self._guard.url(url, field=field)

    async def host(self, host: str, port: int, *, field: str = "host", port_field: str = "port") -> Target:
        self._seen.place(Place(SMTP, host, port, typed=True))
        return await self._guard.host(host, port, field=field, port_field=port_field)


async def addresses(guard: Guard, place: Place) -> Sequence[str]:
    """Where the name leads; for what an admin typed, where it may lead.

    Raises `NetworkError`, and `BadForm` where the guard refuses.
    """
    try:
        async with asyncio.timeout(SECONDS):
            if place.scheme == SMTP:
                return [(await guard.host(place.host, place.port)).address]
            if place.typed:
                host = f"[{place.host}]" if ":" in place.host else place.host
                return [(await guard.url(f"{place.scheme}://{host}:{place.port}/")).address]
            return await resolve_all(place.host, place.port)
    except TimeoutError:
        raise NetworkError(f"The name server did not answer within {SECONDS:g} seconds.") from None
    except (OSError, UnicodeError):
        raise NetworkError(f"The name {place.name} could not be found.") from None


async def certificate_ends(place: Place, address: str) -> datetime:
    """When the certificate ends, verified for the name at the address. Raises `NetworkError` where it is not right."""
    context = ssl.create_default_context()
    try:
        async with asyncio.timeout(SECONDS):
            _, writer = await asyncio.open_connection(
                address, place.port, ssl=context, server_hostname=place.host, ssl_handshake_timeout=SECONDS
            )
    except ssl.SSLCertVerificationError as error:
        raise NetworkError(f"The certificate of {place.name} is not valid: {error.verify_message}.") from None
    except ssl.SSLError:
        raise NetworkError(f"{place.name} answers, but not with TLS that this hub accepts.") from None
    except TimeoutError:
        raise NetworkError(f"{place.name} did not answer within {SECONDS:g} seconds.") from None
    except OSError as error:
        raise NetworkError(
            f"{place.name} could not be reached: {error.strerror or 'the connection was closed'}."
        ) from None
    try:
        told: dict[str, Any] = writer.get_extra_info("peercert")
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), UTC)
    finally:
        writer.transport.abort()  # nothing was said, so there is nothing to say goodbye for


async def ping(http: Http, address: str) -> bool:
    """Whether a hub answers at the address. Raises a `ProviderError` where nothing does."""
    answer = await http.ask(_own(address), "GET", "/ping", timeout=SECONDS)
    return b"pong" in answer.body[:64]


async def takes_websockets(http: Http, address: str) -> bool:
    """Whether the page's websocket can be opened at the address (RFC 6455 §4.1). Raises a `ProviderError`."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Origin": "{0.scheme}://{0.netloc}".format(urlsplit(address)),
    }
    path = "/_event/?EIO=4&transport=websocket"
    answer = await http.ask(_own(address), "GET", path, headers=headers, timeout=SECONDS)
    return answer.status == 101  # noqa: PLR2004  # Switching Protocols


def _own(address: str) -> Upstream:
    return Upstream("", "The hub's address", address)
