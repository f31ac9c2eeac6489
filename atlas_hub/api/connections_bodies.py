"""What the connections API takes and gives: strict models, of which unknown keys are named."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, StrictBool, StrictInt, StrictStr, TypeAdapter, create_model
from pydantic import ValidationError as Wrong

from atlas_hub.api.connections_errors import invalid, unsupported
from atlas_hub.kit.errors import BadForm, InvalidCredentials
from atlas_hub.kit.reading import is_blank
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import Form, Method
from atlas_hub.services.connections import LABEL_LENGTH
from atlas_hub.services.named import LONGEST, PLATFORMS, SHORTEST

MISSING: Final = "This is missing or empty. Send a value."
UNKNOWN: Final = "There is no such field here. Leave it out."
CHOOSE: Final = "This is missing. Send an array of channel ids: an empty one chooses none."
WHOLE: Final = "body"
"""How the whole of a body is named, where it is of another kind."""
_SENTENCES: Final[Mapping[str, str]] = {
    "missing": MISSING,
    "extra_forbidden": UNKNOWN,
    "string_type": "This must be text. Send a JSON string.",
    **dict.fromkeys(("string_too_short", "string_pattern_mismatch"), MISSING),
    "string_too_long": f"This is too long: a name has at most {LABEL_LENGTH} characters, an id at most 120.",
    "bool_type": "This must be true or false. Send one of them, without quotes.",
    "int_type": "This must be a whole number. Send it without quotes and without a fraction.",
    "int_from_float": "This must be a whole number. Send it without quotes and without a fraction.",
    "list_type": "This must be an array. Send one.",
    "greater_than_equal": f"This is {SHORTEST} to {LONGEST} minutes.",
    "less_than_equal": f"This is {SHORTEST} to {LONGEST} minutes.",
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), "This must be a JSON object. Send one."),
}
_ANYTHING_ELSE: Final = "This is not of the shape that is needed. Send what openapi.json says for it."
DEEP: Final = 2
"""How deep a body is; what pydantic says below is about its own branches."""
_WIRE: Final[Mapping[tuple[str, str], str]] = {("teams", "tenant_id"): "app_tenant_id"}
"""What this API calls a field of a form otherwise than the form: the seed's names."""


class Shape(BaseModel):
    """What comes in: nothing in it that is not named."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class SettingsBody(Shape):
    """Settings of the sync; what is left out stays."""

    sync_interval_minutes: StrictInt = Field(default=240, ge=SHORTEST, le=LONGEST)
    wiki_enabled: StrictBool = True
    graph_enabled: StrictBool = True


class ChannelsBody(Shape):
    """Which channels to sync: these ids, or every public one, present and future."""

    channel_ids: Annotated[list[Annotated[StrictStr, Field(min_length=1, max_length=120)]], FailFast()] = Field(
        default_factory=list
    )
    """Of which the first one at fault is named: there may be hundreds of thousands."""
    sync_all: StrictBool = False


def ways() -> Mapping[str, Method[Any]]:
    """Platform → how it is connected here."""
    return {platform: provider.methods[0] for platform, provider in PLATFORMS.items()}


def wire_name(platform: str, field: str) -> str:
    """A form field's name in the body: `credentials.bot_token`; `name` for the label."""
    if field in {"label", "name"}:
        return "name"
    return f"credentials.{_WIRE.get((platform, field), field)}"


def _credentials(platform: str, method: Method[Any], *, partial: bool) -> type[Shape]:
    fields: dict[str, Any] = {}
    for name, info in method.form.model_fields.items():
        secret = name in method.form.secrets()
        kind: Any = Secret if secret else StrictStr
        needed = info.is_required() and not partial
        length: dict[str, Any] = {"min_length": 1} if needed and not secret else {}
        default: Any = ... if needed else None
        made: Any = Field(default=default, title=info.title, description=info.description, **length)
        fields[_WIRE.get((platform, name), name)] = (kind, made)
    suffix = "NewCredentials" if partial else "Credentials"
    return create_model(f"{platform.capitalize()}{suffix}", __base__=Shape, **fields)


def _fields(**fields: tuple[Any, Any]) -> dict[str, Any]:
    return dict(fields)


_NAME: Final[Any] = Annotated[StrictStr, Field(min_length=1, max_length=LABEL_LENGTH, pattern=r"\S")]
CREATES: Final[Mapping[str, type[Shape]]] = {
    platform: create_model(
        f"{platform.capitalize()}Connection",
        __base__=Shape,
        **_fields(
            platform=(Literal[platform], ...),
            name=(_NAME, ...),
            credentials=(_credentials(platform, method, partial=False), ...),
        ),
    )
    for platform, method in ways().items()
}
CREATE: Final[Any] = Annotated[reduce(or_, CREATES.values()), Field(discriminator="platform")]
_NEW: Final[Mapping[str, type[Shape]]] = {
    platform: _credentials(platform, method, partial=True) for platform, method in ways().items()
}
CHANGES: Final[Mapping[str, type[Shape]]] = {
    platform: create_model(
        f"{platform.capitalize()}Change",
        __base__=Shape,
        **_fields(
            name=(_NAME, Field(default="-")),
            credentials=(shape, Field(default_factory=shape)),
            settings=(SettingsBody, Field(default_factory=SettingsBody)),
        ),
    )
    for platform, shape in _NEW.items()
}
CHANGE: Final[Any] = reduce(or_, CHANGES.values())


def new(raw: bytes, parsed: Any) -> tuple[str, str, dict[str, Any]]:
    """Platform, name and the form's values of a POST. Raises `Refused` 400 for the platform, 422."""
    if not isinstance(parsed, dict):
        raise invalid({WHOLE: _SENTENCES["model_type"]})
    platform = parsed.get("platform")
    if not isinstance(platform, str):
        rest = {name: MISSING for name in ("name", "credentials") if name not in parsed}
        raise invalid({"platform": MISSING if platform is None else _SENTENCES["string_type"], **rest})
    shape = CREATES.get(platform)
    if shape is None:
        raise unsupported(f"This platform is not one that can be connected here. Choose from {', '.join(PLATFORMS)}.")
    body: Any = read(shape, raw)
    values = _values(platform, body.credentials)
    form = ways()[platform].form
    empty = [name for name, info in form.model_fields.items() if info.is_required() and _blank(values.get(name))]
    if empty:
        raise invalid({wire_name(platform, name): MISSING for name in empty})
    return platform, body.name, {name: value for name, value in values.items() if not _blank(value)}


def changed(platform: str, raw: bytes) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
    """Name, the form's values and settings of a PUT, as far as they are given; an empty credential is not.

    Raises `Refused` 422.
    """
    body: Any = read(CHANGES[platform], raw)
    given = body.model_fields_set
    values = _values(platform, body.credentials) if "credentials" in given else {}
    settings = body.settings.model_dump(include=body.settings.model_fields_set) if "settings" in given else {}
    return (
        body.name if "name" in given else None,
        {name: value for name, value in values.items() if not _blank(value)},
        settings,
    )


def chosen(raw: bytes) -> tuple[list[str], bool]:
    """Ids and `sync_all` of a choice of channels. Raises `Refused` 422."""
    body: Any = read(ChannelsBody, raw)
    if "channel_ids" not in body.model_fields_set and not body.sync_all:
        raise invalid({"channel_ids": CHOOSE})
    return body.channel_ids, body.sync_all


def read(shape: type[Shape], raw: bytes) -> Shape:
    """A body in its shape. Raises `Refused` 422 naming every field at fault; no value is repeated."""
    try:
        return TypeAdapter(shape).validate_json(raw)
    except Wrong as error:
        issues = error.errors(include_input=False, include_url=False, include_context=False)
    fields: dict[str, str] = {}
    for issue in issues:
        if issue["type"] in {"is_instance_of", "needs_python_object"}:
            continue  # beside the real reason, of the one branch of `Secret` that JSON cannot take
        fields.setdefault(
            ".".join(str(part) for part in issue["loc"][:DEEP]) or WHOLE, _SENTENCES.get(issue["type"], _ANYTHING_ELSE)
        )
    raise invalid(fields)


def judged(error: BadForm, method: Method[Any], values: Mapping[str, Any], platform: str) -> Exception:
    """What a form's refusal is: of a secret that was given the vendor need not be asked, it cannot be one."""
    form: type[Form] = method.form
    for name, text in error.fields.items():
        if name in form.secrets() and not _blank(values.get(name)):
            return InvalidCredentials(text, field=name)
    return invalid({wire_name(platform, name): text for name, text in error.fields.items()})


def _values(platform: str, credentials: BaseModel) -> dict[str, Any]:
    fields = {wire: name for (owner, name), wire in _WIRE.items() if owner == platform}
    return {fields.get(name, name): getattr(credentials, name) for name in credentials.model_fields_set}


def _blank(value: Any) -> bool:
    return is_blank(value) or (isinstance(value, Secret) and not value)
