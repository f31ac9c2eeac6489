"""The source document's table *SaaS vs Self-Hosted* (but for OAuth), and what the operator's variables connect."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from atlas_hub.providers import PROVIDERS
from tests.e2e import ground, people
from tests.e2e.browsing import Browsing, card, drawer, fill, loaded, open_drawer, said, shows, submit
from tests.e2e.ground import ROOT, Inside, Site, settings_in
from tests.e2e.people import Place, Role
from tests.e2e.vendors import Vendors

pytestmark = pytest.mark.e2e

DOCUMENTATION = (ROOT / "docs" / "configuration.md").read_text("utf-8")
DOCUMENTED = set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", DOCUMENTATION, re.MULTILINE))
NAMED = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(sorted(DOCUMENTED - {'HOST', 'PORT'}))})(?![A-Za-z0-9_])")
"""A variable's name as a word of its own. `HOST` and `PORT` are words that anyone may use."""

CONFIG = """
import reflex as rx
from atlas_hub import HubPlugin

config = rx.Config(
    app_name="host",
    cors_allowed_origins=["http://localhost:{port}"],
    deploy_url="http://localhost:{port}",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[HubPlugin(actors="host.people", frame="atlas_hub.accounts.frame:frame")],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
"""

PEOPLE = """
from atlas_hub import Actor, Role

SIGN_IN_PATH = "/their-sign-in"

def _who(cookie):
    found = [pair.strip().removeprefix("who=") for pair in (cookie or "").split(";") if pair.strip().startswith("who=")]
    made = lambda role: Actor(id=role, name=role, workspace="0123456789abcdef01234567", role=Role(role))
    return made(found[0]) if found else None

async def actor_of_state(state):
    return _who(state.router.headers.cookie)

async def actor_of_request(request):
    return _who(request.headers.get("cookie"))
"""

APP = """
import reflex as rx

app = rx.App(html_lang="en")
"""


@contextmanager
def hosted(folder: Path, **env: str) -> Iterator[Site]:
    """The page in somebody else's app, which knows by a cookie of its own who asks; from the same build."""
    (folder / "host").mkdir(parents=True)
    port = ground.free_port()
    for name, text in {"rxconfig.py": CONFIG.format(port=port), "host/people.py": PEOPLE, "host/host.py": APP}.items():
        (folder / name).write_text(text)
    shutil.copytree(ground.KEPT / ".web", folder / ".web", ignore=shutil.ignore_patterns("node_modules"))
    ground.move_to(folder / ".web", port)
    log = folder / "serve.log"
    fixed = {"PORT": str(port), "__REFLEX_SKIP_COMPILE": "true", "REFLEX_ENV_MODE": "prod"}
    command = [sys.executable, "-c", ground.AGAIN, str(port)]
    with ground.started(command, env=ground.environment(**fixed, **env), log=log, cwd=folder) as process:
        ground.wait(port, process, log)
        yield Site(f"http://localhost:{port}", env, log, process.pid)


def given(vendors: Vendors) -> dict[str, str]:
    """Every variable of the vendors' own that the documentation names."""
    return {
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "fake-slack-client",
        "SLACK_BOT_TOKEN": vendors.team("Operator Inc").token,
        "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2,
        "TEAMS_APP_ID": "11111111-2222-4333-8444-555555555555",
        "TEAMS_APP_PASSWORD": "fake-teams-password",
        "DISCORD_CLIENT_ID": "123456789012345678",
        "DISCORD_CLIENT_SECRET": "fake-discord-client",
        "ATLAS_SMTP_URL": f"{vendors.bridge.base}/mail",
        "RESEND_API_KEY": "re_fake",
        "ATLAS_EMAIL_FROM": "operator@acme.example",
        "WHATSAPP_GRAPH_VERSION": "v18.0",
    }


Served = Callable[[str, str, str], Site]


@pytest.fixture(scope="module")
def cells(fresh: Site, site: Site, folder: Path, all_vendors: Vendors) -> Iterator[Served]:
    """The hub of a cell of the table: by mode, database and environment."""
    with ExitStack() as running:
        kept = {("self-hosted", "database", "nothing"): site}

        def serve(mode: str, database: str, environment: str) -> Site:
            cell = (mode, database, environment)
            if cell not in kept:
                own = folder / "-".join(cell)
                env = settings_in(own / "data", ATLAS_DEPLOY_MODE=mode, **all_vendors.env)
                env |= given(all_vendors) if environment == "variables" else {}
                env |= {"DATABASE_URL": "none"} if database == "none" else {}
                serving = hosted(own, **env) if database == "none" else ground.served(own, **env)
                kept[cell] = running.enter_context(serving)
            return kept[cell]

        yield serve


@pytest.fixture(scope="module")
def operated(cells: Served) -> Iterator[tuple[Site, Inside]]:
    """The self-hosted hub whose operator set the variables, and a hub of the tests' own on its database."""
    site = cells("self-hosted", "database", "variables")
    with Inside(site.settings) as inside:
        yield site, inside


@pytest.fixture(scope="module")
def first(operated: tuple[Site, Inside]) -> Iterator[Place]:
    """Its first workspace, which is the one that the variables are for."""
    place = people.found(*operated, "First")
    yield place
    place.rest.close()


def visit(browsing: Browsing, site: Site, place: Place | None, role: str = "owner") -> Page:
    """The page as one of its people sees it; without a workspace, as the host's own person."""
    if place is not None:
        return browsing.open(site, place.person(Role(role)))
    context = browsing.context(site)
    context.add_cookies([{"name": "who", "value": role, "url": site.base}])
    return browsing.load(browsing.tab(context), site)


def everything(page: Page) -> Iterator[str]:
    """The page's markup, then that of each drawer that a card leads to."""
    yield page.content()
    for slug in PROVIDERS:
        if not card(page, slug).locator(".ah-acts a").count():
            continue
        card(page, slug).locator(".ah-acts a").first.click()
        expect(drawer(page).locator(f"[data-drawer={slug}]")).to_be_visible()
        yield page.content()
        page.keyboard.press("Escape")
        expect(drawer(page)).to_have_count(0)


CLOSED = {slug: "closed" for slug, provider in PROVIDERS.items() if provider.lifecycle.closed}
FORMS = dict.fromkeys(PROVIDERS, "form") | CLOSED
HINTS = dict.fromkeys(PROVIDERS, "hint") | CLOSED
NOWHERE = dict.fromkeys(PROVIDERS, "not_available") | CLOSED
TABLE: dict[tuple[str, str, str], dict[str, Any]] = {
    ("self-hosted", "database", "nothing"): FORMS,
    ("self-hosted", "database", "variables"): FORMS | {"slack": "environment"},
    ("self-hosted", "none", "nothing"): HINTS,
    ("self-hosted", "none", "variables"): HINTS | {"slack": "environment", "email": "environment"},
    ("saas", "database", "nothing"): FORMS,
    ("saas", "database", "variables"): FORMS,
    ("saas", "none", "nothing"): NOWHERE,
    ("saas", "none", "variables"): NOWHERE | {"email": "environment"},
}


@pytest.mark.parametrize("cell", TABLE, ids=["-".join(cell) for cell in TABLE])
def test_each_cell_of_the_table_shows_what_it_says_and_saas_names_no_variable(browsing, cells, request, cell):
    page = visit(browsing, cells(*cell), place_in(cell, request))
    wanted = TABLE[cell]
    for slug, mode in wanted.items():
        shows(page, slug, mode)
    connected = list(wanted.values()).count("environment")
    expect(page.locator(".ah-counter")).to_have_text(f"{connected} of {len(PROVIDERS)} connected")
    assert browsing.frames[page]
    seen = [*everything(page), *browsing.frames[page]]
    named = {name for text in seen for name in NAMED.findall(text)}
    if cell[0] == "saas":
        assert named == set()
        expect(card(page, "slack")).not_to_contain_text("environment")
    elif cell[1] == "none":
        ways = [way for slug, mode in wanted.items() if mode == "hint" for way in PROVIDERS[slug].environment]
        assert named >= {"DATABASE_URL", *(name for way in ways for name in way.variables.values())}
    elif cell[2] == "variables":
        assert named >= {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "ATLAS_SMTP_URL", "ATLAS_EMAIL_FROM"}
    if cell[1] == "none":
        expect(page.locator("form.ah-form")).to_have_count(0)


def place_in(cell: tuple[str, str, str], request: pytest.FixtureRequest) -> Place | None:
    """A workspace of a cell's hub; None where it has no database."""
    if cell[1] == "none":
        return None
    if cell == ("self-hosted", "database", "variables"):
        return request.getfixturevalue("first")
    site = request.getfixturevalue("cells")(*cell)
    if site is request.getfixturevalue("site"):
        return request.getfixturevalue("place")
    inside = Inside(site.settings).__enter__()
    request.addfinalizer(lambda: inside.__exit__(None, None, None))
    return request.getfixturevalue("found")(site, inside)


def test_the_built_page_names_no_variable(site: Site) -> None:
    client = Path(site.env["ATLAS_DATA_DIR"]) / ".web" / "build" / "client"
    texts = [path for path in client.rglob("*") if path.suffix in {".js", ".css", ".html", ".json", ".map", ".txt"}]
    assert len(texts) > 5
    named = {(path.name, name) for path in texts for name in NAMED.findall(path.read_text("utf-8", "replace"))}
    assert named == set()


def test_a_hint_says_what_the_operator_sets_and_offers_nothing_to_press(browsing, cells, looking):
    page = visit(browsing, cells("self-hosted", "none", "nothing"), None)
    expect(card(page, "slack")).to_contain_text("Not set up")
    expect(card(page, "slack")).to_contain_text("DATABASE_URL")
    expect(card(page, "slack")).to_contain_text("SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET")
    expect(card(page, "telegram").locator("code")).to_have_text("DATABASE_URL")
    expect(page.get_by_role("heading", name="Needs you")).to_have_count(0)
    looking.at(page, "hint")
    browsing.load(page, cells("self-hosted", "none", "nothing"), "slack")
    expect(drawer(page).locator("li code")).to_have_text(["DATABASE_URL", "SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET"])
    looking.at(page, "hint-drawer")


def test_what_is_not_available_says_so_and_whom_to_ask(browsing, cells, looking):
    page = visit(browsing, cells("saas", "none", "nothing"), None)
    for slug in PROVIDERS.keys() - CLOSED:
        expect(card(page, slug)).to_contain_text("Not available")
        expect(card(page, slug)).to_contain_text("Ask whoever runs this service.")
    looking.at(page, "not-available")
    browsing.load(page, cells("saas", "none", "nothing"), "slack")
    expect(drawer(page)).to_contain_text("Slack is not available here.")
    assert not [name for text in (page.content(), *browsing.frames[page]) for name in NAMED.findall(text)]


def test_a_host_whose_sign_in_knows_nobody_sends_them_there(browsing, cells):
    browsing.expects("status of 404")  # this host's sign-in is a name alone
    page = browsing.tab(browsing.context(cells("self-hosted", "none", "nothing")))
    page.goto(cells("self-hosted", "none", "nothing").page)
    page.wait_for_url(re.compile(r"/their-sign-in\?next=/admin/integrations$"))
    assert not NAMED.findall(page.content())
    assert not [frame for frame in browsing.frames[page] if NAMED.search(frame)]


def open_slack(page: Page) -> None:
    """The drawer of a card that the environment connects."""
    open_drawer(page, "slack", "Details")


def test_what_the_environment_connects_is_shown_checked_and_tested(browsing, first, looking, all_vendors):
    page = visit(browsing, first.site, first)
    shows(page, "slack", "environment")
    expect(card(page, "slack")).to_contain_text("Using environment variable (SLACK_BOT_TOKEN)")
    expect(page.locator("[data-needs]")).to_have_count(0)
    open_slack(page)
    expect(drawer(page)).to_contain_text("Using environment variable (SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET)")
    expect(drawer(page)).to_contain_text("It is managed by whoever runs the hub")
    for name in ("Disconnect…", "Replace the key…"):
        expect(drawer(page).get_by_role("button", name=name)).to_have_count(0)
    drawer(page).get_by_role("button", name="Check now").click()
    expect(said(page)).to_contain_text("Checked: connected.")
    expect(card(page, "slack")).to_have_attribute("data-word", "From the environment")
    expect(card(page, "slack")).to_have_attribute("data-tone", "good")
    expect(card(page, "slack")).to_contain_text("Operator Inc")
    expect(card(page, "slack")).to_contain_text("✓ accepted")
    looking.at(page, "environment-drawer")
    send = drawer(page).get_by_role("form", name="Send a test message by Slack")
    team = all_vendors.slack.tokens[first.site.env["SLACK_BOT_TOKEN"]].team_id
    channel = next(each for each in all_vendors.slack.channels if each.team_id == team)
    send.get_by_label("Channel ID").fill(channel.id)
    submit(send, "Send test")
    expect(send.locator("[data-tested=yes]")).to_contain_text("✓ Sent.")
    expect(drawer(page).locator(".ah-known li[data-truth=delivered]")).to_have_attribute("data-ok", "yes")
    assert "This is a test message" in str(all_vendors.slack.messages[-1])


def test_mail_goes_through_the_environment_until_the_workspace_has_its_own(browsing, first, all_vendors):
    page = visit(browsing, first.site, first)
    shows(page, "email", "form")
    expect(card(page, "email")).to_contain_text("as the environment says (ATLAS_SMTP_URL, ATLAS_EMAIL_FROM)")
    expect(page.locator("[data-channel=email]")).to_contain_text("ready by the operator's mail")
    open_drawer(page, "email")
    send = drawer(page).get_by_role("form", name="Send a test message by Email")
    send.get_by_role("textbox").fill("grace@example.com")
    submit(send, "Send test")
    expect(send.locator("[data-tested=yes]")).to_contain_text("✓ Sent.")
    assert (all_vendors.bridge.messages[-1]["from"], all_vendors.bridge.messages[-1]["to"]) == (
        "operator@acme.example",
        "grace@example.com",
    )


def test_a_member_sees_it_and_has_nothing_to_press(browsing, first):
    page = visit(browsing, first.site, first, "member")
    shows(page, "slack", "environment")
    open_slack(page)
    expect(drawer(page)).to_contain_text("SLACK_BOT_TOKEN")
    expect(drawer(page).locator("button").filter(has_not_text="Copy")).to_have_count(0)
    expect(drawer(page).get_by_role("textbox")).to_have_count(0)


def test_the_other_workspaces_have_a_form_and_hear_of_no_variable(browsing, operated, found, first):
    other = found(*operated, "Second")
    page = visit(browsing, other.site, other)
    shows(page, "slack", "form")
    assert "SLACK_BOT_TOKEN" not in page.content()


def test_connecting_ones_own_takes_over_and_disconnecting_it_falls_back(browsing, first, all_vendors):
    page = visit(browsing, first.site, first)
    open_slack(page)
    drawer(page).get_by_role("button", name="Connect your own…").click()
    expect(drawer(page).get_by_role("heading", name="Connect Slack")).to_be_focused()
    drawer(page).get_by_text("Or paste a token").click()
    own = all_vendors.team("Own Ltd")
    submit(fill(page, "slack", {"Bot User OAuth Token": own.token}))
    shows(page, "slack", "connected")
    expect(card(page, "slack")).to_contain_text("Own Ltd")
    expect(card(page, "slack")).not_to_contain_text("environment variable")
    drawer(page).get_by_role("button", name="Disconnect…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, "slack", "environment")
    expect(card(page, "slack")).to_contain_text("Using environment variable")


def test_what_is_adopted_is_managed_here(browsing, first):
    page = visit(browsing, first.site, first)
    open_slack(page)
    drawer(page).get_by_role("button", name="Adopt into the hub").click()
    shows(page, "slack", "connected")
    expect(said(page)).to_contain_text("It is managed here now; its variable may be removed.")
    expect(card(page, "slack")).to_contain_text("Operator Inc")
    expect(drawer(page).get_by_role("button", name="Adopt into the hub")).to_have_count(0)
    page.reload()
    loaded(page)
    shows(page, "slack", "connected")
    drawer(page).get_by_role("button", name="Disconnect…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, "slack", "environment")
