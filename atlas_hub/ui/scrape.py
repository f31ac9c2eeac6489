"""What a Prometheus of the admin's own is to be given, and when it was last seen."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider, Purpose
from atlas_hub.ui import words
from atlas_hub.ui.facts import section
from atlas_hub.ui.theme import Markup, ago

SEEN = 3
"""The truth that says when it scraped last."""


def configuration(provider: Provider, state: Any) -> Markup:
    """The scrape configuration with a button that copies it; nothing on the cards of what is not scraped."""
    if provider.methods[0].purpose is not Purpose.SCRAPE:
        return rx.fragment()
    seen = state.truths[SEEN]
    title = "Scrape configuration"
    return rx.cond(
        state.scrape != "",
        section(
            title,
            rx.el.p(
                rx.cond(
                    (seen[1] != "") & (seen[0] != words.NOT_TOLD),
                    rx.fragment(f"{provider.name} was last seen ", ago(seen[1]), "."),
                    f"{provider.name} was not seen yet.",
                ),
                custom_attrs={"data-seen": seen[1]},
            ),
            rx.el.p(
                "Add it to prometheus.yml, put the password in its place, and reload. The hub does not show the "
                "password again.",
                class_name="ah-quiet",
            ),
            rx.el.div(
                rx.el.button(
                    "Copy",
                    rx.el.span(f" {title.lower()}", class_name="ah-hidden"),
                    type="button",
                    class_name="ah-button ah-copy",
                    custom_attrs={"data-ah-copy": state.scrape},
                ),
                rx.el.pre(state.scrape, class_name="ah-value ah-pre", tab_index=0, role="region", aria_label=title),
                class_name="ah-copied",
            ),
        ),
    )
