"""What was typed becomes a form, or a sentence for each field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from atlas_hub.kit.errors import BadForm

M = TypeVar("M", bound=BaseModel)


def read(form: type[M], values: Mapping[str, Any]) -> M:
    """The form, from values by field name or alias; a blank text counts as not given, unknown names are ignored.

    Raises `BadForm` with a sentence for each field that is missing or has the wrong shape; never echoes a value.
    """
    try:
        return form.model_validate({name: value for name, value in values.items() if not is_blank(value)})
    except ValidationError as error:
        issues = {
            _field_of(form, issue["loc"]): issue for issue in error.errors(include_input=False, include_url=False)
        }
        wrong = {name: _say(form, name, issue) for name, issue in issues.items()}
    # Outside of the except, so that pydantic's error, which knows what was typed, does not travel along.
    raise BadForm(wrong)


def is_blank(value: Any) -> bool:
    """Whether nothing was typed: None, or a text of blanks alone."""
    return value is None or (isinstance(value, str) and not value.strip())


def _field_of(form: type[BaseModel], loc: tuple[int | str, ...]) -> str:
    first = str(loc[0]) if loc else ""
    for name, info in form.model_fields.items():
        if first in (name, info.alias):
            return name
    return first


def _say(form: type[BaseModel], name: str, issue: Any) -> str:
    field = form.model_fields.get(name)
    title = (field.title if field else None) or "The form"
    message = str(issue["msg"])
    if issue["type"] == "missing":
        return f"{title} is missing. Enter it."
    if issue["type"] == "value_error":  # a sentence of the form's own
        return message.removeprefix("Value error, ")
    if issue["type"] == "string_too_long":
        return f"{title} has more than {issue['ctx']['max_length']} characters. Enter a shorter one."
    return f"{title} cannot be read: {message[:1].lower()}{message[1:].rstrip('.')}."
