"""The groups API's own description: OpenAPI 3.1, made from the forms of its types."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from pydantic_core import to_json

from atlas_hub.api.groups_fields import LAST_PAGE, MOST_ITEMS, USUAL_ITEMS
from atlas_hub.services.configurations import Kind, kinds
from atlas_hub.services.wire_types import Field

Json = dict[str, Any]

ABOUT: Final = """\
One configuration of each service for a workspace, which this API calls a group. HTTP Digest with the two halves of a
key that is made for it; MD5 and SHA-256 are offered. Every answer has `X-Request-Id` and `Cache-Control: no-store`,
every error `X-Error-Code`. What is stored is shown masked; a POST shows what it stored once. HEAD is GET without body;
a method that a path has not is 405, with those that it has in `Allow`. Behind `envelope` a list has `status`, one
object is `content` beside it, and an error has `status`, too.
"""
ERRORS: Final = {
    400: "The type, the query or the body cannot be taken; `errorCode` and `parameters` say which.",
    401: "Not known, with a challenge; or `USER_UNAUTHORIZED`: a key for other APIs, or one that may only read.",
    404: "`INVALID_GROUP_ID`, `GROUP_NOT_FOUND`, `INTEGRATION_NOT_CONFIGURED`, `RESOURCE_NOT_FOUND`.",
    409: "`INTEGRATION_ALREADY_CONFIGURED`: change it with PUT. `CONFLICT`: it was changed at the same moment.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not `application/json`, or compressed.",
    429: "`RATE_LIMITED`: wait as long as `Retry-After` says.",
    500: "`UNEXPECTED_ERROR`: the hub's log has more under the request id.",
    503: "No database, or no encryption key: nobody can be known.",
}
ALWAYS: Final = (400, 401, 404, 429, 500, 503)
BODIES: Final = (409, 413, 415)


@cache
def text(prefix: str) -> bytes:
    """The description as JSON, for the path that the API is served under."""
    return to_json(made(prefix))


def made(prefix: str) -> Json:
    """The description; `prefix` is the path that the operations' paths follow."""
    group, kind = _parameter("groupId", "The workspace's id.", pattern="^[a-f0-9]{24}$"), _type_parameter()
    lists = [_query(name) for name in ("pageNum", "itemsPerPage", "includeCount", "pretty", "envelope")]
    single = lists[3:]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Atlas Hub groups API", "version": "1.0", "description": ABOUT},
        "servers": [{"url": prefix}],
        "security": [{"digest": []}],
        "paths": {
            "/groups/{groupId}/integrations": {
                "parameters": [group],
                "get": _operation("listIntegrations", "Every configuration", lists, "List"),
            },
            "/groups/{groupId}/integrations/{integrationType}": {
                "parameters": [group, kind],
                "get": _operation("getIntegration", "One configuration", single, "One"),
                "post": _operation("createIntegration", "Store a configuration", lists, "List", body="Create"),
                "put": _operation("updateIntegration", "Change one, or store it", lists, "List", body="Update"),
                "delete": _operation("deleteIntegration", "Delete a configuration", single, None),
            },
        },
        "components": {
            "securitySchemes": {"digest": {"type": "http", "scheme": "digest"}},
            "schemas": _schemas(),
        },
    }


def _parameter(name: str, about: str, **schema: Any) -> Json:
    return {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string", **schema}}


def _type_parameter() -> Json:
    return _parameter("integrationType", "Which service.", enum=list(kinds()))


def _query(name: str) -> Json:
    schemas: dict[str, Json] = {
        "pageNum": {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1},
        "itemsPerPage": {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS, "default": USUAL_ITEMS},
        "includeCount": {"type": "boolean", "default": True},
    }
    return {"name": name, "in": "query", "schema": schemas.get(name, {"type": "boolean", "default": False})}


def _operation(name: str, summary: str, query: list[Json], answer: str | None, body: str = "") -> Json:
    done: Json = {"description": "Done.", "headers": _headers(200)}
    if answer is not None:
        done["content"] = _content(answer)
    said: Json = {
        "operationId": name,
        "summary": summary,
        "parameters": query,
        "responses": {
            "200" if answer else "204": done,
            **{
                str(status): {"description": ERRORS[status], "headers": _headers(status), "content": _content("Error")}
                for status in sorted({*ALWAYS, *(BODIES if body else (409,) if answer is None else ())})
            },
        },
    }
    return {**said, "requestBody": {"required": True, "content": _content(body)}} if body else said


def _content(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _headers(status: int) -> Json:
    told: Json = {
        "X-Request-Id": {"required": True, "schema": {"type": "string", "format": "uuid"}},
        "Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}},
    }
    if status in ERRORS:
        told["X-Error-Code"] = {"required": True, "schema": {"type": "string"}}
    if status == 401:  # noqa: PLR2004  # HTTP's
        told["WWW-Authenticate"] = {"schema": {"type": "string"}}
    if status == 429:  # noqa: PLR2004  # same
        told["Retry-After"] = {"required": True, "schema": {"type": "integer", "minimum": 1}}
    return told


def _schemas() -> Json:
    known = kinds().values()
    text_of: Json = {"type": "string"}
    link = {"type": "object", "required": ["href", "rel"], "properties": {"href": text_of, "rel": text_of}}
    status: Json = {"type": "integer"}
    some: Json = {"anyOf": [{"$ref": f"#/components/schemas/{kind.type}"} for kind in known]}
    return {
        **{kind.type: _shown(kind) for kind in known},
        "Create": {"oneOf": [_body(kind, whole=True) for kind in known]},
        "Update": {"oneOf": [_body(kind, whole=False) for kind in known]},
        "List": {
            "type": "object",
            "required": ["links", "results"],
            "properties": {
                "links": {"type": "array", "items": link},
                "results": {"type": "array", "items": some},
                "totalCount": {"type": "integer", "minimum": 0},
                "status": status,
            },
            "additionalProperties": False,
        },
        "One": {
            "anyOf": [
                some,
                {
                    "type": "object",
                    "required": ["content", "status"],
                    "properties": {"content": some, "status": status},
                },
            ]
        },
        "Error": _error(),
    }


def _error() -> Json:
    text_of: Json = {"type": "string"}
    return {
        "type": "object",
        "required": ["detail", "error", "errorCode", "reason"],
        "properties": {
            **dict.fromkeys(("detail", "errorCode", "reason"), text_of),
            **{name: {"type": "integer"} for name in ("error", "status")},
            "parameters": {"type": "array", "items": text_of},
        },
        "additionalProperties": False,
    }


def _shown(kind: Kind) -> Json:
    fields = {wire: _schema(field) for wire, field in kind.fields.items() if field.shown}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {**fields, "type": {"type": "string", "const": kind.type}},
        "additionalProperties": False,
    }


def _body(kind: Kind, *, whole: bool) -> Json:
    """What is sent; `whole`: where nothing is configured yet, so that nothing that is needed then may be left out."""
    needed = {wire: field.at_first if whole else field.required for wire, field in kind.fields.items()}
    fields = {wire: _given(field, needed=needed[wire]) for wire, field in kind.fields.items()}
    return {
        "title": kind.type,
        "type": "object",
        "required": ["type", *(wire for wire in fields if whole and needed[wire])],
        "properties": {**fields, "type": {"type": "string", "const": kind.type}},
        "additionalProperties": False,
    }


def _given(field: Field, *, needed: bool) -> Json:
    said = _schema(field)
    if not needed:
        return {"anyOf": [said, {"type": "null"}]}
    return {**said, "minLength": 1} if said == {"type": "string"} else said


def _schema(field: Field) -> Json:
    said: Json = {"type": "boolean"} if field.flag else {"type": "string"}
    return {**said, "enum": list(field.choices)} if field.choices else said
