"""Discovery and metrics behind the stored pair: who is let in, how wrong ones are told, and what is written of it."""

from __future__ import annotations

import asyncio
import base64
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event, update

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso, now
from atlas_hub.kit.ids import new_id
from atlas_hub.services import connections, scraping
from atlas_hub.services.access import Actor
from atlas_hub.services.views import State
from atlas_hub.storage import connections as rows
from atlas_hub.storage.models import Channel, Connection, Credential, CredentialUse, Delivery
from tests.api.conftest import Client
from tests.api.prometheus.conftest import PASSWORD, PREFIX, USERNAME, stored
from tests.api.prometheus.conftest import scraping as calling
from tests.conftest import actor

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Every sample, as Prometheus's own parser reads it."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def row_of(hub: Hub, who: Actor) -> Connection:
    async with hub.db.reading() as tx:
        row = await rows.primary_of(tx, who.workspace, scraping.SCOPE)
    assert row is not None
    return row


async def test_discovery_says_where_the_metrics_are(prometheus: Client, owner: Actor) -> None:
    answer = await prometheus.get(f"{PREFIX}/{owner.workspace}/discovery?targetScheme=PUBLIC")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    assert UUID(answer.headers["x-request-id"])
    [group] = answer.json()
    assert group["targets"] == ["localhost:3000"]
    assert group["labels"] == {
        "group_id": owner.workspace,
        "group_name": owner.workspace,
        "org_id": owner.workspace,
        "__scheme__": "https",
        "__metrics_path__": f"{PREFIX}/{owner.workspace}/metrics",
    }


async def test_the_metrics_are_the_workspaces_own(
    prometheus: Client, any_hub: Hub, owner: Actor, other_owner: Actor
) -> None:
    await stored(any_hub, other_owner, username="another")
    mine = (await row_of(any_hub, owner)).id
    ends, used = now() + timedelta(days=3), now().replace(second=0, microsecond=0)
    async with any_hub.db.transaction() as tx:
        for where in (owner, other_owner):
            row = await rows.primary_of(tx, where.workspace, scraping.SCOPE)
            assert row is not None
            for state in ("sent", "sent", "failed"):
                tx.add(Delivery(workspace=row.workspace, connection_id=row.id, provider="slack",
                                destination="C1", state=state))  # fmt: skip
            tx.add(CredentialUse(connection_id=row.id, minute=used, workspace=row.workspace, provider="x", times=3))
        subscriber = {"kind": "account", "source": "chat", "provider": "slack", "method": "oauth", "purpose": "chat"}
        for contexts in ("a:1", "a:2"):
            tx.add(Connection(**subscriber, workspace=owner.workspace, scope="slack:chat", identifier=contexts,
                              label="no label of a subscriber", account_key=contexts, contexts=contexts))  # fmt: skip
        await tx.execute(update(Credential).values(expires_at=ends))
    answer = await prometheus.get(f"{PREFIX}/{owner.workspace}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(answer.text)
    own = {("connection", mine), ("provider", "prometheus")}

    def figure(name: str, *labels: tuple[str, str]) -> float:
        return found["atlas_hub_workspace_" + name, frozenset(labels)]

    assert figure("connections", ("provider", "prometheus"), ("state", "ok")) == 1
    assert figure("connection_info", *own, ("label", USERNAME)) == 1
    assert figure("connection_expires_timestamp_seconds", *own) == pytest.approx(ends.timestamp(), abs=1)
    assert figure("connection_used_timestamp_seconds", *own) == used.timestamp()
    assert figure("connection_checked_timestamp_seconds", *own) == pytest.approx(now().timestamp(), abs=60)
    assert figure("deliveries", ("provider", "slack"), ("state", "sent")) == 2
    assert figure("deliveries", ("provider", "slack"), ("state", "failed")) == 1
    assert figure("subscriber_connections", ("provider", "slack")) == 2
    assert len({labels for name, labels in found if name.endswith("connection_info")}) == 1
    for never in (PASSWORD, owner.workspace, other_owner.workspace, "another", "no label", "atlas_hub_requests"):
        assert never not in answer.text


async def test_channels_are_told_of_what_has_channels_and_was_listed(
    prometheus: Client, any_hub: Hub, owner: Actor
) -> None:
    async def figures() -> dict[str, dict[str, float]]:
        answer = await prometheus.get(f"{PREFIX}/{owner.workspace}/metrics")
        wanted = "atlas_hub_workspace_connection_"
        told: dict[str, dict[str, float]] = {"channels": {}, "synced_channels": {}}
        for (name, labels), value in samples(answer.text).items():
            if name.startswith(wanted) and (kind := name.removeprefix(wanted)) in told:
                told[kind][dict(labels)["connection"]] = value
        return told

    ids = {}
    async with any_hub.db.transaction() as tx:
        for provider, method, listing in (
            ("slack", "bot_token", {"at": iso(now())}),
            ("discord", "bot_token", {}),
            ("pagerduty", "events_key", {}),
            ("no-such-provider", "x", {"at": iso(now())}),
        ):
            row = Connection(workspace=owner.workspace, source="page", provider=provider, method=method, purpose="chat",
                             scope=f"{provider}:chat", identifier=provider, label=provider, account_key=provider,
                             listing=listing, channel_count=4 if listing else 0)  # fmt: skip
            tx.add(row)
            ids[provider] = row.id
        await tx.flush()
        for vendor, more in (("C1", {"sync": True}), ("C2", {}), ("C3", {"private": True}), ("C4", {"missing": True})):
            tx.add(
                Channel(workspace=owner.workspace, connection_id=ids["slack"], vendor_id=vendor, name=vendor, **more)
            )
    assert await figures() == {
        "channels": {ids["slack"]: 4},
        "synced_channels": {ids["slack"]: 1, ids["discord"]: 0},
    }
    async with any_hub.db.transaction() as tx:
        await tx.execute(update(Connection).where(Connection.id == ids["slack"]).values(sync_all=True))
    assert (await figures())["synced_channels"][ids["slack"]] == 2, "every public channel that is there"


async def test_it_takes_three_queries_however_much_there_is_elsewhere(
    prometheus: Client, any_hub: Hub, owner: Actor
) -> None:
    for _ in range(3):
        await stored(any_hub, actor())
    await prometheus.get(f"{PREFIX}/{owner.workspace}/discovery")
    await prometheus.get(f"{PREFIX}/{owner.workspace}/metrics")  # was seen within this minute from now on
    for what, most in (("metrics", 3), ("discovery", 1)):
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any, seen: list[str] = seen) -> None:
            if not statement.startswith(("BEGIN", "COMMIT", "PRAGMA")):
                seen.append(statement)

        engine = any_hub.db.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        assert (await prometheus.get(f"{PREFIX}/{owner.workspace}/{what}")).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        assert len(seen) == most, seen


WRONG: tuple[tuple[str, str] | None, ...] = (
    None,
    (USERNAME, "another-password-of-tests"),
    ("another", PASSWORD),
    (USERNAME, ""),
    (USERNAME, PASSWORD + " "),
    ("", ""),
)


@pytest.mark.parametrize("what", ["discovery", "metrics"])
async def test_whatever_is_wrong_is_the_same_401(any_hub: Hub, owner: Actor, other_owner: Actor, what: str) -> None:
    await stored(any_hub, owner)
    said = set()
    off = actor()
    await stored(any_hub, off, enabled=False)
    for number, pair in enumerate(WRONG):
        async with calling(pair, address=f"192.0.2.{number}") as client:
            answer = await client.get(f"{PREFIX}/{owner.workspace}/{what}")
        said.add(_said(answer, asked=pair is None))
    async with calling(address="192.0.2.99") as client:
        for group in (other_owner.workspace, off.workspace, new_id(), "nothing", "A" * 24, "%00", owner.workspace[:23]):
            said.add(_said(await client.get(f"{PREFIX}/{group}/{what}"), asked=False))
    assert len(said) == 2  # without a pair one is asked for; every wrong one is told the same
    async with calling() as client:
        assert (await client.get(f"{PREFIX}/{owner.workspace}/{what}")).status_code == 200


def _said(answer: Any, *, asked: bool) -> tuple[Any, ...]:
    body = answer.json()
    assert body.pop("requestId") == answer.headers["x-request-id"]
    return answer.status_code, answer.headers["www-authenticate"], tuple(body.items()), asked


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic ???", "Bearer abc", "Basic " + base64.b64encode(b"nocolon").decode(), "Basic /////w==",
     "Basic " + "QUFB" * 2000],
)  # fmt: skip
async def test_a_header_that_is_none_is_401(any_hub: Hub, owner: Actor, header: str) -> None:
    await stored(any_hub, owner)
    async with calling(None) as client:
        answer = await client.get(f"{PREFIX}/{owner.workspace}/metrics", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        twice = [("Authorization", _basic(USERNAME, PASSWORD))] * 2
        assert (await client.get(f"{PREFIX}/{owner.workspace}/metrics", headers=twice)).status_code == 401


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


async def test_a_password_may_have_colons_and_any_letters(any_hub: Hub, owner: Actor) -> None:
    await stored(any_hub, owner, password="mit: Ümläuten:")
    async with calling(None) as client:
        header = {"Authorization": _basic(USERNAME, "mit: Ümläuten:")}
        assert (await client.get(f"{PREFIX}/{owner.workspace}/metrics", headers=header)).status_code == 200


async def test_ten_wrong_passwords_close_the_door_to_that_address_alone(any_hub: Hub, owner: Actor) -> None:
    await stored(any_hub, owner)
    path = f"{PREFIX}/{owner.workspace}/metrics"
    async with calling() as client:
        for _ in range(15):  # what is right is not counted
            assert (await client.get(path)).status_code == 200
    async with calling((USERNAME, "another-password-of-tests")) as client:
        assert [(await client.get(path)).status_code for _ in range(12)] == [401] * 10 + [429] * 2
    async with calling() as client:
        answer = await client.get(path)
        assert answer.status_code == 429  # else the right one could be found while the door is closed
        assert 1 <= int(answer.headers["retry-after"]) <= 300
    async with calling(address="198.51.100.9") as client:
        assert (await client.get(path)).status_code == 200


async def test_a_guess_that_came_in_before_the_door_closed_is_not_let_through_it(
    any_hub: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(any_hub, owner)
    find, came, closed = scraping._found, asyncio.Event(), asyncio.Event()

    async def found(*given: Any) -> Any:
        monkeypatch.setattr(scraping, "_found", find)  # the others are not held up
        came.set()
        await closed.wait()
        return await find(*given)

    monkeypatch.setattr(scraping, "_found", found)
    path = f"{PREFIX}/{owner.workspace}/metrics"
    async with calling((USERNAME, "another-password-of-tests")) as wrong, calling() as right:
        guess = asyncio.create_task(right.get(path))
        await came.wait()
        assert [(await wrong.get(path)).status_code for _ in range(10)] == [401] * 10
        closed.set()
        assert (await guess).status_code == 429


async def test_a_group_that_is_not_there_closes_its_door_like_any_other(any_hub: Hub) -> None:
    path = f"{PREFIX}/{new_id()}/discovery"
    async with calling() as client:
        assert [(await client.get(path)).status_code for _ in range(12)] == [401] * 10 + [429] * 2


async def test_head_other_methods_and_other_paths(prometheus: Client, owner: Actor) -> None:
    for what in ("metrics", "discovery"):
        answer = await prometheus.head(f"{PREFIX}/{owner.workspace}/{what}")
        assert (answer.status_code, answer.content) == (200, b"")
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = await prometheus.request(method, f"{PREFIX}/{owner.workspace}/{what}")
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    for path in ("", "/", "/groups", f"/groups/{owner.workspace}", f"/groups/{owner.workspace}/targets", "/x" * 50):
        answer = await prometheus.get(f"/prometheus/v1.0{path}")
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
    assert (await prometheus.get("/prometheus/v1.01")).text == "the app beneath"


@pytest.mark.usefixtures("hub_without_database")
async def test_without_a_database_nobody_is_let_in() -> None:
    async with calling() as client:
        assert (await client.get(f"{PREFIX}/{new_id()}/metrics")).status_code == 401


async def test_with_a_locked_vault_it_says_so_to_everyone(prometheus: Client, any_hub: Hub, owner: Actor) -> None:
    any_hub.vault.lock("The key is another one.")
    for group in (owner.workspace, new_id()):
        answer = await prometheus.get(f"{PREFIX}/{group}/metrics")
        assert (answer.status_code, answer.json()["error"]) == (503, "locked")


async def test_a_card_says_when_prometheus_was_seen(prometheus: Client, any_hub: Hub, owner: Actor) -> None:
    row = await row_of(any_hub, owner)
    assert (row.state, row.checks["authenticated"]["status"]) == (State.UNVERIFIED, "unknown")
    assert row.checks["delivered"]["proof"] == "Prometheus scraped nothing yet."
    await prometheus.get(f"{PREFIX}/{owner.workspace}/discovery")
    row = await row_of(any_hub, owner)
    assert (row.state, row.reason) == (State.OK, "")
    assert row.checks["authenticated"]["status"] == "yes"
    assert row.checks["authenticated"]["proof"] == scraping.SIGNED_IN
    assert row.checks["delivered"]["status"] == "unknown"
    await prometheus.get(f"{PREFIX}/{owner.workspace}/metrics")
    row = await row_of(any_hub, owner)
    assert (row.checks["delivered"]["status"], row.checks["delivered"]["proof"]) == ("yes", scraping.SCRAPED)
    checked = await connections.check_now(any_hub, owner, row.id)
    assert checked.state == State.OK  # a check asks nobody, and takes back nothing
    assert checked.checks["authenticated"]["status"] == "yes"


async def test_it_is_written_once_a_minute(
    prometheus: Client, any_hub: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    async def publish(changed: Any) -> None:
        heard.append(changed)

    monkeypatch.setattr(any_hub.bus, "publish", publish)
    path = f"{PREFIX}/{owner.workspace}/metrics"
    for _ in range(3):
        assert (await prometheus.get(path)).status_code == 200
    assert [(changed.workspace, changed.provider) for changed in heard] == [(owner.workspace, "prometheus")]
    row = await row_of(any_hub, owner)
    before = now() - timedelta(seconds=61)
    aged = {**row.checks, "delivered": {**row.checks["delivered"], "at": iso(before)}}
    async with any_hub.db.transaction() as tx:
        await tx.execute(update(Connection).where(Connection.id == row.id).values(checks=aged))
    assert (await prometheus.get(path)).status_code == 200
    assert len(heard) == 2
    assert (await row_of(any_hub, owner)).checks["delivered"]["at"] > iso(before)


async def test_a_short_password_is_said_on_the_card_and_stays_said(any_hub: Hub, owner: Actor) -> None:
    await stored(any_hub, owner, password="eight888")
    row = await row_of(any_hub, owner)
    assert "shorter than 16" in row.reason
    async with calling((USERNAME, "eight888")) as client:
        assert (await client.get(f"{PREFIX}/{owner.workspace}/metrics")).status_code == 200
    row = await row_of(any_hub, owner)
    assert row.state == State.DEGRADED
    assert "shorter than 16" in row.reason


async def test_a_pair_that_was_replaced_meanwhile_proves_nothing_of_the_new_one(any_hub: Hub, owner: Actor) -> None:
    await stored(any_hub, owner)
    scraper = scraping.Scraper(owner.workspace, await row_of(any_hub, owner), None)
    await stored(any_hub, owner, password="another-password-of-tests")
    await scraping.discovery(any_hub, replace(scraper, form=_Form()))
    assert (await row_of(any_hub, owner)).checks["authenticated"]["status"] == "unknown"


class _Form:
    scheme = "https"


async def test_what_was_disconnected_is_refused_at_once(prometheus: Client, any_hub: Hub, owner: Actor) -> None:
    path = f"{PREFIX}/{owner.workspace}/metrics"
    assert (await prometheus.get(path)).status_code == 200
    await connections.disconnect(any_hub, owner, (await row_of(any_hub, owner)).id)
    assert (await prometheus.get(path)).status_code == 401


async def test_every_figure_is_in_the_docs_and_none_beside(prometheus: Client, owner: Actor) -> None:
    page = (Path(__file__).parents[3] / "docs" / "prometheus.md").read_text()
    text = (await prometheus.get(f"{PREFIX}/{owner.workspace}/metrics")).text
    assert set(re.findall(r"^\| `(atlas_hub_\w+)`", page, re.MULTILINE)) == set(
        re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)
    )
