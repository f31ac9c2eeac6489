"""Nothing that looks like a secret reaches a log handler."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from time import thread_time
from typing import Any, ClassVar

import pytest
from reflex.app import EventNamespace
from reflex_base.event.processor.base_state_processor import _prepare_event_payload
from reflex_base.utils.exceptions import EventDeserializationError
from reflex_base.utils.log import JsonHandler, RichConsoleHandler

from atlas_hub.kit import redact as redact_module
from atlas_hub.kit.redact import install, redact, shapes

# Put together here, so that no scanner takes them for real ones.
SLACK = "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx"
TELEGRAM = "7654321098" + ":AAF" + "k3J9_Lm2-Qz7XyW1vUt5Rs8Pn0Bc4Dh6Eg"
SENDGRID = "SG." + "abcdefghijklmnopqrstuv" + "." + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----"
CANARY = "canary-7f3e9a"

LEAKS = [
    (f"token {SLACK} refused", SLACK),
    ("xapp-1-" + "A012-345-abcdef", "A012-345-abcdef"),
    ("xoxe.xoxp-1-" + "Mi0yLTEyMzQ1Njc4", "Mi0yLTEyMzQ1Njc4"),
    ("xoxe-1-" + "My0xLTEyMzQ1Njc4OQ", "My0xLTEyMzQ1Njc4OQ"),
    (f"POST https://api.telegram.org/bot{TELEGRAM}/getMe", TELEGRAM[-20:]),
    (SENDGRID, SENDGRID[3:]),
    (f"Authorization: Bearer {CANARY}", CANARY),
    (f"authorization: bearer {CANARY}", CANARY),
    (f"Authorization: ApiKey {CANARY}", CANARY),
    (f"Authorization: Basic {CANARY}", CANARY),
    ("ghp_" + "a" * 36, "a" * 36),
    ("github_pat_" + "11ABCDEFG0" * 4, "11ABCDEFG0"),
    ("AKIA" + "IOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    (f"key {PEM} end", "kqhkiG9w0BAQEF"),
    (PEM.split("-----END", maxsplit=1)[0], "kqhkiG9w0BAQEF"),
    (repr(PEM), "kqhkiG9w0BAQEF"),
    (JWT, "dozjgNryP4J3"),
    (f"smtp://mailer:{CANARY}@smtp.example.com:587", CANARY),
    (f"postgresql+psycopg://u:{CANARY}@db/x", CANARY),
    (f"redis://:{CANARY}@cache:6379/0", CANARY),
    (f"https://hooks.slack.com/services/T0/B0/{CANARY}", CANARY),
    (f"https://discord.com/api/webhooks/123/{CANARY}", CANARY),
    (f"POST https://alert.victorops.com/integrations/generic/20131114/alert/{CANARY}/operations", CANARY),
    (f"Authorization: GenieKey {CANARY}", CANARY),
    (f"POST https://acme.webhook.office.com/webhookb2/1b2c3d4e@5f60/IncomingWebhook/{CANARY}/0a1b", CANARY),
    (
        f"https://prod-01.westeurope.logic.azure.com/workflows/0a/triggers/manual/paths/invoke?sv=1.0&sig={CANARY}",
        CANARY,
    ),
    ("signed by whsec_" + "Zm9vYmFyYmF6cXV4" * 2 + "=", "Zm9vYmFyYmF6cXV4"),
    ("X-Insert-Key: NRII-" + "a1b2c3d4" * 4, "a1b2c3d4"),
    ("license eu01xx" + "a1b2c3d4" * 3 + "ffffffNRAL.", "a1b2c3d4"),
    (f"GET /cb?code=1&access_token={CANARY}&x=1", CANARY),
    (f'"GET /oauth/callback/slack?code={CANARY}&state=x HTTP/1.1" 303', CANARY),
    (f'"GET /v1/integrations/chat/oauth/callback?code=1&state={CANARY} HTTP/1.1" 200', CANARY),
    (f"GET /sign-in?next=/oauth/callback/slack%3Fcode%3D1%26state%3D{CANARY}%26x%3D1", CANARY),
    (f"code={CANARY}{CANARY}&redirect_uri=x", CANARY),
    (f"client_secret={CANARY}&client_id=1.2", CANARY),
    (f"grant_type=authorization_code&code_verifier={CANARY}", CANARY),
    (f"refresh_token={CANARY}", CANARY),
    (repr({"code_verifier": CANARY}), CANARY),
    (json.dumps({"codeVerifier": CANARY}), CANARY),
    (json.dumps({"bot_token": CANARY}), CANARY),
    (json.dumps({"botToken": CANARY, "x": 1}), CANARY),
    (json.dumps(json.dumps({"bot_token": CANARY})), CANARY),
    (repr({"password": CANARY}), CANARY),
    (repr({"password": f"it's {CANARY}"}), CANARY),
    (repr({"password": f"both ' and \" {CANARY}"}), CANARY),
    (json.dumps({"client_secret": f'quo"te {CANARY}'}), CANARY),
    (json.dumps({"api_key": CANARY}, indent=2), CANARY),
    (json.dumps({"apiKey": CANARY}), CANARY),
    (json.dumps({"private_key": CANARY, "access_token": CANARY, "secret": CANARY}), CANARY),
    (f"SmtpForm(host='x', password='{CANARY}')", CANARY),
    (f'{{"password": "{CANARY} and cut off he', CANARY),
]


@pytest.mark.parametrize(("text", "secret"), LEAKS, ids=range(len(LEAKS)))
def test_a_secret_shape_is_covered_once_and_for_all(text: str, secret: str):
    clean = redact(text)
    assert secret not in clean
    assert "••••" in clean
    assert redact(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Slack refused the credentials: invalid_auth.",
        "2026-10-01T12:00:00.000Z GET /api/v1/admin/integrations/status 200",
        "connect to https://example.com:8443/path?x=1",
        "at 12345678:90 and 127.0.0.1:54321",
        '{"provider": "slack", "connected": true, "token": null}',
        "The bearer of bad news",
        "key_id v2, workspace 0123456789abcdef01234567",
        "SG is Singapore",
    ],
)
def test_ordinary_lines_stay_as_they_are(text: str):
    assert redact(text) == text


def test_what_stands_around_a_secret_stays():
    assert redact(f"smtp://mailer:{CANARY}@host:587/x") == "smtp://mailer:••••@host:587/x"
    assert redact(repr({"a": 1, "password": CANARY, "b": 2})) == "{'a': 1, 'password': '••••', 'b': 2}"
    assert redact(json.dumps({"token": CANARY, "b": 2})) == '{"token": "••••", "b": 2}'
    assert redact(f"Bearer {CANARY} x") == "Bearer •••• x"


def test_a_shape_can_be_taught(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(redact_module, "_WHOLE", list(redact_module._WHOLE))
    assert redact("vendor-key-42") == "vendor-key-42"
    shapes(re.compile(r"vendor-key-\d+"))
    known = len(redact_module._WHOLE)
    shapes(re.compile(r"vendor-key-\d+"))
    assert redact("vendor-key-42") == "••••"
    assert len(redact_module._WHOLE) == known


def test_a_long_line_is_covered_in_reasonable_time():
    """Patterns that backtrack would take minutes here."""
    for unit in (
        "a",
        "://",
        "token",
        "token=",
        '\\"',
        "eyJ",
        "1",
        "-----BEGIN ",
        "'",
        "a:",
        "Bearer ",
        "?token=",
        "\\",
        "a-",
    ):
        started = thread_time()
        redact(unit * (60_000 // len(unit)))
        assert thread_time() - started < 1


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The cover installed, and everything that the loggers of this test write."""
    before = logging.getLogRecordFactory()
    install()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    names = ("", "apart", "reflex")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    loggers[1].propagate = False
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    yield written
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)
    logging.setLogRecordFactory(before)


def test_installing_twice_wraps_once(log: io.StringIO):
    factory = logging.getLogRecordFactory()
    install()
    assert logging.getLogRecordFactory() is factory


@pytest.mark.parametrize("name", ["", "apart", "httpx", "uvicorn.error", "_granian", "reflex.app"])
def test_every_logger_is_covered_even_one_that_does_not_propagate(log: io.StringIO, name: str):
    logging.getLogger(name).warning("token %s of %d", SLACK, 7)
    assert "token •••• of 7" in log.getvalue()
    assert SLACK not in log.getvalue()


def test_a_handler_that_comes_later_is_covered(log: io.StringIO):
    later = io.StringIO()
    handler = logging.StreamHandler(later)
    logger = logging.getLogger("later")
    logger.addHandler(handler)
    logger.warning(SLACK)
    logger.removeHandler(handler)
    assert later.getvalue() == "••••\n"


class Spelled:
    def __str__(self) -> str:
        return f"password={CANARY!r}"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError(SLACK)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("%s", ({"bot_token": CANARY},)),
        ("%r", ({"bot_token": CANARY},)),
        ("%(form)s", ({"form": {"password": CANARY}},)),
        ("%s and %s", ("fine", Spelled())),
        ("Bearer %s", (CANARY,)),  # only the two together are a secret
        ('{"password": "%s", "n": %d}', (CANARY, 5)),
        ("%s", (ValueError(f"password='{CANARY}'"),)),
        (Spelled(), ()),
    ],
)
def test_arguments_are_covered(log: io.StringIO, message: Any, arguments: tuple[Any, ...]):
    logging.getLogger("a").error(message, *arguments)
    assert CANARY not in log.getvalue()
    assert "••••" in log.getvalue()


@pytest.mark.parametrize(("message", "arguments"), [("%d", (SLACK,)), (f"{SLACK} %s %s", (1,)), ("%s", (Broken(),))])
def test_a_line_that_cannot_be_formatted_is_not_printed_as_it_is(
    log: io.StringIO, capsys: pytest.CaptureFixture[str], message: str, arguments: tuple[Any, ...]
):
    logging.getLogger("a").error(message, *arguments)
    assert SLACK not in log.getvalue() + capsys.readouterr().err
    assert "could not be formatted" in log.getvalue()


def test_access_log_arguments_keep_their_shape(log: io.StringIO):
    """uvicorn's access formatter unpacks five arguments; granian's takes a mapping."""
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign]
    logger = logging.getLogger("uvicorn.access")
    logger.addHandler(handler)
    logger.warning('%s - "%s %s HTTP/%s" %d', "127.0.0.1", "GET", f"/cb?access_token={CANARY}", "1.1", 200)
    logger.warning("%(path)s %(status)d", {"path": f"/cb?access_token={CANARY}", "status": 200})
    logger.removeHandler(handler)
    assert kept[0].args == ("127.0.0.1", "GET", "/cb?access_token=••••", "1.1", 200)
    assert kept[1].args == {"path": "/cb?access_token=••••", "status": 200}
    assert CANARY not in log.getvalue()


def test_a_traceback_is_covered_and_others_stay_whole(log: io.StringIO):
    logger = logging.getLogger("a")
    try:
        raise ValueError(f"cannot use {SLACK}")  # noqa: TRY301  # the traceback is what is tested
    except ValueError:
        logger.exception("It failed")
    assert SLACK not in log.getvalue()
    assert "It failed\nTraceback" in log.getvalue()
    assert "cannot use ••••" in log.getvalue()
    try:
        raise ValueError("harmless")  # noqa: TRY301  # same
    except ValueError:
        logger.exception("Again")
    assert "ValueError: harmless" in log.getvalue()


@pytest.mark.parametrize("handler", [JsonHandler(), RichConsoleHandler()])
def test_reflexs_own_handlers_write_no_secret(
    log: io.StringIO, capsys: pytest.CaptureFixture[str], handler: logging.Handler
):
    logger = logging.getLogger("reflex.test")
    logger.addHandler(handler)
    try:
        raise ValueError(f"cannot use {SLACK}")  # noqa: TRY301  # the traceback is what is tested
    except ValueError:
        logger.warning("Failed with %s", TELEGRAM, exc_info=True)
    finally:
        logger.removeHandler(handler)
    out = "".join(capsys.readouterr())
    assert "Failed with" in out
    assert SLACK not in out
    assert TELEGRAM[-20:] not in out


# The leaks that Reflex and httpx make by themselves. The secret has no shape: the line's data goes whole.


def test_leak_1_an_argument_that_fails_to_convert_is_not_logged(log: io.StringIO):
    async def connect(self: Any, form: int) -> None:
        """Never called."""

    @dataclass
    class Form:
        bot_token: str

    class Event:
        fn = connect
        _type_hints: ClassVar = {"form": Form}

    _prepare_event_payload(Event(), {"form": {"field": CANARY}})  # type: ignore[arg-type]  # as much as it looks at
    assert "Error transforming event argument 'form' with value" in log.getvalue()
    assert CANARY not in log.getvalue()


async def test_leak_2_an_event_from_an_unlinked_socket_is_not_logged(log: io.StringIO):
    class Unlinked:
        sid_to_token: ClassVar[dict[str, str]] = {}

    await EventNamespace.on_event(Unlinked(), "sid", {"name": "x", "payload": {"field": CANARY}})  # type: ignore[arg-type]  # as much as it looks at
    assert "no associated token" in log.getvalue()
    assert CANARY not in log.getvalue()


@pytest.mark.parametrize("sent", [f"no json\n{CANARY}", [CANARY], {"name": CANARY, "payload": {}, "token": 1}])
async def test_leak_2_an_event_of_another_form_is_not_logged(log: io.StringIO, sent: Any):
    class Linked:
        sid_to_token: ClassVar = {"sid": "token"}
        _static_router_data: ClassVar = {"sid": None}

    if isinstance(sent, dict):
        sent = json.dumps(sent)[:-1]
    task = asyncio.ensure_future(EventNamespace.on_event(Linked(), "sid", sent))  # type: ignore[arg-type]  # same
    with pytest.raises(EventDeserializationError) as caught:
        await task
    # What asyncio and the socket server do with it.
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %r", task, exc_info=caught.value)
    assert "Traceback" in log.getvalue()
    assert CANARY not in log.getvalue()


def test_leak_3_a_url_with_a_token_is_not_logged(log: io.StringIO):
    logging.getLogger("some.client").info('HTTP Request: POST %s "%s"', f"https://x/bot{TELEGRAM}/getMe", "200 OK")
    assert 'HTTP Request: POST https://x/bot••••/getMe "200 OK"' in log.getvalue()


def test_leak_6_an_exceptions_own_text_is_not_logged(log: io.StringIO):
    try:
        raise RuntimeError(f"vendor said {{'password': '{CANARY}'}}")  # noqa: TRY301  # the traceback is what is tested
    except RuntimeError as error:
        line = f"[Reflex Backend Exception]\n {type(error)}: {error}"
        logging.getLogger("reflex.app").exception(line)
    assert "vendor said" in log.getvalue()
    assert CANARY not in log.getvalue()
