"""docs/admin-api.md: the reference of the admin API, from the OpenAPI document that the app itself serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from atlas_hub.api import admin
from atlas_hub.providers import PROVIDERS

Json = dict[str, Any]

WIDE = 90
SHAPE = "The answers below show the shape: text is `…`, and every field is there, also one that may be missing or null."

OPENING = """\
# Admin API

What the Integrations page does, for programs. This page is written by `make docs` from the description that the hub
serves itself, OpenAPI 3.1 at `{prefix}/openapi.json`, which needs no key.

{about}
The examples take two variables; `KEY` is the private half of an API key ([People, keys and workspaces](settings.md)):

```sh
atlas-hub workspace list
atlas-hub key create --workspace WORKSPACE_ID --role admin --api admin --name automation
KEY=the-private-half
HUB=http://localhost:3000{prefix}
```

In a script, read a body from a file (`--data @body.json`): what stands among the arguments of a program can be read by
others on the machine.
"""

ERRORS = """\
## Errors

Every error has the same shape:

```json
{
  "error": "validation_error",
  "message": "The request has fields that are missing or wrong; details names each. Mend them and send it again.",
  "requestId": "1fc86c71-5488-4777-b7cb-318d17adcc32",
  "details": [{"field": "botToken", "message": "This is missing or empty. Send a value."}]
}
```

`error` is the word to decide by, `message` a sentence for people. `requestId` is also the header `X-Request-Id`; the
hub's log has it at every line about the request. `details` names fields, with an empty name for the whole body.
`retryAfterSeconds` says the same as the header `Retry-After`: how long to wait, where waiting helps. `code` is there
where the vendor is the reason, and is one of {codes}.

| status | `error`, and when |
|---|---|
"""

BESIDE = """\

Beside these, a session that is over is 401 `session_expired`; what is said above of paths and methods that do not
exist, 404 `not_found` and 405 `method_not_allowed`, has the same shape.

A request is judged in this order: who asks, their role, their rate (all but GET and HEAD: `ATLAS_RATE_LIMIT_RPM` a
minute for each caller), path and method, database, workspace, query or body.

A browser's CORS preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) never reaches the hub: Reflex
answers it by its `cors_allowed_origins`, as text and without `X-Request-Id`.

A vendor's refusal has the provider's own word:

| | `error` |
|---|---|
"""


def page() -> str:
    """docs/admin-api.md."""
    document = served()
    schemas = document["components"]["schemas"]
    codes = ", ".join(f"`{code}`" for code in _plain(schemas["ErrorAnswer"]["properties"]["code"])["enum"])
    routes = list(_routes(document))
    lines = [OPENING.format(prefix=admin.PREFIX, about=document["info"]["description"])]
    lines += ["## Authentication", "", *_authentication(document), ""]
    lines += [ERRORS.replace("{codes}", codes).rstrip(), *_statuses(routes)]
    lines += [BESIDE.rstrip()]
    lines += [f"| {each.name} | `{each.names.refused}` |" for each in PROVIDERS.values() if each.names.admin]
    lines += ["", "## Routes", "", "| | |", "|---|---|"]
    lines += [f"| [`{name}`](#{_anchor(name)}) | {route['summary']} |" for name, route in routes]
    lines += ["", SHAPE, ""]
    for name, route in routes:
        lines += [*_route(name, route, schemas), ""]
    return "\n".join(lines)


def served() -> Json:
    """The description, asked of the app as a client does. It needs neither a hub nor a caller."""
    pieces: list[bytes] = []
    path = admin.PREFIX + admin.DOCUMENT
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "query_string": b"", "headers": []}

    async def receive() -> Json:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        pieces.append(message.get("body", b""))

    async def ask() -> None:
        await admin.build(Nobody())(scope, receive, send)

    asyncio.run(ask())
    made: Json = json.loads(b"".join(pieces))
    return made


class Nobody:
    """Who asks for the description."""

    async def actor_of_request(self, request: Any) -> None:  # noqa: ARG002  # the shape of a host's module
        """Nobody is signed in."""
        return


def _routes(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            yield f"{method.upper()} {path}", route


def _authentication(document: Json) -> Iterator[str]:
    for scheme in document["components"]["securitySchemes"].values():
        how = f"the cookie `{scheme['name']}`" if "name" in scheme else "`Authorization: Bearer …`"
        yield f"- {how[0].upper()}{how[1:]}. {scheme['description']}"


def _statuses(routes: list[tuple[str, Json]]) -> list[str]:
    found = {status: said["description"] for _, route in routes for status, said in route["responses"].items()}
    return [f"| {status} | {found[status]} |" for status in sorted(found) if status != "200"]


def _anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return heading.lower().replace("/", "").replace(" ", "-")


def _route(name: str, route: Json, schemas: Json) -> Iterator[str]:
    yield from (f"### {name}", "", f"{route['summary']}.", "")
    if "parameters" in route:
        yield from ("| in the query | type | required | what |", "|---|---|---|---|")
        for each in route["parameters"]:
            needed = "yes" if each.get("required") else "no"
            yield f"| `{each['name']}` | {_type(each['schema'])} | {needed} | {each['description']} |"
        yield ""
    body = route.get("requestBody", {}).get("content", {}).get("application/json")
    example = None
    if body:
        schema = _plain(body["schema"], schemas)
        yield from _body(schema, schemas)
        example = {each: body["example"][each] for each in schema.get("required", body["example"])}
    yield from ("```sh", *_curl(name, route, example), "```", "")
    errors = ", ".join(status for status in sorted(route["responses"]) if status != "200")
    content = route["responses"]["200"]["content"]
    if "application/json" not in content:
        kinds = " or ".join(f"`{kind}`" for kind in content)
        yield f"Answers 200 with a file, {kinds}; or an [error](#errors): {errors}."
        return
    yield from (f"Answers 200, or an [error](#errors): {errors}.", "", "```json")
    answer = content["application/json"]["schema"]
    yield from (_written(_sample(answer, schemas)), "```")
    told = dict.fromkeys(_told(answer, schemas))
    yield from ("", "| in the answer | what |", "|---|---|", *told) if told else ()


def _written(value: Any, depth: int = 0) -> str:
    """JSON in which what is short stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) < WIDE or not isinstance(value, dict | list):
        return line
    pad, begin = "  " * (depth + 1), "{" if isinstance(value, dict) else "["
    if isinstance(value, dict):
        inner = [f'{pad}"{name}": {_written(each, depth + 1)}' for name, each in value.items()]
    else:
        inner = [pad + _written(each, depth + 1) for each in value]
    return "\n".join([begin, ",\n".join(inner), "  " * depth + ("}" if begin == "{" else "]")])


def _curl(name: str, route: Json, example: Json | None) -> Iterator[str]:
    method, path = name.split()
    asked = [f"{each['name']}={_value(each['schema'])}" for each in route.get("parameters", ()) if each.get("required")]
    url = f'"$HUB{path}{"?" if asked else ""}{"&".join(asked)}"'
    verb = "" if method == "GET" else f"-X {method} "
    yield f'curl {verb}-H "Authorization: Bearer $KEY" {url}' + (" \\" if example else "")
    if example:
        sent = json.dumps(example, ensure_ascii=False)
        yield f"  -H 'Content-Type: application/json' --data '{sent}'"


def _value(schema: Json) -> str:
    return str(schema["enum"][0]) if "enum" in schema else "0123456789abcdef01234567"


def _body(schema: Json, schemas: Json) -> Iterator[str]:
    ways = schema.get("discriminator", {}).get("mapping", {})
    for key, ref in ways.items() or [("", "")]:
        if ref:
            yield from (f"With `{schema['discriminator']['propertyName']}` `{key}`:", "")
        yield from ("| in the body | type | required | secret | what |", "|---|---|---|---|---|")
        yield from _fields(_plain({"$ref": ref}, schemas) if ref else schema, schemas)
        yield ""


def _fields(schema: Json, schemas: Json, before: str = "") -> Iterator[str]:
    for name, given in schema["properties"].items():
        field = _plain(given, schemas)
        if "properties" in field:
            yield from _fields(field, schemas, f"{before}{name}.")
            continue
        needed = "yes" if name in schema.get("required", ()) else "no"
        secret = "yes" if given.get("writeOnly") else "no"
        yield f"| `{before}{name}` | {_type(given)} | {needed} | {secret} | {given.get('description', '')} |"


def _type(given: Json) -> str:
    field = _plain(given)
    if "const" in field:
        return f"`{field['const']}`"
    words = ", ".join(f"`{value}`" for value in field.get("enum", ()) if value) or str(field.get("type", ""))
    if "maximum" in field:
        words += f", {field['minimum']} to {field['maximum']}"
    if field.get("default"):
        words += f"; otherwise `{field['default']}`"
    return words + (" or null" if "anyOf" in given and {"type": "null"} in given["anyOf"] else "")


def _plain(schema: Json, schemas: Json | None = None) -> Json:
    """The schema itself: what a reference leads to, and of what may be null the other half."""
    if "anyOf" in schema:
        schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
    if "$ref" in schema and schemas is not None:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema


def _sample(given: Json, schemas: Json) -> Any:
    """A value of this shape."""
    schema = _plain(given, schemas)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [""])[0])
    if "properties" in schema:
        return {name: _sample(field, schemas) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_sample(schema["items"], schemas)]
    if schema.get("format") == "date-time":
        return "2026-11-21T19:53:46Z"
    plain = {"boolean": True, "integer": int(schema.get("minimum", 1)), "object": {}}
    return plain.get(schema["type"], "0123456789abcdef01234567" if "{24}" in schema.get("pattern", "") else "…")


def _told(given: Json, schemas: Json) -> Iterator[str]:
    """What the description says about the fields of an answer, and of those in it."""
    for name, field in _plain(given, schemas).get("properties", {}).items():
        inner = _plain(field.get("items", field), schemas)
        values = ", ".join(f"`{value}`" for value in inner.get("enum", ()))
        words = " ".join(part for part in (field.get("description", ""), f"One of {values}." if values else "") if part)
        if words:
            yield f"| `{name}` | {words} |"
        yield from _told(inner, schemas)
