"""Configurations in the store: every type by every verb, what is shown of them, what is proven beside it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from sqlalchemy import select

from atlas_hub.hub import Hub
from atlas_hub.services import connections, delivery, jobs, pending
from atlas_hub.services.configurations import STORED
from atlas_hub.services.opening import opened
from atlas_hub.services.wire_types import ORDER, kinds
from atlas_hub.storage.models import AuditEvent, Connection, Credential
from tests.api.conftest import Vendors
from tests.api.groups.ground import FLOWDOCK, SECRETS, Client, Place, body_for, calling, code, place, primary, quiet
from tests.standins import datadog
from tests.standins.datadog import DatadogStandin
from tests.standins.dial import Fault

WRONG = "f" * 32
"""A Datadog key that the stand-in does not know."""
STATES = {
    "PAGER_DUTY": "unverified",
    "DATADOG": "ok",
    "NEW_RELIC": "unverified",
    "SLACK": "degraded",  # its stand-in's token lacks scopes
    "OPS_GENIE": "ok",
    "VICTOR_OPS": "unverified",
    "FLOWDOCK": "unverified",
    "WEBHOOK": "unverified",
    "MICROSOFT_TEAMS": "unverified",
    "PROMETHEUS": "unverified",
}
"""What is known of each type once its vendor was asked."""


def masked(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """What is shown of a body, by the rules of §2.7."""
    told = {**body}
    for secret in SECRETS[kind]:
        value = told.pop(secret, None)
        if value is None or secret == "password":
            continue
        if secret == "secret":
            told[secret] = "******"
        elif secret.lower().endswith("url"):
            scheme, _, rest = value.partition("?")[0].partition("://")
            told[secret] = f"{scheme}://{rest.partition('/')[0]}/****{rest[-4:]}"
        else:
            told[secret] = "*" * (len(value) - 4) + value[-4:]
    return told


@pytest.mark.parametrize("kind", ORDER)
async def test_every_type_by_every_verb(each_hub: Hub, vendors: Vendors, kind: str) -> None:
    here = await place(each_hub)
    body = body_for(kind, vendors)
    shown = masked(kind, body)
    async with calling(here.key) as client:
        assert code(await client.get(here.at(kind))) == (404, "INTEGRATION_NOT_CONFIGURED", [kind])
        answer = await client.post(here.at(kind), json=body)
        assert answer.status_code == 200, answer.text
        [told] = answer.json()["results"]
        usual = {
            name: value for name, value in told.items() if name not in shown
        }  # what was left out, as it is usually
        clear = {secret: body[secret] for secret in SECRETS[kind] if secret in body and secret != "password"}
        assert told == {**shown, **clear, **usual}
        [link] = answer.json()["links"]
        assert link["href"].endswith(f"{here.at(kind)}?pageNum=1&itemsPerPage=100")
        assert (await client.get(here.at(kind))).json() == {**shown, **usual}  # and never again
        await quiet(each_hub)
        row = await primary(each_hub, here, kind)
        assert (row.state, row.source, row.created_by) == (
            STATES[kind],
            "groups",
            f"API key {here.key.view.public_key}",
        )
        assert row.reason != STORED
        assert code(await client.post(here.at(kind), json=body)) == (409, "INTEGRATION_ALREADY_CONFIGURED", [kind])
        got = (await client.get(here.at(kind))).json()
        assert got == {**shown, **usual}
        sent_back = await client.put(here.at(kind), json=got)  # GET, edit, PUT: nothing of it is an error
        assert sent_back.status_code == 200, sent_back.text
        assert sent_back.json()["results"] == [got]
        await quiet(each_hub)
        _, _, method, form, _ = await opened(each_hub, here.owner, row.id)
        assert form == method.read({f.name: body[w] for w, f in kinds()[kind].fields.items() if w in body})
        assert (await client.delete(here.at(kind))).status_code == 204
        for verb in (client.get, client.delete):
            assert code(await verb(here.at(kind))) == (404, "INTEGRATION_NOT_CONFIGURED", [kind])
        again = await client.put(here.at(kind), json=body)  # which stores, where there is none
        assert (again.status_code, again.json()["results"]) == (200, [{**shown, **usual}])
        await quiet(each_hub)
    async with each_hub.db.reading() as tx:
        assert len((await tx.execute(select(Credential))).all()) == 1


async def test_the_list_has_its_order_whatever_came_first(each_hub: Hub, vendors: Vendors) -> None:
    here = await place(each_hub)
    async with calling(here.key) as client:
        for kind in reversed(ORDER):
            assert (await client.post(here.at(kind), json=body_for(kind, vendors))).status_code == 200
        await quiet(each_hub)
        answer = (await client.get(here.path)).json()
    assert ([each["type"] for each in answer["results"]], answer["totalCount"]) == (list(ORDER), 10)
    assert all(list(each) == sorted(each) for each in answer["results"])


async def test_twenty_posts_at_once_make_one(each_hub: Hub) -> None:
    here = await place(each_hub)
    async with calling(here.key) as client:
        answers = await asyncio.gather(*(client.post(here.at("FLOWDOCK"), json=FLOWDOCK) for _ in range(20)))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19
        assert {code(answer)[1] for answer in answers if answer.is_error} == {"INTEGRATION_ALREADY_CONFIGURED"}
        assert (await client.get(here.path)).json()["totalCount"] == 1
        await client.delete(here.at("FLOWDOCK"))
        answers = await asyncio.gather(*(client.put(here.at("FLOWDOCK"), json=FLOWDOCK) for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}
        await quiet(each_hub)
    async with each_hub.db.reading() as tx:
        assert len((await tx.execute(select(Connection))).all()) == 1
        assert len((await tx.execute(select(Credential))).all()) == 1


async def test_the_answer_does_not_wait_for_the_vendor(hub: Hub, here: Place, groups: Client, vendors: Vendors) -> None:
    vendors.kinds[DatadogStandin].dial.set(Fault.HANG)
    answer = await groups.post(here.at("DATADOG"), json=body_for("DATADOG", vendors))
    assert answer.status_code == 200
    row = await primary(hub, here, "DATADOG")
    assert (row.state, row.reason) == ("unverified", STORED)
    for task in list(hub._tasks):
        task.cancel()
    await quiet(hub)
    vendors.kinds[DatadogStandin].reset()
    found = await jobs.unproven(hub)  # the worker died: whoever sweeps finds it
    assert found == [("prove", row.id)]
    await jobs.prove(hub, row.id)
    assert (await primary(hub, here, "DATADOG")).state == "ok"
    assert await jobs.unproven(hub) == []


async def test_a_refused_key_is_stored_and_the_card_says_so(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    body = {**body_for("DATADOG", vendors), "apiKey": WRONG}
    assert (await groups.post(here.at("DATADOG"), json=body)).status_code == 200
    await quiet(hub)
    assert (await primary(hub, here, "DATADOG")).state == "reconnect"
    # Nothing better is there: what is written next is used at once.
    assert (await groups.put(here.at("DATADOG"), json=body_for("DATADOG", vendors))).status_code == 200
    await quiet(hub)
    row = await primary(hub, here, "DATADOG")
    assert (row.state, row.reason) == ("ok", "")
    assert await used_key(hub, here, row) == datadog.ATLAS


async def used_key(hub: Hub, here: Place, row: Connection) -> str:
    _, _, _, form, _ = await opened(hub, here.owner, row.id)
    assert form is not None
    return form.api_key.reveal()


async def test_a_new_key_waits_until_it_is_proven(each_hub: Hub, vendors: Vendors) -> None:
    hub, here = each_hub, await place(each_hub)
    async with calling(here.key) as client:
        await client.post(here.at("DATADOG"), json={**body_for("DATADOG", vendors), "sendDatabaseMetrics": True})
        await quiet(hub)
        answer = await client.put(here.at("DATADOG"), json={"type": "DATADOG", "apiKey": WRONG, "region": "EU"})
        new = {"apiKey": "*" * 28 + "ffff", "region": "EU", "sendDatabaseMetrics": True, "type": "DATADOG"}
        assert answer.json()["results"] == [new]
        await quiet(hub)
        row = await primary(hub, here, "DATADOG")
        assert (row.state, row.reason) == ("degraded", pending.REFUSED)
        assert (await client.get(here.at("DATADOG"))).json() == new  # what was last written
        assert await used_key(hub, here, row) == datadog.ATLAS  # what was last proven
        sent = await delivery.send_test(hub, here.owner, row.id)
        assert sent.success
        checked = await connections.check_now(hub, here.owner, row.id)
        assert (checked.state, checked.reason) == ("degraded", pending.REFUSED)
        # What selects nothing at the vendor applies at once, also while something waits.
        same = {**new, "sendDatabaseMetrics": None, "sendQueryStatsMetrics": True}
        told = await client.put(here.at("DATADOG"), json=same)
        assert told.json()["results"][0] == {
            "apiKey": new["apiKey"], "region": "EU", "sendQueryStatsMetrics": True, "type": "DATADOG"
        }  # fmt: skip
        _, _, _, form, _ = await opened(hub, here.owner, row.id)
        assert (form.api_key.reveal(), form.region, form.send_query_stats_metrics) == (datadog.ATLAS, "US5", True)
        assert not form.send_database_metrics
        await quiet(hub)
        # The right key takes over, and nothing waits any more.
        await client.put(here.at("DATADOG"), json={"type": "DATADOG", "apiKey": datadog.ATLAS, "region": "US5"})
        await quiet(hub)
        row = await primary(hub, here, "DATADOG")
        assert (row.state, row.reason, row.waiting) == ("ok", "", {})
        assert row.checks["delivered"]["status"] == "unknown"  # the former key delivered
        shown = (await client.get(here.at("DATADOG"))).json()
        assert (shown["region"], shown["sendQueryStatsMetrics"]) == ("US5", True)
    async with hub.db.reading() as tx:
        [credential] = (await tx.execute(select(Credential))).scalars()
    assert credential.pending is None


async def test_what_waits_can_be_forgotten(hub: Hub, here: Place, groups: Client, vendors: Vendors) -> None:
    await groups.post(here.at("DATADOG"), json=body_for("DATADOG", vendors))
    await quiet(hub)
    before = (await groups.get(here.at("DATADOG"))).json()
    await groups.put(here.at("DATADOG"), json={"type": "DATADOG", "apiKey": WRONG, "sendDatabaseMetrics": True})
    await quiet(hub)
    row = await primary(hub, here, "DATADOG")
    view = await pending.drop(hub, here.owner, row.id)
    assert view.state == "ok"
    assert (await groups.get(here.at("DATADOG"))).json() == {**before, "sendDatabaseMetrics": True}
    assert await used_key(hub, here, row) == datadog.ATLAS
    with pytest.raises(Exception, match="Nothing waits"):
        await pending.drop(hub, here.owner, row.id)
    with pytest.raises(Exception, match="Nothing waits"):
        await pending.take(hub, here.owner, row.id)


async def test_a_passing_fault_leaves_it_waiting_until_the_vendor_answers(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    await groups.post(here.at("DATADOG"), json=body_for("DATADOG", vendors))
    await quiet(hub)
    vendors.kinds[DatadogStandin].dial.set(Fault.SERVER_ERROR)
    await groups.put(here.at("DATADOG"), json={"type": "DATADOG", "region": "EU"})
    await quiet(hub)
    row = await primary(hub, here, "DATADOG")
    assert (row.state, row.reason) == ("degraded", pending.UNANSWERED)
    assert await jobs.unproven(hub) == [("prove", row.id)]


async def test_masks_sent_back_keep_what_is_stored_and_no_other_is_stored(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    body = {"type": "WEBHOOK", "url": "https://127.0.0.1/hooks/abcd1234", "secret": "whsec-of-a-test"}
    assert (await groups.post(here.at("WEBHOOK"), json=body)).status_code == 200
    shown = (await groups.get(here.at("WEBHOOK"))).json()
    assert shown == {"type": "WEBHOOK", "url": "https://127.0.0.1/****1234", "secret": "******"}
    row = await primary(hub, here, "WEBHOOK")
    moved = {**shown, "url": "https://127.0.0.1/hooks/efgh5678"}
    assert (await groups.put(here.at("WEBHOOK"), json=moved)).status_code == 200
    _, _, _, form, _ = await opened(hub, here.owner, row.id)
    assert (form.url.reveal(), form.secret.reveal()) == (moved["url"], body["secret"])
    for field, value in (("url", shown["url"]), ("secret", "*******"), ("secret", "a**b"), ("secret", "*")):
        said = code(await groups.put(here.at("WEBHOOK"), json={"type": "WEBHOOK", field: value}))
        assert said[:2] == (400, "INVALID_INTEGRATION_SETTINGS")
        assert said[2][0] == "WEBHOOK"
        assert said[2][1].startswith(field)
    assert (await groups.delete(here.at("WEBHOOK"))).status_code == 204
    for verb in (groups.post, groups.put):  # nothing is there whose mask it could be
        assert (
            code(await verb(here.at("WEBHOOK"), json={**body, "secret": "******"}))[1] == "INVALID_INTEGRATION_SETTINGS"
        )
    assert (await groups.post(here.at("WEBHOOK"), json={**body, "secret": "one*is-none"})).status_code == 200


async def test_null_takes_an_optional_field_away_and_what_is_left_out_stays(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    body = {"type": "VICTOR_OPS", "apiKey": "1234567890", "routingKey": "ops"}
    await groups.post(here.at("VICTOR_OPS"), json=body)
    shown = {"type": "VICTOR_OPS", "apiKey": "******7890", "routingKey": "ops"}
    for change, expected in (
        ({}, shown),
        ({"routingKey": "night"}, {**shown, "routingKey": "night"}),
        ({"routingKey": None}, {"type": "VICTOR_OPS", "apiKey": "******7890"}),
        ({"routingKey": "  day "}, {**shown, "routingKey": "day"}),
        ({"routingKey": ""}, {"type": "VICTOR_OPS", "apiKey": "******7890"}),
    ):
        answer = await groups.put(here.at("VICTOR_OPS"), json={"type": "VICTOR_OPS", **change})
        assert answer.json()["results"] == [expected]
    await groups.post(here.at("WEBHOOK"), json={"type": "WEBHOOK", "url": "https://127.0.0.1/x/1234", "secret": "abc"})
    await groups.put(here.at("WEBHOOK"), json={"type": "WEBHOOK", "secret": None})
    assert "secret" not in (await groups.get(here.at("WEBHOOK"))).json()
    await quiet(hub)


@pytest.mark.parametrize(
    ("value", "shown"), [("1234", "****"), ("12345", "*2345"), ("1", "*"), (" 1234567890 ", "******7890")]
)
async def test_masks_keep_the_length_and_tell_no_short_one(
    hub: Hub, here: Place, groups: Client, value: str, shown: str
) -> None:
    answer = await groups.post(here.at("FLOWDOCK"), json={**FLOWDOCK, "apiToken": value})
    assert answer.json()["results"][0]["apiToken"] == value.strip()
    assert (await groups.get(here.at("FLOWDOCK"))).json()["apiToken"] == shown
    assert (await groups.put(here.at("FLOWDOCK"), json={**FLOWDOCK, "apiToken": shown})).status_code == 200
    await quiet(hub)


async def test_prometheus_changes_at_once_and_its_password_is_never_shown(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    body = body_for("PROMETHEUS", vendors)
    answer = await groups.post(here.at("PROMETHEUS"), json={key: body[key] for key in body if key != "scheme"})
    [told] = answer.json()["results"]
    assert told == {"enabled": True, "scheme": "https", "serviceDiscovery": "http", "type": "PROMETHEUS",
                    "username": "prom_user"}  # fmt: skip
    await quiet(hub)
    row = await primary(hub, here, "PROMETHEUS")
    async with hub.db.transaction() as tx:  # as if it had been seen
        present = await tx.get(Connection, row.id)
        assert present is not None
        present.checks = {**present.checks, "authenticated": {"status": "yes", "at": None, "proof": "seen"}}
        present.state = "ok"
    answer = await groups.put(here.at("PROMETHEUS"), json={"type": "PROMETHEUS", "enabled": False})
    assert answer.json()["results"] == [{**told, "enabled": False}]
    await groups.put(here.at("PROMETHEUS"), json={"type": "PROMETHEUS", "password": "another-password-of-tests"})
    _, _, _, form, _ = await opened(hub, here.owner, row.id)
    assert (form.password.reveal(), form.enabled) == ("another-password-of-tests", False)
    await quiet(hub)
    row = await primary(hub, here, "PROMETHEUS")
    assert row.checks["authenticated"]["status"] == "unknown"  # nobody was seen with the new one
    assert row.waiting == {}


async def test_no_sibling_takes_the_place_of_what_is_deleted(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    values = body_for("DATADOG", vendors)
    del values["type"]
    for region in ("US5", "US5"):
        await connections.connect(
            hub,
            here.owner,
            "datadog",
            "api_key",
            {**values, "region": region},
            source="page",
            mode=connections.Mode.ADD,
        )
    assert (await groups.get(here.path)).json()["totalCount"] == 1
    assert (await groups.delete(here.at("DATADOG"))).status_code == 204
    assert code(await groups.get(here.at("DATADOG")))[1] == "INTEGRATION_NOT_CONFIGURED"
    assert code(await groups.delete(here.at("DATADOG")))[1] == "INTEGRATION_NOT_CONFIGURED"
    assert (await groups.post(here.at("DATADOG"), json=body_for("DATADOG", vendors))).status_code == 200
    await quiet(hub)
    async with hub.db.reading() as tx:
        rows = list((await tx.execute(select(Connection))).scalars())
    assert [row.primary_scope for row in rows].count("datadog:alerts") == 1
    assert len(rows) == 2


async def test_what_a_page_stored_is_shown_and_changed_here(
    hub: Hub, here: Place, groups: Client, vendors: Vendors
) -> None:
    values = body_for("OPS_GENIE", vendors)
    del values["type"]
    made = await connections.connect(hub, here.owner, "opsgenie", "api_key", values, source="page")
    shown = (await groups.get(here.at("OPS_GENIE"))).json()
    assert shown == masked("OPS_GENIE", {"type": "OPS_GENIE", **values})
    await groups.put(here.at("OPS_GENIE"), json=shown)
    row = await primary(hub, here, "OPS_GENIE")
    assert (row.id, row.state) == (made.view.id, "ok")


async def test_no_secret_is_in_a_log_or_the_audit_log(
    hub: Hub, here: Place, groups: Client, vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = []
    for kind in ORDER:
        body = body_for(kind, vendors)
        secrets += [body[name] for name in SECRETS[kind] if len(str(body.get(name, ""))) > 9]
        await groups.post(here.at(kind), json=body)
        await groups.put(here.at(kind), json={**body, "foreign": 1})
        await groups.put(here.at(kind), json=body)
    await quiet(hub)
    async with hub.db.reading() as tx:
        events = [repr(event) for event in (await tx.execute(select(AuditEvent))).scalars()]
        rows = [repr(row) for row in (await tx.execute(select(Connection))).scalars()]
    assert len(secrets) > 10
    everything = caplog.text + "".join(events) + "".join(rows)
    assert not [secret for secret in secrets if secret in everything]
    assert here.key.private_key.reveal() not in everything
