"""GitHub's own ways: two kinds of token, facts in headers, Enterprise servers, single sign-on, limits inside a 403."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from atlas_hub.kit.errors import (
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.guard import Guard
from atlas_hub.kit.http import Http
from atlas_hub.providers.contract import Revokes, Sends, silent
from atlas_hub.providers.github import PROVIDER, PersonalAccessToken
from tests.providers.stubs import PAGE, connect, rests, stub
from tests.standins import emulate, github
from tests.standins.dial import Fault
from tests.standins.github import GithubToken, GithubUser
from tests.standins.npm import tool

pytestmark = pytest.mark.entry("github", "access_token")


def token_of(world) -> GithubToken:
    return world.standin.tokens[github.CLASSIC]


def headers_of(world, **headers: str) -> None:
    token_of(world).headers = {name.replace("_", "-"): value for name, value in headers.items()}


def api_of(url: str) -> str | None:
    return PersonalAccessToken().read({"accessToken": github.CLASSIC, "apiUrl": url}).api_url


async def test_the_card_shows_user_and_kind(world):
    result = await world.check()
    assert result.account.details == {"User": "@octocat", "Kind of token": "classic"}
    assert result.account.wire == {"username": "octocat"}
    assert result.account.url == "https://github.com/octocat"
    assert result.label == "@octocat"
    assert result.granted == {"repo", "read:user"}
    assert result.expires_at == datetime(2027, 1, 31, 10, tzinfo=UTC)
    assert result.warnings == result.limits == ()
    assert [step.detail for step in world.steps if step.key == "scopes"][-1] == "read:user, repo."


async def test_the_request_is_githubs(world):
    await world.check()
    (call,) = world.standin.calls
    assert (call.method, call.path) == ("GET", "/user")
    assert call.headers["accept"] == "application/vnd.github+json"
    assert call.headers["x-github-api-version"] == "2022-11-28"
    assert call.headers["authorization"] == f"Bearer {github.CLASSIC}"
    assert call.headers["user-agent"].startswith("atlas-hub/")


async def test_a_fine_grained_token_does_not_tell_what_it_may(world):
    result = await world.check(accessToken=github.FINE_GRAINED)
    assert result.granted is None
    assert result.account.details["Kind of token"] == "fine-grained"
    assert result.expires_at == datetime(2027, 1, 31, 9, tzinfo=UTC)
    assert world.steps[-3].detail == "GitHub does not tell them for this token."


async def test_an_empty_scopes_header_says_nothing_of_a_fine_grained_token(world):
    world.standin.tokens[github.FINE_GRAINED].scopes = ()
    result = await world.check(accessToken=github.FINE_GRAINED)
    assert (result.granted, result.warnings) == (None, ())


@pytest.mark.parametrize("token", [github.OLD, github.FOREVER])
async def test_a_token_without_an_end_has_none(world, token):
    result = await world.check(accessToken=token)
    assert result.expires_at is None
    assert result.account.details["Kind of token"] == "classic"
    assert world.steps[-1].detail == "GitHub names no day on which it ends."


@pytest.mark.parametrize(
    ("told", "moment"),
    [
        ("2026-12-31 23:30:00 -0500", datetime(2027, 1, 1, 4, 30, tzinfo=UTC)),
        ("2026-12-31 10:00:00 +0100", datetime(2026, 12, 31, 9, tzinfo=UTC)),
        ("2026-13-31 10:00:00 UTC", None),
        ("0001-01-01 00:00:00 +1400", None),
        ("2026-12-31 10:00:00", None),
        ("2026-12-31T10:00:00Z", None),
        ("soon", None),
    ],
)
async def test_the_end_is_read_in_every_spelling_and_never_guessed(world, told, moment):
    token_of(world).ends = told
    assert (await world.check()).expires_at == moment


async def test_scopes_that_are_none_are_left_out(world):
    token_of(world).scopes = ("repo", "<b>", "admin:org", "x" * 40)
    assert (await world.check()).granted == {"repo", "admin:org"}


async def test_more_scopes_than_needed_are_no_error(world):
    token_of(world).scopes = ("repo", "delete_repo", "admin:org", "workflow")
    assert (await world.check()).warnings == ()


async def test_a_classic_token_without_repo_is_taken_with_a_warning(world):
    result = await world.check(accessToken=github.NO_SCOPES)
    assert result.granted == frozenset()
    assert "lacks the scope repo" in result.warnings[0]
    token_of(world).scopes = ("public_repo",)
    assert (await world.check()).warnings == ()


@pytest.mark.parametrize(("told", "said"), [("1", "one organization"), ("1,2,3", "3 organizations")])
async def test_organizations_hidden_by_single_sign_on_are_a_warning(world, told, said):
    token_of(world).sso = f"partial-results; organizations={told}"
    (warning,) = (await world.check()).warnings
    assert said in warning
    assert "Configure SSO" in warning
    assert world.steps[-3].detail == warning


async def test_a_single_sign_on_header_that_makes_no_sense_is_left_out(world):
    token_of(world).sso = "partial-results; organizations=<b>"
    assert (await world.check()).warnings == ()


@pytest.mark.parametrize(
    ("sso", "said"),
    [
        (f"required; url={github.SSO_URL}", "for the organization acme."),
        ("required; url=https://evil.example/orgs/acme<b>/sso", "for an organization."),
        ("required", "for an organization."),
    ],
)
async def test_single_sign_on_that_is_required_names_the_organization(world, sso, said):
    world.standin.tokens[github.SSO].sso = sso
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(accessToken=github.SSO)
    assert said in caught.value.text
    assert caught.value.field == "access_token"


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (github.WALLED, "has an IP allow list"),
        (github.POLICED, "policy forbids"),
        (github.SUSPENDED, "has suspended this user"),
    ],
)
async def test_what_an_owner_forbids_has_its_own_remedy(world, token, said):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(accessToken=token)
    assert said in caught.value.text
    assert caught.value.field == "access_token"


async def test_a_missing_permission_says_where_to_add_it(world):
    world.standin.dial.set(Fault.FORBIDDEN)
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check()
    assert "a permission is missing" in caught.value.text


async def test_any_other_403_is_judged_by_its_status(world):
    token_of(world).refuses = "See https://canary.example"
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check()
    assert "canary" not in caught.value.text


async def test_a_token_that_is_gone_says_where_to_make_another(world):
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(accessToken=github.GONE)
    assert caught.value.field == "access_token"
    assert "Settings, Developer settings, Personal access tokens" in caught.value.text


async def test_a_spent_limit_waits_until_it_begins_anew(world):
    with pytest.raises(RateLimited) as caught:
        await world.check(accessToken=github.SPENT)
    assert 890 <= caught.value.retry_after <= 901


@pytest.mark.parametrize(
    ("refuses", "headers", "least", "most"),
    [
        ("x", {"retry_after": "7"}, 7, 7),
        ("x", {"retry_after": "7", "x_ratelimit_remaining": "0"}, 7, 7),
        ("x", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "12"}, 1, 1),
        ("x", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "99999999999"}, 86_400, 86_400),
        ("x", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "soon"}, 60, 60),
        ("You have exceeded a secondary rate limit.", {}, 60, 60),
        ("Maximum number of login attempts exceeded. Please try again later.", {}, 60, 60),
    ],
)
async def test_a_limit_inside_a_403_is_not_the_tokens_fault(world, refuses, headers, least, most):
    token_of(world).refuses = refuses
    headers_of(world, **headers)
    with pytest.raises(RateLimited) as caught:
        await world.check()
    assert least <= caught.value.retry_after <= most


async def test_a_spent_limit_of_an_answer_that_came_is_no_error(world):
    headers_of(world, x_ratelimit_remaining="0")
    assert await world.check()


async def test_a_user_whose_number_makes_no_sense_is_not_believed(world):
    world.standin.tokens[github.CLASSIC].user = GithubUser(2**60, "octocat")
    with pytest.raises(PlatformError):
        await world.check()
    world.mend()
    assert await world.check()


def test_a_private_key_is_named(world):
    said = world.way.form.said_of("access_token")["lookalikes"]["-----BEGIN"]
    with pytest.raises(BadForm) as caught:
        world.form(accessToken="-----BEGIN RSA PRIVATE KEY-----")
    assert caught.value.fields == {"access_token": said}


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [("gho_", "OAuth app"), ("ghu_", "GitHub App"), ("ghs_", "GitHub App"), ("ghr_", "classic")],
)
async def test_a_token_of_another_kind_is_tried_and_named_in_the_browser(world, beginning, kind):
    said = world.way.form.said_of("access_token")["lookalikes"][beginning]
    assert said.endswith("which begins with github_pat_ or ghp_.")
    token = f"{beginning}{'A' * 36}"
    world.standin.tokens[token] = token_of(world)
    result = await world.check(accessToken=token)
    assert result.account.details["Kind of token"] == kind
    assert (result.granted is None) == (kind == "GitHub App")


@pytest.mark.parametrize("token", ["test-token", "ghp_test123", "octocat", "a/b+c=", "A" * 40])
@rests
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest, token):
    result = await connect(world.way, {"accessToken": token}, stub({"/user": {"id": 1, "login": "octocat"}}, rest))
    assert (result.account.key, result.account.wire) == ("1", {"username": "octocat"})


@pytest.mark.parametrize(
    ("user", "key", "name", "username"),
    [
        ({"id": 7}, "7", "User 7", None),
        ({"id": 7, "login": None}, "7", "User 7", None),
        ({"id": "7", "login": "ada"}, "7", "@ada", "ada"),
        ({"id": "MDQ6VXNlcjE="}, "MDQ6VXNlcjE=", "User MDQ6VXNlcjE=", None),
    ],
)
async def test_a_user_is_called_by_what_there_is(world, user, key, name, username):
    result = await connect(world.way, {"accessToken": "test-token"}, stub({"/user": user}))
    assert (result.account.key, result.label, result.account.name) == (key, name, name)
    assert result.account.details["User"] == name
    assert result.account.wire == {"username": username}
    assert result.account.url == (f"https://github.com/{username}" if username else None)


@pytest.mark.parametrize("user", [{"login": "ada"}, {"id": None}, {"id": True}, {"id": 1.5}, {"id": "a/b"}, {"id": ""}])
async def test_nobody_is_not_a_user(world, user):
    with pytest.raises(PlatformError):
        await connect(world.way, {"accessToken": "test-token"}, stub({"/user": user}))


@pytest.mark.parametrize("status", [400, 401, 404])
@pytest.mark.parametrize("said", [{}, {"message": "canary"}, {"error": "canary"}, []])
async def test_any_shape_of_refusal_is_a_refusal(world, status, said):
    with pytest.raises(InvalidCredentials) as caught:
        await connect(world.way, {"accessToken": "test-token"}, stub({"/user": said}, status=status))
    assert caught.value.field == "access_token"
    assert "canary" not in caught.value.text


@pytest.mark.parametrize("said", [{}, {"message": "canary"}])
async def test_a_403_is_a_refusal_where_it_is_an_apis_own(world, said):
    with pytest.raises(InsufficientPermissions):
        await connect(world.way, {"accessToken": "test-token"}, stub({"/user": said}, status=403))


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, PAGE, PlatformError),
        (403, PAGE, PlatformError),
        (404, PAGE, PlatformError),
        (500, {"message": "no"}, PlatformError),
        (503, {}, PlatformError),
        (429, {}, RateLimited),
        (400, {"message": "2022-11-28 is not a supported version of the REST API."}, PlatformError),
    ],
)
async def test_what_is_not_about_the_token_passes(world, status, said, kind):
    with pytest.raises(kind):
        await connect(world.way, {"accessToken": "test-token"}, stub({"/user": said}, status=status))


async def test_a_400_at_a_server_of_ones_own_is_about_the_token_too(world):
    world.standin.dial.set(Fault.NONSENSE, body="{}")
    ask = world.http.ask_url

    async def bad_request(*given, **named):
        return replace(await ask(*given, **named), status=400)

    world.http.ask_url = bad_request
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(accessToken=github.ENTERPRISE, apiUrl=world.standin.base)
    assert caught.value.field == "access_token"


@pytest.mark.parametrize("token", ["github_pat_a b", "x" * 513, "ghp_\u00e9"])
def test_only_what_can_be_sent_is_taken(world, token):
    with pytest.raises(BadForm) as caught:
        world.form(accessToken=token)
    assert "not a personal access token" in caught.value.fields["access_token"]
    assert not world.standin.calls


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://github.example.com", "https://github.example.com/api/v3"),
        ("https://GitHub.Example.com./", "https://github.example.com/api/v3"),
        ("HTTPS://github.example.com:443/api/v3/", "https://github.example.com/api/v3"),
        ("https://github.example.com:8443/api/v3", "https://github.example.com:8443/api/v3"),
        ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://api.octocorp.ghe.com/", "https://api.octocorp.ghe.com"),
        ("https://github.com", None),
        ("https://github.com/settings/tokens", None),
        ("https://api.github.com/", None),
        ("http://www.github.com", None),
        ("", None),
        ("  ", None),
    ],
)
def test_an_address_has_one_spelling(typed, meant):
    assert api_of(typed) == meant
    assert meant is None or api_of(meant) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "github.example.com",
        "ftp://github.example.com",
        "https://user@github.example.com",
        "https://github.example.com:0443",
        "https://github.example.com?x=1",
        "https://github.example.com/api/v3?x=1",
        "https://github.example.com/api/v3#x",
        "https://github.example.com/api/v3/user",
        "https://github.example.com/../x",
        "https://github.example.com\\x",
        "https://\u212aithub.example.com",
        "https://",
    ],
)
def test_an_address_with_more_in_it_is_refused(typed):
    with pytest.raises(BadForm) as caught:
        api_of(typed)
    assert list(caught.value.fields) == ["api_url"]


def test_an_address_that_is_none_is_githubs_own(world):
    form = world.way.form.model_validate({"accessToken": github.CLASSIC, "apiUrl": None})
    assert (form.api_url, form.server) == (None, "")


def test_the_address_decides_where_the_token_goes():
    assert PersonalAccessToken.form.targets() == {"api_url"}


async def test_a_github_enterprise_server_counts_its_own_users(world):
    result = await world.check(accessToken=github.ENTERPRISE, apiUrl=world.standin.base)
    server = urlsplit(world.standin.base).netloc
    assert result.account.key == f"{server}:7"
    assert result.account.details == {"User": "@ada", "Kind of token": "classic", "Server": server}
    assert result.account.url == f"https://{server}/ada"
    assert [call.path for call in world.standin.calls] == ["/api/v3/user"]


def test_the_server_at_ghe_com_is_named_as_people_open_it():
    form = PersonalAccessToken().read({"accessToken": github.CLASSIC, "apiUrl": "https://api.octocorp.ghe.com"})
    assert form.server == "octocorp.ghe.com"


async def test_the_guard_decides_whether_a_server_is_asked(world):
    http = Http({}, Guard())
    form = world.form(apiUrl=world.standin.base)
    with pytest.raises(BadForm) as caught:
        await world.way.check(form, http, silent)
    assert list(caught.value.fields) == ["api_url"]
    assert not world.standin.calls
    await http.close()


async def test_a_server_that_is_no_github_is_the_fault_of_the_address(world):
    form = world.form(accessToken=github.ENTERPRISE, apiUrl=world.standin.base)
    elsewhere = form.model_copy(update={"api_url": f"{world.standin.base}/elsewhere"})
    with pytest.raises(InvalidCredentials) as caught:
        await world.way.check(elsewhere, world.http, silent)
    assert caught.value.field == "api_url"
    assert await world.way.check(form, world.http, silent)


def test_it_revokes_and_sends_nothing(world):
    assert isinstance(world.way, Revokes)
    assert not isinstance(world.way, Sends)
    assert any("sends no messages" in limit for limit in PROVIDER.limits)


@pytest.mark.parametrize("token", [github.CLASSIC, github.FINE_GRAINED])
async def test_a_token_is_revoked_and_then_tried(world, token):
    revoked = await world.way.revoke(world.form(accessToken=token), world.http)
    assert revoked.dead is True
    assert world.standin.reported == [token]
    first, second = world.standin.calls
    assert (first.path, "authorization" in first.headers) == ("/credentials/revoke", False)
    assert second.path == "/user"
    with pytest.raises(InvalidCredentials):
        await world.check(accessToken=token)


async def test_a_token_that_still_works_is_not_called_dead(world):
    world.standin.revocable = False
    revoked = await world.way.revoke(world.form(), world.http)
    assert revoked.dead is None
    assert "See under Settings" in revoked.text


async def test_when_nobody_answers_afterwards_it_is_not_called_dead(world):
    world.standin.dial.set(Fault.RESET, path="/user")
    assert (await world.way.revoke(world.form(), world.http)).dead is None


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.BUSY_BARE, Fault.SERVER_ERROR])
async def test_a_revocation_that_github_did_not_take_is_an_error(world, fault):
    world.standin.dial.set(fault, path="/credentials/revoke")
    with pytest.raises((NetworkError, RateLimited, PlatformError)):
        await world.way.revoke(world.form(), world.http)
    assert world.standin.reported == []
    assert await world.check()


@pytest.mark.parametrize("old", [True, False])
async def test_what_github_cannot_revoke_is_left_to_its_owner(world, old):
    changed = {"accessToken": github.OLD} if old else {"apiUrl": "https://github.example.com"}
    revoked = await world.way.revoke(world.form(**changed), world.http)
    assert revoked.dead is None
    assert "Delete it there" in revoked.text
    assert not world.standin.calls


async def test_a_refusal_that_is_not_json_is_judged_by_its_status(world):
    world.standin.dial.set(Fault.UNAVAILABLE)
    with pytest.raises(PlatformError) as caught:
        await world.check()
    assert "503" in caught.value.text
    world.standin.dial.set(Fault.NONSENSE, body=json.dumps({"login": "octocat"}))
    with pytest.raises(PlatformError):
        await world.check()


@pytest.fixture
def emulated(tmp_path) -> Iterator[str]:
    """The base of a GitHub that somebody else wrote, which knows @ada; skips as the other tests with emulate do."""
    try:
        program = emulate.install() if os.getenv("CI") == "true" else emulate.installed()
    except emulate.EmulateMissingError as error:
        pytest.fail(f"{error}")
    if program is None:
        pytest.skip("emulate is not installed: python -m tests.standins.emulate")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    seed = tmp_path / "seed.json"
    user = {"login": "ada", "scopes": ["repo"]}
    seed.write_text(json.dumps({"tokens": {github.CLASSIC: user}, "github": {"users": [{"login": "ada"}]}}))
    command = [tool("node"), str(program), "start", "--service", "github", "--port", str(port)]
    child = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--base-url", base, "--seed", str(seed)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(base, child)
        yield base
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(timeout=10)


def _wait_for(base: str, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + emulate.WAIT
    with httpx.Client(timeout=2, trust_env=False) as client:
        while time.monotonic() < deadline and child.poll() is None:
            try:
                client.get(f"{base}/user")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    pytest.fail("emulate did not answer.")


async def test_a_github_that_somebody_else_wrote_is_understood(world, emulated):
    http = Http({"GITHUB": emulated}, world.http.guard)
    result = await world.way.check(world.form(), http, silent)
    assert result.account.details["User"] == "@ada"
    assert result.account.key.isdigit()
    await http.close()
