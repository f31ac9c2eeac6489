"""How a card's view becomes the vars of its state: only what differs is assigned, so that a change sends little."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from atlas_hub.kit.clock import iso
from atlas_hub.providers import PARTS
from atlas_hub.providers.contract import Provider
from atlas_hub.services.status import Mode
from atlas_hub.services.views import CardView, ConnectionView, ConsentView
from atlas_hub.ui import words

FRESH: Final[dict[str, Any]] = {
    "state": "", "reason": "", "connection": "", "label": "", "account": "", "method": "", "details": [],
    "truths": [[words.NOT_TOLD, "", ""] for _ in words.TRUTHS],
    "masks": [], "others": [], "granted": [], "missing": [], "options": {}, "by": "", "at": "", "expires": "",
    "busy": "", "ladder": [], "errors": {}, "present": "", "proven": "", "silent": False, "said": "", "tested": "",
    "receipt": "", "tried": "", "form": "", "needs": False, "hint": [], "variables": [], "fallback": "",
    "falls_back": False, "until": "", "offers": False, "app": "", "client_id": "", "failed": "", "done": "",
    "question": [], "by_consent": False, "features": [], "told": False, "extra": [], "lacks": {}, "needed": "",
    "subscribers": 0, "suggested": {}, "scrape": "", "destination": "", "newer": [], "invite": "",
}  # fmt: skip
"""What every var of a card is while there is nothing to say."""

STORED: Final = ("state", "reason", "connection", "label", "account", "method", "details", "truths", "masks", "others",
                 "granted", "missing", "options", "by", "at", "expires", "needs", "hint", "variables", "fallback",
                 "falls_back", "until", "offers", "app", "client_id", "failed", "done", "question", "by_consent",
                 "features", "told", "extra", "lacks", "needed", "subscribers",
                 "suggested", "scrape", "destination", "newer", "invite")  # fmt: skip
"""The vars that mirror what is stored; the rest of `FRESH` is the tab's own."""


def put(card: Any, told: Mapping[str, Any]) -> None:
    """Assign the vars that differ."""
    for name, value in told.items():
        if getattr(card, name) != value:
            setattr(card, name, copy.deepcopy(value))


def show(card: Any, view: CardView, at: datetime) -> bool:
    """Make a card show a view, as of `at`; whether anything that an admin sees first (mode, badge) changed."""
    before = (card.mode, card.badge)
    put(card, vars_of(PARTS[view.key], view, at))
    return (card.mode, card.badge) != before


def blank(card: Any) -> None:
    """Make a card show nothing."""
    word, tone = words.MODES[words.LOADING]
    put(card, {**FRESH, "mode": words.LOADING, "badge": word, "tone": tone.value})


def vars_of(provider: Provider, view: CardView, at: datetime) -> dict[str, Any]:
    """The vars that mirror what is stored, for one view."""
    word, tone = words.badge(view, at)
    told: dict[str, Any] = {name: FRESH[name] for name in STORED}
    told |= {
        "mode": view.mode,
        "badge": word,
        "tone": tone.value,
        "others": [[each.id, each.label, *words.other(each)] for each in view.others],
        "needs": words.needs(view),
        "hint": list(view.hint),
        "variables": list(view.variables),
        "fallback": view.fallback,
        "falls_back": view.falls_back,
        "until": iso(view.waits_until) if view.waits_until else "",
        "subscribers": view.subscribers,
        "suggested": dict(view.suggested),
        "scrape": view.scrape,
        **_of_consent(view.consent),
    }
    if view.mode == Mode.NO_DEFAULT:
        told["reason"] = words.no_default(provider.name, len(view.others))
    if view.connection is not None:
        told |= _of_connection(provider, view.connection)
        told["client_id"] = told["client_id"] or str(view.connection.options.get("application_id") or "")
    return told


def _of_connection(provider: Provider, connection: ConnectionView) -> dict[str, Any]:
    # A key that waits may have come by another way than the one that is used.
    ways = (*provider.unlisted, *provider.methods, provider.method(connection.method))
    titles = {
        name: field.title or name
        for method in ways if method is not None
        for name, field in method.form.model_fields.items()
    }  # fmt: skip
    return {
        "state": connection.state.value,
        "reason": connection.reason,
        "connection": connection.id,
        "label": connection.label,
        "account": connection.account,
        "method": connection.method,
        "details": [list(pair) for pair in connection.details],
        "truths": words.truths(connection),
        "masks": [[str(titles.get(name, name)), mask] for name, mask in connection.masks.items()],
        "granted": list(connection.granted or ()),
        "missing": list(connection.missing),
        "options": {name: str(value) for name, value in connection.options.items() if value is not None},
        "by": connection.connected_by,
        "at": iso(connection.connected_at),
        "expires": iso(connection.expires_at) if connection.expires_at else "",
        "destination": str(connection.destination.get("id", "")),
        "newer": words.newer(connection),
        "invite": words.invite(connection),
        **_of_scopes(provider, connection),
    }


def _of_consent(consent: ConsentView | None) -> dict[str, Any]:
    if consent is None:
        return {}
    asks = consent.asks_until
    return {
        "offers": consent.offered,
        "app": consent.app,
        "client_id": consent.client_id,
        "failed": consent.said,
        "done": consent.done,
        "question": [consent.present, consent.proven, iso(asks)] if asks else [],
    }


def _of_scopes(provider: Provider, connection: ConnectionView) -> dict[str, Any]:
    """Which features are on, what each lacks where the vendor tells, and the exact scopes as the vendor takes them."""
    granted = connection.granted
    between = provider.oauth.between if provider.oauth else " "
    lacks = {
        feature.value: sorted(scopes - set(granted))
        for feature, scopes in provider.features.items()
        if granted is not None and scopes - set(granted)
    }
    return {
        "by_consent": connection.by_consent,
        "features": [str(feature) for feature in connection.features],
        "told": granted is not None,
        "extra": list(connection.extra),
        "lacks": lacks,
        "needed": between.join(sorted(provider.scopes_of(connection.features))),
    }
