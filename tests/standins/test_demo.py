"""The demo: a section and a working dial for every stand-in, nothing but loopback, and one Ctrl-C ends it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from atlas_hub.kit.secret import HIDDEN
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Sends
from tests.providers.entries import ENTRIES
from tests.providers.entries.entry import Nobody
from tests.standins import discord, every_standin, slack_seed, teams
from tests.standins.browser import click, told
from tests.standins.control import MAIL_WORDS, STATIC, WORDS, Control, Vendor, cover, pieces, vendors_of
from tests.standins.demo import environment
from tests.standins.dial import Fault
from tests.standins.mailbox import PASSWORD, Mail, Mailbox, MailFault
from tests.standins.oauth import OAuthStandin
from tests.standins.probes import bearer
from tests.standins.slack import SlackStandin
from tests.standins.standin import Standin

HUB = "http://localhost:3000"
STOOD_IN = [entry for entry in ENTRIES if entry.standin is not Nobody]


@pytest.fixture(scope="module")
def started() -> Iterator[Control]:
    with ExitStack() as running:
        standins = [running.enter_context(kind()) for kind in every_standin()]
        vendors = vendors_of(standins, running.enter_context(Mailbox()))
        yield running.enter_context(Control(vendors, HUB))


@pytest.fixture
def control(started: Control) -> Iterator[Control]:
    yield started
    for vendor in started.vendors.values():
        vendor.standin.reset()


@pytest.fixture
def slack(control: Control) -> SlackStandin:
    standin = control.vendors["slack"].standin
    assert isinstance(standin, SlackStandin)
    return standin


def standins(control: Control) -> list[Standin]:
    return [vendor.standin for vendor in control.vendors.values() if isinstance(vendor.standin, Standin)]


def send(http: httpx.Client, control: Control, path: str, **said: str) -> httpx.Response:
    return http.post(f"{control.url}{path}", json=said, headers={"origin": control.url})


def section(http: httpx.Client, control: Control, key: str) -> str:
    return unescape(re.split(r"(?=<section )", http.get(control.url).text.split(f'<section id="{key}"')[1])[0])


def test_every_standin_and_the_mailbox_have_a_section(control, http):
    page = http.get(control.url).text
    kinds = [type(vendor.standin) for vendor in control.vendors.values()]
    assert set(kinds) == {*every_standin(), Mailbox}
    assert len(kinds) == len(set(kinds)) == page.count("<section ")
    for key, vendor in control.vendors.items():
        assert f'<section id="{key}"' in page
        assert vendor.title in unescape(page)


@pytest.mark.parametrize("entry", STOOD_IN, ids=lambda entry: entry.id)
def test_what_the_contract_suite_types_can_be_copied_for_its_card(control, http, entry):
    kind = type(entry.standin())
    vendor = next(each for each in control.vendors.values() if isinstance(each.standin, kind))
    shown = section(http, control, vendor.key)
    assert f'href="{HUB}/admin/integrations/{entry.slug}"' in shown
    for name, info in entry.way.form.model_fields.items():
        value = entry.values(vendor.standin).get(info.alias or name)
        if value is not None and not isinstance(value, bool):
            assert f"<dt>{info.title}</dt>" in shown
            assert f'data-copy="{value}"' in shown
    if isinstance(entry.way, Sends):
        assert f"Test message, {entry.way.destination}" in shown
        assert f'data-copy="{entry.to}"' in shown


def test_every_credential_to_try_can_be_copied(control, http):
    for vendor in control.vendors.values():
        shown = section(http, control, vendor.key)
        for words, text in vendor.tries.items():
            assert words in shown
            assert all(f'data-copy="{value}"' in shown for _, value in pieces(text) if value)


def test_the_first_credential_to_try_is_the_one_to_paste(control, http):
    rows = section(http, control, "slack").split("<details>")[0]
    assert slack_seed.ACME_IN_FULL in rows
    assert slack_seed.ACME not in rows


def test_every_card_of_the_hub_that_can_be_connected_has_a_section(control):
    slugs = {vendor.slug for vendor in control.vendors.values()}
    assert {entry.slug for entry in STOOD_IN} <= slugs
    assert slugs <= {*PROVIDERS, ""}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("xoxb-1", [("", "xoxb-1")]),
        ("us-east-1 AKIAFAKEFULLXXXXXXXX a/B+", [("", "us-east-1"), ("", "AKIAFAKEFULLXXXXXXXX"), ("", "a/B+")]),
        ("tok.1, application 12, public key 0a", [("", "tok.1"), ("application", "12"), ("public key", "0a")]),
        ('{"type": "key file",\n "id": 1}', [("", '{"type": "key file",\n "id": 1}')]),
        ("App ID 1-1, no Tenant ID", [("App ID", "1-1"), ("no Tenant ID", "")]),
        ("Phone ID: 55\nToken: EAA b", [("Phone ID", "55"), ("Token", "EAA b")]),
        (
            "12\n-----BEGIN " + "PRIVATE KEY-----\nab c\n-----END PRIVATE KEY-----\n",
            [("", "12"), ("", "-----BEGIN " + "PRIVATE KEY-----\nab c\n-----END PRIVATE KEY-----")],
        ),
    ],
)
def test_several_values_in_one_text_are_copied_one_by_one(text, found):
    assert list(pieces(text)) == found


def test_every_fault_has_plain_words():
    assert set(WORDS) == set(Fault)
    assert set(MAIL_WORDS) == set(MailFault)
    for words in (WORDS, MAIL_WORDS):
        assert len(set(words.values())) == len(words)


def test_turning_a_dial_makes_every_vendor_fail_at_once_and_then_work(control, http):
    for key, vendor in control.vendors.items():
        if not isinstance(vendor.standin, Standin):
            continue
        told = send(http, control, "/dial", vendor=key, fault="unavailable")
        assert (told.status_code, told.json()["fault"]) == (200, "unavailable")
        assert http.get(f"{vendor.standin.base}/whatever").status_code == 503, key
        assert 'data-works="no"' in section(http, control, key)
        assert http.get(f"{control.url}/state").json()[key]["fault"] == "unavailable"
        send(http, control, "/dial", vendor=key, fault="server_error")
        send(http, control, "/dial", vendor=key, fault="ok")
        assert http.get(f"{vendor.standin.base}/whatever").status_code not in (500, 503), key
        assert 'data-works="yes"' in section(http, control, key)


def test_the_dial_of_one_vendor_leaves_the_others_alone(control, http, slack):
    send(http, control, "/dial", vendor="telegram", fault="hang")
    answer = http.post(f"{slack.base}/api/auth.test", headers=bearer(slack_seed.ACME))
    assert answer.json()["ok"] is True


def test_the_mailbox_has_a_dial_too(control, http):
    mailbox = control.vendors["mailbox"].standin
    assert send(http, control, "/dial", vendor="mailbox", fault="greylist").status_code == 200
    assert mailbox.dial.meets(MailFault.GREYLIST)
    assert f'<option value="greylist" selected>{MAIL_WORDS[MailFault.GREYLIST]}' in section(http, control, "mailbox")
    assert send(http, control, "/reset", vendor="mailbox").json()["fault"] == "ok"


def test_a_dial_has_only_what_the_vendor_has(control, http):
    assert f'value="{Fault.OK_ERROR}"' in section(http, control, "slack")
    assert f'value="{Fault.OK_ERROR}"' not in section(http, control, "telegram")
    for said in ({"vendor": "telegram", "fault": "ok_error"}, {"vendor": "nobody", "fault": "ok"}, {"vendor": "slack"}):
        answer = send(http, control, "/dial", **said)
        assert (answer.status_code, "Choose one of" in answer.json()["error"]) == (400, True)
    nonsense = http.post(f"{control.url}/dial", content="[", headers={"origin": control.url, **JSON})
    assert nonsense.status_code == 400


def test_starting_over_forgets_faults_calls_and_changes(control, http, slack):
    slack.dial.set(Fault.HANG)
    slack.tokens.clear()
    assert send(http, control, "/reset", vendor="slack").status_code == 200
    assert http.post(f"{slack.base}/api/auth.test", headers=bearer(slack_seed.BETA)).json()["team"] == "Beta Inc"


def install(slack: SlackStandin, http: httpx.Client, app: str = slack_seed.ATLAS_APP) -> dict[str, Any]:
    """Install an app in Acme Corp; what Slack answered."""
    url = (
        f"{slack.base}/oauth/v2/authorize?client_id={app}&scope=chat:write,commands&redirect_uri=https://hub.example/x"
    )
    code = told(click(http, url, "Allow"))["code"]
    said = {"client_id": app, "client_secret": slack.apps[app].client_secret, "redirect_uri": "https://hub.example/x"}
    return http.post(f"{slack.base}/api/oauth.v2.access", data=said | {"code": code}).json()


def test_every_vendor_with_oauth_has_buttons_that_end_what_it_gave(control, http):
    oauth = {key: each.standin for key, each in control.vendors.items() if isinstance(each.standin, OAuthStandin)}
    assert oauth.keys() == {"slack", "teams", "discord"}
    for key, standin in oauth.items():
        for words in standin.acts():
            assert f'data-act="{words}"' in section(http, control, key)
            answer = send(http, control, "/act", vendor=key, act=words)
            assert (answer.status_code, words in answer.json()["said"]) == (200, True)
    assert "data-act" not in section(http, control, "telegram")
    for said in ({"vendor": "telegram", "act": "Expire OAuth tokens"}, {"vendor": "slack"}, {"vendor": "nobody"}):
        assert send(http, control, "/act", **said).status_code == 400


@pytest.mark.parametrize(
    ("act", "error"), [("Expire OAuth tokens", "token_expired"), ("Revoke OAuth tokens", "token_revoked")]
)
def test_the_page_ends_a_token_of_oauth(control, http, slack, act, error):
    token = install(slack, http)["access_token"]
    send(http, control, "/act", vendor="slack", act=act)
    assert http.post(f"{slack.base}/api/auth.test", headers=bearer(token)).json()["error"] == error
    assert http.post(f"{slack.base}/api/auth.test", headers=bearer(slack_seed.ACME)).json()["ok"] is True


def test_the_page_withholds_scopes(control, http, slack):
    send(http, control, "/act", vendor="slack", act="Withhold commands and app_mentions:read")
    assert install(slack, http)["scope"] == "chat:write"
    send(http, control, "/reset", vendor="slack")
    assert install(slack, http)["scope"] == "chat:write,commands"


def test_the_page_shows_no_secret_of_oauth(control, http, slack):
    said = install(slack, http, slack_seed.ROTATING_APP)
    given = {"client_secret": slack_seed.ROTATING_SECRET, "refresh_token": said["refresh_token"]}
    http.post(f"{slack.base}/api/oauth.v2.access", data=given)
    shown = http.get(f"{control.url}/state").text
    (code,) = slack.codes
    assert not [text for text in (code, *given.values(), said["access_token"]) if text in shown]


def test_the_page_shows_what_a_vendor_received_without_secrets(control, http, slack):
    said = {"channel": "C0GENERAL", "text": "Hello <b>you</b>"}
    http.post(f"{slack.base}/api/chat.postMessage", headers=bearer(slack_seed.ACME), json=said)
    http.post(f"{slack.base}/api/auth.test", data={"token": slack_seed.BETA, "password": "typed-by-somebody"})
    told = http.get(f"{control.url}/state").json()["slack"]
    assert [call["what"] for call in told["calls"]] == ["POST /api/auth.test", "POST /api/chat.postMessage"]
    assert "Hello <b>you</b>" in told["messages"][0]["detail"]
    shown = http.get(control.url).text.split("data-received>")[1:]
    assert any("Hello &lt;b&gt;you&lt;/b&gt;" in part for part in shown)
    assert "<b>you" not in "".join(shown)
    assert slack_seed.BETA not in f"{told}"
    assert HIDDEN in told["calls"][0]["detail"]


def test_a_path_shows_no_token(control, http):
    bots = control.vendors["telegram"].standin
    token = next(iter(bots.bots))
    http.get(f"{bots.base}/bot{token}/getMe?chat_id=4242")
    (call,) = http.get(f"{control.url}/state").json()["telegram"]["calls"]
    assert call["what"] == f"GET /bot{HIDDEN}/getMe?chat_id=4242"


def test_the_mailbox_shows_its_mails(control, http):
    mailbox = control.vendors["mailbox"].standin
    content = b"Subject: A test\r\nContent-Type: text/plain\r\n\r\nNothing to do.\r\n"
    mailbox.messages.append(Mail("a@acme.example", ("b@acme.example",), content, "atlas"))
    mailbox.calls.append(("RCPT", "b@acme.example"))
    told = http.get(f"{control.url}/state").json()["mailbox"]
    assert told["messages"] == [{"what": "a@acme.example to b@acme.example: A test", "detail": "Nothing to do."}]
    assert told["calls"] == [{"what": "RCPT b@acme.example", "detail": ""}]


def test_only_the_last_few_are_shown_and_none_is_endless(control, http, slack):
    for number in range(7):
        http.post(f"{slack.base}/api/n{number}", content=b"A" * 5000)
    calls = http.get(f"{control.url}/state").json()["slack"]["calls"]
    assert [call["what"] for call in calls] == [f"POST /api/n{number}" for number in (6, 5, 4, 3, 2)]
    assert len(calls[0]["detail"]) < 2100


@pytest.mark.parametrize("shape", ["{}", "/{}/", '{{"x": "{}"}}'])
def test_a_secret_is_covered_in_every_dress(control, shape):
    vendor: Vendor = control.vendors["mailbox"]
    assert PASSWORD not in cover(shape.format(PASSWORD), vendor.secrets)
    secret = "a:b+c/d e"
    vendor = Vendor(
        key="x", title="X", slug="", standin=vendor.standin, entries=(), words={}, tries={"x": f"Key: {secret}"}
    )
    for dressed in (secret, "a%3Ab%2Bc%2Fd%20e", "a%3Ab%2Bc%2Fd+e"):
        assert cover(shape.format(dressed), vendor.secrets) == shape.format(HIDDEN)


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("host", ["evil.example", "localhost", "localhost:1", "127.0.0.1.evil.example:{port}", ""])
@pytest.mark.parametrize("path", ["/", "/state", "/control.js"])
def test_another_host_name_is_refused(control, http, host, path):
    answer = http.get(f"{control.url}{path}", headers={"host": host.format(port=control.port)})
    assert answer.status_code == 421
    assert "Slack" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example", **JSON},
        {"origin": "http://localhost:3000", **JSON},
        {"origin": "null", **JSON},
        JSON,
        {"origin": "{url}", "content-type": "text/plain"},
        {"origin": "{url}", "content-type": "application/x-www-form-urlencoded"},
    ],
)
@pytest.mark.parametrize("path", ["/dial", "/reset", "/act"])
def test_another_sites_post_is_refused(control, http, slack, headers, path):
    slack.dial.set(Fault.EMPTY)
    named = {name: value.format(url=control.url) for name, value in headers.items()}
    body = b'{"vendor": "slack", "fault": "hang"}'
    assert http.post(f"{control.url}{path}", content=body, headers=named).status_code == 403
    assert control.vendors["slack"].fault is Fault.EMPTY


def test_both_names_of_this_machine_are_ours(control, http):
    for host in ("localhost", "127.0.0.1"):
        base = f"http://{host}:{control.port}"
        assert http.get(base).status_code == 200
        told = {"vendor": "slack", "fault": "ok"}
        assert http.post(f"{base}/dial", json=told, headers={"origin": base}).status_code == 200


def test_the_page_asks_nobody_else(control, http):
    answer = http.get(control.url)
    rule = answer.headers["content-security-policy"]
    assert rule.startswith("default-src 'none'")
    assert "unsafe" not in rule
    assert "http" not in rule
    for name, target in re.findall(r'\b(src|href|action)="([^"]*)"', answer.text):
        ours = target.startswith(("/control.", "#", "data:"))
        assert ours or (name == "href" and target.startswith(f"{HUB}/admin/integrations")), target
    assert not re.search(r"<script(?! src=)|\son\w+=|style=", answer.text)
    for path in ("control.css", "control.js"):
        text = (STATIC / path).read_text(encoding="utf-8")
        assert "//" not in re.sub(r"^\s*// .*$|; // .*$", "", text, flags=re.MULTILINE)
        assert http.get(f"{control.url}/{path}").text == text


def test_everything_listens_on_loopback_alone(control):
    bases = [standin.base for standin in standins(control)] + [standin.elsewhere for standin in standins(control)]
    assert all(base.startswith("http://127.0.0.1:") for base in bases)
    ports = {int(base.rpartition(":")[2]) for base in bases} | {control.port, control.vendors["mailbox"].standin.port}
    heard = listening()
    assert ports <= heard.keys()
    assert {heard[port] for port in ports} == {"0100007F"}


def listening() -> dict[int, str]:
    """Port → the address, as the kernel writes it, on which somebody listens."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("This system has no /proc/net/tcp.")
    rows = [line.split() for line in table.read_text().splitlines()[1:]]
    return {int(row[1][9:], 16): row[1][:8] for row in rows if row[3] == "0A"}


def test_the_hub_of_the_demo_touches_nobodys_real_data(control):
    real = {
        "DATABASE_URL": "postgresql://real",
        "REFLEX_DB_URL": "postgresql://real",
        "REFLEX_REDIS_URL": "redis://real",
        "ATLAS_ENCRYPTION_KEYS": "v1:real",
        "ATLAS_UPSTREAM_OTHER": "https://real.example",
        "ATLAS_PUBLIC_URL": "https://real.example",
        "HOST": "192.0.2.1",
        "PORT": "80",
    }
    for provider in PROVIDERS.values():
        real |= dict.fromkeys(provider.oauth_env or (), "real")
        for each in provider.environment:
            real |= dict.fromkeys(each.variables.values(), "real")
    mailbox = control.vendors["mailbox"].standin
    made = environment({**real, "PATH": "/bin"}, standins(control), mailbox, port=3007, data=Path("x"))
    upstreams = {name: base for standin in standins(control) for name, base in standin.env.items()}
    assert made == {
        "PATH": "/bin",
        **upstreams,
        "SLACK_CLIENT_ID": slack_seed.ATLAS_APP,
        "SLACK_CLIENT_SECRET": slack_seed.ATLAS_SECRET,
        "TEAMS_APP_ID": teams.HUB,
        "TEAMS_APP_PASSWORD": teams.HUB_SECRET,
        "DISCORD_CLIENT_ID": discord.HUB_ID,
        "DISCORD_CLIENT_SECRET": discord.HUB_SECRET,
        "DISCORD_BOT_TOKEN": discord.HUB,
        "ATLAS_SMTP_URL": f"{upstreams['ATLAS_UPSTREAM_MAIL_BRIDGE']}/mail",
        "ATLAS_EMAIL_FROM": "operator@acme.example",
        "SSL_CERT_FILE": mailbox.ca_pem_path,
        "ATLAS_OUTBOUND_ALLOW": "127.0.0.0/8",
        "ATLAS_DATA_DIR": "x",
        "PORT": "3007",
    }


CHILD = """
    import os, signal, subprocess, sys, time
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
    print("other", other.pid)
    print("data", os.environ["ATLAS_DATA_DIR"], os.environ["ATLAS_UPSTREAM_SLACK"])
    print("Atlas Hub is ready at http://localhost:3000/admin/integrations", flush=True)
    time.sleep({seconds})
    sys.exit(7)
"""


def demo(tmp_path: Path, *, seconds: float, port: int = 0, control_port: int = 0) -> subprocess.Popen[str]:
    """The demo with a child that is quicker than the hub."""
    child = [sys.executable, "-c", dedent(CHILD).format(seconds=seconds)]
    given = ["--port", str(port), "--control-port", str(control_port), "--data", str(tmp_path / "data")]
    code = f"import sys; from tests.standins import demo; sys.exit(demo.main({given!r}, {child!r}))"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody waits for stays in the table when it has ended.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_hub_and_all_that_it_started(tmp_path, http, number):
    with demo(tmp_path, seconds=60) as running:
        assert running.stdout is not None
        control = next(running.stdout).split()[-1]
        other = int(next(running.stdout).split()[1])
        _, data, slack = next(running.stdout).split()
        assert next(running.stdout).startswith("Atlas Hub is ready")
        assert control in next(running.stdout)
        assert http.get(control).status_code == 200
        assert http.post(f"{slack}/api/auth.test", headers=bearer(slack_seed.ACME)).json()["ok"] is True
        assert (Path(data), (Path(data) / ".gitignore").read_text()) == (tmp_path / "data", "*\n")
        running.send_signal(number)
        assert running.wait(timeout=10) == 0
    with pytest.raises(httpx.ConnectError):
        http.get(control)
    deadline = time.monotonic() + 5
    while runs(other) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(other)


def test_a_hub_that_ends_by_itself_ends_the_demo_with_its_code(tmp_path):
    with demo(tmp_path, seconds=0) as running:
        running.communicate(timeout=20)
        assert running.returncode == 7


@pytest.mark.parametrize("name", ["port", "control_port"])
def test_a_taken_port_is_a_sentence(tmp_path, control, name):
    with demo(tmp_path, seconds=0, **{name: control.port}) as running:
        out, said = running.communicate(timeout=20)
    assert (running.returncode, out) == (2, "")
    assert said.startswith(f"The demo did not start: port {control.port} is in use.")
    assert "PORT=" in said
