"""The three paths as a browser and as somebody hostile meets them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from atlas_hub.kit import redact
from atlas_hub.services.access import Role
from tests.oauth.ground import ADDRESS, HEADERS, ROUTE, Ground, state_of, told

PUBLIC = "https://hub.example"


async def test_who_is_not_signed_in_is_sent_to_sign_in_and_then_to_the_card(ground: Ground) -> None:
    answer = await ground.browser("").begin("slack", {"referer": "https://evil.example/x"}, next="https://evil.example")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fadmin%2Fintegrations%2Fslack"
    assert await ground.attempts() == []


@pytest.mark.parametrize("role", [Role.MEMBER, Role.READ_ONLY])
async def test_who_is_no_admin_begins_nothing(ground: Ground, role: Role) -> None:
    ground.person("mo", workspace=ground.owner.workspace, role=role)
    answer = await ground.browser("mo").begin("slack")
    assert answer.status_code == 403
    assert "admin" in answer.text
    assert "location" not in answer.headers
    assert await ground.attempts() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site", "origin": ADDRESS},
        {"sec-fetch-site": "same-site", "origin": "http://other.test"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"sec-fetch-site": "none", "origin": "null"},
        {"sec-fetch-site": "same-origin", "origin": "http://hub.test:81"},
        {"sec-fetch-site": "same-origin", "origin": "https://hub.test"},
    ],
)
async def test_a_form_of_another_page_begins_nothing(ground: Ground, headers: dict[str, str]) -> None:
    answer = await ground.browser().begin("slack", headers)
    assert answer.status_code == 403
    assert await ground.attempts() == []


async def test_a_form_without_a_word_of_where_it_comes_from_begins_nothing(ground: Ground) -> None:
    answer = await ground.browser().http.post("/oauth/begin/slack")
    assert answer.status_code == 403
    assert await ground.attempts() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_beginning_is_a_post(ground: Ground, method: str) -> None:
    answer = await ground.browser().http.request(method, "/oauth/begin/slack")
    assert answer.status_code == 405
    assert await ground.attempts() == []


async def test_how_often_one_may_begin(ground: Ground) -> None:
    browser = ground.browser()
    for _ in range(20):
        assert (await browser.begin("slack")).status_code == 303
    answer = await browser.begin("slack")
    assert (answer.status_code, answer.headers["cache-control"]) == (429, "no-store")
    assert "very often" in answer.text
    assert int(answer.headers["retry-after"]) > 0
    assert len(await ground.attempts()) == 20


@pytest.mark.parametrize("slug", ["github", "nobody", "webhooks", "%2e%2e", "<b>"])
async def test_a_provider_without_consent(ground: Ground, slug: str) -> None:
    answer = await ground.browser().begin(slug)
    assert 400 <= answer.status_code < 500
    assert "<b>" not in answer.text
    assert await ground.attempts() == []


@pytest.mark.parametrize("body", [b"a=1&" * 40, b"x" * 10_000, b"connection=%00", b"\xff=", b"feature=x"])
async def test_a_form_that_nobody_sends(ground: Ground, body: bytes) -> None:
    browser = ground.browser()
    given = {"origin": ADDRESS, "sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
    answer = await browser.http.post("/oauth/begin/slack", content=body, headers=given)
    assert answer.status_code in {303, 400, 404}


async def test_every_answer_is_kept_by_nobody_and_says_nothing_to_the_next_page(ground: Ground) -> None:
    browser = ground.browser()
    begun = await browser.begin("slack")
    for answer in (begun, await browser.begin("slack", {"origin": "https://evil.example"}), await browser.begin("x")):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert begun.status_code == 303
    done = await browser.back(await browser.consent("slack", url=begun.headers["location"]))
    assert done.status_code == 303
    shown = await browser.back("/oauth/ended/slack?why=denied")
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert "script" not in shown.text


async def test_the_cookie_is_the_browsers_alone(ground: Ground) -> None:
    begun = await ground.browser().begin("slack")
    cookie = begun.headers["set-cookie"].lower()
    assert cookie.startswith("atlas_oauth=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    value = begun.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert len(value) >= 43
    assert value not in await ground.dump()


class TestBehindAProxy:
    @pytest.fixture
    def public_url(self) -> str:
        return PUBLIC

    @pytest.mark.parametrize("slug", ["slack", "teams", "discord"])
    async def test_the_redirect_address_is_the_public_one_whatever_the_host_header_says(
        self, ground: Ground, slug: str
    ) -> None:
        browser = ground.browser(base="http://evil.test")
        given = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "http", "forwarded": "host=evil.example"}
        begun = await browser.begin(slug, given)
        assert told(begun.headers["location"])["redirect_uri"] == f"{PUBLIC}/oauth/callback/{slug}"
        assert "evil" not in begun.headers["location"]

    async def test_the_exchange_names_the_same_address(self, ground: Ground) -> None:
        slack = ground.vendors.slack
        for app in slack.apps.values():
            app.redirect_uris.add(f"{PUBLIC}/oauth/callback/slack")
        browser = ground.browser(base=PUBLIC)
        done = await browser.connect("slack")
        assert done.headers["location"] == f"{ROUTE}/slack"
        (call,) = [call for call in slack.calls if call.path == "/api/oauth.v2.access"]
        assert told("?" + call.body.decode())["redirect_uri"] == f"{PUBLIC}/oauth/callback/slack"

    async def test_the_cookie_is_secure_and_of_this_host_alone(self, ground: Ground) -> None:
        cookie = (await ground.browser(base=PUBLIC).begin("slack")).headers["set-cookie"].lower()
        assert cookie.startswith("__host-atlas_oauth=")
        assert "; secure" in cookie
        assert "; path=/" in cookie
        assert "domain" not in cookie


class TestInAHostsPanel:
    @pytest.fixture
    def route(self) -> None:
        return None

    @pytest.mark.parametrize(
        ("referer", "ends"),
        [
            (f"{ADDRESS}/team/settings?tab=1#x", "/team/settings?integration=slack"),
            ("https://evil.example/team", "/?integration=slack"),
            ("https://evil.example@hub.test.evil.example/", "/?integration=slack"),
            (f"{ADDRESS}//evil.example/x", "/?integration=slack"),
            (f"{ADDRESS}/\\evil.example/x", "/?integration=slack"),
            (f"{ADDRESS}/%0d%0aset-cookie:x", "/%0d%0aset-cookie:x?integration=slack"),
            ("javascript:alert(1)", "/?integration=slack"),
            ("http://[", "/?integration=slack"),
            ("", "/?integration=slack"),
        ],
    )
    async def test_one_comes_back_to_the_page_where_it_began_and_nowhere_else(
        self, ground: Ground, referer: str, ends: str
    ) -> None:
        browser = ground.browser()
        begun = await browser.begin("slack", {"referer": referer}, next="https://evil.example", back="//evil.example")
        done = await browser.back(await browser.consent("slack", url=begun.headers["location"]))
        assert done.headers["location"] == ends


LINES = (
    ("uvicorn.access", '%s - "%s %s HTTP/%s" %d', ("127.0.0.1:1", "GET", "{url}", "1.1", 303)),
    ("_granian.access", '[%(time)s] %(addr)s - "%(method)s %(path)s %(protocol)s" %(status)d', None),
)


@pytest.mark.parametrize("slug", ["slack", "teams", "discord"])
async def test_no_log_line_and_no_answer_has_code_state_verifier_or_token(
    ground: Ground, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser, answers = ground.browser(), []
    begun = await browser.begin(slug)
    urls = [await browser.consent(slug, url=begun.headers["location"])]
    answers.append(await browser.back(urls[-1]))
    if slug == "teams":
        urls.append(await browser.consent(slug, url=answers[-1].headers["location"]))
        answers.append(await browser.back(urls[-1]))
    failing = await browser.back(urls[-1])
    answers += [failing, await browser.back(failing.headers["location"])]
    parts = {value for url in urls for name, value in told(url).items() if name in {"code", "state"}}
    assert len(parts) >= 2
    for secret in parts | ground.vendors.secrets():
        assert secret not in caplog.text
        assert not any(secret in answer.text for answer in answers)
        own = [answer for answer in answers if answer.headers.get("location", "/").startswith("/")]
        assert own
        assert not any(secret in str(answer.headers) for answer in own)


@pytest.mark.parametrize(("logger", "words", "args"), LINES)
async def test_a_servers_access_line_has_neither_code_nor_state(
    ground: Ground, caplog: pytest.LogCaptureFixture, logger: str, words: str, args: Any
) -> None:
    redact.install()
    browser = ground.browser()
    url = (await browser.consent("slack")).removeprefix(ADDRESS)
    cookie = str(browser.http.cookies["atlas_oauth"])
    given: Any = tuple(url if part == "{url}" else part for part in args or ())
    if args is None:
        given = (
            {"time": "now", "addr": "127.0.0.1", "method": "GET", "path": url, "protocol": "HTTP/1.1", "status": 303},
        )
    logging.getLogger(logger).warning(words, *given)
    logging.getLogger("host").warning("cookie: theme=dark; atlas_oauth=%s; __Host-atlas_oauth=%s", cookie, cookie)
    assert "/oauth/callback/slack" in caplog.text
    assert "303" in caplog.text
    assert "theme=dark" in caplog.text
    for secret in (told(url)["code"], state_of(url), cookie):
        assert secret not in caplog.text


async def test_the_page_of_what_became_of_it_tells_strangers_only_what_kind_of_thing(ground: Ground) -> None:
    ground.person("mo", workspace=ground.owner.workspace, role=Role.MEMBER)
    browser = ground.browser()
    failing = await browser.back(await browser.consent("slack", "Cancel"))
    where = failing.headers["location"]
    assert where == "/oauth/ended/slack?why=denied"
    full = (await browser.back(where)).text
    assert "at Slack, so nothing" in full
    for who in ("mo", ""):
        text = (await ground.browser(who).back(where)).text
        assert "at Slack, so nothing" not in text
        assert "It was not allowed there" in text


async def test_the_page_shows_no_words_of_the_address(ground: Ground) -> None:
    for where in ("/oauth/ended/slack?why=%3Cscript%3E", "/oauth/ended/%3Cscript%3E?why=denied", "/oauth/ended/slack"):
        shown = await ground.browser().back(where)
        assert shown.status_code == 400
        assert "<script" not in shown.text


async def test_the_actors_module_may_fail(ground: Ground) -> None:
    url = await ground.browser().consent("slack")

    async def broken(request: Any) -> None:
        raise RuntimeError("no sessions today")

    ground.sessions.actor_of_request = broken  # type: ignore[method-assign]
    browser = ground.browser()
    answer = await browser.back(url)
    assert answer.status_code == 500
    assert "Reference" in answer.text
    assert await ground.rows() == []


async def test_an_owner_of_another_workspace_sees_nothing_of_it(ground: Ground) -> None:
    ground.person("other")
    browser = ground.browser()
    await browser.back(await browser.consent("slack", "Cancel"))
    card = await ground.card("slack", "other")
    assert card.consent is not None
    assert (card.consent.said, card.waits_until) == ("", None)
