"""OpenAPI 3.1 for an API that is no FastAPI app: made of models, an entry for each path and method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import TypeAdapter

REFS: Final = "#/components/schemas/{model}"
OWN_HEADERS: Final[Mapping[int, str]] = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}
JSON: Final = "application/json"


@dataclass(frozen=True, kw_only=True)
class Described:
    """One path and method: what it takes, and every status that it answers.

    `answer` is the model of what it answers with `status`, None where that has no body; `errors` are the other
    statuses. `body` is a model, of which `example` is one. `more` are responses of its own kind, as they are written.
    """

    path: str
    method: str
    id: str
    summary: str
    status: int = 200
    answer: Any = None
    errors: Sequence[int] = ()
    body: Any = None
    example: Mapping[str, Any] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    public: bool = False
    more: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    deprecated: bool = False


@dataclass(frozen=True, kw_only=True)
class Api:
    """What all operations of an API share. `errors`: status → when; `error` is the model of their bodies.

    `schemes` are the ways to sign in, of which any will do; `headers` what an answer with a status has.
    """

    title: str
    about: str
    errors: Mapping[int, str]
    error: Any
    schemes: Mapping[str, Mapping[str, Any]]
    version: str = "1"
    more_headers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)


def document(api: Api, operations: Sequence[Described], *, server: str) -> dict[str, Any]:
    """The description; `server` is the path or address that the operations' paths follow."""
    schemas = _Schemas(api, operations)
    paths: dict[str, dict[str, Any]] = {}
    for each in operations:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(api, each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": api.title, "version": api.version, "description": api.about},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": schemas.shared, "securitySchemes": dict(api.schemes)},
    }


class _Schemas:
    """The schema of every model, those that have a name shared."""

    def __init__(self, api: Api, operations: Sequence[Described]) -> None:
        kinds = [api.error, *(each.answer for each in operations), *(each.body for each in operations)]
        models = {id(kind): kind for kind in kinds if kind is not None}
        asked: list[tuple[int, Literal["validation"], TypeAdapter[Any]]]
        # As it is read, also of answers: what may be left out is not required.
        asked = [(key, "validation", TypeAdapter(kind)) for key, kind in models.items()]
        found, shared = TypeAdapter.json_schemas(asked, ref_template=REFS)
        self._found = {key: schema for (key, _), schema in found.items()}
        self.shared: dict[str, Any] = shared.get("$defs", {})

    def of(self, kind: Any) -> dict[str, Any]:
        return self._found[id(kind)]


def _operation(api: Api, each: Described, schemas: _Schemas) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done.", "headers": _headers(api, each.status)}
    if each.answer is not None:
        done["content"] = {JSON: {"schema": schemas.of(each.answer)}}
    failed = {
        str(status): {
            "description": api.errors[status],
            "headers": _headers(api, status),
            "content": {JSON: {"schema": schemas.of(api.error)}},
        }
        for status in sorted(each.errors)
    }
    answers = {} if each.status in each.errors else {str(each.status): done}
    said: dict[str, Any] = {
        "operationId": each.id,
        "summary": each.summary,
        "parameters": list(each.parameters),
        "security": [] if each.public else [{name: []} for name in api.schemes],
        "responses": {**answers, **failed, **{str(status): dict(more) for status, more in each.more.items()}},
    }
    if each.deprecated:
        said["deprecated"] = True
    if each.body is not None:
        content: dict[str, Any] = {"schema": schemas.of(each.body)}
        if each.example:
            content["example"] = dict(each.example)
        said["requestBody"] = {"required": True, "content": {JSON: content}}
    return said


def _headers(api: Api, status: int) -> dict[str, Any]:
    return headers_of(status) | dict(api.more_headers.get(status, {}))


def headers_of(status: int) -> dict[str, Any]:
    """The headers that every answer of the hub's APIs has with a status."""
    told: dict[str, Any] = {
        "X-Request-Id": {
            "description": "Made by the hub for this request.",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        },
        "Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}},
    }
    name = OWN_HEADERS.get(status)
    if name == "Retry-After":
        told[name] = {
            "description": "Seconds to wait, where waiting helps.",
            "schema": {"type": "integer", "minimum": 1},
        }
    elif name:
        told[name] = {"required": True, "schema": {"type": "string"}}
    return told


def in_path(name: str, about: str = "", **schema: Any) -> dict[str, Any]:
    """A parameter of a path."""
    return _parameter(name, "path", about, {"type": "string", "minLength": 1, **schema}, required=True)


def in_query(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter of a query, which may be left out."""
    return _parameter(name, "query", about, schema)


def in_header(name: str, about: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A header that a request may have."""
    return _parameter(name, "header", about, schema)


def _parameter(
    name: str, place: str, about: str, schema: Mapping[str, Any], *, required: bool = False
) -> dict[str, Any]:
    told = {"name": name, "in": place, "required": required, "schema": dict(schema)}
    return {**told, "description": about} if about else told
