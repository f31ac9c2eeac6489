"""What the operator gives in the environment: Slack as a row of the first workspace, mail as what it falls back to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from atlas_hub.accounts import workspaces
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import Conflict, Forbidden, NotFound
from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import connections, delivery, environment, opening, status
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.status import Mode
from atlas_hub.services.views import CardView, State
from atlas_hub.storage import installation
from atlas_hub.storage.models import AccountClaim, AuditEvent, Connection, Credential, Delivery, OAuthAttempt
from tests.conftest import actor, open_hub
from tests.conftest import test_settings as settings_for
from tests.standins.bridge import BridgeStandin
from tests.standins.resend import ResendStandin
from tests.standins.sendgrid import FULL_ACCESS
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, BETA, REVOKED

CHANNEL = "C0GENERAL"
FINE = {State.OK, State.DEGRADED}
"""The made-up app lacks a scope or two."""


@pytest.fixture
async def first(vendors: Hub, owner: Actor) -> Actor:
    """The owner, whose workspace is the first."""
    await make_first(vendors, owner.workspace)
    return owner


async def make_first(hub: Hub, workspace: str) -> None:
    async with hub.db.transaction() as tx:
        (await installation.the_row(tx)).first_workspace = workspace


async def shown(hub: Hub, who: Actor, slug: str = "slack") -> CardView:
    return await status.card(hub, who.workspace, slug)


async def rows(hub: Hub, model: Any = Connection) -> list[Any]:
    async with hub.db.reading() as tx:
        return list((await tx.execute(select(model))).scalars())


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SLACK_BOT_TOKEN", ACME)
    return ACME


async def test_the_token_of_the_environment_is_a_row_and_is_proven_at_the_start(
    vendors: Hub, first: Actor, token: str
) -> None:
    await environment.begin(vendors)
    card = await shown(vendors, first)
    assert (card.mode, card.variables) == (Mode.ENVIRONMENT, ("SLACK_BOT_TOKEN",))
    assert card.connection is not None
    assert (card.connection.account, card.connection.state, card.connection.primary) == (
        "Acme Corp",
        State.DEGRADED,
        False,
    )
    assert card.connection.masks == {"bot_token": f"••••{token[-4:]}"}
    assert [claim.account_key for claim in await rows(vendors, AccountClaim)] == ["T0ACME"]
    assert await rows(vendors, Credential) == []
    said = await status.answer(vendors, first)
    slack = said["slack"]
    assert (slack["connected"], slack["teamId"], slack["source"]) == (True, "T0ACME", "environment")
    assert slack["envConfigured"]
    assert "slack" in said["deliveryChannels"]


async def test_a_page_that_comes_before_the_proof_makes_the_row_and_has_it_proven(
    vendors: Hub, first: Actor, token: str
) -> None:
    for _ in range(3):
        card = await shown(vendors, first)
    assert card.connection is not None
    assert card.mode == Mode.ENVIRONMENT
    assert len(await rows(vendors)) == 1
    await asyncio.gather(*vendors._tasks)
    said = (await status.answer(vendors, first))["slack"]
    assert (said["teamId"], said["state"]) == ("T0ACME", State.DEGRADED)
    assert [claim.account_key for claim in await rows(vendors, AccountClaim)] == ["T0ACME"]
    assert [event.kind for event in await rows(vendors, AuditEvent)] == ["environment_found", "checked"]


async def test_another_workspace_does_not_see_it(vendors: Hub, first: Actor, token: str) -> None:
    stranger = actor(Role.OWNER)
    await environment.begin(vendors)
    assert (await shown(vendors, stranger)).mode == Mode.FORM
    said = (await status.answer(vendors, stranger))["slack"]
    assert (said["connected"], said["teamId"]) == (False, None)
    with pytest.raises(NotFound):
        await connections.adopt(vendors, stranger, "slack")


async def test_in_saas_the_environment_connects_no_account(
    database_url: str, tmp_path: Any, token: str, owner: Actor
) -> None:
    settings = settings_for(tmp_path, database_url=database_url, deploy_mode="saas")
    async with open_hub(settings) as hub:
        await make_first(hub, owner.workspace)
        await environment.begin(hub)
        card = await shown(hub, owner)
        assert (card.mode, card.variables, card.connection) == (Mode.FORM, (), None)
        assert not (await status.answer(hub, owner))["slack"]["connected"]


async def test_it_is_checked_and_sends_by_the_token_itself(
    vendors: Hub, first: Actor, token: str, slack: SlackStandin
) -> None:
    await environment.begin(vendors)
    row = (await rows(vendors))[0]
    assert (await connections.check_now(vendors, first, row.id)).state in FINE
    sent = await delivery.send_test(vendors, first, row.id, CHANNEL)
    assert sent.success, sent.text
    assert slack.calls[-1].headers["authorization"] == f"Bearer {ACME}"
    card = await shown(vendors, first)
    assert card.connection is not None
    assert card.connection.checks["delivered"]["status"] == "yes"


async def test_it_cannot_be_disconnected_or_made_the_default(vendors: Hub, first: Actor, token: str) -> None:
    await environment.begin(vendors)
    row = (await rows(vendors))[0]
    with pytest.raises(Conflict, match="environment"):
        await connections.disconnect(vendors, first, row.id)
    with pytest.raises(Conflict):
        await connections.make_default(vendors, first, row.id)
    with pytest.raises(NotFound):
        await opening.primary_id(vendors, first, "slack:chat")


async def test_an_own_connection_comes_before_it_and_gives_way_to_it(vendors: Hub, first: Actor, token: str) -> None:
    await environment.begin(vendors)
    done = await connections.connect(vendors, first, "slack", "bot_token", {"bot_token": BETA}, source="page")
    card = await shown(vendors, first)
    assert card.connection is not None
    assert (card.mode, card.connection.account, card.others, card.variables) == ("connected", "Beta Inc", (), ())
    await connections.disconnect(vendors, first, done.view.id)
    assert (await shown(vendors, first)).mode == Mode.ENVIRONMENT


async def test_what_is_adopted_is_sealed_and_stays_when_the_variable_goes(
    vendors: Hub, first: Actor, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await environment.begin(vendors)
    with pytest.raises(Forbidden):
        await connections.adopt(vendors, actor(Role.MEMBER, workspace=first.workspace), "slack")
    done = await connections.adopt(vendors, first, "slack")
    assert (done.account, done.view.primary, done.view.source) == ("Acme Corp", True, "page")
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    await environment.begin(vendors)
    assert [row.source for row in await rows(vendors)] == ["page"]
    assert [claim.workspace for claim in await rows(vendors, AccountClaim)] == [first.workspace]
    assert (await connections.check_now(vendors, first, done.view.id)).state in FINE


async def test_a_variable_that_goes_takes_row_and_claim_along(
    vendors: Hub, first: Actor, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await environment.begin(vendors)
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert (await shown(vendors, first)).mode == Mode.FORM  # at once, before any start
    assert not (await status.answer(vendors, first))["slack"]["connected"]
    await environment.begin(vendors)
    assert await rows(vendors) == await rows(vendors, AccountClaim) == []


async def test_another_token_is_noticed_at_the_start(
    vendors: Hub, first: Actor, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await environment.begin(vendors)
    monkeypatch.setenv("SLACK_BOT_TOKEN", BETA)
    await environment.begin(vendors)
    card = await shown(vendors, first)
    assert card.connection is not None
    assert card.connection.account == "Beta Inc"


@pytest.mark.parametrize(("wrong", "said"), [(REVOKED, "revoked"), ("xoxp-1-2-3", "user token")])
async def test_a_token_that_is_no_good_says_so_on_the_card(
    vendors: Hub, first: Actor, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", wrong)
    await environment.begin(vendors)
    card = await shown(vendors, first)
    assert card.connection is not None
    assert (card.mode, card.connection.state) == (Mode.ENVIRONMENT, State.RECONNECT)
    assert said in card.connection.reason
    assert wrong not in card.connection.reason
    assert (await status.answer(vendors, first))["deliveryChannels"] == []


async def test_without_a_database_the_environment_still_connects_slack(tmp_path: Any, token: str, owner: Actor) -> None:
    async with open_hub(settings_for(tmp_path, database_url="none")) as hub:
        await environment.begin(hub)
        cards = {card.provider: card for card in (await status.overview(hub, owner)).cards}
        assert (cards["slack"].mode, cards["slack"].variables) == (Mode.ENVIRONMENT, ("SLACK_BOT_TOKEN",))
        assert cards["telegram"].mode == Mode.HINT
        said = await status.answer(hub, owner)
        assert (said["slack"]["connected"], said["hasInternalDB"]) == (True, False)
        assert said["deliveryChannels"] == ["slack"]


@pytest.fixture
def bridge(monkeypatch: pytest.MonkeyPatch) -> Iterator[BridgeStandin]:
    with BridgeStandin() as standin:
        monkeypatch.setenv("ATLAS_SMTP_URL", f"{standin.base}/mail")
        yield standin


@pytest.fixture
def resend(monkeypatch: pytest.MonkeyPatch) -> Iterator[ResendStandin]:
    with ResendStandin() as standin:
        monkeypatch.setenv("ATLAS_UPSTREAM_RESEND", standin.base)
        monkeypatch.setenv("RESEND_API_KEY", next(iter(standin.tries.values())))
        monkeypatch.setenv("ATLAS_EMAIL_FROM", "alerts@acme.example")
        yield standin


@pytest.fixture
async def mailing(resend: ResendStandin, bridge: BridgeStandin, vendors: Hub) -> Hub:
    """A hub whose operator gave both ways to send mail."""
    return vendors


async def test_mail_goes_through_the_bridge_before_resend_and_through_ones_own_before_both(
    mailing: Hub, owner: Actor, bridge: BridgeStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await shown(mailing, owner, "email")
    assert (card.mode, card.falls_back) == (Mode.FORM, True)
    assert "ATLAS_SMTP_URL" in card.fallback
    said = await status.answer(mailing, owner)
    assert (said["email"]["connected"], said["deliveryChannels"]) == (False, ["email"])
    assert (await delivery.send_test_mail(mailing, owner, "ana@acme.example")).success
    assert len(bridge.messages) == 1
    monkeypatch.delenv("ATLAS_SMTP_URL")
    assert "Resend" in (await shown(mailing, owner, "email")).fallback
    form = {"sender_address": "alerts@acme.example", "api_key": FULL_ACCESS}
    await connections.connect(mailing, owner, "email", "sendgrid", form, source="page")
    card = await shown(mailing, owner, "email")
    assert (card.mode, card.fallback, card.falls_back) == (Mode.CONNECTED, "", False)
    sent = await delivery.send_test_mail(mailing, owner, "ana@acme.example")
    assert "SendGrid" in sent.text
    assert len(bridge.messages) == 1


async def test_resend_of_the_environment_sends(resend: ResendStandin, vendors_after: Hub, owner: Actor) -> None:
    sent = await delivery.send_test_mail(vendors_after, owner, "ana@acme.example")
    assert (sent.success, "Resend" in sent.text) == (True, True), sent.text
    kept = await rows(vendors_after, Delivery)
    assert [(each.connection_id, each.state, each.test) for each in kept] == [("", "sent", True)]


@pytest.fixture
async def vendors_after(resend: ResendStandin, vendors: Hub) -> Hub:
    """The hub, opened when Resend is there already."""
    return vendors


async def test_an_own_way_that_cannot_deliver_fails_and_says_so(
    mailing: Hub, owner: Actor, bridge: BridgeStandin, sendgrid: Any
) -> None:
    form = {"sender_address": "alerts@acme.example", "api_key": FULL_ACCESS}
    await connections.connect(mailing, owner, "email", "sendgrid", form, source="page")
    sendgrid.keys.clear()
    sent = await delivery.send_test_mail(mailing, owner, "ana@acme.example")
    assert (sent.success, bridge.messages) == (False, [])


async def test_without_any_way_there_is_nothing_to_test(vendors: Hub, owner: Actor) -> None:
    with pytest.raises(NotFound):
        await delivery.send_test_mail(vendors, owner, "ana@acme.example")


async def test_mail_settings_that_cannot_be_read_are_not_ready(
    vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_SMTP_URL", "smtp://mail.acme.example:25")
    card = await shown(vendors, owner, "email")
    assert (card.falls_back, "cannot be used" in card.fallback) == (False, True)
    assert (await status.answer(vendors, owner))["deliveryChannels"] == []
    assert not (await delivery.send_test_mail(vendors, owner, "ana@acme.example")).success


@pytest.mark.parametrize(
    ("told", "sender"),
    [
        ("Acme Alerts <alerts@acme.example>", "alerts@acme.example"),
        ('"news@acme.example"', "news@acme.example"),
        (None, "no-reply@localhost"),
    ],
)
def test_the_sender_of_the_environment(
    vendors: Hub, monkeypatch: pytest.MonkeyPatch, told: str | None, sender: str
) -> None:
    monkeypatch.setenv("RESEND_API_KEY", '"re_made_up_made_up_made_up"')
    if told:
        monkeypatch.setenv("ATLAS_EMAIL_FROM", told)
    gift = environment.mail(vendors)
    assert gift is not None
    assert gift.form is not None
    assert gift.form.public()["sender_address"] == sender
    assert gift.form.given_secrets()["api_key"].reveal() == "re_made_up_made_up_made_up"


async def test_in_saas_no_variable_is_named(tmp_path: Any, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEND_API_KEY", "re_" + "made_up" * 4)
    for url in (f"sqlite:///{tmp_path / 'atlas.db'}", "none"):
        async with open_hub(settings_for(tmp_path, database_url=url, deploy_mode="saas")) as hub:
            for card in (await status.overview(hub, owner)).cards:
                assert (card.hint, card.variables) == ((), ())
                assert not any(name in card.fallback for name in ("RESEND", "ATLAS_", "SMTP"))


def test_a_given_form_does_not_show_what_it_holds(vendors: Hub, token: str) -> None:
    gift = environment.given(vendors, PROVIDERS["slack"])
    assert gift is not None
    assert token not in repr(gift)
    assert new_id() not in repr(gift)


async def test_it_follows_the_first_workspace(vendors: Hub, first: Actor, token: str) -> None:
    await environment.begin(vendors)
    kept = await workspaces.create(vendors, "Beta")
    await workspaces.make_first(vendors, kept.id)
    heir = actor(Role.OWNER, workspace=kept.id)
    assert (await shown(vendors, first)).mode == Mode.FORM
    assert (await shown(vendors, heir)).mode == Mode.ENVIRONMENT
    await environment.begin(vendors)
    assert [claim.workspace for claim in await rows(vendors, AccountClaim)] == [kept.id]


async def test_consent_under_way_is_shown_until_it_ends(vendors: Hub, owner: Actor) -> None:
    ends = vendors.now() + timedelta(minutes=9)
    async with vendors.db.transaction() as tx:
        for number, (workspace, session, at) in enumerate(
            ((owner.workspace, "s", ends), (owner.workspace, "s", vendors.now()), (new_id(), "s", ends))
        ):
            tx.add(
                OAuthAttempt(
                    state_hash=str(number),
                    workspace=workspace,
                    provider="slack",
                    session=session,
                    created_at=vendors.now() - timedelta(seconds=number),
                    expires_at=at,
                )
            )
        tx.add(OAuthAttempt(state_hash="api", workspace=owner.workspace, provider="discord", expires_at=ends))
    card = await shown(vendors, owner)
    assert (card.mode, card.waits_until) == (Mode.CONNECTING, ends)
    assert (await shown(vendors, owner, "discord")).mode == Mode.FORM
