"""The seed's table *SaaS vs Self-Hosted*, cell by cell: what the status says and what a POST does.

A cell that names several ways has a test for each, and each way is tried with its variables there and not there. The
caller is the operator's `ATLAS_API_KEY`: the owner of the first workspace, and the one key without a database.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from atlas_hub.api import callers
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import api_keys, environment, status
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.status import Mode
from atlas_hub.storage import installation
from tests.api.conftest import Client, People, Vendors, asking
from tests.api.seed import ADMIN, STATUS, body_of, name_of, path_of
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.providers.entries.entry import Entry
from tests.standins import resend, slack_seed
from tests.standins.bridge import BridgeStandin

OPERATOR = "operator-key-of-this-test"
SELF_HOSTED, SAAS = "self-hosted", "saas"
COLUMNS = (SELF_HOSTED, SAAS)
OAUTH = {
    "slack": {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s" * 32},
    "teams": {"TEAMS_APP_ID": "00000000-0000-0000-0000-00000000000a", "TEAMS_APP_PASSWORD": "p" * 40},
    "discord": {"DISCORD_CLIENT_ID": "300000000000000001", "DISCORD_CLIENT_SECRET": "d" * 32},
}
"""The operator's OAuth apps, by platform."""
TOKEN = {"SLACK_BOT_TOKEN": slack_seed.ACME, "SLACK_SIGNING_SECRET": "0123456789abcdef" * 2}
FORMS = ("telegram", "gchat", "github", "linear", "whatsapp", "email")
"""The platforms whose rows read "… + internal DB" and "… (always configurable)"."""


ROWS = {
    "Slack setup",
    "Teams setup",
    "Discord setup",
    "Telegram setup",
    "Google Chat setup",
    "GitHub setup",
    "Linear setup",
    "WhatsApp setup",
    "Email setup",
    "BYOT fallback",
    "Env var hints",
    "Disconnect",
}
SETUP = {
    "slack": "Slack",
    "teams": "Teams",
    "discord": "Discord",
    "telegram": "Telegram",
    "gchat": "Google Chat",
    "github": "GitHub",
    "linear": "Linear",
    "whatsapp": "WhatsApp",
    "email": "Email",
}
TRIED: set[tuple[str, str]] = set()
"""The cells that the tests below are about: row and column."""


def cells(columns: Sequence[str], *rows: str) -> Callable[[Any], Any]:
    """Say of which cells a test is."""
    TRIED.update((row, column) for row in rows for column in columns)
    return lambda test: test


def setup(*names: str) -> list[str]:
    return [f"{SETUP[name]} setup" for name in names]


@dataclass(frozen=True)
class Deployment:
    """One way to run the hub."""

    column: str
    database: bool = True
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def saas(self) -> bool:
        return self.column == SAAS


@dataclass
class Console:
    """A hub run so, and what may be asked of it."""

    hub: Hub
    client: Client
    vendors: Vendors
    workspace: str

    async def status(self) -> dict[str, Any]:
        answer = await self.client.get("/status")
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def connect(self, name: str) -> tuple[int, dict[str, Any]]:
        entry = form_of(name)
        answer = await self.client.post(path_of(entry), json=body_of(entry, self.vendors))
        return answer.status_code, answer.json()

    async def disconnect(self, name: str) -> tuple[int, dict[str, Any]]:
        answer = await self.client.delete(f"/{name}")
        return answer.status_code, answer.json()

    async def mode(self, name: str) -> str:
        """What the card shows, which must agree with what the status says."""
        actor = Actor(id="x", name="x", workspace=self.workspace, role=Role.OWNER)
        cards = (await status.overview(self.hub, actor)).cards
        return next(card.mode for card in cards if PROVIDERS[card.provider].names.admin == name)


def form_of(name: str) -> Entry:
    """The entry of the form that is pasted into; for mail, any of its ways."""
    return next(each for each in ADMIN if name_of(each) == name)


@pytest.fixture
def run(people: People, vendors: Vendors, tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a deployment, its variables set."""
    monkeypatch.setattr(callers, "actor_of_key", api_keys.actor_of_key)
    workspace = people.keys["owner"].workspace

    @asynccontextmanager
    async def running(deployment: Deployment) -> AsyncIterator[Console]:
        for name, value in deployment.variables.items():
            monkeypatch.setenv(name, value)
        facts = {"deploy_mode": deployment.column, "api_key": OPERATOR, "rate_limit_rpm": 0}
        if not deployment.database:
            facts["database_url"] = "none"
        shutil.copy(migrated, tmp_path / "atlas.db")
        async with open_hub(settings_for(tmp_path, **facts)) as hub:
            if deployment.database:
                await make_first(hub, workspace)
            await environment.begin(hub)
            async with asking(people, OPERATOR) as client:
                yield Console(hub, client, vendors, workspace if deployment.database else "")

    return running


async def make_first(hub: Hub, workspace: str) -> None:
    async with hub.db.transaction() as tx:
        (await installation.the_row(tx)).first_workspace = workspace


def agreed(said: dict[str, Any], deployment: Deployment) -> None:
    """What every status answer of a deployment says, whatever the cell."""
    assert said["deployMode"] == deployment.column
    assert said["hasInternalDB"] is deployment.database
    assert set(said) == {*STATUS, "webhooks", "deliveryChannels", "deployMode", "hasInternalDB"}
    assert said["webhooks"] == {"activeCount": 0, "configurable": deployment.database}
    for name, own in STATUS.items():
        assert {"connected", "installedAt", "configurable", *own} <= set(said[name])


def form_is_shown(said: dict[str, Any], name: str) -> bool:
    """The page's rule for the pasted form (reference §1.3)."""
    return bool(said["hasInternalDB"] if name in FORMS else not said[name]["configurable"] and said["hasInternalDB"])


def badge(said: dict[str, Any], name: str) -> str:
    """The page's rule for the badge (reference §1.3)."""
    if said[name]["connected"]:
        return "Connected"
    usable = said[name]["configurable"] or form_is_shown(said, name)
    return "Disconnected" if usable else "Not Available"


async def unavailable(console: Console, name: str) -> None:
    for status_code, said in (await console.connect(name), await console.disconnect(name)):
        assert (status_code, said["error"]) == (404, "not_available")


async def connects_by_the_form(console: Console, name: str) -> None:
    """The form connects, whatever the OAuth app; the status and the card say so."""
    status_code, said = await console.connect(name)
    assert status_code == 200, said
    after = (await console.status())[name]
    assert (after["connected"], after["source"]) == (True, "admin")
    assert await console.mode(name) == Mode.CONNECTED
    assert (await console.disconnect(name))[0] == 200
    assert not (await console.status())[name]["connected"]


@cells(COLUMNS, *setup(*OAUTH))
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", OAUTH)
async def test_setup_by_oauth(run: Any, column: str, name: str) -> None:
    deployment = Deployment(column, variables=OAUTH[name])
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["connected"], said[name]["configurable"]) == (False, True)
        assert badge(said, name) == "Disconnected"
        assert [other for other in OAUTH if said[other]["configurable"]] == [name]
        assert said["slack"]["oauthConfigured"] is (name == "slack")
        assert said["slack"]["envConfigured"] is False
        assert said["deliveryChannels"] == []
        assert not form_is_shown(said, name)
        await connects_by_the_form(console, name)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(("name", "variable"), [(name, variable) for name, two in OAUTH.items() for variable in two])
async def test_half_an_oauth_app_is_none(run: Any, column: str, name: str, variable: str) -> None:
    deployment = Deployment(column, variables={**dict.fromkeys(OAUTH[name], " "), variable: OAUTH[name][variable]})
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["configurable"], said["slack"]["oauthConfigured"]) == (False, False)
        assert form_is_shown(said, name)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", OAUTH)
async def test_without_a_database_no_oauth_flow_can_complete(run: Any, column: str, name: str) -> None:
    deployment = Deployment(column, database=False, variables=OAUTH[name])
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["connected"], said[name]["configurable"]) == (False, False)
        assert badge(said, name) == "Not Available"
        await unavailable(console, name)


@cells(COLUMNS, "BYOT fallback", *setup(*OAUTH))
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", OAUTH)
async def test_setup_by_the_form_is_the_fallback_where_oauth_is_not_configured(
    run: Any, column: str, name: str
) -> None:
    deployment = Deployment(column)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["connected"], said[name]["configurable"]) == (False, False)
        assert badge(said, name) == "Disconnected"
        assert form_is_shown(said, name)
        assert await console.mode(name) == Mode.FORM
        await connects_by_the_form(console, name)


@pytest.mark.parametrize("name", OAUTH)
async def test_the_fallback_needs_the_internal_database(run: Any, name: str) -> None:
    for deployment in (Deployment(SELF_HOSTED, database=False), Deployment(SAAS, database=False)):
        async with run(deployment) as console:
            said = await console.status()
            assert not form_is_shown(said, name)
            assert badge(said, name) == "Not Available"
            await unavailable(console, name)


@cells([SELF_HOSTED], *setup("slack"))
async def test_slack_by_env_vars_self_hosted(run: Any) -> None:
    deployment = Deployment(SELF_HOSTED, variables=TOKEN)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        slack = said["slack"]
        assert (slack["connected"], slack["source"], slack["envConfigured"]) == (True, "environment", True)
        assert (slack["oauthConfigured"], slack["configurable"]) == (False, False)
        assert (slack["teamId"], slack["workspaceName"]) == ("T0ACME", "Acme Corp")
        assert said["deliveryChannels"] == ["slack"]
        assert await console.mode("slack") == Mode.ENVIRONMENT
        status_code, refused = await console.disconnect("slack")
        assert (status_code, refused["error"]) == (404, "not_found")
        # Connecting one's own is still possible, and Disconnect then falls back to the variables.
        assert (await console.connect("slack"))[0] == 200
        assert (await console.status())["slack"]["source"] == "admin"
        assert (await console.disconnect("slack"))[0] == 200
        assert (await console.status())["slack"]["source"] == "environment"


async def test_slack_by_env_vars_self_hosted_without_a_database(run: Any) -> None:
    deployment = Deployment(SELF_HOSTED, database=False, variables=TOKEN)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        slack = said["slack"]
        assert (slack["connected"], slack["source"], slack["envConfigured"]) == (True, "environment", True)
        assert (slack["configurable"], slack["installedAt"]) == (False, None)
        assert said["deliveryChannels"] == ["slack"]
        assert await console.mode("slack") == Mode.ENVIRONMENT
        await unavailable(console, "slack")


@pytest.mark.parametrize("database", [True, False])
async def test_slack_by_env_vars_is_no_way_in_saas(run: Any, *, database: bool) -> None:
    deployment = Deployment(SAAS, database=database, variables=TOKEN)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said["slack"]["connected"], said["deliveryChannels"]) == (False, [])
        assert "source" not in said["slack"]
        assert badge(said, "slack") == ("Disconnected" if database else "Not Available")


async def test_a_signing_secret_alone_connects_nothing(run: Any) -> None:
    deployment = Deployment(SELF_HOSTED, variables={"SLACK_SIGNING_SECRET": TOKEN["SLACK_SIGNING_SECRET"]})
    async with run(deployment) as console:
        said = await console.status()
        assert (said["slack"]["connected"], said["slack"]["envConfigured"]) == (False, False)


@cells(COLUMNS, *setup(*FORMS))
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", FORMS)
async def test_setup_by_credentials_with_the_internal_database(run: Any, column: str, name: str) -> None:
    deployment = Deployment(column)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["connected"], said[name]["configurable"]) == (False, True)
        assert badge(said, name) == "Disconnected"
        assert await console.mode(name) == Mode.FORM
        await connects_by_the_form(console, name)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", FORMS)
async def test_setup_by_credentials_without_it_is_not_available(run: Any, column: str, name: str) -> None:
    deployment = Deployment(column, database=False)
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        assert (said[name]["connected"], said[name]["configurable"]) == (False, False)
        assert badge(said, name) == "Not Available"
        await unavailable(console, name)


@cells([SELF_HOSTED], *setup("email"))
@pytest.mark.parametrize("database", [True, False])
@pytest.mark.parametrize("way", ["ATLAS_SMTP_URL", "RESEND_API_KEY"])
async def test_email_by_env_vars_self_hosted(run: Any, vendors: Vendors, *, database: bool, way: str) -> None:
    deployment = Deployment(SELF_HOSTED, database=database, variables=mail_variables(vendors, way))
    async with run(deployment) as console:
        said = await console.status()
        agreed(said, deployment)
        # The card is the workspace's own; what mail goes through without it is a delivery channel.
        assert (said["email"]["connected"], said["email"]["configurable"]) == (False, database)
        assert said["deliveryChannels"] == ["email"]
        if not database:
            await unavailable(console, "email")
            return
        assert (await console.connect("email"))[0] == 200
        assert (await console.status())["deliveryChannels"] == ["email"]
        assert (await console.disconnect("email"))[0] == 200
        assert (await console.status())["deliveryChannels"] == ["email"]


def mail_variables(vendors: Vendors, way: str) -> dict[str, str]:
    value = vendors.kinds[BridgeStandin].base if way == "ATLAS_SMTP_URL" else resend.FULL_ACCESS
    return {way: f"{value}/send" if way == "ATLAS_SMTP_URL" else value, "ATLAS_EMAIL_FROM": "atlas@acme.example"}


async def test_a_sender_alone_is_no_way_to_send(run: Any) -> None:
    deployment = Deployment(SELF_HOSTED, variables={"ATLAS_EMAIL_FROM": "atlas@acme.example"})
    async with run(deployment) as console:
        assert (await console.status())["deliveryChannels"] == []


@cells([SELF_HOSTED], "Env var hints")
@pytest.mark.parametrize("name", OAUTH)
async def test_hints_are_shown_self_hosted_where_there_is_no_oauth_and_no_database(run: Any, name: str) -> None:
    async with run(Deployment(SELF_HOSTED, database=False)) as console:
        said = await console.status()
        assert (said["deployMode"], said[name]["configurable"], said["hasInternalDB"]) == (SELF_HOSTED, False, False)
        assert await console.mode(name) == Mode.HINT
    async with run(Deployment(SELF_HOSTED)) as console:
        assert await console.mode(name) != Mode.HINT


@cells([SAAS], "Env var hints")
@pytest.mark.parametrize("name", [*OAUTH, *FORMS])
async def test_hints_are_hidden_in_saas(run: Any, name: str) -> None:
    async with run(Deployment(SAAS, database=False)) as console:
        answer = await console.client.get("/status")
        assert badge(answer.json(), name) == "Not Available"
        assert await console.mode(name) == Mode.NOT_AVAILABLE
        told = answer.text + str((await console.connect(name))[1])
        assert not [word for word in (*OAUTH["slack"], *TOKEN, "DATABASE_URL", "ATLAS_", "RESEND_") if word in told]


@cells(COLUMNS, "Disconnect")
@pytest.mark.parametrize("column", COLUMNS)
async def test_disconnect_is_available_for_all_connected_integrations(run: Any, column: str) -> None:
    async with run(Deployment(column, variables={**OAUTH["slack"], **OAUTH["teams"], **OAUTH["discord"]})) as console:
        for name in STATUS:
            assert (await console.connect(name))[0] == 200
        said = await console.status()
        assert [name for name in STATUS if said[name]["connected"]] == [*STATUS]
        for name in STATUS:
            assert (await console.disconnect(name))[0] == 200
            assert (await console.disconnect(name))[0] == 404
        said = await console.status()
        assert [name for name in STATUS if said[name]["connected"]] == []


def test_every_cell_of_the_table_has_a_test() -> None:
    assert {(row, column) for row in ROWS for column in COLUMNS} == TRIED


def test_every_platform_is_in_the_table() -> None:
    assert {*OAUTH, *FORMS} == set(STATUS) == {name_of(entry) for entry in ADMIN}
    for name, two in OAUTH.items():
        provider = next(each for each in PROVIDERS.values() if each.names.admin == name)
        assert provider.oauth_env == tuple(two)
    assert not [each.slug for each in PROVIDERS.values() if each.names.admin in FORMS and each.oauth_env]
