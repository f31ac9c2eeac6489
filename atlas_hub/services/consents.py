"""Connect by consent on the page: begin it, finish it, and ask where it proves another account (RFC 9700).

A consent is bound to its state (used once), the browser, the person, the workspace and the provider that began it. The
verifier, the nonce and a grant about which an admin is asked are sealed; nothing else of it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import (
    AnotherAccount,
    HubError,
    NotFound,
    PlatformError,
)
from atlas_hub.kit.secret import Secret
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Back, Further, Grant
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps, attempts, granting
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.features import with_feature
from atlas_hub.storage import consents as stored
from atlas_hub.storage.connections import find
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import OAuthAttempt
from atlas_hub.storage.sealed import bound_to

LASTS: Final = timedelta(minutes=10)
BEGUN_A_MINUTE: Final = 20
_TOO_OFTEN: Final = "You began to connect very often within a minute. Wait a little, then try again."
STATE_LENGTH: Final = 200
"""The longest state that is looked up; ours are shorter."""


class ConsentFailed(HubError):
    """A consent came to nothing. `provider` is the card that says so, "" where it is not known whose it was.

    `why` is a word of `WHY`.
    """

    code = "CONSENT_FAILED"

    def __init__(self, text: str, *, why: str, provider: str = "") -> None:
        super().__init__(text)
        self.why = why
        self.provider = provider


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Where the browser goes: on to the vendor (`address`), or to `provider`'s card, which says what came of it."""

    provider: str
    address: str = ""
    back: str = ""


WHY: Final = {
    "unknown": "This page is not known here any more: it was used before, or it is too old. Begin again on the card.",
    "late": "The time for agreeing was over, so nothing was stored. Begin again on the card.",
    "elsewhere": "This consent was begun in another browser, by somebody else or in another workspace, so nothing was "
    "stored. Begin again on the card, and agree in the same browser.",
    "mixed": "The answer came to the address of another provider, so nothing was stored. Begin again on the card.",
    "overtaken": "Another consent was begun meanwhile, so nothing was stored of this one. Finish that one, or begin "
    "again on the card.",
    "denied": "It was not allowed there, so nothing was stored. Connect again when you want to, or ask somebody who "
    "may allow it.",
    "failed": "The vendor did not go through with it, so nothing was stored. Begin again on the card.",
}
"""What happened, in a word, and what it means."""
TOLD_ON_CARD: Final = frozenset({"late", "denied", "failed"})
"""What the card says in more words, to those who may see it."""
DENIED = frozenset({"access_denied", "consent_required", "interaction_required", "login_required"})


async def begin(
    hub: Hub,
    actor: Actor,
    slug: str,
    browser: str,
    *,
    connection_id: str = "",
    adds: bool = False,
    feature: str = "",
    back: str = "",
) -> str:
    """Begin a consent and answer the vendor's address for it. `browser` is what this browser alone knows.

    `connection_id`: what is reconnected; `feature`: one to be switched on with it; `adds`: it is stored beside the
    present one; `back`: the path of the page where it began.
    Raises `Forbidden`, `NotFound`, `NotAvailable`, `BadForm`, `TooManyRequests`, `VaultLocked`.
    """
    require_admin(actor)
    provider = PROVIDERS.get(slug)
    if provider is None:
        raise NotFound("There is no such provider.")
    apps.consent_of(provider)  # says so where there is none
    await hub.limits.hit("consent", actor.id, times=BEGUN_A_MINUTE, seconds=60, text=_TOO_OFTEN)
    async with hub.db.transaction() as tx:
        app = await apps.of_page(hub, tx, actor.workspace, provider)
        row = await find(tx, actor.workspace, connection_id) if connection_id else None
        if connection_id and (row is None or row.provider != slug):
            raise NotFound("The connection that was to be connected anew is not there any more.")
        features = row.features if row is not None else None
        if feature:
            features = with_feature(provider, features, feature)
        asked = {
            "connection": row.id if row else "",
            "adds": adds,
            "features": features,
            "app": app.id,
            "client": app.client_id,
            "redirect": apps.redirect_of(hub, provider),
            "scopes": sorted(provider.scopes_of(features)),
            "memo": {},
            "back": back,
        }
        await stored.forget_former(tx, actor.workspace, slug, hub.now())
        address = _Kept(hub, actor, provider, browser, hub.now() + LASTS).ask(tx, app, asked)
    await hub.bus.publish(Changed(actor.workspace, slug))
    return address


@dataclass(frozen=True)
class _Kept:
    """Who a consent belongs to: what a row of it is made of."""

    hub: Hub
    actor: Actor
    provider: Provider
    browser: str
    ends: datetime

    def ask(self, tx: Tx, app: App, asked: Mapping[str, Any]) -> str:
        """Write the next step down and answer the vendor's address for it."""
        return attempts.begun(
            self.hub,
            tx,
            self.provider,
            app,
            asked,
            workspace=self.actor.workspace,
            actor=self.actor.id,
            ends=self.ends,
            session=self.hub.vault.fingerprint(self.browser),
        )


async def finish(hub: Hub, actor: Actor | None, slug: str, browser: str, params: Mapping[str, str]) -> Finished:
    """What the browser brought back from the vendor. Raises `ConsentFailed` with what to do; the card says it, too."""
    attempt, sealed = await _taken(hub, params.get("state", ""))
    provider = PROVIDERS.get(attempt.provider)
    if provider is None:
        raise _failure("unknown")
    try:
        _judge(hub, attempt, actor, slug, browser)
        _denied(provider, params)
        if actor is None:
            raise _failure("elsewhere")
        secrets = hub.vault.open(sealed, bound_to=bound_to(attempt, "sealed"))
        return await _exchanged(hub, actor, provider, attempt, secrets, browser, params)
    except HubError as error:
        await granting.failed(hub, attempt, actor, error)
        why = "overtaken" if isinstance(error, granting.Overtaken) else "failed"
        why = error.why if isinstance(error, ConsentFailed) else why
        raise ConsentFailed(error.text, why=why, provider=provider.slug) from None


def _failure(why: str, provider: str = "") -> ConsentFailed:
    return ConsentFailed(WHY[why], why=why, provider=provider)


async def _taken(hub: Hub, state: str) -> tuple[OAuthAttempt, bytes]:
    """The consent of a state, which nobody can use any more from now on, and what was sealed for it until now."""
    if not 1 <= len(state) <= STATE_LENGTH or not state.isprintable():
        raise _failure("unknown")
    hashes = hub.vault.fingerprints(state)
    async with hub.db.transaction() as tx:
        attempt = await stored.take(tx, hashes, hub.now())
        before = None if attempt is not None else await stored.of_state(tx, hashes)
        sealed = b""
        if attempt is not None:
            sealed, attempt.sealed = attempt.sealed or b"", None
    if attempt is None:
        raise _failure("unknown", before.provider if before and before.session else "")
    if not attempt.session:
        raise _failure("mixed")  # an application's, which has an address of its own
    return attempt, sealed


def _judge(hub: Hub, attempt: OAuthAttempt, actor: Actor | None, slug: str, browser: str) -> None:
    """Raises where this is not who began it, or too late."""
    if attempt.provider != slug:
        raise _failure("mixed")
    known = bool(browser) and attempt.session in hub.vault.fingerprints(browser)
    same = actor is not None and actor.id == attempt.actor and actor.workspace == attempt.workspace
    if not (known and same):
        raise _failure("elsewhere")
    require_admin(actor)  # type: ignore[arg-type]  # `same` says that there is one
    if attempt.expires_at <= hub.now():
        raise _failure("late")


def _denied(provider: Provider, params: Mapping[str, str]) -> None:
    if "error" not in params:
        return
    if params["error"] in DENIED:
        raise ConsentFailed(
            f"It was not allowed at {provider.name}, so nothing was stored. Connect again when you want to, or ask "
            "somebody who may allow it there.",
            why="denied",
        )
    text = f"{provider.name} did not go through with it, so nothing was stored. Begin again on the card."
    raise ConsentFailed(text, why="failed")


async def _exchanged(
    hub: Hub,
    actor: Actor,
    provider: Provider,
    attempt: OAuthAttempt,
    secrets: Mapping[str, Secret],
    browser: str,
    params: Mapping[str, str],
) -> Finished:
    asked = attempt.request
    async with hub.db.reading() as tx:
        app = await apps.by_id(hub, tx, actor.workspace, provider, asked["app"], asked["client"])
    back = Back(
        params=params,
        redirect_uri=asked["redirect"],
        verifier=secrets["verifier"],
        nonce=secrets["nonce"].reveal(),
        memo=asked["memo"],
        person=False,
        at=hub.now(),
    )
    came = await apps.consent_of(provider).exchange(app, back, hub.http)
    if isinstance(came, Further):
        kept = _Kept(hub, actor, provider, browser, attempt.expires_at)
        async with hub.db.transaction() as tx:
            address = kept.ask(tx, app, {**asked, "memo": dict(came.memo)})
        return Finished(provider=provider.slug, address=address)
    if not isinstance(came, Grant):
        raise PlatformError(f"{provider.name} gave an answer that makes no sense. Begin again on the card.")
    ends = None if came.lasts is None else hub.now() + timedelta(seconds=came.lasts)
    try:
        saved = await granting.save(
            hub, actor, provider, app, asked, came, ends, mode="add" if asked["adds"] else "ask"
        )
    except AnotherAccount as error:
        await granting.ask_which(hub, actor, attempt, came, ends, error)
    else:
        await granting.done(hub, attempt, saved)
    return Finished(provider=provider.slug, back=asked.get("back", ""))
