"""The forms of the drawer: the ways in, the check as it climbs, the question of which account."""

from __future__ import annotations

import re
from typing import Any

import reflex as rx

from atlas_hub.providers.contract import Copy, Method, Provider, steps_of
from atlas_hub.ui import consent, forms
from atlas_hub.ui.theme import Markup
from atlas_hub.ui.used import GOES_ON, used_by

_LINK = re.compile(r"https?://[^\s)]+[^\s).,;]")


def ways(provider: Provider, state: Any, page: Any) -> Markup:
    """The form, or a choice of forms with the recommended one open; nothing to type where the vault is locked."""
    provider = provider.parts[0]
    if len(provider.methods) == 1:
        inside = _form(provider, provider.methods[0], state)
    else:
        inside = rx.el.div(
            *[
                rx.el.details(
                    rx.el.summary(
                        rx.el.span(method.label),
                        rx.el.span(" recommended", class_name="ah-tag") if number == 0 else rx.fragment(),
                        rx.el.span(method.recommended_because, class_name="ah-quiet ah-small ah-because"),
                    ),
                    steps(steps_of(provider, method)),
                    _form(provider, method, state),
                    name=f"{provider.slug}-way",
                    open=rx.cond(state.method == "", number == 0, state.method == method.key),
                    class_name="ah-way",
                    custom_attrs={"data-method": method.key},
                )
                for number, method in enumerate(provider.methods)
            ],
            class_name="ah-ways",
        )
    return rx.cond(
        page.locked != "",
        rx.el.p(page.locked, class_name="ah-reason"),
        rx.el.div(inside, key=state.form + state.connection),  # another form, another set of inputs
    )


def connecting(provider: Provider, state: Any, page: Any) -> Markup:
    """The section with the form: to connect, to reconnect, to replace, or to add another."""
    title = rx.match(
        state.form,
        (forms.ADD, f"Add another {provider.name} connection"),
        (forms.REPLACE, "Replace the key"),
        rx.cond(state.mode == forms.CONNECTED, "Reconnect", f"Connect {provider.name}"),
    )
    return rx.el.section(
        rx.el.h3(title, tab_index=-1, custom_attrs={"data-ah-form": state.form}),
        rx.el.p(
            rx.match(
                state.form,
                (forms.ADD, "It is stored beside the present one, which stays the default."),
                (
                    forms.REPLACE,
                    "What is left empty stays as it is. Nothing changes unless the new key is accepted.",
                ),
                provider.sentence,
            ),
            class_name="ah-quiet",
        ),
        rx.cond(state.form == forms.REPLACE, used_by(page, state.connection, rx.el.p(GOES_ON))),
        consent.beside(provider, state, ways(provider, state, page)),
        class_name="ah-section",
    )


def copies(provider: Provider, state: Any, page: Any) -> Markup:
    """Texts for the vendor's own forms, each with a button that copies it."""
    if not provider.copies:
        return rx.fragment()
    made = rx.el.section(
        rx.el.h3("To copy"),
        *[_copy(each, state, page) for each in provider.copies],
        class_name="ah-section",
    )
    always = any("{client_id}" not in each.text for each in provider.copies)
    return made if always else rx.cond(state.client_id != "", made)


def _copy(each: Copy, state: Any, page: Any) -> Markup:
    text = _filled(_filled(each.text, "{address}", page.address), "{client_id}", state.client_id)
    made = rx.el.div(
        rx.el.p(
            rx.el.strong(each.title),
            rx.el.button(
                "Copy",
                rx.el.span(f" {each.title}", class_name="ah-hidden"),
                type="button",
                class_name="ah-button ah-copy",
                custom_attrs={"data-ah-copy": text},
            ),
            class_name="ah-row",
        ),
        *([rx.el.p(each.about, class_name="ah-about")] if each.about else []),
        rx.el.pre(text, class_name="ah-value ah-pre", tab_index=0, role="region", aria_label=each.title),
        class_name="ah-copied",
    )
    return rx.cond(state.client_id != "", made) if "{client_id}" in each.text else made


def _filled(text: Any, word: str, var: Any) -> Any:
    """The text with a var in the place of a word, wherever that stands."""
    if not isinstance(text, str) or word not in text:
        return text
    first, *rest = text.split(word)
    made: Any = first
    for part in rest:
        made = made + var + part
    return made


def _form(provider: Provider, method: Method[Any], state: Any) -> Markup:
    error = state.errors[f"{method.key}."]
    return rx.el.form(
        rx.el.input(type="hidden", name=forms.METHOD, default_value=method.key),
        rx.el.input(type="hidden", name=forms.ANYWAY, default_value=""),
        *forms.fields(provider, method, state),
        rx.cond(state.proven != "", _which(state)),
        rx.el.div(rx.cond(state.tried == method.key, ladder(state)), custom_attrs={"aria-live": "polite"}),
        rx.el.p(rx.cond(error, error, ""), class_name="ah-error", role="alert"),
        rx.cond(
            state.silent,
            rx.el.p(
                "What you typed was not judged: what came back proves nothing about it. You may save it as it is; "
                "the card then says that nothing is proven.",
                class_name="ah-about",
            ),
        )
        if method.may_save_unverified
        else rx.fragment(),
        rx.el.div(
            rx.cond(
                state.form != "",
                rx.el.button("Cancel", type="button", class_name="ah-button", on_click=state.begin("")),
            ),
            submit(state, "connect", "Connect", "Checking…", primary=True),
            _anyway(method, state),
            class_name="ah-acts",
        ),
        on_submit=state.connect,
        no_validate=True,
        auto_complete="off",
        class_name="ah-form",
        custom_attrs={
            "aria-label": f"Connect {provider.name}" + (f": {method.label}" if len(provider.methods) > 1 else ""),
            "data-method": method.key,
        },
    )


def _anyway(method: Method[Any], state: Any) -> Markup:
    if not method.may_save_unverified:
        return rx.fragment()
    return rx.cond(
        state.silent,
        rx.el.button("Save anyway", type="submit", class_name="ah-button", custom_attrs={"data-ah-sets": forms.ANYWAY}),
    )


def _which(state: Any) -> Markup:
    """The question of which account is meant; what was typed stays in the browser meanwhile."""

    def choice(value: str, *text: Any) -> Markup:
        return rx.el.label(
            rx.el.input(type="radio", name=forms.MODE, value=value, required=True),
            rx.el.span(*text),
            class_name="ah-radio",
        )

    return rx.el.fieldset(
        rx.el.legend("This is another account"),
        rx.el.p(
            "You gave a key of ", rx.el.strong(state.proven), ", but ", rx.el.strong(state.present), " is connected."
        ),
        choice("replace", "Replace ", state.present, " by ", state.proven),
        choice("add", "Keep both; ", state.present, " stays the default"),
        class_name="ah-which",
        custom_attrs={"data-ah-focus": "", "tabIndex": -1},  # Reflex has no tab_index for a fieldset
    )


def submit(state: Any, verb: str, text: str, busy: str, *, primary: bool = False) -> Markup:
    """A form's button, which says when its verb is at work."""
    return rx.el.button(
        rx.cond(state.busy == verb, busy, text),
        type="submit",
        class_name="ah-button ah-primary" if primary else "ah-button",
        custom_attrs={"aria-disabled": rx.cond(state.busy != "", "true", "false")},
    )


def ladder(state: Any) -> Markup:
    """The check as it climbs, step by step."""
    return rx.cond(
        state.ladder.length() > 0,
        rx.el.ol(
            rx.foreach(
                state.ladder,
                lambda rung: rx.el.li(
                    rx.match(rung[1], ("yes", "✓ "), ("no", "✕ "), "… "),
                    rung[0],
                    rx.cond(rung[2] != "", rx.el.span(" ", rung[2], class_name="ah-quiet")),
                    custom_attrs={"data-ok": rung[1]},
                ),
            ),
            class_name="ah-ladder",
            custom_attrs={"aria-label": "What was checked"},
        ),
    )


def how_to(provider: Provider, state: Any) -> Markup:
    """The provider file's steps, with their links."""
    if not provider.steps:
        return rx.fragment()
    return rx.el.section(
        rx.el.h3(rx.cond(state.offers, "How to connect without consent", "How to") if provider.oauth else "How to"),
        steps(steps_of(provider, None)),
        rx.el.p(rx.el.a(f"{provider.name} documentation", href=provider.docs, target="_blank", rel="noreferrer")),
        class_name="ah-section ah-how",
    )


def steps(told: tuple[str, ...]) -> Markup:
    """Numbered steps, with their links."""
    if not told:
        return rx.fragment()
    return rx.el.ol(*[rx.el.li(*_linked(step)) for step in told], class_name="ah-steps")


def _linked(text: str) -> list[Any]:
    parts: list[Any] = []
    at = 0
    for found in _LINK.finditer(text):
        parts += [text[at : found.start()], rx.el.a(found[0], href=found[0], target="_blank", rel="noreferrer")]
        at = found.end()
    return [*parts, text[at:]]
