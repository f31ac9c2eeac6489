"""The channels in the drawer: search, what is synced, the default destination, and what the list does not tell."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.ui import picking
from atlas_hub.ui.facts import section
from atlas_hub.ui.theme import Markup, ago

Channels: Any = picking.Channels
"""Reflex does not type what its states are in markup."""
WAIT = 400
"""Milliseconds without a key before what was typed is looked for."""


def channels(provider: Provider, state: Any, page: Any) -> Markup:
    """The section, which shows what was listed last as soon as it is there."""
    inside = rx.cond(
        Channels.phase == "ready",
        rx.cond(
            Channels.can,
            rx.fragment(_told(provider, page), _list(provider, state, page)),
            rx.el.p(Channels.why, class_name="ah-quiet", custom_attrs={"data-lists-not": ""}),
        ),
        rx.el.p("Loading…", class_name="ah-quiet"),
    )
    made = section("Channels", inside, on_mount=Channels.open(state.connection), custom_attrs={"data-channels": ""})
    # Another connection, another list.
    return rx.cond(state.connection != "", rx.el.div(made, key=state.connection))


def _told(provider: Provider, page: Any) -> Markup:
    """How old the list is, the button that asks again, and what became of that."""
    age = rx.cond(
        Channels.at != "",
        rx.fragment(f"{provider.name} listed them ", ago(Channels.at), "."),
        f"{provider.name} was not asked for its channels yet.",
    )
    return rx.fragment(
        rx.el.div(
            rx.el.span(age, class_name="ah-quiet ah-grow"), rx.cond(page.may_change, _refresh()), class_name="ah-row"
        ),
        rx.cond(
            Channels.until != "",
            rx.el.p(
                f"{provider.name} asks to wait until ",
                ago(Channels.until, "clock"),
                ". What was listed before stays.",
                class_name="ah-reason",
                role="status",
                custom_attrs={"data-wait": Channels.until},
            ),
        ),
        rx.cond(
            (Channels.fault != "") & (Channels.error == ""),
            rx.el.p(
                "The last listing failed: ", Channels.fault, class_name="ah-reason", custom_attrs={"data-fault": ""}
            ),
        ),
        rx.el.p(Channels.error, class_name="ah-error", role="alert"),
        rx.el.p(Channels.said, class_name="ah-quiet", role="status", custom_attrs={"data-ah-listed": ""}),
        rx.foreach(Channels.notes, lambda note: rx.el.p(note, class_name="ah-reason", custom_attrs={"data-note": ""})),
        rx.cond(
            Channels.lacks.length() > 0,
            rx.el.p("A fuller list needs: ", rx.el.code(Channels.lacks.join(", ")), class_name="ah-quiet"),
        ),
    )


def _refresh() -> Markup:
    return rx.el.button(
        rx.cond(Channels.busy == "refresh", "Listing…", rx.cond(Channels.at != "", "Refresh", "List the channels")),
        type="button",
        class_name="ah-button",
        on_click=Channels.refresh,
        custom_attrs={"aria-disabled": rx.cond(Channels.busy != "", "true", "false"), "data-refresh": ""},
    )


def _list(provider: Provider, state: Any, page: Any) -> Markup:
    """The rows in a form whose Save takes every change, drawn or not."""
    empty = rx.el.p(
        rx.cond(
            Channels.query != "",
            "No channel has this in its name.",
            f"{provider.name} lists no channel here. Invite the bot to one, then refresh.",
        ),
        class_name="ah-quiet",
        custom_attrs={"data-none": ""},
    )
    form = rx.el.form(
        # Without a value of React's, which it would put back at every change of the page.
        rx.el.input(type="hidden", name="changes", key=f"changes-{Channels.saves}"),
        rx.el.fieldset(
            rx.el.legend("Channels of ", state.account),
            _search(provider),
            _count(),
            _invitation(state),
            rx.cond(page.may_change, _everything()),
            rx.cond(Channels.rows.length() > 0, _table(page), empty),
            class_name="ah-which ah-channels",
        ),
        rx.cond(page.may_change, _acts()),
        on_submit=Channels.save,
        no_validate=True,
        auto_complete="off",
        class_name="ah-form",
        custom_attrs={"aria-label": f"Channels of {provider.name}", "data-ah-picks": ""},
    )
    return rx.cond(Channels.at != "", form)


def _search(provider: Provider) -> Markup:
    return rx.cond(
        (Channels.total > 8) | (Channels.query != ""),  # noqa: PLR2004  # so many are seen at a glance
        rx.el.input(
            type="search",
            placeholder="Search channels",
            auto_complete="off",
            on_change=Channels.search.debounce(WAIT),
            aria_label=f"Search channels of {provider.name}",
            custom_attrs={"data-ah-enters-not": ""},
        ),
    )


def _count() -> Markup:
    """How many there are, said to the ear when it changes."""
    drawn = Channels.rows.length()
    return rx.el.p(
        rx.cond(
            drawn < Channels.found,
            rx.fragment(drawn, " of ", Channels.found, " channels are shown. Search to find the others."),
            rx.cond(
                Channels.query != "",
                rx.fragment(Channels.found, " of ", Channels.total, " channels are shown."),
                rx.fragment(Channels.total, rx.cond(Channels.total == 1, " channel.", " channels.")),
            ),
        ),
        " ",
        rx.cond(Channels.synced > 0, rx.fragment(Channels.synced, " synced. "), "None is synced. "),
        rx.cond(Channels.default != "", rx.fragment("Default destination: ", Channels.default, "."), ""),
        class_name="ah-quiet ah-small",
        role="status",
        custom_attrs={"data-ah-count": ""},
    )


def _invitation(state: Any) -> Markup:
    """What brings the bot into a channel, where people say something for that."""
    return rx.cond(
        state.invite != "",
        rx.el.p(
            "Where the bot is not in a channel, say there ",
            rx.el.code(state.invite, class_name="ah-value"),
            " ",
            rx.el.button(
                "Copy",
                rx.el.span(" the invitation", class_name="ah-hidden"),
                type="button",
                class_name="ah-button ah-copy",
                custom_attrs={"data-ah-copy": state.invite},
            ),
            class_name="ah-quiet ah-small",
            custom_attrs={"data-invitation": ""},
        ),
    )


def _everything() -> Markup:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            name="sync_all",
            value="yes",
            key=f"all-{Channels.sync_all}-{Channels.saves}",
            default_checked=Channels.sync_all,
            custom_attrs={"data-ah-all": ""},
        ),
        rx.el.span(
            "Sync all public channels", rx.el.span(", those to come too; no private ones", class_name="ah-quiet")
        ),
        class_name="ah-radio",
    )


def _table(page: Any) -> Markup:
    head = [rx.el.th("Channel", scope="col")]
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                *head,
                rx.el.th("Sync", scope="col"),
                rx.el.th("Default", scope="col"),
            )
        ),
        rx.el.tbody(
            rx.cond(page.may_change, _nowhere()),
            rx.foreach(Channels.rows, lambda row: _row(row, page)),
        ),
        class_name="ah-picks",
    )


def _nowhere() -> Markup:
    """The row that makes nothing the default destination."""
    none = Channels.default == ""
    return rx.el.tr(
        rx.el.th("No default destination", scope="row", class_name="ah-quiet"),
        rx.el.td(),
        rx.el.td(_radio("", "No default destination", none, rx.cond(none, "yes", ""))),
        key=f"none-{none}-{Channels.saves}",
    )


def _row(row: Any, page: Any) -> Markup:
    """`row`: id, name, private, members, sync, joined, missing, former name, default."""
    chosen, default = row[4] == "yes", row[8] == "yes"
    return rx.el.tr(
        rx.el.th(rx.el.span(row[1], class_name="ah-channel-name"), *_marks(row), scope="row"),
        rx.el.td(
            rx.cond(
                page.may_change,
                rx.el.input(
                    type="checkbox",
                    default_checked=chosen,
                    disabled=Channels.sync_all,
                    aria_label="Sync " + row[1],
                    custom_attrs={"data-ah-pick": row[0]},
                ),
                rx.cond(chosen, rx.el.span("✓", rx.el.span(" synced", class_name="ah-hidden"))),
            )
        ),
        rx.el.td(
            rx.cond(
                page.may_change,
                rx.cond((row[6] == "") | default, _radio(row[0], "Default destination: " + row[1], default, row[8])),
                rx.cond(default, rx.el.span("✓", rx.el.span(" default destination", class_name="ah-hidden"))),
            )
        ),
        # Drawn anew where what is stored of it changed.
        key=f"{row[0]}-{row[4]}-{row[8]}-{Channels.saves}",
        custom_attrs={"data-channel-id": row[0], "data-missing": row[6], "data-private": row[2]},
    )


def _radio(value: Any, label: Any, ticked: Any, stored: Any) -> Markup:
    return rx.el.input(
        type="radio",
        name="destination",
        value=value,
        default_checked=ticked,
        aria_label=label,
        custom_attrs={"data-ah-goes": stored},
    )


def _marks(row: Any) -> list[Markup]:
    """What else is to be known of a channel, each in words."""

    def mark(kind: str, holds: Any, *text: Any) -> Markup:
        return rx.cond(holds, rx.el.span(*text, class_name="ah-pick-mark", custom_attrs={"data-mark": kind}))

    return [
        mark("private", row[2] == "yes", "Private"),
        mark("members", row[3] != "", row[3], rx.cond(row[3] == "1", " member", " members")),
        mark("renamed", row[7] != "", "was ", row[7]),
        mark("missing", row[6] == "yes", "Not listed any more: deleted, archived, or the bot was removed"),
        mark("invite", (row[5] == "no") & (row[6] == ""), "The bot is not in it"),
    ]


def _acts() -> Markup:
    return rx.el.div(
        rx.el.p(class_name="ah-quiet ah-grow", role="status", key=f"unsaved-{Channels.saves}",
                custom_attrs={"data-ah-unsaved": ""}),
        rx.el.button(
            rx.cond(Channels.busy == "save", "Saving…", "Save"),
            type="submit",
            class_name="ah-button ah-primary",
            custom_attrs={"aria-disabled": rx.cond(Channels.busy != "", "true", "false")},
        ),
        class_name="ah-acts",
    )  # fmt: skip
