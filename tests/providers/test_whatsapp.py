"""WhatsApp's own ways: an id that is no phone number, tokens that end, versions, codes, the 24 hours."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.redact import redact
from atlas_hub.providers.contract import Message
from atlas_hub.providers.whatsapp import PROVIDER
from tests.providers.conftest import LOOPBACK, Guard, Hurried
from tests.standins import whatsapp
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("whatsapp", "access_token")


def error(code, message="canary", **facts):
    return {"error": {"message": message, "type": "OAuthException", "code": code, **facts}}


@pytest.mark.parametrize("value", ["+1 555-012-3456", "+15550123456", "(555) 012 3456", "1 555 012 3456", "1-555-0123"])
def test_a_phone_number_is_told_from_its_id(world, value):
    with pytest.raises(BadForm) as caught:
        world.form(phoneNumberId=value)
    assert "looks like the phone number" in caught.value.fields["phone_number_id"]
    assert world.form()


@pytest.mark.parametrize("value", ["1" * 65, "12a", "1/x", "\u0661" * 15, "1?x"])
def test_a_phone_number_id_is_digits_alone(world, value):
    with pytest.raises(BadForm) as caught:
        world.form(phoneNumberId=value)
    assert "digits alone" in caught.value.fields["phone_number_id"]


LOOKALIKES = {
    "https://graph.facebook.com": "an address",
    whatsapp.PERMANENT + " x": "characters",
    "x" * 2049: "characters",
    whatsapp.PERMANENT + "\u00e9": "characters",
    whatsapp.PERMANENT + "\r\nX-Evil: 1": "characters",
}


@pytest.mark.parametrize("token", LOOKALIKES)
def test_a_paste_of_another_kind_is_named(world, token):
    with pytest.raises(BadForm) as caught:
        world.form(accessToken=token)
    assert LOOKALIKES[token] in caught.value.fields["access_token"]
    assert world.form()


def test_the_browser_says_the_same_of_a_paste_as_the_form(world):
    for name, alias in (("access_token", "accessToken"), ("phone_number_id", "phoneNumberId")):
        for start, sentence in world.way.form.said_of(name)["lookalikes"].items():
            with pytest.raises(BadForm) as caught:
                world.form(**{alias: f"{start}1"})
            assert caught.value.fields[name] == sentence


def test_a_token_is_never_shown_in_a_log():
    assert whatsapp.PERMANENT not in redact(f"sent {whatsapp.PERMANENT} to Meta")


async def test_the_card_shows_the_number(world):
    result = await world.check()
    assert result.account.details == {
        "Phone": whatsapp.PHONE,
        "Phone Number ID": whatsapp.NUMBER,
        "Name": "Acme Corp",
        "Quality": "Green",
    }
    assert result.account.wire == {"phoneNumberId": whatsapp.NUMBER, "displayPhone": whatsapp.PHONE}
    assert result.account.name == whatsapp.PHONE
    assert result.label == "Acme Corp"
    assert result.granted == set(whatsapp.SCOPES)
    assert (result.expires_at, result.warnings, result.limits) == (None, (), ())


async def test_a_check_changes_nothing_at_meta(world):
    await world.check()
    assert [(call.method, call.path) for call in world.standin.calls] == [
        ("GET", f"/v18.0/{whatsapp.NUMBER}"),
        ("GET", "/v18.0/debug_token"),
    ]
    assert world.standin.calls[0].query == "fields=display_phone_number,verified_name,quality_rating"
    assert world.standin.calls[1].query == f"input_token={whatsapp.PERMANENT}"
    assert {call.headers["authorization"] for call in world.standin.calls} == {f"Bearer {whatsapp.PERMANENT}"}


async def test_a_number_that_tells_little_is_called_by_its_id(world):
    world.standin.number = {"id": whatsapp.NUMBER, "verified_name": None, "quality_rating": "UNKNOWN"}
    result = await world.check()
    assert result.account.details == {"Phone Number ID": whatsapp.NUMBER}
    assert result.account.wire == {"phoneNumberId": whatsapp.NUMBER, "displayPhone": None}
    assert result.label == result.account.name == whatsapp.NUMBER


@pytest.mark.parametrize("said", [{"id": whatsapp.UNKNOWN}, {"id": 7}, {"id": "wa"}])
async def test_the_number_is_the_one_that_was_asked_for(world, answered, said):
    answered(200, said, path="fields=")
    account = (await world.check()).account
    assert account.key == account.wire["phoneNumberId"] == account.name == whatsapp.NUMBER


@pytest.mark.parametrize("said", [{"id": True}, {"id": None}, {"display_phone_number": "+1 555"}])
async def test_a_number_without_an_id_is_none(world, answered, said):
    answered(200, said, path="fields=")
    with pytest.raises(PlatformError):
        await world.check()


async def test_a_red_number_is_a_warning(world):
    world.standin.number["quality_rating"] = "RED"
    result = await world.check()
    assert "quality red" in result.warnings[0]
    assert result.account.details["Quality"] == "Red"


async def test_the_version_that_answered_is_shown_where_it_is_another(world):
    world.standin.oldest = 21
    assert (await world.check()).account.details["Graph version"] == "v21.0"


@pytest.mark.parametrize("header", ["v18.0", "<b>v21.0</b>", "", "21"])
async def test_what_is_no_other_version_is_not_shown(world, answered, header):
    answered(200, world.standin.number, {"facebook-api-version": header}, path="fields=")
    assert "Graph version" not in (await world.check()).account.details


async def test_the_operators_version_is_asked_for(world):
    http = Hurried({"META_GRAPH": world.standin.base}, Guard(LOOPBACK), versions={"META_GRAPH": "v23.0"})
    world.http = http
    assert "Graph version" not in (await world.check()).account.details
    assert (await world.send()).id
    assert {call.path.split("/")[1] for call in world.standin.calls} == {"v23.0"}
    await http.close()


async def test_a_temporary_token_is_told_from_a_permanent_one(world):
    result = await world.check(accessToken=whatsapp.TEMPORARY)
    assert timedelta(hours=22) < result.expires_at - now() <= timedelta(hours=23)
    (limit,) = result.limits
    assert limit.startswith("This is a temporary token: it ends on ")
    assert f"{result.expires_at:%-d %B %Y at %H:%M} UTC" in limit
    assert "System users" in limit
    assert len(limit) < 500
    assert [step.ok for step in world.steps if step.key == "token"] == [None, False]


async def test_the_end_of_data_access_counts_too(world):
    world.standin.tokens[whatsapp.PERMANENT].data_ends_in = 90 * whatsapp.DAY
    result = await world.check()
    assert timedelta(days=89) < result.expires_at - now() <= timedelta(days=90)
    assert result.limits[0].startswith("What this token may see ends on ")


async def test_a_token_without_the_scope_says_which(world):
    result = await world.check(accessToken=whatsapp.NARROW)
    assert result.granted == {"public_profile"}
    assert PROVIDER.needed_scopes - result.granted == {"whatsapp_business_messaging"}
    assert "whatsapp_business_management" in result.warnings[0]
    assert [step.detail for step in world.steps][-1] == "Missing: whatsapp_business_messaging."
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(accessToken=whatsapp.NARROW)
    assert caught.value.required_scopes == ("whatsapp_business_messaging",)


async def test_a_scope_of_a_strange_shape_is_left_out(world):
    world.standin.tokens[whatsapp.PERMANENT].scopes = (*whatsapp.SCOPES, "<b>", "x" * 65)
    assert (await world.check()).granted == set(whatsapp.SCOPES)


async def test_a_token_that_may_not_be_looked_at_is_a_warning(world):
    result = await world.check(accessToken=whatsapp.SHY)
    assert (result.granted, result.expires_at, result.limits) == (None, None, ())
    assert result.warnings == ("WhatsApp did not tell what the token may do and when it ends.",)
    assert result.account.key == whatsapp.NUMBER


UNTOLD = "WhatsApp did not tell what the token may do and when it ends."


@pytest.mark.parametrize(
    "fault",
    [
        Fault.BUSY_SECONDS,
        Fault.SERVER_ERROR,
        Fault.UNAVAILABLE,
        Fault.HTML,
        Fault.EMPTY,
        Fault.NONSENSE,
        Fault.REDIRECT,
        Fault.RESET,
        Fault.HANG,
    ],
)
async def test_trouble_at_the_second_question_is_a_warning(world, fault):
    if fault is Fault.HANG:
        world.hurry()
    world.standin.dial.set(fault, path="*/debug_token")
    result = await world.check()
    assert (result.granted, result.warnings, result.account.key) == (None, (UNTOLD,), whatsapp.NUMBER)
    assert [step.ok for step in world.steps if step.key == "token"] == [None, False]
    world.mend()
    assert (await world.check()).granted


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, error(190)),
        (403, error(10)),
        (403, "<html>"),
        (404, ""),
        (404, {}),
        (405, {}),
        (400, error(100)),
        (400, error(4)),
        (200, {}),
        (200, {"data": None}),
        (200, {"data": {}}),
        (200, {"data": {"is_valid": "yes"}}),
        (200, {"data": {"is_valid": True, "scopes": "all"}}),
        (200, {"data": {"is_valid": True, "expires_at": 10**15}}),
    ],
)
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, answered, status, said):
    answered(status, said, path="debug_token")
    result = await world.check()
    assert (result.granted, result.expires_at, result.warnings) == (None, None, (UNTOLD,))


async def test_a_vendor_with_one_body_for_every_path_still_connects(world, answered):
    answered(200, {"id": 123, "display_phone_number": "+1 555", "verified_name": "x" * 500})
    result = await world.check(phoneNumberId="123", accessToken="tok")
    assert result.account.wire == {"phoneNumberId": "123", "displayPhone": "+1 555"}
    assert result.warnings == (UNTOLD,)
    assert result.label == "x" * 120


@pytest.mark.parametrize("token", ["tok", "IGQV", "1|abc", "0123456789abcdef" * 2, "a/b&c=d%", "x" * 2048])
async def test_of_a_token_of_any_shape_whatsapp_is_the_judge(world, token):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(accessToken=token)
    assert caught.value.field == "access_token"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        *((status, {}, InvalidCredentials) for status in (400, 401, 403, 404, 405)),
        *((status, "<html>", InvalidCredentials) for status in (400, 401, 403, 404)),
        (400, {"error": "canary"}, InvalidCredentials),
        (400, {"error": {"message": "canary"}}, InvalidCredentials),
        (200, {"error": {"message": "canary", "type": "OAuthException"}}, InvalidCredentials),
        (403, error(12345), InvalidCredentials),
        (400, error(100), InvalidCredentials),
        (400, error("canary"), InvalidCredentials),
        (403, error(10), InsufficientPermissions),
        (403, error(131031), InsufficientPermissions),
        (200, {"error": {"message": "canary"}}, PlatformError),
        (400, error(1), PlatformError),
        (400, error(2500), PlatformError),
        (408, {}, PlatformError),
        (500, error(0), PlatformError),
        (503, "<html>", PlatformError),
        (429, {}, RateLimited),
    ],
)
async def test_a_sign_in_is_refused_in_any_words(world, answered, status, said, kind):
    answered(status, said)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind
    assert "canary" not in caught.value.text


async def test_a_token_that_ended_just_now_is_refused(world):
    world.standin.tokens[whatsapp.PERMANENT].is_valid = False
    with pytest.raises(AuthExpired) as caught:
        await world.check()
    assert caught.value.field == "access_token"


@pytest.mark.parametrize(
    ("token", "said"),
    [(whatsapp.EXPIRED, "has expired"), (whatsapp.CHANGED, "password"), (whatsapp.REVOKED, "revoked")],
)
async def test_a_token_that_ended_says_why_and_how_to_make_a_lasting_one(world, token, said):
    with pytest.raises(AuthExpired) as caught:
        await world.check(accessToken=token)
    assert said in caught.value.text
    assert "System users" in caught.value.text
    assert caught.value.field == "access_token"
    assert await world.check()


async def test_an_unknown_token_is_refused_and_an_unknown_subcode_invents_no_reason(world, answered):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(accessToken=whatsapp.fake("u"))
    assert caught.value.field == "access_token"
    answered(400, error(190, error_subcode=1))
    with pytest.raises(InvalidCredentials):
        await world.check()


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Error validating access token: Session has expired on Friday.", "it has expired"),
        ("Error validating access token: The session has been invalidated because of this.", "it was revoked"),
        ("Error validating access token: The user has not authorized application 1.", "the app was removed"),
    ],
)
async def test_newer_versions_tell_the_end_in_words_alone(world, answered, message, said):
    answered(401, error(190, message))
    with pytest.raises(AuthExpired) as caught:
        await world.check()
    assert said in caught.value.text


@pytest.mark.parametrize(
    ("number", "token", "said"),
    [
        (whatsapp.UNKNOWN, whatsapp.PERMANENT, "no such Phone Number ID"),
        (whatsapp.NUMBER, whatsapp.STRANGE, "no such Phone Number ID"),
        (whatsapp.ACCOUNT, whatsapp.PERMANENT, "not a phone number's"),
    ],
)
async def test_an_id_that_is_no_number_of_this_token_is_the_fault_of_the_id(world, number, token, said):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(phoneNumberId=number, accessToken=token)
    assert said in caught.value.text
    assert caught.value.field == "phone_number_id"
    assert await world.check()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (whatsapp.NO_WHATSAPP, "has WhatsApp"),
        (whatsapp.NOT_LISTED, "on its list"),
        (whatsapp.SILENT, "within 24 hours"),
    ],
)
async def test_a_person_who_gets_nothing_is_the_fault_of_the_destination(world, to, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(to)
    assert caught.value.field == "to"
    assert said in caught.value.text
    assert (await world.send()).id


@pytest.mark.parametrize(
    ("status", "said", "kind", "field"),
    [
        (400, error(130497), InsufficientPermissions, "to"),
        (400, error(131021), InsufficientPermissions, "to"),
        (400, error(131049), InsufficientPermissions, "to"),
        (404, error(132001), InsufficientPermissions, "to"),
        (403, error(368), InsufficientPermissions, None),
        (403, error(131031), InsufficientPermissions, None),
        (400, error(131042), InsufficientPermissions, None),
        (400, error(133010), InsufficientPermissions, None),
        (400, error(100, "API calls require an appsecret_proof argument"), InsufficientPermissions, None),
        (400, error(3), InsufficientPermissions, "access_token"),
        (400, error(299), InsufficientPermissions, "access_token"),
        (403, error(12345), InsufficientPermissions, "access_token"),
        (401, error(0), InvalidCredentials, "access_token"),
        (400, error(33), InvalidCredentials, "phone_number_id"),
        (400, error(190), InvalidCredentials, "access_token"),
        (400, error(100), PlatformError, None),
        (400, error(2500), PlatformError, None),
        (400, error(131000), PlatformError, None),
        (500, error(2), PlatformError, None),
        (400, error("canary"), PlatformError, None),
        (400, {"error": "Canary canary"}, PlatformError, None),
        (401, "<html>canary", InvalidCredentials, "access_token"),
    ],
)
async def test_a_code_becomes_a_remedy_and_the_message_is_never_repeated(world, answered, status, said, kind, field):
    answered(status, said)
    with pytest.raises(kind) as caught:
        await world.send()
    assert type(caught.value) is kind
    assert caught.value.field == field
    assert "canary" not in caught.value.text
    assert caught.value.text.endswith(".")
    assert "WhatsApp" in caught.value.text


USAGE = "x-business-use-case-usage"


def usage(minutes):
    return json.dumps({"1": [{"type": "whatsapp", "estimated_time_to_regain_access": minutes}]})


@pytest.mark.parametrize("code", [4, 80007, 130429, 131048, 131056])
async def test_a_code_may_mean_busy_whatever_the_status(world, answered, code):
    answered(400, error(code))
    with pytest.raises(RateLimited) as caught:
        await world.send()
    assert caught.value.retry_after == 60


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({USAGE: usage(7)}, 420),
        ({USAGE: usage(7), "retry-after": "5"}, 5),
        ({USAGE: usage(0)}, 60),
        ({USAGE: usage("7")}, 60),
        ({USAGE: "nonsense"}, 60),
        ({USAGE: "[]"}, 60),
        ({USAGE: '{"1": 7, "2": [7]}'}, 60),
        ({USAGE: usage(10**6)}, 86_400),
    ],
)
async def test_the_waiting_time_is_in_the_header_of_usage(world, answered, headers, seconds):
    answered(429, error(80007), headers)
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert caught.value.retry_after == seconds


async def test_a_message_is_plain_and_the_receipt_promises_no_more_than_whatsapp(world):
    receipt = await world.send(" +1 (555) 000-0001 ")
    assert world.standin.messages == [
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": whatsapp.GRACE,
            "type": "text",
            "text": {"preview_url": False, "body": "Nothing needs to be done."},
        }
    ]
    assert receipt.id.startswith("wamid.")
    assert "accepted it for +15550000001" in receipt.text
    assert "only if that person wrote" in receipt.text


@pytest.mark.parametrize("messages", [None, [], [{}], ["x"], [{"id": 7}], [{"id": "<b>"}], {"id": "wamid.x"}])
async def test_without_an_id_nothing_was_sent(world, answered, messages):
    answered(200, {"messages": messages})
    with pytest.raises(PlatformError):
        await world.send()


async def test_a_message_that_is_too_long_is_not_sent(world):
    form = world.form()
    with pytest.raises(BadForm) as caught:
        await world.way.send(form, whatsapp.GRACE, Message(text="x" * 4097), world.http)
    assert set(caught.value.fields) == {"text"}
    assert not world.standin.calls
    assert (await world.way.send(form, whatsapp.GRACE, Message(text="x" * 4096), world.http)).id


async def test_moments_are_of_one_zone(world):
    result = await world.check(accessToken=whatsapp.TEMPORARY)
    assert result.expires_at.tzinfo is UTC
    assert isinstance(result.expires_at, datetime)
