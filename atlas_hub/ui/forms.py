"""A Form becomes inputs: title, example, description, the error under the field; and what was typed becomes values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

import reflex as rx
from pydantic.fields import FieldInfo

from atlas_hub.providers.contract import Method, Provider
from atlas_hub.services.connections import Mode
from atlas_hub.services.status import Mode as Shows
from atlas_hub.ui.theme import Markup

METHOD, MODE, ANYWAY = "_method", "_mode", "_anyway"
"""Names of the hidden inputs; no field of a Form can begin with an underscore."""

ADD, REPLACE, OWN_ONE = "add", "replace", "own"
CONNECTED = Shows.CONNECTED.value
KINDS = frozenset({ADD, REPLACE, OWN_ONE})
"""What a form is opened for, beside the first connect: another connection, other credentials, one's own beside the
environment's."""


@dataclass(frozen=True, repr=False)
class Typed:
    """What came from a form. `values` holds secrets as typed: it is handed on once and emptied."""

    method: str
    mode: Mode
    anyway: bool
    values: dict[str, Any]


def typed(provider: Provider, form_data: dict[str, Any]) -> Typed:
    """Read a submitted form, and empty it. What is not a field of the method's form is dropped."""
    key = str(form_data.get(METHOD, ""))
    method = provider.method(key)
    fields: Mapping[str, FieldInfo] = {} if method is None else method.form.model_fields
    values: dict[str, Any] = {}
    for name, info in fields.items():
        if not _is_asked(info):
            continue  # what is stored of it stays
        if _input(info) == "checkbox":
            values[name] = bool(form_data.get(name))  # a browser leaves an unticked box out
        elif isinstance(form_data.get(name), str):
            values[name] = form_data[name]
    mode = str(form_data.get(MODE, ""))
    anyway = form_data.get(ANYWAY) == "yes"
    form_data.clear()
    return Typed(
        "" if method is None else key, Mode(mode) if mode in {Mode.REPLACE, Mode.ADD} else Mode.ASK, anyway, values
    )


def may_save_unverified(provider: Provider, key: str) -> bool:
    """Whether the method may be saved without the vendor's answer."""
    method = provider.method(key)
    return method is not None and method.may_save_unverified


def fields(provider: Provider, method: Method[Any], card: Any) -> list[Markup]:
    """The inputs of a method's form, in the form's order."""
    asked = {name: info for name, info in method.form.model_fields.items() if _is_asked(info)}
    return [_field(provider, method, name, info, card) for name, info in asked.items()]


def _is_asked(info: FieldInfo) -> bool:
    """Whether the page asks for a field; the rest is for the APIs alone."""
    extra = info.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("on_page") is False)


def _field(provider: Provider, method: Method[Any], name: str, info: FieldInfo, card: Any) -> Markup:
    place = f"{provider.slug}-{method.key}-{name}"
    error = card.errors[f"{method.key}.{name}"]
    kind = _input(info)
    described = [f"{place}-about"] if info.description else []
    described.append(f"{place}-error")
    attributes = {
        "id": place,
        "name": name,
        "custom_attrs": {
            "aria-invalid": rx.cond(error, "true", "false"),
            "aria-describedby": " ".join(described),
            "aria-required": "true" if info.is_required() else "false",
        },
    }
    control = _control(method, name, info, kind, attributes, card)
    told = info.is_required() or kind == "checkbox" or _choices(info)  # of a list something is always chosen
    title = rx.el.label(
        info.title or name,
        *([] if told else [rx.el.span(" optional", class_name="ah-quiet")]),
        html_for=place,
    )
    parts = [control, title] if kind == "checkbox" else [title, control]
    if info.description:
        parts.append(rx.el.p(info.description, id=f"{place}-about", class_name="ah-about"))
    if name in method.form.secrets():
        parts.append(rx.el.p(class_name="ah-note", role="status", custom_attrs={"data-ah-note": ""}))
    parts.append(rx.el.p(rx.cond(error, error, ""), id=f"{place}-error", class_name="ah-error", role="alert"))
    return rx.el.div(*parts, class_name=f"ah-field ah-field-{kind}")


def _control(
    method: Method[Any], name: str, info: FieldInfo, kind: str, attributes: dict[str, Any], card: Any
) -> Markup:
    """The input itself. What is secret is never filled in; the rest begins with what is stored."""
    example = str(info.examples[0]) if info.examples else ""
    if name in method.form.secrets():
        return _secret(method, name, kind, example, attributes, card)
    keeps = (card.method == method.key) & (card.form != ADD)
    begins = card.suggested[name] if method.form.said_of(name).get("suggests") else _default(info)
    stored = rx.cond(keeps, card.options[name], begins)
    if kind == "checkbox":
        ticked = rx.cond(keeps, card.options[name] == "True", _ticked(info))
        return rx.el.input(type="checkbox", default_checked=ticked, **attributes)
    if choices := _choices(info):
        return rx.el.select(
            *[rx.el.option(choice, value=choice) for choice in choices], default_value=stored, **attributes
        )
    attributes["custom_attrs"]["spellcheck"] = "false"
    if kind == "number":
        return rx.el.input(
            type="text",
            input_mode="numeric",
            placeholder=example,
            default_value=stored,
            auto_complete="off",
            **attributes,
        )
    return rx.el.input(type=kind, placeholder=example, default_value=stored, auto_complete="off", **attributes)


def _secret(method: Method[Any], name: str, kind: str, example: str, attributes: dict[str, Any], card: Any) -> Markup:
    """An input of a secret: never filled in; what is stored stays where it is left empty (`connections.connect`)."""
    lookalikes = method.form.said_of(name).get("lookalikes", {})
    attributes["custom_attrs"] |= {
        "spellcheck": "false",
        "data-secret": "",
        "data-1p-ignore": "",
        "data-ah-lookalikes": json.dumps(lookalikes, ensure_ascii=False),
    }
    keeps = (card.method == method.key) & (card.form == REPLACE)
    attributes["placeholder"] = rx.cond(keeps, "Leave empty to keep the present one", example)
    if kind != "textarea":
        typed = rx.el.input(type="password", auto_complete="new-password", **attributes)
        return _generated(typed, attributes["id"]) if method.form.said_of(name).get("generates") else typed
    return rx.el.div(
        rx.el.textarea(rows=5, auto_complete="off", class_name="ah-veiled", **attributes),
        rx.el.label(
            "Choose a file…",
            # Without a name or an id it is no part of the form: it is read in the browser, never sent.
            rx.el.input(type="file", accept=".json,application/json,text/plain", class_name="ah-hidden",
                        custom_attrs={"data-ah-file": attributes["id"]}),
            class_name="ah-button ah-file",
        ),
        rx.el.span("or drop it on the field", class_name="ah-quiet ah-small"),
        class_name="ah-row ah-drop",
    )  # fmt: skip


def _generated(typed: Markup, place: str) -> Markup:
    """The input of a secret that the browser can make up: shown there, once, for copying; the hub never sends it."""
    return rx.fragment(
        typed,
        rx.el.div(
            rx.el.button("Generate", type="button", class_name="ah-button", custom_attrs={"data-ah-generate": place}),
            rx.el.button(
                "Copy",
                rx.el.span(" what was generated", class_name="ah-hidden"),
                type="button",
                hidden=True,
                class_name="ah-button ah-copy",
                custom_attrs={"data-ah-copy-of": place},
            ),
            class_name="ah-row",
        ),
    )


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=False)
    if info.is_required() or value is None:
        return ""
    return str(value.value) if isinstance(value, Enum) else str(value)


def _input(info: FieldInfo) -> str:
    """The kind of input: `text` unless the form says otherwise or the type does."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "input" in extra:
        return str(extra["input"])
    kinds = {info.annotation, *get_args(info.annotation)}
    if bool in kinds:
        return "checkbox"
    return "number" if int in kinds else "text"


def _ticked(info: FieldInfo) -> bool:
    """Whether a box begins ticked: what the form recommends, else its default."""
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "checked" in extra:
        return bool(extra["checked"])
    return bool(info.get_default(call_default_factory=False))


def _choices(info: FieldInfo) -> tuple[str, ...]:
    for kind in (info.annotation, *get_args(info.annotation)):
        if get_origin(kind) is Literal:
            return tuple(str(choice) for choice in get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(choice.value) for choice in kind)
    return ()
