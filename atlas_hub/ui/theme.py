"""The page's look: one stylesheet, one small script, links that stay in the page, and marks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import reflex as rx
from reflex_components_core.el.elements.inline import A  # type: ignore[import-untyped]  # no py.typed
from reflex_components_core.react_router.dom import ReactRouterLink  # type: ignore[import-untyped]  # no py.typed

from atlas_hub.providers.contract import Provider
from atlas_hub.ui import logos

Markup = Any
"""A piece of markup. Reflex does not type its elements."""

UNTOLD: Final = "\N{EN DASH} "
"""What stands where a tick or a cross would, before what is not known."""

ASKED: Final = "integration"
"""The query's word for the drawer that is open, where the page's path is the host's."""

HERE: Final = Path(__file__).parent / "static"
SCRIPTS: Final = ("find", "paste", "picking", "atlas_hub")
"""The scripts in their order: the last one tells the others what the page drew."""


def stylesheet() -> tuple[Path, str]:
    """Where the stylesheet goes among the app's assets, and what it says."""
    return Path("styles") / "atlas_hub.css", (HERE / "atlas_hub.css").read_text(encoding="utf-8")


class Behaviour(rx.Fragment):  # type: ignore[misc]  # Reflex does not type its elements
    """The page's scripts: search, filter; what is pasted, made up, ticked; dialogs, times, copying, focus, telling."""

    def add_custom_code(self) -> list[str]:
        """The scripts in their order, once for each page that has this component."""
        return ["\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)]


def link(*children: Any, to: str, **attributes: Any) -> Markup:
    """A real link that the router follows without a reload, and that leaves the page where it is scrolled."""
    return ReactRouterLink.create(*children, to=to, prevent_scroll_reset=True, **attributes)


def file(*children: Any, href: Any, **attributes: Any) -> Markup:
    """A link to a file that the server makes, which the router must not follow as if it were a page."""
    return A.create(*children, href=href, download=True, **attributes)


def address(route: str, slug: str = "") -> str:
    """Where a drawer is, or with no slug where none is open; in the query of a host's page, which has no route."""
    if route:
        return f"{route}/{slug}" if slug else route
    return f"?{ASKED}={slug}" if slug else "?"


def ago(moment: Any, kind: str = "ago") -> Markup:
    """A time: ISO in the markup, relative (`ago`) or a short date (`date`) for the eye, exact on hover."""
    return rx.el.time(date_time=moment, custom_attrs={"data-ah-time": kind})


def left(moment: Any) -> Markup:
    """How long it is until a moment, as it runs down; when it is over the page is told to look again."""
    return ago(moment, "left")


def shape(tone: Any) -> Markup:
    """The shape of a meaning; the word stands beside it."""
    return rx.el.span(class_name="ah-shape", custom_attrs={"data-tone": tone, "aria-hidden": "true"})


def badge(card: Any) -> Markup:
    """The shape and the word of a card's state."""
    return rx.el.span(
        shape(card.tone), rx.el.span(card.badge), class_name="ah-badge", custom_attrs={"data-tone": card.tone}
    )


def mark(provider: Provider) -> Markup:
    """The provider's mark beside its name, which says it already."""
    return glyph(provider.slug, provider.name)


def glyph(slug: str, name: str) -> Markup:
    """The mark of that name, else the initial."""
    source = logos.of(slug)
    if source:
        return rx.el.img(src=source, alt="", width="28", height="28", class_name="ah-mark")
    return rx.el.span(name[:1], class_name="ah-mark ah-initial", custom_attrs={"aria-hidden": "true"})
