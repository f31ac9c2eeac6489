"""What becomes of a grant: proven and stored, asked about where it is another account's, or come to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AnotherAccount, Conflict, HubError, NotFound, PlatformError, ProviderError
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Grant
from atlas_hub.providers.contract import CheckResult, Method, Provider, silent
from atlas_hub.services import apps, asking, credentials, storing
from atlas_hub.services.access import Actor, Role, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.views import Connected
from atlas_hub.storage import consents as stored
from atlas_hub.storage import installation
from atlas_hub.storage.models import OAuthAttempt
from atlas_hub.storage.sealed import bound_to

LASTS: Final = timedelta(minutes=10)
"""How long an admin may take to say which account they mean."""


class Overtaken(Conflict):
    """Another consent of the same card was begun meanwhile, and that one counts."""


async def save(
    hub: Hub,
    actor: Actor,
    provider: Provider,
    app: App,
    asked: Mapping[str, Any],
    grant: Grant,
    ends: datetime | None,
    *,
    mode: str,
    agreed: str = "",
) -> Connected:
    """Prove a grant and store it. Raises what `storing.store` raises, and a `ProviderError`."""
    method = _method(provider)
    result = await asking.check(method, grant.form, hub.http, silent, hub=hub)
    _same_account(provider, grant, result)
    if grant.granted is not None:
        result = replace(result, granted=grant.granted)
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, actor.workspace)
    features = asked["features"]
    order = credentials.Order(
        provider=provider,
        method=method,
        form=grant.form,
        result=result,
        silence="",
        source="page",
        mode=mode,
        agreed=agreed,
        grant=credentials.Granted(app_id=app.id, client_id=app.client_id, ends=ends),
        features=None if features is None else tuple(features),
        renews=asked["connection"],
    )
    return await storing.store(hub, actor, order, begins=begins)


def _method(provider: Provider) -> Method[Any]:
    method: Any = apps.consent_of(provider)
    assert isinstance(method, Method)  # noqa: S101  # a way in by consent is a method, too
    return method


def _same_account(provider: Provider, grant: Grant, result: CheckResult) -> None:
    """The token must be of the account that the vendor named beside it."""
    told, account = grant.workspace, result.account
    bot = told.get("botUserId")
    same = account is not None and account.key.rpartition(":")[2] == told["id"]
    if account is None or not same or (bot and account.app_key not in {bot, "-"}):
        raise PlatformError(f"{provider.name} named another account than its token is of. Begin again on the card.")


async def ask_which(
    hub: Hub, actor: Actor, attempt: OAuthAttempt, grant: Grant, ends: datetime | None, error: AnotherAccount
) -> None:
    """Keep the grant, sealed, until the admin has said which account they mean, or the time is over."""
    method = _method(PROVIDERS[attempt.provider])
    async with hub.db.transaction() as tx:
        row = await stored.latest(tx, actor.workspace, attempt.provider)
        row = row if row is not None and row.state_hash == attempt.state_hash else None
        if row is None:
            raise Overtaken("Another consent was begun meanwhile. Answer that one, or begin again on the card.")
        row.sealed = hub.vault.seal(apps.kept_secrets(method, grant.form), bound_to=bound_to(row, "sealed"))
        row.expires_at = hub.now() + LASTS
        row.request = {
            **row.request,
            "form": apps.kept_options(method, grant.form),
            "granted": None if grant.granted is None else sorted(grant.granted),
            "workspace": dict(grant.workspace),
            "ends": ends.isoformat() if ends else "",
        }
        row.outcome = {"kind": "ask", "present": error.present, "proven": error.proven}
    await hub.bus.publish(Changed(attempt.workspace, attempt.provider))


async def done(hub: Hub, attempt: OAuthAttempt, saved: Connected) -> None:
    """Note what was connected, for the card."""
    warnings = " ".join(saved.warnings)
    await _ended(hub, attempt, {"kind": "done", "text": f"This is {saved.account}. {warnings}".strip()})


async def failed(hub: Hub, attempt: OAuthAttempt, actor: Actor | None, error: HubError) -> None:
    """Note why it came to nothing, for the card and the audit log. `actor` is who came back with it."""
    text = error.text
    itself = actor if actor and actor.workspace == attempt.workspace else Actor(
        id="", name="somebody else", workspace=attempt.workspace, role=Role.READ_ONLY
    )  # fmt: skip
    async with hub.db.reading() as tx:
        begins = await installation.may_begin(tx, attempt.workspace)
    try:
        async with changing(hub, itself, begins=begins) as change:
            await change.note("connect_failed", provider=attempt.provider, failed=True, code=error.code)
    except NotFound:
        return  # the workspace is gone, and its consents with it
    await _ended(hub, attempt, {"kind": "failed", "text": text[:500]})


async def _ended(hub: Hub, attempt: OAuthAttempt, outcome: dict[str, str]) -> None:
    """Note what became of it, and forget what was sealed for it."""
    async with hub.db.transaction() as tx:
        row = await tx.get(OAuthAttempt, attempt.state_hash)
        if row is not None:
            row.sealed, row.outcome = None, outcome
    await hub.bus.publish(Changed(attempt.workspace, attempt.provider))


async def answer(hub: Hub, actor: Actor, slug: str, mode: str) -> Connected | None:
    """What an admin said of the account that a consent proved: `replace`, `add`, or anything else for neither.

    None for neither: nothing is stored then. The question stays where the vendor does not answer. Raises `NotFound`
    where nothing is asked any more, and what `begin` and `connections.connect` raise.
    """
    require_admin(actor)
    provider = PROVIDERS.get(slug)
    if provider is None or provider.oauth is None:
        raise NotFound("There is no such provider.")
    method = _method(provider)
    async with hub.db.transaction() as tx:
        row = await stored.latest(tx, actor.workspace, slug)
        asks = row is not None and row.outcome.get("kind") == "ask" and row.expires_at > hub.now()
        if row is None or not asks or row.sealed is None:
            raise NotFound("This question was answered already, or the time for it is over. Connect again.")
        asked, outcome = dict(row.request), dict(row.outcome)
        kept = row.sealed
        secrets = hub.vault.open(kept, bound_to=bound_to(row, "sealed"))
        row.sealed, row.outcome = None, {}
        if mode in {"replace", "add"}:
            app = await apps.by_id(hub, tx, actor.workspace, provider, asked["app"], asked["client"])
    await hub.bus.publish(Changed(actor.workspace, slug))
    if mode not in {"replace", "add"}:
        return None
    granted = asked["granted"]
    form = method.form.model_validate({**asked["form"], **secrets, **apps.lent(provider.oauth, app)})
    grant = Grant(
        form=form, granted=None if granted is None else frozenset(granted), workspace=asked.get("workspace", {})
    )
    ends = datetime.fromisoformat(asked["ends"]) if asked["ends"] else None
    try:
        return await save(hub, actor, provider, app, asked, grant, ends, mode=mode, agreed=outcome["proven"])
    except ProviderError as error:
        if error.retryable:
            await _ask_again(hub, actor, row, kept, outcome)
        raise


async def _ask_again(hub: Hub, actor: Actor, asked: OAuthAttempt, kept: bytes, outcome: dict[str, Any]) -> None:
    """The vendor could not be asked just now: the question stays, unless another consent was begun meanwhile."""
    async with hub.db.transaction() as tx:
        row = await stored.latest(tx, actor.workspace, asked.provider)
        if row is not None and row.state_hash == asked.state_hash and not row.outcome:
            row.sealed, row.outcome = kept, outcome
    await hub.bus.publish(Changed(actor.workspace, asked.provider))


async def dismiss(hub: Hub, actor: Actor, slug: str) -> None:
    """Take away what the card says of the last consent, and end one that is under way."""
    require_admin(actor)
    async with hub.db.transaction() as tx:
        row = await stored.latest(tx, actor.workspace, slug)
        if row is not None:
            row.used_at = row.used_at or hub.now()
            row.sealed, row.outcome = None, {}
    await hub.bus.publish(Changed(actor.workspace, slug))
