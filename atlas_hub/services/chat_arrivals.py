"""The way back from a consent that an application let its subscriber give (the chat API)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from atlas_hub.bus import Changed
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import HubError, NotFound, PlatformError
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers._consent import App, Back, Grant, Person
from atlas_hub.providers.contract import Provider
from atlas_hub.services import apps, chat_consents, linking, proving
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.changing import changing
from atlas_hub.services.linking import Given, Whose
from atlas_hub.storage import consents as stored
from atlas_hub.storage.models import Connection, OAuthAttempt
from atlas_hub.storage.sealed import bound_to

STATE_LENGTH: Final = 200
INVALID_STATE: Final = "Invalid OAuth state parameter"
PERSONS: Final = {"slack": "slack_user", "teams": "ms_teams_user"}
"""The type of endpoint that a person of a provider is."""


class CameToNothing(HubError):
    """The way back from a vendor that leads nowhere. `status` is HTTP's, as the original has it."""

    code = "CAME_TO_NOTHING"

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What came of it: `address` is where the browser goes, "" for a page that says `account` and `provider`."""

    address: str
    provider: str = ""
    account: str = ""


async def finish(hub: Hub, params: Mapping[str, str]) -> Arrived:
    """What the browser of a subscriber brought back. Raises `CameToNothing`."""
    state = params.get("state", "")
    attempt = await _taken(hub, state) if state else None
    if "error" in params:
        said = " - ".join(shown for name in ("error", "error_description") if (shown := _plain(params.get(name, ""))))
        raise CameToNothing(f"OAuth error: {said}")
    if not state:
        raise CameToNothing("Missing required OAuth parameter: state")
    if "code" not in params and "tenant" not in params:
        raise CameToNothing("Missing required OAuth parameters: code or tenant")
    if attempt is None or attempt.expires_at <= hub.now():
        raise CameToNothing(INVALID_STATE)
    try:
        return await _arrived(hub, attempt, params)
    except CameToNothing:
        raise
    except NotFound as error:
        raise CameToNothing(error.text, status=404) from None
    except HubError as error:
        raise CameToNothing(error.text) from None


def _plain(text: str) -> str:
    """What a vendor sent along, as far as it may be shown."""
    return "".join(each for each in text if each.isprintable())[:200]


async def _taken(hub: Hub, state: str) -> OAuthAttempt | None:
    if len(state) > STATE_LENGTH or not state.isprintable():
        return None
    async with hub.db.transaction() as tx:
        attempt = await stored.take(tx, hub.vault.fingerprints(state), hub.now())
    return attempt if attempt is not None and not attempt.session else None


async def _arrived(hub: Hub, attempt: OAuthAttempt, params: Mapping[str, str]) -> Arrived:
    asked, workspace = attempt.request, attempt.workspace
    provider = PROVIDERS[attempt.provider]
    secrets = hub.vault.open(attempt.sealed or b"", bound_to=bound_to(attempt, "sealed"))
    actor = Actor(
        id="consent", name=attempt.actor, display="a subscriber's consent", workspace=workspace, role=Role.OWNER
    )
    async with hub.db.reading() as tx:
        row = await stored.app(tx, workspace, asked["app"])
        if row is None or row.provider != provider.slug or (asked["active"] and not row.active):
            raise NotFound("The integration that this was for is not there any more. Ask who sent you here.")
        app = await apps.stored_app(hub, tx, provider, row)
    back = Back(
        params=params,
        redirect_uri=asked["redirect"],
        verifier=secrets["verifier"],
        nonce=secrets["nonce"].reveal(),
        memo={},
        person=asked["person"],
        at=hub.now(),
        proves=False,
    )
    came = await apps.consent_of(provider).exchange(app, back, hub.http)
    whose = Whose(app=row, subscriber=asked["subscriber"], contexts=asked["contexts"], identifier=asked["connection"])
    if isinstance(came, Person):
        return await _linked(hub, actor, provider, whose, came)
    if not isinstance(came, Grant):
        raise PlatformError(f"{provider.name} gave an answer that makes no sense. Ask who sent you here.")
    return await _connected(hub, actor, provider, app, whose, came, asked)


async def _connected(
    hub: Hub, actor: Actor, provider: Provider, app: App, whose: Whose, grant: Grant, asked: Mapping[str, Any]
) -> Arrived:
    given = given_of(hub, grant)
    address = ""
    async with changing(hub, actor, begins=False) as change:
        connection = await linking.connected(change, whose, given)
        if grant.webhook is not None and whose.subscriber:
            await linking.linked(change, whose, "webhook", {"url": grant.webhook.reveal()}, connection)
        if asked["links"] and grant.person:
            await linking.linked(change, whose, PERSONS[provider.slug], {"userId": grant.person}, connection)
        elif asked["links"]:  # who agreed is told by a second consent alone
            again = {**asked, "person": True, "links": False, "connection": connection.identifier}
            again["scopes"] = list(apps.consent_of(provider).person_scopes)
            address = chat_consents.ask(hub, change.tx, actor, provider, app, again)
        row_id = connection.id
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    await proving.prove(hub, actor.workspace, row_id)
    named = grant.workspace.get("name") or grant.workspace["id"]
    return Arrived(address=address or _elsewhere(whose.app), provider=provider.name, account=named)


def given_of(hub: Hub, grant: Grant) -> Given:
    """A grant as the chat API's rows keep it: the token of the method's form, where the form has one."""
    secrets = {} if "app_password" in grant.form.secrets() else grant.form.given_secrets()
    ends = None if grant.lasts is None else hub.now() + timedelta(seconds=grant.lasts)
    return Given(
        workspace=grant.workspace, token=secrets.get("bot_token"), refresh=secrets.get("refresh_token"), ends=ends
    )


async def _linked(hub: Hub, actor: Actor, provider: Provider, whose: Whose, person: Person) -> Arrived:
    fields = {"userId": person.id}
    if provider.slug == "teams":
        fields["tenantId"] = person.account
    async with changing(hub, actor, begins=False) as change:
        connection = await linking.named_connection(change, whose)
        await linking.linked(change, whose, PERSONS[provider.slug], fields, connection)
    await hub.bus.publish(Changed(actor.workspace, provider.slug))
    return Arrived(address=_elsewhere(whose.app), provider=provider.name, account=person.id)


def _elsewhere(app: Connection) -> str:
    """Where the application wants the browser afterwards: its integration says so, no request does."""
    address = str(app.options.get("redirectUrl") or "").strip()
    parts = urlsplit(address)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return address if parts.scheme == "https" or (parts.scheme == "http" and local) else ""
