"""The one way out: ask a vendor and get its answer or an error in our words; the only import of httpx."""

# ruff: noqa: ASYNC109, TID251
# Callers give seconds, which become asyncio.timeout here; and this is the file that may open an AsyncClient.

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import httpx

from atlas_hub.kit import clock, metrics
from atlas_hub.kit.answer import Answer, Unpack, Upstream, judge
from atlas_hub.kit.errors import InvalidCredentials, NetworkError, PlatformError, ProviderError
from atlas_hub.kit.guard import Guard, Target

__all__ = ["Answer", "Http", "Upstream"]

HEADER_COUNT = 128
CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 10.0
PER_HOST = 10
_REDIRECTS = 3

# httpx writes whole URLs at INFO and httpcore whole headers at DEBUG; Telegram's token is part of the URL.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Http:
    """The outbound client, one per process. The first question opens it, in the event loop that asks.

    `upstreams` maps names to replacement bases, `versions` to versions of their APIs (the operator's word, not
    guarded). `transport` stands in for the network in tests.
    """

    def __init__(
        self,
        upstreams: Mapping[str, str],
        guard: Guard,
        transport: httpx.AsyncBaseTransport | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.guard = guard
        self._upstreams = dict(upstreams)
        self._versions = dict(versions or {})
        self._transport = transport
        self._opened: dict[bool, httpx.AsyncClient] = {}
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def url(self, upstream: Upstream, path: str, *, region: str = "") -> str:
        """The full URL of a vendor's path: for links that a browser follows, too (authorize URLs)."""
        if re.fullmatch(r"/[^\s\\#\x00-\x1f\x7f]*", path) is None or "/../" in path:
            raise ValueError("A vendor's path begins with / and has no spaces, fragments or steps upward.")
        if region and re.fullmatch(r"[A-Za-z0-9_-]{1,32}", region) is None:
            raise ValueError("A region is letters, digits, hyphens and underscores.")
        base, kept = upstream.base, ""
        if upstream.name in self._upstreams:
            base, kept = self._upstreams[upstream.name], urlsplit(upstream.base).path
        if "{region}" in base and not region:
            raise ValueError(f"{upstream.vendor} has an address per region; none was given.")
        return base.replace("{region}", region).rstrip("/") + kept.rstrip("/") + path

    def version(self, upstream: Upstream) -> str:
        """The version of a vendor's API that is asked for: the operator's, else the file's own."""
        return self._versions.get(upstream.name, upstream.version)

    async def ask(
        self,
        upstream: Upstream,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = TOTAL_SECONDS,
        region: str = "",
    ) -> Answer:
        """Ask a vendor; any status but 3xx comes back. `timeout` is in seconds, for everything.

        `body` goes out byte for byte, for requests that are signed.

        Raises `NetworkError` (no answer, too late, TLS), `PlatformError` (redirect, body over 2 MiB, too many
        headers), `InvalidCredentials` where a header would have impossible characters.
        """
        url = self.url(upstream, path, region=region)
        question = _Question(upstream.vendor, method, url, dict(headers or {}), json, form, body)
        return await self._send(question, timeout, pinned=False)

    async def ask_url(
        self,
        vendor: str,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = TOTAL_SECONDS,
        field: str = "url",
    ) -> Answer:
        """Ask at a URL that an admin typed: checked by the guard now, and sent to the address it checked.

        Raises what `ask` raises, and `BadForm` for `field` where the guard refuses.
        """
        target = await self.guard.url(url, field=field)
        question = _Question(vendor, method, _pinned(target), dict(headers or {}), json, form, body, target)
        return await self._send(question, timeout, pinned=True)

    async def json(
        self,
        upstream: Upstream,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        timeout: float = TOTAL_SECONDS,
        field: str | None = None,
        region: str = "",
    ) -> Any:
        """The vendor's JSON for a good status; `field` names the input at fault for a 401.

        Raises what `ask` and `judge` raise, and `PlatformError` where the body is not JSON.
        """
        answer = await self.ask(
            upstream, method, path, headers=headers, json=json, form=form, timeout=timeout, region=region
        )
        self.judge(upstream, answer, field=field)
        return answer.json()

    def judge(self, upstream: Upstream, answer: Answer, *, field: str | None = None) -> None:
        """Raise for a status of 400 and above, as `kit.answer.judge` says."""
        judge(upstream.vendor, answer, field=field)

    async def close(self) -> None:
        """Close all connections. A later question opens new ones."""
        opened, self._opened = self._opened, {}
        for client in opened.values():
            await client.aclose()

    def _client(self, *, pinned: bool) -> httpx.AsyncClient:
        """The client, made late so that no socket is open when workers are forked.

        For pinned addresses no connection is used twice: the pool knows them by address, and two names at one
        address must each be verified.
        """
        if pinned not in self._opened:
            self._opened[pinned] = httpx.AsyncClient(
                transport=self._transport,
                verify=True if self._transport else ssl.create_default_context(),
                trust_env=False,
                follow_redirects=False,
                # A vendor's cookie for one workspace must not travel with the next one's question.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=0 if pinned else 100),
                headers={"User-Agent": f"atlas-hub/{_version()}", "Accept-Encoding": "gzip"},
            )
        return self._opened[pinned]

    async def _send(self, question: _Question, timeout: float, *, pinned: bool) -> Answer:
        vendor, began, status = question.vendor, clock.monotonic(), None
        turn = self._turns.setdefault(question.host, asyncio.Semaphore(PER_HOST))
        try:
            async with asyncio.timeout(timeout), turn:
                client = self._client(pinned=pinned)
                response = await client.send(question.request(client, timeout), stream=True)
                status = response.status_code
                try:
                    return await _read(response, vendor)
                finally:
                    await response.aclose()
        except (UnicodeError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            failure = _failure(error, vendor, timeout)
        finally:
            metrics.called(vendor, status, clock.monotonic() - began)
        # Outside of the except, so that httpx's error, which knows the whole address, does not travel along.
        raise failure


def _failure(error: Exception, vendor: str, timeout: float) -> ProviderError:
    if isinstance(error, UnicodeError | httpx.LocalProtocolError | httpx.InvalidURL):
        text = f"The credentials contain characters that cannot be sent to {vendor}. Copy them again."
        return InvalidCredentials(text)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return NetworkError(f"{vendor} did not answer within {timeout:g} seconds. Try again.")
    if _is_tls(error):
        return NetworkError(f"The certificate of {vendor} could not be verified. Check the address.")
    return NetworkError(f"{vendor} could not be reached. Try again.")


@dataclass(frozen=True, repr=False)
class _Question:
    """One request before it is sent; `target` where its address is pinned."""

    vendor: str
    method: str
    url: str
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str] | None
    body: bytes | None = None
    target: Target | None = None

    @property
    def host(self) -> str:
        return self.target.authority if self.target else urlsplit(self.url).netloc

    def request(self, client: httpx.AsyncClient, timeout: float) -> httpx.Request:
        headers, extensions = dict(self.headers), {}
        if self.target is not None:
            headers = {name: value for name, value in headers.items() if name.lower() != "host"}
            headers["Host"] = self.target.authority
            extensions["sni_hostname"] = self.target.host
        return client.build_request(
            self.method,
            self.url,
            headers=headers,
            json=self.json,
            data=self.form,
            content=self.body,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
            extensions=extensions,
        )


def _pinned(target: Target) -> str:
    address = f"[{target.address}]" if ":" in target.address else target.address
    return f"{target.scheme}://{address}:{target.port}{target.path}"


async def _read(response: httpx.Response, vendor: str) -> Answer:
    """The answer, read part by part so that neither a huge body nor a compressed one fills the memory."""
    if response.status_code // 100 == _REDIRECTS:
        raise PlatformError(f"{vendor} answered with a redirect, which is not followed. Check the address.")
    if len(response.headers.raw) > HEADER_COUNT:
        raise PlatformError(f"{vendor} gave an answer with too many headers. Try again later.")
    unpack = Unpack(response.headers.get("content-encoding", ""), vendor)
    parts = response.stream
    if not isinstance(parts, httpx.AsyncByteStream):
        raise TypeError("The transport is not asynchronous.")
    async for part in parts:
        unpack.feed(part)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, bytes(unpack.body), vendor)


def _is_tls(error: BaseException | None) -> bool:
    """Whether TLS was the reason, somewhere down the causes."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _version() -> str:
    try:
        return version("atlas-hub")
    except PackageNotFoundError:
        return "0"
