"""Scopes, told as they are: by feature, what the vendor granted, what is missing, and what is more than needed."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Feature, Provider
from atlas_hub.ui import consent, words
from atlas_hub.ui.theme import UNTOLD, Markup


def scopes(provider: Provider, state: Any, page: Any) -> Markup:
    """The section: a switch for each feature with its scopes, then what is granted beside them."""
    if not provider.features:
        return _plain(state)
    has_scopes = bool(provider.scopes_of(provider.features))
    parts: list[Any] = [
        rx.el.ul(
            *[_feature(provider, feature, state, page) for feature in provider.features],
            class_name="ah-plain ah-features",
        )
    ]
    if has_scopes:
        parts += [
            rx.cond(~state.told, rx.el.p(f"{provider.name} does not tell which scopes were granted.",
                                         class_name="ah-quiet", custom_attrs={"data-not-told": ""})),
            _listed("More than needed", state.extra, UNTOLD),
            _copy(state),
        ]  # fmt: skip
    return rx.el.section(rx.el.h3("Scopes" if has_scopes else "Features"), *parts, class_name="ah-section")


def _plain(state: Any) -> Markup:
    """What a vendor granted where no feature is measured against it."""
    return rx.cond(
        (state.granted.length() > 0) | (state.missing.length() > 0),
        rx.el.section(
            rx.el.h3("Scopes"),
            _listed("Missing", state.missing, "✕ "),
            _listed("Granted", state.granted, "✓ "),
            class_name="ah-section",
        ),
    )


def _listed(title: str, names: Any, mark: str) -> Markup:
    return rx.cond(
        names.length() > 0,
        rx.el.div(
            rx.el.h4(title),
            rx.el.ul(rx.foreach(names, lambda name: rx.el.li(mark, rx.el.code(name))), class_name="ah-scopes"),
        ),
    )


def _copy(state: Any) -> Markup:
    return rx.cond(
        state.needed != "",
        rx.el.div(
            rx.el.button(
                "Copy the exact scopes",
                type="button",
                class_name="ah-button ah-copy",
                custom_attrs={"data-ah-copy": state.needed},
            ),
            rx.el.code(state.needed, class_name="ah-value"),
            class_name="ah-copied",
        ),
    )


def _feature(provider: Provider, feature: Feature, state: Any, page: Any) -> Markup:
    """A feature: its name, whether it is on, its scopes, and its switch."""
    on = state.features.contains(feature.value)
    return rx.el.li(
        rx.el.span(
            rx.el.strong(words.feature_name(feature)),
            rx.el.span(rx.cond(on, " On", " Off"), class_name="ah-quiet"),
            class_name="ah-grow",
        ),
        rx.cond(page.may_change, _switch(provider, feature, state, on)),
        rx.el.ul(*[_scope(scope, state, on) for scope in sorted(provider.features[feature])], class_name="ah-scopes")
        if provider.features[feature]
        else rx.fragment(),
        class_name="ah-feature",
        custom_attrs={"data-feature": feature.value, "data-on": rx.cond(on, "yes", "no")},
    )


def _scope(scope: str, state: Any, on: Any) -> Markup:
    granted = state.granted.contains(scope)
    return rx.el.li(
        rx.cond(~state.told, UNTOLD, rx.cond(granted, "✓ ", rx.cond(on, "✕ ", UNTOLD))),
        rx.el.code(scope),
        rx.el.span(
            rx.cond(~state.told, " not told", rx.cond(granted, " granted", rx.cond(on, " missing", " not granted"))),
            class_name="ah-quiet",
        ),
        custom_attrs={"data-scope": scope},
    )


def _switch(provider: Provider, feature: Feature, state: Any, on: Any) -> Markup:
    """A switch; where a consent must first allow more, the way to the vendor, which says for what."""
    switch = rx.el.button(
        rx.cond(on, "Turn off", "Turn on"),
        rx.el.span(f": {words.feature_name(feature)}", class_name="ah-hidden"),
        type="button",
        class_name="ah-button",
        on_click=state.switch(feature.value, ~on),
        custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
    )
    if provider.oauth is None or not provider.features[feature]:
        return switch
    lacks = state.lacks.get(feature.value, [])
    more = rx.fragment(
        f"Turn on · asks {provider.name} for ",
        rx.cond(lacks.length() == 1, "1 more scope: ", f"{lacks.length()} more scopes: "),
        lacks.join(", "),
        rx.el.span(f", for: {words.feature_name(feature)}", class_name="ah-hidden"),
    )
    leads = ~on & state.by_consent & state.offers & (lacks.length() > 0)
    way = consent.begin(provider, more, connection=state.connection, feature=feature.value, primary=False)
    return rx.cond(leads, way, switch)
