"""Ways in by consent at the vendor (OAuth 2.0, RFC 6749 and RFC 9700): what a provider says of its own.

An admin, or a subscriber of an application, is sent to the vendor, agrees there, and comes back with a code. The
services keep state, verifier and nonce; a provider knows the vendor's addresses and what its answers mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.form import Form
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import Secret


class AppForm(Form):
    """An OAuth app's credentials, under the names that the chat API has for them (`clientId`, `secretKey`)."""

    client_id: str = Field(title="Client ID", description="On the app's page at the vendor.")
    secret_key: Secret = Field(title="Client Secret", description="On the app's page at the vendor, shown once there.")

    _cleaned = field_validator("client_id", "secret_key", mode="before")(pasted)

    @field_validator("client_id")
    @classmethod
    def _can_be_an_id(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable() and 1 <= len(value) <= 200 and " " not in value):  # noqa: PLR2004
            raise ValueError("This is not a Client ID. Copy it again, whole and alone.")
        return value


@dataclass(frozen=True, kw_only=True)
class App:
    """An OAuth app that the vendor knows. `id`: its row's, or `env`. `beside`: what else it has, by field name."""

    id: str
    client_id: str
    client_secret: Secret
    beside: Mapping[str, Secret] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A consent as it is to be asked for. `memo`: what an earlier step of the same consent proved.

    `person`: it is about who agrees, not about an account (the chat API's `link_user`).
    """

    redirect_uri: str
    state: str
    scopes: tuple[str, ...] = ()
    challenge: str = ""
    nonce: str = ""
    memo: Mapping[str, str] = field(default_factory=dict)
    person: bool = False


@dataclass(frozen=True, kw_only=True)
class Back:
    """What the browser brought back, and what was kept meanwhile. `params` are the query's."""

    params: Mapping[str, str]
    redirect_uri: str
    verifier: Secret
    nonce: str
    memo: Mapping[str, str]
    person: bool
    at: datetime
    proves: bool = True  # whether a second step is to prove who agreed


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What the vendor gave. `lasts`: seconds until the token ends, None where it does not.

    `workspace`: the account under the chat API's names (`id`, `name`, `botUserId`). `person`: who agreed, by the
    vendor's id. `webhook`: an incoming webhook that was granted beside the token.
    """

    form: Form
    granted: frozenset[str] | None = None
    lasts: int | None = None
    workspace: Mapping[str, str] = field(default_factory=dict)
    person: str = ""
    webhook: Secret | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who agreed, by the vendor's ids: of the person, and of the team or tenant."""

    id: str
    account: str


@dataclass(frozen=True, kw_only=True)
class Further:
    """The vendor must be asked once more; `memo` is what this step proved."""

    memo: Mapping[str, str]


class Consent(ABC):
    """What a method has that is a way in by consent, beside `Method`."""

    app: ClassVar[type[AppForm]] = AppForm
    """What an app of this provider has."""
    variables: ClassVar[Mapping[str, str]]
    """The operator's app: field of `app` → variable."""
    from_app: ClassVar[Mapping[str, str]] = {}
    """Fields of the method's form that the app gives and no connection stores: form field → field of `app`."""
    button: ClassVar[str]
    pkce: ClassVar[bool] = True
    """Whether the vendor takes a code challenge. Where it does not, the state alone binds (RFC 9700 §2.1.1)."""
    between: ClassVar[str] = " "
    """What stands between scopes in the vendor's own lists."""
    links_people: ClassVar[bool] = False
    """Whether it can tell who a subscriber is (the chat API's `link_user`)."""
    scopes: ClassVar[tuple[str, ...]] = ()
    """What the chat API asks for where its caller names no scopes."""
    person_scopes: ClassVar[tuple[str, ...]] = ()
    by_hand: ClassVar[str]
    """Where an admin takes the grant back at the vendor, a sentence."""

    app_steps: ClassVar[tuple[str, ...]] = ()
    """How an app is made at the vendor, for the page *OAuth apps*."""

    @abstractmethod
    def address(self, app: App, ask: Ask, http: Http) -> str:
        """Where the browser is sent."""

    @abstractmethod
    async def exchange(self, app: App, back: Back, http: Http) -> Grant | Person | Further:
        """What came of the consent. Raises a `ProviderError`, nothing else, whatever the vendor says."""


class Refreshes(ABC):
    """A consent whose tokens end and can be had anew."""

    @abstractmethod
    async def refresh(self, app: App, form: Any, http: Http) -> Grant | None:
        """A new token for the old one, which stays good until the new one was used; None where it never ends.

        Raises a `ProviderError`: a permanent one where an admin must agree anew.
        """
