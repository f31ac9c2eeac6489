"""The admin API: connect, test and disconnect what the cards show, say how everything is and what happened.

Routes are derived from the registry: a provider whose `names.admin` is set has POST and DELETE here, one that sends
mail a test, too. The order in which a request is judged:

1. who asks: 401 `auth_error`; with a cookie session 403 `csrf_failed`
2. their role: 403 `forbidden_role` (owners and admins alone; also a key that was not made for this API)
3. their rate, for all but GET and HEAD: 429 `rate_limited`
4. path and method: 404 `not_found`, 405 `method_not_allowed`
5. the database: 404 `not_available`; GET /status answers without one
6. their workspace: 400 `bad_request` where they have none
7. content type 415, size 413, JSON 400, fields 422
8. the verb

A session that is over is `session_expired` where the host's sessions tell it apart, as the stand-alone app's do.
A slash at the end of a path changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from atlas_hub.api import activity, doctor, openapi, used_by
from atlas_hub.api.bodies import CHOICE, Body
from atlas_hub.api.callers import Actors, admit
from atlas_hub.api.envelope import ACTOR, HUB, REQUEST_ID, Call, Envelope, Verb, answer, json_of, told
from atlas_hub.api.errors import Refusal, bad_request, invalid, refusal_of
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound, ProviderError
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Provider, Purpose, scope_of
from atlas_hub.services import connections, delivery, environment, opening, status
from atlas_hub.services.access import Actor
from atlas_hub.services.connections import Mode
from atlas_hub.services.views import Connected

PREFIX = "/api/v1/admin/integrations"
DOCUMENT = "/openapi.json"
SOURCE = "admin"
MODES = {Mode.REPLACE.value: Mode.REPLACE, Mode.ADD.value: Mode.ADD}


class EmailTestBody(BaseModel):
    """Where a test message goes."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)

    recipientEmail: Annotated[  # noqa: N815  # the wire's name
        str,
        Field(
            # Not `format: email`: a checker of addresses repeats what was typed in what it says.
            pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*$",
            max_length=254,
            description="The address that gets the test message.",
            examples=["ana@example.com"],
        ),
    ]


EMAIL_TEST = TypeAdapter(EmailTestBody)


def build(actors: Actors, providers: Mapping[str, Provider] = PROVIDERS) -> ASGIApp:
    """The API for everything under `PREFIX`. `actors` says who is signed in with a cookie."""
    app = FastAPI(title=openapi.TITLE, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    operations = routes(providers)
    methods: dict[str, frozenset[str]] = {DOCUMENT: frozenset({"GET"})}
    for operation, verb in operations:
        endpoint = _endpoint(verb, placeless=verb is get_status)
        app.add_api_route(
            operation.path, endpoint, methods=[operation.method], response_model=None, **operation.declared()
        )
        methods[operation.path] = methods.get(operation.path, frozenset()) | {operation.method}
    document = openapi.Document(list(app.routes), [operation for operation, _ in operations])

    async def openapi_json(request: Request) -> Response:
        return Response(document.text(request.scope["root_path"]), media_type="application/json")

    app.add_api_route(DOCUMENT, openapi_json, methods=["GET"], include_in_schema=False, response_model=None)

    async def admitted(hub: Hub, request: Request, request_id: str) -> Actor:
        return await admit(hub, actors, request, request_id)

    return Envelope(app, prefix=PREFIX, methods=methods, public=frozenset({DOCUMENT}), admit=admitted)


def routes(providers: Mapping[str, Provider]) -> list[tuple[openapi.Operation, Verb]]:
    """What the registry offers here, each with what does it."""
    found: list[tuple[openapi.Operation, Verb]] = [
        (openapi.status_operation(), get_status),
        *used_by.routes(),
        *activity.routes(),
        (doctor.RUN, doctor.run),
        (doctor.BUNDLE, doctor.download),
    ]
    for provider in providers.values():
        name = provider.names.admin
        if name is None:
            continue
        body = Body(provider.parts[0])
        path = f"/{provider.names.admin_path or name}"
        found.append((openapi.connect_operation(body, path), partial(connect, body)))
        if provider.methods[0].purpose is Purpose.MAIL:
            operation = openapi.test_operation(provider, f"/{name}/test", EmailTestBody)
            found.append((operation, partial(send_test, provider)))
        found.append((openapi.disconnect_operation(provider, f"/{name}"), partial(disconnect, provider)))
    return found


def _endpoint(verb: Verb, *, placeless: bool) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        scope = request.scope
        try:
            said = await verb(_placed(Call(scope[HUB], scope[ACTOR], request), placeless=placeless))
            return said if isinstance(said, Response) else answer(said)
        except Exception as error:  # noqa: BLE001  # the last line before the wire
            return told(error, scope[REQUEST_ID])

    return endpoint


def _placed(call: Call, *, placeless: bool) -> Call:
    """The same call, once there is a database and a workspace to do it in; what is `placeless` needs no database.

    Raises `NotAvailable`, `Refusal` 400, in this order.
    """
    if not placeless or call.hub.has_database:
        _ = call.hub.db  # raises NotAvailable where there is none
        if not call.actor.workspace:
            raise bad_request("You have no workspace. Create one, or ask to be added to one.")
    return call


async def get_status(call: Call) -> dict[str, Any]:
    """GET /status: one query, no vendor asked."""
    return await status.answer(call.hub, call.actor)


async def connect(body: Body, call: Call) -> dict[str, Any]:
    """POST: prove and store, in the primary's place or (`?mode=add`) beside it."""
    raw, parsed = await json_of(call.request)
    mode = _mode(call.request)
    method, values = body.read(raw, parsed)
    provider = body.provider
    try:
        done = await connections.connect(
            call.hub, call.actor, provider.slug, method.key, values, source=SOURCE, mode=mode, save_unverified=True
        )
    except (ProviderError, BadForm) as error:
        wire = partial(body.wire_name, method)
        raise refusal_of(error, refused=provider.names.refused, wire=wire) from None
    return {**_sentences(provider, done), **_wire(body, done), **_extras(done)}


def _mode(request: Request) -> Mode:
    asked = request.query_params.getlist("mode") or [Mode.REPLACE.value]
    if len(asked) > 1 or asked[0] not in MODES:
        raise invalid([("mode", f"This must be one of {', '.join(MODES)}, given once.")])
    return MODES[asked[0]]


def _sentences(provider: Provider, done: Connected) -> dict[str, Any]:
    if not done.verified:
        said = f"The settings of {provider.name} are saved, but they were not verified."
    else:
        said = f"{provider.name} is connected: {done.account}."
    if done.replaced:
        said += f" It takes the place of {done.replaced}."
    if provider.methods[0].purpose is not Purpose.MAIL:
        return {"message": said}
    warning = None if done.verified else next(iter(done.warnings), said)
    return {"message": said, "verified": done.verified, "warning": warning}


def _wire(body: Body, done: Connected) -> dict[str, Any]:
    if not body.nested:
        return {name: done.wire.get(name) for name in (*body.provider.wire_fields, *body.provider.answer_fields)}
    method = body.methods[done.view.method]
    shared = {body.wire_name(method, field): done.view.options.get(field) for field in body.shared}
    return {CHOICE: method.key, **shared}


def _extras(done: Connected) -> dict[str, Any]:
    view = done.view
    return {
        "replaced": done.replaced,
        "warnings": done.warnings,
        "connection": {"id": view.id, "label": view.label, "state": view.state, "checks": view.checks},
        "scopes": {
            "granted": None if view.granted is None else list(view.granted),
            "missing": list(view.missing),
            "extra": list(view.extra),
        },
    }


async def disconnect(provider: Provider, call: Call) -> dict[str, Any]:
    """DELETE: remove the primary; the others of its scope stay stored."""
    scope = scope_of(provider, provider.methods[0])
    primary = await opening.primary_id(call.hub, call.actor, scope)
    gone = await connections.disconnect(call.hub, call.actor, primary)
    said = f"{provider.name} is disconnected: {gone.label}."
    if gone.still_in_use:
        said += " The same account is still used by another connection."
    if gone.others:
        them = "1 other is" if gone.others == 1 else f"{gone.others} others are"
        said += f" {them} still stored; none is the default."
    if provider.methods[0].purpose is Purpose.MAIL:
        gift = environment.mail(call.hub)
        given = gift is not None and gift.form is not None
        said += (
            " Mail goes through the operator's settings now."
            if given
            else " No mail is sent until another way is set up."
        )
    if gone.revocation:
        said += f" {gone.revocation}"
    return {
        "message": said,
        "othersStored": gone.others,
        "stillInUse": gone.still_in_use,
        "revoked": gone.revoked,
        "revocation": gone.revocation,
    }


async def send_test(provider: Provider, call: Call) -> dict[str, Any]:
    """POST /email/test: 200 whether or not it was taken; 400 `not_found` where nothing is set up (the seed's word)."""
    raw, _ = await json_of(call.request)
    try:
        to = EMAIL_TEST.validate_json(raw).recipientEmail
    except ValidationError as error:
        issue = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = "recipientEmail" if issue["type"] != "model_type" else ""
        raise invalid([(field, "This must be the e-mail address of one recipient.")]) from None
    try:
        sent = await delivery.send_test_mail(call.hub, call.actor, to)
    except NotFound as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "not_found", f"{error.text} Connect {provider.name} first.") from None
    except BadForm as error:
        raise refusal_of(error, wire=lambda _: "recipientEmail") from None
    extras = {"receipt": sent.receipt or None} if sent.success else {"code": sent.code or None}
    return {"message": sent.text, "success": sent.success, **extras}
