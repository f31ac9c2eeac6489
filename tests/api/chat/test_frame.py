"""What is the same for every route of the chat API: who calls, what an error looks like, what is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from atlas_hub.api.chat import PREFIXES, ROUTES
from atlas_hub.api.chat_frame import ChatCall, Frame, Page, Route
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Conflict, InvalidCredentials, TooManyRequests, VaultLocked
from tests.api.chat.conftest import Client, Place, as_every_answer, calling, place
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for

SOMETHING = "/v1/integrations"
MISSING = f"{SOMETHING}/{'0' * 24}/mobile-link"


async def echo(call: ChatCall) -> Any:
    return {"body": await call.json(), "params": dict(call.params), "workspace": call.actor.workspace}


async def paged(call: ChatCall) -> Page:
    return Page(data=[1], next=None, previous="x", total=1)


def raising(error: Exception) -> Any:
    async def verb(call: ChatCall) -> Any:
        raise error

    return verb


FRAME = Frame(
    (
        Route("GET", "/v1/things", echo),
        Route("POST", "/v1/things", echo, status=201),
        Route("GET", "/v1/things/page", paged),
        Route("GET", "/v1/things/{thingId}", echo),
        Route("DELETE", "/v1/things/{thingId}", echo, status=204),
        Route("GET", "/v1/things/open/door", echo, public=True),
        Route("GET", "/v1/raised/form", raising(BadForm({"name": "Too long."}))),
        Route("GET", "/v1/raised/vendor", raising(InvalidCredentials("The vendor refused it."))),
        Route("GET", "/v1/raised/conflict", raising(Conflict("Once is enough."))),
        Route("GET", "/v1/raised/locked", raising(VaultLocked("No key."))),
        Route("GET", "/v1/raised/busy", raising(TooManyRequests("Too often.", retry_after=7))),
        Route("GET", "/v1/raised/bug", raising(RuntimeError("xoxb-secret"))),
    )
)


@pytest.fixture
async def framed(here: Place) -> AsyncIterator[Client]:
    async with Client(
        transport=httpx.ASGITransport(app=FRAME),
        base_url="http://hub.test",
        headers={"Authorization": f"ApiKey {here.key}"},
        event_hooks={"response": [as_every_answer]},
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "Missing authorization header"),
        ("", "Missing authorization header"),
        ("Bearer abc", 'Invalid authentication scheme: "Bearer"'),
        ("apikey abc", 'Invalid authentication scheme: "apikey"'),
        ("ahk_abcdefghijklmnopqrstuvwxyz", 'Invalid authentication scheme: ""'),
        ("ApiKey", "API Key not found"),
        ("ApiKey nobodys", "API Key not found"),
        ("ApiKey Bearer abc", "API Key not found"),
        (f"ApiKey {'x' * 600}", "API Key not found"),
    ],
)
async def test_who_is_not_known_gets_401(hub: Hub, header: str | None, message: str) -> None:
    async with calling(None) as client:
        headers = {} if header is None else {"Authorization": header}
        answer = await client.get(SOMETHING, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"] == message
    assert answer.headers["www-authenticate"].startswith("ApiKey")


async def test_a_key_for_other_apis_and_one_that_may_only_read_get_403(hub: Hub, here: Place) -> None:
    async with calling(here.elsewhere) as client:
        assert (await client.get(SOMETHING)).status_code == 403
    async with calling(here.reader) as client:
        assert (await client.post(MISSING)).status_code == 403


async def test_every_route_is_under_a_prefix_of_the_api() -> None:
    assert all(route.path.startswith(PREFIXES) for route in ROUTES)


async def test_a_path_that_there_is_not_and_a_verb_that_it_does_not_know(chat: Client) -> None:
    nothing = await chat.get("/v1/integrations/a/b/c/d?x=1&code=hidden")
    assert (nothing.status_code, nothing.json()["error"]) == (404, "Not Found")
    assert nothing.json()["path"] == "/v1/integrations/a/b/c/d?x=1&code=••••"
    for name in ("client_secret", "code_verifier", "refresh_token", "state"):
        nothing = await chat.get(f"/v1/integrations/a/b/c/d?{name}=hidden")
        assert nothing.json()["path"].endswith(f"?{name}=••••")
    wrong = await chat.patch(MISSING)
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


async def test_what_is_not_offered_is_404(chat: Client) -> None:
    for path in (MISSING, f"{SOMETHING}/x/webhook/configure", f"{SOMETHING}/channel-endpoints/link"):
        assert (await chat.post(path)).status_code == 404


async def test_values_are_wrapped_and_pages_are_not(framed: Client, here: Place) -> None:
    assert (await framed.get("/v1/things")).json() == {
        "data": {"body": {}, "params": {}, "workspace": here.workspace},
    }
    page = (await framed.get("/v1/things/page")).json()
    assert page == {"data": [1], "next": None, "previous": "x", "totalCount": 1, "totalCountCapped": False}


async def test_paths_are_decoded_once_and_a_slash_at_the_end_changes_nothing(framed: Client) -> None:
    for sent, meant in (("a%2Fb%20c", "a/b c"), ("a:b", "a:b"), ("%2541", "%41"), ("x/", "x"), ("%C3%A9", "é")):
        answer = await framed.get(f"/v1/things/{sent}")
        assert answer.json()["data"]["params"] == {"thingId": meant}, sent
    for wrong in ("/v1/things/%00", "/v1/things//", "/v1/things?x=%00"):
        assert (await framed.get(wrong)).is_error, wrong


async def test_head_is_get_without_a_body_and_204_has_none(framed: Client) -> None:
    assert (await framed.head("/v1/things")).status_code == 200
    assert (await framed.delete("/v1/things/x")).status_code == 204


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"a": 1}', "application/json", 201),
        (b'{"a": 1}', "application/json; charset=utf-8", 201),
        (b"", "", 201),
        (b'{"a": 1}', "text/plain", 415),
        (b'{"a": ', "application/json", 400),
        (b"[1]", "application/json", 400),
        (b'{"a": "\\u0000"}', "application/json", 400),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "application/json", 413),
    ],
)
async def test_bodies(framed: Client, content: bytes, kind: str, status: int) -> None:
    answer = await framed.post("/v1/things", content=content, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == status


async def test_a_compressed_body_is_415(framed: Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert (await framed.post("/v1/things", content=b"{}", headers=headers)).status_code == 415


@pytest.mark.parametrize(
    ("what", "status"),
    [("form", 422), ("vendor", 400), ("conflict", 409), ("locked", 503), ("busy", 429), ("bug", 500)],
)
async def test_what_is_raised_has_a_status(framed: Client, what: str, status: int) -> None:
    answer = await framed.get(f"/v1/raised/{what}")
    assert answer.status_code == status
    assert "xoxb" not in answer.text
    if what == "form":
        assert answer.json()["errors"] == {"name": {"messages": ["Too long."]}}
    if what == "busy":
        assert answer.headers["retry-after"] == "7"
    if what == "bug":
        assert answer.json()["errorId"] == answer.headers["x-request-id"]


async def test_a_public_route_needs_no_key(hub: Hub) -> None:
    async with Client(transport=httpx.ASGITransport(app=FRAME), base_url="http://hub.test") as client:
        assert (await client.get("/v1/things/open/door")).json()["data"]["workspace"] == ""
        assert (await client.get("/v1/things")).status_code == 401


async def test_a_route_stands_in_the_table_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Frame((Route("GET", "/v1/things", echo), Route("GET", "/v1/things", echo)))


async def test_a_key_has_its_rate(tmp_path: Path) -> None:
    async with open_hub(settings_for(tmp_path, api_rate_limit_rpm=2)) as hub, calling((await place(hub)).key) as client:
        statuses = [(await client.get("/v1/integrations/nothing/here")).status_code for _ in range(2)]
        refused = await client.get("/v1/integrations/nothing/here")
    assert statuses == [404, 404]
    assert refused.status_code == 429
    assert refused.json()["message"] == "API rate limit exceeded"
    assert refused.headers["ratelimit-limit"] == "2"
    assert refused.headers["ratelimit-policy"] == "2;w=60"
    assert int(refused.headers["retry-after"]) >= 1


async def test_a_hub_without_a_database_is_503(hub_without_database: Hub) -> None:
    async with calling("any") as client:
        assert (await client.get(SOMETHING)).status_code == 503
