"""The one place that asks a vendor with somebody's secrets: what comes back never carries one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
    Sends,
    Step,
)

SHORTEST = 16
"""What is shorter stands in ordinary sentences, too: somebody pastes "not JSON", and that is what we say of it."""


async def check(method: Method[Any], form: Form, http: Http, report: Report) -> CheckResult:
    """`method.check`. A vendor that sends a secret of ours back, in whatever field, makes no sense to us.

    Raises what `check` raises, and `PlatformError` then.
    """
    tells = _tells(form)

    def guarded(step: Step) -> None:
        report(replace(step, detail="") if tells(step.detail) else step)

    error: ProviderError | None = None
    try:
        result = await method.check(form, http, guarded)
    except ProviderError as raised:
        error = raised
    if error is not None:
        raise _senseless(method) if tells(error.text) else error
    if tells(repr(result)):
        raise _senseless(method)
    return result


async def send(method: Sends, form: Form, to: str, message: Message, http: Http) -> Receipt:
    """`method.send`, as careful with what comes back. A receipt that tells a secret is not shown."""
    tells = _tells(form)
    receipt = await method.send(form, to, message, http)
    return Receipt(id="", text="It was accepted.") if tells(repr(receipt)) else receipt


async def alert(method: Alerts, form: Form, alert: Alert, http: Http) -> Receipt:
    """`method.alert`, as careful with what comes back."""
    tells = _tells(form)
    receipt = await method.alert(form, alert, http)
    return Receipt(id="", text="It was accepted.") if tells(repr(receipt)) else receipt


async def channels(method: Method[Any], form: Form, http: Http) -> Listing:
    """The channels that a method lists, as careful with what comes back. Raises a `ProviderError`."""
    if not isinstance(method, ListsChannels):
        raise TypeError(f"{method.label} lists no channels.")
    listing = await method.channels(form, http)
    if _tells(form)(repr(listing)):
        raise _senseless(method)
    return listing


def _tells(form: Form) -> Callable[[str], bool]:
    secrets = [secret.reveal() for secret in form.given_secrets().values() if len(secret) >= SHORTEST]
    return lambda text: any(secret in text for secret in secrets)


def _senseless(method: Method[Any]) -> PlatformError:
    return PlatformError(f"{method.label}: the vendor gave an answer that makes no sense. Try again later.")
