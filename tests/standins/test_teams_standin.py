"""The stand-in answers as Microsoft does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.standins import teams
from tests.standins.teams import TeamsStandin


@pytest.fixture
def microsoft() -> Iterator[TeamsStandin]:
    with TeamsStandin() as started:
        yield started


def mint(microsoft: TeamsStandin, http: httpx.Client, tenant: str = teams.ACME, **given: Any) -> httpx.Response:
    said = {
        "grant_type": "client_credentials",
        "client_id": teams.ATLAS,
        "client_secret": teams.GOOD,
        "scope": f"{teams.BOTS}/.default",
    }
    return http.post(f"{microsoft.base}/{tenant}/oauth2/v2.0/token", data=said | given)


def bearer(answer: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def post(
    microsoft: TeamsStandin, http: httpx.Client, to: str, said: Any = None, **token: Any
) -> tuple[int, dict[str, Any]]:
    answer = http.post(
        f"{microsoft.base}/teams/v3/conversations/{to}/activities",
        json={"type": "message", "text": "Hello"} if said is None else said,
        headers=bearer(mint(microsoft, http, **token)),
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("tenant", "app"),
    [(teams.ACME, teams.ATLAS), ("ACME.example", teams.ATLAS), (teams.SHARED, teams.OLD), (teams.BETA, teams.OLD)],
)
def test_entra_gives_a_token(microsoft, http, tenant, app):
    said = mint(microsoft, http, tenant, client_id=app).json()
    assert (said["token_type"], said["expires_in"]) == ("Bearer", 3599)
    assert microsoft.tokens[said["access_token"]].app == app


@pytest.mark.parametrize(
    ("tenant", "given", "status", "error", "number"),
    [
        (teams.ACME, {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        (teams.ACME, {"client_secret": teams.EXPIRED}, 401, "invalid_client", 7000222),
        (teams.ACME, {"client_id": teams.guid("9")}, 400, "unauthorized_client", 700016),
        (teams.SHARED, {}, 400, "unauthorized_client", 700016),
        (teams.BETA, {}, 400, "unauthorized_client", 700016),
        (teams.guid("9"), {}, 400, "invalid_request", 90002),
        ("nobody.example", {}, 400, "invalid_request", 90002),
        ("nonsense", {}, 400, "invalid_request", 900023),
        (teams.ACME, {"client_id": teams.DISABLED}, 400, "unauthorized_client", 7000112),
        (teams.ACME, {"client_id": teams.ORPHAN}, 401, "invalid_client", 7000229),
        (teams.ACME, {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (teams.ACME, {"scope": ""}, 400, "invalid_request", 900144),
        (teams.ACME, {"scope": "https://elsewhere.example/.default"}, 400, "invalid_resource", 500011),
    ],
)
def test_entra_refuses(microsoft, http, *, tenant, given, status, error, number):
    answer = mint(microsoft, http, tenant, **given)
    said = answer.json()
    assert (answer.status_code, said["error"], said["error_codes"]) == (status, error, [number])
    assert said["error_description"].startswith(f"AADSTS{number}: ")
    assert "Trace ID: " in said["error_description"]
    assert not microsoft.tokens
    assert mint(microsoft, http).status_code == 200


def test_entra_reads_a_form_and_no_json(microsoft, http):
    answer = http.post(f"{microsoft.base}/{teams.ACME}/oauth2/v2.0/token", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [900144])


def test_graph_tells_the_tenant_to_whom_it_may(microsoft, http):
    url = f"{microsoft.base}/v1.0/organization?$select=id,displayName"
    scope = f"{teams.GRAPH}/.default"
    told = http.get(url, headers=bearer(mint(microsoft, http, scope=scope))).json()["value"]
    assert told == [{"id": teams.ACME, "displayName": "Acme Corp"}]
    shy = http.get(url, headers=bearer(mint(microsoft, http, scope=scope, client_id=teams.SHY)))
    assert (shy.status_code, shy.json()["error"]["code"]) == (403, "Authorization_RequestDenied")
    other = http.get(url, headers=bearer(mint(microsoft, http)))
    assert (other.status_code, other.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("to", [teams.ALERTS, teams.GROUP, teams.PERSON, f"{teams.ALERTS};messageid=1767"])
def test_the_connector_takes_a_message_and_gives_its_id(microsoft, http, to):
    status, said = post(microsoft, http, to)
    assert (status, said["id"]) == (201, microsoft.messages[0]["id"])
    assert (microsoft.messages[0]["text"], microsoft.messages[0]["conversation"]) == ("Hello", to)


@pytest.mark.parametrize(
    ("to", "said", "status", "code"),
    [
        (teams.LEFT, None, 403, "BotNotInConversationRoster"),
        (teams.BLOCKED, None, 403, "BotDisabledByAdmin"),
        (teams.GOVERNMENT, None, 403, "InvalidBotApiHost"),
        ("19:nobody@thread.tacv2", None, 404, "ConversationNotFound"),
        ("General", None, 400, "BadSyntax"),
        (teams.ALERTS, {"text": "Hello"}, 400, "BadSyntax"),
        (teams.ALERTS, [], 400, "BadSyntax"),
        (teams.ALERTS, {"type": "message", "text": "x" * 50_001}, 413, "MessageSizeTooBig"),
    ],
)
def test_the_connector_refuses_a_message(microsoft, http, *, to, said, status, code):
    answered, body = post(microsoft, http, to, said)
    assert (answered, body["error"]["code"]) == (status, code)
    assert microsoft.messages == []
    assert post(microsoft, http, teams.ALERTS)[0] == 201


def test_the_connector_wants_json(microsoft, http):
    url = f"{microsoft.base}/teams/v3/conversations/{teams.ALERTS}/activities"
    answer = http.post(url, content="type=message", headers=bearer(mint(microsoft, http)))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadSyntax")


def test_the_connector_says_in_another_way_that_a_bot_was_removed(microsoft, http):
    status, said = post(microsoft, http, teams.MUTED)
    assert (status, said["errorCode"]) == (403, 209)
    assert "MessageWritesBlocked" in said["message"]


def test_the_connector_knows_its_bots(microsoft, http):
    assert post(microsoft, http, teams.ALERTS, client_id=teams.PLAIN) == (
        401,
        {"error": {"code": "BotNotRegistered", "message": "No registration found for this bot."}},
    )
    denied = {"message": "Authorization has been denied for this request."}
    assert post(microsoft, http, teams.ALERTS, scope=f"{teams.GRAPH}/.default") == (401, denied)
    microsoft.apps[teams.OLD].multi = True
    assert post(microsoft, http, teams.ALERTS, tenant=teams.SHARED, client_id=teams.OLD)[0] == 201
