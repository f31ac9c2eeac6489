"""What a provider file declares: ways in (methods), each with a form, in which a field is secret by its type.

A provider file imports `kit` and this module, nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

from atlas_hub.kit.form import Form as Form  # noqa: PLC0414  # part of the contract: re-exported
from atlas_hub.kit.http import Http
from atlas_hub.kit.ladder import Report as Report  # noqa: PLC0414  # same
from atlas_hub.kit.ladder import Step as Step  # noqa: PLC0414  # same
from atlas_hub.kit.ladder import silent as silent  # noqa: PLC0414  # same
from atlas_hub.kit.reading import read
from atlas_hub.providers._results import UNKEYED as UNKEYED  # noqa: PLC0414  # same
from atlas_hub.providers._results import Account as Account  # noqa: PLC0414  # same
from atlas_hub.providers._results import Alert as Alert  # noqa: PLC0414  # same
from atlas_hub.providers._results import CheckResult as CheckResult  # noqa: PLC0414  # same
from atlas_hub.providers._results import Listed as Listed  # noqa: PLC0414  # same
from atlas_hub.providers._results import Listing as Listing  # noqa: PLC0414  # same
from atlas_hub.providers._results import Message as Message  # noqa: PLC0414  # same
from atlas_hub.providers._results import Receipt as Receipt  # noqa: PLC0414  # same
from atlas_hub.providers._results import Revoked as Revoked  # noqa: PLC0414  # same

if TYPE_CHECKING:
    from atlas_hub.providers._consent import Consent


class Category(StrEnum):
    """The groups of the page, in its order."""

    CHAT = "Chat"
    TRACKERS = "Trackers"
    MAIL = "Mail"
    WEBHOOKS = "Webhooks"
    ALERTING = "Alerting & monitoring"


class Purpose(StrEnum):
    """What a method is for. Primary is decided within a scope: the purpose for mail and SMS, else provider:purpose."""

    CHAT = "chat"
    TRACK = "track"
    MAIL = "mail"
    SMS = "sms"
    ALERTS = "alerts"
    SCRAPE = "scrape"


class Feature(StrEnum):
    """What an admin may switch on; each needs scopes that the provider file names."""

    SEND = "send"
    LIST_CHANNELS = "list_channels"
    READ_HISTORY = "read_history"
    SLASH_COMMAND = "slash_command"
    MENTIONS = "mentions"


F = TypeVar("F", bound=Form)


class Method(ABC, Generic[F]):
    """One way in: a form, a check, and what the credentials then allow (the protocols below)."""

    key: ClassVar[str]
    label: ClassVar[str]
    form: type[F]
    purpose: ClassVar[Purpose]
    recommended_because: ClassVar[str] = ""  # the trade-off in a line, shown where a provider has several methods
    wire_type: ClassVar[str | None] = None  # its name on the groups API (`PAGER_DUTY`), where it has one
    wire_names: ClassVar[Mapping[str, str]] = {}
    """Field → its name on the groups API, where that is not the camelCase alias, or the method itself is not there."""
    lists_by: ClassVar[frozenset[str]] = frozenset()  # the scopes without which it lists no channels
    lists_not: ClassVar[str] = ""  # why it lists no channels, a sentence, where one would expect it to
    one_refusal: ClassVar[bool] = False  # a secret that got a 401 (`vendor_code`) is never sent again
    may_save_unverified: ClassVar[bool] = False  # when the vendor does not answer (mail, decisions §8)

    def called(self, form: F) -> str:
        """What a connection is called where the vendor has no account to name."""
        del form
        return self.label

    def facts(self, form: F) -> Mapping[str, str]:
        """The rows of the card where the vendor has no account to name, label → text."""
        del form
        return {}

    def read(self, values: Mapping[str, Any]) -> F:
        """What was typed, as a form. Texts become `Secret` here and only here.

        Raises `BadForm` with a sentence for each field that is missing or has the wrong shape; never echoes a value.
        """
        return read(self.form, values)

    @abstractmethod
    async def check(self, form: F, http: Http, report: Report) -> CheckResult:
        """Prove the form against the vendor without side effects there.

        Reports each step as it is known. Raises a `ProviderError` at the first hard failure.
        """


@runtime_checkable
class Sends(Protocol):
    """A method that can deliver a message."""

    destination: ClassVar[str]
    """What `to` is, as a field title: "Recipient", "Channel ID"."""
    destination_example: ClassVar[str]

    async def send(self, form: Any, to: str, message: Message, http: Http) -> Receipt:
        """Deliver `message` to `to`. Raises a `ProviderError`."""


@runtime_checkable
class Alerts(Protocol):
    """A method that takes alerts; where they go is the vendor's to know, so there is no destination to type."""

    async def alert(self, form: Any, alert: Alert, http: Http) -> Receipt:
        """Send a test alert in the vendor's own payload. Raises a `ProviderError`."""


@runtime_checkable
class ListsChannels(Protocol):
    """A method that can list the channels of its account."""

    async def channels(self, form: Any, http: Http) -> Listing:
        """Every channel, however many pages that are. Raises a `ProviderError`; a partial list is none."""


@runtime_checkable
class Revokes(Protocol):
    """A method whose credential can be killed at the vendor."""

    async def revoke(self, form: Any, http: Http) -> Revoked:
        """Kill the credential. Raises a `ProviderError`."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Credentials that the operator may give in environment variables: which method, and form field → variable.

    It counts as given when the variables of all the form's required fields are set; `defaults` stand in for some.
    """

    method: Method[Any]
    variables: Mapping[str, str]
    defaults: frozenset[str] = frozenset()
    """Fields that the hub can fill itself where their variable is not set."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """Text for a form at the vendor, with a button that copies it. `{address}` in it becomes the hub's address.

    One with `{client_id}` in it is shown where the OAuth app or application is known.
    """

    title: str
    text: str
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class Lifecycle:
    """Where a service is in its life. `ends` is the day it stops."""

    deprecated: bool = False
    ends: date | None = None
    closed: bool = False
    instead: str = ""


ACTIVE = Lifecycle()


@dataclass(frozen=True, kw_only=True)
class Names:
    """What each API calls the provider; None where it does not appear there.

    `admin` is the path and the key in the status answer; `admin_path` the path of its POST, where it differs.
    `refused` is the admin API's `error` when the vendor refuses the credentials.
    """

    admin: str | None = None
    admin_path: str | None = None
    refused: str = "invalid_token"
    connections: str | None = None
    chat: str | None = None


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A service we can connect to, and the ways to do it, in order of preference.

    `about`: the module docstring; its first paragraph is the card's sentence, its numbered lines the steps.
    `stops`: what stops when it is disconnected, a sentence for the dialog.
    `wire_fields`: the status answer's own fields, null while not connected; `answer_fields`: what the answer to a
    connect has beside them. `limits`: what it does only so far, a sentence each.
    `oauth`: the way in by consent, a `Method` that is a `Consent` too; `environment`: what may come from variables;
    `unlisted`: ways that no form offers and the chat API stores.
    """

    slug: str
    name: str
    category: Category
    docs: str
    about: str
    stops: str
    methods: tuple[Method[Any], ...]
    names: Names
    wire_fields: tuple[str, ...] = ()
    answer_fields: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
    features: Mapping[Feature, frozenset[str]] = field(default_factory=dict)
    lifecycle: Lifecycle = ACTIVE
    oauth: Consent | None = None
    environment: tuple[Environment, ...] = ()
    unlisted: tuple[Method[Any], ...] = ()

    @property
    def parts(self) -> tuple[Provider, ...]:
        """The provider once for each purpose of its methods: what a card, and a scope, is about. The first is the main
        one, which the admin API speaks of and which alone has consent and environment.
        """
        purposes = dict.fromkeys(method.purpose for method in self.methods)
        if len(purposes) == 1:
            return (self,)
        first, *others = (tuple(each for each in self.methods if each.purpose is purpose) for purpose in purposes)
        bare: dict[str, Any] = {"oauth": None, "environment": (), "unlisted": (), "copies": (), "features": {}}
        return (replace(self, methods=first), *(replace(self, methods=methods, **bare) for methods in others))

    @property
    def oauth_env(self) -> tuple[str, str] | None:
        """The two variables of the operator's OAuth app."""
        return None if self.oauth is None else (self.oauth.variables["client_id"], self.oauth.variables["secret_key"])

    @property
    def usual_features(self) -> tuple[Feature, ...]:
        """What is on unless an admin says otherwise: all but reading history."""
        return tuple(feature for feature in self.features if feature is not Feature.READ_HISTORY)

    def scopes_of(self, features: Iterable[str] | None) -> frozenset[str]:
        """The scopes that these features need; those of the usual ones for None."""
        on = self.usual_features if features is None else [feature for feature in self.features if feature in features]
        return frozenset().union(*(self.features[feature] for feature in on))

    @property
    def needed_scopes(self) -> frozenset[str]:
        """The scopes of the usual features."""
        return self.scopes_of(None)

    def method(self, key: str) -> Method[Any] | None:
        """The method of that key, the way in by consent and those that no form offers included."""
        consent: Any = self.oauth
        ways = (*self.methods, *self.unlisted, *(() if consent is None else (consent,)))
        return next((method for method in ways if method.key == key), None)

    def asked_as(self, key: str) -> str:
        """Who is asked by a method: the provider, or the method's own vendor where its purpose has several."""
        method = self.method(key)
        beside = [each for each in self.methods if method is not None and each.purpose is method.purpose]
        return method.label if method is not None and len(beside) > 1 else self.name

    @property
    def sentence(self) -> str:
        """The card's one sentence."""
        return self.about.strip().split("\n\n")[0].replace("\n", " ")

    @property
    def steps(self) -> tuple[str, ...]:
        """The numbered steps of the module docstring, those of one method ("SMTP: …") included."""
        lines = (line.strip() for line in self.about.splitlines())
        return tuple(line.split(". ", 1)[1] for line in lines if line[:1].isdigit() and ". " in line)


def steps_of(provider: Provider, method: Method[Any] | None) -> tuple[str, ...]:
    """The steps that begin with a method's label, or with None those that begin with nobody's."""
    labels = tuple(each.label for each in provider.methods) if len(provider.methods) > 1 else ()
    if method is None:
        return tuple(step for step in provider.steps if not step.startswith(labels))
    return tuple(step for step in provider.steps if labels and step.startswith(method.label))


def scope_of(provider: Provider, method: Method[Any]) -> str:
    """The scope in which at most one connection is primary: `email`, `sms`, or `<slug>:<purpose>`."""
    if method.purpose is Purpose.MAIL:
        return "email"
    if method.purpose is Purpose.SMS:
        return "sms"
    return f"{provider.slug}:{method.purpose}"
