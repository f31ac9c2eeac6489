"""Vendors that know only one address: what the rest of them says must not decide whether a credential is good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers.contract import CheckResult, Method, silent

PAGE = "<!doctype html><title>Not here</title>"
RESTS = ("nothing", "page", "same", "fault", "unavailable", "silence")
"""What is said at all other addresses: 404 and {}, 404 and a page, the same as at the one, 5xx, or nothing at all."""

rests = pytest.mark.parametrize("rest", RESTS)
"""For tests that such a vendor still connects."""


def stub(known: Mapping[str, Any], rest: str = "nothing", status: int = 200) -> Http:
    """An `Http` to a vendor that says `known[path]` with `status`: JSON, or a text as it is."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in known or rest == "same":
            said = known.get(path, next(iter(known.values())))
            return httpx.Response(status, text=said) if isinstance(said, str) else httpx.Response(status, json=said)
        if rest == "silence":
            raise httpx.ReadTimeout("")
        if rest in {"fault", "unavailable"}:
            return httpx.Response(500 if rest == "fault" else 503, text="no")
        return httpx.Response(404, text=PAGE) if rest == "page" else httpx.Response(404, json={})

    return Http({}, Guard(), transport=httpx.MockTransport(answer))


async def connect(way: Method[Any], values: Mapping[str, Any], http: Http) -> CheckResult:
    """The check of what an admin typed. Raises what the form and the check raise."""
    try:
        return await way.check(way.read(values), http, silent)
    finally:
        await http.close()
