"""Connect, test and disconnect over the wire: bodies, answers, and what the vendor says in between."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from atlas_hub.hub import Hub
from tests.api.conftest import PREFIX, Client, People, Vendors, asking
from tests.standins.dial import Fault
from tests.standins.sendgrid import FULL_ACCESS, NO_SEND
from tests.standins.slack_seed import ACME, BETA, REVOKED
from tests.standins.telegram import ATLAS, OTHER

TEXT = f"{ATLAS} {ACME} {BETA} {REVOKED} {FULL_ACCESS} {NO_SEND} {OTHER}".split()


def mail(key: str = FULL_ACCESS, sender: str = "alerts@acme.example") -> dict[str, Any]:
    return {"provider": "sendgrid", "senderAddress": sender, "config": {"provider": "sendgrid", "apiKey": key}}


async def test_slack_is_connected_and_the_answer_has_the_seed_s_fields(client: Client) -> None:
    answer = await client.post("/slack/byot", json={"botToken": ACME, "anythingElse": 1})
    assert answer.status_code == 200
    said = answer.json()
    assert (said["teamId"], said["workspaceName"], said["replaced"]) == ("T0ACME", "Acme Corp", None)
    assert said["connection"]["state"] in {"ok", "degraded"}
    assert said["connection"]["checks"]["authenticated"]["status"] == "yes"
    assert "Acme Corp" in said["message"]
    status = (await client.get("/status")).json()
    assert (status["slack"]["connected"], status["slack"]["teamId"]) == (True, "T0ACME")


async def test_telegram_is_connected_and_disconnected(client: Client) -> None:
    answer = await client.post("/telegram", json={"botToken": ATLAS})
    assert (answer.status_code, answer.json()["botUsername"]) == (200, "acme_atlas_bot")
    gone = await client.delete("/telegram")
    assert (gone.status_code, gone.json()["othersStored"], gone.json()["stillInUse"]) == (200, 0, False)
    again = await client.delete("/telegram")
    assert (again.status_code, again.json()["error"]) == (404, "not_found")
    assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200


async def test_another_account_takes_the_place_and_the_same_one_is_updated(client: Client) -> None:
    first = (await client.post("/telegram", json={"botToken": ATLAS})).json()
    same = (await client.post("/telegram", json={"botToken": ATLAS})).json()
    assert (same["connection"]["id"], same["replaced"]) == (first["connection"]["id"], None)
    other = (await client.post("/telegram", json={"botToken": OTHER})).json()
    assert other["connection"]["id"] != first["connection"]["id"]
    assert other["replaced"]
    assert other["replaced"] in other["message"]


async def test_mode_add_stores_beside_and_disconnect_leaves_the_other(client: Client) -> None:
    await client.post("/telegram", json={"botToken": ATLAS})
    beside = await client.post("/telegram?mode=add", json={"botToken": OTHER})
    assert (beside.status_code, beside.json()["replaced"]) == (200, None)
    twice = await client.post("/telegram?mode=add", json={"botToken": OTHER})
    assert (twice.status_code, twice.json()["error"]) == (409, "conflict")
    assert (await client.get("/status")).json()["telegram"]["botUsername"] == "acme_atlas_bot"
    gone = await client.delete("/telegram")
    assert (gone.status_code, gone.json()["othersStored"]) == (200, 1)
    assert (await client.get("/status")).json()["telegram"]["connected"] is False
    assert (await client.delete("/telegram")).status_code == 404


@pytest.mark.parametrize("query", ["mode=ask", "mode=", "mode=add&mode=add", "mode=ADD"])
async def test_an_unknown_mode_is_refused(client: Client, vendors: Vendors, query: str) -> None:
    answer = await client.post(f"/telegram?{query}", json={"botToken": ATLAS})
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (422, "mode")
    assert vendors.telegram.calls == []


async def test_mail_is_connected_tested_and_disconnected(client: Client, vendors: Vendors) -> None:
    none = await client.post("/email/test", json={"recipientEmail": "ana@example.com"})
    assert (none.status_code, none.json()["error"]) == (400, "not_found")
    said = (await client.post("/email", json=mail())).json()
    assert (said["provider"], said["senderAddress"]) == ("sendgrid", "alerts@acme.example")
    assert (said["verified"], said["warning"]) == (True, None)
    sent = await client.post("/email/test", json={"recipientEmail": "ana@example.com"})
    assert (sent.status_code, sent.json()["success"]) == (200, True)
    assert sent.json()["receipt"]
    assert len(vendors.sendgrid.messages) == 1
    vendors.sendgrid.dial.set(Fault.UNAUTHORIZED, path="*/mail/send", times=1)
    failed = await client.post("/email/test", json={"recipientEmail": "ana@example.com"})
    assert (failed.status_code, failed.json()["success"]) == (200, False)
    assert failed.json()["code"] == "INVALID_CREDENTIALS"
    gone = await client.delete("/email")
    assert (gone.status_code, gone.json()["othersStored"]) == (200, 0)
    assert (await client.delete("/email")).status_code == 404


async def test_mail_that_the_vendor_does_not_answer_for_is_saved_with_a_warning(
    client: Client, vendors: Vendors
) -> None:
    vendors.sendgrid.dial.set(Fault.SERVER_ERROR)
    said = (await client.post("/email", json=mail())).json()
    assert said["verified"] is False
    assert said["warning"]
    assert said["connection"]["state"] == "unverified"
    assert (await client.get("/status")).json()["email"]["connected"] is True
    vendors.sendgrid.dial.set(Fault.OK)
    assert (await client.post("/email", json=mail())).json()["verified"] is True


async def test_refused_mail_is_not_saved(client: Client) -> None:
    answer = await client.post("/email", json=mail(NO_SEND))
    said = answer.json()
    assert (answer.status_code, said["error"], said["code"]) == (400, "invalid_config", "INSUFFICIENT_PERMISSIONS")
    assert said["details"][0]["field"] == "config.apiKey"
    assert (await client.get("/status")).json()["email"]["connected"] is False
    assert (await client.post("/email", json=mail())).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "error", "code"),
    [
        (Fault.UNAUTHORIZED, 400, "invalid_token", "INVALID_CREDENTIALS"),
        (Fault.BUSY_SECONDS, 503, "provider_busy", "RATE_LIMITED"),
        (Fault.SERVER_ERROR, 502, "provider_error", "PLATFORM_ERROR"),
        (Fault.HTML, 502, "provider_error", "PLATFORM_ERROR"),
        (Fault.NONSENSE, 502, "provider_error", "PLATFORM_ERROR"),
        (Fault.RESET, 502, "provider_error", "NETWORK_ERROR"),
    ],
)
async def test_what_the_vendor_does_wrong_is_told_and_nothing_is_stored(
    client: Client, vendors: Vendors, fault: Fault, status: int, error: str, code: str
) -> None:
    vendors.telegram.dial.set(fault)
    answer = await client.post("/telegram", json={"botToken": ATLAS})
    said = answer.json()
    assert (answer.status_code, said["error"], said["code"]) == (status, error, code)
    assert said["requestId"] == answer.headers["x-request-id"]
    if error == "provider_busy":
        assert answer.headers["retry-after"] == str(said["retryAfterSeconds"])
    assert (await client.get("/status")).json()["telegram"]["connected"] is False
    vendors.telegram.dial.set(Fault.OK)
    assert (await client.post("/telegram", json={"botToken": ATLAS})).status_code == 200


async def test_an_account_of_another_workspace_is_a_conflict_that_names_nobody(client: Client, people: People) -> None:
    await client.post("/telegram", json={"botToken": ATLAS})
    async with asking(people, "other") as other:
        answer = await other.post("/telegram", json={"botToken": ATLAS})
        assert (answer.status_code, answer.json()["error"]) == (409, "conflict")
        assert people.keys["owner"].workspace not in answer.text
        assert people.keys["owner"].name not in answer.text


async def test_another_workspace_sees_nothing_and_cannot_tell(client: Client, people: People, hub: Hub) -> None:
    async with asking(people, "other") as other:
        before = (await other.get("/status")).json()
        never = (await other.delete("/telegram")).json()
        for path, body in (("/telegram", {"botToken": ATLAS}), ("/slack/byot", {"botToken": ACME}), ("/email", mail())):
            assert (await client.post(path, json=body)).status_code == 200
        assert (await other.get("/status")).json() == before
        for path in ("/telegram", "/slack", "/email"):
            answer = await other.delete(path)
            assert answer.status_code == 404
            assert answer.json()["error"] == never["error"]
            assert answer.json()["message"] == never["message"]
        test = await other.post("/email/test", json={"recipientEmail": "ana@example.com"})
        assert (test.status_code, test.json()["error"]) == (400, "not_found")
    mine = (await client.get("/status")).json()
    assert all(mine[name]["connected"] for name in ("telegram", "slack", "email"))


async def test_no_secret_ever_comes_back(client: Client, vendors: Vendors) -> None:
    answers = [
        await client.post("/slack/byot", json={"botToken": ACME, "signingSecret": "0123456789abcdef0123456789abcdef"}),
        await client.post("/slack/byot", json={"botToken": REVOKED}),
        await client.post("/slack/byot", json={"botToken": {"deep": ACME}}),
        await client.post("/slack/byot", json=[ACME]),
        await client.post(
            "/slack/byot", content=f'{{"botToken": "{ACME}', headers={"content-type": "application/json"}
        ),
        await client.post("/slack/byot", json={"botToken": f"{ACME}\x00"}),
        await client.post(f"/slack/byot?mode={ACME}", json={"botToken": ACME}),
        await client.post("/telegram", json={"botToken": ATLAS}),
        await client.post("/email", json=mail()),
        await client.post("/email", json=mail(NO_SEND)),
        await client.post("/email", json={**mail(), "provider": FULL_ACCESS}),
        await client.post("/email", json=mail(sender=ACME)),
        await client.post("/email/test", json={"recipientEmail": ACME}),
        await client.get("/status"),
        await client.delete("/slack"),
        await client.get(f"/{ACME}"),
    ]
    for answer in answers:
        told = f"{answer.text} {answer.headers}"
        assert not [secret for secret in [*TEXT, "0123456789abcdef0123456789abcdef"] if secret in told]


async def test_what_is_not_the_api_s_goes_through(people: People, hub: Hub) -> None:
    async with asking(people) as client:
        for path in ("/", "/api/v1/admin/integrationsx/status", "/api/v1/admin"):
            answer = await client.get(httpx.URL(f"http://hub.test{path}"))
            assert answer.text == "the app beneath"
        inside = await client.get(httpx.URL(f"http://hub.test{PREFIX}"))
        assert inside.json()["error"] == "not_found"
