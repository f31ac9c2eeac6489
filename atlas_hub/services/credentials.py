"""How a proven form becomes a sealed credential, and is read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, Incomplete
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import UNKEYED, CheckResult, Form, Method, Provider, scope_of
from atlas_hub.services import apps
from atlas_hub.services.wire_types import named
from atlas_hub.storage import connections as stored
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to
from atlas_hub.storage.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Granted:
    """To which app a consent was given, and when its token ends."""

    app_id: str
    client_id: str
    ends: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be saved. `silence` is why the vendor could not be asked, or "" where it proved the form."""

    provider: Provider
    method: Method[Any]
    form: Form
    result: CheckResult
    silence: str
    source: str
    mode: str
    agreed: str = ""  # the account that an admin agreed to, where one was asked
    grant: Granted | None = None
    features: tuple[str, ...] | None = None  # what is switched on from now on; None: as it was
    renews: str = ""  # the id of a connection that was to be connected anew: that alone makes it no default
    label: str = ""  # what the connection is to be called

    @property
    def scope(self) -> str:
        return scope_of(self.provider, self.method)


OPTIONS: Final = "options:json"
"""In a sealed slot: the fields that are no secrets, while the row shows those of a form that waits (`pending`)."""


def unseal(
    vault: Vault, row: Connection, credential: Credential, method: Method[Any], lent: Mapping[str, Any] | None = None
) -> Form:
    """The form that is used, with what its OAuth app lends. Raises `VaultLocked`, `Incomplete` for a wrong field."""
    secrets: dict[str, Any] = dict(vault.open(credential.current or b"", bound_to=bound_to(credential, "current")))
    own = kept_beside(secrets)
    options = row.options if own is None else own
    try:
        form: Form = method.read({**options, **_as_of(row, method, secrets), **(lent or {})})
    except BadForm as error:
        raise Incomplete(error.text) from None
    return form


def kept_beside(secrets: Mapping[str, Secret]) -> dict[str, Any] | None:
    """The fields without a secret that are kept in a slot beside its secrets; None where the row has them."""
    kept = secrets.get(OPTIONS)
    return None if kept is None else dict(json.loads(kept.reveal()))


def _as_of(row: Connection, method: Method[Any], secrets: dict[str, Any]) -> dict[str, Any]:
    """The secrets by the names of a method's form: another method may have stored them, for the same account."""
    provider = PROVIDERS.get(row.provider)
    return named(provider, method, secrets) if provider else secrets


async def written(hub: Hub, tx: Tx, workspace: str, order: Order, row: Connection) -> Credential:
    """The credential of a connect, sealed anew: the account's, which others may hold, or the row's own."""
    account = order.result.account
    app_key, account_key = (account.app_key, account.key) if account else (UNKEYED, f"row:{row.id}")
    credential = await stored.credential_for(tx, workspace, order.provider.slug, app_key, account_key)
    if credential is None:
        credential = Credential(
            workspace=workspace,
            provider=order.provider.slug,
            app_key=app_key,
            account_key=account_key,
            key_id=hub.vault.active_id,
        )
        tx.add(credential)
    secrets = apps.kept_secrets(order.method, order.form)
    kept = {} if order.grant else _granted(hub, credential, secrets)
    credential.current = hub.vault.seal({**kept, **secrets}, bound_to=bound_to(credential, "current"))
    credential.pending = credential.previous = None
    credential.key_id = hub.vault.active_id
    if not kept:
        _grant(credential, order)
    tell(credential, order.result)
    await tx.flush()
    return credential


def _granted(hub: Hub, credential: Credential, secrets: Mapping[str, Secret]) -> dict[str, Secret]:
    """What is sealed of a grant whose very token was typed now: then it stays one, with what renews it."""
    if not credential.method or credential.current is None:
        return {}
    present = hub.vault.open(credential.current, bound_to=bound_to(credential, "current"))
    same = any(present.get(name) == secret for name, secret in secrets.items())
    return dict(present) if same else {}


def _grant(credential: Credential, order: Order) -> None:
    """Note to whom a consent was given; a token that was pasted over one is nobody's grant."""
    grant = order.grant
    credential.method = order.method.key if grant else ""
    credential.app_id, credential.client_id = (grant.app_id, grant.client_id) if grant else ("", "")
    credential.options = apps.kept_options(order.method, order.form) if grant else {}
    credential.expires_at = grant.ends if grant else None
    credential.lease_owner, credential.lease_until = "", None


def tell(credential: Credential, result: CheckResult) -> None:
    """Write what a check told of scopes and end."""
    if result.granted is not None or not credential.method:
        credential.granted = None if result.granted is None else sorted(result.granted)
    if not credential.method:  # else the token's answer told it, and a check does not
        credential.expires_at = result.expires_at
