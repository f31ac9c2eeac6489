"""What a POST of the admin API takes: a provider's forms as JSON, strictly typed.

A provider with one method takes its form's fields. A provider with several methods takes
`{provider, <fields that all its forms share>, config: {provider?, <the method's own fields>}}`, as Email does.
A form's default is for the page, which shows it before it is used; over the wire every field that may not be null
is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from http import HTTPStatus
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from atlas_hub.api.errors import Refusal, invalid
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import Form, Method, Provider, scope_of

REQUIRED = "This is missing or empty. Send a value."
NESTED = "config"
CHOICE = "provider"
FORMATS = {"email": "email", "url": "uri"}
_NOT_SAID = frozenset({"is_instance_of", "needs_python_object"})
"""What pydantic says beside the real reason, of the one branch of `Secret` that JSON cannot take."""
_TEXT, _NUMBER, _TICK = (
    "This must be text. Send a JSON string.",
    "This must be a whole number. Send it without quotes and without a fraction.",
    "This must be true or false. Send one of them, without quotes.",
)
_OBJECT = "This must be a JSON object. Send one."
_SENTENCES = {
    **dict.fromkeys(("missing", "string_too_short", "union_tag_not_found"), REQUIRED),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type"), _OBJECT),
    **dict.fromkeys(("int_type", "int_from_float", "int_parsing", "int_parsing_size"), _NUMBER),
    "string_type": _TEXT,
    "bool_type": _TICK,
}
"""pydantic's words for what is wrong → ours, which name the remedy. Its messages are never passed on."""
_ANYTHING_ELSE = "This is not of the shape that is needed. Send what openapi.json says for it."


class Wire(Form):
    """A form as it comes over the wire: camelCase names alone, and no text for a number."""

    model_config = ConfigDict(strict=True, populate_by_name=False)


def ways(provider: Provider) -> tuple[Method[Any], ...]:
    """The methods that this API offers: those of the scope of the provider's first."""
    scope = scope_of(provider, provider.methods[0])
    return tuple(method for method in provider.methods if scope_of(provider, method) == scope)


class Body:
    """The body by which a provider is connected."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.methods = {method.key: method for method in ways(provider)}
        self.nested = len(self.methods) > 1
        self.shared = _shared(list(self.methods.values())) if self.nested else ()
        name = _camel(provider.names.admin or provider.slug)
        if self.nested:
            self._configs = {
                key: _model(f"{name}{_camel(key)}Config", method, without=self.shared, tag=key)
                for key, method in self.methods.items()
            }
            kinds = [self._kind(name, method) for method in self.methods.values()]
            self.type: Any = Annotated[reduce(or_, kinds), Field(discriminator=CHOICE)]
        else:
            self.type = _model(f"{name}Body", provider.methods[0])
        self.adapter: TypeAdapter[BaseModel] = TypeAdapter(self.type)

    def _kind(self, name: str, method: Method[Any]) -> type[Wire]:
        fields: dict[str, Any] = {field: _field(method.form.model_fields[field]) for field in self.shared}
        fields[CHOICE] = (Literal[method.key], ...)
        fields[NESTED] = (self._configs[method.key], ...)
        return create_model(f"{name}{_camel(method.key)}Body", __base__=Wire, **fields)

    def read(self, raw: bytes, parsed: Any) -> tuple[Method[Any], dict[str, Any]]:
        """The method and its form's values by snake_case name. Raises `Refusal` 422, or 400 where methods are mixed."""
        try:
            body = self.adapter.validate_json(raw)
        except ValidationError as error:
            raise self._refusal(error, parsed) from None
        key = getattr(body, CHOICE) if self.nested else next(iter(self.methods))
        values = _values(body, without={CHOICE, NESTED} if self.nested else set())
        if self.nested:
            values |= _values(getattr(body, NESTED), without={CHOICE})
        method = self.methods[key]
        wrong = [(self.wire_name(method, name), said) for name, value in values.items() if (said := _empty(value))]
        if wrong:
            raise invalid(wrong)
        return method, values

    def wire_name(self, method: Method[Any], field: str) -> str:
        """A form's field as the wire calls it: `config.apiKey`."""
        info = method.form.model_fields.get(field)
        name = str(info.alias or field) if info else field
        return f"{NESTED}.{name}" if self.nested and info and field not in self.shared else name

    def example(self) -> dict[str, Any]:
        """A body of made-up values, for the description."""
        method = next(iter(self.methods.values()))
        said: dict[str, Any] = {CHOICE: method.key, NESTED: {CHOICE: method.key}} if self.nested else {}
        for name, info in method.form.model_fields.items():
            path = self.wire_name(method, name)
            inside = said[NESTED] if path.startswith(f"{NESTED}.") else said
            inside[path.removeprefix(f"{NESTED}.")] = info.examples[0] if info.examples else _made_up(info)
        return said

    def _refusal(self, error: ValidationError, parsed: Any) -> Refusal:
        issues = error.errors(include_input=False, include_url=False, include_context=False)
        details = {self._path(issue): self._sentence(issue) for issue in issues if issue["type"] not in _NOT_SAID}
        if self.nested and self._mixed(issues, details, parsed):
            return Refusal(
                HTTPStatus.BAD_REQUEST,
                self.provider.names.refused,
                f"{CHOICE} and {NESTED} are of different ways to connect {self.provider.name}. Send those of one.",
                details=[(NESTED, f"These are not the settings of this {CHOICE}.")],
            )
        return invalid(list(details.items()))

    def _mixed(self, issues: Any, details: Mapping[str, str], parsed: Any) -> bool:
        """Whether `config` is another method's: it says so, or its fields do."""
        if any(issue["type"] == "literal_error" and issue["loc"][-2:] == (NESTED, CHOICE) for issue in issues):
            return True
        if not all(path.startswith(f"{NESTED}.") for path in details):
            return False
        config = {key: value for key, value in parsed[NESTED].items() if key != CHOICE}
        return any(_fits(model, config) for key, model in self._configs.items() if key != parsed[CHOICE])

    def _path(self, issue: Any) -> str:
        if issue["type"].startswith("union_tag"):
            return CHOICE
        loc = issue["loc"][1:] if self.nested else issue["loc"]
        deep = 2 if self.nested and loc[:1] == (NESTED,) else 1
        return ".".join(str(part) for part in loc[:deep])

    def _sentence(self, issue: Any) -> str:
        if issue["type"] == "union_tag_invalid":  # pydantic's words would repeat what was sent
            return f"This must be one of {', '.join(self.methods)}."
        if issue["type"] == "value_error":  # a sentence of a form's own
            return str(issue["msg"]).removeprefix("Value error, ")
        return _SENTENCES.get(issue["type"], _ANYTHING_ELSE)


def _shared(methods: list[Method[Any]]) -> tuple[str, ...]:
    """The fields that every method asks for and that are no secret, in the first form's order."""
    return tuple(
        name
        for name in methods[0].form.model_fields
        if all(name in each.form.model_fields and name not in each.form.secrets() for each in methods)
    )


def _model(name: str, method: Method[Any], *, without: tuple[str, ...] = (), tag: str = "") -> type[Wire]:
    fields: dict[str, Any] = {
        field: _field(info) for field, info in method.form.model_fields.items() if field not in without
    }
    if tag:
        fields[CHOICE] = (Literal[tag], Field(default=tag, description="Where given, the same as outside."))
    return create_model(name, __base__=Wire, **fields)


def _field(info: FieldInfo) -> tuple[Any, FieldInfo]:
    optional = not info.is_required() and info.get_default(call_default_factory=False) is None
    kind: Any = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
    default: Any = None if optional else ...
    made: FieldInfo = Field(
        default=default,
        title=info.title,
        description=info.description,
        examples=info.examples,
        json_schema_extra=_bounds(info),
    )
    return kind, made


def _bounds(info: FieldInfo) -> dict[str, Any]:
    """What a form tells the page's input about a value, as JSON Schema says it."""
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    said: dict[str, Any] = {name: extra[name] for name in ("minimum", "maximum", "pattern") if name in extra}
    kind = FORMATS.get(str(extra.get("input")))
    return {**said, "format": kind} if kind else said


def _values(model: BaseModel, *, without: set[str]) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.model_fields_set if name not in without}


def _made_up(info: FieldInfo) -> Any:
    return True if info.annotation is bool else "made-up-example"


def _empty(value: Any) -> str:
    """Why a value that pydantic took is no value: blanks alone, or a character that no database stores."""
    if isinstance(value, Secret) and not value:
        return REQUIRED
    if value == "":
        return REQUIRED
    if isinstance(value, str) and "\x00" in value:
        return "This has the character NUL in it, which cannot be stored. Take it out."
    return ""


def _fits(model: type[Wire], config: Mapping[str, Any]) -> bool:
    try:
        model.model_validate_json(to_json(config))
    except ValidationError:
        return False
    return True


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))
