"""Every answer of a form page has a request id, by which the log and the audit log know the request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import select

from atlas_hub.accounts import people, workspaces
from atlas_hub.kit import logs
from atlas_hub.storage.models import AuditEvent

LINK = "canary-of-a-one-time-link"


@pytest.fixture
def lines() -> Iterator[list[tuple[str, str]]]:
    """Each line of the access log: the request's id and what is said."""
    written: list[tuple[str, str]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append((logs.request_id.get(), record.getMessage().rsplit(" ", 2)[0]))

    kept = Kept()
    before = logs.access.level
    logs.access.setLevel(logging.INFO)
    logs.access.addHandler(kept)
    yield written
    logs.access.removeHandler(kept)
    logs.access.setLevel(before)


@pytest.mark.parametrize(("method", "path", "said"), [
    ("GET", "/", "GET / 307"),
    ("GET", "/sign-in", "GET /sign-in 200"),
    ("HEAD", "/sign-in", "HEAD /sign-in 200"),
    ("PUT", "/sign-in", "PUT /sign-in 405"),
    ("CANARY", "/sign-in", "other /sign-in 405"),
    ("POST", "/sign-out", "POST /sign-out 403"),
    ("GET", f"/join/{LINK}", "GET /join/{token} 410"),
    ("POST", f"/join/{LINK}", "POST /join/{token} 403"),
    ("GET", f"/set-up/{LINK}", "GET /set-up/{token} 410"),
    ("GET", "/settings", "GET /settings 303"),
    ("GET", f"/settings/members/{LINK}", "GET /settings/members/{user_id} 303"),
    ("GET", f"/settings/members/{LINK}/role", "GET /settings/members/{user_id}/{act} 303"),
    ("PUT", f"/settings/members/{LINK}/role", "PUT /settings/members/{user_id}/role 405"),
])  # fmt: skip
async def test_an_answer_has_an_id_and_the_log_one_line_with_it(browser, lines, method, path, said):
    answer = await browser.client.request(method, path, headers={"X-Request-Id": "forged"})
    [request_id] = answer.headers.get_list("x-request-id")
    assert UUID(request_id)
    assert lines == [(request_id, said)]
    assert logs.request_id.get() != request_id


async def test_what_is_beneath_the_forms_has_neither(browser, lines):
    answer = await browser.get("/admin/integrations")
    assert answer.text == "the page"
    assert "x-request-id" not in answer.headers
    assert lines == []


async def test_an_unexpected_error_is_found_by_the_answer_s_id(hub, browser, lines, monkeypatch, caplog):
    async def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(people, "exists", broken)
    answer = await browser.get("/sign-in")
    request_id = answer.headers["x-request-id"]
    assert answer.status_code == 500
    assert request_id in answer.text
    assert request_id in caplog.text
    assert lines == [(request_id, "GET /sign-in 500")]


async def test_audit_events_of_a_form_have_the_id_of_its_answer(hub, acme, browser):
    answers = {
        "signed_in": await browser.sign_in(),
        "key_created": await browser.fill("/settings/keys", {"role": "admin", "api_admin": "on", "name": "one"}),
        "member_invited": await browser.fill("/settings/members", {"email": "bo@example.com", "role": "member"}),
        "signed_out": await browser.post("/sign-out", {}, headers={"Sec-Fetch-Site": "same-origin"}),
    }
    async with hub.db.reading() as tx:
        events = {event.kind: event for (event,) in await tx.execute(select(AuditEvent))}
    for kind, answer in answers.items():
        assert events[kind].request_id == answer.headers["x-request-id"], kind
    assert len({event.request_id for event in events.values()}) >= len(answers)


async def test_what_happens_outside_of_a_request_has_none(hub):
    logs.request_id.set(logs.NO_REQUEST)  # as in a task of the server's own
    await workspaces.create(hub, "Acme")
    async with hub.db.reading() as tx:
        assert [event.request_id for (event,) in await tx.execute(select(AuditEvent))] == [""]
