"""What is known of a workspace beside its connections: consents under way, OAuth apps, subscribers, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atlas_hub.hub import Hub
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps, environment, scraping
from atlas_hub.services.views import ConnectionView, ConsentView
from atlas_hub.storage import beside as stored
from atlas_hub.storage.db import Tx


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What is known of a workspace beside its connections, by provider."""

    hooks: int = 0
    consents: Mapping[str, Any] = field(default_factory=dict)
    apps: Mapping[str, Any] = field(default_factory=dict)
    subscribed: Mapping[str, int] = field(default_factory=dict)


def consent_of(hub: Hub, provider: Provider, near: Beside) -> tuple[ConsentView | None, datetime | None]:
    """The provider's consent on the page, and when the one under way ends."""
    if provider.oauth is None or not hub.has_database:
        return None, None
    app, last, at = near.apps.get(provider.slug), near.consents.get(provider.slug), hub.now()
    offered = apps.is_whole(app) if app is not None else oauth_app(hub, provider)
    named = app.label if app is not None else "the operator's app" if offered else ""
    outcome: Mapping[str, Any] = last.outcome if last is not None else {}
    kind, waits = outcome.get("kind"), None
    said = done = present = proven = ""
    asks_until = None
    if last is not None and last.used_at is None and last.expires_at > at:
        waits = last.expires_at
    elif last is not None and (last.used_at is None or (kind == "ask" and last.expires_at <= at)):
        said = "The time for agreeing was over, so nothing was stored. Begin again when you want to."
    elif kind == "ask" and last is not None:
        present, proven = str(outcome.get("present", "")), str(outcome.get("proven", ""))
        asks_until = last.expires_at
    elif kind == "failed":
        said = str(outcome.get("text", ""))
    elif kind == "done" and last is not None and last.expires_at > at:
        done = str(outcome.get("text", ""))
    view = ConsentView(
        offered=offered,
        app=named,
        client_id=_client_id(hub, provider, app),
        said=said,
        done=done,
        present=present,
        proven=proven,
        asks_until=asks_until,
    )
    return view, waits


def _client_id(hub: Hub, provider: Provider, app: Any) -> str:
    if app is not None:
        return str(app.options.get("clientId") or "")
    given = apps.given(hub, provider)
    return given.client_id if given else ""


async def read(hub: Hub, tx: Tx, workspace: str) -> Beside:
    """What is known of a workspace: three queries."""
    hooks, consents = await stored.around(tx, workspace, hub.now())
    return Beside(
        hooks=hooks,
        consents=consents,
        apps=await stored.apps_on_page(tx, workspace),
        subscribed=await stored.subscribed(tx, workspace),
    )


def hint_of(provider: Provider) -> tuple[str, ...]:
    """What the operator may set so that it works here: a database, or variables of the provider's own."""
    return ("DATABASE_URL", *(" and ".join(way.variables.values()) for way in provider.environment))


def suggested_in(hub: Hub, provider: Provider, workspace: str) -> dict[str, str]:
    """Field → what its form begins with in this workspace, for the fields that say so (`suggests`)."""
    scheme = hub.settings.address.partition(":")[0]
    return {
        name: str(said).replace("{workspace}", workspace).replace("{scheme}", scheme)
        for method in provider.methods
        for name in method.form.model_fields
        if (said := method.form.said_of(name).get("suggests"))
    }


def scrape_of(hub: Hub, workspace: str, view: ConnectionView | None) -> str:
    """What a Prometheus is to be given for the connection that scrapes; "" for every other."""
    if view is None or (view.provider, view.method) != (scraping.SLUG, scraping.METHOD):
        return ""
    told = {name: str(view.options.get(name) or "") for name in ("username", "service_discovery", "scheme")}
    return scraping.scrape_config(hub.settings.address, workspace, **told)


def fallback(hub: Hub, gift: environment.Given) -> str:
    """What mail goes through where a workspace has no way of its own, in a sentence."""
    if hub.settings.saas:
        return "Until then mail goes through this service's own mail." if gift.form else ""
    if gift.form is None:
        return f"The mail settings of the environment cannot be used. {gift.fault}"
    return f"Mail goes through {gift.method.label}, as the environment says ({', '.join(gift.variables)})."


def oauth_app(hub: Hub, provider: Provider) -> bool:
    """Whether the operator gave an OAuth app whole, so that a flow can complete (decisions §8)."""
    return provider.oauth_env is not None and all(hub.settings.env(name) is not None for name in provider.oauth_env)
