"""OAuth apps as an admin manages them on the page: listed, added, given another secret, renamed, deleted, used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound
from atlas_hub.kit.reading import read
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps, integrations
from atlas_hub.services.access import Actor, require_admin
from atlas_hub.services.integration_views import IntegrationView, Wanted
from atlas_hub.storage import oauth_apps as stored

NAME_LENGTH: Final = 120


@dataclass(frozen=True, kw_only=True)
class AppView:
    """A stored app. `masks`: title of a secret and what may be shown of it; `connections`: how many came by it."""

    id: str
    name: str
    identifier: str
    client_id: str
    masks: tuple[tuple[str, str], ...]
    whole: bool
    on_page: bool
    active: bool
    connections: int
    created_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ProviderApps:
    """A provider's apps. `given`: whether the operator gave one; `variables` name it, never in SaaS.

    `redirects`: what the vendor's page must know, the page's own address first.
    """

    provider: Provider
    given: bool
    given_connections: int
    variables: tuple[str, ...]
    redirects: tuple[str, str]
    apps: tuple[AppView, ...]


def consenting() -> list[Provider]:
    """The providers that are connected by consent."""
    return [provider for provider in PROVIDERS.values() if provider.oauth is not None]


async def listing(hub: Hub, actor: Actor) -> list[ProviderApps]:
    """The apps of every provider that has consents: two queries."""
    require_admin(actor)
    async with hub.db.reading() as tx:
        rows = await stored.listed(tx, actor.workspace, [provider.slug for provider in consenting()])
        counts = await stored.dependents(tx, actor.workspace)
    return [
        ProviderApps(
            provider=provider,
            given=apps.given(hub, provider) is not None,
            given_connections=counts.get((provider.slug, apps.ENV), 0),
            variables=_variables(hub, provider),
            redirects=(apps.redirect_of(hub, provider), f"{hub.settings.address}{apps.CHAT_CALLBACK}"),
            apps=tuple(
                _view(provider, row, counts.get((provider.slug, row.id), 0))
                for row in rows
                if row.provider == provider.slug
            ),
        )
        for provider in consenting()
    ]


def _variables(hub: Hub, provider: Provider) -> tuple[str, ...]:
    if hub.settings.saas or provider.oauth is None:
        return ()
    return tuple(name for name in provider.oauth.variables.values() if hub.settings.env(name) is not None)


def _view(provider: Provider, row: Any, connections: int) -> AppView:
    fields = apps.consent_of(provider).app.model_fields
    titles = {info.alias or name: info.title or name for name, info in fields.items()}
    return AppView(
        id=row.id,
        name=row.label,
        identifier=row.identifier,
        client_id=str(row.options.get("clientId") or ""),
        masks=tuple((str(titles.get(name, name)), str(mask)) for name, mask in row.masks.items()),
        whole=apps.is_whole(row),
        on_page=row.on_page,
        active=row.active,
        connections=connections,
        created_by=row.created_by,
        created_at=row.created_at,
    )


async def add(hub: Hub, actor: Actor, slug: str, name: str, values: Mapping[str, str]) -> IntegrationView:
    """Store an app. `values`: what was typed, by the names of the fields. Raises `BadForm`, `VaultLocked`."""
    require_admin(actor)
    provider = _provider(slug)
    given = {key: text.strip() for key, text in values.items() if text.strip()}
    wrong: dict[str, str] = {}
    for judged in (lambda: _name(name), lambda: read(apps.consent_of(provider).app, given)):
        try:
            judged()
        except BadForm as error:
            wrong |= error.fields
    if wrong:
        raise BadForm(wrong)
    wanted = Wanted(name=_name(name), credentials=_wire(provider, given), active=True)
    return await integrations.create(hub, actor, str(provider.names.chat), "chat", wanted)


async def change_secrets(hub: Hub, actor: Actor, slug: str, app_id: str, values: Mapping[str, str]) -> IntegrationView:
    """Give an app other credentials; what is left empty stays. Raises `BadForm`, `NotFound`, `VaultLocked`."""
    require_admin(actor)
    provider = _provider(slug)
    given = {key: text.strip() for key, text in values.items() if text.strip()}
    if not given:
        raise BadForm({"secret_key": "Type what is to be replaced."})
    # What stays is as good as it was: fields that are not typed are not judged.
    read(apps.consent_of(provider).app, {"client_id": "kept", "secret_key": "kept", **given})
    await _own(hub, actor, slug, app_id)
    return await integrations.update(hub, actor, app_id, Wanted(credentials=_wire(provider, given)))


async def rename(hub: Hub, actor: Actor, slug: str, app_id: str, name: str) -> IntegrationView:
    """Call an app something else. Raises `BadForm`, `NotFound`."""
    require_admin(actor)
    await _own(hub, actor, slug, app_id)
    return await integrations.update(hub, actor, app_id, Wanted(name=_name(name)))


async def remove(hub: Hub, actor: Actor, slug: str, app_id: str) -> None:
    """Delete an app with what subscribers connected by it. Raises `NotFound`, `StillUsed` naming the card."""
    require_admin(actor)
    await _own(hub, actor, slug, app_id)
    await integrations.delete(hub, actor, app_id)


async def use(hub: Hub, actor: Actor, slug: str, app_id: str, *, on: bool) -> IntegrationView:
    """Have the page's button take an app before the operator's, or no more. Raises `NotFound`, `Conflict`."""
    require_admin(actor)
    await _own(hub, actor, slug, app_id)
    return await integrations.use_on_page(hub, actor, app_id, on)


async def _own(hub: Hub, actor: Actor, slug: str, app_id: str) -> None:
    """Raises `NotFound` for what is no app of this provider: mail is an integration, too."""
    provider = _provider(slug)
    async with hub.db.reading() as tx:
        rows = await stored.listed(tx, actor.workspace, [slug])
    if all(row.id != app_id for row in rows):
        raise apps.missing_app(provider)


def _provider(slug: str) -> Provider:
    provider = PROVIDERS.get(slug)
    if provider is None or provider.oauth is None:
        raise NotFound("There is no such provider.")
    return provider


def _wire(provider: Provider, given: Mapping[str, str]) -> dict[str, str]:
    fields = apps.consent_of(provider).app.model_fields
    return {fields[name].alias or name: text for name, text in given.items() if name in fields}


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH or not name.isprintable():
        raise BadForm({"name": f"A name has 1 to {NAME_LENGTH} characters, all of which can be seen."})
    return name
