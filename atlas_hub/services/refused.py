"""Secrets that a vendor refused and that are never sent again, where going on would shut this server out.

Known by a keyed fingerprint: to every worker that shares the Redis, else to this process. A connection's own row knows
it too, by its reason, so that a restart forgets nothing of what is stored.
"""

from __future__ import annotations

from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import InvalidCredentials, ProviderError, TooManyRequests
from atlas_hub.providers.contract import Form, Method
from atlas_hub.services.views import State
from atlas_hub.storage.models import Connection

UNAUTHORIZED: Final = "401"
"""The `vendor_code` of a refusal that is about the secret itself."""
NOT_AGAIN: Final = "The hub does not send this token again."
BEFORE: Final = f"This token was refused before. Paste a new one. {NOT_AGAIN}"
WHAT: Final = "refused"
SECONDS: Final = 30 * 24 * 3600
"""A token that was reset does not come back; after a month nobody holds on to it."""


async def before(hub: Hub, method: Method[Any], form: Form, row: Connection | None = None) -> None:
    """Raise `InvalidCredentials` where a secret of the form was refused before; `row` is whose it is, where stored."""
    if not method.one_refusal:
        return
    if row is not None and row.state == State.RECONNECT and row.reason.endswith(NOT_AGAIN):
        raise _again(form, row.reason)
    for known in _fingerprints(hub, form):
        try:
            await hub.limits.check(WHAT, known, times=1, seconds=SECONDS, text=BEFORE)
        except TooManyRequests:
            raise _again(form, BEFORE) from None


async def after(hub: Hub, method: Method[Any], form: Form, error: ProviderError) -> ProviderError:
    """Note a refusal where it is one of the secret, and say so in what is raised."""
    is_final = method.one_refusal and isinstance(error, InvalidCredentials) and error.vendor_code == UNAUTHORIZED
    if not is_final or error.text.endswith(NOT_AGAIN):
        return error
    for known in _fingerprints(hub, form):
        try:
            await hub.limits.hit(WHAT, known, times=1, seconds=SECONDS, text=BEFORE)
        except TooManyRequests:
            continue  # somebody else was refused at the same time
    return InvalidCredentials(f"{error.text} {NOT_AGAIN}", field=error.field, vendor_code=UNAUTHORIZED)


def _again(form: Form, text: str) -> InvalidCredentials:
    return InvalidCredentials(text, field=next(iter(form.given_secrets()), None), vendor_code=UNAUTHORIZED)


def _fingerprints(hub: Hub, form: Form) -> list[str]:
    return [hub.vault.fingerprint(secret).partition(":")[2] for secret in form.given_secrets().values()]
