"""The stand-alone app's frame: header with workspace, navigation, colour mode and sign-out around a page's content."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.accounts import actors
from atlas_hub.hub import hub
from atlas_hub.services.access import Actor
from atlas_hub.ui.guard import entering, when_left
from atlas_hub.ui.showing import put
from atlas_hub.ui.theme import Markup, link

ROUTE = "/admin/integrations"
ENTRIES = (
    ("Integrations", ROUTE),
    ("OAuth apps", f"{ROUTE}/apps"),
    ("Subscribers", f"{ROUTE}/subscribers"),
    ("Activity", f"{ROUTE}/activity"),
)
"""The navigation: a word and where it leads."""


class Seated(rx.State):
    """Who is signed in and where, for the header."""

    name: str = ""
    workspace: str = ""
    workspace_name: str = ""
    is_admin: bool = False
    workspaces: rx.Field[list[list[str]]] = rx.field(default_factory=list)

    @rx.event
    @entering
    async def load(self, actor: Actor) -> None:
        """Fill the header."""
        seats = await actors.memberships_of(actor) if hub().has_database else []
        put(
            self,
            {
                "name": actor.name,
                "workspace": actor.workspace,
                "workspace_name": actor.workspace_name,
                "is_admin": actor.may_change,
                "workspaces": [[seat.workspace, seat.name] for seat in seats],
            },
        )


@when_left
async def _left(state: Any) -> None:
    put(
        await state.get_state(Seated),
        {"name": "", "workspace": "", "workspace_name": "", "is_admin": False, "workspaces": []},
    )


def frame(content: rx.Component) -> rx.Component:
    """The content within header and landmarks."""
    made: rx.Component = rx.el.div(
        rx.el.a("Skip to the content", href="#content", class_name="ah-skip"),
        rx.el.header(
            rx.el.span("Atlas Hub", class_name="ah-brand"),
            _workspace(),
            rx.el.nav(
                *[link(word, to=to, custom_attrs={"aria-current": _current(to)}) for word, to in ENTRIES],
                rx.cond(Seated.is_admin, link("Settings", to="/settings", reload_document=True)),
                custom_attrs={"aria-label": "Main"},
            ),
            rx.el.button(
                rx.el.span("◐", custom_attrs={"aria-hidden": "true"}),
                rx.el.span("Switch between light and dark", class_name="ah-hidden"),
                type="button",
                class_name="ah-button ah-icon",
                title="Light or dark",
                on_click=rx.toggle_color_mode,
            ),
            rx.el.span(Seated.name, class_name="ah-quiet ah-small ah-who"),
            rx.el.form(
                rx.el.button("Sign out", type="submit", class_name="ah-button"),
                action="/sign-out",
                method="post",
                on_submit=None,  # else Reflex keeps the browser from sending it
                custom_attrs={"data-ah-forgets": ""},
            ),
            class_name="ah-top",
        ),
        rx.el.main(content, id="content", tab_index=-1),
        class_name="ah-frame",
        on_mount=Seated.load,
    )
    return made


def _current(to: str) -> Markup:
    """Whether an entry is where we are: its address or one below it, unless another entry's is nearer."""
    path = rx.State.router.url.path

    def beneath(place: str) -> Any:
        return (path == place) | path.startswith(f"{place}/")

    here = beneath(to)
    for _, other in ENTRIES:
        if other.startswith(f"{to}/"):
            here = here & ~beneath(other)
    return rx.cond(here, "page", "false")


def _workspace() -> Markup:
    """The workspace's name, or a choice where there are several: a plain form, whose answer may change a cookie."""
    return rx.cond(
        Seated.workspaces.length() > 1,
        rx.el.form(
            rx.el.label("Workspace", html_for="ah-workspace", class_name="ah-hidden"),
            rx.el.select(
                rx.foreach(Seated.workspaces, lambda seat: rx.el.option(seat[1], value=seat[0])),
                id="ah-workspace",
                name="workspace",
                default_value=Seated.workspace,
                key=Seated.workspace,
            ),
            rx.el.button("Switch", type="submit", class_name="ah-button"),
            action="/workspace",
            custom_attrs={"data-ah-forgets": ""},
            method="post",
            on_submit=None,  # else Reflex keeps the browser from sending it
        ),
        rx.el.span(Seated.workspace_name),
    )
