"""A POST or PATCH that comes again with its `idempotency-key` gets the answer that it got before.

The key counts within workspace, method and path. Never kept: 5xx and 429, which another try may mend.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from atlas_hub.api.chat_errors import Refused, bad_request
from atlas_hub.api.envelope import JSON
from atlas_hub.hub import Unreachable
from atlas_hub.services import replays
from atlas_hub.services.replays import Begun, Kept, Standing

if TYPE_CHECKING:
    from atlas_hub.api.chat_frame import ChatCall, Route

log = logging.getLogger(__name__)

HEADER: Final = "idempotency-key"
METHODS: Final = frozenset({"POST", "PATCH"})
KEY_LENGTH: Final = 255
RETRY_SECONDS: Final = 1


async def answered(call: ChatCall, route: Route, answer: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `answer`, or the one that the same request got before.

    Raises `Refused` 400 for a key that is too long, 409 while the same request is under way, 422 for another body.
    """
    key = call.request.headers.get(HEADER, "").strip()
    if not key or route.method not in METHODS or not route.replays or route.public:
        return await answer()
    if len(key) > KEY_LENGTH:
        raise bad_request(
            f'idempotencyKey "{key[:KEY_LENGTH]}…" has exceeded the maximum allowed length of {KEY_LENGTH} characters'
        )
    path = call.request.scope["path"].rstrip("/")
    begun = await replays.begin(call.hub, call.actor, method=route.method, path=path, key=key, body=call.raw)
    if isinstance(begun, Standing):
        raise _standing(begun, key)
    if isinstance(begun, Kept):
        return _again(begun, key)
    response = await answer()
    try:
        await _ended(call, route, begun, response)
    except Unreachable:  # what was done is done: a minute on, the same request may be made again
        log.warning("An answer could not be kept for a request that comes again: the database did not answer.")
    return response


def _standing(found: Standing, key: str) -> Refused:
    if found is Standing.RUNNING:
        return Refused(
            HTTPStatus.CONFLICT,
            f'Request with key "{key}" is currently being processed. Please retry after {RETRY_SECONDS} second',
            headers={"Retry-After": str(RETRY_SECONDS)},
        )
    said = f'Request with key "{key}" is being reused for a different body'
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, said, errors={HEADER: said})


def _again(kept: Kept, key: str) -> Response:
    headers = {"Idempotency-Key": key, "Idempotency-Replay": "true"}
    return Response(kept.body.reveal(), status_code=kept.status, media_type=JSON, headers=headers)


async def _ended(call: ChatCall, route: Route, begun: Begun, response: Response) -> None:
    passing = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    passing = passing or response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    if passing or response.media_type != JSON:
        await replays.forget(call.hub, begun)
        return
    body = bytes(response.body).decode()
    await replays.keep(call.hub, begun, status=response.status_code, body=body, seconds=route.replay_seconds)
