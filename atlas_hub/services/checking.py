"""Ask a vendor whether a stored connection still works, and write down what it said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, InsufficientPermissions, NotFound, ProviderError, VaultLocked
from atlas_hub.providers.contract import CheckResult, Form, Method, Report, silent
from atlas_hub.services import asking, pending, saving, truths, uses, waiting
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.changing import changing
from atlas_hub.services.opening import opened
from atlas_hub.services.views import ConnectionView, view_with
from atlas_hub.storage import connections as stored
from atlas_hub.storage.models import Connection

CHECKS_A_MINUTE: Final = 10
_TOO_OFTEN: Final = "This connection was checked ten times within a minute. Wait a little, then check again."
_UNOPENED: Final = VaultLocked("What is stored of this connection cannot be opened. Connect it anew.")


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What became of a check: how the connection is now, and why it was refused where it was."""

    view: ConnectionView
    refusal: ProviderError | VaultLocked | None = None


async def check_now(hub: Hub, actor: Actor, connection_id: str, report: Report = silent) -> ConnectionView:
    """Ask the vendor whether a stored connection still works, and write down what it said.

    A refusal is an answer: it is stored and shown, not raised. Raises `NotFound`, `TooManyRequests`.
    """
    return (await checked(hub, actor, connection_id, report)).view


async def checked(
    hub: Hub, actor: Actor, connection_id: str, report: Report = silent, *, limited: bool = True
) -> Checked:
    """What `check_now` does, with the refusal beside the view. Raises what it raises.

    Where it is not `limited`, the vendor's own word is the limit: `RateLimited` while it asked to wait.
    """
    require_admin(actor)
    row, provider, method, form, locked = await opened(hub, actor, connection_id)
    if limited:
        await hub.limits.hit("check", row.id, times=CHECKS_A_MINUTE, seconds=60, text=_TOO_OFTEN)
    else:
        waiting.require(row, hub.now())
    outcome = (locked or _UNOPENED) if form is None else await _asked(hub, row, method, form, report)
    async with changing(hub, actor) as change:
        present = await stored.find(change.tx, actor.workspace, row.id)
        if present is None:
            raise NotFound("This connection was disconnected in the meantime.")
        credential = await stored.credential_of(change.tx, present)
        if present.connected_at != row.connected_at:
            # Connected anew meanwhile: what was learned is about the former key.
            return Checked(view=view_with(hub.vault, provider, present, credential))
        if isinstance(outcome, CheckResult):
            truths.accepted(present, provider, outcome, change.at)
            await saving.prove(change, present, credential, method, outcome)
            pending.remind(present, waits=await pending.waits_in(change.tx, present) is not None)
        else:
            truths.failed(present, outcome, change.at)
            waiting.note(present, outcome, change.at)
        present.updated_at = change.at
        await change.note(
            "checked",
            provider=provider.slug,
            subject=present.id,
            failed=not isinstance(outcome, CheckResult),
            **({} if isinstance(outcome, CheckResult) else {"code": outcome.code}),
        )
        refusal = None if isinstance(outcome, CheckResult) else outcome
        done = Checked(view=view_with(hub.vault, provider, present, credential), refusal=refusal)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return done


async def _asked(
    hub: Hub, row: Connection, method: Method[Any], form: Form, report: Report
) -> CheckResult | ProviderError:
    """What the vendor says of a form, which is used with that."""
    await uses.count(hub, row)
    try:
        return await asking.check(method, form, hub.http, report, hub=hub, row=row)
    except ProviderError as error:
        return error
    except BadForm as error:  # an address that an admin typed is not allowed any more
        return InsufficientPermissions(error.text)
