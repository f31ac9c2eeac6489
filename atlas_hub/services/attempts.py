"""A consent that is begun: its row, which is found by its state alone, and the vendor's address for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit import oauth
from atlas_hub.providers._consent import App, Ask
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import OAuthAttempt
from atlas_hub.storage.sealed import bound_to


def begun(
    hub: Hub,
    tx: Tx,
    provider: Provider,
    app: App,
    asked: Mapping[str, Any],
    *,
    workspace: str,
    actor: str,
    ends: datetime,
    session: str = "",
) -> str:
    """Write a consent down and answer the vendor's address for it. Raises `VaultLocked`.

    `asked` is kept as it is: `redirect` and `scopes`, and where there are, `memo` and `person`. `session` is the
    fingerprint of the browser that began it on the page, "" for an application's subscriber.
    """
    state, verifier, nonce = oauth.new_secret(), oauth.new_secret(), oauth.new_secret()
    attempt = OAuthAttempt(
        state_hash=hub.vault.fingerprint(state),
        workspace=workspace,
        provider=provider.slug,
        actor=actor,
        session=session,
        request=dict(asked),
        created_at=hub.now(),
        expires_at=ends,
    )
    attempt.sealed = hub.vault.seal({"verifier": verifier, "nonce": nonce}, bound_to=bound_to(attempt, "sealed"))
    tx.add(attempt)
    ask = Ask(
        redirect_uri=asked["redirect"],
        state=state.reveal(),
        scopes=tuple(asked["scopes"]),
        challenge=oauth.challenge(verifier),
        nonce=nonce.reveal(),
        memo=asked.get("memo", {}),
        person=asked.get("person", False),
    )
    return apps.consent_of(provider).address(app, ask, hub.http)
