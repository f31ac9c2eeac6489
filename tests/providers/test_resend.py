"""Mail by Resend, whose key comes from the operator: keys, domains, Resend's errors, and no secret in any word."""

from __future__ import annotations

import json
import logging

import pytest
from starlette.responses import Response

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
from atlas_hub.providers._resend import RESEND, Resend
from atlas_hub.providers.contract import Message
from atlas_hub.providers.email import PROVIDER
from tests.providers.conftest import HURRIED, LOOPBACK, MESSAGE, Hurried
from tests.providers.entries.entry import HTTP_TROUBLES
from tests.providers.test_contract import STUCK, every_word_of
from tests.standins import resend
from tests.standins.dial import Fault
from tests.standins.resend import ResendStandin

STEPS = ("format", "reached", "accepted", "sender")
TO = "ana@acme.example"


class Way:
    """The method against its stand-in, and what the check has reported."""

    def __init__(self, standin: ResendStandin) -> None:
        self.standin, self.way, self.steps = standin, Resend(), []
        self.http = Hurried({RESEND.name: standin.base}, Guard(LOOPBACK))

    def form(self, **changed):
        return self.way.read({"senderAddress": "alerts@acme.example", "apiKey": resend.FULL_ACCESS, **changed})

    async def check(self, **changed):
        self.steps.clear()
        return await self.way.check(self.form(**changed), self.http, self.steps.append)

    async def send(self, to=TO, message=MESSAGE, **changed):
        return await self.way.send(self.form(**changed), to, message, self.http)


@pytest.fixture
async def here():
    with ResendStandin() as standin:
        way = Way(standin)
        yield way
        await way.http.close()


def test_it_comes_from_the_environment_alone(here):
    assert "resend" not in {method.key for method in PROVIDER.methods}  # no form offers it
    (given,) = [each for each in PROVIDER.environment if each.method.key == "resend"]
    assert set(given.variables) == {"api_key", "sender_address"}
    assert given.variables["api_key"] == "RESEND_API_KEY"
    assert given.defaults == {"sender_address"}


@pytest.mark.parametrize("stuck", STUCK)
def test_what_sticks_to_the_key_is_taken_off(here, stuck):
    assert here.form(apiKey=stuck.format(resend.FULL_ACCESS)).api_key.reveal() == resend.FULL_ACCESS


@pytest.mark.parametrize("typed", ["canary", "re_", "re_can ary", "re_can\u00e9ary", "re_" + "canary" * 100])
def test_another_shape_is_refused_and_not_repeated(here, typed):
    with pytest.raises(BadForm) as caught:
        here.form(apiKey=typed)
    assert list(caught.value.fields) == ["api_key"]
    assert "canary" not in every_word_of(caught.value)


async def test_a_check_reads_and_tells_its_steps(here, caplog):
    caplog.set_level(logging.DEBUG)
    result = await here.check()
    assert result.label == "alerts@acme.example by Resend"
    assert (result.account, result.warnings) == (None, ())
    assert tuple(step.key for step in here.steps if step.ok) == STEPS
    assert [call.method for call in here.standin.calls] == ["GET"]
    assert resend.FULL_ACCESS not in f"{result!r}{here.steps!r}{caplog.text}{here.form()!r}"


async def test_a_key_that_may_only_send_is_accepted_with_a_warning(here):
    result = await here.check(apiKey=resend.SEND_ONLY)
    assert "Send a test message" in result.warnings[0]
    assert (await here.send(apiKey=resend.SEND_ONLY)).id


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("x@half.example", "not verified all"),
        ("x@shaky.example", "not verified all"),
        ("onboarding@resend.dev", "own address"),
    ],
)
async def test_what_is_not_certain_is_a_warning(here, address, word):
    assert word in (await here.check(senderAddress=address)).warnings[0]


@pytest.mark.parametrize("address", ["x@new.example", "x@other.example", "x@evilacme.example", "x@deep.acme.example"])
async def test_an_unverified_domain_is_refused_at_check_and_at_sending(here, address):
    for act in (here.check, here.send):
        with pytest.raises(InsufficientPermissions) as caught:
            await act(senderAddress=address)
        assert caught.value.field == "sender_address"
    assert (await here.check()).label


async def test_a_list_that_goes_on_proves_nothing_of_what_is_not_in_it(here):
    said = {"object": "list", "has_more": True, "data": [{"name": "acme.example", "status": "pending"}]}
    here.standin.dial.set(Fault.NONSENSE, body=json.dumps(said))
    assert "Send a test message" in (await here.check(senderAddress="x@other.example")).warnings[0]
    with pytest.raises(InsufficientPermissions):
        await here.check()


async def test_an_unknown_key_is_the_keys_fault_though_it_is_a_403(here):
    for act in (here.check, here.send):
        with pytest.raises(InvalidCredentials) as caught:
            await act(apiKey=resend.DELETED)
        assert caught.value.field == "api_key"


def judged(mishap, error, caplog):
    assert type(error) is mishap.error
    assert "Resend" in error.text
    assert error.text.endswith(".")
    assert "http" not in error.text
    assert resend.FULL_ACCESS not in every_word_of(error)
    assert resend.FULL_ACCESS not in caplog.text
    if mishap.waits:
        assert isinstance(error, RateLimited)
        assert mishap.waits[0] <= error.retry_after <= mishap.waits[1]


@pytest.mark.parametrize("mishap", HTTP_TROUBLES, ids=lambda mishap: mishap.name)
@pytest.mark.parametrize("act", ["check", "send"])
async def test_trouble_at_resend_ends_in_our_words_and_the_next_one_is_well(here, mishap, act, caplog):
    caplog.set_level(logging.DEBUG)
    here.http.patience = HURRIED if mishap.slow else 10.0
    mishap.begin(here.standin)
    with pytest.raises(ProviderError) as caught:
        await getattr(here, act)()
    judged(mishap, caught.value, caplog)
    assert not here.standin.followed
    if act == "check":
        ended = [step for step in here.steps if step.ok is not None]
        assert [step.ok for step in ended] == [True] * (len(ended) - 1) + [False]
    here.http.patience = 10.0
    here.standin.reset()
    assert await getattr(here, act)()


@pytest.mark.parametrize(
    "body", ['{"data": 7}', '{"data": ["x"]}', '{"id": 7}', '{"id": "two words"}', '{"id": ""}', '{"data": null}']
)
async def test_a_yes_that_makes_no_sense_is_none(here, body):
    here.standin.dial.set(Fault.NONSENSE, body=body)
    for act in (here.check, here.send):
        with pytest.raises(PlatformError):
            await act()


async def test_a_check_has_its_seconds_in_all(here, monkeypatch):
    monkeypatch.setattr("atlas_hub.providers._resend.SECONDS", 0.1)
    here.standin.dial.set(Fault.HANG)
    with pytest.raises(NetworkError) as caught:
        await here.check()
    assert caught.value.text == "Resend did not answer within 0.1 seconds. Try again."


@pytest.mark.parametrize(
    ("status", "name", "message", "error", "word"),
    [
        (401, "missing_api_key", "canary", InvalidCredentials, "API key"),
        (403, "invalid_api_key", "canary", InvalidCredentials, "API key"),
        (401, "restricted_api_key", "canary", InsufficientPermissions, "may not send"),
        (403, "suspended_api_key", "canary", InsufficientPermissions, "suspended"),
        (422, "invalid_from_address", "canary", InsufficientPermissions, "sender address"),
        (403, "validation_error", "The x domain is not verified.", InsufficientPermissions, "acme.example"),
        (403, "validation_error", "You can only send testing emails", InsufficientPermissions, "own address"),
        (422, "validation_error", "canary", InsufficientPermissions, "Check the recipient"),
        (429, "rate_limit_exceeded", "canary", RateLimited, "60 seconds"),
        (429, "daily_quota_exceeded", "canary", RateLimited, "a day"),
        (429, "monthly_quota_exceeded", "canary", InsufficientPermissions, "month"),
        (451, "security_error", "canary", PlatformError, "451"),
        (500, "application_error", "canary", PlatformError, "500"),
    ],
)
async def test_each_of_resends_errors_has_a_sentence(here, monkeypatch, *, status, name, message, error, word):
    refusal = resend.ResendError(status, name, message)

    def refused(*_given, **_named):
        raise refusal

    monkeypatch.setattr(here.standin, "_key", refused)
    with pytest.raises(error) as caught:
        await here.send()
    assert type(caught.value) is error
    assert word in caught.value.text
    assert "canary" not in caught.value.text


@pytest.mark.parametrize("body", ["[]", "<html>", '{"name": 7}'])
async def test_an_error_in_another_shape_is_judged_by_its_status(here, monkeypatch, body):
    async def answer(scope, receive, send):
        await Response(body, status_code=418)(scope, receive, send)

    monkeypatch.setattr(here.standin, "_app", answer)
    for act in (here.check, here.send):
        with pytest.raises(PlatformError) as caught:
            await act()
        assert "418" in caught.value.text


async def test_a_mail_is_plain_text_to_one_recipient_and_nothing_is_smuggled(here):
    message = Message(subject="Hello\r\nBcc: x@example.com", text="One.\nTwo <b>\u00e9</b>.")
    receipt = await here.send("ana@example.com", message)
    (sent,) = here.standin.messages
    assert sent == {
        "from": "alerts@acme.example",
        "to": ["ana@example.com"],
        "subject": "Hello Bcc: x@example.com",
        "text": "One.\nTwo <b>\u00e9</b>.",
        "id": receipt.id,
    }
    assert receipt.text == f"Resend accepted it for ana@example.com as {receipt.id}."
    assert json.dumps(sent).count("\\r") == 0


@pytest.mark.parametrize("to", ["", "ana", "a@b@c.example", "ana@example.com\r\nBcc: x@example.com", "a@b.c,d@e.f"])
async def test_a_recipient_is_one_address_alone(here, to):
    with pytest.raises(BadForm) as caught:
        await here.send(to)
    assert list(caught.value.fields) == ["to"]
    assert not here.standin.calls
    with pytest.raises(BadForm):
        here.form(senderAddress=to or "x")
