"""Channels' addresses in Teams: whose they are, what they answer, and a refusal within a 200."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._teams_webhook import Kind, TeamsWebhook
from atlas_hub.providers.contract import Purpose, scope_of, silent
from tests.providers.conftest import ALERT
from tests.standins.teams_webhook import BODY_BYTES, INSIDE

pytestmark = pytest.mark.entry("teams", "webhook")

WAY = TeamsWebhook()
FIELD = "microsoft_teams_webhook_url"
PRIVATE = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost", "hub.example")
"""`hub.example` is a name that leads to a private address."""
CONNECTOR = "https://acme.webhook.office.com/webhookb2/a@b/IncomingWebhook/c/d"
WORKFLOW = "https://prod-01.westeurope.logic.azure.com:443/workflows/a/triggers/manual/paths/invoke?sig=b"


def read(url: str):
    return WAY.read({"microsoftTeamsWebhookUrl": url})


async def public(_host: str, _port: int) -> list[str]:
    return ["1.1.1.1"]


async def private(_host: str, _port: int) -> list[str]:
    return ["10.1.2.3"]


def answering(*answers: httpx.Response) -> Http:
    left = list(answers)
    return Http({}, Guard(resolve=public), transport=httpx.MockTransport(lambda _: left.pop(0)))


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (CONNECTOR, Kind.CONNECTOR),
        ("https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", Kind.CONNECTOR),
        ("https://outlook.office365.com/webhook/a@b/IncomingWebhook/c/d", Kind.CONNECTOR),
        ("https://agency.webhook.office365.us/webhookb2/a@b/IncomingWebhook/c/d", Kind.CONNECTOR),
        ("https://prod-01.usgovtexas.logic.azure.us:443/workflows/a", Kind.WORKFLOW),
        (WORKFLOW, Kind.WORKFLOW),
        ("https://PROD-01.westeurope.LOGIC.azure.com./workflows/a", Kind.WORKFLOW),
        ("https://default0.00.environment.api.powerplatform.com/powerautomate/a", Kind.WORKFLOW),
        ("https://teams.gateway.example/hook", Kind.OTHER),
        ("https://logic.azure.com.evil.example/workflows/a", Kind.OTHER),
        ("https://evillogic.azure.com/workflows/a", Kind.OTHER),
        ("https://evil.example/x.webhook.office.com/", Kind.OTHER),
    ],
)
def test_the_host_tells_whose_address_it_is(url, kind):
    assert read(url).kind is kind


@pytest.mark.parametrize(
    ("url", "words"),
    [(CONNECTOR, ("retired", "Make a workflow")), (WORKFLOW, ()), ("https://gateway.example/x", ("not an address",))],
)
async def test_a_check_posts_nothing_and_says_what_is_known(url, words):
    http = answering()
    result = await WAY.check(read(url), http, silent)
    assert "send a test alert" in result.unproven
    assert len(result.limits) == bool(words)
    assert all(word in result.limits[0] for word in words)
    assert result.account is None
    assert read(url).kind.value in result.label
    await http.close()


def test_an_address_that_nobody_could_ask_is_not_stored():
    with pytest.raises(BadForm) as caught:
        read(CONNECTOR + "x" * 2048)
    assert caught.value.fields == {FIELD: "The address is longer than 2,048 characters."}


@pytest.mark.parametrize("host", PRIVATE)
async def test_an_address_of_the_hubs_own_network_is_refused_before_anyone_is_asked(host):
    asked: list[httpx.Request] = []
    http = Http({}, Guard(resolve=private), transport=httpx.MockTransport(asked.append))
    form = read(f"https://{host}/x")
    for ask in (WAY.check(form, http, silent), WAY.alert(form, ALERT, http)):
        with pytest.raises(BadForm) as caught:
            await ask
        assert list(caught.value.fields) == [FIELD]
    assert asked == []
    await http.close()


def test_an_address_shows_scheme_and_host():
    form = read(WORKFLOW)
    assert form.masks() == {FIELD: "https://prod-01.westeurope.logic.azure.com:443"}
    assert "sig" not in f"{WAY.facts(form)}{WAY.called(form)}{form.stars()}"


@pytest.mark.parametrize(("address", "word"), [("workflow", "for the workflow"), ("connector", "into the channel")])
async def test_an_alert_is_an_adaptive_card(world, address, word):
    receipt = await world.send(microsoftTeamsWebhookUrl=getattr(world.standin, address))
    (message,) = world.standin.messages
    assert message == {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.2",
                    "body": [
                        {"type": "TextBlock", "text": "TEST alert from Atlas Hub", "weight": "Bolder", "wrap": True},
                        {"type": "TextBlock", "text": ALERT.text, "wrap": True},
                    ],
                },
            }
        ],
    }
    assert word in receipt.text


async def test_a_name_cannot_become_a_link(world):
    await world.way.alert(world.form(), replace(ALERT, text="[win](https://evil.example)"), world.http)
    (message,) = world.standin.messages
    assert message["attachments"][0]["content"]["body"][1]["text"] == r"\[win\](https://evil.example)"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, RateLimited), (404, InvalidCredentials), (413, InsufficientPermissions), (500, PlatformError)],
)
async def test_a_200_with_an_error_in_its_text_is_that_error(world, status, kind):
    world.standin.inside = status
    with pytest.raises(kind):
        await world.send(microsoftTeamsWebhookUrl=world.standin.connector)
    assert world.standin.messages == []


@pytest.mark.parametrize("url", [WORKFLOW, CONNECTOR, "https://gateway.example/x"])
async def test_the_text_counts_at_every_address(url):
    http = answering(httpx.Response(200, text=INSIDE.format(status=429), headers={"Retry-After": "9"}))
    with pytest.raises(RateLimited) as caught:
        await WAY.alert(read(url), ALERT, http)
    assert caught.value.retry_after == 9
    await http.close()


async def test_the_text_counts_within_a_yes_alone():
    http = answering(httpx.Response(502, text=INSIDE.format(status=404)))
    with pytest.raises(PlatformError):
        await WAY.alert(read(CONNECTOR), ALERT, http)
    await http.close()


async def test_a_200_of_a_workflow_is_its_makers_word_and_of_another_nothing():
    http = answering(httpx.Response(200, json={"done": True}), *[httpx.Response(200, json={"done": True})] * 2)
    assert (await WAY.alert(read(WORKFLOW), ALERT, http)).id
    for url in (CONNECTOR, "https://gateway.example/x"):
        with pytest.raises(PlatformError, match="without saying"):
            await WAY.alert(read(url), ALERT, http)
    await http.close()


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, InsufficientPermissions, "turned off"),
        (401, InvalidCredentials, "signature"),
        (404, InvalidCredentials, "removed"),
        (410, InvalidCredentials, "removed"),
        (413, InsufficientPermissions, "28 KB"),
        (429, RateLimited, "busy"),
        (503, PlatformError, "fault"),
    ],
)
async def test_a_status_has_a_sentence(status, kind, word):
    http = answering(httpx.Response(status, json={"error": {"code": "canary", "message": "canary"}}))
    with pytest.raises(kind) as caught:
        await WAY.alert(read(WORKFLOW), ALERT, http)
    assert word in caught.value.text
    assert "canary" not in caught.value.text
    await http.close()


async def test_what_is_cut_off_or_gone_names_the_field(world):
    cut = world.standin.workflow.rpartition("&sig=")[0]
    with pytest.raises(InvalidCredentials, match="cut off") as caught:
        await world.send(microsoftTeamsWebhookUrl=cut)
    assert caught.value.field == FIELD
    world.standin.removed = True
    for address in (world.standin.connector, world.standin.workflow):
        with pytest.raises(InvalidCredentials) as caught:
            await world.send(microsoftTeamsWebhookUrl=address)
        assert caught.value.field == FIELD


async def test_a_long_text_is_cut_so_that_it_fits(world):
    await world.way.alert(world.form(), replace(ALERT, text="ü🚀" * 50_000), world.http)
    (call,) = world.standin.calls
    assert len(call.body) < BODY_BYTES
    assert world.standin.messages


def test_the_bot_stays_first_and_the_address_has_a_part_of_its_own():
    teams = PROVIDERS["teams"]
    main, alerts = teams.parts
    assert [method.key for method in main.methods] == ["app"]
    assert [method.key for method in alerts.methods] == ["webhook"]
    assert [method.purpose for method in teams.methods] == [Purpose.CHAT, Purpose.ALERTS]
    assert scope_of(teams, teams.methods[1]) == "teams:alerts"
    assert teams.asked_as("app") == teams.asked_as("webhook") == "Microsoft Teams"
