"""The hub in somebody else's dashboard, `examples/host_dashboard`, built and served as its README says."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import ground
from tests.e2e.browsing import Browsing, card, drawer, fill, loaded, open_drawer, shows, submit
from tests.e2e.ground import ROOT, Site, settings_in
from tests.e2e.people import API
from tests.e2e.vendors import Vendors

pytestmark = pytest.mark.e2e

EXAMPLE = ROOT / "examples" / "host_dashboard"
BUILT = ROOT / ".cache" / "host"
PACKAGES = ("node_modules", "package.json", "package-lock.json", "reflex.install_frontend_packages.cached")
MANAGER, VIEWER, STRANGER = "maria@harbour.example", "vic@harbour.example", "mo@mill.example"
PASSWORD = "a roast of its own"
PLACES = ("/integrations", "/connections/")
"""The page that the plugin brings, and the host's own page with the component in it."""
ALEMBIC = ("alembic", "-c", "migrations/alembic.ini")


def run(*module: str) -> None:
    """A command of the host's, in its folder."""
    env = ground.environment()
    env["PYTHONPATH"] += f":{BUILT}"
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=BUILT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def laid_out() -> None:
    """The example in a folder of its own, with the page's packages of the hub's own build where there are some."""
    for old in (*BUILT.glob("copperleaf.db*"), *BUILT.glob("host_dashboard/*.py")):
        old.unlink()
    shutil.copytree(EXAMPLE, BUILT, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".venv", "*.db"))
    web = BUILT / ".web"
    for name in PACKAGES if (ground.KEPT / ".web" / "node_modules").is_dir() and not web.exists() else ():
        source, web_path = ground.KEPT / ".web" / name, web / name
        web.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, web_path, symlinks=True)
        elif source.is_file():
            shutil.copy(source, web_path)


def schema() -> tuple[list[tuple[str, str]], list[tuple[str]]]:
    """The host's own tables and indexes as the database has them, and where its migrations are."""
    with sqlite3.connect(BUILT / "copperleaf.db") as database:
        asked = "SELECT name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'atlas_hub_%' ORDER BY name"
        return database.execute(asked).fetchall(), database.execute("SELECT * FROM alembic_version").fetchall()


BEFORE: list[object] = []
"""The host's schema as it was before the hub ran for the first time."""


@pytest.fixture(scope="module")
def host(folder: Path, all_vendors: Vendors) -> Iterator[Site]:
    """The dashboard, migrated, filled, built and served."""
    laid_out()
    run(*ALEMBIC, "upgrade", "head")
    run("host_dashboard.seed", PASSWORD)
    BEFORE.append(schema())
    port, log = ground.free_port(), folder / "host.log"
    reflex = ("reflex", "run", "--backend-host", "127.0.0.1", "--env", "prod", "--single-port", "--frontend-port")
    env = own_settings(folder / "host", port, all_vendors)
    command = [sys.executable, "-m", *reflex, str(port)]
    with ground.started(command, env=ground.environment(**env), log=log, cwd=BUILT) as process:
        ground.wait(port, process, log, patience=ground.FIRST_PATIENCE)
        yield Site(f"http://localhost:{port}", env, log, process.pid)


def own_settings(folder: Path, port: int, vendors: Vendors) -> dict[str, str]:
    """The hub's settings but for the database, which is the host's."""
    env = settings_in(folder, **vendors.env)
    del env["DATABASE_URL"]
    return {**env, "ATLAS_PUBLIC_URL": f"http://localhost:{port}"}


@contextmanager
def without_sign_in(folder: Path, vendors: Vendors) -> Iterator[Site]:
    """The same build, of a host that names no sign-in page."""
    shutil.copytree(BUILT, folder, ignore=shutil.ignore_patterns("node_modules"))
    for name, had, has in (
        ("actors", 'SIGN_IN_PATH = "/sign-in"', "SIGN_IN_PATH = None"),
        ("frame", "return None if seat else to_sign_in(self)", "return None"),
    ):
        path = folder / "host_dashboard" / f"{name}.py"
        assert had in path.read_text()
        path.write_text(path.read_text().replace(had, has))
    port, log = ground.free_port(), folder / "serve.log"
    ground.move_to(folder / ".web", port)
    env = own_settings(folder / "own", port, vendors)
    fixed = {"PORT": str(port), "__REFLEX_SKIP_COMPILE": "true", "REFLEX_ENV_MODE": "prod"}
    command = [sys.executable, "-c", ground.AGAIN, str(port)]
    with ground.started(command, env=ground.environment(**fixed, **env), log=log, cwd=folder) as process:
        ground.wait(port, process, log)
        yield Site(f"http://localhost:{port}", env, log, process.pid)


def signed_in(browsing: Browsing, host: Site, email: str, path: str = "/") -> Page:
    """Someone at a page, by the host's own form."""
    page = browsing.tab(browsing.context(host))
    page.goto(f"{host.base}/sign-in?next={path}")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{host.base}{path}")
    return page


def at(page: Page, host: Site, path: str) -> Page:
    """The same person at another page, the cards filled."""
    page.goto(host.base + path)
    loaded(page)
    return page


def disconnect(page: Page) -> None:
    drawer(page).get_by_role("button", name="Disconnect…").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Disconnect", exact=True).click()
    shows(page, "telegram", "form")


def connect(page: Page, vendors: Vendors) -> str:
    """Connect a bot of the test's own; its name."""
    bot = vendors.bot()
    open_drawer(page, "telegram")
    submit(fill(page, "telegram", {"Bot Token": bot.token}))
    shows(page, "telegram", "connected")
    return bot.name


@pytest.mark.parametrize("path", PLACES)
def test_whoever_is_not_signed_in_goes_to_the_hosts_sign_in_and_comes_back(browsing, host, path):
    page = browsing.tab(browsing.context(host))
    page.goto(host.base + path)
    page.wait_for_url(f"{host.base}/sign-in?next={path}")
    page.get_by_label("E-mail").fill(MANAGER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(host.base + path)
    loaded(page)
    expect(page.get_by_role("navigation", name="Dashboard")).to_contain_text("Harbour Café")


@pytest.mark.parametrize(
    ("here", "there", "opened"),
    [("/integrations", "/connections/", "/integrations/telegram"),
     ("/connections/", "/integrations", "/connections/?integration=telegram")],
)  # fmt: skip
def test_a_manager_connects_in_page_and_component_and_the_other_follows(browsing, host, vendors, here, there, opened):
    page = at(signed_in(browsing, host, MANAGER), host, here)
    other = at(signed_in(browsing, host, MANAGER), host, there)
    name = connect(page, vendors)
    assert page.url == host.base + opened
    shows(other, "telegram", "connected", seconds=2)
    expect(card(other, "telegram")).to_contain_text(name)
    page.keyboard.press("Escape")
    expect(drawer(page)).to_have_count(0)
    expect(page).to_have_url(host.base + here)
    page.go_back()
    expect(drawer(page)).to_contain_text(name)
    assert page.url == host.base + opened
    at(page, host, opened)
    expect(drawer(page)).to_contain_text(name)
    disconnect(page)
    shows(other, "telegram", "form", seconds=2)


def test_the_component_catches_up_after_its_connection_was_lost(browsing, host, vendors):
    page = at(signed_in(browsing, host, MANAGER), host, "/connections/")
    other = at(signed_in(browsing, host, MANAGER), host, "/integrations")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")  # Reflex lets its socket go
    connect(other, vendors)
    shows(page, "telegram", "form")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # and takes another
    shows(page, "telegram", "connected")
    disconnect(other)
    shows(page, "telegram", "form", seconds=2)


@pytest.mark.parametrize("path", PLACES)
def test_a_viewer_sees_no_buttons_and_is_refused(browsing, host, vendors, path):
    manager = at(signed_in(browsing, host, MANAGER), host, path)
    connect(manager, vendors)
    page = at(signed_in(browsing, host, VIEWER), host, path)
    shows(page, "telegram", "connected")
    expect(page.get_by_role("link", name="Connect ", exact=False).filter(has_text="Slack")).to_have_count(0)
    card(page, "telegram").get_by_role("link", name="Details").click()
    expect(drawer(page)).to_be_visible()
    for name in ("Disconnect…", "Check now", "Send test", "Connect"):
        expect(drawer(page).get_by_role("button", name=name)).to_have_count(0)
    refused = page.request.delete(f"{host.base}{API}/telegram", headers={"X-Atlas-CSRF": "1"})
    assert (refused.status, refused.json()["error"]) == (403, "forbidden_role")
    shows(manager, "telegram", "connected")
    disconnect(manager)


def test_two_tenants_do_not_see_each_other(browsing, host, vendors):
    page = at(signed_in(browsing, host, MANAGER), host, "/connections/")
    name = connect(page, vendors)
    theirs = at(signed_in(browsing, host, STRANGER), host, "/connections/")
    shows(theirs, "telegram", "form")
    assert name not in theirs.content()
    said = [each.request.get(f"{host.base}{API}/status").json() for each in (page, theirs)]
    assert [each["telegram"]["connected"] for each in said] == [True, False]
    disconnect(page)


def test_the_hosts_own_pages_routes_and_tables_work_as_ever(browsing, host):
    browsing.expects("status of 401")
    page = signed_in(browsing, host, MANAGER)
    expect(page.get_by_role("heading", name="Good to see you")).to_be_visible()
    page.get_by_role("link", name="Orders").click()
    expect(page.get_by_role("table")).to_contain_text("House blend, 1 kg")
    assert "Decaf" not in page.content()
    orders = page.request.get(f"{host.base}/api/orders").json()
    assert [(order["item"], order["tenant"]) for order in orders] == [("House blend, 1 kg", "harbour-cafe")]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{host.base}/sign-in")
    assert page.request.get(f"{host.base}/api/orders").status == 401
    assert page.request.get(f"{host.base}{API}/status").status == 401
    page.goto(f"{host.base}/integrations")
    page.wait_for_url(f"{host.base}/sign-in?next=/integrations")


def test_the_hosts_tables_and_migrations_are_untouched(host):
    assert schema() == BEFORE[0]
    with sqlite3.connect(BUILT / "copperleaf.db") as database:
        hubs = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE name LIKE 'atlas_hub_%'")}
    assert {"atlas_hub_connection", "atlas_hub_alembic_version"} <= hubs
    run(*ALEMBIC, "check")  # finds nothing to add, change or drop


def test_without_a_sign_in_page_a_stranger_is_told_and_nothing_reloads(browsing, host, folder, all_vendors):
    with without_sign_in(folder / "without", all_vendors) as site:
        for path in PLACES:
            page = browsing.tab(browsing.context(site))
            came: list[str] = []
            page.on("load", lambda loaded, came=came: came.append(loaded.url))
            page.goto(site.base + path)
            expect(page.locator("[data-banner=trouble]")).to_contain_text("Nobody is signed in here.")
            page.get_by_role("button", name="Retry").click()
            page.wait_for_timeout(1500)
            assert came == [site.base + path]
            page.close()
