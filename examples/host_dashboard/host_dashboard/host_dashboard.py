"""Copperleaf's dashboard: its pages and its API. The Integrations page comes with the plugin in `rxconfig.py`."""

from __future__ import annotations

import reflex as rx

from atlas_hub.ui import panel
from host_dashboard import orders
from host_dashboard.frame import Me, framed
from host_dashboard.routes import api


def home() -> rx.Component:
    """The page that one arrives at."""
    return framed(rx.el.section(rx.el.h1("Good to see you"), rx.el.p("You are working for ", Me.company, ".")))


def connections() -> rx.Component:
    """A page of Copperleaf's own, in which the hub is one component."""
    return framed(rx.el.section(rx.el.p("What Copperleaf sends, it sends through these."), panel()))


app = rx.App(api_transformer=api, html_lang="en")
app.add_page(home, route="/", title="Copperleaf")
app.add_page(orders.page, route="/orders", title="Orders · Copperleaf", on_load=orders.Orders.load)
app.add_page(connections, route="/connections", title="Connections · Copperleaf")
