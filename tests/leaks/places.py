"""Where a secret could come to lie: collects what each sort of place holds, as bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from redis import Redis

Places = dict[str, bytes]


def files(folder: Path, *patterns: str, but: frozenset[str] = frozenset()) -> Places:
    """Every file below a folder that fits a pattern, by its path; folders named in `but` are not entered."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in _walk(folder, but)
        if any(path.match(pattern) for pattern in patterns)
    }


def _walk(folder: Path, but: frozenset[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink() and path.name not in but:
            yield from _walk(path, but)
        elif path.is_file():
            yield path


def build(cwd: Path) -> Places:
    """What the browser is sent, and what it was made from; not the packages of others."""
    return files(cwd / ".web", "*", but=frozenset({"node_modules"}))


def states(cwd: Path) -> Places:
    """The pickled states on the disk."""
    return files(cwd / ".states", "*")


def sqlite(data: Path) -> Places:
    """The SQLite file, its log and its shared memory."""
    return files(data, "*.db", "*.db-wal", "*.db-shm", "*.db-journal")


def dump(url: str) -> Places:
    """A PostgreSQL database, as `pg_dump` writes it: bytes in hexadecimal."""
    done = subprocess.run(["pg_dump", "--dbname", url], capture_output=True, check=True, timeout=60)
    return {"pg_dump": done.stdout}


def redis(url: str) -> Places:
    """Every key of a Redis database and what it holds, whatever its type."""
    with Redis.from_url(url) as server:
        return {f"key {key!r}": key + b"\n" + _value(server, key) for key in server.keys("*")}


def _value(server: Any, key: bytes) -> bytes:
    match server.type(key):
        case b"string":
            return server.get(key) or b""
        case b"hash":
            return b"\n".join(part for pair in server.hgetall(key).items() for part in pair)
        case b"list":
            return b"\n".join(server.lrange(key, 0, -1))
        case b"set":
            return b"\n".join(server.smembers(key))
        case b"zset":
            return b"\n".join(server.zrange(key, 0, -1))
        case kind:
            return server.dump(key) or kind
