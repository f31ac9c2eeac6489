"""Linear's own ways: a key without Bearer, GraphQL errors in any status, a budget that ends in milliseconds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from atlas_hub.kit import clock
from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.providers.linear import PROVIDER, QUERY
from tests.providers.stubs import connect, rests, stub
from tests.providers.test_contract import every_word_of
from tests.standins import linear
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("linear", "api_key")

VIEWER = {"id": linear.ADA_ID, "name": "Ada Lovelace", "email": "ada@acme.example"}


def answers(world, said, monkeypatch, *, status=200, headers=None):
    """Let Linear answer with a body, a status and headers of one's own."""
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps(said))
    ask = world.http.ask

    async def changed(*given, **named):
        answer = await ask(*given, **named)
        return replace(answer, status=status, headers={**answer.headers, **(headers or {})})

    monkeypatch.setattr(world.http, "ask", changed)


def refused(code=None, kind=None, message="canary"):
    extensions = {name: text for name, text in (("code", code), ("type", kind)) if text}
    return {"errors": [{"message": message, "extensions": extensions}]}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (linear.WEBHOOK, "webhook"),
        (linear.fake("refresh", "x"), "refresh token"),
        ("https://linear.app/acme/settings/api", "address"),
        ("lin_api_a b", "characters"),
        ("lin_api_" + "\u00e9" * 40, "characters"),
        ("x" * 513, "characters"),
        ("lin_api_" + "x" * 512, "characters"),
        ("lin_api_\r\nX-Evil: 1", "characters"),
    ],
)
def test_what_is_no_key_is_called_by_its_name(world, key, said):
    with pytest.raises(BadForm) as caught:
        world.form(apiKey=key)
    sentence = caught.value.fields["api_key"]
    assert said in sentence
    assert "lin_api_" in sentence
    assert world.form()


def test_what_is_said_at_once_of_a_paste_is_what_the_form_says(world):
    for start, sentence in world.way.form.said_of("api_key")["lookalikes"].items():
        with pytest.raises(BadForm) as caught:
            world.form(apiKey=f"{start}canary")
        assert caught.value.fields == {"api_key": sentence}


async def test_a_personal_key_goes_bare(world):
    await world.check()
    assert [(call.method, call.path) for call in world.standin.calls] == [("POST", "/graphql")]
    assert world.standin.calls[0].headers["authorization"] == linear.ADA
    assert world.standin.calls[0].json() == {"query": QUERY}


async def test_an_oauth_token_goes_with_bearer_and_a_warning(world):
    result = await world.check(apiKey=linear.OAUTH)
    assert world.standin.calls[0].headers["authorization"] == f"Bearer {linear.OAUTH}"
    assert result.account.key == linear.ADA_ID
    assert "OAuth token" in result.warnings[0]
    assert "OAuth" in world.steps[1].detail


async def test_a_key_without_the_usual_beginning_is_tried(world):
    world.standin.keys["0123456789abcdef"] = world.standin.keys[linear.ADA]
    assert (await world.check(apiKey="0123456789abcdef")).warnings == ()
    assert "this one does not" in world.steps[1].detail


async def test_the_card_shows_user_email_and_workspace(world):
    result = await world.check()
    assert result.account.details == {"User": "Ada Lovelace", "Email": "ada@acme.example", "Workspace": "Acme"}
    assert result.account.wire == {"userName": "Ada Lovelace", "userEmail": "ada@acme.example"}
    assert result.account.url == "https://linear.app/acme"
    assert result.label == result.account.name == "Ada Lovelace (Acme)"
    assert (result.granted, result.warnings, result.limits) == (None, (), ())


async def test_a_query_changes_nothing():
    assert QUERY.startswith("query ")
    assert "mutation" not in QUERY
    assert PROVIDER.features == {}


@pytest.mark.parametrize(
    "organization",
    [None, [], "Acme", 7, {"name": 7, "urlKey": "acme"}, {"name": ""}, {}],
)
async def test_without_a_workspace_the_key_is_still_somebodys(world, monkeypatch, organization):
    answers(world, {"data": {"viewer": VIEWER, "organization": organization}}, monkeypatch)
    result = await world.check()
    assert "Workspace" not in result.account.details
    assert (result.label, result.account.url) == ("Ada Lovelace", None)
    assert "workspace" in result.warnings[0]


async def test_a_vendor_that_knows_only_the_viewer_suffices(world, monkeypatch):
    answers(world, {"data": {"viewer": VIEWER}}, monkeypatch)
    assert (await world.check()).account.key == linear.ADA_ID


async def test_a_key_that_may_not_read_the_workspace_is_accepted(world):
    result = await world.check(apiKey=linear.NO_WORKSPACE)
    assert result.account.key == linear.ADA_ID
    assert result.warnings


async def test_an_error_beside_the_workspaces_still_counts(world, monkeypatch):
    both = [linear.error(403, path=["organization"]), linear.error(401, path=["viewer"])]
    answers(world, {"data": {"viewer": VIEWER}, "errors": both}, monkeypatch)
    with pytest.raises(InvalidCredentials):
        await world.check()


async def test_an_error_about_the_workspace_without_a_viewer_counts(world, monkeypatch):
    answers(world, {"data": None, "errors": [linear.error(403, path=["organization"])]}, monkeypatch)
    with pytest.raises(InsufficientPermissions):
        await world.check()


@pytest.mark.parametrize(
    ("viewer", "user", "wire"),
    [
        ({"id": "u1"}, "u1", (None, None)),
        ({"id": "u1", "name": None, "email": None}, "u1", (None, None)),
        ({"id": "u1", "name": " ", "email": "a@b.example"}, "a@b.example", (None, "a@b.example")),
        ({"id": "u1", "name": "A\u202eda\nL"}, "Ada L", ("Ada L", None)),
    ],
)
async def test_a_person_without_a_name_is_called_by_what_there_is(world, monkeypatch, viewer, user, wire):
    answers(world, {"data": {"viewer": viewer}}, monkeypatch)
    account = (await world.check()).account
    assert account.details["User"] == user
    assert tuple(account.wire.values()) == wire


async def test_an_address_is_linked_only_where_it_is_one(world, monkeypatch):
    organization = {"name": "Acme", "urlKey": "../evil"}
    answers(world, {"data": {"viewer": VIEWER, "organization": organization}}, monkeypatch)
    assert (await world.check()).account.url is None


@pytest.mark.parametrize(
    "viewer",
    [[], {}, {"id": 7}, {"id": ""}, {"id": "a b"}, {"id": "u1\n"}, {"id": "x" * 65}, {"id": "u1", "name": 7}],
)
async def test_an_identity_that_makes_no_sense_is_not_believed(world, monkeypatch, viewer):
    answers(world, {"data": {"viewer": viewer}}, monkeypatch)
    with pytest.raises(PlatformError):
        await world.check()


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, refused("AUTHENTICATION_ERROR"), InvalidCredentials),
        (401, refused(None, "authentication error"), InvalidCredentials),
        (200, refused("SOMETHING_NEW", "authentication error"), InvalidCredentials),
        (401, refused(), InvalidCredentials),
        (401, {}, InvalidCredentials),
        (400, refused("FORBIDDEN"), InsufficientPermissions),
        (200, refused(None, "forbidden"), InsufficientPermissions),
        (403, {"errors": "no"}, InsufficientPermissions),
        (400, refused("RATELIMITED"), RateLimited),
        (200, refused(None, "ratelimited"), RateLimited),
        (429, refused(), RateLimited),
        (429, [], RateLimited),
        (400, refused("INPUT_ERROR", "invalid input"), PlatformError),
        (200, refused(None, "invalid input"), PlatformError),
        (400, refused("GRAPHQL_VALIDATION_FAILED", "graphql error"), PlatformError),
        (200, refused("INTERNAL_SERVER_ERROR", "internal error"), PlatformError),
        (400, {"errors": [{"message": "canary", "extensions": "none"}]}, InvalidCredentials),
        (200, {"errors": [{"message": "canary"}]}, InvalidCredentials),
        (200, {"errors": ["canary"]}, InvalidCredentials),
        (200, {"data": {"viewer": None}, "errors": [{"message": "canary"}]}, InvalidCredentials),
        (200, {"data": {"viewer": VIEWER}, "errors": [{"message": "canary"}]}, InvalidCredentials),
        (200, refused("UNAUTHENTICATED"), InvalidCredentials),
        (403, refused(), InvalidCredentials),
        (404, refused(), InvalidCredentials),
        (200, {"data": {"viewer": None}}, InvalidCredentials),
        (400, {"errors": ["canary"]}, InvalidCredentials),
        (400, {"message": "canary"}, InvalidCredentials),
        (400, {}, InvalidCredentials),
        (200, {"data": None, "errors": []}, PlatformError),
        (500, {"data": {"viewer": None}}, PlatformError),
        (404, {}, PlatformError),
        (500, refused("AUTHENTICATION_ERROR"), PlatformError),
        (503, refused("FORBIDDEN"), PlatformError),
        (200, {"data": []}, PlatformError),
    ],
)
async def test_each_refusal_has_its_meaning_in_any_status(world, monkeypatch, status, said, kind):
    answers(world, said, monkeypatch, status=status)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind
    assert "canary" not in every_word_of(caught.value)
    monkeypatch.undo()
    world.mend()
    assert await world.check()


async def test_a_code_is_shown_only_where_it_is_one(world, monkeypatch):
    for code, shown in (("INPUT_ERROR", "INPUT_ERROR"), ("input_error", "answer."), ("Input Error", "answer.")):
        answers(world, refused(code), monkeypatch, status=400)
        with pytest.raises(PlatformError) as caught:
            await world.check()
        assert shown in caught.value.text
        monkeypatch.undo()
    for code in ("canary", "https://evil.example"):
        answers(world, refused(code), monkeypatch, status=400)
        with pytest.raises(InvalidCredentials) as caught:
            await world.check()
        assert not any(word in every_word_of(caught.value) for word in ("evil", "canary"))
        monkeypatch.undo()


@rests
@pytest.mark.parametrize("key", ["test-key", "lin_api_test", "made!up#key"])
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest, key):
    result = await connect(world.way, {"apiKey": key}, stub({"/graphql": {"data": {"viewer": VIEWER}}}, rest))
    assert result.account.wire == {"userName": "Ada Lovelace", "userEmail": "ada@acme.example"}


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("said", [{"errors": [{"message": "no"}]}, {"errors": ["no"], "data": None}])
async def test_any_shape_of_refusal_is_a_refusal(world, status, said):
    with pytest.raises(InvalidCredentials) as caught:
        await connect(world.way, {"apiKey": "test-key"}, stub({"/graphql": said}, status=status))
    assert caught.value.field == "api_key"


async def test_a_long_name_fits_where_it_is_kept(world):
    data = {"viewer": {"id": "u1", "name": "n" * 300}, "organization": {"name": "o" * 300}}
    result = await connect(world.way, {"apiKey": "test-key"}, stub({"/graphql": {"data": data}}))
    assert len(result.label) == len(result.account.name) == 120


async def test_a_refused_key_says_where_the_new_one_is_made(world):
    for key in (linear.REVOKED, "lin_api_nobody"):
        with pytest.raises(InvalidCredentials) as caught:
            await world.check(apiKey=key)
        assert caught.value.field == "api_key"
        assert "Personal API keys" in caught.value.text


async def test_a_key_that_may_read_nothing_lacks_a_permission(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(apiKey=linear.FORBIDDEN)
    assert caught.value.field == "api_key"


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "+30"}, 28, 30),
        ({"x-ratelimit-complexity-remaining": "0", "x-ratelimit-complexity-reset": "+40"}, 38, 40),
        (
            {
                "x-ratelimit-endpoint-requests-remaining": "0",
                "x-ratelimit-endpoint-requests-reset": "+20",
                "x-ratelimit-requests-remaining": "9",
                "x-ratelimit-requests-reset": "+3000",
            },
            18,
            20,
        ),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "-30"}, 1, 1),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "9999999999999"}, 86_400, 86_400),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "soon"}, 60, 60),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "1700000000"}, 60, 60),
        ({"x-ratelimit-requests-remaining": "5", "x-ratelimit-requests-reset": "+30"}, 60, 60),
        (
            {
                "retry-after": "7",
                "x-ratelimit-requests-remaining": "0",
                "x-ratelimit-requests-reset": "+30",
            },
            7,
            7,
        ),
        ({}, 60, 60),
    ],
)
async def test_the_waiting_time_is_that_of_the_budget_that_is_used_up(world, monkeypatch, headers, least, most):
    here = clock.now().timestamp()
    told = {name: str(int((here + int(text)) * 1000)) if text[0] in "+-" else text for name, text in headers.items()}
    answers(world, refused("RATELIMITED"), monkeypatch, status=400, headers=told)
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert least <= caught.value.retry_after <= most
