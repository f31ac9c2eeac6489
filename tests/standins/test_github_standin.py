"""The stand-in answers as GitHub does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.standins import github
from tests.standins.github import GithubStandin
from tests.standins.probes import bearer


@pytest.fixture
def hub() -> Iterator[GithubStandin]:
    with GithubStandin() as started:
        yield started


def whoami(hub: GithubStandin, http: httpx.Client, token: str = github.CLASSIC, path: str = "/user") -> httpx.Response:
    return http.get(f"{hub.base}{path}", headers=bearer(token))


def test_github_says_who_it_is_and_what_a_classic_token_may(hub, http):
    answer = whoami(hub, http)
    assert (answer.json()["id"], answer.json()["login"]) == (583231, "octocat")
    assert answer.headers["x-oauth-scopes"] == "read:user, repo"
    assert answer.headers["github-authentication-token-expiration"] == "2027-01-31 10:00:00 UTC"
    assert len(github.CLASSIC) == 40
    assert http.get(f"{hub.base}/user", headers={"Authorization": f"token {github.CLASSIC}"}).status_code == 200


def test_github_does_not_tell_what_a_fine_grained_token_may(hub, http):
    answer = whoami(hub, http, github.FINE_GRAINED)
    assert answer.status_code == 200
    assert "x-oauth-scopes" not in answer.headers
    assert len(github.FINE_GRAINED) == 93


def test_an_enterprise_server_knows_its_own_people_alone(hub, http):
    answer = whoami(hub, http, github.ENTERPRISE, "/api/v3/user")
    assert (answer.json()["id"], answer.json()["login"]) == (7, "ada")
    assert answer.headers["x-github-enterprise-version"].startswith("enterprise-server@")
    assert whoami(hub, http, github.ENTERPRISE).status_code == 401
    assert whoami(hub, http, github.CLASSIC, "/api/v3/user").status_code == 401


@pytest.mark.parametrize(
    ("token", "status", "part"),
    [
        (github.GONE, 401, "Bad credentials"),
        ("ghp_nobody", 401, "Bad credentials"),
        (github.SSO, 403, "SAML"),
        (github.WALLED, 403, "IP allow list"),
        (github.POLICED, 403, "forbids access via"),
        (github.SUSPENDED, 403, "suspended"),
        (github.SPENT, 403, "rate limit"),
    ],
)
def test_github_refuses_a_token(hub, http, token, status, part):
    answer = whoami(hub, http, token)
    assert answer.status_code == status
    assert part in answer.json()["message"]
    assert answer.json()["status"] == str(status)


def test_github_refuses_a_request_that_is_not_put_well(hub, http):
    assert http.get(f"{hub.base}/user").json()["message"] == "Requires authentication"
    assert whoami(hub, http, path="/users").status_code == 404
    odd = {**bearer(github.CLASSIC), "X-GitHub-Api-Version": "1999-01-01"}
    assert http.get(f"{hub.base}/user", headers=odd).status_code == 400
    nobody = {**bearer(github.CLASSIC), "User-Agent": ""}
    assert http.get(f"{hub.base}/user", headers=nobody).status_code == 403


def test_github_revokes_what_is_reported_without_authorization(hub, http):
    said = {"credentials": [github.CLASSIC]}
    path = f"{hub.base}/credentials/revoke"
    assert http.post(path, json=said, headers=bearer(github.CLASSIC)).status_code == 403
    assert http.post(path, json={"credentials": []}).status_code == 422
    assert whoami(hub, http).status_code == 200
    assert http.post(path, json=said).status_code == 202
    assert whoami(hub, http).status_code == 401
