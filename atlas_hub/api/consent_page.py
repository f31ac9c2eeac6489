"""The page that a browser sees where a consent ends at the hub: one sentence, without scripts and other files."""

from __future__ import annotations

from html import escape
from typing import Final

_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0;display:grid;min-height:100vh;"
    "place-items:center;background:Canvas;color:CanvasText}main{max-width:34rem;padding:1.5rem}h1{font-size:1.4rem}"
    "a{display:inline-block;padding:.6rem 1rem;border:1px solid;border-radius:.5rem;color:inherit}"
    "a:focus-visible{outline:3px solid Highlight;outline-offset:2px}"
)


def consent_page(title: str, text: str, *, alert: bool = False, back: str = "") -> str:
    """The page as HTML. `alert`: screen readers say the text at once; `back`: the address of the Integrations page."""
    role = ' role="alert"' if alert else ""
    link = f'<p><a href="{escape(back)}">Back to the Integrations page</a></p>' if back else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{escape(title)}</h1><p{role}>{escape(text)}</p>{link}"
        "</main></body></html>"
    )
