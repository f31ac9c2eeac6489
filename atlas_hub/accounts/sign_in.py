"""Signing in: prove e-mail and password, within limits, and begin a session."""

from __future__ import annotations

import hashlib
from contextlib import suppress

from atlas_hub.accounts import passwords, people, sessions, store
from atlas_hub.accounts.models import User
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import TooManyRequests, Unauthenticated
from atlas_hub.storage import audit

TIMES = 5
SECONDS = 15 * 60

REFUSED = "The e-mail address or the password is wrong. Check both and try again."
TOO_OFTEN = "There were too many attempts to sign in. Wait {minutes}, then try again."
_ADDRESS = "sign_in_address"
_ACCOUNT = "sign_in_account"


async def sign_in(hub: Hub, *, email: str, password: str, address: str) -> str:
    """The token of a new session, active in the oldest workspace of the user, or in none where they belong to none.

    `address` is where the request came from. Raises `Unauthenticated` in the same words and after the same time for an
    unknown e-mail, a wrong password and a disabled user; `TooManyRequests` after 5 attempts in 15 minutes for the
    account, or 5 failures for the address.
    """
    email = people.normal_email(email)
    # The limit's key is no list of who has an account here, nor of what people mistyped.
    account = hashlib.sha256(email.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    async with passwords.turn():
        # Within the turn, so that a burst cannot be checked as a whole before its first failure is counted.
        await hub.limits.check(_ADDRESS, address, times=TIMES, seconds=SECONDS, text=TOO_OFTEN)
        await hub.limits.hit(_ACCOUNT, account, times=TIMES, seconds=SECONDS, text=TOO_OFTEN)
        user = await people.find(hub, email)
        right = await passwords.verified(user.password_hash if user else None, password)
        if user is None or not right or user.disabled:
            with suppress(TooManyRequests):
                await hub.limits.hit(_ADDRESS, address, times=TIMES, seconds=SECONDS, text=TOO_OFTEN)
            await _note_failure(hub, user)
            raise Unauthenticated(REFUSED)
    await hub.limits.forget(_ACCOUNT, account, times=TIMES, seconds=SECONDS)
    return await _begin(hub, user, password)


async def _begin(hub: Hub, proven: User, password: str) -> str:
    stale = passwords.outdated(proven.password_hash)
    fresh_hash = await passwords.hashed(password) if stale else proven.password_hash
    async with hub.db.transaction() as tx:
        user = await store.user_of(tx, proven.id)
        if user is None or user.disabled or user.password_hash != proven.password_hash:
            raise Unauthenticated(REFUSED)  # disabled or given a new password while it was being proven
        seats = await store.seats(tx, user.id)
        home = seats[0].workspace if seats else ""
        user.password_hash = fresh_hash
        head = await audit.head_of(tx, home, begins=not home)
        await audit.append(tx, head, kind="signed_in", actor=user.email, at=hub.now(), subject=user.email)
        return await sessions.begin(hub, tx, user.id, home)


async def _note_failure(hub: Hub, user: User | None) -> None:
    """A known account's failure goes into its workspace's chain; an unknown e-mail is never kept, only that it was."""
    async with hub.db.transaction() as tx:
        seats = await store.seats(tx, user.id) if user else []
        home = seats[0].workspace if seats and await audit.has_head(tx, seats[0].workspace) else ""
        head = await audit.head_of(tx, home, begins=not home)
        await audit.append(
            tx,
            head,
            kind="sign_in_failed",
            result="failed",
            actor="anonymous",
            at=hub.now(),
            subject=user.email if user else "",
        )
