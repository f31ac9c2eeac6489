"""What a POST takes: strict types, every required field, the nesting of a provider with several methods."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx
import pytest

from atlas_hub.api import admin
from atlas_hub.hub import Hub
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Names
from tests.api.conftest import Client, People, Vendors
from tests.standins.sendgrid import FULL_ACCESS

SMTP: dict[str, Any] = {
    "host": "smtp.example.com",
    "port": 587,
    "username": "ana",
    "password": "correct horse",
    "tls": True,
}


def smtp(**config: Any) -> dict[str, Any]:
    given = {key: value for key, value in {**SMTP, **config}.items() if value is not ...}
    return {"provider": "smtp", "senderAddress": "alerts@acme.example", "config": given}


@pytest.mark.parametrize("body", [None, [], 7, "text", True, 1.5])
@pytest.mark.parametrize("path", ["/telegram", "/slack/byot", "/email", "/email/test"])
async def test_json_that_is_no_object_is_refused(client: Client, path: str, body: Any) -> None:
    answer = await client.post(
        path,
        content=httpx.Request("POST", "http://x", json=body).content or b"null",
        headers={"content-type": "application/json"},
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "validation_error")


@pytest.mark.parametrize("token", ["", "   ", "\t\n", None, 7, ["x"], {"a": 1}, True])
@pytest.mark.parametrize("path", ["/telegram", "/slack/byot"])
async def test_a_token_that_is_none_is_named(client: Client, vendors: Vendors, path: str, token: Any) -> None:
    answer = await client.post(path, json={"botToken": token})
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["details"]] == ["botToken"]
    assert (vendors.slack.calls, vendors.telegram.calls) == ([], [])


async def test_the_page_s_own_field_names_are_not_the_wire_s(client: Client) -> None:
    answer = await client.post("/telegram", json={"bot_token": "x"})
    assert [detail["field"] for detail in answer.json()["details"]] == ["botToken"]


@pytest.mark.parametrize("field", [*SMTP])
async def test_every_field_of_smtp_is_required(client: Client, field: str) -> None:
    answer = await client.post("/email", json=smtp(**{field: ...}))
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["details"]] == [f"config.{field}"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", "587"),
        ("port", 587.5),
        ("port", True),
        ("port", 0),
        ("port", 65536),
        ("port", None),
        ("tls", "true"),
        ("tls", 1),
        ("tls", None),
        ("host", ""),
        ("host", "a b"),
        ("username", " "),
        ("password", ""),
        ("password", 5),
        ("host", "smtp\x00.example.com"),
    ],
)
async def test_the_fields_of_smtp_are_strictly_typed(client: Client, field: str, value: Any) -> None:
    answer = await client.post("/email", json=smtp(**{field: value}))
    assert answer.status_code == 422
    assert [detail["field"] for detail in answer.json()["details"]] == [f"config.{field}"]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({**smtp(), "provider": "sendgrid"}, 400, "config"),
        (smtp(provider="sendgrid"), 400, "config"),
        ({**smtp(), "config": {"apiKey": FULL_ACCESS}}, 400, "config"),
        ({**smtp(), "config": {"provider": "sendgrid", "apiKey": FULL_ACCESS}}, 400, "config"),
        ({**smtp(), "provider": "fax"}, 422, "provider"),
        ({**smtp(), "provider": 7}, 422, "provider"),
        ({"senderAddress": "a@example.com", "config": SMTP}, 422, "provider"),
        ({"provider": "sendgrid", "senderAddress": "alerts@acme.example", "config": {"x": 1}}, 422, "config.apiKey"),
        ({"provider": "sendgrid", "senderAddress": "alerts@acme.example"}, 422, "config"),
        ({**smtp(), "config": []}, 422, "config"),
        ({**smtp(), "config": None}, 422, "config"),
        ({**smtp(), "senderAddress": "nobody"}, 422, "senderAddress"),
        ({**smtp(), "senderAddress": ["a@example.com"]}, 422, "senderAddress"),
    ],
)
async def test_mail_s_provider_and_config_must_be_of_one_kind(
    client: Client, vendors: Vendors, body: Any, status: int, field: str
) -> None:
    answer = await client.post("/email", json=body)
    said = answer.json()
    assert (answer.status_code, said["details"][0]["field"]) == (status, field)
    assert said["error"] == ("invalid_config" if status == 400 else "validation_error")
    assert vendors.sendgrid.calls == []


@pytest.mark.parametrize(
    "to", ["", "ana", "ana@", "@example.com", "a b@example.com", "a@b,c@d", "a@example.com\n", "a@b\x00", 7, None, []]
)
async def test_a_test_message_goes_to_one_address(client: Client, to: Any) -> None:
    answer = await client.post("/email/test", json={"recipientEmail": to})
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (422, "recipientEmail")


async def test_a_provider_added_to_the_registry_appears_with_its_body(people: People, hub: Hub) -> None:
    added = dataclasses.replace(
        PROVIDERS["telegram"], slug="added", name="Added", names=Names(admin="added", admin_path="added/token")
    )
    operations = [operation for operation, _ in admin.routes({"added": added})]
    assert [(o.method, o.path) for o in operations if "added" in o.path] == [
        ("POST", "/added/token"),
        ("DELETE", "/added"),
    ]
    unnamed = dataclasses.replace(added, names=Names())
    assert len(admin.routes({"added": unnamed})) == len(admin.routes({}))
