"""Every fault can be aimed at a token endpoint or a consent page, and leaves the rest of the vendor alone."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.standins import discord_oauth, entra, slack_oauth
from tests.standins.dial import STATUS, Fault
from tests.standins.discord import DiscordStandin
from tests.standins.oauth import OAuthStandin
from tests.standins.slack import SlackStandin
from tests.standins.teams import TeamsStandin

PLACES = {
    SlackStandin: (slack_oauth.TOKEN_PATH, "/api/oauth.v2.access", slack_oauth.AUTHORIZE_PATH, "/oauth/v2/authorize"),
    TeamsStandin: (entra.TOKEN_PATH, "/common/oauth2/v2.0/token", entra.CONSENT_PATH, "/common/adminconsent"),
    DiscordStandin: (discord_oauth.TOKEN_PATH, "/api/oauth2/token", discord_oauth.AUTHORIZE_PATH, "/oauth2/authorize"),
}


@pytest.fixture(scope="module", params=PLACES, ids=lambda kind: kind.upstream)
def started(request) -> Iterator[OAuthStandin]:
    with request.param() as running:
        yield running


@pytest.fixture
def vendor(started: OAuthStandin) -> Iterator[OAuthStandin]:
    yield started
    started.reset()


def meets(answer: httpx.Response, fault: Fault, vendor: OAuthStandin) -> bool:
    """Whether the answer is what the fault makes of it."""
    if fault in STATUS:
        waits = "retry-after" in answer.headers
        return answer.status_code == STATUS[fault] and waits == (fault in (Fault.BUSY_SECONDS, Fault.BUSY_DATE))
    return {
        Fault.UNAVAILABLE: answer.status_code == 503,
        Fault.HTML: answer.headers["content-type"].startswith("text/html") and "Sign in" in answer.text,
        Fault.EMPTY: answer.content == b"",
        Fault.REDIRECT: answer.headers.get("location", "").startswith(vendor.elsewhere),
        Fault.NONSENSE: answer.text == "[]",
    }[fault]


ANSWERED = [*STATUS, Fault.UNAVAILABLE, Fault.HTML, Fault.EMPTY, Fault.REDIRECT, Fault.NONSENSE]


@pytest.mark.parametrize("fault", ANSWERED)
def test_a_fault_meets_the_token_endpoint_alone(vendor, http, fault):
    token, token_path, _, page_path = PLACES[type(vendor)]
    vendor.dial.set(fault, path=token)
    assert meets(http.post(f"{vendor.base}{token_path}", data={"code": "x"}), fault, vendor)
    page = http.get(f"{vendor.base}{page_path}")
    assert page.status_code in (200, 400)
    assert "<h1>" in page.text


@pytest.mark.parametrize("fault", ANSWERED)
def test_a_fault_meets_the_page_alone(vendor, http, fault):
    _, token_path, page, page_path = PLACES[type(vendor)]
    vendor.dial.set(fault, path=page)
    assert meets(http.get(f"{vendor.base}{page_path}"), fault, vendor)
    assert http.post(f"{vendor.base}{token_path}", data={"code": "x"}).json()["error"]


@pytest.mark.parametrize(("fault", "error"), [(Fault.HANG, httpx.ReadTimeout), (Fault.RESET, httpx.TransportError)])
def test_silence_and_cuts_meet_the_token_endpoint(vendor, http, fault, error):
    token, token_path, _, _ = PLACES[type(vendor)]
    vendor.dial.set(fault, path=token)
    with pytest.raises(error):
        http.post(f"{vendor.base}{token_path}", data={"code": "x"}, timeout=0.3)


def test_an_endless_answer_meets_the_token_endpoint(vendor, http):
    token, token_path, _, _ = PLACES[type(vendor)]
    vendor.dial.set(Fault.HUGE, path=token)
    with http.stream("POST", f"{vendor.base}{token_path}", data={"code": "x"}) as answer:
        assert "content-length" not in answer.headers
        assert len(next(answer.iter_bytes(2**20))) == 2**20


def test_a_new_grant_never_looks_like_an_old_one(vendor):
    first = vendor.give_code("app", {}, {})
    vendor.reset()
    assert vendor.give_code("app", {}, {}) != first
