"""Secrets in wrong shapes and wrong places, which any API may be sent: what comes of them is that API's to say."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.leaks.canaries import Aviary

Make = Callable[[str], Any]
JSON = {"Content-Type": "application/json"}
Asked = tuple[str, dict[str, Any]]
"""What a request was, and what is sent with it."""


def kinds(aviary: Aviary, where: str) -> dict[str, Make]:
    """A secret in each odd shape, by the kind of it; each is a maker that takes a name."""
    make = lambda kind, name, *more, **core: aviary.make(f"{where} {kind} {name}", *more, **core)  # noqa: E731  # a shape
    return {
        "text": lambda name: make("text", name, "kanarie {}"),
        "number": lambda name: int(make("number", name, core=str(int("7" + "0" * 15) + id(name)))),
        "list": lambda name: [make("list", name)],
        "object": lambda name: {"deep": {"er": make("object", name)}},
        "key": lambda name: {make("key", name): 1},
        "NUL": lambda name: make("NUL", name, "xoxb-{}\0"),
        "unseen": lambda name: make("unseen", name, "\u200bxoxb-\u00e9{}\u2028"),
        "long": lambda name: make("long", name, "xoxb-{}" + "x" * 1000),
        "URL": lambda name: make("URL", name, "https://a:{}@localhost/"),
        "masked": lambda name: make("masked", name, "****{}"),
    }


def bodies(aviary: Aviary, where: str, field: str, *, kind: str = "") -> Iterator[Asked]:
    """A secret in whatever is no body of an API: garbled, doubled, in another form. `kind`: what `type` says."""
    token = lambda name: aviary.telegram(f"{where} {name}")  # noqa: E731  # a shape
    said = f'"type": "{kind}", ' if kind else ""
    yield "broken JSON", {"content": f'{{{said}"{field}": "{token("broken")}"', "headers": JSON}
    yield "no JSON", {"content": token("no JSON"), "headers": JSON}
    yield "a text", {"json": token("a text")}
    yield "a list", {"json": [{field: token("a list")}]}
    yield "no type", {"content": json.dumps({field: token("no type")})}
    yield "another type", {"content": token("another type"), "headers": {"Content-Type": token("content type")}}
    yield "a form", {"data": {field: token("form")}}
    yield "multipart", {"files": {field: token("multipart").encode()}}
    # A server that answers before it has read it all closes the connection then.
    yield "large", {"json": {field: token("large") * 2000}, "headers": {"Connection": "close"}}
    twice = f'{{{said}"{field}": "{token("first of two")}", "{field}": "{token("second of two")}"}}'
    yield "a key twice", {"content": twice, "headers": JSON}
    yield "not a number", {"content": f'{{{said}"{field}": "{token("beside NaN")}", "x": NaN}}', "headers": JSON}
    yield "deep", {"content": f'{"[" * 5000}"{token("deep")}"{"]" * 5000}', "headers": JSON}
    yield "a mark of bytes", {"content": f'\ufeff{{{said}"{field}": "{token("BOM")}"}}'.encode(), "headers": JSON}
    yield "no UTF-8", {"content": f'{{{said}"{field}": "{token("no UTF-8")}\xff"}}'.encode("latin-1"), "headers": JSON}
    yield "a query", {"params": {field: token("query"), "access_token": token("access token")}, "json": {}}
    headers = {"X-Request-Id": token("request id"), "X-Api-Key": token("X-Api-Key"), "Cookie": f"x={token('cookie')}"}
    yield "headers", {"headers": headers, "json": {}}


def strangers(aviary: Aviary, where: str) -> Iterator[Asked]:
    """A secret in each manner of signing in that is not the right one."""
    make = lambda name: aviary.make(f"{where} {name}", "ahk_{}")  # noqa: E731  # a shape
    basic = lambda name: base64.b64encode(f"{make(f'{name}, user')}:{make(name)}".encode()).decode()  # noqa: E731  # same
    told = 'realm="Atlas Hub", nonce="{}", uri="/", qop=auth, nc=00000001, cnonce="{}", response="{}", opaque="{}"'
    for what, header in {
        "bare": make("bare"),
        "Bearer": f"Bearer {make('Bearer')}",
        "ApiKey": f"ApiKey {make('ApiKey')}",
        "Basic": f"Basic {basic('Basic')}",
        "Basic, garbled": f"Basic {make('Basic, garbled')}",
        "two words": f"Bearer {make('two words')} x",
        "Digest": f'Digest username="{make("Digest user")}", '
        + told.format(*(make(f"Digest {part}") for part in ("nonce", "cnonce", "response", "opaque"))),
        "Digest, garbled": f"Digest {make('Digest, garbled')}",
        "Digest, no end": f'Digest username="{make("Digest, no end")}',
        "long": f"Bearer {make('long') * 300}",
    }.items():
        yield what, {"headers": {"Authorization": header}}
