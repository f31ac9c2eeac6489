"""Mail by the operator's bridge: its address, a name and password in it, and that none of it is ever said."""

from __future__ import annotations

import logging

import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._bridge import Bridge, BridgeUrl
from atlas_hub.providers.contract import Message
from atlas_hub.providers.email import PROVIDER
from tests.providers.conftest import HURRIED, MESSAGE, Hurried
from tests.providers.entries.entry import HTTP_TROUBLES
from tests.providers.test_contract import STUCK, every_word_of
from tests.standins.bridge import PASSWORD, USER, BridgeStandin
from tests.standins.dial import PORTAL, Fault

TO = "ana@acme.example"
CANARY = "canary"
REFUSED = (InvalidCredentials, InsufficientPermissions, RateLimited, NetworkError)
TROUBLES = [
    mishap
    for mishap in HTTP_TROUBLES
    if mishap.error in REFUSED or mishap.name in {"server_error", "unavailable", "redirect", "huge"}
]
"""All but the 200s whose body is no JSON: any 2xx of a bridge is a yes."""


class Way:
    """The method against its stand-in. The guard allows no loopback: the address is the operator's word."""

    def __init__(self, standin: BridgeStandin) -> None:
        self.standin, self.way, self.steps = standin, Bridge(), []
        self.http = Hurried({}, Guard())

    def url(self, path=f"/mail/{CANARY}-path?token={CANARY}-query", userinfo=f"user:{CANARY}-word@"):
        return self.standin.base.replace("://", f"://{userinfo}") + path

    def form(self, **changed):
        return self.way.read({"senderAddress": "alerts@acme.example", "bridgeUrl": self.url(), **changed})

    async def check(self, **changed):
        self.steps.clear()
        return await self.way.check(self.form(**changed), self.http, self.steps.append)

    async def send(self, to=TO, message=MESSAGE, **changed):
        return await self.way.send(self.form(**changed), to, message, self.http)


@pytest.fixture
async def here():
    with BridgeStandin() as standin:
        way = Way(standin)
        yield way
        await way.http.close()


def test_it_comes_from_the_environment_alone_and_before_resend():
    assert PROVIDER.method("bridge") is None
    assert [each.method.key for each in PROVIDER.environment] == ["bridge", "resend"]
    given = PROVIDER.environment[0]
    assert given.variables == {"bridge_url": "ATLAS_SMTP_URL", "sender_address": "ATLAS_EMAIL_FROM"}
    assert given.defaults == {"sender_address"}


def test_the_address_is_secret_and_decides_where_mail_goes(here):
    form = here.form()
    assert BridgeUrl.secrets() == {"bridge_url"}
    assert BridgeUrl.targets() == {"bridge_url"}
    assert CANARY not in f"{form!r}{form}{form.public()}{form.given_secrets()}"
    assert here.way.facts(form) == {"Provider": "Mail bridge", "Sender": "alerts@acme.example"}


@pytest.mark.parametrize("stuck", [stuck for stuck in STUCK if "earer" not in stuck])
def test_what_sticks_to_the_address_is_taken_off(here, stuck):
    assert here.form(bridgeUrl=stuck.format(here.url())).bridge_url.reveal() == here.url()


@pytest.mark.parametrize(
    "typed",
    [
        "canary",
        "smtp://canary.example",
        "smtps://user:canary@mail.example.com:465",
        "https://",
        "https:///canary",
        "https://user:canary@",
        "https://exa mple.com/canary",
        "https://mail.example.com/canary\r\nX-Evil: 1",
        "https://mail.example.com:canary/",
        "https://mail.example.com:99999/canary",
        "https://[::1/canary",
        "https://mail.example.com\\@evil.example/canary",
        "https://mail.example.com/canary#x",
        "https://mail.example.com/a/../canary",
        "https://mail.example.com/canary/..",
        "https://mail.example.com/?canary=/../",
        "https://{region}.example.com/canary",
        "https://ex\u0430mple.com/canary",
        "https://mail.example.com/" + "canary" * 400,
    ],
)
def test_another_shape_is_refused_and_not_repeated(here, typed):
    with pytest.raises(BadForm) as caught:
        here.form(bridgeUrl=typed)
    assert list(caught.value.fields) == ["bridge_url"]
    assert CANARY not in every_word_of(caught.value)


@pytest.mark.parametrize(
    "typed",
    ["http://localhost:8025", "HTTPS://Mail.example.com/a%20b?x=1&y", "https://[::1]:8443/", "http://mail_bridge/send"],
)
def test_these_are_addresses(here, typed):
    assert here.form(bridgeUrl=typed).bridge_url.reveal() == typed


async def test_a_check_asks_nobody_and_says_that_it_proves_little(here):
    result = await here.check()
    assert result.label == "alerts@acme.example by Mail bridge"
    assert result.account is None
    assert "Send a test message" in result.limits[0]
    assert [(step.key, step.ok) for step in here.steps] == [("format", None), ("format", True)]
    assert not here.standin.calls
    assert CANARY not in f"{result!r}{here.steps!r}"


async def test_a_mail_is_posted_to_the_whole_address_and_nothing_is_smuggled(here, caplog):
    caplog.set_level(logging.DEBUG)
    message = Message(subject="Hello\r\nBcc: x@example.com", text='One & <b>two</b>.\n\n"\u00e9".')
    receipt = await here.send("ana@example.com", message)
    assert here.standin.messages == [
        {
            "from": "alerts@acme.example",
            "to": "ana@example.com",
            "subject": "Hello Bcc: x@example.com",
            "html": "One &amp; &lt;b&gt;two&lt;/b&gt;.<br>\n<br>\n&quot;\u00e9&quot;.",
        }
    ]
    (call,) = here.standin.calls
    assert (call.path, call.query) == (f"/mail/{CANARY}-path", f"token={CANARY}-query")
    assert call.headers["content-type"] == "application/json"
    assert receipt.id == "bridge-1"
    assert receipt.text == "The mail bridge accepted it for ana@example.com as bridge-1."
    assert CANARY not in f"{receipt!r}{caplog.text}"


async def test_name_and_password_go_out_as_a_header_and_not_in_the_address(here):
    here.standin.locked = True
    userinfo = f"{USER}:{PASSWORD.replace(':', '%3A').replace('/', '%2F').replace('@', '%40')}@"
    assert (await here.send(bridgeUrl=here.url("", userinfo))).id == "bridge-1"
    assert here.standin.calls[-1].path == "/"
    assert "@" not in here.standin.calls[-1].headers["host"]
    with pytest.raises(InvalidCredentials) as caught:
        await here.send()
    assert caught.value.field == "bridge_url"
    here.standin.locked = False
    await here.send(bridgeUrl=here.url("/x", ""))
    assert "authorization" not in here.standin.calls[-1].headers


async def test_what_the_client_is_asked_by_knows_no_password(here, monkeypatch):
    asked = []

    async def ask(upstream, *_given, **_named):
        asked.append(upstream)
        raise NetworkError("The mail bridge could not be reached.")

    monkeypatch.setattr(here.http, "ask", ask)
    with pytest.raises(NetworkError):
        await here.send()
    assert [upstream.base for upstream in asked] == [here.standin.base]


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ((200, {"messageId": "<a1@mail.example.com>"}), "<a1@mail.example.com>"),
        ((201, {"id": 7}), ""),
        ((202, {"id": "two words"}), ""),
        ((200, {"id": "x" * 129}), ""),
        ((200, []), ""),
        ((200, None), ""),
    ],
)
async def test_any_2xx_is_a_yes_with_or_without_an_id(here, answer, number):
    here.standin.answer = answer
    receipt = await here.send()
    assert receipt.id == number
    assert len(here.standin.messages) == 1
    assert receipt.text.startswith(f"The mail bridge accepted it for {TO}")


@pytest.mark.parametrize(("fault", "body"), [(Fault.HTML, PORTAL), (Fault.EMPTY, None), (Fault.NONSENSE, "7")])
async def test_a_yes_need_not_be_json(here, fault, body):
    here.standin.dial.set(fault, body=body)
    assert (await here.send()).id == ""


@pytest.mark.parametrize("mishap", TROUBLES, ids=lambda mishap: mishap.name)
async def test_trouble_at_the_bridge_ends_in_our_words_and_the_next_one_is_well(here, mishap, caplog):
    caplog.set_level(logging.DEBUG)
    here.http.patience = HURRIED if mishap.slow else 10.0
    mishap.begin(here.standin)
    with pytest.raises(ProviderError) as caught:
        await here.send()
    assert type(caught.value) is mishap.error
    assert "mail bridge" in caught.value.text
    assert caught.value.text.endswith(".")
    for never in ("http", "127.0.0.1", CANARY):
        assert never not in caught.value.text
    assert CANARY not in every_word_of(caught.value)
    assert CANARY not in caplog.text
    assert not here.standin.followed
    if mishap.waits:
        assert mishap.waits[0] <= caught.value.retry_after <= mishap.waits[1]
    here.http.patience = 10.0
    here.standin.reset()
    assert (await here.send()).id


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
async def test_a_bridge_that_repeats_what_it_was_sent_is_not_quoted(here, status):
    here.standin.answer = (status, {"error": CANARY, "code": CANARY, "message": CANARY})
    with pytest.raises(ProviderError) as caught:
        await here.send()
    assert CANARY not in every_word_of(caught.value)


async def test_a_bridge_that_is_gone_is_no_answer_and_its_address_is_not_said(here, caplog):
    caplog.set_level(logging.DEBUG)
    here.standin.stop()
    with pytest.raises(NetworkError) as caught:
        await here.send()
    assert CANARY not in every_word_of(caught.value)
    assert CANARY not in caplog.text


async def test_a_form_that_was_never_read_is_not_sent_anywhere(here):
    form = here.form().model_copy(update={"bridge_url": Secret("file:///canary")})
    with pytest.raises(PlatformError) as caught:
        await here.way.send(form, TO, MESSAGE, here.http)
    assert CANARY not in every_word_of(caught.value)


@pytest.mark.parametrize("to", ["", "ana", "a@b@c.example", "ana@example.com\r\nBcc: x@example.com", "a@b.c,d@e.f"])
async def test_a_recipient_is_one_address_alone(here, to):
    with pytest.raises(BadForm) as caught:
        await here.send(to)
    assert list(caught.value.fields) == ["to"]
    assert not here.standin.calls
    with pytest.raises(BadForm):
        here.form(senderAddress=to or "x")
