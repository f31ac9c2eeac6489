"""A consent counts once, and only for who began it, where they began it, while there is time (RFC 9700)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from atlas_hub.services import consents
from atlas_hub.services.access import Role
from tests.oauth.ground import ROUTE, Browser, Ground, state_of, told

SLUGS = ["slack", "teams", "discord"]


async def refused(ground: Ground, browser: Browser, url: str, says: str) -> str:
    """Nothing is stored for this address, and the page says why; the state is burnt by then."""
    text = await browser.page(await browser.back(url))
    assert says in text
    assert await ground.rows() == []
    again = await ground.browser().page(await ground.browser().back(url))
    assert "used before" in again
    assert await ground.rows() == []
    await ground.clean()
    return text


def exchanges(ground: Ground) -> int:
    return ground.vendors.slack.exchanges + ground.vendors.discord.exchanges


@pytest.mark.parametrize("slug", SLUGS)
async def test_pkce_where_the_vendor_takes_it(ground: Ground, slug: str) -> None:
    browser = ground.browser()
    begun = await browser.begin(slug)
    if slug == "teams":
        begun = await browser.back(await browser.consent("teams", url=begun.headers["location"]))
    asked = told(begun.headers["location"])
    if slug == "slack":
        assert "code_challenge" not in asked  # Slack takes none from apps with a secret
        return
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    attempt = (await ground.attempts())[-1]
    secrets = ground.hub.vault.open(attempt.sealed or b"", bound_to=consents.bound_to(attempt, "sealed"))
    verifier = secrets["verifier"].reveal()
    assert 43 <= len(verifier) <= 128
    assert verifier not in begun.headers["location"]
    assert verifier not in str(begun.headers)
    assert verifier not in await ground.dump()
    assert asked["state"] not in await ground.dump()
    assert asked["state"] not in {verifier, secrets["nonce"].reveal()}
    url = await browser.consent(slug, url=begun.headers["location"])
    await browser.back(url)
    assert len(await ground.rows()) == 1


@pytest.mark.parametrize("slug", ["teams", "discord"])
async def test_the_vendor_gets_the_verifier_that_fits(ground: Ground, slug: str) -> None:
    await ground.browser().connect(slug)
    standin = ground.vendors.of(slug)
    (code,) = standin.codes.values()
    brought = [
        call for call in standin.calls if call.path.endswith("/oauth2/token") or "/oauth2/v2.0/token" in call.path
    ]
    verifiers = [told("?" + call.body.decode())["code_verifier"] for call in brought if b"code_verifier" in call.body]
    assert [code.proves(verifier) for verifier in verifiers] == [True]


async def test_two_consents_share_neither_state_nor_verifier_nor_nonce(ground: Ground) -> None:
    browser = ground.browser()
    first, second = [told((await browser.begin("discord")).headers["location"]) for _ in range(2)]
    assert first["state"] != second["state"]
    assert first["code_challenge"] != second["code_challenge"]
    assert len(first["state"]) >= 43


@pytest.mark.parametrize("slug", SLUGS)
async def test_only_the_fingerprint_of_a_state_is_stored(ground: Ground, slug: str) -> None:
    begun = await ground.browser().begin(slug)
    state = state_of(begun.headers["location"])
    (attempt,) = await ground.attempts()
    assert state not in await ground.dump()
    assert attempt.state_hash in ground.hub.vault.fingerprints(state)


async def test_a_state_counts_once(each_ground: Ground) -> None:
    ground, browser = each_ground, each_ground.browser()
    url = await browser.consent("slack")
    assert (await browser.back(url)).headers["location"] == f"{ROUTE}/slack"
    before = await ground.dump()
    assert "used before" in await browser.page(await browser.back(url))
    assert ground.vendors.slack.exchanges == 1
    assert len(await ground.rows()) == 1
    assert await ground.dump() == before


async def test_two_who_bring_the_same_answer_at_once_exchange_it_once(each_ground: Ground) -> None:
    ground, browser = each_ground, each_ground.browser()
    url = await browser.consent("slack")
    answers = await asyncio.gather(*(browser.back(url) for _ in range(8)))
    ends = [answer.headers["location"] for answer in answers]
    assert ends.count(f"{ROUTE}/slack") == 1
    assert ground.vendors.slack.exchanges == 1
    assert len(await ground.rows()) == 1


async def test_another_browser_of_the_same_person(ground: Ground) -> None:
    url = await ground.browser().consent("slack")
    await refused(ground, ground.browser(), url, "in another browser")
    assert exchanges(ground) == 0
    assert "another browser" in (await ground.card("slack")).consent.said  # type: ignore[union-attr]


async def test_a_browser_with_a_cookie_of_its_own(ground: Ground) -> None:
    url = await ground.browser().consent("slack")
    other = ground.browser()
    await other.begin("discord")
    await refused(ground, other, url, "in another browser")
    assert exchanges(ground) == 0


@pytest.mark.parametrize("who", ["", "another", "elsewhere"])
async def test_another_person_in_the_same_browser(ground: Ground, who: str) -> None:
    ground.person("another", workspace=ground.owner.workspace)
    elsewhere = ground.person("elsewhere")
    ground.sessions.people["elsewhere"] = replace(elsewhere, id=ground.owner.id)  # the same, in another workspace
    browser = ground.browser()
    url = await browser.consent("slack")
    browser.http.cookies.set("who", who)
    text = await refused(ground, browser, url, "by somebody else or in another workspace")
    assert exchanges(ground) == 0
    assert "nothing was stored" in text
    assert "another browser" in (await ground.card("slack")).consent.said  # type: ignore[union-attr]


@pytest.mark.parametrize("role", [Role.MEMBER, Role.READ_ONLY])
async def test_who_is_no_admin_any_more(ground: Ground, role: Role) -> None:
    browser = ground.browser()
    url = await browser.consent("slack")
    ground.sessions.people["owner"] = replace(ground.owner, role=role)
    await browser.page(await browser.back(url))
    assert await ground.rows() == []
    assert exchanges(ground) == 0
    ground.sessions.people["owner"] = ground.owner
    await browser.page(await browser.back(url))
    assert await ground.rows() == []
    assert "admin" in (await ground.card("slack")).consent.said.lower()  # type: ignore[union-attr]


async def test_the_address_of_another_provider(ground: Ground) -> None:
    browser = ground.browser()
    url = await browser.consent("slack")
    await refused(ground, browser, url.replace("/callback/slack", "/callback/discord"), "address of another provider")
    assert exchanges(ground) == 0
    assert "another provider" in (await ground.card("slack")).consent.said  # type: ignore[union-attr]


@pytest.mark.parametrize("slug", SLUGS)
async def test_too_late(ground: Ground, slug: str) -> None:
    browser = ground.browser()
    url = await browser.consent(slug)
    ground.clock.forward(minutes=10, seconds=1)
    await refused(ground, browser, url, "The time for agreeing was over")
    assert exchanges(ground) == 0
    assert "time for agreeing was over" in (await ground.card(slug)).consent.said  # type: ignore[union-attr]


async def test_the_second_step_does_not_prolong_the_first(ground: Ground) -> None:
    browser = ground.browser()
    url = await browser.consent("teams")
    ground.clock.forward(minutes=6)
    second = (await browser.back(url)).headers["location"]
    url = await browser.consent("teams", url=second)
    ground.clock.forward(minutes=5)
    await refused(ground, browser, url, "The time for agreeing was over")


async def test_the_second_step_is_bound_as_the_first(ground: Ground) -> None:
    browser = ground.browser()
    second = (await browser.back(await browser.consent("teams"))).headers["location"]
    url = await browser.consent("teams", url=second)
    await refused(ground, ground.browser(), url, "in another browser")


@pytest.mark.parametrize("state", ["", "x", "x" * 64, "x" * 5000, "\0", "é" * 30, "' or 1=1 --"])
async def test_a_state_that_nobody_gave(ground: Ground, state: str) -> None:
    browser = ground.browser()
    await browser.begin("slack")
    url = "/oauth/callback/slack?" + urlencode({"state": state, "code": "c"})
    assert "not known here" in await browser.page(await browser.back(url))
    assert exchanges(ground) == 0


@pytest.mark.parametrize("more", ["&state=other", "&code=other"])
async def test_a_parameter_that_comes_twice_says_nothing(ground: Ground, more: str) -> None:
    browser = ground.browser()
    url = await browser.consent("slack")
    await browser.page(await browser.back(url + more))
    assert await ground.rows() == []


@pytest.mark.parametrize("slug", SLUGS)
async def test_who_does_not_allow_it_is_told_on_page_and_card(ground: Ground, slug: str) -> None:
    browser = ground.browser()
    url = await browser.consent(slug, "Cancel")
    text = await refused(ground, browser, url, "It was not allowed at")
    assert "AADSTS" not in text
    assert "It was not allowed at" in (await ground.card(slug)).consent.said  # type: ignore[union-attr]
    await ground.browser().connect(slug)
    assert len(await ground.rows()) == 1


async def test_what_the_vendor_says_of_an_error_is_not_shown(ground: Ground) -> None:
    browser = ground.browser()
    state = state_of((await browser.begin("slack")).headers["location"])
    url = f"/oauth/callback/slack?state={state}&error=%3Cb%3E&error_description=%3Cscript%3Ealert(1)%3C/script%3E"
    text = await browser.page(await browser.back(url))
    assert "<script" not in text
    assert "alert" not in text.replace('role="alert"', "")
