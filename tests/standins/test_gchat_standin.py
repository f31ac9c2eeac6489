"""The stand-in answers as Google does."""

from __future__ import annotations

import json
import time

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.standins import gchat
from tests.standins.dial import Fault
from tests.standins.gchat import GchatStandin, key, key_file, pem
from tests.standins.probes import bearer

ATLAS = "atlas@acme-atlas.iam.gserviceaccount.com"


@pytest.fixture
def google():
    with GchatStandin() as started:
        yield started


def mint(google, http, *, signs="atlas", grant=gchat.GRANT, **changed):
    here = int(time.time())  # noqa: TID251 - the caller's clock
    claims = {"iss": ATLAS, "scope": gchat.SCOPE, "aud": gchat.AUDIENCE, "iat": here, "exp": here + 3600} | changed
    signed = jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(pem(key(signs))), algorithms=["RS256"])
    return http.post(f"{google.base}/token", data={"grant_type": grant, "assertion": signed})


def token(google, http, **changed):
    return bearer(mint(google, http, **changed).json()["access_token"])


def test_google_gives_a_token_for_a_signed_assertion(google, http):
    answer = mint(google, http)
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "expires_in", "token_type"}
    assert google.env == {"ATLAS_UPSTREAM_GOOGLE_OAUTH": google.base, "ATLAS_UPSTREAM_GOOGLE_CHAT": google.base}


@pytest.mark.parametrize(
    ("changed", "status", "error", "description"),
    [
        ({"signs": "deleted"}, 400, "invalid_grant", gchat.BAD_SIGNATURE),
        ({"iss": "nobody@acme-atlas.iam.gserviceaccount.com"}, 400, "invalid_grant", gchat.NO_ACCOUNT),
        ({"iss": "atlas@acme-empty.iam.gserviceaccount.com", "signs": "deleted"}, 400, "invalid_grant", "Signature"),
        ({"iss": "disabled@acme-atlas.iam.gserviceaccount.com"}, 401, "disabled_client", "disabled"),
        ({"aud": "https://evil.example/token"}, 400, "invalid_grant", gchat.BAD_AUDIENCE),
        ({"iat": 1_000_000_000, "exp": 1_000_003_600}, 400, "invalid_grant", gchat.BAD_TIME),
        ({"iat": 1_000_000_000}, 400, "invalid_grant", gchat.BAD_TIME),
        ({"exp": 4_000_000_000}, 400, "invalid_grant", gchat.BAD_TIME),
        ({"iat": None}, 400, "invalid_grant", gchat.BAD_TIME),
        ({"scope": "email"}, 400, "invalid_scope", gchat.BAD_SCOPE),
        ({"grant": "password"}, 400, "unsupported_grant_type", "password"),
    ],
)
def test_google_refuses_an_assertion(google, http, changed, status, error, description):
    answer = mint(google, http, **changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert description in answer.json()["error_description"]
    assert mint(google, http).status_code == 200


@pytest.mark.parametrize("assertion", ["", "x", "x.y.z", "x.W10.z"])
def test_google_refuses_what_is_no_assertion(google, http, assertion):
    answer = http.post(f"{google.base}/token", data={"grant_type": gchat.GRANT, "assertion": assertion})
    assert (answer.status_code, answer.json()["error_description"]) == (400, gchat.NO_ACCOUNT)


def test_google_chat_lists_spaces(google, http):
    answer = http.get(f"{google.base}/v1/spaces?pageSize=2", headers=token(google, http))
    assert [space["name"] for space in answer.json()["spaces"]] == ["spaces/AAAAalerts1", "spaces/AAAAteam002"]
    assert answer.json()["nextPageToken"]
    empty = token(google, http, iss="atlas@acme-empty.iam.gserviceaccount.com")
    assert http.get(f"{google.base}/v1/spaces", headers=empty).json() == {}


@pytest.mark.parametrize(
    ("project", "status", "said"),
    [("acme-no-api", 403, "SERVICE_DISABLED"), ("acme-no-app", 404, "Google Chat app not found")],
)
def test_google_chat_refuses_a_project(google, http, project, status, said):
    headers = token(google, http, iss=f"atlas@{project}.iam.gserviceaccount.com")
    answer = http.get(f"{google.base}/v1/spaces", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)
    assert said in answer.text


def test_google_chat_refuses_a_token(google, http):
    for headers in ({}, bearer("ya29.nobody")):
        answer = http.get(f"{google.base}/v1/spaces", headers=headers)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")


def test_google_chat_takes_a_message_and_gives_its_name(google, http):
    where = f"{google.base}/v1/spaces/AAAAalerts1/messages"
    headers = token(google, http)
    said = http.post(where, headers=headers, json={"text": "Hello"}).json()
    assert said["name"] == "spaces/AAAAalerts1/messages/m0001.m0001"
    assert [message["text"] for message in google.messages] == ["Hello"]
    assert http.post(where, headers=headers, json={"text": " "}).json()["error"]["status"] == "INVALID_ARGUMENT"
    nowhere = http.post(f"{google.base}/v1/spaces/AAAAnowhere/messages", headers=headers, json={"text": "Hello"})
    assert nowhere.json()["error"]["status"] == "NOT_FOUND"


def test_google_refuses_in_the_words_of_the_address(google, http):
    headers = token(google, http)
    google.dial.set(Fault.FORBIDDEN)
    assert http.post(f"{google.base}/token").json()["error"] == "access_denied"
    assert http.get(f"{google.base}/v1/spaces", headers=headers).json()["error"]["status"] == "PERMISSION_DENIED"


def test_there_is_a_file_to_try_for_each_case(google, http):
    tries = GchatStandin.tries
    assert len(tries) == 7
    for words, text in tries.items():
        said = json.loads(text)
        assert "\n" not in text, words
        assert said["type"] == "service_account"
    assert json.loads(tries["a Chat app in three spaces"])["private_key"] == json.loads(key_file())["private_key"]
    assert json.loads(tries["key deleted"])["private_key"] != json.loads(key_file())["private_key"]
