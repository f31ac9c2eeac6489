"""The dashboard's frame: a sidebar with who is signed in, around every page, the hub's included."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import reflex as rx
from starlette.requests import cookie_parser

from host_dashboard import people

LINKS = (("Home", "/"), ("Orders", "/orders"), ("Connections", "/connections"), ("Integrations", "/integrations"))


def asking(state: rx.State) -> str | None:
    """The cookie of the browser that raised an event."""
    return cookie_parser(state.router.headers.cookie or "").get(people.COOKIE)


def to_sign_in(state: rx.State) -> Any:
    """Send the browser to the sign-in form, which is the server's and not a page of Reflex."""
    return rx.call_script(f"window.location.assign({json.dumps('/sign-in?next=' + state.router.url.path)})")


class Me(rx.State):
    """Who is signed in, for the sidebar."""

    email: str = ""
    company: str = ""

    @rx.event
    async def load(self) -> Any:
        """Fill the sidebar; a stranger is sent to the sign-in form."""
        seat = await asyncio.to_thread(people.who, asking(self))
        self.email, self.company = (seat.email, seat.company) if seat else ("", "")
        return None if seat else to_sign_in(self)


def framed(content: rx.Component) -> rx.Component:
    """The content beside the sidebar."""
    made: rx.Component = rx.el.div(
        rx.el.nav(
            rx.el.strong("Copperleaf"),
            rx.el.p(Me.company),
            *[rx.el.p(rx.el.a(text, href=to)) for text, to in LINKS],
            rx.el.p(Me.email),
            rx.el.form(
                rx.el.button("Sign out", type="submit"),
                action="/sign-out",
                method="post",
                on_submit=None,  # else Reflex keeps the browser from sending it
            ),
            aria_label="Dashboard",
            style={"width": "12rem", "padding": "1rem", "borderRight": "1px solid #ddd"},
        ),
        rx.el.main(content, style={"flex": "1", "padding": "1rem"}),
        style={"display": "flex", "minHeight": "100vh", "fontFamily": "system-ui"},
        on_mount=Me.load,
    )
    return made
