"""Google Chat's own ways: a hostile key file, a signed assertion, two addresses, spaces."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from atlas_hub.kit import clock
from atlas_hub.kit.errors import (
    AuthExpired,
    BadForm,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    RateLimited,
)
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import gchat as provider
from atlas_hub.providers._gchat_key import read_key_file
from atlas_hub.providers.contract import Message
from tests.providers.stubs import connect, rests, stub
from tests.providers.test_contract import every_word_of
from tests.standins import gchat
from tests.standins.dial import Fault
from tests.standins.gchat import GoogleAccount, api_error, key, key_file, pem, sign_in_error

pytestmark = pytest.mark.entry("gchat", "service_account")

ATLAS = "atlas@acme-atlas.iam.gserviceaccount.com"
PEM = pem(key("atlas"))
EC = ec.generate_private_key(ec.SECP256R1())
CANARY = "canary-4711"


def answers(world, status, said, path, monkeypatch):
    """Let `path` answer with a status and a body of one's own."""
    world.standin.dial.set(Fault.NONSENSE, path, body=json.dumps(said))
    ask = world.http.ask

    async def with_another_status(upstream, method, asked, **named):
        answer = await ask(upstream, method, asked, **named)
        return replace(answer, status=status) if asked.startswith(path.rstrip("*")) else answer

    monkeypatch.setattr(world.http, "ask", with_another_status)


def written(**changed):
    return json.dumps(json.loads(key_file()) | changed)


def without(name):
    said = json.loads(key_file())
    del said[name]
    return json.dumps(said)


def text_of(private_key, *, kind=PrivateFormat.PKCS8, protection=None):
    return private_key.private_bytes(Encoding.PEM, kind, protection or NoEncryption()).decode()


async def refused(world, text):
    """The one error that a key file gets, in the first step and with nobody asked."""
    with pytest.raises(InvalidCredentials) as caught:
        await world.check(credentialsJson=text)
    assert caught.value.field == "credentials_json"
    assert [step.key for step in world.steps] == ["format", "format"]
    assert world.steps[-1].ok is False
    assert not world.standin.calls
    assert CANARY not in every_word_of(caught.value)
    assert PEM[40:80] not in every_word_of(caught.value)
    return caught.value.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("null", "one object"),
        ("true", "one object"),
        ("7", "one object"),
        ("1e999", "one object"),
        ('"text"', "not JSON"),
        ("[]", "one object"),
        ("[" * 16_000, "not JSON"),
        ('{"a":' * 3_000, "not JSON"),
        ("9" * 5_000, "not JSON"),
        ("{" + CANARY, "not JSON"),
        ("{'type': 'service_account'}", "not JSON"),
        ('{"a": "' + "x" * 61_440 + '"}', "longer than any key file"),
        ('{"type": "service_account", "type": "authorized_user"}', "a name twice"),
        ("{}", "no client_email"),
        ('{"client_email": ""}', "no client_email"),
        ('{"client_email": 1e999}', "no client_email"),
        ('{"client_email": {"a": 1}}', "no client_email"),
        ('{"type": "authorized_user", "refresh_token": "' + CANARY + '"}', "sign-in of a person (authorized_user)"),
        ('{"type": "external_account", "token_url": "https://evil.example"}', "workload identity federation"),
        ('{"type": "external_account_authorized_user"}', "another company's directory"),
        ('{"type": "impersonated_service_account"}', "acting as a service account"),
        ('{"web": {"client_id": "x", "client_secret": "' + CANARY + '"}}', "OAuth client"),
        ('{"installed": {"client_id": "x"}}', "OAuth client"),
        ("AIza" + CANARY, "API key"),
        ("ya29." + CANARY, "access token"),
        ("GOCSPX-" + CANARY, "OAuth client"),
        ("https://chat.googleapis.com/v1/spaces/x?key=" + CANARY, "an address"),
        (PEM, "private key alone"),
    ],
)
async def test_what_is_no_key_file_is_called_by_its_name(world, text, said):
    sentence = await refused(world, text)
    assert said in sentence
    assert sentence.endswith(".")
    assert await world.check()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (without("client_email"), "no client_email"),
        (without("private_key"), "no private_key"),
        (written(private_key="  "), "no private_key"),
        (written(private_key=["-----BEGIN"]), "no private_key"),
        (written(private_key=CANARY), "begin with -----BEGIN"),
        (written(private_key="-----BEGIN PRIVATE KEY-----\n" + CANARY), "damaged"),
        (written(private_key=PEM[:900]), "damaged"),
        (written(private_key=PEM.replace("M", "\ud800", 1)), "damaged"),
        (written(private_key=PEM[:200] + PEM[204:]), "damaged"),
        (written(private_key=PEM[:203] + PEM[204:]), "damaged"),
        (written(private_key=PEM.replace(PEM[600:610], "AAAAAAAAAA")), "damaged"),
        (written(private_key=text_of(EC)), "not an RSA key"),
        (written(private_key=text_of(EC, kind=PrivateFormat.TraditionalOpenSSL)), "not an RSA key"),
        (written(private_key=text_of(key("atlas"), protection=BestAvailableEncryption(b"x"))), "passphrase"),
        (
            written(
                private_key=text_of(
                    key("atlas"), kind=PrivateFormat.TraditionalOpenSSL, protection=BestAvailableEncryption(b"x")
                )
            ),
            "passphrase",
        ),
        (written(private_key=text_of(rsa.generate_private_key(65537, 1024))), "shorter than 2048 bits"),  # noqa: S505 - refused, that is the point
        (written(private_key=text_of(rsa.generate_private_key(65537, 2040))), "shorter than 2048 bits"),  # noqa: S505 - refused, that is the point
        (written(private_key=PEM.replace("\n", "\n" + "A" * 3_000, 1)), "longer than a key of 4096 bits"),
        (
            written(
                private_key=key("atlas")
                .public_key()
                .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
                .decode()
            ),
            "damaged",
        ),
        (written(type=CANARY), '"type": "service_account"'),
        (written(type=["service_account"]), '"type": "service_account"'),
        (written(type=""), '"type": "service_account"'),
        (written(client_email="acme-atlas"), "client_email"),
        (written(client_email="a@b@acme-atlas.iam.gserviceaccount.com"), "client_email"),
        (written(client_email=f"{'a' * 65}@acme.example"), "client_email"),
        (written(client_email=f"{ATLAS}\n"), "client_email"),
    ],
)
async def test_a_part_that_is_at_fault_is_named(world, text, said):
    assert said in await refused(world, text)
    assert await world.check()


@pytest.mark.parametrize("filler", [" ", "A", "A ", "=\n", "-"])
async def test_a_hostile_key_is_refused_at_once(world, filler):
    begun = time.thread_time()
    await refused(world, written(private_key="-----BEGIN PRIVATE KEY-----" + filler * (4_000 // len(filler))))
    assert time.thread_time() - begun < 1


def test_only_an_empty_text_is_the_forms_own_fault(world):
    with pytest.raises(BadForm):
        world.form(credentialsJson=" \n")
    assert world.form(credentialsJson="null")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + key_file(),
        f"'{json.dumps(json.loads(key_file()))}'",
        json.dumps(key_file()),
        written(private_key=PEM.replace("\n", "\\n")),
        written(private_key=PEM.replace("\n", "\r\n")),
        written(private_key=PEM.replace("\n", "\\r\\n")),
        written(private_key=PEM.replace("\n", " ").replace("PRIVATE KEY----- ", "PRIVATE KEY-----\n")),
        written(private_key=f"\n{PEM}\n"),
        written(private_key=text_of(key("atlas"), kind=PrivateFormat.TraditionalOpenSSL)),
        without("project_id"),
        without("type"),
        written(type=None),
        written(project_id=None),
        written(project_id=""),
        written(private_key_id="../x"),
        written(private_key_id=None),
    ],
)
async def test_what_happens_to_a_file_on_its_way_is_mended(world, text):
    result = await world.check(credentialsJson=text)
    assert result.account.key == "acme-atlas"


async def test_the_account_key_is_the_addresss_project_whatever_the_file_calls_it(world):
    result = await world.check(credentialsJson=written(project_id="acme-other"))
    assert (result.account.key, result.account.wire["projectId"]) == ("acme-atlas", "acme-other")
    result = await world.check(credentialsJson=written(project_id="<b>"))
    assert result.account.wire["projectId"] == "acme-atlas"


@pytest.mark.parametrize(
    ("email", "key"),
    [
        ("bot@my-project.iam.gserviceaccount.com", "my-project"),
        ("BOT@My-Project.iam.gserviceaccount.com", "my-project"),
        ("test_bot@p.iam.gserviceaccount.com", "p"),
        ("bot@123456.iam.gserviceaccount.com", "123456"),
        ("bot@my-project.acme.example.iam.gserviceaccount.com", "acme.example:my-project"),
        ("bot@example.com", "bot@example.com"),
        ("Bot@example.com", "bot@example.com"),
        (f"{ATLAS}.evil.example", f"{ATLAS}.evil.example"),
        (f"{'a' * 64}@{'b' * 128}", f"{'a' * 64}@{'b' * 128}"),
    ],
)
@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("my.project", True),
        ("p", True),
        ("123456", True),
        ("My_Project", True),
        ("acme.example:p", True),
        ("", False),
        ("two words", False),
        ("x" * 101, False),
        (7, False),
        (None, False),
    ],
)
def test_any_address_has_a_key_and_any_word_names_the_project(email, key, told, named):
    account = read_key_file(Secret(written(client_email=email, project_id=told)))
    assert (account.email, account.project) == (email, key)
    assert account.named == (told if named else key)


MADE_UP = {"client_email": "bot@example.com", "private_key": PEM, "project_id": "my.project"}


@rests
async def test_a_vendor_that_knows_only_the_one_probe_still_connects(world, rest):
    http = stub({"/token": {"access_token": "made-up"}}, rest)
    result = await connect(world.way, {"credentialsJson": json.dumps(MADE_UP)}, http)
    assert result.account.wire == {"projectId": "my.project", "serviceAccountEmail": "bot@example.com"}
    assert result.account.key == "bot@example.com"
    assert result.warnings or result.limits


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("word", ["invalid_grant", "invalid_client", "invalid_request", "something_new"])
async def test_any_shape_of_refusal_is_a_refusal(world, status, word):
    http = stub({"/token": {"error": word}}, status=status)
    with pytest.raises(InvalidCredentials) as caught:
        await connect(world.way, {"credentialsJson": json.dumps(MADE_UP)}, http)
    assert caught.value.field == "credentials_json"


async def test_a_long_name_fits_where_it_is_kept(world):
    email = f"{'a' * 64}@{'b' * 128}"
    text = json.dumps({"client_email": email, "private_key": PEM})
    result = await connect(world.way, {"credentialsJson": text}, stub({"/token": {"access_token": "made-up"}}))
    assert (result.account.key, result.account.details["Service Account"]) == (email, email)
    assert len(result.label) == len(result.account.name) == 120


def test_an_address_of_googles_own_making_is_its_own_key():
    text = written(client_email="1234-compute@developer.gserviceaccount.com")
    account = read_key_file(Secret(text))
    assert (account.project, account.named) == ("1234-compute@developer.gserviceaccount.com", "acme-atlas")


async def test_a_long_key_is_taken(world, monkeypatch):
    longer = rsa.generate_private_key(65537, 4096)
    monkeypatch.setattr(gchat, "key", lambda _name: longer)
    assert (await world.check()).account.key == "acme-atlas"


async def test_no_address_of_the_file_is_followed(world):
    evil = dict.fromkeys(("token_uri", "auth_uri", "client_x509_cert_url"), "https://evil.example/token")
    await world.check(credentialsJson=written(**evil, universe_domain="evil.example"))
    assert [call.path for call in world.standin.calls] == ["/token", "/v1/spaces"]
    assert world.standin.claims[0]["aud"] == "https://oauth2.googleapis.com/token"


async def test_the_assertion_is_backdated_short_lived_and_for_one_scope(world):
    await world.check()
    claims = world.standin.claims[0]
    assert set(claims) == {"iss", "scope", "aud", "iat", "exp"}
    assert (claims["iss"], claims["scope"]) == (ATLAS, "https://www.googleapis.com/auth/chat.bot")
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    assert 30 <= clock.now().timestamp() - claims["iat"] <= 120


async def test_a_clock_that_is_off_is_not_the_keys_fault(world, monkeypatch):
    wrong = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(provider, "now", lambda: wrong)
    with pytest.raises(PlatformError) as caught:
        await world.check()
    assert "clock" in caught.value.text
    assert caught.value.field is None
    monkeypatch.undo()
    assert await world.check()


async def test_the_card_shows_account_project_and_spaces(world):
    result = await world.check()
    assert result.account.details == {"Service Account": ATLAS, "Project ID": "acme-atlas", "Spaces": "3"}
    assert result.account.wire == {"projectId": "acme-atlas", "serviceAccountEmail": ATLAS}
    assert result.account.url == (
        "https://console.cloud.google.com/apis/api/chat.googleapis.com/hangouts-chat?project=acme-atlas"
    )
    assert (result.label, result.warnings, result.limits) == ("acme-atlas", (), ())
    assert result.granted == provider.PROVIDER.needed_scopes


async def test_a_project_of_a_domain_is_named_as_google_does(world):
    email = "atlas@acme-atlas.acme.example.iam.gserviceaccount.com"
    world.standin.accounts[email] = GoogleAccount("acme-atlas")
    text = written(client_email=email, project_id="acme.example:acme-atlas")
    result = await world.check(credentialsJson=text)
    assert result.account.key == "acme.example:acme-atlas"
    assert result.account.url.endswith("?project=acme.example%3Aacme-atlas")


async def test_an_app_in_no_space_is_told_where_to_add_it(world):
    result = await world.check(credentialsJson=key_file(project="acme-empty"))
    assert result.account.details["Spaces"] == "0"
    assert result.warnings
    assert "Apps & integrations" in result.warnings[0]


async def test_more_spaces_than_a_page_holds_are_not_counted_further(world):
    spaces = {f"spaces/AAAA{number:06}": "" for number in range(1001)}
    world.standin.projects["acme-atlas"].spaces = spaces
    assert (await world.check()).account.details["Spaces"] == "1000 or more"
    assert len(world.standin.calls) == 2


async def test_a_check_changes_nothing_at_google(world):
    await world.check()
    assert [(call.method, call.path, call.query) for call in world.standin.calls] == [
        ("POST", "/token", ""),
        ("GET", "/v1/spaces", "pageSize=1000"),
    ]
    assert not world.standin.messages


async def test_a_project_without_a_chat_app_is_connected_with_a_limit(world):
    result = await world.check(credentialsJson=key_file(project="acme-no-app"))
    assert "Spaces" not in result.account.details
    assert "Configure the Chat app" in result.limits[0]
    assert "hangouts-chat?project=acme-no-app" in result.limits[0]
    assert world.steps[-1].ok is False


async def test_an_api_that_is_off_names_the_page_that_turns_it_on(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.check(credentialsJson=key_file(project="acme-no-api"))
    assert "Enable the Google Chat API" in caught.value.text
    assert "https://console.cloud.google.com/apis/library/chat.googleapis.com?project=acme-no-api" in caught.value.text
    assert caught.value.vendor_code == "SERVICE_DISABLED"


@pytest.mark.parametrize(
    ("code", "description", "kind", "said"),
    [
        ("invalid_grant", gchat.BAD_SIGNATURE, AuthExpired, "deleted or has expired"),
        ("invalid_grant", gchat.NO_ACCOUNT, InvalidCredentials, "no such service account"),
        ("invalid_grant", "Invalid JWT: No valid verifier found for issuer.", InvalidCredentials, "no such service"),
        ("invalid_grant", gchat.BAD_TIME, PlatformError, "clock"),
        ("invalid_grant", gchat.BAD_AUDIENCE, InvalidCredentials, "rejected the key"),
        ("invalid_grant", None, InvalidCredentials, "rejected the key"),
        ("invalid_client", "The OAuth client was not found.", InvalidCredentials, "no such service account"),
        ("deleted_client", "The OAuth client was deleted.", InvalidCredentials, "no such service account"),
        ("disabled_client", "The OAuth client was disabled.", AuthExpired, "is disabled"),
        ("invalid_scope", gchat.BAD_SCOPE, InsufficientPermissions, "act as a Chat app"),
        ("unauthorized_client", CANARY, InsufficientPermissions, "act as a Chat app"),
        ("access_denied", CANARY, InsufficientPermissions, "act as a Chat app"),
        ("something_new", CANARY, InvalidCredentials, "rejected the key"),
        ("internal_failure", CANARY, PlatformError, "400"),
        ("temporarily_unavailable", CANARY, PlatformError, "400"),
    ],
)
async def test_each_refusal_at_sign_in_has_its_remedy(world, monkeypatch, code, description, kind, said):
    answers(world, 400, sign_in_error(code, description), "/token", monkeypatch)
    with pytest.raises(kind) as caught:
        await world.check()
    assert said in caught.value.text
    assert CANARY not in caught.value.text
    if kind is InsufficientPermissions:
        assert caught.value.required_scopes == ("https://www.googleapis.com/auth/chat.bot",)
    elif kind is not PlatformError:
        assert caught.value.field == "credentials_json"


@pytest.mark.parametrize("said", [[], None, {}, {"error": None}, {"error": {"code": 400}}])
async def test_a_refusal_at_sign_in_that_says_nothing_is_no_proof(world, monkeypatch, said):
    answers(world, 400, said, "/token", monkeypatch)
    with pytest.raises(PlatformError):
        await world.check()


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (401, {}, InvalidCredentials),
        (403, api_error(403, "PERMISSION_DENIED", CANARY, {"reason": 7}, {"reason": CANARY}), InsufficientPermissions),
        (403, api_error(403, "PERMISSION_DENIED", gchat.NO_APP), InsufficientPermissions),
        (403, {"error": {"status": "PERMISSION_DENIED", "details": "none"}}, InsufficientPermissions),
        (403, {"error": CANARY}, InsufficientPermissions),
    ],
)
async def test_each_refusal_of_the_list_has_its_meaning(world, monkeypatch, status, said, kind):
    answers(world, status, said, "/v1/spaces", monkeypatch)
    with pytest.raises(kind) as caught:
        await world.check()
    assert CANARY not in every_word_of(caught.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, api_error(403, "RESOURCE_EXHAUSTED", CANARY)),
        (429, api_error(429, "ABORTED", CANARY, {"reason": "RATE_LIMIT_EXCEEDED"})),
        (500, api_error(500, "INTERNAL", CANARY)),
        (503, {}),
        (400, {"error": CANARY}),
        (200, {"spaces": {}}),
        (200, {"spaces": ["spaces/x"]}),
        (200, []),
    ],
)
async def test_a_list_that_does_not_come_is_a_warning(world, monkeypatch, status, said):
    answers(world, status, said, "/v1/spaces", monkeypatch)
    result = await world.check()
    assert (result.warnings, result.limits) == ((provider.UNTOLD,), ())
    assert "Spaces" not in result.account.details
    assert (world.steps[-1].ok, world.steps[-1].detail) == (True, provider.UNTOLD)


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.RESET, Fault.REDIRECT, Fault.HUGE, Fault.HTML])
async def test_a_google_chat_that_is_unwell_is_a_warning(world, fault):
    world.hurry()
    world.standin.dial.set(fault, "/v1/*")
    assert (await world.check()).warnings == (provider.UNTOLD,)
    world.mend()
    assert (await world.check()).warnings == ()


@pytest.mark.parametrize("said", [{"error": CANARY}, [], {}])
async def test_a_list_that_is_not_there_is_a_limit(world, monkeypatch, said):
    answers(world, 404, said, "/v1/spaces", monkeypatch)
    assert "Configure the Chat app" in (await world.check()).limits[0]


@pytest.mark.parametrize(
    "said",
    [
        api_error(403, "RESOURCE_EXHAUSTED", CANARY),
        api_error(403, "ABORTED", CANARY, {"reason": "RATE_LIMIT_EXCEEDED"}),
    ],
)
async def test_a_limit_inside_a_403_is_told_when_sending(world, monkeypatch, said):
    answers(world, 403, said, "/v1/*", monkeypatch)
    with pytest.raises(RateLimited):
        await world.send()


@pytest.mark.parametrize(
    "to",
    [
        "spaces/AAAAteam002",
        " spaces/AAAAteam002 ",
        "https://chat.google.com/room/AAAAteam002",
        "https://chat.google.com/room/AAAAteam002?cls=7",
        "https://chat.google.com/u/0/app/chat/AAAAteam002",
        "https://chat.google.com/dm/AAAAteam002/thread",
        "https://mail.google.com/chat/u/0/#chat/space/AAAAteam002",
        "https://mail.google.com/mail/u/1/?zx=1#chat/dm/AAAAteam002",
    ],
)
async def test_names_and_addresses_of_a_space_are_taken(world, to):
    receipt = await world.send(to)
    assert receipt.id == "spaces/AAAAteam002/messages/m0001.m0001"
    assert receipt.text == f"Google Chat accepted it in spaces/AAAAteam002 as {receipt.id}."


async def test_a_message_mentions_nobody_and_links_nowhere(world):
    text = "a < b <users/all> <https://evil.example|Sign in> <b>"
    await world.way.send(world.form(), "spaces/AAAAteam002", Message(text=text), world.http)
    assert world.standin.messages[0]["text"] == ("a < b <\u200busers/all> <\u200bhttps://evil.example|Sign in> <b>")


async def test_a_space_that_the_app_is_not_in_is_the_fault_of_the_destination(world):
    with pytest.raises(InsufficientPermissions) as caught:
        await world.send("spaces/AAAAnowhere")
    assert caught.value.field == "to"
    assert (await world.send()).id


async def test_a_message_needs_the_api_and_the_app(world):
    for project, said in (("acme-no-api", "Enable the Google Chat API"), ("acme-no-app", "Configure the Chat app")):
        with pytest.raises(InsufficientPermissions) as caught:
            await world.send(credentialsJson=key_file(project=project))
        assert said in caught.value.text
        assert caught.value.field is None


@pytest.mark.parametrize("name", [None, 7, "m1", "spaces/AAAA/messages/../x", "https://evil.example/spaces/a"])
async def test_without_a_receipt_nothing_was_sent(world, name):
    world.standin.dial.set(Fault.NONSENSE, "/v1/*", body=json.dumps({"name": name}))
    with pytest.raises(PlatformError):
        await world.send()


async def test_a_broken_key_file_sends_nothing(world):
    with pytest.raises(InvalidCredentials):
        await world.send(credentialsJson="{}")
    assert not world.standin.calls


async def test_neither_key_nor_token_is_seen_anywhere(world, caplog):
    caplog.set_level("DEBUG")
    result = await world.check()
    await world.send()
    account = read_key_file(world.form().credentials_json)
    said = f"{result!r}{world.steps!r}{caplog.text}{account!r}"
    for line in PEM.splitlines()[1:-1]:
        assert line not in said
    assert not any(token in said for token in world.standin.tokens)
    assert len(world.standin.tokens) == 2
