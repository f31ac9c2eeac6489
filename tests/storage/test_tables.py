"""Every table's constraints, as the store promises them to four APIs, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import LargeBinary, inspect, text

from alembic import command
from atlas_hub.accounts import models as people
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.ids import new_id
from atlas_hub.storage import models
from atlas_hub.storage.db import Broken, Db, constraint_of
from atlas_hub.storage.installation import VERSION_TABLE, alembic_config, migrate
from atlas_hub.storage.models import HubModel
from atlas_hub.storage.sealed import bound_to, place_of_key

A, B = new_id(), new_id()


def account(**given: Any) -> models.Connection:
    """A Slack account of workspace A."""
    row_id = new_id()
    return models.Connection(
        **{
            "id": row_id,
            "workspace": A,
            "source": "page",
            "provider": "slack",
            "method": "bot_token",
            "purpose": "chat",
            "scope": "slack:chat",
            "identifier": f"slack-{row_id}",
            "label": "Acme",
            "app_key": "U1",
            "account_key": "T1",
            **given,
        }
    )


def credential(**given: Any) -> models.Credential:
    return models.Credential(
        **{"workspace": A, "provider": "slack", "app_key": "U1", "account_key": "T1", "key_id": "v1", **given}
    )


def made(model: type[HubModel], **given: Any) -> HubModel:
    return model(**given)


CLASHES = [
    (
        "two primaries in one scope",
        lambda: (account(primary_scope="slack:chat"), account(account_key="T2", primary_scope="slack:chat")),
        "primary_scope",
    ),
    ("one account stored twice by one method", lambda: (account(), account()), "account"),
    (
        "two connections with one identifier",
        lambda: (account(identifier="x"), account(identifier="x", account_key="T2")),
        "identifier",
    ),
    (
        "one resource of an app connected twice",
        lambda: (
            account(app_id="env", subscriber="s1"),
            account(app_id="env", subscriber="s1", account_key="T2"),
        ),
        "resource|subscriber",
    ),
    ("two credentials of one account", lambda: (credential(), credential()), "account_key"),
    (
        "two workspaces claim one team",
        lambda: (
            made(models.AccountClaim, provider="slack", app_key="U1", account_key="T1", workspace=A),
            made(models.AccountClaim, provider="slack", app_key="U1", account_key="T1", workspace=B),
        ),
        "account_claim",
    ),
    (
        "one subscriber twice",
        lambda: (
            made(models.Subscriber, workspace=A, subscriber_id="s"),
            made(models.Subscriber, workspace=A, subscriber_id="s"),
        ),
        "subscriber",
    ),
    (
        "one context twice",
        lambda: (
            made(models.Context, workspace=A, type="tenant", context_id="1"),
            made(models.Context, workspace=A, type="tenant", context_id="1"),
        ),
        "context",
    ),
    (
        "one endpoint identifier twice",
        lambda: (
            made(
                models.ChannelEndpoint, workspace=A, identifier="e", app_id=ROW, connection_id=ROW, type="slack_channel"
            ),
            made(
                models.ChannelEndpoint, workspace=A, identifier="e", app_id=ROW, connection_id=ROW, type="slack_channel"
            ),
        ),
        "identifier",
    ),
    (
        "one channel listed twice",
        lambda: (
            made(models.Channel, workspace=A, connection_id=ROW, vendor_id="C1", name="x"),
            made(models.Channel, workspace=A, connection_id=ROW, vendor_id="C1", name="x"),
        ),
        "channel",
    ),
    (
        "one state twice",
        lambda: (
            made(models.OAuthAttempt, state_hash="h", workspace=A, provider="slack", expires_at=now()),
            made(models.OAuthAttempt, state_hash="h", workspace=B, provider="slack", expires_at=now()),
        ),
        "oauth",
    ),
    (
        "two audit events in one place of a chain",
        lambda: (
            made(models.AuditEvent, workspace=A, seq=1, kind="x", actor="a", previous_hash="", hash="1"),
            made(models.AuditEvent, workspace=A, seq=1, kind="x", actor="a", previous_hash="", hash="2"),
        ),
        "audit_event",
    ),
    (
        "two heads of one chain",
        lambda: (made(models.AuditHead, workspace=A), made(models.AuditHead, workspace=A)),
        "audit_head",
    ),
    (
        "one key found by two rows",
        lambda: (
            made(
                models.ApiKey,
                workspace=A,
                role="owner",
                public_key="a",
                lookup="v1:x",
                sealed=b"1",
                key_id="v1",
            ),
            made(
                models.ApiKey,
                workspace=B,
                role="owner",
                public_key="b",
                lookup="v1:x",
                sealed=b"1",
                key_id="v1",
            ),
        ),
        "lookup",
    ),
    (
        "one idempotency key twice",
        lambda: tuple(
            made(
                models.Idempotency,
                workspace=A,
                method="POST",
                path="/v1/x",
                key="k",
                body_hash="h",
                expires_at=now(),
            )
            for _ in range(2)
        ),
        "idempotency",
    ),
    (
        "one nonce twice",
        lambda: tuple(made(models.DigestNonce, nonce="n", expires_at=now()) for _ in range(2)),
        "nonce",
    ),
    ("two installations", lambda: (made(models.Installation, id=2),), "installation"),
    ("an app as primary", lambda: (account(kind="app", primary_scope="slack:chat"),), "ck_atlas_hub"),
    (
        "a subscriber's row as primary",
        lambda: (account(subscriber="s", primary_scope="slack:chat"),),
        "ck_atlas_hub",
    ),
    ("a primary of another scope", lambda: (account(primary_scope="email"),), "ck_atlas_hub"),
    ("a connection of no kind", lambda: (account(kind="odd"),), "ck_atlas_hub"),
    (
        "two users with one address",
        lambda: (
            made(people.User, email="a@b.c", password_hash="x"),
            made(people.User, email="a@b.c", password_hash="x"),
        ),
        "email",
    ),
]
ROW = new_id()


@pytest.mark.parametrize(("what", "rows", "named"), CLASHES, ids=[clash[0] for clash in CLASHES])
async def test_the_database_itself_refuses(any_hub: Hub, what: str, rows: Any, named: str) -> None:
    async with any_hub.db.transaction() as tx:
        tx.add(account(id=ROW, account_key="T0", identifier="the row"))
    first, *rest = rows()
    if rest:
        async with any_hub.db.transaction() as tx:
            tx.add(first)
    with pytest.raises(Broken) as refused:
        async with any_hub.db.transaction() as tx:
            tx.add(rest[0] if rest else first)
    assert any(name in constraint_of(refused.value) for name in named.split("|"))


async def test_two_subscribers_share_one_credential_and_the_card_as_well(any_hub: Hub) -> None:
    shared = credential()
    async with any_hub.db.transaction() as tx:
        tx.add(shared)
    async with any_hub.db.transaction() as tx:
        tx.add(account(credential_id=shared.id, primary_scope="slack:chat"))
        tx.add(account(credential_id=shared.id, app_id="env", subscriber="s1"))
        tx.add(account(credential_id=shared.id, app_id="env", subscriber="s2"))


async def test_many_that_are_not_primary_stand_beside_one_that_is(any_hub: Hub) -> None:
    async with any_hub.db.transaction() as tx:
        tx.add(account(primary_scope="slack:chat"))
        for number in range(3):
            tx.add(account(account_key=f"other{number}"))
        tx.add(account(workspace=B, primary_scope="slack:chat"))


async def test_a_moment_without_a_zone_is_refused(any_hub: Hub) -> None:
    with pytest.raises(Exception, match="time zone"):
        async with any_hub.db.transaction() as tx:
            tx.add(account(created_at=now().replace(tzinfo=None)))


async def test_a_moment_comes_back_in_utc(any_hub: Hub) -> None:
    before = now()
    async with any_hub.db.transaction() as tx:
        tx.add(account(id=ROW, created_at=before))
    async with any_hub.db.reading() as tx:
        row = await tx.get(models.Connection, ROW)
    assert row is not None
    assert row.created_at == before
    assert row.created_at.utcoffset() is not None


def test_ciphertext_lives_in_tables_made_for_it_alone() -> None:
    sealed = {
        (table.name.removeprefix(models.PREFIX), column.name)
        for table in HubModel.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert sealed == {
        ("credential", "current"),
        ("credential", "pending"),
        ("credential", "previous"),
        ("api_key", "sealed"),
        ("channel_endpoint", "sealed"),
        ("oauth_attempt", "sealed"),
        ("idempotency", "answer"),
        ("installation", "key_check"),
    }


def test_every_row_but_the_installations_own_belongs_to_a_workspace() -> None:
    without = {
        table.name.removeprefix(models.PREFIX)
        for table in HubModel.metadata.tables.values()
        if "workspace" not in table.columns
    }
    assert without == {"installation", "digest_nonce", "workspace", "user", "setup_link"}


async def test_migrations_and_models_say_the_same(any_hub: Hub) -> None:
    def drift(connection: Any) -> list[Any]:
        context = MigrationContext.configure(
            connection,
            opts={
                "version_table": VERSION_TABLE,
                "compare_type": True,
                "include_name": lambda name, kind, _: kind != "table" or name.startswith(models.PREFIX),
            },
        )
        return [change for change in compare_metadata(context, HubModel.metadata) if VERSION_TABLE not in str(change)]

    async with any_hub.db.engine.connect() as connection:
        assert await connection.run_sync(drift) == []


async def test_migrations_go_down_and_up_again_with_data_and_leave_a_hosts_tables_alone(any_hub: Hub) -> None:
    db: Db = any_hub.db
    async with db.transaction() as tx:
        tx.add(account(primary_scope="slack:chat"))
        await tx.execute(text("CREATE TABLE hosts_own (id INTEGER PRIMARY KEY)"))
        await tx.execute(text("INSERT INTO hosts_own VALUES (1)"))
    async with db.transaction() as tx:
        connection = await tx.connection()
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
    async with db.engine.connect() as connection:
        left = set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
        assert left == {"hosts_own", VERSION_TABLE}
    await migrate(db)
    async with db.reading() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM hosts_own"))).scalar_one() == 1
        assert (await tx.execute(text("SELECT count(*) FROM atlas_hub_connection"))).scalar_one() == 0


@pytest.mark.parametrize(
    ("actor", "disabled", "is_theirs"),
    [("command line", True, True), ("ana@example.com", True, False), ("command line", False, False)],
)
async def test_whom_the_operator_disabled_before_the_column_was_there_is_known_from_the_log(
    any_hub: Hub,
    actor: str,
    disabled: bool,  # noqa: FBT001  # a case
    is_theirs: bool,  # noqa: FBT001  # a case
) -> None:
    db: Db = any_hub.db
    async with db.transaction() as tx:
        tx.add(people.User(email="mo@example.com", password_hash="", disabled=disabled, created_at=now()))
        tx.add(
            models.AuditEvent(
                workspace=A, seq=1, at=now(), kind="user_disabled", actor=actor, subject="mo@example.com",
                previous_hash="", hash="1",
            )
        )  # fmt: skip
    async with db.transaction() as tx:
        connection = await tx.connection()
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0002"))
        assert "disabled_by_operator" not in {
            column["name"]
            for column in await connection.run_sync(lambda sync: inspect(sync).get_columns("atlas_hub_user"))
        }
    await migrate(db)
    async with db.reading() as tx:
        found = (await tx.execute(text("SELECT disabled_by_operator FROM atlas_hub_user"))).scalar_one()
        assert bool(found) is is_theirs


def test_the_place_of_an_api_key_is_the_same_from_its_columns_and_from_its_row() -> None:
    row = models.ApiKey(workspace=A, role="admin", public_key="abcdefgh", lookup="v1:0", sealed=b"", key_id="v1")
    assert place_of_key(row) == bound_to(row, "sealed")
