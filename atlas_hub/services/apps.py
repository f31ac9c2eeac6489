"""OAuth apps: the stored ones of a workspace, and the operator's out of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from atlas_hub.hub import Hub
from atlas_hub.kit.errors import AuthExpired, BadForm, NotAvailable, NotFound
from atlas_hub.kit.reading import read
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._consent import App, AppForm, Consent
from atlas_hub.providers.contract import Form, Method, Provider
from atlas_hub.services.wire_types import named
from atlas_hub.storage import connections as stored
from atlas_hub.storage import consents
from atlas_hub.storage.db import Tx
from atlas_hub.storage.models import Connection, Credential
from atlas_hub.storage.sealed import bound_to

ENV: Final = "env"
"""The `app_id` of what was granted to the operator's app."""
CALLBACK: Final = "/oauth/callback"
CHAT_CALLBACK: Final = "/v1/integrations/chat/oauth/callback"


def consent_of(provider: Provider) -> Consent:
    """The provider's way in by consent. Raises `NotAvailable`."""
    if provider.oauth is None:
        raise NotAvailable(f"{provider.name} is not connected by consent.")
    return provider.oauth


def redirect_of(hub: Hub, provider: Provider) -> str:
    """Where the vendor sends the browser back: an address for each provider (RFC 9700 §4.4)."""
    return f"{hub.settings.address}{CALLBACK}/{provider.slug}"


def given(hub: Hub, provider: Provider) -> App | None:
    """The operator's app, where it is given whole."""
    if provider.oauth is None:
        return None
    told = {name: hub.settings.env(variable) for name, variable in provider.oauth.variables.items()}
    values = {name: secret for name, secret in told.items() if secret is not None}
    if not {"client_id", "secret_key"} <= values.keys():
        return None
    client_id = values["client_id"].reveal()
    try:
        return _app(ENV, provider.oauth.app, {**values, "client_id": client_id})
    except BadForm:
        return None


def is_whole(row: Connection) -> bool:
    """Whether a stored app has what a consent needs, without opening it."""
    return bool(row.options.get("clientId")) and "secretKey" in row.masks


async def of_page(hub: Hub, tx: Tx, workspace: str, provider: Provider) -> App:
    """The app that the page's button takes: the stored one that is marked so, else the operator's.

    Raises `NotAvailable` where there is neither, `BadForm` where the stored one is incomplete, `VaultLocked`.
    """
    row = await consents.app_on_page(tx, workspace, provider.slug)
    if row is not None:
        return await stored_app(hub, tx, provider, row)
    app = given(hub, provider)
    if app is None:
        raise NotAvailable(f"No OAuth app of {provider.name} is set up here. Add one under OAuth apps.")
    return app


async def by_id(hub: Hub, tx: Tx, workspace: str, provider: Provider, app_id: str, client_id: str = "") -> App:
    """The app that something was granted to: its row's id, or `env`.

    Raises `NotFound`, `BadForm`, `VaultLocked`, and `AuthExpired` where it is not the client `client_id` any more.
    """
    if app_id == ENV:
        app = given(hub, provider)
    else:
        row = await consents.app(tx, workspace, app_id)
        app = None if row is None else await stored_app(hub, tx, provider, row)
    if app is None:
        raise AuthExpired(f"The OAuth app of {provider.name} that this was granted to is not here any more. Reconnect.")
    if client_id and app.client_id != client_id:
        raise _moved(provider)
    return app


async def stored_app(hub: Hub, tx: Tx, provider: Provider, row: Connection) -> App:
    """A stored app, opened. Raises `BadForm`, `VaultLocked`."""
    values = await credentials_of(hub, tx, row)
    return _app(row.id, consent_of(provider).app, values)


async def credentials_of(hub: Hub, tx: Tx, row: Connection) -> dict[str, Any]:
    """What is stored of an app, under the chat API's names: texts, and secrets as `Secret`. Raises `VaultLocked`."""
    credential = await stored.credential_of(tx, row)
    secrets: Mapping[str, Secret] = {}
    if credential is not None and credential.current is not None:
        secrets = hub.vault.open(credential.current, bound_to=bound_to(credential, "current"))
    return {**row.options, **secrets}


def _app(app_id: str, form: type[AppForm], values: Mapping[str, Any]) -> App:
    told = read(form, values)
    beside = {name: secret for name, secret in told.given_secrets().items() if name != "secret_key"}
    return App(id=app_id, client_id=told.client_id, client_secret=told.secret_key, beside=beside)


def lent(consent: Consent, app: App) -> dict[str, Any]:
    """The fields of a connection's form that its app gives."""
    values: dict[str, Any] = {"client_id": app.client_id, "secret_key": app.client_secret, **app.beside}
    return {field: values[name] for field, name in consent.from_app.items() if name in values}


async def lent_for(hub: Hub, tx: Tx, provider: Provider, credential: Credential) -> dict[str, Any]:
    """The fields that the app of a grant gives to its form. Raises what `by_id` raises."""
    consent = provider.oauth
    if consent is None or not consent.from_app or not credential.method:
        return {}
    app = await by_id(hub, tx, credential.workspace, provider, credential.app_id, credential.client_id)
    return lent(consent, app)


def moved(hub: Hub, provider: Provider, credential: Credential) -> AuthExpired | None:
    """Why a grant of the operator's app does not count any more: the variable names another client now."""
    app = given(hub, provider) if credential.app_id == ENV else None
    if app is None or app.client_id == credential.client_id:
        return None
    return _moved(provider)


def _moved(provider: Provider) -> AuthExpired:
    return AuthExpired(f"This was granted to another OAuth app of {provider.name} than the present one. Reconnect.")


async def form_of(
    hub: Hub, tx: Tx, provider: Provider, method: Method[Any], credential: Credential, slot: str = "current"
) -> Form:
    """The form that is in a slot of a credential, out of the credential alone, with what its app lends.

    Raises `VaultLocked`, `ValueError`, and what `by_id` raises.
    """
    envelope: bytes = getattr(credential, slot) or b""
    secrets = hub.vault.open(envelope, bound_to=bound_to(credential, slot))
    lends = await lent_for(hub, tx, provider, credential)
    told = named(provider, method, secrets)
    form: Form = method.form.model_validate({**credential.options, **told, **lends})
    return form


def _lends(method: Method[Any]) -> Mapping[str, str]:
    """The fields of a method's form that an app gives, and no connection stores."""
    return method.from_app if isinstance(method, Consent) else {}


def kept_secrets(method: Method[Any], form: Form) -> dict[str, Secret]:
    """The secrets of a form that its connection stores: not those that its app gives."""
    return {name: secret for name, secret in form.given_secrets().items() if name not in _lends(method)}


def kept_options(method: Method[Any], form: Form) -> dict[str, Any]:
    """The fields without a secret that its connection stores."""
    return {name: value for name, value in form.public().items() if name not in _lends(method)}


def kept_masks(method: Method[Any], form: Form) -> dict[str, str]:
    """What may be shown of the secrets that its connection stores."""
    return {name: text for name, text in form.masks().items() if name not in _lends(method)}


def kept_stars(method: Method[Any], form: Form) -> dict[str, str]:
    """The same, as the groups API shows it."""
    return {name: text for name, text in form.stars().items() if name not in _lends(method)}


def missing_app(provider: Provider) -> NotFound:
    """For who asks for an app that is not there."""
    return NotFound(f"There is no such OAuth app of {provider.name}.")
