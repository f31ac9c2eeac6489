"""The Integrations page: its one load event, which fills every card, and its markup."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add, or_
from typing import Any, Final

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.providers import PARTS, PROVIDERS, key_of, parts_of
from atlas_hub.providers.contract import Category, Provider
from atlas_hub.services import delivery, dependents, status
from atlas_hub.services.access import Actor
from atlas_hub.ui import banners, card, channels, doctor, live, parts, words
from atlas_hub.ui.cards import CARDS, settle
from atlas_hub.ui.drawer import drawer
from atlas_hub.ui.finding import find, nothing
from atlas_hub.ui.guard import entering, remember, signed_in, when_left
from atlas_hub.ui.showing import blank, put, show
from atlas_hub.ui.theme import ASKED, Behaviour, Markup, address, link, shape

HOOKS: Final = Category.WEBHOOKS
TITLE: Final = "Integrations · Atlas Hub"

APPS: Final = "apps"
"""The end of the address of the page with the OAuth apps."""

Frame = Callable[[rx.Component], rx.Component]


class Page(rx.State):
    """What the page shows beside its cards."""

    drawer: str = ""
    unknown: str = ""
    may_change: bool = False
    locked: str = ""
    preview: str = ""
    alert: str = ""
    address: str = ""
    webhooks: int = 0
    used: rx.Field[dict[str, list[str]]] = rx.field(default_factory=dict)
    loaded: bool = False

    @rx.event
    @entering
    async def load(self, actor: Actor) -> Any:
        """Fill every card in one query and one delta, open the drawer of the address, follow the changes."""
        the_hub = hub()
        # Before the query: what changes between the two rings for this tab already.
        token = self.router.session.client_token
        live.add(token, actor.workspace)
        seen = await status.overview(the_hub, actor)
        key = _slug(self.router.url)
        used = await dependents.of_provider(the_hub, actor, PARTS[key].slug) if key in PARTS else {}
        moved = await remember(self, actor)
        put(
            self,
            {
                "drawer": key if key in PARTS else "",
                "unknown": "" if key in PARTS else key,
                "may_change": actor.may_change,
                "locked": the_hub.vault.reason if the_hub.vault.locked else "",
                "address": the_hub.settings.address,
                "webhooks": seen.webhooks,
                "used": {connection: words.used_by(found) for connection, found in used.items() if found},
                "preview": delivery.test_message(actor, the_hub).text,
                "alert": delivery.test_alert(actor, the_hub).text,
                "loaded": True,
            },
        )
        at = the_hub.now()
        for view in seen.cards:
            state = await self.get_state(CARDS[view.key])
            settle(state, token)
            show(state, view.seen_by(actor), at)
        # The workspace was switched in another tab: what stands around the page is of the former one.
        return rx.call_script("window.location.reload()") if moved else None

    @rx.event
    @signed_in
    async def open(self, actor: Actor, key: str) -> None:  # noqa: ARG002  # every handler is told who asks
        """Open a part's drawer; the address follows by itself."""
        put(self, {"drawer": key if key in PARTS else ""})


@when_left
async def _left(state: Any) -> None:
    put(
        await state.get_state(Page),
        {"drawer": "", "may_change": False, "preview": "", "alert": "", "used": {}, "loaded": False},
    )
    for kind in CARDS.values():
        blank(await state.get_state(kind))


_route: list[str] = []
"""Where the page of the plugin's own is, the last one noted; none where the host places the panel."""


def _slug(url: Any) -> str:
    """Which drawer an address asks for, at most a short word: below the page's route, else in the query."""
    for route in _route[-1:]:
        _, found, rest = url.path.partition(f"{route}/")
        if found:
            return str(rest).strip("/").split("/")[0][:40]
    return str(url.query_parameters.get(ASKED, ""))[:40]


def at(route: str, frame: Frame | None = None) -> Callable[[], rx.Component]:
    """The page for a route: what the plugin adds to the app. Notes the route for links and addresses."""
    _route.append(route.rstrip("/"))
    return lambda: page(route.rstrip("/"), frame)


def page(route: str, frame: Frame | None = None) -> rx.Component:
    """The page, in the frame where there is one."""
    return framed(_content(route), frame)


def framed(content: rx.Component, frame: Frame | None) -> rx.Component:
    """A page's content in the host's frame, or by itself where there is none."""
    made: rx.Component = frame(content) if frame else rx.el.main(content, id="content")
    return made


def panel() -> rx.Component:
    """The page's content for a page of the host's, which loads it by itself and keeps its drawers in the query."""
    made: rx.Component = rx.el.div(
        # Mounted anew after each navigation and each reconnection, as an `on_load` of the page would be called.
        rx.cond(rx.State.is_hydrated, rx.el.span(hidden=True, on_mount=Page.load)),
        _content(""),
    )
    return made


def _content(route: str) -> rx.Component:
    made: rx.Component = rx.el.div(
        Behaviour.create(),
        _notices(route),
        _header(route),
        _needy(route),
        *[_group(category, _of(category), route) for category in Category if _of(category) or category is HOOKS],
        nothing(),
        channels.strip(route, Page),
        _drawer(route),
        # What ran out is looked at again: the script presses it, for nothing rings when a time is over.
        rx.el.button("Look again", type="button", hidden=True, on_click=Page.load, custom_attrs={"data-ah-reload": ""}),
        rx.el.div(class_name="ah-hidden", role="status", custom_attrs={"aria-live": "polite", "data-ah-announce": ""}),
        class_name="atlas-hub",
        custom_attrs={"data-loaded": rx.cond(Page.loaded, "yes", "")},
    )
    return made


def _of(category: Category) -> list[Provider]:
    return [provider for provider in PROVIDERS.values() if provider.category is category]


def _count(holds: Callable[[Any], Any]) -> Any:
    """How many parts a condition holds for, counted in the browser."""
    return reduce(add, [rx.cond(holds(state), 1, 0) for state in CARDS.values()])


def _connected() -> Any:
    """How many providers have a part that is connected."""
    each = [[parts.connected(CARDS[key_of(part)]) for part in parts_of(slug)] for slug in PROVIDERS]
    return reduce(add, [rx.cond(reduce(or_, some), 1, 0) for some in each])


def _header(route: str) -> Markup:
    return rx.el.header(
        rx.el.div(
            rx.el.h1("Integrations"),
            rx.el.p(
                "What this workspace sends through and listens to. ",
                rx.cond(
                    Page.loaded,
                    rx.el.span(
                        rx.el.strong(_connected()),
                        f" of {len(PROVIDERS)} connected",
                        class_name="ah-counter",
                    ),
                ),
                class_name="ah-quiet",
            ),
        ),
        rx.el.div(
            find(),
            *(
                [rx.cond(Page.may_change, rx.fragment(_apps(route), doctor.opener(route)))] if route else []
            ),  # a host's own page has no such address
            class_name="ah-row",
        ),
        class_name="ah-page-head",
    )


def _apps(route: str) -> Markup:
    return link("OAuth apps", to=f"{route}/{APPS}", class_name="ah-button")


def _notices(route: str) -> Markup:
    return rx.fragment(
        banners.trouble(Page.load),
        rx.cond(
            Page.locked != "",
            rx.el.div(
                rx.el.p(rx.el.strong("The vault is locked. "), Page.locked),
                class_name="ah-banner",
                role="alert",
                custom_attrs={"data-tone": "broken", "data-banner": "locked"},
            ),
        ),
        rx.cond(
            Page.unknown != "",
            rx.el.div(
                rx.el.p("There is no integration called “", Page.unknown, "” here. The ones there are stand below."),
                link("Show all", to=address(route), class_name="ah-button"),
                class_name="ah-banner",
                custom_attrs={"data-tone": "off", "data-banner": "unknown"},
            ),
        ),
        banners.notice(),
    )


def _needy(route: str) -> Markup:
    count = _count(lambda state: state.needs)
    broken = _count(lambda state: state.needs & (state.tone == words.Tone.BROKEN.value)) > 0
    return rx.cond(
        Page.may_change & (count > 0),
        rx.el.section(
            rx.el.h2(
                shape(rx.cond(broken, "broken", "attention")),
                "Needs you · ",
                count,
                id="ah-needs",
            ),
            rx.el.ul(
                *[card.needy(part, CARDS[key], route) for key, part in PARTS.items()],
                class_name="ah-plain ah-needs",
            ),
            custom_attrs={"aria-labelledby": "ah-needs"},
        ),
    )


def _group(category: Category, providers: list[Provider], route: str) -> Markup:
    place = f"ah-group-{category.name.lower()}"
    return rx.el.section(
        rx.el.h2(category.value, id=place),
        rx.el.div(
            *[_card(provider.slug, route) for provider in providers],
            *([channels.webhooks(Page)] if category is HOOKS else []),
            class_name="ah-grid",
        ),
        custom_attrs={"aria-labelledby": place, "data-ah-group": ""},
    )


def _card(slug: str, route: str) -> Markup:
    main, *others = parts_of(slug)
    return card.card(main, CARDS[slug], route, Page, [(part, CARDS[key_of(part)]) for part in others])


def _drawer(route: str) -> Markup:
    return rx.el.dialog(
        rx.match(
            Page.drawer,
            *[(key, drawer(part, CARDS[key], route, Page)) for key, part in PARTS.items()],
            rx.fragment(),
        ),
        class_name="ah-drawer",
        custom_attrs={"data-ah-modal": rx.cond(Page.drawer != "", "open", ""), "aria-labelledby": "ah-drawer-title"},
    )
