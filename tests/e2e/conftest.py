"""What browser tests ask for: hubs that are served, vendors, workspaces of their own, watched browsers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright
from redis import Redis
from redis.exceptions import RedisError

from tests.conftest import REDIS, database_on, missing
from tests.e2e import people
from tests.e2e.browsing import Browsing
from tests.e2e.ground import Inside, Site, built, served, settings_in
from tests.e2e.looking import AxeMissingError, Looking, axe_source
from tests.e2e.people import Place
from tests.e2e.vendors import Vendors, every_vendor
from tests.standins import emulate

# Package-wide, not session-wide: Playwright keeps an event loop of its own running, which no other test could bear.
expect.set_options(timeout=15_000)  # as long as a context waits: the tests stand beside each other on few cores
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Chromium: the system's, else Playwright's own."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        except Error:
            missing("Chromium")
            raise
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the hubs keep what they keep."""
    return tmp_path_factory.mktemp("hubs")


@pytest.fixture(scope="package")
def all_vendors() -> Iterator[Vendors]:
    """The vendors, started once."""
    with every_vendor() as started:
        yield started


@pytest.fixture
def vendors(all_vendors: Vendors) -> Iterator[Vendors]:
    """The vendors, answering."""
    yield all_vendors
    all_vendors.calm()


@pytest.fixture(scope="package")
def emulated() -> Iterator[emulate.EmulateSlack | None]:
    """A Slack that somebody else wrote; None where it cannot be installed."""
    try:
        emulate.install()
        with emulate.EmulateSlack() as other:
            yield other
    except emulate.EmulateMissingError:
        yield None


@pytest.fixture(scope="package")
def fresh(folder: Path, all_vendors: Vendors, emulated: emulate.EmulateSlack | None) -> Iterator[Site]:
    """A hub that nobody has set up, as its command serves it, with its limits; its Slack is emulate's."""
    own = {**all_vendors.env, **({"ATLAS_UPSTREAM_SLACK": emulated.base} if emulated else {})}
    env = settings_in(folder / "fresh", **own)
    del env["ATLAS_RATE_LIMIT_RPM"]
    with built(folder / "fresh", **env) as site:
        yield site


@pytest.fixture(scope="package")
def site(fresh: Site, folder: Path, all_vendors: Vendors) -> Iterator[Site]:
    """A hub on SQLite with one worker, of the same build."""
    with served(folder / "one", **settings_in(folder / "one", **all_vendors.env)) as started:
        yield started


@pytest.fixture(scope="package")
def inside(site: Site) -> Iterator[Inside]:
    """A hub of the tests' own on the same database."""
    with Inside(site.settings) as opened:
        yield opened


@pytest.fixture(scope="package")
def postgres_database(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database."""
    with database_on(postgres_server, "e2e") as url:
        yield url


@pytest.fixture(scope="package")
def cluster(fresh: Site, folder: Path, all_vendors: Vendors, postgres_database: str) -> Iterator[Site]:
    """A hub on PostgreSQL and Redis with two workers, of the same build."""
    try:
        with Redis.from_url(REDIS, socket_connect_timeout=2) as redis:
            redis.ping()
    except RedisError:
        missing("Redis")
    more = {"DATABASE_URL": postgres_database, "REFLEX_REDIS_URL": REDIS, "GRANIAN_WORKERS": "2"}
    with served(folder / "two", **settings_in(folder / "two", **all_vendors.env, **more)) as started:
        yield started


@pytest.fixture(scope="package")
def cluster_inside(cluster: Site) -> Iterator[Inside]:
    """A hub of the tests' own on that database and Redis."""
    with Inside(cluster.settings) as opened:
        yield opened


Found = Callable[..., Place]


@pytest.fixture
def found() -> Iterator[Found]:
    """Makes workspaces: `found(site, inside, name)`."""
    made: list[Place] = []

    def make(site: Site, inside: Inside, name: str = "Acme") -> Place:
        made.append(people.found(site, inside, name))
        return made[-1]

    yield make
    for place in made:
        place.rest.close()


@pytest.fixture
def place(found: Found, site: Site, inside: Inside) -> Place:
    """A workspace of the test's own on the hub with one worker."""
    return found(site, inside)


@pytest.fixture
def browsing(chromium: Browser) -> Iterator[Browsing]:
    """Browsers; a complaint in any console that the test did not expect fails it."""
    opened = Browsing(chromium)
    yield opened
    opened.close()
    assert opened.faults == []


@pytest.fixture(scope="package")
def axe() -> str:
    """axe-core's program."""
    try:
        return axe_source()
    except AxeMissingError:
        missing("axe-core")
        raise


@pytest.fixture
def looking(axe: str) -> Iterator[Looking]:
    """Looks at pages; what it finds wrong fails the test at its end, when every screenshot is taken."""
    looks = Looking(axe)
    yield looks
    assert looks.faults == [], looks.told()
