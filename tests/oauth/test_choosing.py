"""A consent that proves another account than the connected one asks; one of the same account reconnects it."""

from __future__ import annotations

import pytest

from atlas_hub.bus import Changed
from atlas_hub.kit.errors import Conflict, Forbidden, NetworkError, NotFound, PlatformError, ProviderError
from atlas_hub.services import connections, granting
from atlas_hub.services.access import Role
from atlas_hub.services.connections import Mode
from atlas_hub.services.status import Mode as CardMode
from atlas_hub.services.views import State
from atlas_hub.storage.models import AuditEvent
from tests.oauth.ground import ROUTE, Credential, Ground
from tests.standins import slack_seed
from tests.standins.dial import Fault


async def asked(ground: Ground) -> None:
    """Acme is connected, and a consent proves Beta."""
    browser = ground.browser()
    await browser.connect("slack")
    answer = await browser.connect("slack", team="Beta Inc")
    assert answer.headers["location"] == f"{ROUTE}/slack"


async def test_the_card_asks_with_both_names(each_ground: Ground) -> None:
    ground = each_ground
    await asked(ground)
    card = await ground.card("slack")
    assert card.consent is not None
    assert (card.consent.present, card.consent.proven) == ("Acme Corp", "Beta Inc")
    assert card.consent.asks_until is not None
    assert card.mode == CardMode.CONNECTED
    assert [row.account_key for row in await ground.rows()] == ["T0ACME"]
    await ground.clean()
    assert len([attempt for attempt in await ground.attempts() if attempt.sealed]) == 1


async def test_replace(each_ground: Ground) -> None:
    ground = each_ground
    await asked(ground)
    saved = await granting.answer(ground.hub, ground.owner, "slack", "replace")
    assert saved is not None
    assert (saved.account, saved.replaced) == ("Beta Inc", "Acme Corp")
    (row,) = await ground.rows()
    assert (row.account_key, row.primary_scope) == ("T0BETA", "slack:chat")
    card = await ground.card("slack")
    assert card.consent is not None
    assert (card.consent.present, card.consent.proven, card.consent.said) == ("", "", "")
    await ground.clean()
    assert all(attempt.sealed is None for attempt in await ground.attempts())
    with pytest.raises(NotFound, match="answered already"):
        await granting.answer(ground.hub, ground.owner, "slack", "replace")


async def test_the_grant_of_the_account_that_was_replaced_is_revoked(each_ground: Ground) -> None:
    """Replacing revokes by the same rule as disconnecting (decisions §6)."""
    ground = each_ground
    await asked(ground)
    slack = ground.vendors.slack
    (acme,) = slack.installs[slack_seed.ATLAS_APP, "T0ACME"].tokens
    await granting.answer(ground.hub, ground.owner, "slack", "replace")
    assert slack.tokens[acme].state == "revoked"
    assert len(await ground.rows(Credential)) == 1
    assert "grant_revoked" in [event.kind for event in await ground.rows(AuditEvent)]


async def test_add(each_ground: Ground) -> None:
    ground = each_ground
    await asked(ground)
    await granting.answer(ground.hub, ground.owner, "slack", "add")
    card = await ground.card("slack")
    assert card.connection is not None
    assert card.connection.account == "Acme Corp"
    assert [other.account for other in card.others] == ["Beta Inc"]
    assert len(await ground.rows(Credential)) == 2


async def test_neither(each_ground: Ground) -> None:
    ground = each_ground
    await asked(ground)
    assert await granting.answer(ground.hub, ground.owner, "slack", "neither") is None
    assert [row.account_key for row in await ground.rows()] == ["T0ACME"]
    card = await ground.card("slack")
    assert card.consent is not None
    assert card.consent.proven == ""
    assert all(attempt.sealed is None for attempt in await ground.attempts())


async def test_the_question_expires(ground: Ground) -> None:
    await asked(ground)
    ground.clock.forward(minutes=10, seconds=1)
    with pytest.raises(NotFound, match="the time for it is over"):
        await granting.answer(ground.hub, ground.owner, "slack", "replace")
    card = await ground.card("slack")
    assert card.consent is not None
    assert card.consent.proven == ""
    assert "time for agreeing was over" in card.consent.said
    assert [row.account_key for row in await ground.rows()] == ["T0ACME"]


async def test_who_may_answer(ground: Ground) -> None:
    await asked(ground)
    member = ground.person("mo", workspace=ground.owner.workspace, role=Role.MEMBER)
    with pytest.raises(Forbidden):
        await granting.answer(ground.hub, member, "slack", "replace")
    with pytest.raises(NotFound):
        await granting.answer(ground.hub, ground.person("olga"), "slack", "replace")
    assert await granting.answer(ground.hub, ground.owner, "slack", "add") is not None


async def test_a_consent_that_is_begun_meanwhile_is_the_one_that_counts(each_ground: Ground) -> None:
    ground, browser = each_ground, each_ground.browser()
    await browser.connect("slack")
    first = await browser.consent("slack", url=(await browser.begin("slack")).headers["location"], team="Beta Inc")
    await browser.begin("slack")
    text = await browser.page(await browser.back(first))
    assert "Another consent was begun meanwhile" in text
    assert [row.account_key for row in await ground.rows()] == ["T0ACME"]
    await ground.clean()


async def test_a_question_is_over_when_another_consent_begins(ground: Ground) -> None:
    await asked(ground)
    await ground.browser().begin("slack")
    with pytest.raises(NotFound):
        await granting.answer(ground.hub, ground.owner, "slack", "replace")
    card = await ground.card("slack")
    assert card.consent is not None
    assert card.consent.proven == ""
    assert all(each.sealed is None for each in (await ground.attempts())[:-1])


async def test_a_vendor_that_is_silent_at_the_answer_leaves_the_question(ground: Ground) -> None:
    await asked(ground)
    ground.vendors.slack.dial.set(Fault.UNAVAILABLE, path="*/auth.test")
    with pytest.raises(ProviderError) as raised:
        await granting.answer(ground.hub, ground.owner, "slack", "replace")
    assert isinstance(raised.value, NetworkError | PlatformError)
    assert [row.account_key for row in await ground.rows()] == ["T0ACME"]
    ground.vendors.slack.dial.set(Fault.OK)
    assert await granting.answer(ground.hub, ground.owner, "slack", "replace") is not None


async def test_dismissing_ends_what_is_asked_and_what_is_under_way(ground: Ground) -> None:
    await asked(ground)
    await granting.dismiss(ground.hub, ground.owner, "slack")
    with pytest.raises(NotFound):
        await granting.answer(ground.hub, ground.owner, "slack", "replace")
    browser = ground.browser()
    url = await browser.consent("slack")
    await granting.dismiss(ground.hub, ground.owner, "slack")
    assert (await ground.card("slack")).waits_until is None
    await browser.page(await browser.back(url))
    assert ground.vendors.slack.exchanges == 2


async def test_reconnecting_keeps_what_it_is(each_ground: Ground) -> None:
    ground, browser = each_ground, each_ground.browser()
    await browser.connect("slack")
    (before,) = await ground.rows()
    await connections.rename(ground.hub, ground.owner, before.id, "Ours")
    ground.clock.forward(hours=3)
    ground.vendors.slack.end_tokens("revoked")
    checked = await connections.check_now(ground.hub, ground.owner, before.id)
    assert checked.state == State.RECONNECT
    await browser.connect("slack", {"connection": before.id})
    (after,) = await ground.rows()
    assert (after.id, after.label, after.created_at, after.created_by) == (
        before.id,
        "Ours",
        before.created_at,
        before.created_by,
    )
    assert after.connected_at > before.connected_at
    assert after.state in {State.OK, State.DEGRADED}
    kinds = [event.kind for event in await ground.rows(AuditEvent)]
    assert {"connected", "renamed", "reconnected"} <= set(kinds)
    assert len(await ground.rows(Credential)) == 1


async def test_a_connection_that_is_not_there_is_not_reconnected(ground: Ground) -> None:
    browser = ground.browser()
    await browser.connect("slack")
    (row,) = await ground.rows()
    other = ground.person("olga")
    assert other.workspace != ground.owner.workspace
    for who, slug, number in (("olga", "slack", row.id), ("owner", "discord", row.id), ("owner", "slack", "0" * 24)):
        answer = await ground.browser(who).begin(slug, connection=number)
        assert answer.status_code == 404
        assert "not there any more" in answer.text


async def test_a_consent_over_a_pasted_token_of_the_same_account(each_ground: Ground) -> None:
    ground = each_ground
    given = {"bot_token": slack_seed.ACME}
    first = await connections.connect(ground.hub, ground.owner, "slack", "bot_token", given, source="page")
    await ground.browser().connect("slack")
    (row,) = await ground.rows()
    (credential,) = await ground.rows(Credential)
    assert (row.id, row.method, credential.method) == (first.view.id, "oauth", "oauth")
    assert (credential.app_id, credential.client_id) == ("env", slack_seed.ATLAS_APP)
    assert (await ground.token())["bot_token"] != slack_seed.ACME


async def test_a_pasted_token_over_a_consent_of_the_same_account(each_ground: Ground) -> None:
    ground = each_ground
    await ground.browser().connect("slack")
    (before,) = await ground.rows()
    given = {"bot_token": slack_seed.ACME}
    saved = await connections.connect(
        ground.hub, ground.owner, "slack", "bot_token", given, source="page", mode=Mode.ASK
    )
    (row,) = await ground.rows()
    (credential,) = await ground.rows(Credential)
    assert (saved.view.id, row.id, row.method, row.app_id) == (before.id, before.id, "bot_token", "")
    assert (credential.method, credential.app_id, credential.client_id, credential.options) == ("", "", "", {})
    assert credential.expires_at is None
    assert (await ground.token())["bot_token"] == slack_seed.ACME


async def test_to_add_the_same_account_again_is_refused(ground: Ground) -> None:
    browser = ground.browser()
    await browser.connect("slack")
    text = await browser.page(await browser.connect("slack", {"adds": "yes"}))
    assert "is connected already" in text
    assert len(await ground.rows()) == 1


async def test_to_add_another_asks_nothing(ground: Ground) -> None:
    browser = ground.browser()
    await browser.connect("slack")
    await browser.connect("slack", {"adds": "yes"}, team="Beta Inc")
    card = await ground.card("slack")
    assert [other.account for other in card.others] == ["Beta Inc"]
    assert card.connection is not None
    assert card.connection.account == "Acme Corp"


@pytest.mark.parametrize("slug", ["slack", "teams", "discord"])
async def test_an_account_of_another_workspace(each_ground: Ground, slug: str) -> None:
    ground = each_ground
    ground.person("olga", name="olga@example.org")
    await ground.browser("olga").connect(slug)
    (row,) = await ground.rows()
    browser = ground.browser()
    text = await browser.page(await browser.connect(slug))
    assert "already connected elsewhere in this installation" in text
    said = (await ground.card(slug)).consent
    assert said is not None
    for shown in (text, said.said):
        assert "olga" not in shown
        assert row.workspace not in shown
        assert "Olga" not in shown
    assert [each.id for each in await ground.rows()] == [row.id]
    assert len(await ground.rows(Credential)) == 1
    assert all(attempt.sealed is None for attempt in await ground.attempts())
    checked = await connections.check_now(ground.hub, ground.sessions.people["olga"], row.id)
    assert checked.state in {State.OK, State.DEGRADED}  # the grant just given was not revoked


async def test_an_account_that_another_workspace_takes_while_one_is_asked(ground: Ground) -> None:
    await asked(ground)
    ground.person("olga")
    await ground.browser("olga").connect("slack", team="Beta Inc")
    with pytest.raises(Conflict, match="elsewhere"):
        await granting.answer(ground.hub, ground.owner, "slack", "replace")
    mine = [row for row in await ground.rows() if row.workspace == ground.owner.workspace]
    assert [row.account_key for row in mine] == ["T0ACME"]


async def test_more_is_switched_on_by_a_consent(ground: Ground) -> None:
    browser = ground.browser()
    await browser.connect("slack")
    (row,) = await ground.rows()
    begun = await browser.begin("slack", connection=row.id, feature="read_history")
    assert "channels%3Ahistory" in begun.headers["location"]
    await browser.back(await browser.consent("slack", url=begun.headers["location"]))
    (after,) = await ground.rows()
    assert "read_history" in after.features
    assert after.id == row.id


async def test_other_pages_hear_of_it_once_it_is_stored(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    await asked(ground)
    heard: list[tuple[str, list[str]]] = []

    async def hear(changed: Changed) -> None:
        heard.append((changed.provider, [row.account_key for row in await ground.rows()]))

    monkeypatch.setattr(ground.hub.bus, "publish", hear)
    await granting.answer(ground.hub, ground.owner, "slack", "replace")
    assert heard[-1] == ("slack", ["T0BETA"])
