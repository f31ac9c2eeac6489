"""The stand-alone app's header: who is signed in, where, and where else they belong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from atlas_hub.accounts import people, workspaces
from atlas_hub.accounts.frame import Seated
from atlas_hub.hub import Hub
from atlas_hub.services.access import Actor, Role


async def test_the_header_names_the_user_and_their_workspaces(hub: Hub, door: Any, browser: Any, owner: Actor):
    acme = await workspaces.create(hub, "Acme")
    ana, _ = await people.create(
        hub, email="ana@example.com", password="correct horse battery", role=Role.OWNER, workspace=acme.id
    )
    door.actor = replace(owner, id=ana.id, workspace=acme.id, workspace_name="Acme")
    await browser.raise_event(Seated, "load")
    seated = await browser.state(Seated)
    assert (seated.name, seated.workspace_name) == (owner.name, "Acme")
    assert seated.workspaces == [[acme.id, "Acme"]]
    door.actor = None
    await browser.raise_event(Seated, "load")
    assert (seated.name, seated.workspaces) == ("", [])
