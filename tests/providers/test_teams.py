"""Microsoft Teams' own ways: numbers instead of words, tenants, Graph as a second opinion, conversations in a path."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.providers.contract import Message
from tests.providers.stubs import connect, rests, stub
from tests.standins import teams
from tests.standins.dial import Fault

pytestmark = pytest.mark.entry("teams", "app")

ORGANIZATION, ACTIVITIES = "/v1.0/organization", "*/activities"
SECOND = "Acme Corp"


def answered(world: Any, monkeypatch: pytest.MonkeyPatch, path: str, status: int, said: Any) -> None:
    """Let the vendor answer with `status` and `said` where the path ends in `path`."""
    ask = world.http.ask

    async def ask_and_replace(upstream: Any, method: str, asked: str, **named: Any) -> Any:
        answer = await ask(upstream, method, asked, **named)
        if path not in asked:
            return answer
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return replace(answer, status=status, body=body, headers={})

    monkeypatch.setattr(world.http, "ask", ask_and_replace)


def jwt(claims: Any) -> str:
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{part}.x"


def minted(token: str) -> dict[str, Any]:
    return {"token_type": "Bearer", "expires_in": 3599, "access_token": token}


def paths(world: Any) -> list[str]:
    return [call.path for call in world.standin.calls]


async def test_the_card_shows_tenant_and_app(world):
    result = await world.check()
    account = result.account
    assert account.details == {"Tenant": SECOND, "Tenant ID": teams.ACME, "App ID": teams.ATLAS}
    assert account.wire == {"tenantId": teams.ACME, "tenantName": SECOND, "appId": teams.ATLAS}
    assert (account.key, account.app_key, account.name) == (teams.ACME, teams.ATLAS, SECOND)
    assert account.url.startswith("https://portal.azure.com/#view/")
    assert account.url.endswith(f"/appId/{teams.ATLAS}")
    assert (result.label, result.granted, result.expires_at) == (SECOND, None, None)
    assert (result.warnings, result.limits) == ((), ())


async def test_a_check_asks_for_tokens_by_form_and_changes_nothing(world):
    await world.check()
    token = f"/{teams.ACME}/oauth2/v2.0/token"
    assert paths(world) == [token, token, ORGANIZATION]
    first, second, graph = world.standin.calls
    assert first.form() == {
        "grant_type": "client_credentials",
        "client_id": teams.ATLAS,
        "client_secret": teams.GOOD,
        "scope": "https://api.botframework.com/.default",
    }
    assert second.form() == first.form() | {"scope": "https://graph.microsoft.com/.default"}
    assert (graph.method, graph.query) == ("GET", "$select=id,displayName")
    assert not world.standin.messages


async def test_a_multi_tenant_bot_proves_no_tenant(world):
    result = await world.check(appId=teams.OLD, tenantId=None)
    assert paths(world) == ["/botframework.com/oauth2/v2.0/token"]
    assert (result.account.key, result.account.app_key) == (teams.OLD, teams.OLD)
    assert result.account.name == f"App {teams.OLD}"
    assert result.account.details == {"App ID": teams.OLD}
    assert result.account.wire == {"tenantId": None, "tenantName": None, "appId": teams.OLD}
    assert "Tenant ID" in result.warnings[0]
    assert [step.key for step in world.steps[1::2]] == ["format", "reached", "accepted", "tenant"]


@pytest.mark.parametrize("shared", ["botframework.com", "BotFramework.com", teams.SHARED_ID, teams.SHARED_ID.upper()])
async def test_the_bot_frameworks_own_tenant_is_nobodys(world, shared):
    result = await world.check(appId=teams.OLD, tenantId=shared)
    assert result.account.wire["tenantId"] is None
    assert result.account.key == teams.OLD


@pytest.mark.parametrize("tenant", ["acme.onmicrosoft.com", "ACME.onmicrosoft.com", teams.ACME.upper(), "acme.example"])
async def test_a_tenant_is_the_same_by_every_name(world, tenant):
    for app in (teams.ATLAS, teams.SHY):
        result = await world.check(appId=app, tenantId=f' "{tenant}" ')
        assert result.account.key == teams.ACME
        assert result.account.details["Tenant ID"] == teams.ACME


async def test_an_app_id_is_the_same_in_capitals(world):
    assert (await world.check(appId=f" {teams.ATLAS.upper()} ")).account.app_key == teams.ATLAS
    world.standin.apps["abcdefab-0000-0000-0000-000000000000"] = world.standin.apps[teams.ATLAS]
    result = await world.check(appId="ABCDEFAB-0000-0000-0000-000000000000")
    assert result.account.wire["appId"] == "abcdefab-0000-0000-0000-000000000000"


async def test_without_graphs_permission_the_name_stays_unknown(world):
    result = await world.check(appId=teams.SHY, tenantId="acme.onmicrosoft.com")
    assert result.account.details == {"Tenant ID": teams.ACME, "App ID": teams.SHY}
    assert result.account.wire == {"tenantId": teams.ACME, "tenantName": None, "appId": teams.SHY}
    assert result.label == "Tenant acme.onmicrosoft.com"
    assert "Organization.Read.All" in result.warnings[0]
    assert (await world.check()).label == SECOND


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.FORBIDDEN])
async def test_graph_may_refuse_without_harm(world, fault):
    world.standin.dial.set(fault, ORGANIZATION)
    result = await world.check()
    assert (result.account.key, result.account.wire["tenantName"]) == (teams.ACME, None)


async def test_a_tenant_without_graph_is_no_harm_either(world, monkeypatch):
    ask = world.http.ask

    async def without_graph(*given, **named):
        scope = (named.get("form") or {}).get("scope", "")
        if "graph" in scope:
            named["form"] = named["form"] | {"scope": "https://elsewhere.example/.default"}
        return await ask(*given, **named)

    monkeypatch.setattr(world.http, "ask", without_graph)
    assert (await world.check()).account.wire["tenantName"] is None


@pytest.mark.parametrize(
    "fault", [Fault.BUSY_SECONDS, Fault.SERVER_ERROR, Fault.HTML, Fault.NONSENSE, Fault.RESET, Fault.REDIRECT]
)
async def test_a_graph_that_is_unwell_leaves_the_name_unknown(world, fault):
    world.standin.dial.set(fault, ORGANIZATION)
    result = await world.check()
    assert (result.account.key, result.account.wire["tenantName"]) == (teams.ACME, None)
    assert "did not tell the tenant's name" in result.warnings[0]
    assert world.steps[-1].detail == result.warnings[0]
    world.mend()
    assert (await world.check()).label == SECOND


@pytest.mark.parametrize(
    "value",
    [[], [{}], [7], [{"id": "acme"}], [{"id": teams.ACME, "displayName": 7}], [{"id": teams.BETA}], {}, "x", None],
)
async def test_an_organization_that_makes_no_sense_is_not_believed(world, monkeypatch, value):
    answered(world, monkeypatch, ORGANIZATION, 200, {"value": value})
    result = await world.check()
    assert (result.account.key, result.account.wire["tenantName"]) == (teams.ACME, None)
    assert result.warnings
    monkeypatch.undo()
    assert (await world.check()).label == SECOND


async def test_a_second_token_that_is_not_made_leaves_the_name_unknown(world, monkeypatch):
    ask, asked = world.http.ask, []

    async def no_second(upstream: Any, method: str, path: str, **named: Any) -> Any:
        asked.append(path)
        answer = await ask(upstream, method, path, **named)
        return replace(answer, status=503, body=b"") if len(asked) > 1 else answer

    monkeypatch.setattr(world.http, "ask", no_second)
    assert (await world.check()).account.wire["tenantName"] is None
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("told", "name"),
    [(None, None), ("", None), ("  ", None), ("Acme\r\n\u202e Corp", "Acme Corp"), ("x" * 200, "x" * 120)],
)
async def test_a_name_is_cleaned_before_it_is_shown(world, monkeypatch, told, name):
    answered(world, monkeypatch, ORGANIZATION, 200, {"value": [{"id": teams.ACME.upper(), "displayName": told}]})
    result = await world.check()
    assert result.account.wire == {"tenantId": teams.ACME, "tenantName": name, "appId": teams.ATLAS}


@pytest.mark.parametrize(
    "token",
    ["opaque", "a.b.c", "a.\u00e9.c".encode("ascii", "replace").decode(), jwt([]), jwt({}), jwt({"tid": 7}), jwt("x")],
)
async def test_a_token_that_tells_no_tenant_leaves_it_to_graph_or_to_what_was_typed(world, monkeypatch, token):
    world.standin.tokens[token] = teams.TeamsToken(teams.ATLAS, teams.ACME, teams.GRAPH)
    answered(world, monkeypatch, "/oauth2/", 200, minted(token))
    assert (await world.check()).account.key == teams.ACME
    assert (await world.check(tenantId="acme.example")).account.key == teams.ACME
    world.standin.dial.set(Fault.FORBIDDEN, ORGANIZATION)
    assert (await world.check()).account.key == teams.ACME
    unresolved = await world.check(tenantId="acme.example")
    assert (unresolved.account.key, unresolved.label) == (teams.ATLAS, f"App {teams.ATLAS}")
    assert unresolved.account.wire["tenantId"] is None


async def test_a_token_for_another_tenant_is_not_believed(world, monkeypatch):
    answered(world, monkeypatch, "/oauth2/", 200, minted(jwt({"tid": teams.BETA})))
    with pytest.raises(PlatformError):
        await world.check()
    monkeypatch.undo()
    assert await world.check()


@pytest.mark.parametrize(
    ("changed", "kind", "field", "said"),
    [
        ({"appPassword": "wrong"}, InvalidCredentials, "app_password", "Value, not its Secret ID"),
        ({"appPassword": teams.SECRET_ID}, InvalidCredentials, "app_password", "looks like a Secret ID"),
        ({"appPassword": teams.SECRET_ID.upper()}, InvalidCredentials, "app_password", "looks like a Secret ID"),
        ({"appPassword": teams.EXPIRED}, AuthExpired, "app_password", "has expired"),
        ({"appId": teams.guid("9")}, InvalidCredentials, "app_id", "this tenant has no such app"),
        ({"tenantId": None}, InvalidCredentials, "app_id", "single-tenant bot needs its Tenant ID"),
        ({"tenantId": teams.BETA}, InvalidCredentials, "app_id", "this tenant has no such app"),
        ({"tenantId": teams.guid("9")}, InvalidCredentials, "tenant_id", "no such tenant"),
        ({"tenantId": "nobody.example"}, InvalidCredentials, "tenant_id", "no such tenant"),
        ({"appId": teams.DISABLED}, AuthExpired, "app_id", "Enterprise applications"),
        ({"appId": teams.ORPHAN}, InsufficientPermissions, "app_id", "service principal"),
    ],
)
async def test_a_number_of_entras_names_the_field_and_the_remedy(world, *, changed, kind, field, said):
    for act in (world.check, world.send):
        with pytest.raises(kind) as caught:
            await act(**changed)
        assert type(caught.value) is kind
        assert caught.value.field == field
        assert said in caught.value.text
        assert caught.value.vendor_code.startswith("AADSTS")
        assert not any(part in caught.value.text for part in ("Trace", teams.TRACE, "Correlation", teams.STAMP))
    assert not world.standin.messages


async def test_a_secret_of_a_guids_shape_is_tried_for_old_ones_have_it(world):
    world.standin.apps[teams.ATLAS].secrets[teams.SECRET_ID] = True
    result = await world.check(appPassword=teams.SECRET_ID)
    assert result.label == SECOND
    assert "Secret ID" in next(step.detail for step in world.steps if step.key == "format" and step.ok)
    await world.check()
    assert "Secret ID" not in next(step.detail for step in world.steps if step.key == "format" and step.ok)


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ({"error": "invalid_client", "error_codes": [53003]}, InvalidCredentials, "(AADSTS53003)"),
        ({"error": "unauthorized_client", "error_codes": [1, 2]}, InvalidCredentials, "(AADSTS1)"),
        ({"error": "access_denied", "error_description": "AADSTS53003: x"}, InvalidCredentials, "(AADSTS53003)"),
        ({"error": "invalid_grant", "error_codes": []}, InvalidCredentials, "(invalid_grant)"),
        ({"error": "invalid_grant", "error_codes": [True]}, InvalidCredentials, "(invalid_grant)"),
        ({"error": "invalid_client", "error_codes": ["7000215"]}, InvalidCredentials, "(invalid_client)"),
        ({"error": "unauthorized_client", "error_codes": [10**13]}, InvalidCredentials, "(unauthorized_client)"),
        ({"error": "invalid_request", "error_codes": [-7]}, InvalidCredentials, "(invalid_request)"),
        ({"error": "access_denied", "error_codes": 7}, InvalidCredentials, "(access_denied)"),
        ({"error": "invalid_grant", "error_description": "canary AADSTS7"}, InvalidCredentials, "(invalid_grant)"),
        ({"error": "server_error"}, PlatformError, "(400)"),
        ({"error": ["invalid_grant"]}, PlatformError, "(400)"),
        ({"error": "invalid_request", "error_codes": [900144]}, PlatformError, "(AADSTS900144)"),
        ({"error": "invalid_resource", "error_codes": [500011]}, PlatformError, "(AADSTS500011)"),
        ({"error": "temporarily_unavailable", "error_codes": [90033]}, PlatformError, "(AADSTS90033)"),
        ({"error": ["x"], "error_codes": [90033]}, PlatformError, "(AADSTS90033)"),
        ({"error": "invalid_client", "error_codes": [50196]}, RateLimited, "60 seconds"),
        ({"error": "invalid_grant", "error_codes": [90055]}, RateLimited, "60 seconds"),
        ([], PlatformError, "(400)"),
        (b"<html>", PlatformError, "(400)"),
    ],
)
async def test_any_other_number_is_told_as_a_number(world, monkeypatch, said, kind, text):
    if isinstance(said, dict):
        said = {"error_description": f"canary {teams.GOOD}", **said}
    answered(world, monkeypatch, "/oauth2/", 400, said)
    with pytest.raises(kind) as caught:
        await world.check()
    assert type(caught.value) is kind
    assert text in caught.value.text
    assert "canary" not in caught.value.text
    monkeypatch.undo()
    assert await world.check()


async def test_a_401_without_a_number_is_a_refusal(world, monkeypatch):
    answered(world, monkeypatch, "/oauth2/", 401, {})
    with pytest.raises(InvalidCredentials) as caught:
        await world.check()
    assert caught.value.field == "app_password"


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_fault_of_entras_is_nobodys_fault_whatever_its_number(world, monkeypatch, status):
    answered(world, monkeypatch, "/oauth2/", status, {"error": "invalid_client", "error_codes": [7000215]})
    with pytest.raises(PlatformError):
        await world.check()


@pytest.mark.parametrize(
    "tenant",
    [
        "common",
        "organizations",
        "contoso",
        "admin@contoso.com",
        "https://contoso.com",
        "contoso.com/x",
        "contoso..com",
        "-a.com",
        "a.com?x=1",
        "con toso.com",
        "127.0.0.1",
        "c\u00f6ntoso.com",
        ".",
        "..",
        f"{'a' * 64}.com",
        f"{'a.' * 130}com",
        "1234",
    ],
)
def test_only_a_tenant_enters_the_path(world, tenant):
    with pytest.raises(BadForm) as caught:
        world.form(tenantId=tenant)
    assert "GUID" in caught.value.fields["tenant_id"]
    assert world.form(tenantId="xn--cntoso-xxa.xn--p1ai").tenant_id == "xn--cntoso-xxa.xn--p1ai"


@pytest.mark.parametrize("app", [f"{{{teams.ATLAS}}}", "a b", "a/b", "\u00e9", "x" * 101])
def test_an_app_id_is_one_word(world, app):
    with pytest.raises(BadForm) as caught:
        world.form(appId=app)
    assert "Microsoft App ID" in caught.value.fields["app_id"]


BOT_TOKEN = "/botframework.com/oauth2/v2.0/token"
MADE_UP = {"appId": "app-1", "appPassword": "secret"}


@rests
@pytest.mark.parametrize("tenant", [None, "acme.example", teams.ACME])
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest, tenant):
    path = f"/{tenant}/oauth2/v2.0/token" if tenant else BOT_TOKEN
    http = stub({path: {"access_token": "made-up"}}, rest)
    result = await connect(world.way, MADE_UP | {"tenantId": tenant}, http)
    assert result.account.app_key == "app-1"
    assert result.account.wire["appId"] == "app-1"
    assert result.warnings


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize("word", ["invalid_client", "unauthorized_client", "invalid_grant", "invalid_request"])
async def test_any_shape_of_refusal_is_a_refusal(world, status, word):
    with pytest.raises(InvalidCredentials) as caught:
        await connect(world.way, MADE_UP, stub({BOT_TOKEN: {"error": word}}, status=status))
    assert (caught.value.field, caught.value.vendor_code) == ("app_password", word)


async def test_a_long_name_fits_where_it_is_kept(world):
    tenant = "a." * 120 + "example"
    token = jwt({"tid": teams.ACME})
    result = await connect(
        world.way, MADE_UP | {"tenantId": tenant}, stub({f"/{tenant}/oauth2/v2.0/token": {"access_token": token}})
    )
    assert len(result.label) == len(result.account.name) == 120
    app = {"appId": "x" * 100, "appPassword": "secret"}
    result = await connect(world.way, app, stub({BOT_TOKEN: {"access_token": "made-up"}}))
    assert result.label == f"App {'x' * 100}"


def test_a_blank_tenant_is_none(world):
    for blank in ("", "  ", None):
        assert world.form(tenantId=blank).tenant_id is None


@pytest.mark.parametrize(
    "to",
    [
        teams.ALERTS,
        teams.GENERAL,
        teams.GROUP,
        teams.PERSON,
        teams.ONE_TO_ONE,
        f"{teams.ALERTS};messageid=1767600000000",
        f" {teams.ALERTS}\n",
    ],
)
async def test_channels_chats_and_threads_are_taken(world, to):
    receipt = await world.send(to)
    message = world.standin.messages[0]
    assert (message["conversation"], message["id"]) == (to.strip(), receipt.id)
    assert receipt.text == f"Microsoft Teams accepted it in {to.strip()} as message {receipt.id}."


async def test_a_conversation_is_escaped_in_the_path(world, monkeypatch):
    asked, ask = [], world.http.ask

    async def note(upstream, method, path, **named):
        asked.append(path)
        return await ask(upstream, method, path, **named)

    monkeypatch.setattr(world.http, "ask", note)
    await world.send("19:General_Acme-1@thread.tacv2;messageid=1767")
    assert asked[-1] == "/teams/v3/conversations/19%3AGeneral_Acme-1%40thread.tacv2%3Bmessageid%3D1767/activities"


@pytest.mark.parametrize("host", ["teams.microsoft.com", "teams.cloud.microsoft"])
@pytest.mark.parametrize("rest", ["", "/", "/General?groupId=1&tenantId=2", "/All%20hands#x"])
async def test_a_channels_link_is_as_good_as_its_id(world, host, rest):
    await world.send(f"https://{host}/l/channel/{quote(teams.ALERTS, safe='')}{rest}")
    assert world.standin.messages[0]["conversation"] == teams.ALERTS


async def test_a_text_is_sent_as_it_is(world):
    text = "<at>x</at> **no** [l](https://x.example) & \u00e9"
    await world.way.send(world.form(), teams.ALERTS, Message(text=text), world.http)
    call = world.standin.calls[-1]
    assert call.json() == {"type": "message", "text": text, "textFormat": "plain"}
    assert call.headers["authorization"].split(" ")[1] in world.standin.tokens


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (teams.LEFT, "not installed"),
        (teams.MUTED, "blocked or was removed"),
        (teams.BLOCKED, "administrator"),
        (teams.GOVERNMENT, "governments"),
        ("19:nobody@thread.tacv2", "no such conversation"),
    ],
)
async def test_a_conversation_that_takes_nothing_is_the_fault_of_the_destination(world, to, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send(to)
    assert caught.value.field == "to"
    assert said in caught.value.text
    assert caught.value.text.endswith(".")
    assert (await world.send()).id


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, {"error": {"code": "BadSyntax"}}, InsufficientPermissions, "cannot read this ID"),
        (400, {"error": {"code": "Bad Argument", "message": "canary"}}, PlatformError, "(400)"),
        (403, {"error": {"code": "ConversationBlockedByUser"}}, InsufficientPermissions, "moderation"),
        (403, {"error": {"code": "ForbiddenOperationException"}}, InsufficientPermissions, "this person"),
        (403, {"error": {"code": "NotEnoughPermissions"}}, InsufficientPermissions, "may not write there"),
        (403, {"error": {"code": "MessageWritesBlocked"}}, InsufficientPermissions, "removed"),
        (403, {"errorCode": 209}, InsufficientPermissions, "removed"),
        (403, {"error": "canary"}, InsufficientPermissions, "may not write there"),
        (403, b"", InsufficientPermissions, "may not write there"),
        (404, {"error": {"code": "ActivityNotFoundInConversation"}}, InsufficientPermissions, "no such thread"),
        (404, b"<html>", InsufficientPermissions, "no such conversation"),
        (412, {"error": {"code": "PreconditionFailed"}}, PlatformError, "Try again"),
        (413, {"error": {"code": "MessageSizeTooBig"}}, PlatformError, "Shorten"),
        (429, {"error": {"code": "Throttled"}}, RateLimited, "60 seconds"),
        (500, {"error": {"code": "BotNotInConversationRoster"}}, PlatformError, "(500)"),
        (502, {"error": {"code": "ServiceError"}}, PlatformError, "(502)"),
        (201, {}, PlatformError, "no sense"),
        (201, {"id": 7}, PlatformError, "no sense"),
        (201, {"id": "can ary"}, PlatformError, "no sense"),
        (201, [], PlatformError, "no sense"),
        (202, b"canary", PlatformError, "not JSON"),
        (200, b"", PlatformError, "not JSON"),
    ],
)
async def test_a_code_of_the_connectors_becomes_a_remedy(world, monkeypatch, *, status, body, kind, said):
    answered(world, monkeypatch, "/activities", status, body)
    with pytest.raises(kind) as caught:
        await world.send()
    assert type(caught.value) is kind
    assert said in caught.value.text
    assert caught.value.text.startswith("Microsoft Teams ")
    assert "canary" not in caught.value.text
    assert caught.value.field == ("to" if kind is InsufficientPermissions else None)


async def test_an_app_that_is_no_bot_is_told_so(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.send(appId=teams.PLAIN)
    assert caught.value.field == "app_id"
    assert "Azure Bot" in caught.value.text
    assert "Tenant ID" in caught.value.text


async def test_a_message_that_is_taken_for_later_has_no_id(world, monkeypatch):
    answered(world, monkeypatch, "/activities", 202, b"")
    receipt = await world.send()
    assert receipt.id == ""
    assert receipt.text == f"Microsoft Teams accepted it in {teams.ALERTS}, without a message ID."


@pytest.mark.parametrize(
    ("fault", "kind"), [(Fault.BUSY_SECONDS, RateLimited), (Fault.HTML, PlatformError), (Fault.RESET, NetworkError)]
)
async def test_a_connector_that_is_unwell_is_told(world, fault, kind):
    world.standin.dial.set(fault, ACTIVITIES)
    with pytest.raises(kind) as caught:
        await world.send()
    assert "Microsoft Teams" in caught.value.text
    world.mend()
    assert (await world.send()).id
