"""The OAuth apps page: the apps by which consents are asked for, the operator's and the workspace's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import BadForm, HubError, NotAvailable
from atlas_hub.services import oauth_apps
from atlas_hub.services.access import ADMINS_ALONE, Actor
from atlas_hub.services.oauth_apps import AppView, ProviderApps
from atlas_hub.ui import app_forms, banners
from atlas_hub.ui.guard import Tab, admin_only, entering, remember, when_left
from atlas_hub.ui.page import Frame, framed
from atlas_hub.ui.showing import put
from atlas_hub.ui.theme import Behaviour, link

TITLE: Final = "OAuth apps · Atlas Hub"
WORD: Final = "apps"
FRESH: Final[dict[str, Any]] = {
    "apps": {}, "given": {}, "variables": {}, "redirects": {}, "chat_redirect": "", "said": "", "errors": {},
    "refused": "", "loaded": False, "done": 0,
}  # fmt: skip


class Apps(rx.State):
    """What the page shows: texts alone, and nothing of what is typed."""

    apps: rx.Field[dict[str, list[list[str]]]] = rx.field(default_factory=dict)  # see `_row`
    given: rx.Field[dict[str, str]] = rx.field(default_factory=dict)  # slug → what is said of the operator's app
    variables: rx.Field[dict[str, list[str]]] = rx.field(default_factory=dict)
    redirects: rx.Field[dict[str, str]] = rx.field(default_factory=dict)
    chat_redirect: str = ""
    said: str = ""
    errors: rx.Field[dict[str, str]] = rx.field(default_factory=dict)  # "<slug or app>.<field>" → sentence
    refused: str = ""
    loaded: bool = False
    done: int = 0  # grows with each verb that went well: the forms are made anew, and hold nothing that was typed

    @rx.event
    @entering
    async def load(self, actor: Actor) -> Any:
        """Show every app."""
        put(self, FRESH)
        moved = await remember(self, actor)
        told: dict[str, Any] = {"loaded": True}
        try:
            told |= await _shown(actor) if actor.may_change else {"refused": ADMINS_ALONE}
        except NotAvailable as error:
            told["refused"] = error.text
        put(self, told)
        return rx.call_script("window.location.reload()") if moved else None

    @rx.event
    @admin_only
    async def add(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Store an app. What was typed goes through and is kept nowhere."""
        slug, name, values = _typed(form_data)

        async def work() -> str:
            made = await oauth_apps.add(hub(), actor, slug, name, values)
            return f"{made.name} is stored."

        await self._do(actor, slug, work)

    @rx.event
    @admin_only
    async def replace(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Give an app other credentials; what is left empty stays."""
        app = str(form_data.get("_app", ""))
        slug, _, values = _typed(form_data)

        async def work() -> str:
            made = await oauth_apps.change_secrets(hub(), actor, slug, app, values)
            return f"{made.name} has its new credentials."

        await self._do(actor, app, work)

    @rx.event
    @admin_only
    async def rename(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Call an app something else."""
        app, slug, name = (str(form_data.get(each, "")) for each in ("_app", "_slug", "name"))

        async def work() -> str:
            made = await oauth_apps.rename(hub(), actor, slug, app, name)
            return f"It is called {made.name} now."

        await self._do(actor, app, work)

    @rx.event
    @admin_only
    async def delete(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Delete an app with what subscribers connected by it."""
        app, slug = str(form_data.get("_app", "")), str(form_data.get("_slug", ""))

        async def work() -> str:
            await oauth_apps.remove(hub(), actor, slug, app)
            return "The app is deleted."

        await self._do(actor, app, work)

    @rx.event
    @admin_only
    async def use(self, actor: Actor, slug: str, app: str, on: bool) -> None:  # noqa: FBT001  # a switch
        """Have the page's button take an app, or no more."""

        async def work() -> str:
            made = await oauth_apps.use(hub(), actor, str(slug), str(app), on=on is True)
            return f"The page uses {made.name} now." if made.on_page else f"The page does not use {made.name} any more."

        await self._do(actor, str(app), work)

    async def _do(self, actor: Actor, place: str, work: Callable[[], Awaitable[str]]) -> None:
        """Do the work, and show what came of it; `place` is whose form says what was wrong."""
        told: dict[str, Any] = {"said": "", "errors": {}}
        try:
            told["said"] = await work()
        except BadForm as error:
            told["errors"] = {f"{place}.{field}": text for field, text in error.fields.items()}
        except HubError as error:
            told["errors"] = {f"{place}.": error.text}
        else:
            told["done"] = self.done + 1
        put(self, {**await _shown(actor), **told})


@when_left
async def _left(state: Any) -> None:
    put(await state.get_state(Apps), FRESH)


def _typed(form_data: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    """Provider, name and credentials of a form, which is emptied."""
    slug, name = str(form_data.get("_slug", "")), str(form_data.get("_name", ""))
    values = {key: text for key, text in form_data.items() if isinstance(text, str) and not key.startswith("_")}
    form_data.clear()
    return slug, name, values


async def _shown(actor: Actor) -> dict[str, Any]:
    found = await oauth_apps.listing(hub(), actor)
    return {
        "apps": {each.provider.slug: [_row(app) for app in each.apps] for each in found},
        "given": {each.provider.slug: _said(each) for each in found},
        "variables": {each.provider.slug: list(each.variables) for each in found},
        "redirects": {each.provider.slug: each.redirects[0] for each in found},
        "chat_redirect": found[0].redirects[1] if found else "",
    }


def _said(each: ProviderApps) -> str:
    if not each.given:
        return ""
    number = each.given_connections
    return f"The operator gave an app. {number} connection{' depends' if number == 1 else 's depend'} on it."


def _row(app: AppView) -> list[str]:
    """Id, name, identifier, client id, masks, who, when, whether used on the page, how many depend, whether whole."""
    return [
        app.id,
        app.name,
        app.identifier,
        app.client_id,
        " · ".join(f"{title} {mask}" for title, mask in app.masks),
        app.created_by,
        iso(app.created_at),
        "yes" if app.on_page else "",
        str(app.connections),
        "yes" if app.whole and app.active else "",
    ]


def at(route: str, frame: Frame | None = None) -> Callable[[], rx.Component]:
    """The page for the Integrations page's route: what the plugin adds to the app."""
    return lambda: framed(panel(route), frame)


def panel(route: str) -> rx.Component:
    """The page's content. Its `on_load` is `Apps.load`."""
    made: rx.Component = rx.el.div(
        Behaviour.create(),
        banners.trouble(Apps.load),
        banners.notice(),
        rx.el.header(
            rx.el.div(
                rx.el.h1("OAuth apps"),
                rx.el.p(
                    "An app is who asks at a vendor for what this workspace connects by consent.", class_name="ah-quiet"
                ),
            ),
            link("Back to Integrations", to=route, class_name="ah-button"),
            class_name="ah-page-head",
        ),
        rx.el.p(
            Apps.said, class_name="ah-said", role="status", custom_attrs={"data-tone": "good", "aria-live": "polite"}
        ),
        rx.cond(
            Apps.refused != "",
            rx.el.div(
                rx.el.p(Apps.refused), class_name="ah-banner", custom_attrs={"data-tone": "off", "data-refused": ""}
            ),
            rx.cond(
                Apps.loaded,
                rx.fragment(*[app_forms.section(provider, Apps) for provider in oauth_apps.consenting()]),
                rx.cond(Tab.trouble == "", rx.el.p("Loading the apps.", role="status", class_name="ah-quiet")),
            ),
        ),
        rx.el.div(class_name="ah-hidden", role="status", custom_attrs={"aria-live": "polite", "data-ah-announce": ""}),
        class_name="atlas-hub",
        custom_attrs={"data-loaded": rx.cond(Apps.loaded, "yes", "")},
    )
    return made
