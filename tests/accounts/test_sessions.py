from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy import event, select

from atlas_hub.accounts import actors, members, people, sessions, store, workspaces
from atlas_hub.accounts.models import SignInSession
from atlas_hub.services.access import Role
from tests.accounts.browser import EMAIL, PASSWORD, browser_of, hub_with, make_acme

SAME = {"origin": "http://localhost:3000"}


async def rows(hub):
    async with hub.db.reading() as tx:
        return (await tx.execute(select(SignInSession))).scalars().all()


@pytest.fixture
async def token(hub, acme, browser):
    await browser.sign_in()
    return browser.token()


async def test_a_session_is_the_users_in_the_active_workspace(hub, acme, token):
    actor = await sessions.actor_of(hub, token)

    assert actor is not None
    assert (actor.name, actor.workspace, actor.workspace_name, actor.role) == (EMAIL, acme, "Acme", Role.OWNER)


async def test_the_table_holds_no_token(hub, token):
    (row,) = await rows(hub)
    assert row.token_hash != token
    assert token not in repr(row.model_dump())


async def test_a_look_up_is_one_query(hub, token):
    seen = []

    def note(connection, cursor, statement, *more):
        seen.append(statement)

    event.listen(hub.db.engine.sync_engine, "before_cursor_execute", note)
    await sessions.actor_of(hub, token)
    event.remove(hub.db.engine.sync_engine, "before_cursor_execute", note)

    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1
    assert not [statement for statement in seen if statement.startswith(("UPDATE", "INSERT"))]


async def test_an_idle_session_ends_after_twelve_hours_and_a_used_one_does_not(hub, clock, token):
    clock.pass_(hours=11, minutes=59)
    assert await sessions.actor_of(hub, token)
    clock.pass_(hours=11, minutes=59)
    assert await sessions.actor_of(hub, token)
    clock.pass_(hours=12)
    assert await sessions.actor_of(hub, token) is None


async def test_a_used_session_ends_after_seven_days(hub, clock, token):
    for _ in range(27):
        clock.pass_(hours=6)
        assert await sessions.actor_of(hub, token)
    clock.pass_(hours=6)
    assert await sessions.actor_of(hub, token) is None


async def test_its_use_is_written_once_a_minute(hub, clock, token):
    began = (await rows(hub))[0].seen_at
    clock.pass_(seconds=59)
    await sessions.actor_of(hub, token)
    assert (await rows(hub))[0].seen_at == began
    clock.pass_(seconds=1)
    await sessions.actor_of(hub, token)
    assert (await rows(hub))[0].seen_at == clock.moment


async def test_ended_sessions_are_forgotten_at_the_next_sign_in(hub, clock, token):
    clock.pass_(days=8)
    await browser_of().sign_in()
    assert len(await rows(hub)) == 1


async def test_signing_out_deletes_the_session_and_the_cookie(hub, acme, browser, token):
    answer = await browser.post("/sign-out", {}, headers=SAME)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in"
    assert await rows(hub) == []
    assert browser.token() is None
    assert await sessions.actor_of(hub, token) is None
    assert (await browser.post("/sign-out", {}, headers=SAME)).status_code == 303


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
@pytest.mark.parametrize("path", ["/sign-out", "/workspace"])
async def test_a_signed_in_post_needs_the_browsers_word_for_where_it_came_from(
    hub, acme, browser, token, path, headers
):
    assert (await browser.post(path, {}, headers=headers)).status_code == 403
    assert await sessions.actor_of(hub, token)


async def test_a_new_password_and_a_disabled_user_end_every_session(hub, acme, token):
    await people.reset_password(hub, EMAIL, "another four unrelated words")
    assert await sessions.actor_of(hub, token) is None
    browser = browser_of()
    await browser.sign_in(password="another four unrelated words")
    assert await sessions.actor_of(hub, browser.token())
    await people.set_disabled(hub, EMAIL, disabled=True)
    assert await sessions.actor_of(hub, browser.token()) is None
    await people.set_disabled(hub, EMAIL, disabled=False)
    assert await sessions.actor_of(hub, browser.token()) is None


async def test_who_no_longer_belongs_is_nobody_at_once(hub, acme, token):
    async with hub.db.transaction() as tx:
        user = await store.user_by_email(tx, EMAIL)
        await tx.delete(await store.membership(tx, acme, user.id))
    assert await sessions.actor_of(hub, token) is None


async def test_a_role_that_changed_is_the_role_at_once(hub, acme, token):
    await people.create(hub, email="boss@example.com", password=PASSWORD, role=Role.OWNER, workspace=acme)
    user_id = (await sessions.actor_of(hub, token)).id
    await members.change_role(hub, people.command_line(acme), user_id, Role.MEMBER)
    assert (await sessions.actor_of(hub, token)).role is Role.MEMBER


async def test_a_user_switches_between_their_own_workspaces_alone(hub, acme, browser, token):
    own = await workspaces.create(hub, "Own")
    foreign = await workspaces.create(hub, "Foreign")
    await people.create(hub, email=EMAIL, password=None, role=Role.ADMIN, workspace=own.id)

    for other in (foreign.id, "f" * 24, "", "'"):
        answer = await browser.post("/workspace", {"workspace": other}, headers=SAME)
        assert answer.status_code == 404
        assert (await sessions.actor_of(hub, token)).workspace == acme
    answer = await browser.post("/workspace", {"workspace": own.id, "next": "/admin/integrations/slack"}, headers=SAME)
    assert answer.headers["location"] == "/admin/integrations/slack"
    actor = await sessions.actor_of(hub, token)
    assert (actor.workspace, actor.role) == (own.id, Role.ADMIN)
    assert [seat.name for seat in await actors.memberships_of(actor)] == ["Acme", "Own"]


async def test_switching_without_a_session_leads_to_sign_in(hub, acme, browser):
    answer = await browser.post("/workspace", {"workspace": acme}, headers=SAME)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


async def test_the_actor_of_a_state_is_the_cookies(hub, acme, token):
    def state(cookie):
        return SimpleNamespace(router=SimpleNamespace(headers=SimpleNamespace(cookie=cookie)))

    assert (await actors.actor_of_state(state(f"theme=dark; atlas_session={token}"))).workspace == acme
    for cookie in ("", f"atlas_session={token[:-1]}", f"__Host-atlas_session={token}", "atlas_session=" + "A" * 43):
        assert await actors.actor_of_state(state(cookie)) is None


async def test_sign_in_takes_a_password_that_only_just_fits(hub, acme):
    await people.reset_password(hub, EMAIL, PASSWORD + "x" * (1024 - len(PASSWORD)))
    assert (await browser_of().sign_in(password=PASSWORD + "x" * (1024 - len(PASSWORD)))).status_code == 303


@pytest.mark.postgres
async def test_sessions_on_postgresql(tmp_path, clock, postgres_url):
    async with hub_with(tmp_path, clock, database_url=postgres_url) as hub:
        acme = await make_acme(hub)
        browser = browser_of()
        await browser.sign_in(password="wrong wrong wrong")
        await browser.sign_in()
        assert (await sessions.actor_of(hub, browser.token())).workspace == acme
        clock.pass_(hours=1)
        assert await sessions.actor_of(hub, browser.token())
        await people.set_disabled(hub, EMAIL, disabled=True)
        assert await sessions.actor_of(hub, browser.token()) is None
