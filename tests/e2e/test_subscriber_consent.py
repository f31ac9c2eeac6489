"""A subscriber's consent in a real browser, from what an application asks the chat API for to its result page."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from novu_py import Novu
from novu_py.utils import BackoffStrategy, RetryConfig
from playwright.sync_api import Page, expect
from sqlmodel import select

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Connection
from tests.api.chat.conftest import place as workspace_of
from tests.api.operated_server import served
from tests.conftest import KEY, missing
from tests.e2e.browsing import Browsing
from tests.e2e.ground import Inside, Site, free_port
from tests.standins import emulate
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ATLAS_APP, ATLAS_SECRET

pytestmark = pytest.mark.e2e

NORETRY = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)
CALLBACK = "/v1/integrations/chat/oauth/callback"


@dataclass(frozen=True)
class Asking:
    """An application with a key of its own, before a hub whose Slack is somebody's."""

    novu: Novu
    site: Site
    inside: Inside
    vendor: str

    def integration(self, identifier: str, client_id: str, secret: str, **credentials: str) -> None:
        """Store an OAuth app, and a subscriber, `ana`."""
        body = {
            "provider_id": "slack", "channel": "chat", "active": True, "identifier": identifier,
            "credentials": {"client_id": client_id, "secret_key": secret, **credentials},
        }  # fmt: skip
        self.novu.integrations.create(create_integration_request_dto=body)
        self.novu.subscribers.create(create_subscriber_request_dto={"subscriber_id": "ana"})

    def address(self, identifier: str, **more: Any) -> str:
        """Where to send `ana` to connect."""
        body = {"integration_identifier": identifier, "subscriber_id": "ana", **more}
        url = self.novu.integrations.generate_connect_o_auth_url(generate_connect_oauth_url_request_dto=body).result.url
        assert url.startswith(f"{self.vendor}/oauth/v2/authorize?")
        return url

    def connections(self, identifier: str) -> list[Any]:
        """What the API lists of an integration."""
        return self.novu.channel_connections.list(request={"integration_identifier": identifier}).result.data


@contextmanager
def asking(folder: Path, port: int, vendor: str) -> Iterator[Asking]:
    """A hub's APIs, served at this port, with this Slack."""
    database = f"sqlite:///{folder / 'atlas.db'}"
    base = f"http://localhost:{port}"
    env = {"DATABASE_URL": database, "ATLAS_DATA_DIR": str(folder), "ATLAS_ENCRYPTION_KEYS": KEY}
    site = Site(base, env, folder / "server.log", 0)
    with (
        served(folder, port=port, ATLAS_PUBLIC_URL=base, ATLAS_UPSTREAM_SLACK=vendor),
        Inside(site.settings) as inside,
        Novu(secret_key=inside.do(workspace_of).key, server_url=base, retry_config=NORETRY, timeout_ms=20_000) as novu,
    ):
        yield Asking(novu, site, inside, vendor)


@pytest.fixture(scope="module")
def of_emulate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """With a Slack that somebody else wrote."""
    try:
        emulate.install()
    except emulate.EmulateMissingError:
        missing("emulate")
    port = free_port()
    with (
        emulate.EmulateSlack(redirect_uris=(f"http://localhost:{port}{CALLBACK}",)) as slack,
        asking(tmp_path_factory.mktemp("emulate"), port, slack.base) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def of_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """With our own Slack stand-in, which can be refused."""
    port = free_port()
    with SlackStandin() as slack, asking(tmp_path_factory.mktemp("ours"), port, slack.base) as found:
        slack.apps[ATLAS_APP].redirect_uris.add(f"http://localhost:{port}{CALLBACK}")
        yield found


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """An application's own page, and the paths and referrers that it was asked with."""
    asked: list[str] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers.get('referer', '')}")
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<h1>Welcome back</h1>")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/connected", asked
    server.shutdown()
    thread.join()
    server.server_close()


def opened(browsing: Browsing, asking: Asking, url: str) -> Page:
    """The vendor's page, in a browser that the hub never saw."""
    browsing.expects("favicon")  # Chromium asks each origin for it
    page = browsing.tab(browsing.context(asking.site))
    page.goto(url)
    return page


def state_of(inside: Inside, identifier: str) -> tuple[str, str]:
    """What is stored: how the credential proved, and which account it was proven to be of."""

    async def find(hub: Hub) -> tuple[str, str]:
        async with hub.db.reading() as tx:
            row = (await tx.execute(select(Connection).where(Connection.identifier == identifier))).scalar_one()
            assert row.account_name  # told by auth.test alone
            return row.state, row.account_key

    return inside.do(find)


def test_a_slack_that_somebody_else_wrote_is_connected_by_a_click(browsing: Browsing, of_emulate: Asking) -> None:
    of_emulate.integration("theirs", emulate.CLIENT_ID, emulate.CLIENT_SECRET)
    page = opened(browsing, of_emulate, of_emulate.address("theirs", connection_identifier="c1", auto_link_user=True))
    expect(page.get_by_text("Authorize Atlas to access your Slack workspace")).to_be_visible()
    page.locator("button.user-btn").first.click()
    page.wait_for_url(f"{of_emulate.site.base}{CALLBACK}?**")
    expect(page.get_by_role("heading", name="Connection complete")).to_be_visible()
    expect(page.get_by_text("Slack is linked as Emulated Inc")).to_be_visible()
    [connection] = of_emulate.connections("theirs")
    assert (connection.identifier, connection.subscriber_id, connection.provider_id) == ("c1", "ana", "slack")
    assert (connection.workspace.id, connection.workspace.name) == (emulate.TEAM_ID, "Emulated Inc")
    # Everything of Slack's answer is there but what its documentation makes depend on token rotation.
    assert connection.workspace.bot_user_id == "U0EMULATE"
    assert connection.auth.access_token.startswith("••••")
    assert len(connection.auth.access_token) <= 8
    assert connection.auth.refresh_token is None
    assert state_of(of_emulate.inside, "c1") == ("ok", emulate.TEAM_ID)
    [endpoint] = of_emulate.novu.channel_endpoints.list(request={"connection_identifier": "c1"}).result.data
    assert (endpoint.type, endpoint.subscriber_id) == ("slack_user", "ana")
    assert endpoint.endpoint.user_id.startswith("U0")
    browsing.expects("status of 400")
    page.reload()  # the code and the state were used
    expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    assert len(of_emulate.connections("theirs")) == 1


def test_who_declines_reads_so_and_nothing_is_linked(browsing: Browsing, of_ours: Asking) -> None:
    browsing.expects("status of 400")
    of_ours.integration("declined", ATLAS_APP, ATLAS_SECRET)
    page = opened(browsing, of_ours, of_ours.address("declined"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    expect(page.get_by_text("Nothing was linked. Go back to where you came from and begin again.")).to_be_visible()
    assert urlsplit(page.url).path == CALLBACK
    assert of_ours.connections("declined") == []


def test_the_browser_ends_at_the_applications_own_address(
    browsing: Browsing, of_ours: Asking, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    of_ours.integration("returning", ATLAS_APP, ATLAS_SECRET, redirect_url=address)
    page = opened(browsing, of_ours, of_ours.address("returning"))
    page.get_by_label("Workspace").select_option("Acme Corp")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert page.url == address
    assert asked[0] == "/connected "  # no code, no state, no referrer
    [connection] = of_ours.connections("returning")
    assert connection.workspace.name == "Acme Corp"
    assert state_of(of_ours.inside, connection.identifier) == ("ok", connection.workspace.id)
