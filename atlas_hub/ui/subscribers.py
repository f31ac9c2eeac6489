"""The Subscribers page: what applications connected for their own people, and the end of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.clock import iso
from atlas_hub.kit.errors import HubError, NotAvailable
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import channel_connections, channel_endpoints, subscribers
from atlas_hub.services.access import Actor
from atlas_hub.services.subscribers import Listed
from atlas_hub.services.views import State
from atlas_hub.ui import banners, subscriber_rows, words
from atlas_hub.ui.guard import Tab, admin_only, entering, remember, signed_in, when_left
from atlas_hub.ui.own_page import OwnPage
from atlas_hub.ui.page import Frame
from atlas_hub.ui.showing import put
from atlas_hub.ui.theme import Behaviour, Markup, link

TITLE: Final = "Subscribers · Atlas Hub"
WORD: Final = "subscribers"
FILTERS: Final = ("search", "provider")
ON_PAGE: Final = 50
FRESH: Final[dict[str, Any]] = {
    "rows": [], "search": "", "provider": "", "older": "", "newest": "", "said": "", "problem": "", "refused": "",
    "may_change": False, "loaded": False,
}  # fmt: skip

PAGE: Final = OwnPage(WORD)


class Subscribers(rx.State):
    """What the page shows."""

    rows: rx.Field[list[list[str]]] = rx.field(default_factory=list)  # see `_row`
    search: str = ""
    provider: str = ""
    older: str = ""
    newest: str = ""
    said: str = ""
    problem: str = ""
    refused: str = ""
    may_change: bool = False
    loaded: bool = False

    @rx.event
    @entering
    async def load(self, actor: Actor) -> Any:
        """Show the part of the list that the address names."""
        put(self, FRESH)  # should reading fail, what was shown is not what the address names
        moved = await remember(self, actor)
        told: dict[str, Any] = {"loaded": True, "may_change": actor.may_change}
        try:
            told |= await _shown(dict(self.router.url.query_parameters), actor)
        except NotAvailable as error:
            told["refused"] = error.text
        put(self, told)
        return rx.call_script("window.location.reload()") if moved else None

    @rx.event
    @signed_in
    async def narrow(self, actor: Actor, typed: dict[str, Any]) -> Any:  # noqa: ARG002  # every handler is told who asks
        """Go to the address of what was chosen; the page follows it."""
        return rx.redirect(PAGE.address({name: str(typed.get(name, "")).strip() for name in FILTERS}))

    @rx.event
    @admin_only
    async def revoke(self, actor: Actor, form_data: dict[str, Any]) -> None:
        """Delete a connection with the endpoints that name it, or one endpoint."""
        kind, identifier = str(form_data.get("kind", "")), str(form_data.get("identifier", ""))
        told = {"said": "", "problem": ""}
        try:
            if kind == "connection":
                await channel_connections.delete(hub(), actor, identifier)
            else:
                await channel_endpoints.delete(hub(), actor, identifier)
        except HubError as error:
            told["problem"] = error.text
        else:
            told["said"] = f"{identifier} is deleted."
        put(self, {**await _shown(dict(self.router.url.query_parameters), actor), **told})


@when_left
async def _left(state: Any) -> None:
    put(await state.get_state(Subscribers), FRESH)


async def _shown(asked: Mapping[str, str], actor: Actor) -> dict[str, Any]:
    """The vars for an address. What means nothing in it is left out."""
    search = str(asked.get("search", ""))[: subscribers.SEARCH_LENGTH]
    provider = asked.get("provider", "") if asked.get("provider", "") in PROVIDERS else ""
    after = str(asked.get("after", ""))
    found = await subscribers.listing(hub(), actor, search, after, ON_PAGE, provider=provider)
    wanted = {"search": search, "provider": provider}
    return {
        **wanted,
        "rows": [_row(each) for each in found.rows],
        "older": PAGE.address({**wanted, "after": found.next}) if found.next else "",
        "newest": PAGE.address(wanted) if after else "",
    }


def _row(each: Listed) -> list[str]:
    """Id, kind, identifier, subscriber, contexts, provider, integration, account, who, when, word, tone, reason."""
    word, tone = ("", words.Tone.OFF)
    if each.state in set(State):
        word, tone = words.BADGES[State(each.state)]
    provider = PROVIDERS.get(each.provider)
    return [
        each.id,
        each.kind,
        each.identifier,
        each.subscriber,
        ", ".join(each.contexts),
        provider.name if provider else each.provider,
        each.integration,
        each.account,
        each.created_by,
        iso(each.created_at),
        word,
        tone.value,
        each.reason,
    ]


def at(route: str, frame: Frame | None = None) -> Callable[[], rx.Component]:
    """The page for the Integrations page's route: what the plugin adds to the app. Notes its own for its links."""
    return PAGE.at(route, frame, panel)


def panel() -> rx.Component:
    """The page's content. Its `on_load` is `Subscribers.load`."""
    made: rx.Component = rx.el.div(
        Behaviour.create(),
        banners.trouble(Subscribers.load),
        banners.notice(),
        rx.el.header(
            rx.el.div(
                rx.el.h1("Subscribers"),
                rx.el.p(
                    "What applications connected for their own people through the chat API, newest first.",
                    class_name="ah-quiet",
                ),
            ),
            class_name="ah-page-head",
        ),
        rx.el.p(
            Subscribers.said,
            class_name="ah-said",
            role="status",
            custom_attrs={"data-tone": "good", "aria-live": "polite"},
        ),
        rx.cond(Subscribers.problem != "", rx.el.p(Subscribers.problem, class_name="ah-error", role="alert")),
        rx.cond(
            Subscribers.refused != "",
            rx.el.div(
                rx.el.p(Subscribers.refused),
                class_name="ah-banner",
                custom_attrs={"data-tone": "off", "data-refused": ""},
            ),
            rx.cond(
                Subscribers.loaded,
                rx.fragment(_filters(), _list(), _paging()),
                rx.cond(Tab.trouble == "", rx.el.p("Loading the list.", role="status", class_name="ah-quiet")),
            ),
        ),
        rx.el.div(class_name="ah-hidden", role="status", custom_attrs={"aria-live": "polite", "data-ah-announce": ""}),
        class_name="atlas-hub",
        custom_attrs={"data-loaded": rx.cond(Subscribers.loaded, "yes", "")},
    )
    return made


def _filters() -> Markup:
    chats = [(slug, provider.name) for slug, provider in PROVIDERS.items() if provider.names.chat]
    return rx.el.form(
        rx.el.div(
            rx.el.label("Subscriber, identifier or account", html_for="ah-subscribers-search"),
            rx.el.input(
                id="ah-subscribers-search", name="search", type="search", default_value=Subscribers.search,
                key=Subscribers.search, max_length=subscribers.SEARCH_LENGTH, auto_complete="off",
                placeholder="How it begins",
            ),
            class_name="ah-field",
        ),
        rx.el.div(
            rx.el.label("Provider", html_for="ah-subscribers-provider"),
            rx.el.select(
                rx.el.option("All", value=""),
                *[rx.el.option(name, value=slug) for slug, name in chats],
                id="ah-subscribers-provider", name="provider", default_value=Subscribers.provider,
                key=Subscribers.provider,
            ),
            class_name="ah-field",
        ),
        rx.el.div(
            rx.el.button("Show", type="submit", class_name="ah-button ah-primary"),
            link("Show everything", to=PAGE.route, class_name="ah-button"),
            class_name="ah-acts",
        ),
        on_submit=Subscribers.narrow,
        role="search",
        class_name="ah-filters",
        custom_attrs={"aria-label": "Filter the subscribers"},
    )  # fmt: skip


def _list() -> Markup:
    nothing = rx.cond(
        (Subscribers.search != "") | (Subscribers.provider != ""),
        rx.el.p("Nothing that is stored matches."),
        rx.el.div(
            rx.el.p(rx.el.strong("No application has connected anything for its people yet.")),
            rx.el.p(
                "An application that uses the chat API lets each of its subscribers connect a Slack workspace, a Teams "
                "tenant or a Discord server of their own. Each of those connections, and each channel or person "
                "that is written to, is then listed here, and can be ended here."
            ),
        ),
    )
    return rx.cond(
        Subscribers.rows.length() > 0,
        subscriber_rows.table(Subscribers),
        rx.el.div(nothing, class_name="ah-banner", custom_attrs={"data-nothing": ""}),
    )


def _paging() -> Markup:
    return rx.el.nav(
        rx.cond(Subscribers.newest != "", rx.el.a("Newest", href=Subscribers.newest, class_name="ah-button")),
        rx.cond(Subscribers.older != "", rx.el.a("Older", href=Subscribers.older, class_name="ah-button")),
        class_name="ah-acts",
        custom_attrs={"aria-label": "Pages of the list"},
    )
