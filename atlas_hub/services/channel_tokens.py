"""The tokens of a channel connection: sealed, masked, and waiting beside a proven one until they are proven."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.secret import Secret, mask
from atlas_hub.services.changing import Change
from atlas_hub.services.channel_views import token_in
from atlas_hub.services.views import State, Truth
from atlas_hub.storage import connections as rows
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

ACCESS: Final = "access_token"
REFRESH: Final = "refresh_token"
PENDING_END: Final = "pendingExpiresAt"
_MASKED = "This is a mask, not the token. Send the token; the mask that this API tells keeps the stored one at a PATCH."


@dataclass(frozen=True, kw_only=True)
class Auth:
    """What an application tells of a token. `masked`: the access token looks like a mask."""

    access_token: Secret
    refresh_token: Secret | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    masked: bool = False

    def wire(self) -> dict[str, str]:
        """What is kept in sight."""
        end = self.refresh_expires_at
        return {} if end is None else {"refreshTokenExpiresAt": iso(end)}

    def given(self) -> dict[str, Secret]:
        """What is sealed, by name."""
        return {ACCESS: self.access_token, **({REFRESH: self.refresh_token} if self.refresh_token else {})}

    def masks(self) -> dict[str, str]:
        """What may be shown of it."""
        return {name: mask(secret) for name, secret in self.given().items()}

    def end(self, at: datetime) -> datetime | None:
        """When the token ends: a token that can be refreshed and tells no end may have ended already."""
        return at if self.expires_at is None and self.refresh_token is not None else self.expires_at


def fresh(hub: Hub, row: Connection, app: Connection, auth: Auth) -> Credential:
    """The credential of a new connection, the row's own until its account is proven. Raises `BadForm`."""
    if auth.masked:
        raise BadForm({"auth.accessToken": _MASKED})
    credential = _own(hub, row)
    credential.client_id = str(app.options.get("clientId", ""))[:200]
    credential.app_id = app.id
    credential.method = row.method
    credential.expires_at = auth.end(row.created_at)
    credential.current = hub.vault.seal(auth.given(), bound_to=bound_to(credential, "current"))
    return credential


def _own(hub: Hub, row: Connection) -> Credential:
    return Credential(
        workspace=row.workspace,
        provider=row.provider,
        account_key=f"row:{row.id}",
        key_id=hub.vault.active_id,
    )


async def replace(change: Change, row: Connection, auth: Auth) -> None:
    """Take a connection's new token. Raises `BadForm` for the mask of another, `VaultLocked`.

    It never changes what siblings use: a shared credential is left to them. Beside a proven token it waits.
    """
    kept = auth.masked and auth.access_token == Secret(token_in(row.masks))
    if auth.masked and not kept:
        raise BadForm({"auth.accessToken": _MASKED})
    credential = await rows.credential_of(change.tx, row)
    if credential is None:
        return
    seen = {name: text for name, text in row.wire.items() if name != "auth"}
    if kept and auth.refresh_token is None:
        row.wire = {**seen, "auth": {**row.wire.get("auth", {}), **auth.wire()}}
        if auth.expires_at is not None and PENDING_END not in row.wire["auth"]:
            credential.expires_at = auth.expires_at
        return
    values = auth.given()
    if kept:
        values[ACCESS] = _token(change.hub, credential)
    credential = await _alone(change, row, credential)
    waits = row.checks.get(Truth.AUTHENTICATED.value, {}).get("status") == "yes"
    slot = "pending" if waits else "current"
    setattr(credential, slot, change.hub.vault.seal(values, bound_to=bound_to(credential, slot)))
    credential.key_id = change.hub.vault.key_id_of(credential.current or b"")
    end = auth.end(change.at)
    row.wire = {**seen, "auth": auth.wire()}
    if waits:
        row.wire["auth"][PENDING_END] = None if end is None else iso(end)
    else:
        credential.pending, credential.expires_at = None, end
        row.state, row.reason, row.checks = State.UNVERIFIED, "", {}
    row.masks = {name: mask(secret) for name, secret in values.items()}
    row.connected_at, row.connected_by = change.at, change.actor.called


def _token(hub: Hub, credential: Credential) -> Secret:
    slot = "pending" if credential.pending else "current"
    return token_of(hub.vault.open(getattr(credential, slot) or b"", bound_to=bound_to(credential, slot)))


def token_of(values: dict[str, Secret]) -> Secret:
    """The access token among what was sealed, by whichever name."""
    return values.get(ACCESS) or values.get("bot_token") or Secret("")


async def _alone(change: Change, row: Connection, credential: Credential) -> Credential:
    """The credential to write into: the row's, or one of its own where others hold it, too."""
    if await rows.holders(change.tx, credential.id) <= 1:
        return credential
    vault = change.hub.vault
    own = _own(change.hub, row)
    own.client_id, own.app_id, own.method = credential.client_id, credential.app_id, row.method
    own.granted, own.expires_at, own.options = credential.granted, credential.expires_at, credential.options
    if credential.current:
        place = bound_to(credential, "current")
        own.current = vault.rewrap(credential.current, bound_to=place, to=bound_to(own, "current"))
    change.tx.add(own)
    await change.tx.flush()
    row.credential_id = own.id
    return own
