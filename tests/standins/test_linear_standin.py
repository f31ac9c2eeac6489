"""The stand-in answers as Linear does."""

from __future__ import annotations

import time

import pytest

from tests.standins import linear
from tests.standins.linear import LinearStandin
from tests.standins.probes import bearer

QUERY = "{ viewer { id name email } organization { id name urlKey } }"


@pytest.fixture
def issues():
    with LinearStandin() as started:
        yield started


def ask(issues, http, authorization, **said):
    headers = authorization if isinstance(authorization, dict) else {"Authorization": authorization}
    return http.post(f"{issues.base}/graphql", headers=headers, json=said or {"query": QUERY})


def test_linear_says_whose_key_it_is(issues, http):
    answer = ask(issues, http, linear.GRACE)
    assert answer.json()["data"] == {
        "viewer": {"id": linear.GRACE_ID, "name": "Grace Hopper", "email": "grace@acme.example"},
        "organization": {"id": "org-acme", "name": "Acme", "urlKey": "acme"},
    }
    assert answer.headers["x-ratelimit-requests-remaining"] == "2499"
    assert set(ask(issues, http, linear.ADA, query="{ viewer { id } }").json()["data"]) == {"viewer"}


def test_linear_takes_an_oauth_token_with_bearer_alone(issues, http):
    assert ask(issues, http, bearer(linear.OAUTH)).status_code == 200
    assert ask(issues, http, linear.OAUTH).status_code == 401


def test_linear_refuses_bearer_before_a_key(issues, http):
    answer = ask(issues, http, bearer(linear.ADA))
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (400, linear.BARE)
    assert ask(issues, http, linear.ADA).status_code == 200


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (linear.REVOKED, 401, "AUTHENTICATION_ERROR"),
        ("lin_api_nobody", 401, "AUTHENTICATION_ERROR"),
        (linear.WEBHOOK, 401, "AUTHENTICATION_ERROR"),
        (linear.FORBIDDEN, 403, "FORBIDDEN"),
    ],
)
def test_linear_refuses_a_key(issues, http, key, status, code):
    answer = ask(issues, http, key)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
    assert "data" not in answer.json()


def test_linear_refuses_one_field_beside_data(issues, http):
    said = ask(issues, http, linear.NO_WORKSPACE).json()
    assert said["data"]["viewer"]["id"] == linear.ADA_ID
    assert said["data"]["organization"] is None
    assert said["errors"][0]["path"] == ["organization"]


def test_linear_answers_a_used_up_budget_with_400_and_milliseconds(issues, http):
    issues.left = 1
    assert ask(issues, http, linear.ADA).status_code == 200
    answer = ask(issues, http, linear.ADA)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "RATELIMITED")
    reset = int(answer.headers["x-ratelimit-requests-reset"]) / 1000
    assert 80 < reset - time.time() < 100  # noqa: TID251 - the caller's clock


@pytest.mark.parametrize("body", [b"", b"[]", b'{"query": " "}', b'{"query": 7}'])
def test_linear_refuses_what_is_no_query(issues, http, body):
    answer = http.post(f"{issues.base}/graphql", headers={"Authorization": linear.ADA}, content=body)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "INPUT_ERROR")
