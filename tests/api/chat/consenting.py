"""Integrations with OAuth, vendors that consent, and a subscriber who clicks."""

from __future__ import annotations

from typing import Any

import httpx

from atlas_hub.hub import Hub
from atlas_hub.kit.ids import new_id
from atlas_hub.services.access import Actor
from atlas_hub.services.changing import changing
from atlas_hub.storage.models import Connection, Credential, Subscriber
from atlas_hub.storage.sealed import bound_to
from tests.standins.browser import click
from tests.standins.slack_seed import ATLAS_APP, ATLAS_SECRET
from tests.standins.teams import HUB, HUB_SECRET

APPS = {"slack": (ATLAS_APP, ATLAS_SECRET), "teams": (HUB, HUB_SECRET)}


async def app(hub: Hub, owner: Actor, identifier: str, provider: str = "slack", **options: Any) -> str:
    """A stored OAuth app; its row's id."""
    client_id, secret = APPS[provider]
    row_id, credential_id = new_id(), new_id()
    credential = Credential(
        id=credential_id,
        workspace=owner.workspace,
        provider=provider,
        account_key=f"row:{row_id}",
        key_id=hub.vault.active_id,
    )
    credential.current = hub.vault.seal({"secretKey": secret}, bound_to=bound_to(credential, "current"))
    row = Connection(
        id=row_id,
        workspace=owner.workspace,
        kind="app",
        source="chat",
        provider=provider,
        method="app",
        purpose="chat",
        scope=f"{provider}:chat",
        identifier=identifier,
        label=f"Our {provider}",
        account_key=f"row:{row_id}",
        options={"clientId": client_id, **options},
        masks={"secretKey": "••••"},
        credential_id=credential_id,
    )
    async with changing(hub, owner) as change:
        change.tx.add(credential)
        await change.tx.flush()
        change.tx.add(row)
        change.tx.add_all(Subscriber(workspace=owner.workspace, subscriber_id=each) for each in ("ana", "ben"))
    return row_id


def agreed(address: str, button: str, **chosen: str) -> str:
    """Click through a vendor's page; the path and query with which the browser comes back."""
    with httpx.Client(follow_redirects=False) as http:  # a browser's part
        return click(http, address, button, **chosen).raw_path.decode()
