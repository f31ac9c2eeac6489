"""Consents that applications let their own subscribers give (the chat API): an address to go to, and the way back.

No browser session of ours exists there, the one exception of docs/security.md: the state is used once, for five
minutes, is bound to integration, subscriber, context and provider, and the page at the end names what was linked.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import NotFound
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Consent
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps, attempts, contexts
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.chat_words import Unusable, integration_provider
from atlas_hub.storage import chat as stored_chat
from atlas_hub.storage import consents as stored
from atlas_hub.storage import subscribers as people
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection

LASTS: Final = timedelta(minutes=5)
WEBHOOK: Final = "incoming-webhook"
UNSUPPORTED: Final = frozenset({"novu-slack", "webex-messaging"})
"""What the original connects so and this hub does not."""
NO_CLIENT: Final = {
    "slack": "Slack integration missing required OAuth credentials (clientId) ",
    "teams": "MS Teams integration missing clientId",
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an application asks an address for. `person`: it is about who agrees (`link_user`), not an account.

    `shared`: the connection is a context's, not a subscriber's; `links`: who agrees becomes an endpoint, too.
    """

    integration: str
    subscriber: str = ""
    connection: str = ""
    context: Any = None
    context_hash: str = ""
    scopes: tuple[str, ...] = ()
    person_scopes: tuple[str, ...] = ()
    person: bool = False
    shared: bool = False
    links: bool = False


async def begin(hub: Hub, actor: Actor, key: Secret, wanted: Wanted) -> str:
    """The vendor's address for a consent, good for five minutes.

    Raises `NotFound`, `Unusable`, `BadForm`, `VaultLocked`.
    """
    require_admin(actor)
    hub.vault.require_open()
    named = contexts.parsed(wanted.context)
    async with changing(hub, actor, begins=False) as change:
        row = await stored_chat.integration(change.tx, actor.workspace, wanted.integration)
        row, provider, consent = _consent(actor, row, wanted)
        _judge(wanted)
        if wanted.subscriber and await people.subscriber(change.tx, actor.workspace, wanted.subscriber) is None:
            raise NotFound(f"Subscriber not found: {wanted.subscriber}")
        if row.options.get("hmac") is True:
            _require_hash(key, wanted)
        client_id = str(row.options.get("clientId") or "")
        if not client_id:
            raise NotFound(NO_CLIENT[provider.slug])
        await contexts.resolved(change, wanted.context)
        scopes = wanted.person_scopes or consent.person_scopes if wanted.person else wanted.scopes or consent.scopes
        asked = {
            "app": row.id,
            "active": row.active,
            "client": client_id,
            "subscriber": "" if wanted.shared else wanted.subscriber,
            "contexts": contexts.joined(named),
            "connection": wanted.connection,
            "person": wanted.person,
            "links": wanted.links and bool(wanted.subscriber) and not wanted.shared,
            "scopes": list(scopes),
            "redirect": f"{hub.settings.address}{apps.CHAT_CALLBACK}",
        }
        app = App(id=row.id, client_id=client_id, client_secret=Secret(""))
        return ask(hub, change.tx, actor, provider, app, asked)


async def is_spent(hub: Hub, answer: str) -> bool:
    """Whether the state in an address that was answered (JSON with `data.url`) was used, or is too old."""
    address = json.loads(answer).get("data", {}).get("url", "")
    states = dict(parse_qsl(urlsplit(address).query)).get("state")
    if not states:
        return False
    async with hub.db.reading() as tx:
        attempt = await stored.of_state(tx, hub.vault.fingerprints(states))
    return attempt is None or attempt.used_at is not None or attempt.expires_at <= hub.now()


def _consent(actor: Actor, row: Connection | None, wanted: Wanted) -> tuple[Connection, Provider, Consent]:
    missing = NotFound(f"Integration not found: {wanted.integration} in environment {actor.workspace}")
    if row is None:
        raise missing
    named = integration_provider(row)
    if named in UNSUPPORTED:
        raise Unusable(f"OAuth not supported for provider: {named}")
    provider = PROVIDERS.get(row.provider) if row.kind == "app" else None
    if provider is None or provider.oauth is None or not provider.oauth.links_people:
        raise missing
    return row, provider, provider.oauth


def _judge(wanted: Wanted) -> None:
    """Raises `Unusable` for what does not fit together."""
    if wanted.shared and wanted.context is None:
        raise Unusable('context is required when connectionMode is "shared"')
    if wanted.person and not wanted.subscriber:
        raise Unusable("subscriberId is required for link_user mode")
    if WEBHOOK in wanted.scopes and not wanted.subscriber:
        raise Unusable("subscriberId is required for incoming webhook")
    if not wanted.person and not wanted.shared and not wanted.subscriber and wanted.context is None:
        raise Unusable("Either subscriberId or context must be provided")


def _require_hash(key: Secret, wanted: Wanted) -> None:
    """An application that keeps an HMAC proves that the context is its own, with the key that calls."""
    if wanted.context is None:
        raise Unusable("A context is required when HMAC validation is enabled.")
    if not wanted.context_hash:
        raise Unusable("A valid contextHash is required when HMAC validation is enabled.")
    if not hmac.compare_digest(context_hash(key, wanted.context).encode(), wanted.context_hash.lower().encode()):
        raise Unusable("Please provide a valid context HMAC hash")


def context_hash(key: Secret, context: Any) -> str:
    """HMAC-SHA256 in hex of a context: JSON with sorted keys and without blanks, under the calling key."""
    canonical = json.dumps(context, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(key.reveal().encode(), canonical.encode(), hashlib.sha256).hexdigest()


def ask(hub: Hub, tx: Tx, actor: Actor, provider: Provider, app: App, asked: Mapping[str, Any]) -> str:
    """Write a consent down and answer the vendor's address for it."""
    ends = hub.now() + LASTS
    return attempts.begun(hub, tx, provider, app, asked, workspace=actor.workspace, actor=actor.name, ends=ends)
