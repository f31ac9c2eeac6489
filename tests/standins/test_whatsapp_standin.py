"""The stand-in answers as Meta's Graph does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import whatsapp
from tests.standins.dial import Fault
from tests.standins.whatsapp import WhatsappStandin


@pytest.fixture
def graph() -> Iterator[WhatsappStandin]:
    with WhatsappStandin() as started:
        yield started


def ask(standin: WhatsappStandin, http: httpx.Client, path: str, token: str = whatsapp.PERMANENT, **said: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{standin.base}{path}"
    return http.post(url, headers=headers, json=said) if said else http.get(url, headers=headers)


def text(to: str = whatsapp.GRACE, body: str = "Hello") -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


def test_the_graph_tells_a_number(graph, http):
    answer = ask(graph, http, f"/v18.0/{whatsapp.NUMBER}?fields=display_phone_number")
    assert answer.json() == {"id": whatsapp.NUMBER, "display_phone_number": whatsapp.PHONE}
    assert answer.headers["facebook-api-version"] == "v18.0"
    assert ask(graph, http, f"/v18.0/{whatsapp.NUMBER}").json()["verified_name"] == "Acme Corp"
    graph.oldest = 21
    assert ask(graph, http, f"/v18.0/{whatsapp.NUMBER}").headers["facebook-api-version"] == "v21.0"
    assert ask(graph, http, f"/v23.0/{whatsapp.NUMBER}").headers["facebook-api-version"] == "v23.0"


@pytest.mark.parametrize(
    ("path", "token", "status", "code", "subcode"),
    [
        (whatsapp.NUMBER, "nonsense", 401, 190, None),
        (whatsapp.NUMBER, whatsapp.EXPIRED, 401, 190, 463),
        (whatsapp.NUMBER, whatsapp.CHANGED, 401, 190, 460),
        (whatsapp.NUMBER, whatsapp.REVOKED, 401, 190, 467),
        (whatsapp.NUMBER, whatsapp.STRANGE, 400, 100, 33),
        (whatsapp.UNKNOWN, whatsapp.PERMANENT, 400, 100, 33),
        (whatsapp.ACCOUNT, whatsapp.PERMANENT, 400, 100, None),
    ],
)
def test_the_graph_refuses(graph, http, *, path, token, status, code, subcode):
    answer = ask(graph, http, f"/v18.0/{path}", token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error.get("error_subcode")) == (status, code, subcode)
    assert ask(graph, http, f"/v18.0/{whatsapp.NUMBER}").status_code == 200


def test_the_graph_knows_its_versions(graph, http):
    for path in ("/latest/1", "/", "/v18.0/a/b/c"):
        assert ask(graph, http, path).json()["error"]["code"] == 2500


def test_the_graph_tells_what_a_token_may_and_when_it_ends(graph, http):
    def debug(token: str, asker: str = whatsapp.PERMANENT) -> Any:
        return ask(graph, http, f"/v18.0/debug_token?input_token={token}", asker).json()

    lasting = debug(whatsapp.PERMANENT)["data"]
    assert (lasting["type"], lasting["expires_at"], lasting["data_access_expires_at"]) == ("SYSTEM_USER", 0, 0)
    assert lasting["is_valid"] is True
    assert "whatsapp_business_messaging" in lasting["scopes"]
    short = debug(whatsapp.TEMPORARY)["data"]
    assert (short["type"], short["expires_at"] > short["issued_at"]) == ("USER", True)
    assert debug("nonsense")["data"]["is_valid"] is False
    assert debug(whatsapp.SHY, whatsapp.SHY)["error"]["code"] == 100


def test_the_graph_takes_a_message_and_gives_its_id(graph, http):
    said = ask(graph, http, f"/v18.0/{whatsapp.NUMBER}/messages", **text()).json()
    assert said["messages"][0]["id"].startswith("wamid.")
    assert said["contacts"] == [{"input": "+15550000001", "wa_id": "15550000001"}]
    assert len(graph.messages) == 1


@pytest.mark.parametrize(
    ("token", "said", "status", "code"),
    [
        (whatsapp.NARROW, text(), 403, 200),
        (whatsapp.EXPIRED, text(), 401, 190),
        (whatsapp.PERMANENT, {**text(), "messaging_product": "x"}, 400, 100),
        (whatsapp.PERMANENT, text(body=""), 400, 100),
        (whatsapp.PERMANENT, text(body="x" * 4097), 400, 100),
        (whatsapp.PERMANENT, text(whatsapp.NO_WHATSAPP), 400, 131026),
        (whatsapp.PERMANENT, text(whatsapp.NOT_LISTED), 400, 131030),
        (whatsapp.PERMANENT, text(whatsapp.SILENT), 400, 131047),
    ],
)
def test_the_graph_refuses_a_message(graph, http, *, token, said, status, code):
    answer = ask(graph, http, f"/v18.0/{whatsapp.NUMBER}/messages", token, **said)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert graph.messages == []
    assert ask(graph, http, f"/v18.0/{whatsapp.NUMBER}/messages", **text()).status_code == 200


def test_the_graph_is_busy_in_its_own_words(graph, http):
    graph.dial.set(Fault.BUSY_BARE)
    answer = ask(graph, http, f"/v18.0/{whatsapp.NUMBER}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, 130429)
