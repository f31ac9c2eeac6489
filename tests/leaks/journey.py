"""One run through all doors of a site; what comes back out is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from redis import Redis

from tests.leaks.canaries import Aviary
from tests.leaks.parrots import ECHOES, Vendors
from tests.leaks.site import Site
from tests.leaks.sockets import Socket

OUTCOMES = (
    "accept", "unauthorized", "forbidden", "busy_seconds", "server_error", "html", "empty", "redirect", "nonsense",
    "reset", *ECHOES,
)  # fmt: skip
"""What a vendor does with a secret; hanging is apart, for it takes ten seconds."""


class Journey:
    """One run through all doors of a site."""

    def __init__(self, site: Site, vendors: Vendors) -> None:
        self.site = site
        self.vendors = vendors
        self.aviary = Aviary()
        vendors.listen(self.aviary)
        self.answers: list[tuple[str, httpx.Response]] = []
        self.sockets: list[Socket] = []
        self.outputs: dict[str, bytes] = {}
        self.moods = OUTCOMES
        self.key = ""
        self.public = ""
        self.workspace = ""
        self.password = ""
        self.redis = ""
        self.web = self.client()

    def close(self) -> None:
        """Close the browser."""
        self.web.close()

    def pardon(self) -> None:
        """Forget how many test messages were sent within the minute, where the hub counts them in a Redis."""
        if self.redis:
            with Redis.from_url(self.redis) as server:
                for key in server.keys("*atlas_hub/test/*"):
                    server.delete(key)

    def client(self) -> httpx.Client:
        """A browser without a page: every answer is kept, redirects are not followed."""
        return httpx.Client(base_url=self.site.base, timeout=30, trust_env=False)

    def ask(self, what: str, method: str, path: str, *, by: httpx.Client | None = None, **more: Any) -> httpx.Response:
        """One request; `what` says what it was, for whoever reads of a leak."""
        answer = (by or self.web).request(method, path, **more)
        self.answers.append((what, answer))
        return answer

    def fill(self, what: str, path: str, fields: dict[str, str], *, by: httpx.Client | None = None) -> httpx.Response:
        """Open a form and post it."""
        shown = self.ask(f"{what}: the form", "GET", path, by=by)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))
        return self.ask(what, "POST", path.partition("?")[0], data={**hidden, **fields}, by=by)

    @property
    def cookie(self) -> str:
        """The Cookie header of the signed-in browser."""
        return f"atlas_session={self.web.cookies['atlas_session']}"

    @contextmanager
    def socket(self, **more: Any) -> Iterator[Socket]:
        """A tab; its frames are kept. One that the server turns away is as good."""
        with Socket(self.site.port, **{"cookie": self.cookie, **more}) as opened:
            self.sockets.append(opened)
            yield opened

    def heard(self) -> dict[str, bytes]:
        """All that came out by HTTP and websocket, and from commands."""
        found: dict[str, bytes] = {}
        for number, (what, answer) in enumerate(self.answers):
            head = f"{answer.status_code} {dict(answer.headers)} {answer.headers.get_list('set-cookie')}\n"
            found[f"answer {number}, {what}"] = head.encode() + answer.content
        for number, socket in enumerate(self.sockets):
            found[f"frames of socket {number}"] = "\n".join(socket.frames).encode()
        return {**found, **self.outputs}
