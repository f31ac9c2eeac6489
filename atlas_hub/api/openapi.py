"""The admin API's own description: OpenAPI 3.1, made from the models of its bodies and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter, create_model
from pydantic_core import to_json
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from atlas_hub.api.answers import STATUS, Connected, Disconnected, ErrorAnswer, TestSent
from atlas_hub.api.bodies import CHOICE, Body
from atlas_hub.api.described import REFS, headers_of
from atlas_hub.providers.contract import Provider, Purpose

TITLE = "Atlas Hub admin API"
VERSION = "1"
ABOUT = """\
Connect, test and disconnect what the Integrations page shows. For owners and admins of a workspace; the key or the
session decides which. Every answer has `X-Request-Id` and `Cache-Control: no-store`. A session cookie is taken in place
of a key; a change then needs the header `X-Atlas-CSRF: 1`. A slash at the end of a path changes nothing, HEAD is GET
without a body, and unknown keys of a body are ignored. A method that a path does not have is 405 `method_not_allowed`,
with those that it has in the header `Allow`; a path that does not exist is 404 `not_found`.
"""

ERRORS: Mapping[int, str] = {
    400: "`bad_request`: not JSON, or no workspace. Or the vendor refused: the provider's word, and `code`.",
    401: "`auth_error`: no key or session, or one that is not known.",
    403: "`forbidden_role`: not an owner or admin, or a key for other APIs. `csrf_failed`: see above.",
    404: "`not_found`: nothing is connected. `not_available`: there is no internal database.",
    409: "`conflict`: the account is connected already.",
    413: "`payload_too_large`: more than 64 KiB.",
    415: "`unsupported_media_type`: not `application/json`, or compressed.",
    422: "`validation_error`: `details` names the fields.",
    429: "`rate_limited`: see `retryAfterSeconds`.",
    500: "`internal_error`: the log has more under `requestId`.",
    502: "`provider_error`: the vendor did not answer, or made no sense; `code` says which.",
    503: "`provider_busy`: the vendor asks to wait. `locked`: the encryption key is missing. "
    "`unavailable`: the database does not answer.",
}
ALWAYS = (401, 403, 500, 503)
CHANGES = (400, 404, 429)
BODIES = (413, 415, 422)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One path and method: its id, its words, its body and what it answers: text of these `media`, where there are."""

    path: str
    method: str
    id: str
    summary: str
    answer: type[BaseModel]
    errors: tuple[int, ...]
    body: TypeAdapter[Any] | None = None
    body_name: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    media: Sequence[str] = ()

    def declared(self) -> dict[str, Any]:
        """What FastAPI's route is told about itself."""
        extra: dict[str, Any] = {"security": [{"bearer": []}, {"session": []}]}
        if self.parameters:
            extra["parameters"] = list(self.parameters)
        if self.body is not None:
            content = {"schema": {"$ref": REFS.format(model=self.body_name)}, "example": self.example}
            extra["requestBody"] = {"required": True, "content": {"application/json": content}}
        done: dict[str, Any] = {"description": "Done.", "headers": headers_of(200)}
        if self.media:
            done["content"] = {kind: {"schema": {"type": "string"}} for kind in self.media}
        else:
            done["model"] = self.answer
        return {
            "operation_id": self.id,
            "summary": self.summary,
            "response_class": Response if self.media else JSONResponse,  # a kind of its own adds none to those
            "responses": {
                200: done,
                **{
                    status: {"model": ErrorAnswer, "description": ERRORS[status], "headers": headers_of(status)}
                    for status in sorted({*ALWAYS, *self.errors})
                },
            },
            "openapi_extra": extra,
        }


def status_operation() -> Operation:
    """GET /status."""
    return Operation(
        path="/status",
        method="GET",
        id="getIntegrationsStatus",
        summary="How every integration of the workspace is",
        answer=STATUS,
        errors=(400,),
    )


MODE = {
    "name": "mode",
    "in": "query",
    "description": "`replace` the connection that is the default, or `add` beside it.",
    "schema": {"type": "string", "enum": ["replace", "add"], "default": "replace"},
}


def connect_operation(body: Body, path: str) -> Operation:
    """POST of a provider."""
    provider = body.provider
    return Operation(
        path=path,
        method="POST",
        id=f"connect{_title(provider)}",
        summary=f"Connect {provider.name}, or update what is connected",
        answer=_connected(body),
        errors=(*CHANGES, *BODIES, 409, 502),
        body=body.adapter,
        body_name=f"{_title(provider)}Body",
        example=body.example(),
        parameters=(MODE,),
    )


def test_operation(provider: Provider, path: str, order: type[BaseModel]) -> Operation:
    """POST of a test message."""
    return Operation(
        path=path,
        method="POST",
        id=f"send{_title(provider)}Test",
        summary=f"Send a test message by {provider.name}, as it is set up",
        answer=TestSent,
        errors=(*CHANGES, *BODIES),
        body=TypeAdapter(order),
        body_name=f"{_title(provider)}TestBody",
        example={"recipientEmail": "ana@example.com"},
    )


def disconnect_operation(provider: Provider, path: str) -> Operation:
    """DELETE of a provider."""
    return Operation(
        path=path,
        method="DELETE",
        id=f"disconnect{_title(provider)}",
        summary=f"Disconnect {provider.name}; others that are stored stay",
        answer=Disconnected,
        errors=(*CHANGES, 409),
    )


def _connected(body: Body) -> type[BaseModel]:
    """The answer to a connect: the provider's own fields beside ours."""
    fields: dict[str, Any]
    if body.nested:
        fields = {CHOICE: Literal[tuple(body.methods)]}
        fields |= {body.wire_name(next(iter(body.methods.values())), name): str for name in body.shared}
    else:
        fields = dict.fromkeys((*body.provider.wire_fields, *body.provider.answer_fields), str | None)
    if body.provider.methods[0].purpose is Purpose.MAIL:
        fields |= {"verified": bool, "warning": str | None}
    return create_model(f"{_title(body.provider)}Connected", __base__=Connected, **fields)


def _title(provider: Provider) -> str:
    name = provider.names.admin or provider.slug
    return name[:1].upper() + name[1:]


class Document:
    """The description as JSON text, for whichever path the hub is served under."""

    def __init__(self, routes: Sequence[BaseRoute], operations: Sequence[Operation]) -> None:
        self._routes = routes
        self._operations = operations
        self.text: Callable[[str], bytes] = cache(self._text)

    def _text(self, prefix: str) -> bytes:
        return to_json(self.made(prefix))

    def made(self, prefix: str) -> dict[str, Any]:
        """The description; `prefix` is the path that the operations' paths follow."""
        document = get_openapi(
            title=TITLE,
            version=VERSION,
            openapi_version="3.1.0",
            description=ABOUT,
            routes=self._routes,
            servers=[{"url": prefix}],
        )
        parts = document.setdefault("components", {})
        parts["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "The private half of a key."},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-atlas_session",
                "description": "A signed-in browser's cookie; the host names it. Changes need `X-Atlas-CSRF: 1`.",
            },
        }
        bodies: list[tuple[str, Literal["validation"], TypeAdapter[Any]]]
        bodies = [(each.body_name, "validation", each.body) for each in self._operations if each.body]
        schemas, shared = TypeAdapter.json_schemas(bodies, ref_template=REFS)
        parts["schemas"] |= shared.get("$defs", {})
        named = {name: schema for (name, _), schema in schemas.items()}
        parts["schemas"] |= {name: schema for name, schema in named.items() if name not in parts["schemas"]}
        return document
