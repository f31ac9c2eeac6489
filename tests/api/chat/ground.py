"""What channel connections stand on: integrations and subscribers, stored as the chat API stores them."""

from __future__ import annotations

from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import changing
from atlas_hub.storage.models import Connection, Subscriber

SLUGS = {"slack": "slack", "msteams": "teams", "discord": "discord", "telegram": "telegram"}
CREDENTIALS = {"options": {"clientId": "111.222"}, "masks": {"secretKey": "••••"}}


async def integration(
    hub: Hub, owner: Actor, identifier: str, provider_id: str = "slack", *, purpose: str = "chat", **more: Any
) -> str:
    """An integration; its row's id."""
    slug = SLUGS.get(provider_id)
    row_id = new_id()
    row = Connection(
        id=row_id,
        workspace=owner.workspace,
        kind="app" if slug else "foreign",
        source="chat",
        provider=slug or provider_id,
        method="app" if slug else "foreign",
        purpose=purpose,
        scope=f"{slug or provider_id}:{purpose}",
        identifier=identifier,
        label=f"Our {provider_id}",
        account_key=f"row:{row_id}",
        **more,
    )
    async with changing(hub, owner) as change:
        change.tx.add(row)
    return row_id


async def subscriber(hub: Hub, owner: Actor, *ids: str) -> None:
    """Subscribers of these ids."""
    async with changing(hub, owner) as change:
        change.tx.add_all(Subscriber(workspace=owner.workspace, subscriber_id=each) for each in ids)


def connection(subscriber_id: str | None = "sub1", **more: Any) -> dict[str, Any]:
    """A body that makes a connection."""
    body: dict[str, Any] = {
        "integrationIdentifier": "slack-abc",
        "workspace": {"id": "T123", "name": "Acme HQ", "botUserId": "B1"},
        "auth": {"accessToken": TOKEN},
        **more,
    }
    return body if subscriber_id is None else {**body, "subscriberId": subscriber_id}


TOKEN = f"xoxb-{'canary-0123456789abcdef'}-ZZZZ"  # put together, so that no scanner takes it for live
MASK = "••••ZZZZ"
