"""What a body or a query of the groups API says, as values, and what of it cannot be taken, by the original's codes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from atlas_hub.api.envelope import parsed
from atlas_hub.api.groups_errors import bad_request, missing
from atlas_hub.kit.secret import Secret
from atlas_hub.services.configurations import Kind, Values

BODY_BYTES: Final = 1024 * 1024
MOST_ITEMS: Final = 500
USUAL_ITEMS: Final = 100
LAST_PAGE: Final = 2**31 - 1
READ_ONLY: Final = frozenset({"id", "links"})

_NUMBER = re.compile(r"[0-9]{1,10}")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,16}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a query asks for."""

    page: int = 1
    items: int = USUAL_ITEMS
    count: bool = True
    pretty: bool = False
    envelope: bool = False

    @property
    def carried(self) -> str:
        """What a link to another page carries on, beside where it leads."""
        told = {"includeCount": not self.count, "pretty": self.pretty, "envelope": self.envelope}
        values = {"includeCount": "false"}
        return "".join(f"&{name}={values.get(name, 'true')}" for name, differs in told.items() if differs)


def flags(query: bytes) -> Asked:
    """How an answer is to be written, of a query that was not judged yet: what cannot be read is not asked for."""
    told = dict(_pairs(query))
    return Asked(pretty=told.get("pretty", "").lower() == "true", envelope=told.get("envelope", "").lower() == "true")


def asked(query: bytes, *, lists: bool) -> Asked:
    """What a query asks for; of one that does not ask for a list, only how it is to be written. Raises `Refused`."""
    told: dict[str, str] = {}
    for name, value in _pairs(query):
        if name in told and name in {"pageNum", "itemsPerPage", "includeCount", "pretty", "envelope"}:
            raise _wrong(name, "is there twice. Send it once")
        told[name] = value
    written = {"pretty": _flag(told, "pretty", usual=False), "envelope": _flag(told, "envelope", usual=False)}
    if not lists:
        return Asked(**written)
    return Asked(
        page=_number(told, "pageNum", 1, LAST_PAGE),
        items=_number(told, "itemsPerPage", USUAL_ITEMS, MOST_ITEMS),
        count=_flag(told, "includeCount", usual=True),
        **written,
    )


def _pairs(query: bytes) -> Sequence[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)


def _flag(told: Mapping[str, str], name: str, *, usual: bool) -> bool:
    value = told.get(name)
    if value is None:
        return usual
    if value.lower() not in {"true", "false"}:
        raise _wrong(name, "is neither true nor false. Send one of them")
    return value.lower() == "true"


def _number(told: Mapping[str, str], name: str, usual: int, most: int) -> int:
    value = told.get(name)
    if value is None:
        return usual
    if _NUMBER.fullmatch(value) is None or not 1 <= int(value) <= most:
        raise _wrong(name, f"is no whole number from 1 to {most}. Send one")
    return int(value)


def _wrong(name: str, fault: str) -> Exception:
    return bad_request("INVALID_QUERY_PARAMETER", f"The query parameter {name} {fault}.", name)


def body_of(request: Request, raw: bytes) -> dict[str, Any]:
    """The one object of a body. Raises `Refusal` 415 or 400 for what is no JSON, `Refused` for what is no object."""
    told = parsed(request, raw)
    if not isinstance(told, dict):
        raise bad_request("INVALID_JSON", "The body is not one JSON object. Send one.")
    return told


def read(kind: Kind, told: Mapping[str, Any], *, whole: bool) -> tuple[Values, frozenset[str]]:
    """The values of a body by the form's names, and the fields that are to be taken away.

    `whole`: whether every required field must be there, as where nothing can be stored yet. Raises `Refused`.
    """
    _require_type(kind, told)
    fields = {name: value for name, value in told.items() if name != "type"}
    _refuse_strangers(kind, fields)
    needed = {wire for wire, field in kind.fields.items() if (field.at_first if whole else field.required)}
    lost = [wire for wire in kind.fields if wire in needed and (whole or wire in fields) and fields.get(wire) is None]
    if lost:
        raise missing(lost)
    values: dict[str, Secret | str | bool] = {}
    cleared: set[str] = set()
    for wire, value in fields.items():
        name, said = kind.fields[wire].name, _value(kind, wire, value, needed=wire in needed)
        if said is None:
            cleared.add(name)
        else:
            values[name] = said
    return values, frozenset(cleared)


def _require_type(kind: Kind, told: Mapping[str, Any]) -> None:
    given = told.get("type")
    if given is None:
        raise missing(["type"])
    if not isinstance(given, str):
        raise _not_a("type", "a text")
    if given != kind.type:
        text = f"The attribute type is not {kind.type}, which the path says. Make them the same."
        raise bad_request("INVALID_ATTRIBUTE", text, "type")


def _refuse_strangers(kind: Kind, fields: Mapping[str, Any]) -> None:
    strangers = [name for name in fields if name not in kind.fields]
    fixed = next((name for name in strangers if name in READ_ONLY), None)
    if fixed is not None:
        raise bad_request("ATTRIBUTE_READ_ONLY", f"The attribute {fixed} cannot be written. Leave it out.", fixed)
    if strangers:
        named = ", ".join(name[:80] for name in strangers[:10])
        raise bad_request("INVALID_ATTRIBUTE", f"{kind.type} has no attribute {named}. Leave it out.", *strangers[:10])


def _value(kind: Kind, wire: str, value: Any, *, needed: bool) -> Secret | str | bool | None:
    """One value, a text without blanks around it; None takes a field away that is not needed. Raises `Refused`."""
    field = kind.fields[wire]
    if value is None:
        return None
    if field.flag:
        if not isinstance(value, bool):
            raise _not_a(wire, "true or false")
        return value
    if not isinstance(value, str):
        raise _not_a(wire, "a text")
    text = value.strip()
    if not text:
        if needed or field.choices:
            raise bad_request("MISSING_OR_INVALID_ATTRIBUTE", f"The attribute {wire} is empty. Send a value.", wire)
        return None
    if _UNSEEN.search(text):
        raise bad_request(
            "INVALID_ATTRIBUTE", f"The attribute {wire} has characters that cannot be seen. Copy it again.", wire
        )
    if field.secret:
        return Secret(text)
    if field.choices and text not in field.choices:
        allowed = ", ".join(field.choices)
        said = [text] if _WORD.fullmatch(text) else []  # what was put here by mistake may be a secret
        fault = f"The attribute {wire} of {kind.type} is none of {allowed}. Send one of them."
        raise bad_request("INVALID_ENUM_VALUE", fault, *said)
    return text


def _not_a(wire: str, what: str) -> Exception:
    return bad_request("INVALID_JSON_ATTRIBUTE", f"The attribute {wire} is not {what}. Send it as such.", wire)
