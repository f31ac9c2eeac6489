"""The chat API's own description: OpenAPI 3.1 at `/v1/integrations/openapi.json`, which needs no key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from pydantic import create_model
from pydantic_core import to_json
from starlette.responses import Response

from atlas_hub.api import chat_integrations, chat_shapes
from atlas_hub.api.chat_frame import ChatCall, Route, is_parameter
from atlas_hub.api.chat_paging import MOST, USUAL
from atlas_hub.api.chat_replays import HEADER, KEY_LENGTH, METHODS
from atlas_hub.api.described import Api, Described, document, headers_of, in_header, in_path, in_query
from atlas_hub.api.envelope import JSON
from atlas_hub.services.chat_words import CHANNELS

PATH: Final = "/v1/integrations/openapi.json"
ABOUT: Final = """\
Integrations, channel connections and channel endpoints, as the clients of Novu speak them. Every answer has
`X-Request-Id` and `Cache-Control: no-store`. A slash at the end of a path changes nothing, HEAD is GET without a body,
and unknown keys of a body are ignored. A method that a path does not have is 405, with those that it has in the header
`Allow`; a path that does not exist is 404.
"""
ERRORS: Final[Mapping[int, str]] = {
    400: "No JSON, a rule broken, or a vendor that refused what was to be checked.",
    401: "No key, another scheme than `ApiKey`, or a key that is not known.",
    403: "A key for other APIs or one that may only read; another workspace; what a card manages.",
    404: "There is no such thing, or it is another workspace's, or this is not offered.",
    409: "An identifier that is taken, a thing that is there, or the same request under way.",
    413: "More than 64 KiB.",
    415: "Not `application/json`, or compressed.",
    422: "`errors` names the fields. Or the idempotency key came with another body.",
    429: "More requests than a key may make in a minute.",
    500: "The log has more under `errorId`.",
    503: "No database, or no encryption key.",
}
ALWAYS: Final = frozenset({400, 401, 403, 429, 500, 503})
WITH_A_BODY: Final = frozenset({404, 409, 413, 415, 422})
API: Final = Api(
    title="Atlas Hub chat API",
    about=ABOUT,
    errors=ERRORS,
    error=chat_shapes.ErrorAnswer,
    schemes={
        "key": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`ApiKey <privateKey>`, a key made for this API.",
        }
    },
)
IDEMPOTENCY: Final = in_header(
    HEADER, "The same request again gets the same answer, for 24 hours.", {"type": "string", "maxLength": KEY_LENGTH}
)
WORD: Final = {"type": "string"}


def one_of(*words: str) -> dict[str, Any]:
    """One of some words, or nothing."""
    return {"type": "string", "enum": [*words, ""]}


PAGING: Final = (
    in_query(
        "limit",
        f"How many, {USUAL} where it is not said; more than {MOST} are {MOST}.",
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "maxLength": 0}]},
    ),
    in_query("after", "A cursor that `next` told.", WORD),
    in_query("before", "A cursor that `previous` told; not beside `after`.", WORD),
    in_query("includeCursor", "Whether the cursor's own is in it.", {"anyOf": [{"type": "boolean"}, one_of("0", "1")]}),
    in_query("orderBy", "", one_of("createdAt", "updatedAt")),
    in_query("orderDirection", "", one_of("ASC", "DESC")),
)
FILTERS: Final = (
    in_query("subscriberId", "", WORD),
    in_query("integrationIdentifier", "", WORD),
    in_query("channel", "", one_of(*CHANNELS)),
    in_query("providerId", "", WORD),
    in_query(
        "contextKeys", "The exact set; a single empty one is none.", {"anyOf": [{"type": "array", "items": WORD}, WORD]}
    ),
)
MODE: Final = in_query("connectionMode", "", one_of("subscriber", "shared"))
OF_CONNECTION: Final = in_query("connectionIdentifier", "", WORD)


def data(kind: Any, name: str) -> Any:
    """What is answered as `data`."""
    return create_model(name, data=(kind, ...))


def page(kind: Any, name: str) -> Any:
    """A page of a list, written whole."""
    fields: dict[str, Any] = {
        "data": list[kind],
        "next": str | None,
        "previous": str | None,
        "totalCount": int,
        "totalCountCapped": bool,
    }
    whole: Any = {field: (each, ...) for field, each in fields.items()}
    return create_model(name, **whole)


ONE_INTEGRATION: Final = data(chat_shapes.Integration, "IntegrationAnswer")
INTEGRATIONS: Final = data(list[chat_shapes.Integration], "IntegrationsAnswer")
ONE_CONNECTION: Final = data(chat_shapes.Connection, "ConnectionAnswer")
ONE_ENDPOINT: Final = data(chat_shapes.Endpoint, "EndpointAnswer")
ONE_SUBSCRIBER: Final = data(chat_shapes.Subscriber, "SubscriberAnswer")
ONE_CONTEXT: Final = data(chat_shapes.ContextAnswer, "ContextAnswerWhole")
ADDRESS: Final = data(chat_shapes.Address, "AddressAnswer")

_FAILS = in_query("failIfExists", "`true`: one that is there is 409.", WORD)
_HTML: Final = {"text/html": {"schema": {"type": "string"}}}


def _page_for_people(status: int, about: str) -> dict[str, Any]:
    return {"description": about, "headers": headers_of(status), "content": _HTML}


_CALLBACK: Final[Mapping[int, Mapping[str, Any]]] = {
    200: _page_for_people(200, "What was linked, where the integration names no address to go on to."),
    302: {"description": "On to the application.", "headers": {"Location": {"required": True, "schema": WORD}}},
}

Words = tuple[str, str, Any, Any, Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""Id, summary, answer, body, example, and parameters beside those of the path."""

_SLACK = {"providerId": "slack", "channel": "chat", "credentials": {"clientId": "1.2", "secretKey": "…"}}
_ACME = {"workspace": {"id": "T123", "name": "Acme"}, "auth": {"accessToken": "xoxb-…"}}
_ADDRESS = {"integrationIdentifier": "our-slack", "subscriberId": "ana"}
_ENDPOINT = {"type": "slack_channel", "endpoint": {"channelId": "C123"}}
_HOOK = {"providerId": "slack", "credentials": {"webhookUrl": "https://hooks.example.com/1"}}

SAID: Final[Mapping[tuple[str, str], Words]] = {
    ("GET", "/v1/integrations"): ("listIntegrations", "All integrations", INTEGRATIONS, None, {}, ()),
    ("POST", "/v1/integrations"): (
        "createIntegration", "Store an integration", ONE_INTEGRATION, chat_integrations.New, _SLACK, ()
    ),
    ("GET", "/v1/integrations/active"): (
        "listActiveIntegrations", "Those that are active", INTEGRATIONS, None, {}, ()
    ),
    ("PUT", chat_integrations.ONE): (
        "updateIntegration", "Change an integration", ONE_INTEGRATION, chat_integrations.Said, {"name": "Slack"}, ()
    ),
    ("DELETE", chat_integrations.ONE): (
        "deleteIntegration", "Delete one; those that remain", INTEGRATIONS, None, {}, ()
    ),
    ("POST", f"{chat_integrations.ONE}/set-primary"): (
        "setIntegrationAsPrimary", "Make it the primary of its channel", ONE_INTEGRATION, None, {}, ()
    ),
    ("POST", f"{chat_integrations.ONE}/auto-configure"): (
        "autoConfigureIntegration", "Say that it cannot be done",
        data(chat_shapes.AutoConfigured, "AutoConfiguredAnswer"), None, {}, (),
    ),
    ("POST", "/v1/integrations/channel-endpoints/link"): ("linkChannelEndpoint", "Not offered", None, None, {}, ()),
    ("POST", f"{chat_integrations.NAMED}/mobile-link"): ("mobileLink", "Not offered", None, None, {}, ()),
    ("POST", f"{chat_integrations.NAMED}/webhook/configure"): ("configureWebhook", "Not offered", None, None, {}, ()),
    ("POST", "/v1/integrations/chat/oauth"): (
        "chatOauth", "An address for either mode", ADDRESS, chat_shapes.ChatConsentBody, _ADDRESS, ()
    ),
    ("POST", "/v1/integrations/channel-connections/oauth"): (
        "connectOauth", "An address to connect an account", ADDRESS, chat_shapes.ConsentBody, _ADDRESS, ()
    ),
    ("POST", "/v1/integrations/channel-endpoints/oauth"): (
        "linkUserOauth", "An address that tells who a subscriber is", ADDRESS, chat_shapes.LinkBody, _ADDRESS, ()
    ),
    ("GET", "/v1/integrations/chat/oauth/callback"): (
        "oauthCallback", "Where the vendor sends the browser", None, None, {},
        [in_query(name, "", WORD) for name in ("code", "state", "error", "error_description", "tenant")],
    ),
    ("GET", "/v1/channel-connections"): (
        "listChannelConnections", "A page of connections", page(chat_shapes.Connection, "ConnectionPage"), None, {},
        (*PAGING, *FILTERS, MODE),
    ),
    ("POST", "/v1/channel-connections"): (
        "createChannelConnection", "Store a connection", ONE_CONNECTION, chat_shapes.ConnectionBody,
        {"integrationIdentifier": "our-slack", "subscriberId": "ana", **_ACME}, (),
    ),
    ("GET", "/v1/channel-connections/{identifier}"): (
        "getChannelConnection", "One connection", ONE_CONNECTION, None, {}, ()
    ),
    ("PATCH", "/v1/channel-connections/{identifier}"): (
        "updateChannelConnection", "Replace workspace and auth", ONE_CONNECTION, chat_shapes.ConnectionChanged, _ACME,
        (),
    ),
    ("DELETE", "/v1/channel-connections/{identifier}"): (
        "deleteChannelConnection", "Delete it and the endpoints that name it", None, None, {}, ()
    ),
    ("GET", "/v1/channel-endpoints"): (
        "listChannelEndpoints", "A page of endpoints", page(chat_shapes.Endpoint, "EndpointPage"), None, {},
        (*PAGING, *FILTERS, MODE, OF_CONNECTION),
    ),
    ("POST", "/v1/channel-endpoints"): (
        "createChannelEndpoint", "Store an endpoint", ONE_ENDPOINT, chat_shapes.EndpointBody,
        {"subscriberId": "ana", "integrationIdentifier": "our-slack", **_ENDPOINT}, (),
    ),
    ("GET", "/v1/channel-endpoints/{identifier}"): ("getChannelEndpoint", "One endpoint", ONE_ENDPOINT, None, {}, ()),
    ("PATCH", "/v1/channel-endpoints/{identifier}"): (
        "updateChannelEndpoint", "Merge into its endpoint", ONE_ENDPOINT, chat_shapes.EndpointChanged,
        {"endpoint": {"channelId": "C124"}}, (),
    ),
    ("DELETE", "/v1/channel-endpoints/{identifier}"): (
        "deleteChannelEndpoint", "Delete an endpoint", None, None, {}, ()
    ),
    ("POST", "/v2/subscribers"): (
        "createSubscriber", "Make a subscriber, or change what is told of one", ONE_SUBSCRIBER,
        chat_shapes.SubscriberBody, {"subscriberId": "ana"}, (_FAILS,),
    ),
    ("GET", "/v2/subscribers/{subscriberId}"): ("getSubscriber", "One subscriber", ONE_SUBSCRIBER, None, {}, ()),
    ("PUT", "/v1/subscribers/{subscriberId}/credentials"): (
        "setSubscriberCredentials", "The webhook by which a provider reaches a subscriber", ONE_SUBSCRIBER,
        chat_shapes.CredentialsBody, _HOOK, (),
    ),
    ("GET", "/v2/contexts"): (
        "listContexts", "A page of contexts", page(chat_shapes.ContextAnswer, "ContextPage"), None, {},
        (*PAGING, in_query("id", "", WORD), in_query("search", "A word in type or id.", WORD)),
    ),
    ("POST", "/v2/contexts"): (
        "createContext", "Make a context", ONE_CONTEXT, chat_shapes.ContextBody, {"type": "tenant", "id": "acme"}, ()
    ),
    ("GET", "/v2/contexts/{type}/{id}"): ("getContext", "One context", ONE_CONTEXT, None, {}, ()),
    ("PATCH", "/v2/contexts/{type}/{id}"): (
        "updateContext", "Replace its data", ONE_CONTEXT, chat_shapes.ContextChanged, {"data": {"plan": "pro"}}, ()
    ),
    ("DELETE", "/v2/contexts/{type}/{id}"): ("deleteContext", "Delete a context", None, None, {}, ()),
}  # fmt: skip
"""What is said of each route; a test holds that none is forgotten."""


def operation(route: Route) -> Described:
    """A route as it is described: its statuses follow from what it is."""
    name, summary, answer, body, example, parameters = SAID[route.method, route.path]
    in_it = [in_path(part[1:-1]) for part in route.segments if is_parameter(part)]
    errors = set(ALWAYS)
    errors |= WITH_A_BODY if body is not None else set()
    errors |= {404} if in_it or summary == "Not offered" else set()
    errors |= {422} if parameters or route.path.endswith("/set-primary") else set()
    replays = [IDEMPOTENCY] if route.method in METHODS and route.replays and not route.public else []
    errors |= {409, 413, 422} if replays else set()
    if route.public:
        errors = {400, 404, 500, 503}
    return Described(
        path=route.path,
        method=route.method,
        id=name,
        summary=summary,
        status=404 if summary == "Not offered" else int(route.status),
        answer=answer,
        errors=sorted(errors),
        body=body,
        example=example,
        parameters=[*in_it, *parameters, *replays],
        public=route.public,
        more=_CALLBACK if route.public else {},
        deprecated=route.path == "/v1/integrations/chat/oauth",
    )


def described_by(routes: Sequence[Route]) -> Route:
    """The route that tells what all the others do."""

    @cache
    def text() -> bytes:
        return to_json(document(API, [operation(route) for route in routes], server="/"))

    async def told(_call: ChatCall) -> Response:
        return Response(text(), media_type=JSON)

    return Route("GET", PATH, told, public=True)
