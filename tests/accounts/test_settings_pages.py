from __future__ import annotations

import logging
import re
from html import unescape

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from atlas_hub.accounts import members, people, store, workspaces
from atlas_hub.accounts.intake import HOME
from atlas_hub.kit import redact
from atlas_hub.kit.ids import new_id
from atlas_hub.services import api_keys
from atlas_hub.services.access import Role
from atlas_hub.storage.models import AuditEvent
from tests.accounts.browser import PASSWORD, browser_of
from tests.accounts.settling import Acme, found, link_in, signed_in

OWNER, ADMIN, MEMBER = Role.OWNER, Role.ADMIN, Role.MEMBER
HOSTILE = "<script>alert(1)</script>'\"&amp;"
TABS = ("/settings/members", "/settings/keys", "/settings/workspaces")


@pytest.fixture
async def acme(hub) -> Acme:
    made = await found(hub)
    for role in (OWNER, ADMIN, MEMBER):
        await made.person(role)
    return made


def by(acme: Acme, role: Role):
    return acme.acting(acme.people[f"{role.value}@example.com"], role)


async def test_nobody_is_sent_to_the_sign_in_and_back(acme, browser):
    for path in ("/settings", *TABS):
        answer = await browser.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/sign-in?next=" + path.replace("/", "%2F")


@pytest.mark.parametrize(("role", "statuses"), [(OWNER, [200] * 3), (ADMIN, [200] * 3), (MEMBER, [403, 403, 200])])
async def test_who_sees_which_tab(acme, role, statuses):
    browser = await signed_in(f"{role.value}@example.com")
    answers = [await browser.get(path) for path in TABS]
    assert [answer.status_code for answer in answers] == statuses
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "script-src" not in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
    start = await browser.get("/settings")
    assert start.headers["location"] == ("/settings/workspaces" if role is MEMBER else "/settings/members")


@pytest.mark.parametrize("path", [
    "/settings/members", "/settings/keys", "/settings/workspaces", "/settings/workspaces/rename",
    "/settings/workspaces/delete", "/settings/members/{id}/role", "/settings/members/{id}/remove",
    "/settings/members/{id}/disable", "/settings/members/{id}/enable", "/settings/members/{id}/sign-out",
    "/settings/invites/{id}/revoke", "/settings/keys/{id}/revoke",
])  # fmt: skip
async def test_a_forged_post_changes_nothing(acme, path):
    browser = await signed_in("owner@example.com")
    before = await acme.kinds()
    fields = {"email": "a@b", "role": "member", "workspace": "Acme", "name": "X", "api_admin": "on"}
    address = path.format(id=acme.people["member@example.com"].id)
    same = {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin"}
    for given in (fields, {**fields, "form_token": "A" * 43}):
        assert (await browser.post(address, given, headers=same)).status_code == 403
    assert await acme.kinds() == before


@pytest.mark.parametrize("path", [
    "/settings/members/{id}", "/settings/members/{id}/remove", "/settings/members/{id}/disable",
    "/settings/members/{id}/sign-out", "/settings/members/{id}/made-up", "/settings/invites/{id}/revoke",
    "/settings/keys/{id}/revoke",
])  # fmt: skip
async def test_another_workspaces_things_are_not_found(acme, path):
    other = await found(acme.hub, "Other")
    boss = await other.actor(OWNER, "boss@example.org")
    key = await api_keys.create(acme.hub, boss, role=ADMIN)
    await other.invite(boss, "guest@example.org")
    (invite,) = (await members.listed(acme.hub, boss)).invites
    browser = await signed_in("owner@example.com")
    for foreign in (boss.id, key.view.id, invite.id, new_id(), "x"):
        address = path.format(id=foreign)
        assert (await browser.get(address)).status_code == 404
        if path.count("/") > 3:
            token = re.search(r'name="form_token" value="([^"]+)"', (await browser.get(TABS[0])).text)[1]
            assert (await browser.post(address, {"form_token": token})).status_code == 404
    switch = await browser.fill(TABS[2], {"workspace": other.id}, headers={"origin": "http://localhost:3000"})
    assert "boss@example.org" not in switch.text


async def test_a_switch_to_a_foreign_workspace_is_not_found(acme):
    other = await found(acme.hub, "Other")
    browser = await signed_in("owner@example.com")
    answer = await browser.post("/workspace", {"workspace": other.id}, headers={"origin": "http://localhost:3000"})
    assert answer.status_code == 404


async def test_an_invitation_is_shown_once_and_joined(acme):
    browser = await signed_in("admin@example.com")
    shown = await browser.fill(TABS[0], {"email": "New@Example.com", "role": "member"})
    path = link_in(shown.text)
    assert shown.headers["cache-control"] == "no-store"
    listed = await browser.get(TABS[0])
    assert "new@example.com" in listed.text
    assert path not in listed.text
    guest = browser_of()
    form = await guest.get(path)
    assert "new@example.com" in form.text
    assert 'autocomplete="new-password"' in form.text
    assert (await guest.fill(path, {"password": "short"})).status_code == 422
    joined = await guest.fill(path, {"name": HOSTILE, "password": PASSWORD, "email": "owner@example.com"})
    assert (joined.status_code, joined.headers["location"]) == (303, HOME)
    assert (await acme.roles())["new@example.com"] == "member"
    assert (await guest.get(path)).status_code == 410
    again = await browser_of().get(path)
    assert again.status_code == 410
    assert "Ask whoever invited you" in again.text
    assert "<script" not in (await browser.get(TABS[0])).text


async def test_an_invitations_form_that_is_sent_again_makes_no_second_link(acme):
    browser = await signed_in("owner@example.com")
    page = (await browser.get(TABS[0])).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    fields |= {"email": "new@example.com", "role": "member"}
    path = link_in((await browser.post(TABS[0], fields)).text)
    assert (await browser.post(TABS[0], fields)).status_code == 409
    assert (await browser_of().get(path)).status_code == 200


async def test_somebody_with_an_account_signs_in_at_the_link_and_joins(acme):
    other = await found(acme.hub, "Other")
    token = await other.invite(await other.actor(OWNER, "boss@example.org"), "member@example.com")
    path = f"/join/{token}"
    browser = browser_of()
    sign_in = unescape(re.search(r'<a href="(/sign-in[^"]*)"', (await browser.get(path)).text)[1])
    entered = await browser.fill(sign_in, {"email": "member@example.com", "password": PASSWORD})
    assert entered.headers["location"] == path
    assert "You are invited into the workspace Other" in (await browser.get(path)).text
    joined = await browser.fill(path, {})
    assert joined.headers["location"] == HOME
    assert (await other.roles())["member@example.com"] == "member"


async def test_a_link_does_not_tell_whether_its_address_has_an_account(acme):
    other = await found(acme.hub, "Other")
    boss = await other.actor(OWNER, "boss@example.org")
    told = []
    for email in ("member@example.com", "nobody@example.com"):
        path = f"/join/{await other.invite(boss, email)}"
        browser = browser_of()
        pages = [
            await browser.get(path),
            await browser.fill(path, {"name": "", "password": "short"}),
            await browser.fill(path, {}),
            await browser.get(path),
        ]
        token = re.search(r'name="form_token" value="([^"]+)"', pages[0].text)[1]
        secrets = {email: "EMAIL", path: "PATH", path.replace("/", "%2F"): "NEXT", token: "TOKEN"}
        texts = [page.text for page in pages]
        for secret, word in secrets.items():
            texts = [text.replace(secret, word) for text in texts]
        told.append((texts, [page.status_code for page in pages]))
    assert told[0] == told[1]
    assert told[0][1] == [200, 422, 200, 200]


async def test_a_completed_form_for_an_address_with_an_account_leads_to_the_sign_in(acme):
    other = await found(acme.hub, "Other")
    path = f"/join/{await other.invite(await other.actor(OWNER, 'boss@example.org'), 'member@example.com')}"
    browser = browser_of()
    answer = await browser.fill(path, {"name": "", "password": "other unrelated words"})
    assert answer.status_code == 409
    assert re.search(r'role="alert"[^>]*>member@example.com has an account already', answer.text)
    assert 'href="/sign-in?next=' in answer.text
    assert "member@example.com" not in await other.roles()
    assert (await browser_of().sign_in("member@example.com", PASSWORD)).status_code == 303


async def test_a_link_of_somebody_elses_is_a_calm_sentence_and_still_works(acme):
    token = await acme.invite(by(acme, OWNER), "new@example.com")
    browser = await signed_in("member@example.com")
    answer = await browser.get(f"/join/{token}")
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert (await browser_of().get(f"/join/{token}")).status_code == 200


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00"])
async def test_a_made_up_link_is_refused(acme, browser, token):
    assert (await browser.get(f"/join/{token}")).status_code == 410


async def test_a_forged_join_makes_no_account(acme, browser):
    token = await acme.invite(by(acme, OWNER), "new@example.com")
    await browser.get(f"/join/{token}")
    assert (await browser.post(f"/join/{token}", {"password": PASSWORD})).status_code == 403
    assert await people.find(acme.hub, "new@example.com") is None


async def test_a_member_is_given_another_role_disabled_enabled_signed_out_and_removed(acme):
    browser = await signed_in("owner@example.com")
    path = f"/settings/members/{acme.people['member@example.com'].id}"
    changed = await browser.fill(path, {}, headers={"origin": "http://localhost:3000"})
    assert changed.status_code == 405  # the page itself takes no post
    token = re.search(r'name="form_token" value="([^"]+)"', (await browser.get(path)).text)[1]
    answer = await browser.post(f"{path}/role", {"form_token": token, "role": "admin"})
    assert answer.headers["location"] == "/settings/members?done=role"
    assert "The role was changed." in (await browser.get(answer.headers["location"])).text
    assert (await browser.post(f"{path}/role", {"form_token": token, "role": "king"})).status_code == 422
    for act in ("disable", "enable", "sign-out", "remove"):
        asked = await browser.get(f"{path}/{act}")
        assert "member@example.com" in asked.text
        assert "Cancel" in asked.text
        done = await browser.fill(f"{path}/{act}", {})
        assert done.headers["location"] == f"/settings/members?done={act}"
    assert "member@example.com" not in await acme.roles()
    assert (await acme.kinds())[-5:] == [
        "member_role_changed", "user_disabled", "user_enabled", "signed_out_everywhere", "member_removed",
    ]  # fmt: skip


async def test_the_last_owner_is_told_why_they_stay(acme):
    browser = await signed_in("owner@example.com")
    path = f"/settings/members/{acme.people['owner@example.com'].id}"
    answer = await browser.fill(f"{path}/remove", {})
    assert answer.status_code == 409
    assert "last owner" in answer.text


async def test_a_key_is_shown_once_and_the_same_form_makes_no_second(acme, caplog):
    caplog.set_level(logging.DEBUG)
    browser = await signed_in("admin@example.com")
    page = (await browser.get(TABS[1])).text
    assert page.count("checked") == 4
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    fields = {**hidden, "name": HOSTILE, "role": "read_only", "api_groups": "on", "api_chat": "on"}
    shown = await browser.post(TABS[1], fields)
    private = re.search(r'value="(ahk_\w{43})"', shown.text)[1]
    assert shown.headers["cache-control"] == "no-store"
    assert (await browser.post(TABS[1], fields)).status_code == 409
    (view,) = await api_keys.listed(acme.hub, acme.id)
    assert (view.name, view.role, view.apis, view.created_by) == (
        HOSTILE, Role.READ_ONLY, ("groups", "chat"), "admin@example.com",
    )  # fmt: skip
    listed = (await browser.get(TABS[1])).text
    assert private not in listed
    assert "<script" not in listed
    assert private not in caplog.text
    assert (await browser.fill(f"{TABS[1]}/{view.id}/revoke", {})).headers["location"].endswith("done=revoked")
    assert (await api_keys.listed(acme.hub, acme.id))[0].revoked_at is not None
    assert (await acme.kinds())[-2:] == ["key_created", "key_revoked"]


@pytest.mark.parametrize(("fields", "status"), [
    ({"role": "admin"}, 422), ({"role": "king", "api_admin": "on"}, 422), ({"role": "member", "api_admin": "on"}, 422),
    ({"role": "owner", "api_admin": "on"}, 403), ({"role": "admin", "api_admin": "on", "name": "x" * 121}, 422),
])  # fmt: skip
async def test_a_key_that_may_not_be_is_not_made(acme, fields, status):
    browser = await signed_in("admin@example.com")
    assert (await browser.fill(TABS[1], fields)).status_code == status
    assert await api_keys.listed(acme.hub, acme.id) == []


async def test_workspaces_are_created_renamed_and_deleted_by_name(acme):
    browser = await signed_in("owner@example.com")
    assert (await browser.fill(TABS[2], {"workspace": " "})).status_code == 422
    assert (await browser.fill(TABS[2], {"workspace": HOSTILE})).headers["location"] == f"{TABS[2]}?done=created"
    page = (await browser.get(TABS[2])).text
    assert "<script" not in page
    assert "first workspace of the installation" in page
    token = re.search(r'name="form_token" value="([^"]+)"', page)[1]
    renamed = await browser.post(f"{TABS[2]}/rename", {"form_token": token, "name": "Second"})
    assert renamed.headers["location"] == f"{TABS[2]}?done=renamed"
    assert (await browser.post(f"{TABS[2]}/rename", {"form_token": token, "name": ""})).status_code == 422
    assert (await browser.fill(f"{TABS[2]}/delete", {"workspace": "Secnd"})).status_code == 422
    assert (await browser.fill(f"{TABS[2]}/delete", {"workspace": "Second"})).status_code == 303
    assert [row.name for row, _ in await workspaces.listed(acme.hub)] == ["Acme"]
    assert (await browser.fill(f"{TABS[2]}/delete", {"workspace": "Acme"})).status_code == 303
    assert (await browser.get("/settings/keys")).headers["location"] == TABS[2]
    none = await browser.get(TABS[2])
    assert "You belong to no workspace" in none.text
    assert (await browser.fill(TABS[2], {"workspace": ""})).status_code == 422
    assert (await browser.fill(TABS[2], {"workspace": "Anew"})).status_code == 303
    assert "Anew" in (await browser.get(TABS[2])).text


@pytest.mark.parametrize(("role", "path"), [(ADMIN, "delete"), (MEMBER, "delete")])
async def test_deleting_a_workspace_is_for_its_owners(acme, role, path):
    browser = await signed_in(f"{role.value}@example.com")
    assert (await browser.get(f"{TABS[2]}/{path}")).status_code == 403


@pytest.mark.parametrize("path", [*TABS, "/join/" + "A" * 43])
async def test_an_unreachable_database_is_a_calm_page(acme, monkeypatch, path):
    browser = await signed_in("owner@example.com")

    def down(*given, **more):
        raise OperationalError("SELECT secret", {}, Exception("host=db password=hunter2"))

    for verb in ("signed", "visitor", "seats"):
        monkeypatch.setattr(store, verb, down)
    monkeypatch.setattr("atlas_hub.accounts.roster.invite_by_token", down)
    answer = await browser.get(path)
    assert answer.status_code == 503
    assert "database" in answer.text
    assert "hunter2" not in answer.text


async def test_an_invitations_token_is_in_no_log_and_no_audit_event(acme, caplog):
    redact.install()
    caplog.set_level(logging.DEBUG)
    browser = await signed_in("owner@example.com")
    shown = await browser.fill(TABS[0], {"email": "new@example.com", "role": "member"})
    path = link_in(shown.text)
    await browser_of().fill(path, {"password": PASSWORD})
    async with acme.hub.db.reading() as tx:
        events = [repr(row.model_dump()) for row in (await tx.execute(select(AuditEvent))).scalars()]
    logging.getLogger("access").info("GET %s", path)  # as a server's access log would
    assert "GET /join/" in caplog.text
    for place in (caplog.text, *events):
        assert path.rpartition("/")[2] not in place


@pytest.mark.parametrize("line", ["GET /join/{} 200", "next=%2Fjoin%2F{}&x=1", "/set-up/{} opened"])
def test_a_one_time_link_in_a_log_line_is_covered(line):
    token = "aZ09_-" * 7 + "x"
    covered = redact.redact(line.format(token))
    assert token not in covered
    assert token[10:] not in covered


async def test_a_form_that_was_loaded_before_another_tab_switched_changes_nothing(acme):
    owner = acme.people["owner@example.com"]
    other = await found(acme.hub, "Other")
    await people.create(acme.hub, email=owner.email, password=PASSWORD, role=OWNER, workspace=other.id)
    browser = await signed_in(owner.email)
    page = (await browser.get(TABS[0])).text
    loaded = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    here, there = (acme, other) if loaded["loaded_for"] == acme.id else (other, acme)
    switched = await browser.post("/workspace", {**loaded, "workspace": there.id})
    assert switched.status_code == 303
    late = await browser.post(TABS[0], {**loaded, "email": "new@example.com", "role": "member"})
    assert late.status_code == 409
    assert "Nothing was changed" in late.text
    assert not {"member_invited"} & {*await here.kinds(), *await there.kinds()}
    again = await browser.fill(TABS[0], {"email": "new@example.com", "role": "member"})
    assert again.status_code == 200
    assert "member_invited" in await there.kinds()
