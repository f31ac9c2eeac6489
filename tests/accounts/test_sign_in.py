from __future__ import annotations

import asyncio
import base64
import hashlib
import re

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from atlas_hub.accounts import passwords, people, routes, store, workspaces
from atlas_hub.kit.errors import NotAvailable
from atlas_hub.services.access import Role
from atlas_hub.storage.models import AuditEvent
from tests.accounts.browser import EMAIL, PASSWORD, browser_of, hub_with, make_acme


async def events(hub):
    async with hub.db.reading() as tx:
        rows = (await tx.execute(select(AuditEvent).order_by(AuditEvent.id))).scalars()
        return [(row.kind, row.workspace, row.subject) for row in rows]


async def test_the_right_password_leads_to_the_page(hub, acme, browser):
    answer = await browser.sign_in()

    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/integrations"
    assert browser.token()
    assert ("signed_in", acme, EMAIL) in await events(hub)


@pytest.mark.parametrize(("public", "flags"), [("http://localhost:3000", False), ("https://hub.example.com", True)])
async def test_the_cookies_flags_follow_the_public_address(tmp_path, clock, public, flags):
    async with hub_with(tmp_path, clock, public_url=public) as hub:
        await make_acme(hub)
        browser = browser_of(public)
        async with browser.client:
            answer = await browser.sign_in()

    cookies = answer.headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if "atlas_session=" in cookie)
    assert session.startswith("__Host-atlas_session=" if flags else "atlas_session=")
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is flags


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong wrong wrong"), ("nobody@example.com", PASSWORD)])
async def test_an_unknown_email_and_a_wrong_password_get_the_same_answer(hub, acme, browser, email, password):
    answer = await browser.sign_in(email, password)

    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text
    assert 'role="alert"' in answer.text
    assert answer.text.count('aria-describedby="alert"') == 2
    assert f'value="{email}"' in answer.text
    assert password not in answer.text
    assert browser.token() is None
    assert (await browser.sign_in()).status_code == 303


async def test_an_unknown_email_is_not_kept_and_a_known_one_is_its_workspaces_event(hub, acme, browser):
    await browser.sign_in("nobody@example.com", PASSWORD)
    await browser.sign_in(EMAIL, "wrong wrong wrong")

    failed = [event for event in await events(hub) if event[0] == "sign_in_failed"]
    assert failed == [("sign_in_failed", "", ""), ("sign_in_failed", acme, EMAIL)]


async def test_a_disabled_user_is_told_what_a_stranger_is(hub, acme, browser):
    await people.set_disabled(hub, EMAIL, disabled=True)
    assert (await browser.sign_in()).status_code == 401
    await people.set_disabled(hub, EMAIL, disabled=False)
    assert (await browser.sign_in()).status_code == 303


async def test_a_user_without_a_workspace_is_told_so(hub, acme, browser):
    other = await workspaces.create(hub, "Other")
    await people.create(hub, email=EMAIL, password=None, role=Role.MEMBER, workspace=other.id)
    async with hub.db.transaction() as tx:
        user = await store.user_by_email(tx, EMAIL)
        for seat in await store.seats(tx, user.id):
            await tx.delete(await store.membership(tx, seat.workspace, user.id))

    assert (await browser.sign_in()).status_code == 303
    sent_on = await browser.get("/sign-in")
    assert sent_on.headers["location"] == "/settings/workspaces"
    assert "belong to no workspace" in (await browser.get("/settings/workspaces")).text


async def test_the_sixth_attempt_for_an_account_is_refused_from_wherever(hub, acme):
    for last in range(5):
        browser = browser_of(address=f"198.51.100.{last}")
        assert (await browser.sign_in(EMAIL, "wrong wrong wrong")).status_code == 401

    answer = await browser_of(address="198.51.100.99").sign_in()

    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert "Wait 15 minutes" in answer.text
    assert f'value="{EMAIL}"' in answer.text


async def test_the_sixth_failure_of_an_address_is_refused_for_any_account(hub, acme, browser):
    for number in range(5):
        assert (await browser.sign_in(f"nobody{number}@example.com")).status_code == 401

    assert (await browser.sign_in()).status_code == 429
    assert (await browser_of(address="198.51.100.9").sign_in()).status_code == 303


async def test_a_success_forgets_the_accounts_failures(hub, acme):
    for round_ in range(3):
        for attempt in range(4):
            stranger = browser_of(address=f"198.51.{round_}.{attempt}")
            assert (await stranger.sign_in(EMAIL, "wrong wrong wrong")).status_code == 401
        assert (await browser_of().sign_in()).status_code == 303


async def test_successes_do_not_use_an_addresss_attempts_up(hub, acme):
    for _ in range(8):
        assert (await browser_of().sign_in()).status_code == 303


async def test_a_burst_from_an_address_gets_no_more_tries_than_a_row(hub, acme):
    answers = await asyncio.gather(*(browser_of().sign_in(f"n{number}@example.com") for number in range(20)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 20 - 5 - passwords.AT_ONCE


async def test_a_spoofed_hop_counts_as_its_sender_and_a_trusted_proxys_word_is_taken(tmp_path, clock):
    async with hub_with(tmp_path, clock, trusted_proxies="10.0.0.0/8") as hub:
        await make_acme(hub)
        for number in range(5):
            spoofed = {"x-forwarded-for": f"192.0.2.{number}"}
            assert (await browser_of().sign_in(f"n{number}@example.com", headers=spoofed)).status_code == 401
        assert (await browser_of().sign_in(headers={"x-forwarded-for": "192.0.2.77"})).status_code == 429

        proxy = browser_of(address="10.1.2.3")
        same = {"x-forwarded-for": "192.0.2.77, 203.0.113.7, 10.9.9.9"}
        assert (await proxy.sign_in(headers=same)).status_code == 429
        assert (await proxy.sign_in(headers={"x-forwarded-for": "198.51.100.8"})).status_code == 303


async def test_a_fresh_token_at_every_sign_in_leaves_nothing_to_fixate(hub, acme, browser):
    planted = "A" * 43
    browser.client.cookies.set("atlas_session", planted)
    await browser.sign_in()
    tokens = [cookie.value for cookie in browser.client.cookies.jar if cookie.name == "atlas_session"]
    assert any(token != planted for token in tokens)
    browser.client.cookies.clear()
    browser.client.cookies.set("atlas_session", planted)
    assert (await browser.get("/sign-in")).status_code == 200  # the planted one is still nobody's


async def test_signing_in_again_ends_the_browsers_former_session(hub, acme, browser):
    await browser.sign_in()
    former = browser.token()
    shown = await browser_of().get("/sign-in")
    form = re.search(r'name="form_token" value="([^"]+)"', shown.text)[1]
    again = browser_of()
    again.client.cookies.set("atlas_session", former)
    again.client.cookies.set("atlas_form", form)
    answer = await again.post("/sign-in", {"form_token": form, "email": EMAIL, "password": PASSWORD})
    assert answer.status_code == 303

    old = browser_of()
    old.client.cookies.set("atlas_session", former)
    assert (await old.get("/sign-in")).status_code == 200


async def test_an_old_hash_is_made_anew_at_a_sign_in(hub, acme, browser, monkeypatch):
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    before = (await people.find(hub, EMAIL)).password_hash
    await browser.sign_in()
    after = (await people.find(hub, EMAIL)).password_hash
    assert before != after
    browser.client.cookies.clear()
    assert (await browser.sign_in()).status_code == 303


async def test_who_is_signed_in_is_sent_on(hub, acme, browser):
    await browser.sign_in()
    answer = await browser.get("/sign-in?next=/admin/integrations/slack")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/admin/integrations/slack"


@pytest.mark.parametrize(
    ("wanted", "sent_to"),
    [
        ("/admin/integrations/slack?tab=1", "/admin/integrations/slack?tab=1"),
        ("", "/admin/integrations"),
        ("//evil.example", "/admin/integrations"),
        ("/\\evil.example", "/admin/integrations"),
        ("https://evil.example", "/admin/integrations"),
        ("javascript:alert(1)", "/admin/integrations"),
        ("/\tevil", "/admin/integrations"),
        ("/x\r\nSet-Cookie: a=b", "/admin/integrations"),
        ('/"><script>', '/"><script>'),
    ],
)
async def test_nobody_is_sent_to_another_site(hub, acme, browser, wanted, sent_to):
    shown = await browser.get("/sign-in", params={"next": wanted})
    assert "<script>" not in shown.text
    token = re.search(r'name="form_token" value="([^"]+)"', shown.text)[1]
    fields = {"form_token": token, "next": wanted, "email": EMAIL, "password": PASSWORD}
    answer = await browser.post("/sign-in", fields)
    assert answer.status_code == 303
    assert answer.headers["location"].replace("%22%3E%3Cscript%3E", '"><script>') == sent_to


async def test_what_is_typed_is_escaped(hub, acme, browser):
    answer = await browser.sign_in('"><script>alert(1)</script>@x', PASSWORD)
    assert "<script>" not in answer.text


async def test_the_pages_head_keeps_it_from_frames_scripts_and_caches(hub, acme, browser):
    answer = await browser.get("/sign-in")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "style-src 'sha256-"):
        assert rule in policy
    assert "unsafe" not in policy
    for part in ('lang="en"', 'autocomplete="username"', 'autocomplete="current-password"', 'for="password"'):
        assert part in answer.text


async def test_the_stylesheet_is_the_one_the_policy_names(hub, acme, browser):
    answer = await browser.get("/sign-in")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


async def test_before_anybody_can_sign_in_the_page_says_where_the_link_is(hub, browser):
    assert "set-up link was printed" in (await browser.get("/sign-in")).text
    await make_acme(hub)
    assert "set-up link was printed" not in (await browser.get("/sign-in")).text


async def test_without_a_database_the_page_names_the_setting(tmp_path, clock):
    async with hub_with(tmp_path, clock, database_url="none"):
        answer = await browser_of().get("/sign-in")
    assert answer.status_code == 503
    assert "DATABASE_URL" in answer.text


async def test_an_unreachable_database_is_a_calm_page(hub, acme, browser, monkeypatch):
    def down(*given):
        raise OperationalError("SELECT secret", {}, Exception("host=db password=hunter2"))

    with monkeypatch.context() as patch:
        patch.setattr(people, "exists", down)
        answer = await browser.get("/sign-in")
    assert answer.status_code == 503
    assert "database" in answer.text
    assert "SELECT" not in answer.text
    assert "hunter2" not in answer.text
    assert (await browser.get("/sign-in")).status_code == 200


async def test_an_unexpected_error_is_a_page_with_a_reference(hub, acme, browser, monkeypatch):
    def broken(*given):
        raise RuntimeError("inner words")

    with monkeypatch.context() as patch:
        patch.setattr(people, "exists", broken)
        answer = await browser.get("/sign-in")
    assert answer.status_code == 500
    assert "inner words" not in answer.text
    assert (await browser.get("/sign-in")).status_code == 200


async def test_a_hub_that_is_not_open_yet_says_try_again(monkeypatch):
    def closed():
        raise NotAvailable("The hub is not running yet. Try again in a moment.")

    monkeypatch.setattr(routes, "hub", closed)
    assert (await browser_of().get("/sign-in")).status_code == 503


async def test_the_verbs(hub, acme, browser):
    assert (await browser.client.head("/sign-in")).status_code == 200
    for verb, path in [("PUT", "/sign-in"), ("GET", "/sign-out"), ("GET", "/workspace"), ("DELETE", "/set-up/x")]:
        answer = await browser.client.request(verb, path)
        assert answer.status_code == 405
        assert "allow" in answer.headers
    assert (await browser.get("/admin/integrations")).text == "the page"
    assert (await browser.get("/")).headers["location"] == "/admin/integrations"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": {"origin": "https://evil.example"}}, 403),
        ({"headers": {"origin": "null"}}, 403),
        ({"headers": {"referer": "https://evil.example/a"}}, 403),
        ({"headers": {"sec-fetch-site": "cross-site"}}, 403),
        ({"headers": {"origin": "http://localhost:3000"}}, 303),
        ({"headers": {"origin": "http://localhost:9999"}}, 403),
        ({"headers": {"origin": "http://127.0.0.1:3000", "host": "127.0.0.1:3000"}}, 303),
        ({"headers": {"origin": "http://evil.example", "host": "evil.example"}}, 403),
        ({"headers": {"referer": "http://localhost:3000/sign-in", "sec-fetch-site": "same-origin"}}, 303),
    ],
)
async def test_where_a_post_came_from_decides(hub, acme, change, status):
    answer = await browser_of().sign_in(**change)
    assert answer.status_code == status
    if status == 403:
        assert "ATLAS_PUBLIC_URL" in answer.text
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("token", [None, "", "A" * 43, "ü" * 43])
async def test_a_post_without_the_browsers_own_form_token_is_refused(hub, acme, browser, token):
    await browser.get("/sign-in")
    fields = {"email": EMAIL, "password": PASSWORD}
    same = {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin"}
    answer = await browser.post("/sign-in", fields if token is None else {**fields, "form_token": token}, headers=same)
    assert answer.status_code == 403
    assert browser.token() is None
    assert (await browser.sign_in()).status_code == 303


async def test_a_form_token_without_its_cookie_is_refused(hub, acme, browser):
    shown = await browser.get("/sign-in")
    token = re.search(r'name="form_token" value="([^"]+)"', shown.text)[1]
    fields = {"email": EMAIL, "password": PASSWORD, "form_token": token}
    assert (await browser_of().post("/sign-in", fields)).status_code == 403
    assert (await browser.post("/sign-in", fields)).status_code == 303


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"&".join(b"a%d=1" % number for number in range(40)), "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
    ],
)
async def test_what_is_no_small_form_is_not_read(hub, acme, browser, content, kind, status):
    answer = await browser.client.post("/sign-in", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert (await browser.sign_in()).status_code == 303
