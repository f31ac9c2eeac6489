"""The one place that asks a vendor with somebody's secrets: what comes back never carries one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import PlatformError, ProviderError
from atlas_hub.kit.http import Http
from atlas_hub.providers.contract import (
    Alert,
    Alerts,
    CheckResult,
    Form,
    Listing,
    ListsChannels,
    Message,
    Method,
    Receipt,
    Report,
    Revoked,
    Revokes,
    Sends,
    Step,
)
from atlas_hub.services import refused
from atlas_hub.storage.models import Connection

SHORTEST = 16
"""What is shorter stands in ordinary sentences, too: somebody pastes "not JSON", and that is what we say of it."""


async def check(
    method: Method[Any],
    form: Form,
    http: Http,
    report: Report,
    *,
    hub: Hub | None = None,
    row: Connection | None = None,
) -> CheckResult:
    """`method.check`. A vendor that sends a secret of ours back, in whatever field, makes no sense to us.

    `hub` remembers what was refused and must not be sent again, `row` is whose secrets they are, where stored.
    Raises what `check` raises, and `PlatformError` then.
    """
    await _allowed(method, form, hub, row)
    tells = _tells(form)

    def guarded(step: Step) -> None:
        report(replace(step, detail="") if tells(step.detail) else step)

    error: ProviderError | None = None
    try:
        result = await method.check(form, http, guarded)
    except ProviderError as raised:
        error = raised
    if error is not None:
        error = await refused.after(hub, method, form, error) if hub else error
        raise _senseless(method) if tells(error.text) else error
    if tells(repr(result)):
        raise _senseless(method)
    return result


async def send(
    method: Sends,
    form: Form,
    to: str,
    message: Message,
    http: Http,
    *,
    hub: Hub | None = None,
    row: Connection | None = None,
) -> Receipt:
    """`method.send`, as careful with what comes back. A receipt that tells a secret is not shown."""
    tells = _tells(form)
    async with _remembering(method, form, hub, row):
        receipt = await method.send(form, to, message, http)
    return _untold(receipt) if tells(repr(receipt)) else receipt


async def alert(method: Alerts, form: Form, alert: Alert, http: Http) -> Receipt:
    """`method.alert`, as careful with what comes back."""
    tells = _tells(form)
    receipt = await method.alert(form, alert, http)
    return _untold(receipt) if tells(repr(receipt)) else receipt


async def channels(
    method: Method[Any], form: Form, http: Http, *, hub: Hub | None = None, row: Connection | None = None
) -> Listing:
    """The channels that a method lists, as careful with what comes back. Raises a `ProviderError`."""
    if not isinstance(method, ListsChannels):
        raise TypeError(f"{method.label} lists no channels.")
    async with _remembering(method, form, hub, row):
        listing = await method.channels(form, http)
    if _tells(form)(repr(listing)):
        raise _senseless(method)
    return listing


async def revoke(method: Revokes, form: Form, http: Http, *, hub: Hub) -> Revoked:
    """`method.revoke`, for a secret that may still be sent. Raises a `ProviderError`."""
    async with _remembering(method, form, hub, None):
        return await method.revoke(form, http)


@asynccontextmanager
async def _remembering(method: object, form: Form, hub: Hub | None, row: Connection | None) -> AsyncIterator[None]:
    """Ask within this: what was refused before is not sent, and what is refused now is remembered."""
    await _allowed(method, form, hub, row)
    try:
        yield
    except ProviderError as error:
        raised = await refused.after(hub, method, form, error) if hub and isinstance(method, Method) else error
        raise raised from None


async def _allowed(method: object, form: Form, hub: Hub | None, row: Connection | None) -> None:
    """Raise `InvalidCredentials` for a secret that was refused and must not be sent again."""
    if not isinstance(method, Method) or not method.one_refusal:
        return
    if hub is None:
        raise TypeError(f"{method.label}: who asks must remember what was refused.")
    await refused.before(hub, method, form, row)


def _tells(form: Form) -> Callable[[str], bool]:
    secrets = [secret.reveal() for secret in form.given_secrets().values() if len(secret) >= SHORTEST]
    return lambda text: any(secret in text for secret in secrets)


def _untold(receipt: Receipt) -> Receipt:
    """What is left of a receipt that tells a secret: that there was one, and whether it proves anything."""
    return replace(receipt, id="", text="It was accepted.")


def _senseless(method: Method[Any]) -> PlatformError:
    return PlatformError(f"{method.label}: the vendor gave an answer that makes no sense. Try again later.")
