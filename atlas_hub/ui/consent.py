"""Connecting by consent, on the card and in the drawer: the way to the vendor, the wait, and what became of it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Provider
from atlas_hub.ui import forms, words
from atlas_hub.ui.theme import Markup, left

BEGIN = "/oauth/begin"


def begin(
    provider: Provider, *text: Any, connection: Any = "", adds: Any = "", feature: str = "", primary: bool = True
) -> Markup:
    """The form that sends the browser to the vendor: a plain one, since what answers it sets a cookie."""
    hidden = {"connection": connection, "adds": adds, "feature": feature}
    return rx.el.form(
        *[rx.el.input(type="hidden", name=name, value=value, read_only=True) for name, value in hidden.items()],
        rx.el.button(*text, type="submit", class_name="ah-button ah-primary" if primary else "ah-button"),
        action=f"{BEGIN}/{provider.slug}",
        method="post",
        on_submit=None,  # else Reflex keeps the browser from sending it
        class_name="ah-begin",
        custom_attrs={"data-begins": feature or "connect"},
    )


def button(provider: Provider) -> Markup:
    """The vendor's own words, to connect what is not connected."""
    return begin(provider, provider.oauth.button) if provider.oauth else rx.fragment()


def again(provider: Provider, state: Any, text: str = "Reconnect") -> Markup:
    """The way to the vendor for what is connected already."""
    named = rx.el.span(f" {provider.name}", class_name="ah-hidden")
    return begin(provider, text, named, connection=state.connection)


def through(provider: Provider, state: Any) -> Markup:
    """Whose app is agreed to, and what will be asked for."""
    names = [words.feature_name(feature) for feature in provider.usual_features]
    asked = f" {provider.name} asks you to allow: {', '.join(names)}." if names else ""
    return rx.el.p("Goes through ", rx.el.strong(state.app), f".{asked}", class_name="ah-quiet ah-small")


def offer(provider: Provider, state: Any) -> Markup:
    """The consent as the first way in, for whichever form is open: to connect, to reconnect, to add another."""
    if provider.oauth is None:
        return rx.fragment()
    adds = state.form == forms.ADD
    present = rx.cond((state.mode == forms.CONNECTED) & ~adds, state.connection, "")
    return rx.el.div(
        begin(provider, provider.oauth.button, connection=present, adds=rx.cond(adds, "yes", "")),
        through(provider, state),
        class_name="ah-offer",
    )


def beside(provider: Provider, state: Any, form: Markup) -> Markup:
    """The typed way in, which steps back behind a disclosure where a consent leads."""
    if provider.oauth is None:
        return form
    leads = state.offers & ((state.mode != forms.CONNECTED) | state.by_consent | (state.form == forms.ADD))
    return rx.cond(
        leads,
        rx.fragment(
            offer(provider, state),
            rx.el.details(
                rx.el.summary(_typed(provider)),
                form,
                open=state.tried != "",  # a refusal stands where it was typed
                class_name="ah-disclosure",
                custom_attrs={"data-typed": ""},
            ),
        ),
        form,
    )


def _typed(provider: Provider) -> str:
    token = any("token" in name for method in provider.methods for name in method.form.secrets())
    return "Or paste a token" if token else "Or type the app's credentials"


def waiting(provider: Provider, state: Any, page: Any, *, small: bool = False) -> Markup:
    """An admin was sent to the vendor: how long that is good, and both ways on."""
    if provider.oauth is None:
        return rx.fragment()
    present = rx.cond(state.mode == forms.CONNECTED, state.connection, "")
    said = rx.el.p(
        f"An admin was sent to {provider.name} to agree: ", left(state.until), ".", class_name="ah-quiet ah-sentence"
    )
    acts = rx.cond(
        page.may_change,
        rx.el.div(
            begin(provider, "Start again", connection=present, primary=False),
            _dismiss(provider, state, "Stop waiting"),
            class_name="ah-row",
        ),
    )
    parts = (said,) if small else (said, acts)
    return rx.cond(state.until != "", rx.el.div(*parts, class_name="ah-wait", custom_attrs={"data-waits": state.until}))


def _dismiss(provider: Provider, state: Any, text: str) -> Markup:
    return rx.el.button(
        text,
        rx.el.span(f", {provider.name}", class_name="ah-hidden"),
        type="button",
        class_name="ah-button",
        on_click=state.dismiss,
        custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
    )


def outcome(provider: Provider, state: Any, page: Any, *, drawer: bool = False) -> Markup:
    """What became of the last consent: why it came to nothing, and in the drawer also what it connected."""
    if provider.oauth is None:
        return rx.fragment()
    failed = rx.el.div(
        rx.el.p(state.failed),
        _dismiss(provider, state, "Dismiss"),
        class_name="ah-banner ah-came",
        role="alert",
        custom_attrs={"data-tone": "attention", "data-came": "failed"},
    )
    done = rx.el.p(
        state.done,
        class_name="ah-said",
        custom_attrs={"data-tone": "good", "data-came": "done", "data-ah-tells": state.done},
    )
    return rx.cond(
        page.may_change,
        rx.fragment(
            rx.cond(state.failed != "", failed),
            *([rx.cond((state.done != "") & (state.said == ""), done)] if drawer else []),
        ),
    )


def asks(provider: Provider, state: Any, page: Any, to: Markup) -> Markup:
    """The card's word that a question waits in the drawer, which `to` leads to."""
    if provider.oauth is None:
        return rx.fragment()
    return rx.cond(
        page.may_change & (state.question.length() > 0),
        rx.el.div(
            rx.el.p("The consent proved another account: ", rx.el.strong(state.question[1]), "."),
            to,
            class_name="ah-banner ah-came",
            role="alert",
            custom_attrs={"data-tone": "attention", "data-came": "asks"},
        ),
    )


def question(provider: Provider, state: Any, page: Any) -> Markup:
    """Which account is meant, with both names: replace, keep both, or neither."""
    if provider.oauth is None:
        return rx.fragment()
    present, proven = state.question[0], state.question[1]
    error = state.errors["consent.mode"]

    def choice(value: str, *text: Any) -> Markup:
        return rx.el.label(
            rx.el.input(type="radio", name="mode", value=value, required=True), rx.el.span(*text), class_name="ah-radio"
        )

    form = rx.el.form(
        rx.el.fieldset(
            rx.el.legend("This is another account"),
            rx.el.p(
                f"At {provider.name} you chose ", rx.el.strong(proven), ", but ", rx.el.strong(present),
                " is connected. Nothing is stored before you say which you mean: ", left(state.question[2]), ".",
            ),
            choice("replace", "Replace ", present, " by ", proven),
            choice("add", "Keep both; ", present, " stays the default"),
            choice(words.NEITHER, "Neither; leave ", present, " as it is"),
            rx.el.p(rx.cond(error, error, ""), class_name="ah-error", role="alert"),
            class_name="ah-which",
            custom_attrs={"data-ah-focus": "", "tabIndex": -1},  # Reflex has no tab_index for a fieldset
        ),
        rx.el.div(
            rx.el.button(
                rx.cond(state.busy == "answer", "Storing…", "Answer"),
                type="submit",
                class_name="ah-button ah-primary",
                custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
            ),
            class_name="ah-acts",
        ),
        on_submit=state.answer,
        no_validate=True,
        custom_attrs={"aria-label": "Which account is meant"},
    )  # fmt: skip
    return rx.cond(page.may_change & (state.question.length() > 0), rx.el.section(form, class_name="ah-section"))
