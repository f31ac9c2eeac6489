"""The types of the groups API, read from the providers: which method stores one, and what its fields are called there.

A field has one name on the wire for every method of its scope, so that what one method stored another can read: a
bot token is the same secret whether it was pasted on the card or sent as `apiToken`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Method, Provider, scope_of

ORDER: Final = (
    "PAGER_DUTY",
    "DATADOG",
    "NEW_RELIC",
    "SLACK",
    "OPS_GENIE",
    "VICTOR_OPS",
    "FLOWDOCK",
    "WEBHOOK",
    "MICROSOFT_TEAMS",
    "PROMETHEUS",
)
"""Every type, in the one order in which lists have them."""

V = TypeVar("V")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a type: its name in the form. `choices` of an enumeration; `secret` may be an `address`.

    `at_first`: whether it must be there where nothing is configured yet, `required`: whether it must stay.
    """

    name: str
    secret: bool
    required: bool
    at_first: bool
    flag: bool
    choices: tuple[str, ...]
    address: bool
    shown: bool


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A type: its provider, the method that stores it, and its fields by their wire names.

    `others`: the names that other methods of the provider have for its fields → its own.
    """

    type: str
    provider: Provider
    method: Method[Any]
    scope: str
    fields: Mapping[str, Field]
    others: Mapping[str, str]

    def named(self, values: Mapping[str, V]) -> dict[str, V]:
        """Values that any method of the provider stored, by the form's names, others left as they are."""
        told = dict(values)
        for name in values.keys() & self.others.keys():
            told.setdefault(self.others[name], values[name])
        return told

    def missing(self, given: Mapping[str, Any]) -> list[str]:
        """The wire names of the required fields that are not among the given ones, which are by form name."""
        return [wire for wire, field in self.fields.items() if field.required and field.name not in given]

    def wire(self, name: str) -> str:
        """The wire name of a field of the form; the name itself where it has none."""
        return next((wire for wire, field in self.fields.items() if field.name == name), name)


@cache
def kinds() -> Mapping[str, Kind]:
    """Every type that a provider stores, in order."""
    found: dict[str, Kind] = {}
    for provider in PROVIDERS.values():
        for method in _ways(provider):
            if method.wire_type is not None:
                found[method.wire_type] = _kind(provider, method, method.wire_type)
    return {name: found[name] for name in ORDER if name in found}


def named(provider: Provider, method: Method[Any], values: Mapping[str, V]) -> dict[str, V]:
    """Values that any method of a provider stored, by the names of this method's form, others left as they are."""
    told = dict(values)
    if not values.keys() >= method.form.secrets():  # its own has what it needs
        for other, own in _others(provider, method).items():
            if other in values:
                told.setdefault(own, values[other])
    return told


def _ways(provider: Provider) -> tuple[Method[Any], ...]:
    consent: Any = provider.oauth
    return (*provider.methods, *provider.unlisted, *(() if consent is None else (consent,)))


def _others(provider: Provider, method: Method[Any]) -> dict[str, str]:
    """What other methods of a provider call the fields of this one: by the wire name that both have."""
    wires = {
        name: _wire(way, name)
        for way in _ways(provider)
        for name in way.form.model_fields
        if way.wire_type is not None or name in way.wire_names
    }
    own = {wires[name]: name for name in method.form.model_fields if name in wires}
    return {name: own[wire] for name, wire in wires.items() if own.get(wire, name) != name}


def _wire(method: Method[Any], name: str) -> str:
    return method.wire_names.get(name) or str(method.form.model_fields[name].alias)


def _kind(provider: Provider, method: Method[Any], wire_type: str) -> Kind:
    fields = {_wire(method, name): _field(method, name) for name in method.form.model_fields}
    return Kind(
        type=wire_type,
        provider=provider,
        method=method,
        scope=scope_of(provider, method),
        fields=fields,
        others=_others(provider, method),
    )


def _field(method: Method[Any], name: str) -> Field:
    form = method.form
    info = form.model_fields[name]
    literal = next(
        (each for each in (info.annotation, *get_args(info.annotation)) if get_origin(each) is Literal), None
    )
    secret = name in form.secrets()
    return Field(
        name=name,
        secret=secret,
        required=info.is_required(),
        at_first=info.is_required() or bool(form.said_of(name).get("at_first")),
        flag=info.annotation in (bool, bool | None),
        choices=tuple(str(each) for each in get_args(literal)) if literal is not None else (),
        address=secret and form.said_of(name).get("shows") == "host",
        shown=not secret or "password" not in name,
    )
