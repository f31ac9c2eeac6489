from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from atlas_hub.accounts import people, sessions, workspaces
from atlas_hub.accounts.models import SetUpLink
from atlas_hub.hub import opened
from atlas_hub.services.access import Role
from atlas_hub.storage import installation
from tests.accounts.browser import EMAIL, PASSWORD, browser_of, hub_with, make_acme, settings_in

FIELDS = {"workspace": "Acme", "name": "Ana", "email": EMAIL, "password": PASSWORD}


async def link(hub) -> str:
    address = await workspaces.mint_setup_link(hub)
    assert address is not None
    assert address.startswith(hub.settings.address + "/set-up/")
    return address.removeprefix(hub.settings.address)


async def test_the_link_makes_workspace_and_owner_and_signs_in(hub, browser):
    path = await link(hub)
    shown = await browser.get(path)
    answer = await browser.fill(path, FIELDS)

    assert shown.status_code == 200
    assert shown.headers["cache-control"] == "no-store"
    assert 'autocomplete="new-password"' in shown.text
    assert answer.status_code == 303
    actor = await sessions.actor_of(hub, browser.token())
    assert (actor.name, actor.role, actor.workspace_name) == (EMAIL, Role.OWNER, "Acme")
    async with hub.db.reading() as tx:
        assert await installation.first_workspace(tx) == actor.workspace


async def test_the_link_works_once(hub, browser):
    path = await link(hub)
    await browser.fill(path, FIELDS)

    answer = await browser_of().get(path)
    assert answer.status_code == 410
    assert "atlas-hub user create" in answer.text
    assert await workspaces.mint_setup_link(hub) is None


async def test_only_its_hash_is_stored(hub):
    path = await link(hub)
    async with hub.db.reading() as tx:
        (row,) = (await tx.execute(select(SetUpLink))).scalars()
    assert path.rpartition("/")[2] not in repr(row.model_dump())


async def test_a_new_link_ends_the_former(hub, browser):
    former, newest = await link(hub), await link(hub)
    assert (await browser.get(former)).status_code == 410
    assert (await browser.fill(newest, FIELDS)).status_code == 303


async def test_a_link_is_good_for_a_day(hub, clock, browser):
    path = await link(hub)
    clock.pass_(hours=23, minutes=59)
    assert (await browser.get(path)).status_code == 200
    clock.pass_(minutes=1)
    assert (await browser.get(path)).status_code == 410
    assert (await browser.fill(await link(hub), FIELDS)).status_code == 303


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..%2f"])
async def test_a_made_up_link_is_refused(hub, browser, token):
    await link(hub)
    assert (await browser.get(f"/set-up/{token}")).status_code in {404, 410}


async def test_a_link_is_void_once_somebody_can_sign_in(hub, browser):
    path = await link(hub)
    await make_acme(hub)
    assert (await browser.get(path)).status_code == 410


async def test_each_fault_stands_at_its_field_and_what_was_typed_stays(hub, browser):
    path = await link(hub)
    answer = await browser.fill(path, {"workspace": " ", "name": "Ana", "email": "nonsense", "password": "short-one"})

    assert answer.status_code == 422
    for field in ("workspace", "email", "password"):
        assert f'id="{field}-fault"' in answer.text
        assert f'aria-describedby="{field}-fault' in answer.text
    assert answer.text.count('role="alert"') == 4
    assert 'value="nonsense"' in answer.text
    assert "short-one" not in answer.text
    assert (await browser.fill(path, FIELDS)).status_code == 303


async def test_the_command_lines_workspace_is_taken(hub, browser):
    made = await workspaces.create(hub, "From the command line")
    path = await link(hub)
    shown = await browser.get(path)
    assert "From the command line" in shown.text
    assert 'name="workspace"' not in shown.text
    await browser.fill(path, {**FIELDS, "workspace": "ignored"})
    assert (await sessions.actor_of(hub, browser.token())).workspace == made.id
    assert len(await workspaces.listed(hub)) == 1


async def test_a_forged_post_sets_nothing_up(hub, browser):
    path = await link(hub)
    assert (await browser.post(path, FIELDS)).status_code == 403
    assert (await browser.fill(path, FIELDS, headers={"origin": "https://evil.example"})).status_code == 403
    assert not await people.exists(hub)
    assert (await browser.fill(path, FIELDS)).status_code == 303


async def two_at_once(hub):
    path = await link(hub)
    browsers = [browser_of(), browser_of()]
    forms = [{**await b.opened(path), **FIELDS, "email": f"owner{n}@example.com"} for n, b in enumerate(browsers)]
    answers = await asyncio.gather(*(b.post(path, form) for b, form in zip(browsers, forms, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [303, 410]
    assert len(await people.listed(hub)) == 1
    assert len(await workspaces.listed(hub)) == 1


async def test_two_at_once_make_one_owner(hub):
    await two_at_once(hub)


@pytest.mark.postgres
async def test_two_at_once_make_one_owner_on_postgresql(tmp_path, clock, postgres_url):
    async with hub_with(tmp_path, clock, database_url=postgres_url) as hub:
        await two_at_once(hub)


async def test_without_a_database_there_is_no_link(tmp_path):
    async with opened(settings_in(tmp_path, database_url="none")) as hub:
        assert await workspaces.mint_setup_link(hub) is None
