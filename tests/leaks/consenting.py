"""Consents of page and chat API: codes, states, client secrets and tokens; vendors that agree, refuse and repeat."""

from __future__ import annotations

from typing import Any

import httpx

from tests.leaks.applications import SUBSCRIBER, caller, post
from tests.leaks.journey import Journey
from tests.standins.browser import click, told
from tests.standins.slack_seed import ATLAS_APP, ATLAS_SECRET, ROTATING_APP, ROTATING_SECRET
from tests.standins.teams import HUB, HUB_SECRET

ANSWERS = ("accept", "echo 401", "echo 400", "echo 200", "echo page", "server_error")
CALLBACK = "/v1/integrations/chat/oauth/callback"
CONNECT, LINK = "/v1/integrations/channel-connections/oauth", "/v1/integrations/channel-endpoints/oauth"
SLACK, TEAMS = "SlackStandinParrot", "TeamsStandinParrot"
HTML = {"Accept": "text/html"}


def operators_app(journey_secret: str) -> dict[str, str]:
    """The variables of an operator's app at Slack, whose tokens end and are renewed."""
    return {"SLACK_CLIENT_ID": ROTATING_APP, "SLACK_CLIENT_SECRET": journey_secret}


def consents(journey: Journey, secret: str) -> None:
    """Every consent there is; `secret` is the operator's app's."""
    aviary = journey.aviary
    own = {name: aviary.make(f"client secret, {name}") for name in ("slack", "teams")}
    journey.vendors.know([(ROTATING_SECRET, secret), (ATLAS_SECRET, own["slack"]), (HUB_SECRET, own["teams"])])
    with caller(journey) as app, httpx.Client() as vendor:
        for provider, name, client in (("slack", "slack", ATLAS_APP), ("msteams", "teams", HUB)):
            body = {"providerId": provider, "channel": "chat", "identifier": f"oauth-{name}", "active": True,
                    "credentials": {"clientId": client, "secretKey": own[name]}}  # fmt: skip
            post(journey, app, f"integration {name}", "/v1/integrations", body)
        for mood in ANSWERS:
            _page(journey, vendor, mood)
            _slack(journey, app, vendor, mood)
        _teams(journey, app, vendor)
        _nobodys(journey)


def _came(journey: Journey, where: str, vendor: httpx.Client, mood: str, url: str, button: str, **chosen: str) -> str:
    """Agree at the vendor; the address with which the browser comes back. State and code are canaries from now on."""
    journey.aviary.add(f"state, {where}, {mood}", told(url)["state"])
    journey.vendors.play("accept")  # its page
    back = click(vendor, url, button, **chosen)
    if "code" in told(back):
        journey.aviary.add(f"code, {where}, {mood}", told(back)["code"])
    journey.vendors.play(mood)
    return back.raw_path.decode()


def _gather(journey: Journey, where: str, before: set[str]) -> None:
    """What the vendors gave meanwhile is a canary."""
    for number, text in enumerate(sorted(_hidden(journey) - before)):
        core = text.rpartition("." if text.startswith("eyJ") else "Fake")[2]
        journey.aviary.add(f"given by consent, {where}, {number}", text, core[-64:])


def _hidden(journey: Journey) -> set[str]:
    standins: Any = journey.vendors.standins
    return set().union(*(standins[name].hidden() for name in (SLACK, TEAMS)))


def _page(journey: Journey, vendor: httpx.Client, mood: str) -> None:
    """The button of the card, and the way back; once more with what was used."""
    before = _hidden(journey)
    begun = journey.ask("begin, page", "POST", "/oauth/begin/slack", data={}, headers={"Origin": journey.site.base})
    assert begun.status_code == 303, begun.text
    journey.aviary.add("consent cookie", journey.web.cookies["atlas_oauth"])
    back = _came(journey, "page", vendor, mood, begun.headers["location"], "Allow", team="Acme Corp")
    with journey.socket(cookie=f"{journey.cookie}; atlas_oauth={journey.web.cookies['atlas_oauth']}") as tab:
        assert tab.loaded()
    answer = journey.ask(f"come back, page, {mood}", "GET", back)
    assert answer.status_code == 303, answer.text
    ended = answer.headers["location"].startswith("/oauth/ended/")
    told_so = journey.ask("ended, page", "GET", answer.headers["location"]).text if ended else ""
    assert ended == (mood != "accept"), told_so
    again = journey.ask("come back twice, page", "GET", back)
    journey.ask("ended, page", "GET", again.headers["location"])
    journey.vendors.play("accept")
    _gather(journey, f"page, {mood}", before)


def _slack(journey: Journey, app: httpx.Client, vendor: httpx.Client, mood: str) -> None:
    """A subscriber connects, and says who it is; a page and JSON for what went wrong."""
    for path, more in ((CONNECT, {"autoLinkUser": True}), (LINK, {})):
        before = _hidden(journey)
        body = {"integrationIdentifier": "oauth-slack", "subscriberId": SUBSCRIBER, **more}
        url = post(journey, app, "address", path, body)["url"]
        back = _came(journey, path, vendor, mood, url, "Allow", team="Acme Corp")
        answer = journey.ask(f"arrive, {mood}", "GET", back, headers=HTML)
        assert (answer.status_code == 200) == (mood == "accept"), answer.text
        for headers in (HTML, {}):
            assert journey.ask("arrive twice", "GET", back, headers=headers).status_code == 400
        journey.vendors.play("accept")
        _gather(journey, f"{path}, {mood}", before)
    url = post(journey, app, "address", CONNECT, {"integrationIdentifier": "oauth-slack", "subscriberId": SUBSCRIBER})[
        "url"
    ]
    refused = _came(journey, "declined", vendor, mood, url, "Cancel")
    assert journey.ask("arrive, declined", "GET", refused, headers=HTML).status_code == 400
    journey.vendors.play("accept")


def _teams(journey: Journey, app: httpx.Client, vendor: httpx.Client) -> None:
    """A tenant, and then a person by a code with a verifier and a nonce."""
    before = _hidden(journey)
    body = {"integrationIdentifier": "oauth-teams", "subscriberId": SUBSCRIBER, "autoLinkUser": True}
    url = post(journey, app, "address", CONNECT, body)["url"]
    first = journey.ask(
        "arrive and go on", "GET", _came(journey, "teams", vendor, "accept", url, "Accept", tenant="Acme Corp")
    )
    assert first.status_code == 302, first.text
    url = first.headers["location"]
    journey.aviary.add("nonce, teams", told(url).get("nonce", ""))
    second = journey.ask(
        "arrive, teams", "GET", _came(journey, "teams person", vendor, "accept", url, "Accept"), headers=HTML
    )
    assert second.status_code == 200, second.text
    spoken = journey.vendors.standins[TEAMS].calls
    for verifier in {call.form().get("code_verifier", "") for call in spoken} - {""}:
        journey.aviary.add("verifier, teams", verifier)
    _gather(journey, "teams", before)


def _nobodys(journey: Journey) -> None:
    """Codes and states that nobody gave, in every place of a callback's address."""
    make = journey.aviary.make
    for path in (CALLBACK, "/oauth/callback/slack", "/oauth/callback/nowhere", "/oauth/ended/slack"):
        for headers in (HTML, {}):
            for what in ("both", "state alone", "code alone", "twice", "too long", "an error"):
                name = f"{what}, {path}, {len(headers)}"
                state, code = ("state", make(f"nobody's state, {name}")), ("code", make(f"nobody's code, {name}"))
                params = {"both": [state, code], "state alone": [state], "code alone": [code],
                          "twice": [state, state, code, code], "too long": [state, ("code", code[1] * 200)],
                          "an error": [state, ("error", "access_denied"), code]}[what]  # fmt: skip
                answer = journey.ask(f"nobody's, {what}", "GET", path, params=params, headers=headers)
                assert answer.status_code < 500, answer.text
