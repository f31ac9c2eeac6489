"""A load generator in a process of its own: raw keep-alive connections, one job a line on stdin, one answer a line.

wrk would be faster, but is not on every machine. This one costs about a tenth of what it measures.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

LIMIT = 1 << 20
SIGNED = "@signed@"
"""Stands in a request for the header that is made when it is sent."""


@dataclass(frozen=True)
class Digest:
    """Who signs by HTTP Digest (RFC 7616, MD5), with a nonce that the server gave."""

    username: str
    password: str
    realm: str
    nonce: str

    def header(self, method: str, path: str, count: int) -> str:
        """The Authorization header of the `count`th request with this nonce."""
        known = _md5(f"{self.username}:{self.realm}:{self.password}")
        proof = _md5(f"{known}:{self.nonce}:{count:08x}:bench:auth:{_md5(f'{method}:{path}')}")
        said = {"username": self.username, "realm": self.realm, "nonce": self.nonce, "uri": path, "response": proof,
                "cnonce": "bench"}  # fmt: skip
        quoted = ", ".join(f'{name}="{value}"' for name, value in said.items())
        return f"Digest {quoted}, algorithm=MD5, qop=auth, nc={count:08x}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Target:
    """Where to send one request again and again. `port` is on 127.0.0.1; `digest` signs each one anew."""

    port: int
    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    digest: Digest | None = None

    def raw(self) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Authorization: {SIGNED}"] if self.digest else []
        if self.body or self.method not in {"GET", "DELETE"}:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


@dataclass(frozen=True)
class Answers:
    """What came of a job: seconds for each answer, how long all took, and the answers that were not 2xx."""

    latencies: Sequence[float]
    seconds: float
    refused: Mapping[str, int]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


class Load:
    """The generator's process, seen from the bench."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def run(self, targets: Sequence[Target], *, concurrency: int = 1, seconds: float = 0, count: int = 0) -> Answers:
        """Send the targets in turn on each connection, for `seconds` or until `count` answers came.

        Raises `RuntimeError` where an answer was not 2xx, so that no figure is made of refusals.
        """
        job = {
            "port": targets[0].port,
            "requests": [base64.b64encode(target.raw()).decode() for target in targets],
            "concurrency": concurrency,
            "seconds": seconds,
            "count": count,
            "method": targets[0].method,
            "path": targets[0].path,
            "digest": asdict(targets[0].digest) if targets[0].digest else None,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        if not told:
            raise RuntimeError("The load generator ended. Its reason is above.")
        answers = Answers(**json.loads(told))
        if answers.refused:
            raise RuntimeError(f"{targets[0].method} {targets[0].path} was refused: {dict(answers.refused)}")
        return answers


class _Line(asyncio.Protocol):
    """One connection that sends its next request when the answer to the last one is complete."""

    def __init__(self, job: _Job) -> None:
        self._job = job
        self._got = bytearray()
        self._turn = 0
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if not self._job.more():
            self._transport.close()
            return
        request = self._job.signed(self._job.requests[self._turn % len(self._job.requests)])
        self._turn += 1
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._got += data
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._got[:end]).lower()
        mark = head.find(b"content-length:")
        if mark < 0:
            raise RuntimeError("An answer without Content-Length cannot be measured here.")
        size = int(head[mark + 15 :].split(b"\r\n", 1)[0])
        if len(self._got) < end + 4 + size:
            return
        self._job.latencies.append(time.perf_counter() - self._sent)
        if not head.startswith(b"http/1.1 2"):
            self._job.refuse(head[9:12].decode() + " " + bytes(self._got[end + 4 : end + 204]).decode())
        self._got.clear()
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._job.refuse(f"the connection was lost: {exc!r}")
        self._job.lines -= 1
        if not self._job.lines:
            self._job.over.set()


_counts: dict[str, int] = {}
"""How often each nonce was used, over all jobs of the process."""


class _Job:
    def __init__(self, told: Mapping[str, Any]) -> None:
        self._digest = Digest(**told["digest"]) if told["digest"] else None
        self._asked = (told["method"], told["path"])
        self.requests = [base64.b64decode(request) for request in told["requests"]]
        self.latencies: list[float] = []
        self.refused: dict[str, int] = {}
        self.lines = int(told["concurrency"])
        self.over = asyncio.Event()
        self._left = int(told["count"]) or sys.maxsize
        self._until = time.perf_counter() + (float(told["seconds"]) or 3600)

    def signed(self, request: bytes) -> bytes:
        """The request, with a proof of its own where it is signed."""
        if self._digest is None:
            return request
        count = _counts[self._digest.nonce] = _counts.get(self._digest.nonce, 0) + 1
        return request.replace(SIGNED.encode(), self._digest.header(*self._asked, count).encode(), 1)

    def more(self) -> bool:
        """Whether one more request is to be sent; counts it."""
        self._left -= 1
        return self._left >= 0 and time.perf_counter() < self._until

    def refuse(self, what: str) -> None:
        """Note what was not a good answer; a refusal ends the job."""
        self.refused[what] = self.refused.get(what, 0) + 1
        self._left = 0


async def _run(told: Mapping[str, Any]) -> dict[str, Any]:
    job = _Job(told)
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    for _ in range(job.lines):
        await loop.create_connection(lambda: _Line(job), "127.0.0.1", told["port"])
    await job.over.wait()
    return {"latencies": job.latencies, "seconds": time.perf_counter() - began, "refused": job.refused}


def main() -> None:
    """Answer jobs until stdin ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(asyncio.run(_run(json.loads(line)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
