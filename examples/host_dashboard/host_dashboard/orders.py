"""The orders page, from Copperleaf's own table."""

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx
from sqlmodel import col, select

from host_dashboard import people, tables
from host_dashboard.frame import asking, framed, to_sign_in
from host_dashboard.tables import Order


def of(tenant: str) -> list[Order]:
    """A tenant's orders, the newest first."""
    with tables.session() as session:
        return list(session.exec(select(Order).where(Order.tenant == tenant).order_by(col(Order.placed).desc())))


class Orders(rx.State):
    """The rows of the page: item, quantity, day."""

    rows: rx.Field[list[list[str]]] = rx.field(default_factory=list)

    @rx.event
    async def load(self) -> Any:
        """Fill the table for whoever is signed in."""
        seat = await asyncio.to_thread(people.who, asking(self))
        if seat is None:
            self.rows = []
            return to_sign_in(self)
        found = await asyncio.to_thread(of, seat.tenant)
        self.rows = [[order.item, str(order.quantity), f"{order.placed:%d %B %Y}"] for order in found]
        return None


def page() -> rx.Component:
    """The orders, in the dashboard's frame."""
    return framed(
        rx.el.section(
            rx.el.h1("Orders"),
            rx.el.table(
                rx.el.thead(rx.el.tr(*[rx.el.th(name, scope="col") for name in ("Item", "Quantity", "Placed")])),
                rx.el.tbody(rx.foreach(Orders.rows, lambda row: rx.el.tr(rx.foreach(row, rx.el.td)))),
            ),
        )
    )
