"""Other credentials in the place of the present ones: what is left empty stays, and is not sent to another place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from atlas_hub.accounts import workspaces
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AnotherAccount, AuthExpired, BadForm, NotFound, PlatformError, VaultLocked
from atlas_hub.services import asking, connections, delivery, opening
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.connections import Mode
from atlas_hub.services.views import State
from atlas_hub.storage.models import AccountClaim, Connection, Credential
from tests.conftest import actor
from tests.standins.dial import Fault
from tests.standins.mailbox import PASSWORD, Mailbox, MailMode
from tests.standins.sendgrid import FULL_ACCESS
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, BETA, REVOKED

SIGNING = "0123456789abcdef" * 2


async def stored_form(hub: Hub, who: Actor, connection_id: str) -> Any:
    _, _, _, form, _ = await opening.opened(hub, who, connection_id)
    return form


async def test_only_the_signing_secret_is_replaced(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    again = await connections.connect(
        vendors, owner, "slack", "bot_token", {"bot_token": "  ", "signing_secret": SIGNING}, source="page",
        mode=Mode.ASK, keep=first.view.id,
    )  # fmt: skip
    assert again.view.id == first.view.id
    form = await stored_form(vendors, owner, first.view.id)
    assert (form.bot_token.reveal(), form.signing_secret.reveal()) == (ACME, SIGNING)


async def test_only_the_token_is_replaced_and_the_rest_stays(vendors: Hub, owner: Actor, slack: SlackStandin) -> None:
    first = await connections.connect(
        vendors, owner, "slack", "bot_token", {"bot_token": ACME, "signing_secret": SIGNING}, source="page"
    )
    await connections.rename(vendors, owner, first.view.id, "Ours")
    fresh = ACME[:-4] + "9999"
    slack.tokens[fresh] = slack.tokens[ACME]
    again = await connections.connect(
        vendors, owner, "slack", "bot_token", {"botToken": fresh}, source="page", mode=Mode.ASK, keep=first.view.id
    )
    assert (again.view.id, again.view.label, again.view.masks["bot_token"]) == (first.view.id, "Ours", "••••9999")
    form = await stored_form(vendors, owner, first.view.id)
    assert (form.bot_token.reveal(), form.signing_secret.reveal()) == (fresh, SIGNING)


async def test_a_refused_token_leaves_everything_as_it_was(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    with pytest.raises(AuthExpired):
        await connections.connect(
            vendors, owner, "slack", "bot_token", {"bot_token": REVOKED}, source="page", keep=first.view.id
        )
    assert (await stored_form(vendors, owner, first.view.id)).bot_token.reveal() == ACME


async def test_the_token_of_another_account_asks(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    with pytest.raises(AnotherAccount):
        await connections.connect(
            vendors, owner, "slack", "bot_token", {"bot_token": BETA}, source="page", mode=Mode.ASK, keep=first.view.id
        )


async def test_a_stored_password_is_not_sent_to_another_server(
    vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Mailbox(MailMode.STARTTLS) as box, Mailbox(MailMode.STARTTLS) as other:
        monkeypatch.setenv("SSL_CERT_FILE", box.ca_pem_path)
        typed = {
            "sender_address": "alerts@acme.example",
            "host": box.host,
            "port": box.port,
            "username": "atlas",
            "password": PASSWORD,
            "tls": True,
        }
        first = await connections.connect(vendors, owner, "email", "smtp", typed, source="page")
        moved = {**typed, "port": str(other.port), "password": ""}
        with pytest.raises(BadForm) as caught:
            await connections.connect(vendors, owner, "email", "smtp", moved, source="page", keep=first.view.id)
        assert list(caught.value.fields) == ["password"]
        assert "Port changed" in caught.value.fields["password"]
        kept = {**typed, "sender_address": "news@acme.example", "port": str(box.port), "password": ""}
        again = await connections.connect(vendors, owner, "email", "smtp", kept, source="page", keep=first.view.id)
        assert again.view.options["sender_address"] == "news@acme.example"


async def test_nothing_is_kept_of_another_workspaces_connection(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    with pytest.raises(NotFound):
        await connections.connect(
            vendors, actor(Role.OWNER), "slack", "bot_token", {"signing_secret": SIGNING}, source="page",
            keep=first.view.id,
        )  # fmt: skip


async def test_what_was_kept_does_not_follow_to_another_account(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(
        vendors, owner, "slack", "bot_token", {"bot_token": ACME, "signing_secret": SIGNING}, source="page"
    )
    done = await connections.connect(
        vendors, owner, "slack", "bot_token", {"bot_token": BETA, "signing_secret": ""}, source="page",
        mode=Mode.REPLACE, keep=first.view.id,
    )  # fmt: skip
    assert done.account == "Beta Inc"
    form = await stored_form(vendors, owner, done.view.id)
    assert (form.bot_token.reveal(), form.signing_secret) == (BETA, None)


async def test_a_check_of_the_former_key_does_not_judge_the_new_one(
    vendors: Hub, owner: Actor, slack: SlackStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    fresh = ACME[:-4] + "9999"
    slack.tokens[fresh] = slack.tokens.pop(ACME)
    asked = asking.check

    async def slowly(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(asking, "check", asked)
        try:
            return await asked(*given, **named)
        finally:  # while the former token is being refused, somebody connects anew
            await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": fresh}, source="page")

    monkeypatch.setattr(asking, "check", slowly)
    view = await connections.check_now(vendors, owner, first.view.id)
    assert view.state is not State.RECONNECT
    assert view.masks["bot_token"] == "••••9999"


async def test_a_workspace_that_is_deleted_meanwhile_does_not_rise_again(
    vendors: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = await workspaces.create(vendors, "Gone")
    who = actor(Role.OWNER, workspace=workspace.id)
    asked = asking.check

    async def slowly(*given: Any, **named: Any) -> Any:
        result = await asked(*given, **named)
        await workspaces.delete(vendors, workspace.id)
        return result

    monkeypatch.setattr(asking, "check", slowly)
    with pytest.raises(NotFound):
        await connections.connect(vendors, who, "slack", "bot_token", {"bot_token": ACME}, source="page")
    async with vendors.db.reading() as tx:
        for model in (Connection, Credential, AccountClaim):
            assert (await tx.execute(select(model))).first() is None


async def test_a_key_that_is_replaced_has_delivered_nothing_yet(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    assert (await delivery.send_test(vendors, owner, first.view.id, "C0GENERAL")).success
    again = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    assert again.view.checks["delivered"]["status"] == "unknown"


async def test_a_mail_connection_is_called_by_its_new_sender_unless_it_was_renamed(vendors: Hub, owner: Actor) -> None:
    def form(sender: str) -> dict[str, str]:
        return {"sender_address": sender, "api_key": FULL_ACCESS}

    done = await connections.connect(vendors, owner, "email", "sendgrid", form("alerts@acme.example"), source="page")
    done = await connections.connect(vendors, owner, "email", "sendgrid", form("news@mail.acme.example"), source="page")
    assert done.view.label == "news@mail.acme.example by SendGrid"
    await connections.rename(vendors, owner, done.view.id, "Ours")
    done = await connections.connect(vendors, owner, "email", "sendgrid", form("alerts@acme.example"), source="page")
    assert done.view.label == "Ours"


async def test_a_vendor_that_sends_the_token_back_as_an_id_makes_no_sense(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    said = {"ok": True, "team_id": ACME, "user_id": "U1", "team": "Acme", "user": "atlas"}
    slack.dial.set(Fault.NONSENSE, body=json.dumps(said))
    steps: list[Any] = []
    with pytest.raises(PlatformError) as caught:
        await connections.connect(
            vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page", report=steps.append
        )
    assert ACME not in f"{caught.value.text}{steps!r}"


async def test_a_vendor_that_sends_the_token_back_as_a_name_is_not_repeated(
    vendors: Hub, owner: Actor, slack: SlackStandin
) -> None:
    said = {"ok": True, "team_id": "T1", "user_id": "U1", "team": f"Acme {ACME}", "user": ACME}
    slack.dial.set(Fault.NONSENSE, body=json.dumps(said))
    steps: list[Any] = []
    done = await connections.connect(
        vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page", report=steps.append
    )
    assert ACME not in f"{done!r}{steps!r}"


async def test_a_filled_form_needs_nothing_that_is_stored(vendors: Hub, owner: Actor) -> None:
    first = await connections.connect(vendors, owner, "slack", "bot_token", {"bot_token": ACME}, source="page")
    async with vendors.db.transaction() as tx:
        row = await tx.get(Connection, first.view.id)
        assert row is not None
        credential = await tx.get(Credential, row.credential_id)
        assert credential is not None
        sealed = credential.current or b""
        credential.current = sealed[:-1] + bytes([sealed[-1] ^ 1])  # cannot be opened any more
    with pytest.raises(VaultLocked):
        await connections.connect(
            vendors, owner, "slack", "bot_token", {"signing_secret": SIGNING}, source="page", keep=first.view.id
        )
    typed = {"bot_token": ACME, "signing_secret": ""}
    again = await connections.connect(
        vendors, owner, "slack", "bot_token", typed, source="page", mode=Mode.ASK, keep=first.view.id
    )
    assert again.view.id == first.view.id
    await connections.disconnect(vendors, owner, first.view.id)
    done = await connections.connect(
        vendors, owner, "slack", "bot_token", typed, source="page", mode=Mode.ASK, keep=first.view.id
    )
    assert done.account == "Acme Corp"
