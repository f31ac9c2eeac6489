"""What connect, check and disconnect store, replace, refuse and tell, on both databases, with vendors stood in for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    AnotherAccount,
    AuthExpired,
    Conflict,
    Forbidden,
    HubError,
    NotFound,
    PlatformError,
    TooManyRequests,
)
from atlas_hub.kit.ids import new_id
from atlas_hub.services import connections, status
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.connections import Mode
from atlas_hub.services.views import Connected, Other, State
from atlas_hub.storage.models import AccountClaim, AuditEvent, Connection, Credential
from tests.conftest import actor
from tests.standins.dial import Fault
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, BETA, REVOKED, SCOPELESS


async def connect(hub: Hub, who: Actor, token: str = ACME, **given: Any) -> Connected:
    return await connections.connect(
        hub, who, "slack", "bot_token", {"bot_token": token}, source=given.pop("source", "page"), **given
    )


async def count(hub: Hub, model: type, **where: Any) -> int:
    async with hub.db.reading() as tx:
        statement = select(func.count()).select_from(model).filter_by(**where)
        return (await tx.execute(statement)).scalar_one()


async def kinds(hub: Hub, who: Actor) -> list[str]:
    async with hub.db.reading() as tx:
        events = await tx.execute(select(AuditEvent).filter_by(workspace=who.workspace).order_by(AuditEvent.seq))
        return [event.kind for event in events.scalars()]


async def shown(hub: Hub, who: Actor) -> Any:
    return next(card for card in (await status.overview(hub, who)).cards if card.provider == "slack")


async def test_a_connect_stores_one_of_each_and_shows_who_it_is(vendors: Hub, owner: Actor) -> None:
    done = await connect(vendors, owner)
    assert done.account == "Acme Corp"
    assert done.wire["teamId"] == "T0ACME"
    card = await shown(vendors, owner)
    assert (card.mode, card.connection.account, card.connection.state) == (
        "connected",
        "Acme Corp",
        State.DEGRADED,
    )
    assert card.connection.missing  # the stand-in's bot has no slash command
    assert card.connection.masks["bot_token"].endswith(ACME[-4:])
    for model in (Connection, Credential, AccountClaim):
        assert await count(vendors, model, workspace=owner.workspace) == 1
    assert await kinds(vendors, owner) == ["connected"]


async def test_a_refused_token_is_not_stored_and_the_next_try_succeeds(vendors: Hub, owner: Actor) -> None:
    with pytest.raises(AuthExpired):
        await connect(vendors, owner, REVOKED)
    for model in (Connection, Credential, AccountClaim):
        assert await count(vendors, model) == 0
    await connect(vendors, owner)
    assert await kinds(vendors, owner) == ["connect_failed", "connected"]


async def test_a_member_may_not(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    for role in (Role.MEMBER, Role.READ_ONLY):
        with pytest.raises(Forbidden):
            await connect(vendors, actor(role, owner.workspace))
    assert slack.calls == []


async def test_the_same_account_again_keeps_id_and_name(vendors: Hub, owner: Actor) -> None:
    first = await connect(vendors, owner)
    await connections.rename(vendors, owner, first.view.id, "  Our   Slack ")
    again = await connect(vendors, owner, SCOPELESS)  # the same team and bot, another token
    assert (again.view.id, again.view.label, again.replaced) == (first.view.id, "Our Slack", None)
    assert await count(vendors, Credential) == 1
    assert await kinds(vendors, owner) == ["connected", "renamed", "reconnected"]


async def test_another_account_replaces_the_primary_whole(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner)
    done = await connect(vendors, owner, BETA)
    assert done.replaced == "Acme Corp"
    assert (await shown(vendors, owner)).connection.account == "Beta Inc"
    for model in (Connection, Credential, AccountClaim):
        assert await count(vendors, model) == 1


async def test_the_page_asks_first_with_both_names(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner)
    with pytest.raises(AnotherAccount) as asked:
        await connect(vendors, owner, BETA, mode=Mode.ASK)
    assert (asked.value.present, asked.value.proven) == ("Acme Corp", "Beta Inc")
    assert await count(vendors, Connection) == 1
    await connect(vendors, owner, BETA, mode=Mode.ADD)
    assert await count(vendors, Connection) == 2
    assert (await shown(vendors, owner)).connection.account == "Acme Corp"


@pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.ADD])
async def test_an_answer_about_one_account_is_no_answer_about_a_third(vendors: Hub, owner: Actor, mode: Mode) -> None:
    await connect(vendors, owner)
    with pytest.raises(AnotherAccount):
        await connect(vendors, owner, BETA, mode=mode, agreed="Gamma Ltd")
    assert await count(vendors, Connection) == 1
    await connect(vendors, owner, BETA, mode=mode, agreed="Beta Inc")


async def test_adding_the_same_account_is_a_conflict_that_names_it(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner)
    with pytest.raises(Conflict, match="Acme Corp"):
        await connect(vendors, owner, mode=Mode.ADD)


async def test_a_second_workspace_cannot_take_a_claimed_account(vendors: Hub, owner: Actor, other_owner: Actor) -> None:
    done = await connect(vendors, owner)
    with pytest.raises(Conflict) as refused:
        await connect(vendors, other_owner)
    assert owner.workspace not in refused.value.text
    assert owner.workspace_name not in refused.value.text.replace("Acme Corp", "")
    assert await count(vendors, Connection, workspace=other_owner.workspace) == 0
    await connections.disconnect(vendors, owner, done.view.id)
    await connect(vendors, other_owner)  # freed with its last holder


async def test_nobody_sees_or_touches_another_workspaces_connection(
    vendors: Hub, owner: Actor, other_owner: Actor
) -> None:
    done = await connect(vendors, owner)
    absent = new_id()
    for attempt in (connections.check_now, connections.disconnect, connections.make_default):
        texts = []
        for connection_id in (done.view.id, absent):
            with pytest.raises(NotFound) as refused:
                await attempt(vendors, other_owner, connection_id)
            texts.append(refused.value.text)
        assert texts[0] == texts[1]
    assert (await shown(vendors, other_owner)).connection is None
    assert not (await status.answer(vendors, other_owner))["slack"]["connected"]
    assert (await shown(vendors, owner)).connection is not None


async def test_disconnect_leaves_nothing_but_the_log(vendors: Hub, owner: Actor) -> None:
    done = await connect(vendors, owner)
    gone = await connections.disconnect(vendors, owner, done.view.id)
    assert (gone.still_in_use, gone.others) == (False, 0)
    for model in (Connection, Credential, AccountClaim):
        assert await count(vendors, model) == 0
    assert await kinds(vendors, owner) == ["connected", "disconnected"]
    with pytest.raises(NotFound):
        await connections.disconnect(vendors, owner, done.view.id)


async def test_without_a_promotion_the_others_stay_and_none_is_default(vendors: Hub, owner: Actor) -> None:
    first = await connect(vendors, owner)
    second = await connect(vendors, owner, BETA, mode=Mode.ADD)
    await connections.disconnect(vendors, owner, first.view.id)
    card = await shown(vendors, owner)
    assert (card.mode, card.others) == (
        "no_default",
        (Other(id=second.view.id, label="Beta Inc", account="Beta Inc", state=State.DEGRADED),),
    )
    assert not (await status.answer(vendors, owner))["slack"]["connected"]
    assert (await connections.make_default(vendors, owner, second.view.id)).primary


async def test_a_disconnect_promotes_whom_the_admin_names(vendors: Hub, owner: Actor) -> None:
    first = await connect(vendors, owner)
    second = await connect(vendors, owner, BETA, mode=Mode.ADD)
    gone = await connections.disconnect(vendors, owner, first.view.id, promote=second.view.id)
    assert gone.promoted == "Beta Inc"
    assert (await shown(vendors, owner)).connection.account == "Beta Inc"


async def test_a_check_learns_of_a_revoked_token_and_of_its_return(
    vendors: Hub, slack: SlackStandin, owner: Actor
) -> None:
    done = await connect(vendors, owner)
    slack.tokens[ACME].state = "revoked"
    seen = await connections.check_now(vendors, owner, done.view.id)
    assert seen.state is State.RECONNECT
    assert seen.checks["authenticated"]["status"] == "no"
    slack.tokens[ACME].state = "active"
    seen = await connections.check_now(vendors, owner, done.view.id)
    assert seen.checks["authenticated"]["status"] == "yes"


async def test_a_passing_fault_is_no_proof_until_it_lasts(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    done = await connect(vendors, owner)
    slack.dial.set(Fault.UNAVAILABLE)
    states = [(await connections.check_now(vendors, owner, done.view.id)).state for _ in range(3)]
    assert states == [State.DEGRADED, State.DEGRADED, State.UNREACHABLE]
    slack.dial.set(Fault.OK)
    assert (await connections.check_now(vendors, owner, done.view.id)).state is State.DEGRADED


async def test_an_eleventh_check_in_a_minute_has_to_wait(vendors: Hub, owner: Actor) -> None:
    done = await connect(vendors, owner)
    for _ in range(10):
        await connections.check_now(vendors, owner, done.view.id)
    with pytest.raises(TooManyRequests) as refused:
        await connections.check_now(vendors, owner, done.view.id)
    assert 1 <= refused.value.retry_after <= 60


async def test_two_connects_of_one_team_at_once_make_one_connection(vendors: Hub, owner: Actor) -> None:
    done = await asyncio.gather(*(connect(vendors, owner) for _ in range(8)), return_exceptions=True)
    assert [outcome for outcome in done if isinstance(outcome, BaseException)] == []
    for model in (Connection, Credential, AccountClaim):
        assert await count(vendors, model) == 1
    assert await count(vendors, Connection, primary_scope="slack:chat") == 1


async def test_two_workspaces_that_race_for_one_team_end_with_one_owner(vendors: Hub) -> None:
    people = [actor() for _ in range(6)]
    done = await asyncio.gather(*(connect(vendors, who) for who in people), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in done) == ["Conflict"] * 5 + ["Connected"]
    assert await count(vendors, AccountClaim) == await count(vendors, Connection) == 1


async def test_connect_against_disconnect_ends_in_one_state_or_the_other(vendors: Hub, owner: Actor) -> None:
    for _ in range(5):
        done = await connect(vendors, owner)
        outcomes = await asyncio.gather(
            connect(vendors, owner),
            connections.disconnect(vendors, owner, done.view.id),
            connections.check_now(vendors, owner, done.view.id),
            return_exceptions=True,
        )
        assert all(isinstance(o, HubError) for o in outcomes if isinstance(o, BaseException)), outcomes
        rows = await count(vendors, Connection)
        assert rows in {0, 1}
        assert await count(vendors, Credential) == await count(vendors, AccountClaim) == rows


async def test_the_status_answer_is_one_query_and_the_page_four_however_much_is_stored(
    vendors: Hub, owner: Actor
) -> None:
    from sqlalchemy import event

    await connect(vendors, owner)
    statements: list[str] = []
    event.listen(vendors.db.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    await status.answer(vendors, owner)
    await status.overview(vendors, owner)
    assert len([text for text in statements if text.startswith("SELECT")]) == 5


async def test_nonsense_from_a_vendor_stores_nothing(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    slack.dial.set(Fault.HTML, times=1)
    with pytest.raises(PlatformError):
        await connect(vendors, owner)
    assert await count(vendors, Connection) == 0
    await connect(vendors, owner)
