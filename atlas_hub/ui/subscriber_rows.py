"""The table of the Subscribers page. The state is `subscribers.Subscribers`."""

from __future__ import annotations

from typing import Any, Final

import reflex as rx

from atlas_hub.ui.confirming import confirming
from atlas_hub.ui.theme import Markup, ago, shape

COLUMNS: Final = ("Subscriber", "What", "Where", "State", "Made", "End")


def table(state: Any) -> Markup:
    """The table, whose roles are said again: where it is narrow its rows are blocks."""
    return rx.el.table(
        rx.el.caption("Connections and endpoints of subscribers, newest first", class_name="ah-hidden"),
        rx.el.thead(
            rx.el.tr(*[rx.el.th(name, scope="col", role="columnheader") for name in COLUMNS], role="row"),
            role="rowgroup",
        ),
        rx.el.tbody(rx.foreach(state.rows, lambda row: _row(row, state)), role="rowgroup"),
        role="table",
        class_name="ah-events",
    )


def _row(row: Any, state: Any) -> Markup:
    """`row` as `subscribers._row` makes it."""
    return rx.el.tr(
        _cell(
            "Subscriber",
            rx.cond(row[3] != "", rx.el.strong(row[3]), rx.el.span("Shared", class_name="ah-quiet")),
            rx.cond(row[4] != "", rx.el.div(row[4], class_name="ah-quiet ah-small")),
        ),
        _cell(
            "What",
            rx.cond(row[1] == "connection", "Connection", "Endpoint"),
            rx.el.div(rx.el.code(row[2]), class_name="ah-small"),
        ),
        _cell(
            "Where",
            rx.el.strong(row[5]),
            rx.cond(row[7] != "", rx.el.span(" ", row[7])),
            rx.cond(row[6] != "", rx.el.div("through ", row[6], class_name="ah-quiet ah-small")),
        ),
        _cell(
            "State",
            rx.cond(
                row[10] != "",
                rx.el.span(shape(row[11]), row[10], class_name="ah-badge", custom_attrs={"data-tone": row[11]}),
                rx.el.span("Set up", class_name="ah-quiet"),
            ),
            rx.cond(row[12] != "", rx.el.div(row[12], class_name="ah-quiet ah-small")),
        ),
        _cell("Made", ago(row[9]), rx.cond(row[8] != "", rx.el.div("by ", row[8], class_name="ah-quiet ah-small"))),
        _cell("End", rx.cond(state.may_change, _revoke(row, state))),
        key=row[0],
        role="row",
        custom_attrs={"data-row": row[2]},
    )


def _cell(name: str, *content: Any) -> Markup:
    return rx.el.td(rx.el.div(*content), role="cell", custom_attrs={"data-name": name})


def _revoke(row: Any, state: Any) -> Markup:
    place = f"revoke-{row[0]}"
    told = {"kind": row[1], "identifier": row[2]}
    return rx.fragment(
        rx.el.button(
            "Revoke…",
            rx.el.span(" ", row[2], class_name="ah-hidden"),
            type="button",
            class_name="ah-button ah-danger",
            custom_attrs={"data-ah-opens": place},
        ),
        confirming(
            place,
            ("Revoke ", row[2], "?"),
            *[rx.el.input(type="hidden", name=name, value=value, read_only=True) for name, value in told.items()],
            rx.el.p(
                rx.cond(
                    row[1] == "connection",
                    "The connection is deleted with the endpoints that name it. What the application sends through "
                    "them is not delivered any more.",
                    "The endpoint is deleted. What the application sends to it is not delivered any more.",
                )
            ),
            verb="Revoke",
            act=state.revoke,
        ),
    )  # fmt: skip
