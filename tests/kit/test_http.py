"""The outbound client against a scripted vendor, and against real sockets where it matters."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import traceback
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from atlas_hub.kit import answer as answer_module
from atlas_hub.kit.answer import BODY_BYTES, retry_after
from atlas_hub.kit.errors import (
    BadForm,
    HubError,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Answer, Http, Upstream

SLACK = Upstream("SLACK", "Slack", "https://slack.example")
CANARY = "canary-7f3e9a"
LOOPBACK = ip_network("127.0.0.0/8")


class Script:
    """A vendor that gives the next answer, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        if callable(answer):
            return await answer(request)
        assert isinstance(answer, httpx.Response)
        return answer


@pytest.fixture
async def vendor() -> AsyncIterator[Callable[..., tuple[Http, Script]]]:
    """Makes a client whose vendor gives these answers, then `{"ok": true}`."""
    opened: list[Http] = []

    def make(*answers: Any, **upstreams: str) -> tuple[Http, Script]:
        script = Script(*answers, *(httpx.Response(200, json={"ok": True}) for _ in range(3)))
        opened.append(Http(upstreams, Guard(), httpx.MockTransport(script)))
        return opened[-1], script

    yield make
    for http in opened:
        await http.close()


def said(error: BaseException) -> str:
    """All that a log could show of it."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


async def test_a_question_carries_method_path_headers_and_body(vendor: Any):
    http, script = vendor()
    answer = await http.ask(SLACK, "POST", "/api/auth.test?x=1", headers={"Authorization": "Bearer t"}, json={"a": 1})
    request = script.asked[0]
    assert str(request.url) == "https://slack.example/api/auth.test?x=1"
    assert (request.method, request.headers["authorization"], request.content) == ("POST", "Bearer t", b'{"a":1}')
    assert request.headers["user-agent"].startswith("atlas-hub/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"ok": True}
    assert "ok" not in repr(answer)


async def test_a_form_is_sent_as_a_form(vendor: Any):
    http, script = vendor()
    await http.ask(SLACK, "POST", "/x", form={"code": "a b"})
    assert script.asked[0].content == b"code=a+b"
    assert script.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("base", "replaced", "region", "url"),
    [
        ("https://a.example", {}, "", "https://a.example/p?q=1"),
        ("https://a.example/v2", {}, "", "https://a.example/v2/p?q=1"),
        ("https://a.example/v2", {"A": "http://127.0.0.1:9/slack/"}, "", "http://127.0.0.1:9/slack/v2/p?q=1"),
        ("https://a.example", {"B": "http://127.0.0.1:9"}, "", "https://a.example/p?q=1"),
        ("https://{region}.a.example", {}, "eu-1", "https://eu-1.a.example/p?q=1"),
        ("https://{region}.a.example", {"A": "http://h/{region}"}, "eu", "http://h/eu/p?q=1"),
        ("https://a.example", {"A": "http://h/{region}"}, "US1_FED", "http://h/US1_FED/p?q=1"),
        ("https://a.example", {}, "EU", "https://a.example/p?q=1"),
    ],
)
def test_an_upstream_is_replaced_prefix_included(base: str, replaced: dict[str, str], region: str, url: str):
    assert Http(replaced, Guard()).url(Upstream("A", "A", base), "/p?q=1", region=region) == url


@pytest.mark.parametrize("path", ["", "p", "//\\x", "/a b", "/a\r\nHost: x", "/a#b", "/bot1/../x", "/a\x00"])
def test_a_path_that_is_none_is_a_mistake_of_ours_and_not_shown(path: str):
    with pytest.raises(ValueError, match="path begins") as caught:
        Http({}, Guard()).url(SLACK, path + CANARY if path else path)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("region", ["", "É", "a.b", "x/y", "@evil", "x" * 33])
def test_a_region_is_a_plain_word(region: str):
    with pytest.raises(ValueError, match=r"region|none was given"):
        Http({}, Guard()).url(Upstream("A", "A", "https://{region}.a.example"), "/", region=region)


STATUSES = [
    (401, InvalidCredentials, {}),
    (403, InsufficientPermissions, {}),
    (429, RateLimited, {"retry-after": "30"}),
    (400, PlatformError, {}),
    (404, PlatformError, {}),
    (418, PlatformError, {}),
    (500, PlatformError, {}),
    (503, PlatformError, {"retry-after": "5"}),
]


@pytest.mark.parametrize(("status", "kind", "headers"), STATUSES)
@pytest.mark.parametrize("body", [b'{"error": "invalid_auth"}', b"<html>canary-7f3e9a</html>", b"", b"canary-7f3e9a"])
async def test_a_bad_status_becomes_our_error_and_the_next_try_succeeds(
    vendor: Any, status: int, kind: type[HubError], headers: dict[str, str], body: bytes
):
    http, _ = vendor(httpx.Response(status, content=body, headers=headers))
    if status == 403 and not body.startswith(b"{"):
        kind = PlatformError  # a firewall's word, not an API's
    with pytest.raises(kind) as caught:
        await http.json(SLACK, "POST", f"/bot{CANARY}/getMe", headers={"Authorization": CANARY}, field="bot_token")
    assert type(caught.value) is kind
    assert "Slack" in caught.value.text
    assert CANARY not in said(caught.value)
    assert "slack.example" not in said(caught.value)
    assert await http.json(SLACK, "GET", "/") == {"ok": True}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", InsufficientPermissions),
        (b"null", InsufficientPermissions),
        (b"<html>blocked</html>", PlatformError),
        (b"[" * 100_000, PlatformError),
    ],
)
async def test_a_403_that_is_not_json_is_somebody_elses(vendor: Any, body: bytes, kind: type[HubError]):
    http, _ = vendor(httpx.Response(403, content=body))
    with pytest.raises(kind) as caught:
        await http.json(SLACK, "GET", "/", field="bot_token")
    assert type(caught.value) is kind
    assert caught.value.field == (None if kind is PlatformError else "bot_token")
    assert ("proxy or firewall" in caught.value.text) == (kind is PlatformError)


async def test_the_field_at_fault_and_the_vendors_code_are_named(vendor: Any):
    http, _ = vendor(httpx.Response(401, json={"error": "invalid_auth"}))
    with pytest.raises(InvalidCredentials, match="invalid_auth") as caught:
        await http.json(SLACK, "GET", "/", field="bot_token")
    assert (caught.value.field, caught.value.vendor_code) == ("bot_token", "invalid_auth")


@pytest.mark.parametrize(
    "body",
    [
        {"error": CANARY},
        {"error": "xoxb-1-a"},
        {"error": "Sentence with spaces"},
        {"error": {"code": 7}},
        {"error": "x" * 65},
        {"error": "evil\nline"},
        ["invalid_auth"],
        "invalid_auth",
        None,
    ],
)
async def test_a_code_that_may_be_our_secret_is_not_repeated(vendor: Any, body: Any):
    http, _ = vendor(httpx.Response(401, json=body))
    with pytest.raises(InvalidCredentials) as caught:
        await http.json(SLACK, "GET", "/")
    assert caught.value.vendor_code is None


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_not_followed(vendor: Any, status: int):
    http, script = vendor(httpx.Response(status, headers={"location": f"https://evil.example/{CANARY}"}))
    with pytest.raises(PlatformError, match="redirect") as caught:
        await http.ask(SLACK, "GET", "/")
    assert len(script.asked) == 1
    assert CANARY not in said(caught.value)
    assert (await http.ask(SLACK, "GET", "/")).status == 200


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{", b"\xff\xfe", b"[" * 100_000])
async def test_what_is_not_json_is_a_platform_error(vendor: Any, body: bytes):
    http, _ = vendor(httpx.Response(200, content=body))
    with pytest.raises(PlatformError, match="Slack gave an answer that is not JSON"):
        await http.json(SLACK, "GET", "/")
    assert await http.json(SLACK, "GET", "/") == {"ok": True}


class Parts(httpx.AsyncByteStream):
    """A body in parts that counts how many were taken."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.taken = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            self.taken += 1
            yield part

    async def aclose(self) -> None:
        self.closed = True


async def test_a_huge_body_is_read_no_further_than_the_cap(vendor: Any):
    body = Parts(*[b"x" * 65_536] * 1000)
    http, _ = vendor(httpx.Response(200, stream=body))
    with pytest.raises(PlatformError, match="larger than 2 MiB"):
        await http.ask(SLACK, "GET", "/")
    assert body.taken == BODY_BYTES // 65_536 + 1
    assert body.closed
    assert (await http.ask(SLACK, "GET", "/")).status == 200


async def test_a_body_of_exactly_the_cap_is_read(vendor: Any):
    http, _ = vendor(httpx.Response(200, stream=Parts(b"x" * BODY_BYTES)))
    assert len((await http.ask(SLACK, "GET", "/")).body) == BODY_BYTES


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"x" * 200_000_000, 1)),
        ("deflate", zlib.compress(b"x" * 200_000_000, 1)),
    ],
)
async def test_a_compressed_bomb_is_unpacked_no_further_than_the_cap(vendor: Any, encoding: str, packed: bytes):
    http, _ = vendor(httpx.Response(200, stream=Parts(packed), headers={"content-encoding": encoding}))
    with pytest.raises(PlatformError, match="larger than 2 MiB"):
        await http.ask(SLACK, "GET", "/")


async def test_a_compressed_body_is_unpacked(vendor: Any):
    packed = gzip.compress(b'{"a": 1}')
    headers = {"content-encoding": "gzip"}
    http, script = vendor(httpx.Response(200, stream=Parts(packed[:7], packed[7:]), headers=headers))
    assert await http.json(SLACK, "GET", "/") == {"a": 1}
    assert script.asked[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("gzip, gzip", b"x"), ("gzip", b"not gzip at all")])
async def test_an_encoding_that_was_not_asked_for_is_a_platform_error(vendor: Any, encoding: str, body: bytes):
    http, _ = vendor(httpx.Response(200, stream=Parts(body), headers={"content-encoding": encoding}))
    with pytest.raises(PlatformError):
        await http.ask(SLACK, "GET", "/")


async def test_headers_without_end_are_a_platform_error(vendor: Any):
    http, _ = vendor(httpx.Response(200, headers=[("x", str(i)) for i in range(200)]))
    with pytest.raises(PlatformError, match="headers"):
        await http.ask(SLACK, "GET", "/")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (httpx.ConnectError(CANARY), "could not be reached"),
        (httpx.ReadError(CANARY), "could not be reached"),
        (httpx.RemoteProtocolError(CANARY), "could not be reached"),
        (httpx.ConnectTimeout(CANARY), "did not answer within 10 seconds"),
        (httpx.ReadTimeout(CANARY), "did not answer within 10 seconds"),
    ],
)
async def test_no_answer_is_a_network_error_without_its_cause(vendor: Any, fault: Exception, words: str):
    http, _ = vendor(fault)
    with pytest.raises(NetworkError, match=words) as caught:
        await http.ask(SLACK, "GET", f"/bot{CANARY}/getMe")
    assert caught.value.retryable
    assert CANARY not in said(caught.value)
    assert (await http.ask(SLACK, "GET", "/")).status == 200


async def test_a_vendor_that_hangs_is_given_up_in_time(vendor: Any):
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    async def slow(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drip())

    http, _ = vendor(hang, slow)
    for _ in range(2):
        with pytest.raises(NetworkError, match=r"within 0\.1 seconds"):
            await http.ask(SLACK, "GET", "/", timeout=0.1)
    assert (await http.ask(SLACK, "GET", "/")).status == 200


async def test_being_cancelled_is_not_an_error_of_the_vendor(vendor: Any):
    async def hang(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    http, _ = vendor(hang)
    task = asyncio.create_task(http.ask(SLACK, "GET", "/"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("token", ["tökên", "a\r\nX-Evil: 1", "a\nb", "a\x00b"])
async def test_a_credential_that_no_header_can_carry_is_refused_unseen(token: str):
    async with server() as (port, heads):
        http = Http({"SLACK": f"http://127.0.0.1:{port}"}, Guard())
        with pytest.raises(InvalidCredentials, match="Copy them again") as caught:
            await http.ask(SLACK, "GET", "/", headers={"Authorization": f"Bearer {CANARY}{token}"})
        assert heads == []
        assert (await http.ask(SLACK, "GET", "/", headers={"Authorization": "Bearer fine"})).status == 200
        await http.close()
    assert CANARY not in said(caught.value)


async def test_a_vendors_cookie_is_not_kept_for_the_next_question(vendor: Any):
    http, script = vendor(httpx.Response(200, headers={"set-cookie": "d=1; Domain=slack.example; Path=/"}))
    await http.ask(SLACK, "GET", "/")
    await http.ask(SLACK, "GET", "/")
    assert "cookie" not in script.asked[1].headers


async def test_at_most_ten_questions_at_once_go_to_one_host(vendor: Any):
    now_open, most = 0, 0

    async def count(request: httpx.Request) -> httpx.Response:
        nonlocal now_open, most
        now_open += 1
        most = max(most, now_open)
        await asyncio.sleep(0.01)
        now_open -= 1
        return httpx.Response(200)

    http, _ = vendor(*[count] * 40)
    await asyncio.gather(*(http.ask(SLACK, "GET", "/") for _ in range(40)))
    assert most == 10
    assert len(http._turns) == 0


async def test_no_url_is_logged(vendor: Any, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        http, _ = vendor()
        await http.ask(SLACK, "GET", f"/bot{CANARY}/getMe", headers={"Authorization": CANARY})
    assert CANARY not in caplog.text
    assert logging.getLogger("httpx").level == logging.getLogger("httpcore").level == logging.WARNING


NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        (" 30 ", 30),
        ("0", 1),
        ("0.2", 1),
        ("1.5", 2),
        ("99999999", 86_400),
        ("999999999999", 86_400),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 1),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), 86_400),
        ("Thu, 01 Oct 2026 12:02:00", 120),
        (None, 60),
        ("", 60),
        ("soon", 60),
        ("-5", 60),
        ("nan", 60),
        ("inf", 60),
        ("1e9", 60),
        ("٣٠", 60),
        ("Thu, 99 Oct 2026 99:99:99 GMT", 60),
        ("9" * 400, 60),
    ],
)
def test_retry_after_in_all_its_shapes(monkeypatch: pytest.MonkeyPatch, value: str | None, seconds: int):
    monkeypatch.setattr(answer_module, "now", lambda: NOW)
    assert retry_after(value) == seconds


async def test_busy_says_how_long(vendor: Any):
    http, _ = vendor(httpx.Response(429, headers={"Retry-After": "7"}))
    with pytest.raises(RateLimited, match="in 7 seconds") as caught:
        await http.json(SLACK, "GET", "/")
    assert caught.value.retry_after == 7


# Real sockets: pinning, TLS, proxies.


class Names:
    """A name server that gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@asynccontextmanager
async def server(
    context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[int, list[str]]]:
    """An HTTP server on loopback: its port, and the heads of the requests it got."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.transport.abort()

    tasks: list[asyncio.Task[Any] | None] = []
    listening = await asyncio.start_server(serve, host, 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1], heads
    for task in tasks:
        assert task
        task.cancel()
        await task


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that the operator has added by SSL_CERT_FILE."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


def certified(authority: trustme.CA, *names: str) -> tuple[ssl.SSLContext, list[str | None]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    return context, asked


async def test_the_checked_address_is_the_one_connected_to_with_sni_and_host_of_the_name(authority: trustme.CA):
    context, asked = certified(authority, "hooks.example")
    names = Names(["127.0.0.1"], ["127.0.0.2"])  # a second question would get another answer
    async with server(context) as (port, heads):
        http = Http({}, Guard([LOOPBACK], names))
        answer = await http.ask_url("Webhook", "POST", f"https://hooks.example:{port}/a?b=c", headers={"Host": "evil"})
        await http.close()
    assert answer.status == 200
    assert names.asked == 1
    assert asked == ["hooks.example"]
    assert heads[0].startswith("POST /a?b=c HTTP/1.1\r\n")
    assert f"host: hooks.example:{port}\r\n" in heads[0].lower()
    assert "evil" not in heads[0]


async def test_the_certificate_must_be_for_the_name(authority: trustme.CA):
    context, _ = certified(authority, "other.example", "127.0.0.1")
    async with server(context) as (port, heads):
        http = Http({}, Guard([LOOPBACK], Names(["127.0.0.1"])))
        with pytest.raises(NetworkError, match="certificate of Webhook") as caught:
            await http.ask_url("Webhook", "GET", f"https://hooks.example:{port}/{CANARY}")
        assert (await http.ask_url("Webhook", "GET", f"https://other.example:{port}/")).status == 200
        await http.close()
    assert CANARY not in said(caught.value)
    assert len(heads) == 1


async def test_two_names_at_one_address_are_each_verified(authority: trustme.CA):
    """A pool that knows connections by address would lend the first one's connection to the second."""
    context, asked = certified(authority, "a.example")
    async with server(context) as (port, heads):
        http = Http({}, Guard([LOOPBACK], Names(["127.0.0.1"])))
        await http.ask_url("A", "GET", f"https://a.example:{port}/")
        with pytest.raises(NetworkError, match="certificate"):
            await http.ask_url("B", "GET", f"https://b.example:{port}/")
        await http.close()
    assert asked == ["a.example", "b.example"]
    assert len(heads) == 1


async def test_an_authority_nobody_added_is_not_trusted():
    context, _ = certified(trustme.CA(), "hooks.example")
    async with server(context) as (port, _):
        http = Http({"SLACK": f"https://127.0.0.1:{port}"}, Guard([LOOPBACK], Names(["127.0.0.1"])))
        with pytest.raises(NetworkError, match="certificate"):
            await http.ask_url("Webhook", "GET", f"https://hooks.example:{port}/")
        with pytest.raises(NetworkError, match="certificate of Slack"):
            await http.ask(SLACK, "GET", "/")
        await http.close()


async def test_a_name_that_changed_its_mind_is_checked_again_at_the_next_question():
    async with server() as (port, heads):
        http = Http({}, Guard([LOOPBACK], Names(["127.0.0.1"], ["169.254.169.254"])))
        assert (await http.ask_url("W", "GET", f"http://hooks.example:{port}/")).status == 200
        with pytest.raises(BadForm) as caught:
            await http.ask_url("W", "GET", f"http://hooks.example:{port}/", field="webhook_url")
        await http.close()
    assert list(caught.value.fields) == ["webhook_url"]
    assert len(heads) == 1


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with server() as (port, heads):
        http = Http({"SLACK": f"http://127.0.0.1:{port}"}, Guard([LOOPBACK], Names(["127.0.0.1"])))
        assert (await http.ask(SLACK, "GET", "/")).status == 200
        assert (await http.ask_url("W", "GET", f"http://w.example:{port}/")).status == 200
        await http.close()
    assert len(heads) == 2


async def test_a_closed_client_opens_again():
    async with server() as (port, heads):
        http = Http({"SLACK": f"http://127.0.0.1:{port}"}, Guard())
        await http.ask(SLACK, "GET", "/")
        await http.close()
        await http.close()
        await http.ask(SLACK, "GET", "/")
        await http.close()
    assert len(heads) == 2


async def test_a_vendor_that_is_not_there_is_a_network_error_and_the_next_try_succeeds():
    async with server() as (port, _):
        pass
    http = Http({"SLACK": f"http://127.0.0.1:{port}"}, Guard())
    with pytest.raises(NetworkError, match="Slack could not be reached") as caught:
        await http.ask(SLACK, "GET", "/")
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)  # httpx's own knows the whole address
    await http.close()
    async with server() as (port, _):
        again = Http({"SLACK": f"http://127.0.0.1:{port}"}, Guard())
        assert (await again.ask(SLACK, "GET", "/")).status == 200
        await again.close()


def test_nothing_is_opened_before_the_first_question():
    """Reflex imports the app in a supervisor and forks it: no client may exist by then."""
    assert Http({}, Guard())._opened == {}


def test_an_answer_made_by_hand_reads_as_json():
    assert Answer(200, {}, b"[1]").json() == [1]
