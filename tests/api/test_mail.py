"""The test message: by the primary, else by ATLAS_SMTP_URL, else by RESEND_API_KEY; and what a DELETE leaves."""

from __future__ import annotations

from typing import Any

import pytest

from atlas_hub.hub import Hub
from atlas_hub.storage.models import Connection
from tests.api.conftest import Client, People, Vendors, asking
from tests.api.seed import ADMIN, body_of, is_mail
from tests.conftest import actor
from tests.providers.entries.entry import Entry
from tests.standins import resend, sendgrid
from tests.standins.bridge import BridgeStandin
from tests.standins.dial import Fault
from tests.standins.resend import ResendStandin

TO = {"recipientEmail": "ana@example.com"}
MAIL = [entry for entry in ADMIN if is_mail(entry)]
by_each = pytest.mark.parametrize("entry", MAIL, ids=[entry.id for entry in MAIL])


@pytest.fixture
def bridge(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> BridgeStandin:
    """The operator's bridge."""
    found: BridgeStandin = vendors.kinds[BridgeStandin]
    monkeypatch.setenv("ATLAS_SMTP_URL", f"{found.base}/send")
    monkeypatch.setenv("ATLAS_EMAIL_FROM", "atlas@acme.example")
    return found


@pytest.fixture
def by_resend(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> ResendStandin:
    """The operator's Resend."""
    monkeypatch.setenv("RESEND_API_KEY", resend.FULL_ACCESS)
    monkeypatch.setenv("ATLAS_EMAIL_FROM", "atlas@acme.example")
    found: ResendStandin = vendors.kinds[ResendStandin]
    return found


async def tested(client: Client) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/email/test", json=TO)
    return answer.status_code, answer.json()


def sendgrid_body(key: str = sendgrid.FULL_ACCESS) -> dict[str, Any]:
    return {"provider": "sendgrid", "senderAddress": "alerts@acme.example", "config": {"apiKey": key}}


async def test_with_nothing_set_up_it_is_400_not_found(client: Client) -> None:
    status, said = await tested(client)
    assert (status, said["error"]) == (400, "not_found")
    assert "Connect Email first." in said["message"]


@by_each
async def test_it_goes_through_the_primary_and_not_the_environment(
    client: Client, vendors: Vendors, entry: Entry, bridge: BridgeStandin, by_resend: ResendStandin
) -> None:
    assert (await client.post("/email", json=body_of(entry, vendors))).status_code == 200
    status, said = await tested(client)
    assert (status, said["success"]) == (200, True), said
    assert set(said) == {"message", "success", "receipt"}
    assert said["receipt"]
    assert said["receipt"] in said["message"]
    assert len(vendors.of(entry).messages) == 1
    assert "ana@example.com" in repr(vendors.of(entry).messages)
    assert (bridge.calls, by_resend.calls) == ([], [])


@by_each
async def test_a_primary_that_cannot_deliver_fails_and_does_not_fall_through(
    client: Client, vendors: Vendors, entry: Entry, bridge: BridgeStandin, by_resend: ResendStandin
) -> None:
    assert (await client.post("/email", json=body_of(entry, vendors))).status_code == 200
    told = set()
    for number, trouble in enumerate([each for each in entry.troubles if each.in_send and not each.slow][:4]):
        trouble.begin(vendors.of(entry))
        status, said = await tested(client)
        entry.mend(vendors.of(entry))
        told.add(said["code"])
        assert (status, said["success"], said["code"]) == (200, False, trouble.error.code), (number, trouble.name)
        assert set(said) == {"message", "success", "code"}
        assert said["message"].endswith(".")
    assert len(told) > 1
    assert (bridge.calls, by_resend.calls) == ([], [])
    assert len(vendors.of(entry).messages) == 0
    assert (await tested(client))[1]["success"] is True


async def test_a_locked_primary_is_said_and_does_not_fall_through(
    client: Client, hub: Hub, bridge: BridgeStandin
) -> None:
    assert (await client.post("/email", json=sendgrid_body())).status_code == 200
    hub.vault.lock("The encryption key is not configured. Put it back.")
    status, said = await tested(client)
    assert (status, said["error"]) == (503, "locked")
    assert said["message"] == "The encryption key is not configured. Put it back."
    assert bridge.calls == []


async def test_with_no_primary_the_bridge_comes_before_resend(
    client: Client, bridge: BridgeStandin, by_resend: ResendStandin
) -> None:
    status, said = await tested(client)
    assert (status, said["success"], said["receipt"]) == (200, True, "bridge-1")
    assert [mail["to"] for mail in bridge.messages] == ["ana@example.com"]
    assert bridge.messages[0]["from"] == "atlas@acme.example"
    assert by_resend.calls == []
    assert (await client.get("/status")).json()["email"]["connected"] is False


async def test_without_a_bridge_it_is_resend(client: Client, by_resend: ResendStandin) -> None:
    status, said = await tested(client)
    assert (status, said["success"]) == (200, True)
    [mail] = by_resend.messages
    assert (mail["from"], mail["to"], said["receipt"]) == ("atlas@acme.example", ["ana@example.com"], mail["id"])


async def test_a_bridge_that_fails_is_said_and_resend_is_not_asked(
    client: Client, bridge: BridgeStandin, by_resend: ResendStandin
) -> None:
    for fault, code in ((Fault.SERVER_ERROR, "PLATFORM_ERROR"), (Fault.BUSY_SECONDS, "RATE_LIMITED")):
        bridge.dial.set(fault)
        status, said = await tested(client)
        assert (status, said["success"], said["code"]) == (200, False, code)
    assert by_resend.calls == []
    bridge.dial.set(Fault.OK)
    assert (await tested(client))[1]["success"] is True


async def test_settings_of_the_operator_that_cannot_be_read_are_said(
    client: Client, by_resend: ResendStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_SMTP_URL", "canary is no address")
    status, said = await tested(client)
    assert (status, said["success"]) == (200, False)
    assert "ATLAS_SMTP_URL" in said["message"]
    assert "canary" not in said["message"]
    assert by_resend.calls == []
    assert (await client.get("/status")).json()["deliveryChannels"] == []


@by_each
async def test_a_delete_falls_back_to_the_environment_and_then_to_nothing(
    client: Client,
    vendors: Vendors,
    entry: Entry,
    bridge: BridgeStandin,
    by_resend: ResendStandin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (await client.post("/email", json=body_of(entry, vendors))).status_code == 200
    gone = await client.delete("/email")
    assert (gone.status_code, gone.json()["othersStored"]) == (200, 0)
    assert gone.json()["message"].endswith(" Mail goes through the operator's settings now.")
    assert (await tested(client))[1]["success"] is True
    assert (len(bridge.messages), len(vendors.of(entry).messages), len(by_resend.messages)) == (1, 0, 0)
    monkeypatch.delenv("ATLAS_SMTP_URL")
    assert (await tested(client))[1]["success"] is True
    assert (len(bridge.messages), len(by_resend.messages)) == (1, 1)
    monkeypatch.delenv("RESEND_API_KEY")
    assert (await tested(client))[0] == 400
    assert (await client.get("/status")).json()["deliveryChannels"] == []
    again = await client.delete("/email")
    assert (again.status_code, again.json()["error"]) == (404, "not_found")


async def test_a_delete_with_nothing_to_fall_back_to_says_so(client: Client) -> None:
    await client.post("/email", json=sendgrid_body())
    assert (await client.delete("/email")).json()["message"].endswith(" No mail is sent until another way is set up.")


async def test_another_way_takes_the_place_and_the_old_one_goes(client: Client, vendors: Vendors) -> None:
    bodies = [body_of(entry, vendors) for entry in MAIL]
    for body in bodies:
        assert (await client.post("/email", json=body)).status_code == 200
        assert (await client.get("/status")).json()["email"]["provider"] == body["provider"]
    assert (await client.delete("/email")).json()["othersStored"] == 0


async def test_others_are_stored_and_none_takes_over(client: Client, vendors: Vendors, bridge: BridgeStandin) -> None:
    bodies = [body_of(entry, vendors) for entry in MAIL]
    assert (await client.post("/email", json=bodies[0])).status_code == 200
    for body in bodies[1:]:
        assert (await client.post("/email?mode=add", json=body)).status_code == 200
        assert (await client.get("/status")).json()["email"]["provider"] == bodies[0]["provider"]
    gone = (await client.delete("/email")).json()
    assert gone["othersStored"] == len(bodies) - 1
    assert f"{len(bodies) - 1} others are still stored" in gone["message"]
    status = (await client.get("/status")).json()
    assert (status["email"]["connected"], status["email"]["provider"]) == (False, None)
    assert (await tested(client))[1]["success"] is True
    assert len(bridge.messages) == 1
    assert (await client.delete("/email")).status_code == 404


async def test_mail_that_was_another_door_s_stays_when_it_is_replaced(
    client: Client, hub: Hub, vendors: Vendors
) -> None:
    done = (await client.post("/email", json=sendgrid_body())).json()
    async with hub.db.transaction() as tx:
        row = await tx.get(Connection, done["connection"]["id"])
        assert row is not None
        row.source = "chat"
    entry = next(each for each in MAIL if each.method == "postmark")
    assert (await client.post("/email", json=body_of(entry, vendors))).status_code == 200
    assert (await client.get("/status")).json()["email"]["provider"] == "postmark"
    gone = (await client.delete("/email")).json()
    assert gone["othersStored"] == 1
    assert "1 other is still stored" in gone["message"]


@pytest.mark.parametrize("workspaces", [1, 2])
async def test_five_test_messages_a_minute_for_each_workspace(
    people: People, hub: Hub, by_resend: ResendStandin, workspaces: int
) -> None:
    keys = ["owner", "other"][:workspaces]
    for key in keys:
        async with asking(people, key) as client:
            told = [(await tested(client))[0] for _ in range(5)]
            assert told == [200] * 5
            answer = await client.post("/email/test", json=TO)
            assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
    people.keys["colleague"] = actor(workspace=people.keys["owner"].workspace)
    async with asking(people, "colleague") as client:
        assert (await tested(client))[0] == 429
    assert len(by_resend.messages) == 5 * workspaces


async def test_without_a_database_there_is_no_test(
    people: People, hub_without_database: Hub, bridge: BridgeStandin
) -> None:
    async with asking(people, "nowhere") as client:
        status, said = await tested(client)
        assert (status, said["error"]) == (404, "not_available")
    assert bridge.calls == []
