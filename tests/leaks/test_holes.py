"""What an attacker with a socket or a key would try; each test was a hole once, or would be the next."""

from __future__ import annotations

import asyncio
import logging
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from reflex_base.event.processor import event_processor
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from atlas_hub.accounts import models, people, sessions, sign_in, workspaces
from atlas_hub.hub import Hub
from atlas_hub.kit import redact
from atlas_hub.kit.errors import BadForm, Forbidden, HubError, NotFound, Unauthenticated
from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import api_keys, connections, delivery, status
from atlas_hub.services.access import Actor, Role
from atlas_hub.ui import forms
from tests.accounts.browser import quick_hashes
from tests.conftest import actor, open_hub, test_settings
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, BETA

__all__ = ["quick_hashes"]

ADMIN = "/api/v1/admin/integrations"
COOKIE = "u8SxMZFJ_FzbVvDviQVPHY9CNko5_RMvaQ1ljz-8A4s"
PASSWORD = "four unrelated words"
UNSTORABLE = {"NUL": "a\0b", "a lone surrogate": "a\ud800b", "long": "a" * 100_000, "empty": "", "SQL": "' OR 1=1 --"}


@pytest.fixture
async def each_hub(slack: SlackStandin, database_url: str, tmp_path: Path) -> AsyncIterator[Hub]:
    """The same on each database, where that could matter."""
    async with open_hub(test_settings(tmp_path, database_url=database_url, rate_limit_rpm=0)) as opened:
        yield opened


async def connected(hub: Hub, who: Actor, token: str = ACME) -> str:
    """The id of a connection of theirs."""
    given = {"bot_token": token}
    return (await connections.connect(hub, who, "slack", "bot_token", given, source="page")).view.id


VERBS: dict[str, Callable[[Hub, Actor, str], Awaitable[Any]]] = {
    "check": connections.check_now,
    "rename": lambda hub, who, row: connections.rename(hub, who, row, "Mine now"),
    "make default": connections.make_default,
    "disconnect": connections.disconnect,
    "send a test": lambda hub, who, row: delivery.send_test(hub, who, row, "C0GENERAL"),
}
"""Every verb that takes the id of a connection."""


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
async def test_an_id_of_another_workspace_is_as_good_as_none(
    hub: Hub, slack: SlackStandin, owner: Actor, other_owner: Actor, verb
):
    mine = await connected(hub, owner)
    before, asked = await status.card(hub, owner.workspace, "slack"), len(slack.calls)
    said = []
    for row in (mine, new_id()):
        with pytest.raises(NotFound) as refusal:
            await verb(hub, other_owner, row)
        said.append(refusal.value.text)
    assert said[0] == said[1]
    assert len(slack.calls) == asked
    assert await status.card(hub, owner.workspace, "slack") == before
    await verb(hub, owner, mine)


async def test_another_workspaces_connection_is_no_heir(hub: Hub, owner: Actor, other_owner: Actor):
    mine, theirs = await connected(hub, owner), await connected(hub, other_owner, BETA)
    with pytest.raises(NotFound):
        await connections.disconnect(hub, owner, mine, promote=theirs)
    assert (await status.card(hub, owner.workspace, "slack")).connection is not None
    await connections.disconnect(hub, owner, mine)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.READ_ONLY])
@pytest.mark.parametrize("verb", [*VERBS, "connect", "make a key", "revoke a key"])
async def test_who_may_only_look_changes_nothing_and_asks_no_vendor(
    hub: Hub, slack: SlackStandin, owner: Actor, role: Role, verb: str
):
    mine, key = await connected(hub, owner), await api_keys.create(hub, owner, role=Role.ADMIN)
    asked, looker = len(slack.calls), actor(role, owner.workspace)
    more: dict[str, Callable[[Hub, Actor, str], Awaitable[Any]]] = {
        "connect": lambda hub, who, _: connected(hub, who, BETA),
        "make a key": lambda hub, who, _: api_keys.create(hub, who, role=Role.ADMIN),
        "revoke a key": lambda hub, who, _: api_keys.revoke(hub, who, key.view.id),
    }
    with pytest.raises(Forbidden):
        await {**VERBS, **more}[verb](hub, looker, mine)
    assert len(slack.calls) == asked


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_what_no_database_takes_is_refused_in_our_words(each_hub: Hub, owner: Actor, text: str):
    mine = await connected(each_hub, owner)
    for verb in VERBS.values():
        with pytest.raises(NotFound):
            await verb(each_hub, owner, text)
    with pytest.raises(NotFound):
        await connections.disconnect(each_hub, owner, mine, promote=text or "-")
    with pytest.raises(Unauthenticated):
        await sign_in.sign_in(each_hub, email=text, password=PASSWORD, address="203.0.113.9")
    with pytest.raises(NotFound):
        await sessions.switch(each_hub, "x" * 43, owner, text)
    if text != UNSTORABLE["SQL"]:
        with pytest.raises(BadForm):
            await connections.rename(each_hub, owner, mine, text)
    assert (await connections.rename(each_hub, owner, mine, "Ours")).label == "Ours"


async def test_a_database_error_tells_no_value(each_hub: Hub):
    twice = {"id": "0" * 24, "password_hash": "$argon2id$canary", "created_at": each_hub.now()}

    async def insert() -> None:
        async with each_hub.db.transaction() as tx:
            for email in ("one@example.com", "two@example.com"):
                await tx.execute(insert_into(models.User).values(**twice, email=email, name="", disabled=False))

    with pytest.raises(SQLAlchemyError) as error:
        await insert()
    assert "canary" not in str(error.value)
    async with each_hub.db.reading() as tx:
        assert (await tx.execute(select(models.User))).first() is None


def test_an_event_of_an_unknown_name_is_logged_without_its_cookie_and_its_secret():
    line = Path(event_processor.__file__).read_text()
    assert 'f"Error processing event queue entry for {entry.event}' in line  # what the next lines are about
    event = {"headers": {"cookie": f"atlas_session={COOKIE}"}, "payload": {"form_data": ["canary-in-a-list"]}}
    said = redact.redact(f"Error processing event queue entry for Event(name='x', {event}) [txid=1]:")
    assert COOKIE not in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "written", [f"atlas_session={COOKIE}; x=1", f"__Host-atlas_session={COOKIE}", f"atlas_form={COOKIE}"]
)
def test_a_cookie_is_covered_wherever_it_is_logged(written: str):
    assert COOKIE not in redact.redact(f"cookie: {written}")
    record = logging.getLogger("x").makeRecord("x", 40, "f", 1, "%s", ({"cookie": written},), None)
    redact._cover(record)
    assert COOKIE not in record.getMessage()


@pytest.mark.parametrize("slug", PROVIDERS)
@pytest.mark.parametrize("method", ["a secret pasted into the wrong place", "x" * 1_000_000, {"a": 1}, None])
def test_a_method_that_does_not_exist_is_not_kept_in_the_state(slug: str, method: Any):
    typed = forms.typed(PROVIDERS[slug], {forms.METHOD: method, "bot_token": "canary"})
    assert typed.method == ""
    assert typed.values == {}
    assert b"canary" not in pickle.dumps(typed)


async def test_a_set_up_link_opens_once_whoever_is_quicker(each_hub: Hub):
    link = await workspaces.mint_setup_link(each_hub)
    assert link is not None
    token = link.rpartition("/")[2]

    async def set_up(number: int) -> str:
        typed = {"workspace": "Acme", "name": "", "email": f"a{number}@example.com", "password": PASSWORD}
        return await workspaces.set_up(each_hub, token, **typed)

    came = await asyncio.gather(*[set_up(number) for number in range(4)], return_exceptions=True)
    assert sum(isinstance(each, str) for each in came) == 1
    assert all(isinstance(each, str | HubError) for each in came)
    assert len(await people.listed(each_hub)) == 1
    assert await workspaces.mint_setup_link(each_hub) is None
