"""The stand-in asks for consent and signs people in as Entra does, and Graph installs apps for them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.standins import teams
from tests.standins.browser import Form, click, told
from tests.standins.dial import Fault
from tests.standins.entra import TOKEN_PATH
from tests.standins.entra_tokens import FORGERIES
from tests.standins.oauth import s256
from tests.standins.teams import TeamsStandin

BACK = "https://hub.example/api/v1/teams/callback"
VERIFIER = "verifier-" * 6


@pytest.fixture(scope="module")
def started() -> Iterator[TeamsStandin]:
    with TeamsStandin() as running:
        yield running


@pytest.fixture
def microsoft(started: TeamsStandin) -> Iterator[TeamsStandin]:
    yield started
    started.reset()


def consent_url(microsoft: TeamsStandin, path: str = "organizations/v2.0/adminconsent", **asked: str) -> str:
    given = {"client_id": teams.HUB, "redirect_uri": BACK, "state": "st/1"} | asked
    return str(httpx.URL(f"{microsoft.base}/{path}", params={k: v for k, v in given.items() if v}))


def sign_in_url(microsoft: TeamsStandin, called: str = "organizations", **asked: str) -> str:
    given = {
        "response_type": "code",
        "response_mode": "query",
        "scope": "openid profile User.Read",
        "nonce": "n-1",
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
        "prompt": "select_account",
        "domain_hint": "organizations",
    }
    return consent_url(microsoft, f"{called}/oauth2/v2.0/authorize", **given | asked)


GRACE = "Grace Hopper (grace@acme.example)"


def sign_in(microsoft: TeamsStandin, http: httpx.Client, person: str = GRACE, **asked: str) -> str:
    return told(click(http, sign_in_url(microsoft, **asked), "Accept", person=person))["code"]


def redeem(microsoft: TeamsStandin, http: httpx.Client, called: str = "organizations", **given: Any) -> httpx.Response:
    said = {
        "grant_type": "authorization_code",
        "client_id": teams.HUB,
        "client_secret": teams.HUB_SECRET,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    } | given
    return http.post(f"{microsoft.base}/{called}/oauth2/v2.0/token", data={k: v for k, v in said.items() if v})


def mint(microsoft: TeamsStandin, http: httpx.Client, tenant: str, resource: str = teams.GRAPH) -> httpx.Response:
    said = {"client_id": teams.HUB, "client_secret": teams.HUB_SECRET, "scope": f"{resource}/.default"}
    url = f"{microsoft.base}/{tenant}/oauth2/v2.0/token"
    return http.post(url, data={"grant_type": "client_credentials", **said})


def consent(microsoft: TeamsStandin, http: httpx.Client, tenant: str = "Acme Corp") -> dict[str, str]:
    return told(click(http, consent_url(microsoft), "Accept", tenant=tenant))


@pytest.mark.parametrize(
    "path", ["organizations/v2.0/adminconsent", "common/adminconsent", f"{teams.ACME}/adminconsent"]
)
def test_an_admin_agrees_and_the_app_is_in_the_tenant(microsoft, http, path):
    refused = mint(microsoft, http, teams.ACME)
    assert (refused.status_code, refused.json()["error_codes"]) == (400, [700016])
    scope = f"{teams.GRAPH}/.default"
    url = consent_url(microsoft, path, scope=scope)
    shown = http.get(url).text
    assert "<h1>Atlas wants permission for your organization</h1>" in shown
    assert f"<li>{scope}</li>" in shown
    assert Form(shown).buttons.keys() == {"Accept", "Cancel"}
    back = click(http, url, "Accept", tenant="Acme Corp")
    assert str(back).startswith(f"{BACK}?admin_consent=True&tenant={teams.ACME}&")
    assert told(back) == {"admin_consent": "True", "tenant": teams.ACME, "state": "st/1", "scope": scope}
    assert mint(microsoft, http, teams.ACME).status_code == 200
    assert mint(microsoft, http, teams.BETA).status_code == 400
    microsoft.revoke_consent()
    assert mint(microsoft, http, teams.ACME).status_code == 400


def test_the_organizations_are_the_tenants(microsoft, http):
    _, options = Form(http.get(consent_url(microsoft)).text).lists["Organization"]
    assert options == {"Acme Corp": teams.ACME, "Beta Inc": teams.BETA, "Operator": teams.OPERATOR}
    alone = Form(http.get(consent_url(microsoft, "beta.onmicrosoft.com/adminconsent")).text).lists["Organization"][1]
    assert alone == {"Beta Inc": teams.BETA}


def test_an_admin_refuses(microsoft, http):
    said = told(click(http, consent_url(microsoft), "Cancel"))
    assert (said["error"], said["state"], "tenant" in said) == ("access_denied", "st/1", False)
    assert said["error_description"].startswith("AADSTS65004: ")
    assert mint(microsoft, http, teams.ACME).status_code == 400


@pytest.mark.parametrize("url", [consent_url, sign_in_url])
@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({"client_id": teams.guid("9")}, 700016),
        ({"client_id": teams.ATLAS}, 50194),
        ({"redirect_uri": f"{BACK}/more"}, 50011),
        ({"redirect_uri": ""}, 50011),
    ],
)
def test_a_wrong_request_is_a_page_and_leads_nowhere(microsoft, http, url, asked, number):
    microsoft.apps[teams.HUB].redirect_uris = {BACK}
    for answer in (http.get(url(microsoft, **asked)), http.post(url(microsoft, **asked), data={"answer": "accept"})):
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert f"AADSTS{number}: " in answer.text
    assert http.get(url(microsoft)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_the_app_hears_what_else_is_wrong(microsoft, http, asked, error):
    answer = http.get(sign_in_url(microsoft, **asked))
    said = told(answer.headers["location"])
    assert (answer.status_code, said["error"], said["state"]) == (302, error, "st/1")


def test_people_of_the_tenant_sign_in_or_do_not(microsoft, http):
    everybody = Form(http.get(sign_in_url(microsoft)).text).lists["Account"][1]
    assert GRACE in everybody
    assert len(everybody) == len(microsoft.people)
    assert list(Form(http.get(sign_in_url(microsoft, teams.BETA)).text).lists["Account"][1].values()) == [teams.BARBARA]
    assert told(click(http, sign_in_url(microsoft), "Accept")).keys() == {"code", "state"}
    said = told(click(http, sign_in_url(microsoft), "Cancel"))
    assert (said["error"], said["state"]) == ("access_denied", "st/1")


def checked(microsoft: TeamsStandin, http: httpx.Client, token: str) -> dict[str, Any]:
    keys = KeySet.import_key_set(http.get(f"{microsoft.base}/common/discovery/v2.0/keys").json())
    return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)


def test_a_code_becomes_an_id_token_that_the_published_key_proves(microsoft, http):
    said = redeem(microsoft, http, code=sign_in(microsoft, http)).json()
    assert (said["token_type"], said["scope"], said["expires_in"]) == ("Bearer", "openid profile User.Read", 3599)
    claims = checked(microsoft, http, said["id_token"])
    assert claims["iss"] == f"https://login.microsoftonline.com/{teams.ACME}/v2.0"
    assert (claims["aud"], claims["tid"], claims["oid"]) == (teams.HUB, teams.ACME, teams.GRACE)
    assert (claims["nonce"], claims["ver"], claims["name"]) == ("n-1", "2.0", "Grace Hopper")
    assert claims["preferred_username"] == "grace@acme.example"
    assert claims["exp"] == claims["iat"] + 3600 == claims["nbf"] + 3600
    assert claims["sub"]
    assert "id_token" not in redeem(microsoft, http, code=sign_in(microsoft, http, scope="User.Read")).json()


def test_every_tenant_publishes_the_public_key_alone(microsoft, http):
    for called in ("common", "organizations", teams.ACME, "acme.example"):
        (key,) = http.get(f"{microsoft.base}/{called}/discovery/v2.0/keys").json()["keys"]
        assert (key["kty"], key["use"], "d" in key) == ("RSA", "sig", False)
    assert http.get(f"{microsoft.base}/{teams.guid('9')}/discovery/v2.0/keys").status_code == 400


@pytest.mark.parametrize(
    ("given", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": teams.EXPIRED}, 401, "invalid_client", 7000222),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": teams.guid("9")}, 400, "unauthorized_client", 700016),
        ({"client_id": teams.ATLAS, "client_secret": teams.GOOD}, 400, "invalid_grant", 9002313),
        ({"code": "nonsense"}, 400, "invalid_grant", 9002313),
        ({"code": ""}, 400, "invalid_request", 900144),
        ({"redirect_uri": f"{BACK}/"}, 400, "invalid_grant", 500112),
        ({"code_verifier": "another"}, 400, "invalid_grant", 501481),
        ({"code_verifier": ""}, 400, "invalid_grant", 50148),
        ({"called": teams.BETA}, 400, "invalid_grant", 700005),
        ({"called": teams.guid("9")}, 400, "invalid_request", 90002),
    ],
)
def test_a_wrong_exchange_is_refused(microsoft, http, *, given, status, error, number):
    code = sign_in(microsoft, http)
    answer = redeem(microsoft, http, **{"code": code} | given)
    said = answer.json()
    assert (answer.status_code, said["error"], said["error_codes"]) == (status, error, [number])
    assert said["error_description"].startswith(f"AADSTS{number}: ")
    assert not microsoft.tokens
    assert redeem(microsoft, http, teams.ACME, code=code).status_code == 200


def test_a_code_counts_once_and_for_ten_minutes(microsoft, http):
    code, late = sign_in(microsoft, http), sign_in(microsoft, http)
    assert redeem(microsoft, http, code=code).status_code == 200
    assert redeem(microsoft, http, code=code).json()["error_codes"] == [54005]
    microsoft.ahead = 600
    assert redeem(microsoft, http, code=late).json()["error_codes"] == [70008]


def test_without_a_challenge_no_verifier_is_needed_and_basic_will_do(microsoft, http):
    code = sign_in(microsoft, http, code_challenge="", code_challenge_method="")
    said = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    url = f"{microsoft.base}/common/oauth2/v2.0/token"
    assert http.post(url, data=said, auth=(teams.HUB, teams.HUB_SECRET)).status_code == 200


@pytest.mark.parametrize("forgery", sorted(FORGERIES))
def test_an_id_token_can_be_forged(microsoft, http, forgery):
    true = checked(microsoft, http, redeem(microsoft, http, code=sign_in(microsoft, http)).json()["id_token"])
    microsoft.forge = {forgery}
    token = redeem(microsoft, http, code=sign_in(microsoft, http)).json()["id_token"]
    if forgery in true:
        claims = checked(microsoft, http, token)
        assert claims[forgery] != true[forgery]
        assert {name for name in claims if name not in ("iat", "nbf", "exp") and claims[name] != true[name]} <= {
            forgery
        }
        return
    with pytest.raises((JoseError, ValueError)):
        checked(microsoft, http, token)
    header = json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))
    assert (header["alg"] == "none") == (forgery == "alg_none")


def test_graph_installs_the_app_for_a_person_once(microsoft, http):
    consent(microsoft, http)
    bearer = {"Authorization": f"Bearer {mint(microsoft, http, teams.ACME).json()['access_token']}"}
    shop = f"{microsoft.base}/v1.0/appCatalogs/teamsApps"
    found = http.get(shop, params={"$filter": f"externalId eq '{teams.HUB}'"}, headers=bearer).json()["value"]
    assert [(app["id"], app["externalId"]) for app in found] == [(teams.CATALOG_ID, teams.HUB)]
    assert http.get(shop, params={"$filter": "externalId eq 'x'"}, headers=bearer).json()["value"] == []
    assert http.get(shop, headers=bearer).status_code == 400
    said = {"teamsApp@odata.bind": f"{teams.GRAPH}/v1.0/appCatalogs/teamsApps/{found[0]['id']}"}
    mine = f"{microsoft.base}/v1.0/users/{teams.GRACE}/teamwork/installedApps"
    assert http.post(mine, json={}, headers=bearer).status_code == 400
    assert http.post(mine, json={"teamsApp@odata.bind": "elsewhere"}, headers=bearer).status_code == 404
    assert [http.post(mine, json=said, headers=bearer).status_code for _ in range(2)] == [201, 409]
    assert microsoft.installed == {(teams.GRACE, teams.CATALOG_ID)}
    other = f"{microsoft.base}/v1.0/users/{teams.BARBARA}/teamwork/installedApps"
    assert http.post(other, json=said, headers=bearer).status_code == 404


def test_graph_wants_an_app_that_may(microsoft, http):
    url = f"{microsoft.base}/v1.0/users/{teams.GRACE}/teamwork/installedApps"
    person = redeem(microsoft, http, code=sign_in(microsoft, http)).json()["access_token"]
    consent(microsoft, http)
    microsoft.apps[teams.HUB].graph = False
    app = mint(microsoft, http, teams.ACME).json()["access_token"]
    for token, status in ((person, 403), (app, 403), ("nonsense", 401)):
        assert http.post(url, json={}, headers={"Authorization": f"Bearer {token}"}).status_code == status


def test_the_connector_takes_messages_in_a_tenant_that_agreed(microsoft, http):
    token = mint(microsoft, http, teams.SHARED, teams.BOTS).json()["access_token"]
    url = f"{microsoft.base}/teams/v3/conversations/{teams.ALERTS}/activities"
    said = {"type": "message", "text": "Hello"}
    assert http.post(url, json=said, headers={"Authorization": f"Bearer {token}"}).status_code == 201


def test_the_dial_can_be_aimed_at_the_exchange_alone(microsoft, http):
    microsoft.dial.set(Fault.SERVER_ERROR, path=TOKEN_PATH, times=1)
    code = sign_in(microsoft, http)
    assert redeem(microsoft, http, code=code).status_code == 500
    assert redeem(microsoft, http, code=code).status_code == 200
    microsoft.dial.set(Fault.UNAVAILABLE, path="*/keys")
    assert http.get(f"{microsoft.base}/common/discovery/v2.0/keys").status_code == 503
    assert http.get(consent_url(microsoft)).status_code == 200
