"""The page's words: badges, tones, truths and sentences, as pure functions."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from atlas_hub.kit.clock import parse
from atlas_hub.kit.errors import (
    AnotherAccount,
    BadForm,
    HubError,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.providers import PARTS
from atlas_hub.providers.contract import Alerts, Feature, Provider, Purpose, Sends
from atlas_hub.services import pending
from atlas_hub.services.dependents import Dependent
from atlas_hub.services.status import Mode
from atlas_hub.services.views import CardView, Connected, ConnectionView, Disconnected, Other, State, Truth


class Tone(StrEnum):
    """The four meanings. Each is a shape, a word and a colour."""

    GOOD = "good"
    ATTENTION = "attention"
    BROKEN = "broken"
    OFF = "off"


LOADING = "loading"
"""The mode of a card before the first answer."""

STALE_AFTER = timedelta(hours=12)

BADGES: Final[dict[State, tuple[str, Tone]]] = {
    State.OK: ("Connected", Tone.GOOD),
    State.EXPIRING: ("Expires soon", Tone.ATTENTION),
    State.DEGRADED: ("Works with limits", Tone.ATTENTION),
    State.UNVERIFIED: ("Not proven yet", Tone.ATTENTION),
    State.UNREACHABLE: ("No answer", Tone.ATTENTION),
    State.RECONNECT: ("Reconnect needed", Tone.BROKEN),
    State.MISCONFIGURED: ("Fix settings", Tone.BROKEN),
    State.LOCKED: ("Locked", Tone.BROKEN),
    State.PAUSED: ("Paused", Tone.OFF),
    State.UNINSTALLED: ("Uninstalled", Tone.BROKEN),
}

MODES: Final[dict[str, tuple[str, Tone]]] = {
    LOADING: ("Loading", Tone.OFF),
    Mode.ENVIRONMENT: ("From the environment", Tone.GOOD),
    Mode.CONNECTING: ("Waiting for consent", Tone.ATTENTION),
    Mode.NO_DEFAULT: ("No default", Tone.ATTENTION),
    Mode.FORM: ("Not connected", Tone.OFF),
    Mode.HINT: ("Not set up", Tone.OFF),
    Mode.NOT_AVAILABLE: ("Not available", Tone.OFF),
    Mode.CLOSED: ("Service closed", Tone.OFF),
}

NEEDING: Final = frozenset(
    {
        State.RECONNECT,
        State.MISCONFIGURED,
        State.LOCKED,
        State.UNINSTALLED,
        State.EXPIRING,
        State.DEGRADED,
        State.UNVERIFIED,
    }
)
"""The states in which an admin has something to do. A vendor that does not answer is not theirs to mend."""

TRUTHS: Final[tuple[tuple[Truth, str, str], ...]] = (
    (Truth.CONFIGURED, "Set up", "Not set up"),
    (Truth.AUTHENTICATED, "Accepted", "Not accepted"),
    (Truth.AUTHORIZED, "Allowed", "Not allowed"),
    (Truth.DELIVERED, "Delivered", "Not delivered"),
)
"""Each truth, its word where it holds, and where it does not."""

SCRAPED: Final[dict[Truth, tuple[str, str]]] = {
    Truth.AUTHENTICATED: ("Signed in", "Not signed in"),
    Truth.DELIVERED: ("Scraped", "Not scraped"),
}
"""The same of what comes and asks us."""

NOT_TOLD = "unknown"

FEATURES: Final[dict[Feature, str]] = {
    Feature.SEND: "Send messages",
    Feature.LIST_CHANNELS: "List channels",
    Feature.READ_HISTORY: "Read history, off unless switched on",
    Feature.SLASH_COMMAND: "The /atlas command",
    Feature.MENTIONS: "Mentions of the bot",
}


def badge(view: CardView, at: datetime) -> tuple[str, Tone]:
    """The badge of a card: its word and its meaning."""
    if view.connection is None:
        return MODES.get(view.mode, MODES[Mode.NOT_AVAILABLE])
    if PARTS[view.key].lifecycle.closed:
        return MODES[Mode.CLOSED]
    word, tone = BADGES[view.connection.state]
    if view.connection.state is State.UNVERIFIED and _proven_by_use(PARTS[view.key]):
        tone = Tone.OFF
    if view.mode == Mode.ENVIRONMENT and view.connection.state in {State.OK, State.UNVERIFIED}:
        word, known = MODES[Mode.ENVIRONMENT]
        tone = known if view.connection.state is State.OK else Tone.OFF
    if tone is Tone.GOOD and is_stale(view.connection, at):
        return "Not checked lately", Tone.OFF
    return word, tone


def needs(view: CardView) -> bool:
    """Whether an admin has something to do here.

    What takes alerts or is scraped is proven by the next alert or scrape: nobody need be called for that.
    """
    if view.connection is None:
        return view.mode == Mode.NO_DEFAULT
    if view.connection.state is State.UNVERIFIED and _proven_by_use(PARTS[view.key]):
        return False
    return view.connection.state in NEEDING and view.mode == Mode.CONNECTED


def _proven_by_use(part: Provider) -> bool:
    return part.methods[0].purpose in {Purpose.ALERTS, Purpose.SCRAPE}


def is_stale(view: ConnectionView, at: datetime) -> bool:
    """Whether the last accepted check is older than twelve hours (decisions §7)."""
    checked = view.checks.get(Truth.AUTHENTICATED, {}).get("at", "")
    return not checked or at - parse(checked) > STALE_AFTER


def truths_of(part: Provider) -> list[tuple[int, Truth, str, str]]:
    """The truths of a part, by their place, as far as it can have them: nobody grants a scrape anything, nothing is
    known of what was closed, and what sends nothing delivers nothing.
    """
    every = [(at, *each) for at, each in enumerate(TRUTHS)]
    if part.methods[0].purpose is Purpose.SCRAPE:
        every = [(at, truth, *SCRAPED.get(truth, (yes, no))) for at, truth, yes, no in every]
        return [each for each in every if each[1] is not Truth.AUTHORIZED]
    if part.lifecycle.closed:
        return [each for each in every if each[1] is Truth.CONFIGURED]
    able = any(isinstance(method, Sends | Alerts) for method in part.methods)
    return [each for each in every if able or each[1] is not Truth.DELIVERED]


def truths(view: ConnectionView) -> list[list[str]]:
    """Status, ISO time and proof of each of the four truths, in order."""
    told = [view.checks.get(truth, {}) for truth, _, _ in TRUTHS]
    return [[each.get("status") or NOT_TOLD, each.get("at") or "", each.get("proof") or ""] for each in told]


def other(each: Other) -> tuple[str, str, str]:
    """The account, the word and the meaning of a connection that is stored beside the default."""
    word, tone = BADGES[each.state]
    return each.account if each.account != each.label else "", word, tone.value


def no_default(name: str, others: int) -> str:
    """What a card without a primary says."""
    noun = f"other {name} connection{' is' if others == 1 else 's are'}"
    return f"No default. {others} {noun} stored."


def of_error(error: HubError, method: str) -> dict[str, str]:
    """Where to show an error: `<method>.<field>`, or `<method>.` for the whole form, to its sentence."""
    if isinstance(error, BadForm):
        return {f"{method}.{name}": text for name, text in error.fields.items()}
    if isinstance(error, ProviderError) and error.field:
        return {f"{method}.{error.field}": error.text}
    if isinstance(error, AnotherAccount):
        return {}
    return {f"{method}.": error.text}


def is_silence(error: HubError) -> bool:
    """Whether the vendor gave no judgement, so that what was typed may still be right."""
    return isinstance(error, NetworkError | PlatformError | RateLimited)


def lifecycle(provider: Provider) -> str:
    """What a provider's life cycle means for an admin, "" while it is in its prime."""
    life = provider.lifecycle
    instead = f" {life.instead}" if life.instead else ""
    if life.closed:
        return f"{provider.name} was closed. Nothing is sent there any more.{instead}"
    if life.ends is not None:
        return f"The last day of {provider.name} is {life.ends:%-d %B %Y}.{instead}"
    return f"{provider.name} is deprecated.{instead}" if life.deprecated else ""


def newer(view: ConnectionView) -> list[str]:
    """Of a key that waits beside the one that is used: the account it proved, "" for none, and what is said of it."""
    text = str(view.waiting.get("text", ""))
    if not text and view.reason in {pending.REFUSED, pending.UNANSWERED}:
        text = view.reason
    return [str(view.waiting.get("account") or ""), text] if text else []


INVITATIONS: Final = {"slack": "/invite {bot}"}
"""What is said in a channel so that the bot comes, where that is a command."""


def invite(view: ConnectionView) -> str:
    """The invitation of a connection's bot, "" where there is no such command."""
    bot = dict(view.details).get("Bot", "")
    return INVITATIONS.get(view.provider, "").replace("{bot}", bot) if bot else ""


def reference() -> str:
    """A short mark by which a log line is found again."""
    return secrets.token_hex(4)


def unexpected(mark: str) -> str:
    """What is said of a fault that nobody foresaw."""
    return (
        f"Something failed inside the hub and nothing was saved. Try again; if it stays so, give reference {mark} "
        "to whoever runs it."
    )


def unreadable(mark: str) -> str:
    """What the page says when it cannot read what is stored."""
    return (
        f"The hub could not read what is stored just now. Nothing was changed. Retry in a moment; "
        f"if it stays so, give reference {mark} to whoever runs the hub."
    )


NEITHER: Final = "neither"
"""The answer that leaves what is connected alone."""


def welcome(provider: Provider, connected: Connected) -> str:
    """What is said of a connect that went well."""
    warnings = " ".join(connected.warnings)
    if not connected.verified:
        return f"Saved without a check. {warnings}".rstrip()
    replaced = f" It replaces {connected.replaced}." if connected.replaced else ""
    if connected.view.state is State.UNVERIFIED:
        return f"Stored as {connected.account}.{replaced} {connected.view.reason}".rstrip()
    vendor = provider.asked_as(connected.view.method)
    return f"{vendor} accepted it: this is {connected.account}.{replaced} {warnings}".rstrip()


def gone(what: Disconnected, *, wanted: bool = False) -> str:
    """What is said of a disconnect: who takes its place, and whether the grant is dead at the vendor.

    `wanted`: whether a typed token was to be revoked, too.
    """
    said = [f"{what.label} is disconnected."]
    if what.promoted:
        said.append(f"{what.promoted} is the default now.")
    if what.revocation:
        dead = {True: "✓ Revoked.", False: "✕ Not revoked.", None: "Whether it is revoked is not known."}
        said += [dead[what.revoked], what.revocation]
    elif wanted and what.still_in_use:
        said.append("The token was not revoked, since another connection uses the same account.")
    return " ".join(said)


def switched(provider: Provider, view: ConnectionView, feature: str) -> str:
    """What is said of a feature that was switched, and what it lacks where it was switched on."""
    what = feature_name(feature)
    if feature not in view.features:
        return f"Switched off: {what}."
    lacks = sorted(provider.scopes_of([feature]) & set(view.missing))
    if not lacks:
        return f"Switched on: {what}."
    return (
        f"Switched on: {what}. {provider.name} did not grant {', '.join(lacks)} yet. Add the scopes there, get a new "
        "token, and replace the key here."
    )


def feature_name(feature: str) -> str:
    """A feature's name, without what is said of it beside that."""
    return FEATURES[Feature(feature)].split(",")[0]


NAMED = 8
"""How many dependents are named; the rest are counted."""


def used_by(found: list[Dependent]) -> list[str]:
    """What depends on a connection, by name."""
    named = [each.name if each.active else f"{each.name} (switched off)" for each in found[:NAMED]]
    return [*named, f"and {len(found) - NAMED} more"] if len(found) > NAMED else named
