"""ntfy's check and publication, against a small server that speaks as ntfy does."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from atlas_hub_ntfy import PROVIDER

from atlas_hub import BadForm, CheckResult, Guard, Http, InvalidCredentials, Message, Receipt, Step

METHOD = PROVIDER.methods[0]
GOOD, GONE = "tk_" + "FAKEgood" * 3, "tk_" + "FAKEgone" * 3


class Ntfy(BaseHTTPRequestHandler):
    """GET /v1/account and POST /, for the one token that is good."""

    def do_GET(self) -> None:
        self._answer({"username": "ana", "role": "user"})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"id": "hwQ2YpKdmg", "event": "message", "topic": said["topic"], "message": said["message"]})

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _answer(self, body: dict[str, Any]) -> None:
        good = self.headers["Authorization"] == f"Bearer {GOOD}"
        text = json.dumps(body if good else {"code": 40101, "http": 401, "error": "unauthorized"}).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def ntfy() -> Iterator[str]:
    """The server's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ntfy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def check(http: Http, typed: dict[str, str], steps: list[Step]) -> CheckResult:
    async def asked() -> CheckResult:
        try:
            return await METHOD.check(METHOD.read(typed), http, steps.append)
        finally:
            await http.close()

    return asyncio.run(asked())


def send(http: Http, to: str) -> Receipt:
    async def asked() -> Receipt:
        try:
            return await METHOD.send(METHOD.read({"accessToken": GOOD}), to, Message(text="Roasted."), http)
        finally:
            await http.close()

    return asyncio.run(asked())


def client(ntfy: str) -> Http:
    """What the hub gives a provider; `ntfy` stands for ntfy.sh, and loopback is allowed as a server of one's own."""
    return Http({"NTFY": ntfy}, Guard([ipaddress.ip_network("127.0.0.0/8")]))


def test_a_token_names_its_person(ntfy: str) -> None:
    steps: list[Step] = []
    result = check(client(ntfy), {"accessToken": f" Bearer {GOOD} "}, steps)
    assert result.account is not None
    assert (result.account.key, result.label) == ("ntfy.sh/ana", "ana")
    assert [step.key for step in steps if step.ok] == ["format", "reached", "accepted"]


def test_a_server_of_ones_own_is_asked_there(ntfy: str) -> None:
    result = check(client("http://127.0.0.1:9"), {"accessToken": GOOD, "server": f"{ntfy}/"}, [])
    assert result.account is not None
    assert result.account.key == f"{ntfy.removeprefix('http://')}/ana"


def test_a_token_that_is_gone_is_refused_at_its_field(ntfy: str) -> None:
    with pytest.raises(InvalidCredentials) as caught:
        check(client(ntfy), {"accessToken": GONE}, [])
    assert caught.value.field == "access_token"
    assert GONE not in str(caught.value)


def test_a_message_is_published(ntfy: str) -> None:
    assert send(client(ntfy), "acme_alerts").id == "hwQ2YpKdmg"


def test_a_topic_of_the_wrong_shape_is_refused_before_anyone_is_asked() -> None:
    with pytest.raises(BadForm):
        send(client("http://127.0.0.1:9"), "two words")
