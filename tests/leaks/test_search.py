"""The search can fail: a canary put into each sort of place is found there, in every form it could take."""

from __future__ import annotations

import base64
import io
import json
import pickle
import sqlite3
import uuid
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from redis import Redis
from rich.console import Console

from tests.leaks import places
from tests.leaks.canaries import Aviary, windows

OTHERS = "nothing of interest, 0123456789 abcdef ABCDEF " * 40


@pytest.fixture
def aviary() -> Aviary:
    found = Aviary()
    found.make("other", "xoxb-{}")
    return found


@pytest.fixture
def planted(aviary: Aviary) -> str:
    return aviary.password("planted")


HIDING = {
    "plain": lambda text: text.encode(),
    "JSON": lambda text: json.dumps({"x": text}).encode(),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"x": text})).encode(),
    "a URL": lambda text: b"/x?y=" + quote(text, safe="").encode(),
    "repr": lambda text: repr({"x": text}).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one later": lambda text: base64.b64encode(b"a" + text.encode()),
    "base64, two later": lambda text: base64.b64encode(b"ab" + text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe" + text.encode()),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "capitals": lambda text: text.upper().encode(),
    "a pickle": lambda text: pickle.dumps({"x": [text]}),
    "its last eight characters": lambda text: text[-8:].encode(),
    "its last thirteen": lambda text: b"****" + text[-13:].encode(),
    "cut off at the end": lambda text: text[:-5].encode(),
}


@pytest.mark.parametrize("hiding", HIDING.values(), ids=HIDING)
def test_a_canary_is_found_however_it_is_written(aviary: Aviary, planted: str, hiding):
    assert set(aviary.search(OTHERS.encode() + hiding(planted) + OTHERS.encode())) == {"password, planted"}


def test_a_canary_is_found_in_a_log_line_that_the_terminal_wrapped_and_coloured(aviary: Aviary, planted: str):
    out = io.StringIO()
    Console(file=out, width=40, force_terminal=True).print(f"[red]{'x' * 30}{windows(planted)[-1] * 1}tail {planted}")
    assert aviary.search(out.getvalue().encode())


def test_the_tail_that_a_mask_may_show_is_no_leak(aviary: Aviary, planted: str):
    assert not aviary.search(f"••••{planted[-4:]} and {OTHERS}".encode())


def test_nothing_is_heard_where_nothing_is(aviary: Aviary, planted: str):
    assert aviary.search(OTHERS.encode()) == {}
    assert aviary.missing({"there": OTHERS.encode()}, ["password, planted"]) == ["password, planted"]


def test_a_canary_is_found_in_files_of_states_and_of_the_build(aviary: Aviary, planted: str, tmp_path: Path):
    for name in (".states/a.pkl", ".web/build/client/assets/x.js", ".web/node_modules/y.js", "atlas.db-wal"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(pickle.dumps(planted))
    found = {**places.states(tmp_path), **places.build(tmp_path), **places.sqlite(tmp_path)}
    assert sorted(found) == ["a.pkl", "atlas.db-wal", "build/client/assets/x.js"]
    assert all(aviary.search(place) for place in found.values())


def test_a_canary_is_found_in_a_sqlite_file_with_its_log(aviary: Aviary, planted: str, tmp_path: Path):
    with sqlite3.connect(tmp_path / "atlas.db") as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (x BLOB)")
        db.execute("INSERT INTO t VALUES (?)", (planted.encode(),))
        db.commit()
        found = places.sqlite(tmp_path)
    db.close()
    assert {"atlas.db", "atlas.db-wal"} <= set(found)
    assert any(aviary.search(place) for place in found.values())


@pytest.mark.postgres
def test_a_canary_is_found_in_a_dump_as_text_and_as_bytes(aviary: Aviary, planted: str, postgres_url: str):
    other = aviary.make("slack bot_token, as bytes", "xoxb-{}")
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute("CREATE TABLE t (x text, y bytea)")
        db.execute("INSERT INTO t VALUES (%s, %s)", (planted, other.encode()))
    found = aviary.search(places.dump(postgres_url)["pg_dump"])
    assert {"password, planted", "slack bot_token, as bytes"} <= set(found)


@pytest.mark.redis
@pytest.mark.parametrize("kind", ["string", "hash", "list", "set", "zset", "stream", "key"])
def test_a_canary_is_found_in_every_type_of_redis(aviary: Aviary, planted: str, redis_url: str, kind: str):
    key = f"leaks:{uuid.uuid4().hex}"
    with Redis.from_url(redis_url) as server:
        key = f"{key}{planted}" if kind == "key" else key
        try:
            match kind:
                case "string" | "key":
                    server.set(key, planted if kind == "string" else "")
                case "hash":
                    server.hset(key, planted, "x")
                case "list":
                    server.rpush(key, "x", planted)
                case "set":
                    server.sadd(key, planted)
                case "zset":
                    server.zadd(key, {planted: 1})
                case "stream":
                    server.xadd(key, {"x": planted})
            assert any(aviary.search(place) for place in places.redis(redis_url).values())
        finally:
            server.delete(key)
