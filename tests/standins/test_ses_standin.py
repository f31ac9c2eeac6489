"""The stand-in answers as Amazon SES does, and believes a right signature alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from atlas_hub.kit.secret import Secret
from atlas_hub.kit.sigv4 import signed
from tests.standins import ses
from tests.standins.ses import SesAccount, SesKey, SesStandin

MAIL: dict[str, Any] = {
    "FromEmailAddress": "alerts@acme.example",
    "Destination": {"ToAddresses": ["grace@acme.example"]},
    "Content": {"Simple": {"Subject": {"Data": "Test"}, "Body": {"Text": {"Data": "Hello"}}}},
}
ALERTS = "/v2/email/identities/alerts%40acme.example"


@pytest.fixture
def amazon() -> Iterator[SesStandin]:
    with SesStandin() as started:
        yield started


def ask(
    amazon: SesStandin,
    http: httpx.Client,
    method: str,
    path: str,
    *,
    key: tuple[str, str] = ses.FULL,
    body: bytes = b"",
    region: str = ses.REGION,
    service: str = "ses",
    **headers: str,
) -> httpx.Response:
    url = amazon.base + path
    pair = {"access_key_id": Secret(key[0]), "secret_access_key": Secret(key[1])}
    given = {**signed(method, url, body, service=service, region=region, **pair), **headers}
    return http.request(method, url, content=body, headers=given)


def send(amazon: SesStandin, http: httpx.Client, key: tuple[str, str] = ses.FULL, **change: Any) -> httpx.Response:
    body = json.dumps({**MAIL, **change}).encode()
    return ask(amazon, http, "POST", "/v2/email/outbound-emails", key=key, body=body)


def code(answer: httpx.Response) -> str:
    return answer.headers["x-amzn-errortype"].partition(":")[0]


def test_an_identity_is_looked_up_by_its_encoded_name(amazon, http):
    answer = ask(amazon, http, "GET", ALERTS)
    assert (answer.status_code, answer.json()["VerifiedForSendingStatus"]) == (200, True)
    answer = ask(amazon, http, "GET", "/v2/email/identities/nobody%2Bx%40acme.example")
    assert (answer.status_code, code(answer)) == (404, "NotFoundException")


def test_an_identity_belongs_to_a_region(amazon, http):
    assert ask(amazon, http, "GET", ALERTS, region="eu-west-1").status_code == 404


def test_the_account_tells_whether_it_is_in_the_sandbox(amazon, http):
    for key, production in ((ses.FULL, True), (ses.SANDBOX, False)):
        told = ask(amazon, http, "GET", "/v2/email/account", key=key).json()
        assert told["ProductionAccessEnabled"] is production


@pytest.mark.parametrize("path", [ALERTS, "/v2/email/account"])
def test_a_key_does_what_its_policy_allows(amazon, http, path):
    answer = ask(amazon, http, "GET", path, key=ses.SEND_ONLY)
    assert (answer.status_code, code(answer)) == (403, "AccessDeniedException")
    assert send(amazon, http, ses.SEND_ONLY).status_code == 200
    assert code(send(amazon, http, ses.READ_ONLY)) == "AccessDeniedException"


def test_a_wrong_key_and_a_wrong_secret_differ(amazon, http):
    assert code(ask(amazon, http, "GET", ALERTS, key=ses.DELETED)) == "UnrecognizedClientException"
    assert code(ask(amazon, http, "GET", ALERTS, key=(ses.FULL[0], "x" * 40))) == "SignatureDoesNotMatch"
    unsigned = http.get(amazon.base + ALERTS)
    assert (unsigned.status_code, code(unsigned)) == (403, "MissingAuthenticationTokenException")


def test_a_signature_is_for_one_path_body_and_service(amazon, http):
    body = json.dumps(MAIL).encode()
    url = f"{amazon.base}/v2/email/outbound-emails"
    pair = {"access_key_id": Secret(ses.FULL[0]), "secret_access_key": Secret(ses.FULL[1])}
    headers = signed("POST", url, body, service="ses", region=ses.REGION, **pair)
    assert code(http.post(url, content=body + b" ", headers=headers)) == "SignatureDoesNotMatch"
    assert code(http.get(amazon.base + ALERTS, headers=headers)) == "SignatureDoesNotMatch"
    assert code(ask(amazon, http, "GET", ALERTS, service="email")) == "SignatureDoesNotMatch"
    assert code(ask(amazon, http, "GET", ALERTS, **{"X-Amz-Date": "20200101T000000Z"})) == "SignatureDoesNotMatch"
    assert amazon.messages == []
    assert http.post(url, content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(("ahead", "said"), [(600, "Signature expired"), (-600, "Signature not yet current")])
def test_a_signature_is_valid_for_five_minutes(amazon, http, ahead, said):
    amazon.ahead = ahead
    answer = ask(amazon, http, "GET", ALERTS)
    assert answer.status_code == 403
    assert answer.json()["message"].startswith(said)
    amazon.reset()
    assert ask(amazon, http, "GET", ALERTS).status_code == 200


@pytest.mark.parametrize("sender", ["alerts@acme.example", "anyone@mail.acme.example", "x@deep.mail.acme.example"])
def test_a_mail_is_taken_and_gets_an_id(amazon, http, sender):
    answer = send(amazon, http, FromEmailAddress=sender)
    assert [mail["id"] for mail in amazon.messages] == [answer.json()["MessageId"]]


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        (ses.FULL, {"FromEmailAddress": "x@old.example"}, "MessageRejected"),
        (ses.SANDBOX, {}, "MessageRejected"),
        (ses.PAUSED, {}, "SendingPausedException"),
        (ses.FULL, {"Content": {}}, "BadRequestException"),
        (ses.FULL, {"Destination": {"ToAddresses": []}}, "BadRequestException"),
        (ses.FULL, {"Destination": {"ToAddresses": ["a\r\nb@c.example"]}}, "BadRequestException"),
    ],
)
def test_a_mail_is_refused(amazon, http, *, key, change, said):
    answer = send(amazon, http, key, **change)
    assert (answer.status_code, code(answer)) == (400, said)
    assert amazon.messages == []


def test_the_sandbox_sends_to_verified_recipients(amazon, http):
    to = {"ToAddresses": ["anyone@mail.acme.example"]}
    assert send(amazon, http, ses.SANDBOX, Destination=to).status_code == 200


def test_a_key_may_belong_to_another_region(amazon, http):
    account = SesAccount({"acme.example": True}, region="eu-west-1")
    amazon.keys[ses.FULL[0]] = SesKey(ses.FULL[1], frozenset({ses.READ}), account)
    path = "/v2/email/identities/acme.example"
    assert ask(amazon, http, "GET", path, region="eu-west-1").json()["IdentityType"] == "DOMAIN"
