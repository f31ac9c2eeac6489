"""Webhooks: the address is the guard's to judge, the alert is Atlas' own, and the exact bytes are signed."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import httpx
import pytest

from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import silent
from tests.providers.conftest import ALERT
from tests.standins import webhook
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("webhook", "url")

(WAY,) = PROVIDERS["webhook"].methods
PRIVATE = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "localhost", "hub.example")
"""`hub.example` is a name that leads to a private address."""
UTF8 = "ein Geheimnis mit Umlaut: ü"


async def private(_host: str, _port: int) -> list[str]:
    return ["10.1.2.3"]


async def test_a_check_posts_nothing_and_proves_nothing(world):
    result = await world.check()
    assert world.standin.calls == []
    assert "send a test alert" in result.unproven
    host = world.standin.base.removeprefix("http://")
    assert (result.label, result.account, result.warnings) == (host, None, ())
    assert world.way.facts(world.form()) == {"Address": f"http://{host}/…", "Signed": "yes"}


@pytest.mark.parametrize("host", PRIVATE)
async def test_an_address_of_the_hubs_own_network_is_refused_before_anyone_is_asked(host):
    asked: list[httpx.Request] = []
    http = Http({}, Guard(resolve=private), transport=httpx.MockTransport(asked.append))
    form = WAY.read({"url": f"https://{host}/x"})
    for ask in (WAY.check(form, http, silent), WAY.alert(form, ALERT, http)):
        with pytest.raises(BadForm) as caught:
            await ask
        assert list(caught.value.fields) == ["url"]
    assert asked == []
    await http.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example/x",
        "a.example/x",
        "https:///x",
        "https://",
        "https://a b.example",
        "javascript:alert(1)",
        "\\\\a",
        "https://a.example/" + "x" * 2048,
    ],
)
def test_what_is_no_address_is_refused_by_the_form(url):
    with pytest.raises(BadForm) as caught:
        WAY.read({"url": url})
    assert list(caught.value.fields) == ["url"]


def test_an_address_shows_scheme_and_host_and_a_secret_nothing(world):
    form = world.form()
    assert form.masks() == {"url": world.standin.base, "secret": "••••"}
    assert form.stars()["secret"] == "******"
    assert form.stars()["url"].startswith(f"{world.standin.base}/****")
    assert "receiver-FAKE" not in f"{form.masks()}{world.way.facts(form)}"
    assert form.targets() == {"url"}


@pytest.mark.parametrize("secret", [webhook.SECRET, "short", UTF8])
async def test_both_signatures_verify_at_the_receiver(world, secret):
    world.standin.secret = secret
    receipt = await world.send(secret=secret)
    (call,) = world.standin.calls
    webhook.verifier(secret).verify(call.body, dict(call.headers))
    assert world.standin.verifies(call.headers, call.body)
    assert call.headers["x-mms-event"] == "alert.inform"
    assert call.headers["webhook-id"] == receipt.id == f"msg_{ALERT.id}"
    assert call.headers["content-type"] == "application/json"
    assert receipt.text == "The webhook took it, signed, and answered 200."


async def test_another_secret_does_not_verify(world):
    with pytest.raises(InvalidCredentials, match="signature") as caught:
        await world.send(secret="another")
    assert caught.value.field == "secret"
    assert world.standin.messages == []


async def test_the_receiver_of_the_tests_wants_every_signature_right(world):
    await world.send()
    (call,) = world.standin.calls
    good = dict(call.headers)
    for name in ("x-mms-signature", "webhook-signature"):
        assert world.standin.verifies({key: value for key, value in good.items() if key != name}, call.body)
        assert not world.standin.verifies({**good, name: "v1,AAAA" if name[0] == "w" else "AAAA"}, call.body)
    assert not world.standin.verifies({}, call.body)


async def test_without_a_secret_nothing_is_signed_and_the_card_warns(world):
    url = f"{world.standin.base}{webhook.UNSIGNED_PATH}"
    result = await world.check(url=url, secret=None)
    assert "not signed" in result.warnings[0]
    receipt = await world.send(url=url, secret=None)
    (call,) = world.standin.calls
    assert not {"x-mms-signature", "webhook-signature", "webhook-id", "webhook-timestamp"} & call.headers.keys()
    assert "unsigned" in receipt.text


@pytest.mark.parametrize("secret", ["short", "x" * 23, "whsec_" + base64.b64encode(b"x" * 23).decode()])
async def test_a_short_secret_is_a_warning_whatever_it_is_written_as(world, secret):
    (warning,) = (await world.check(secret=secret)).warnings
    assert "short" in warning


@pytest.mark.parametrize("secret", ["x" * 24, "whsec_" + base64.b64encode(b"x" * 24).decode().rstrip("=")])
async def test_24_bytes_are_enough(world, secret):
    assert (await world.check(secret=secret)).warnings == ()


@pytest.mark.parametrize("rest", ["", "not base64 at all, and long", "-_" * 20, "A" * 33])
async def test_what_follows_whsec_and_is_not_base64_is_a_warning(world, rest):
    (warning,) = (await world.check(secret=f"whsec_{rest}")).warnings
    assert "is not base64" in warning


async def test_who_wants_a_signature_and_gets_none_is_understood(world):
    with pytest.raises(InvalidCredentials, match="was not signed") as caught:
        await world.send(secret=None)
    assert caught.value.field == "secret"


async def test_an_alert_is_what_atlas_itself_sends(world):
    await world.send()
    (call,) = world.standin.calls
    at = iso(ALERT.at)
    assert call.json() == {
        "id": ALERT.id,
        "groupId": ALERT.group,
        "alertConfigId": "0" * 24,
        "eventTypeName": "TEST_ALERT",
        "status": "INFORMATIONAL",
        "created": at,
        "updated": at,
        "lastNotified": at,
        "resolved": None,
        "humanReadable": ALERT.text,
        "metricName": None,
        "currentValue": None,
        "clusterName": None,
        "replicaSetName": None,
        "links": [{"rel": "self", "href": ALERT.url}],
        "test": True,
    }
    assert re.fullmatch(r"[0-9a-f]{24}", call.json()["id"])
    assert at.endswith("Z")


async def test_any_letters_arrive_as_they_were_signed(world):
    alert = replace(ALERT, text="TEST: Grüße von Ana 🚀 \u2028")
    await world.way.alert(world.form(), alert, world.http)
    (call,) = world.standin.calls
    assert json.loads(call.body)["humanReadable"] == alert.text
    assert world.standin.messages


async def test_trying_again_keeps_the_id(world):
    await world.send()
    await world.send()
    first, second = world.standin.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_a_yes(world, status):
    world.standin.answers = status
    assert f"answered {status}" in (await world.send()).text


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, InsufficientPermissions, "did not take"),
        (401, InvalidCredentials, "not signed"),
        (403, InsufficientPermissions, "did not take the alert (403)"),
        (404, InsufficientPermissions, "no such address"),
        (405, InsufficientPermissions, "did not take"),
        (410, AuthExpired, "disabled there"),
        (422, InsufficientPermissions, "did not take"),
        (500, PlatformError, "fault"),
        (502, RateLimited, "busy"),
        (504, RateLimited, "busy"),
    ],
)
async def test_what_is_no_2xx_has_a_sentence(status, kind, word):
    http = Http({}, Guard(), transport=httpx.MockTransport(lambda _: httpx.Response(status, text="canary")))
    with pytest.raises(kind) as caught:
        await WAY.alert(WAY.read({"url": "https://1.1.1.1/canary"}), ALERT, http)
    assert type(caught.value) is kind
    assert word in caught.value.text
    assert "canary" not in caught.value.text
    await http.close()


async def test_a_redirect_is_a_failure_and_is_not_followed(world):
    world.standin.dial.set(Fault.REDIRECT)
    with pytest.raises(PlatformError, match="redirect"):
        await world.send()
    assert world.standin.followed == []
    assert len(world.standin.calls) == 1
