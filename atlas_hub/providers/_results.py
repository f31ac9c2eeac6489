"""What a vendor proved, took or let go: what a method answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

UNKEYED = "-"
"""The app key of an account that has no app (decisions §6 *Keys*)."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who the vendor says we are.

    `key` and `app_key` are the keys of decisions §6: the same through every door. `details` are the rows of the card,
    label → text. `wire` are the same facts under the names the APIs use (`teamId`, `botUsername`).
    `url` opens the account at the vendor.
    """

    key: str
    name: str
    app_key: str = UNKEYED
    details: Mapping[str, str] = field(default_factory=dict)
    wire: Mapping[str, str | None] = field(default_factory=dict)
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What the vendor proved. `granted` is None where the vendor does not tell its scopes.

    `account` is None where the vendor has no account to name (SMTP): the account key is then the row's own.
    `label` is what the connection is called until an admin renames it. `limits` say why it works only partly.
    `delivers` is False where the vendor takes messages and delivers none, as a sandbox does; a limit says so.
    `unproven` says why nothing is proven where a vendor can only be asked by posting (webhooks, some keys); then what
    was really delivered is the proof. `learned`: fields of the form that were left empty and that the vendor told.
    """

    account: Account | None
    label: str
    granted: frozenset[str] | None = None
    expires_at: datetime | None = None
    warnings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    delivers: bool = True
    unproven: str = ""
    learned: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to send. `subject` is for mail alone."""

    text: str
    subject: str = ""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The vendor's own proof that it took the message: its id, and a sentence for the admin.

    `proves` is False where a vendor takes what it will not deliver, too: then nothing is known to have arrived.
    """

    id: str
    text: str
    proves: bool = True


@dataclass(frozen=True, kw_only=True)
class Revoked:
    """What became of a grant at the vendor: `dead` is None where it could not be learned."""

    dead: bool | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A test alert, in facts that every vendor's payload can be made of. `id` is new for each, `at` in UTC.

    `group` is the workspace's id, `by` who sent it, `url` the address of the hub's page.
    """

    id: str
    group: str
    text: str
    by: str
    url: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A channel as the vendor lists it. `name` is as people write it (`#general`), `members` None where not told.

    `joined`: whether the bot is in it; None where the vendor does not tell.
    """

    id: str
    name: str
    private: bool = False
    members: int | None = None
    joined: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Every channel that the vendor lists, archived ones left out. `notes` say what is missing and why, in sentences.

    `lacks` are the scopes that a fuller list needs.
    """

    channels: tuple[Listed, ...]
    notes: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
