"""The Activity page: what happened in the workspace, who did it, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import reflex as rx

from atlas_hub.hub import hub
from atlas_hub.kit.errors import BadForm, NotAvailable
from atlas_hub.providers import PROVIDERS
from atlas_hub.services import activity
from atlas_hub.services.access import Actor
from atlas_hub.services.activity import Filters, Format, Page
from atlas_hub.ui import banners, events
from atlas_hub.ui.guard import Tab, entering, remember, signed_in, when_left
from atlas_hub.ui.own_page import OwnPage
from atlas_hub.ui.page import Frame
from atlas_hub.ui.showing import put
from atlas_hub.ui.theme import Behaviour, Markup, ago, file, link, shape

TITLE: Final = "Activity · Atlas Hub"
WORD: Final = "activity"
EXPORT: Final = "/api/v1/admin/integrations/activity/export"
FILTERS: Final = ("kind", "provider", "actor", "result")
COLUMNS: Final = ("When", "Who", "What", "On what", "Result")
MEMBERS: Final = (
    "Only owners and admins of this workspace may read what happened in it. Ask one of them, or ask for the role."
)
FRESH: Final[dict[str, Any]] = {
    "rows": [], "kind": "", "provider": "", "actor": "", "result": "", "older": "", "newer": "", "csv": "", "jsonl": "",
    "refused": "", "loaded": False,
}  # fmt: skip

PAGE: Final = OwnPage(WORD)


class Activity(rx.State):
    """What the page shows."""

    rows: rx.Field[list[list[str]]] = rx.field(default_factory=list)
    kind: str = ""
    provider: str = ""
    actor: str = ""
    result: str = ""
    older: str = ""
    newer: str = ""
    csv: str = ""
    jsonl: str = ""
    refused: str = ""
    loaded: bool = False

    @rx.event
    @entering
    async def load(self, actor: Actor) -> Any:
        """Show the page of events that the address names."""
        put(self, FRESH)  # should reading fail, what was shown is not what the address names
        asked = dict(self.router.url.query_parameters)
        moved = await remember(self, actor)
        told: dict[str, Any] = {"loaded": True}
        try:
            told |= await _shown(asked, actor) if actor.may_change else {"refused": MEMBERS}
        except NotAvailable as error:
            told["refused"] = error.text
        put(self, told)
        return rx.call_script("window.location.reload()") if moved else None

    @rx.event
    @signed_in
    async def narrow(self, actor: Actor, typed: dict[str, Any]) -> Any:  # noqa: ARG002  # every handler is told who asks
        """Go to the address of what was chosen; the page follows it."""
        return rx.redirect(PAGE.address({name: str(typed.get(name, "")).strip() for name in FILTERS}))


@when_left
async def _left(state: Any) -> None:
    put(await state.get_state(Activity), FRESH)


async def _shown(asked: Mapping[str, str], actor: Actor) -> dict[str, Any]:
    """The vars for an address. What means nothing in it is left out."""
    wanted = {name: asked.get(name, "") for name in FILTERS}
    try:
        filters = activity.filters_of(wanted)
    except BadForm as error:
        wanted |= dict.fromkeys(error.fields, "")
        filters = activity.filters_of(wanted)
    before, after = _seq(asked.get("before", "")), _seq(asked.get("after", ""))
    page = await _page(actor, filters, before, after)
    seqs = [event["seq"] for event in page.events]
    query = urlencode({name: value for name, value in wanted.items() if value})
    return {
        **wanted,
        "rows": [events.row(event, page.labels) for event in page.events],
        "older": PAGE.address({**wanted, "before": seqs[-1]}) if seqs and page.older else "",
        "newer": PAGE.address({**wanted, "after": seqs[0]}) if seqs and page.newer else "",
        **{str(form): f"{EXPORT}?format={form}{'&' if query else ''}{query}" for form in Format},
    }


async def _page(actor: Actor, filters: Filters, before: int | None, after: int | None) -> Page:
    page = await activity.listed(hub(), actor, filters, before=before, after=after)
    if not page.events and before is not None:  # an address of before: there is nothing as old as that
        return await activity.listed(hub(), actor, filters)
    return page


def _seq(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < len(text) < 10 else None  # noqa: PLR2004  # what the column holds


def at(route: str, frame: Frame | None = None) -> Callable[[], rx.Component]:
    """The page for the Integrations page's route: what the plugin adds to the app. Notes its own for its links."""
    return PAGE.at(route, frame, panel)


def panel() -> rx.Component:
    """The page's content. Its `on_load` is `Activity.load`."""
    made: rx.Component = rx.el.div(
        Behaviour.create(),
        banners.trouble(Activity.load),
        banners.notice(),
        rx.el.header(
            rx.el.div(
                rx.el.h1("Activity"),
                rx.el.p("What happened in this workspace, newest first.", class_name="ah-quiet"),
            ),
            rx.cond(Activity.csv != "", _exports()),
            class_name="ah-page-head",
        ),
        rx.cond(
            Activity.refused != "",
            rx.el.div(
                rx.el.p(Activity.refused), class_name="ah-banner", custom_attrs={"data-tone": "off", "data-refused": ""}
            ),
            rx.cond(
                Activity.loaded,
                rx.fragment(_filters(), _count(), _events(), _paging()),
                rx.cond(Tab.trouble == "", _bones()),
            ),
        ),
        rx.el.div(class_name="ah-hidden", role="status", custom_attrs={"aria-live": "polite", "data-ah-announce": ""}),
        class_name="atlas-hub",
        custom_attrs={"data-loaded": rx.cond(Activity.loaded, "yes", "")},
    )
    return made


def _exports() -> Markup:
    """Everything that matches, as a file: plain links, for what answers is no page."""
    return rx.el.p(
        "Export as ",
        file("CSV", href=Activity.csv, aria_label="Export as CSV"),
        " or ",
        file("JSON lines", href=Activity.jsonl, aria_label="Export as JSON lines"),
    )


def _filters() -> Markup:
    kinds = [("", "Everything"), *((kind, text) for kind, text in events.KINDS.items())]
    providers = [("", "All"), *((slug, provider.name) for slug, provider in PROVIDERS.items())]
    results = [("", "Any"), ("ok", "Went well"), ("failed", "Failed")]
    return rx.el.form(
        _choice("What", "kind", kinds, Activity.kind),
        _choice("Provider", "provider", providers, Activity.provider),
        rx.el.div(
            rx.el.label("Person", html_for="ah-activity-actor"),
            rx.el.input(
                id="ah-activity-actor", name="actor", type="search", default_value=Activity.actor, key=Activity.actor,
                max_length=200, auto_complete="off", placeholder="Part of the address",
            ),
            class_name="ah-field",
        ),
        _choice("Result", "result", results, Activity.result),
        rx.el.div(
            rx.el.button("Show", type="submit", class_name="ah-button ah-primary"),
            link("Show everything", to=PAGE.route, class_name="ah-button"),
            class_name="ah-acts",
        ),
        on_submit=Activity.narrow,
        role="search",
        class_name="ah-filters",
        custom_attrs={"aria-label": "Filter the activity"},
    )  # fmt: skip


def _choice(label: str, name: str, options: list[tuple[str, str]], value: Any) -> Markup:
    place = f"ah-activity-{name}"
    return rx.el.div(
        rx.el.label(label, html_for=place),
        rx.el.select(
            *[rx.el.option(text, value=each) for each, text in options],
            id=place, name=name, default_value=value, key=value,
        ),
        class_name="ah-field",
    )  # fmt: skip


def _count() -> Markup:
    """How many are shown, told to the ear at every change."""
    return rx.el.p(
        rx.match(Activity.rows.length(), (0, ""), (1, "One event."), f"{Activity.rows.length()} events."),
        role="status",
        class_name="ah-hidden",
    )


def _events() -> Markup:
    """The table, whose roles are said again: where it is narrow its rows are blocks."""
    return rx.cond(
        Activity.rows.length() > 0,
        rx.el.table(
            rx.el.caption("What happened, newest first", class_name="ah-hidden"),
            rx.el.thead(
                rx.el.tr(*[rx.el.th(name, scope="col", role="columnheader") for name in COLUMNS], role="row"),
                role="rowgroup",
            ),
            rx.el.tbody(rx.foreach(Activity.rows, _row), role="rowgroup"),
            role="table",
            class_name="ah-events",
        ),
        rx.el.div(
            rx.el.p("Nothing that happened here matches."), class_name="ah-banner", custom_attrs={"data-nothing": ""}
        ),
    )


def _row(row: Any) -> Markup:
    return rx.el.tr(
        _cell("When", ago(row[1])),
        _cell("Who", row[2]),
        _cell("What", row[3], rx.cond(row[6] != "", rx.el.div(row[6], class_name="ah-quiet ah-small"))),
        _cell("On what", rx.cond(row[4] != "", rx.el.strong(row[4], " ")), row[5]),
        _cell(
            "Result",
            rx.cond(
                row[7] != "",
                rx.el.span(shape("broken"), "Failed", class_name="ah-badge", custom_attrs={"data-tone": "broken"}),
                "Went well",
            ),
        ),
        key=row[0],
        role="row",
    )


def _cell(name: str, *content: Any) -> Markup:
    return rx.el.td(rx.el.div(*content), role="cell", custom_attrs={"data-name": name})


def _paging() -> Markup:
    return rx.el.nav(
        rx.cond(Activity.newer != "", rx.el.a("Newer", href=Activity.newer, class_name="ah-button")),
        rx.cond(Activity.older != "", rx.el.a("Older", href=Activity.older, class_name="ah-button")),
        class_name="ah-acts",
        custom_attrs={"aria-label": "Pages of the activity"},
    )


def _bones() -> Markup:
    return rx.el.div(
        rx.el.p("Loading the activity.", class_name="ah-hidden", role="status"),
        *[rx.el.span(class_name="ah-bone", custom_attrs={"aria-hidden": "true"}) for _ in range(6)],
    )
