"""What the groups API answers when something cannot be done: the original's codes, in sentences of ours.

`{detail, error, errorCode, parameters, reason}`, keys in order of the alphabet, and `X-Error-Code`; with `envelope`
also `status`. `parameters` are the values that `detail` names, in its order. Who is not known gets one answer, whatever
is the reason: it has no `parameters`, and is the same to the letter.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import ClientDisconnect

from atlas_hub.api.errors import Refusal
from atlas_hub.hub import Unreachable
from atlas_hub.kit.errors import BadForm, Conflict, NotAvailable, NotFound, TooManyRequests, VaultLocked
from atlas_hub.services.configurations import AlreadyConfigured, Kind, Masked, Missing, NotConfigured

log = logging.getLogger(__name__)

UNKNOWN: Final = b"""{
  "error" : 401,
  "reason" : "Unauthorized",
  "detail" : "You are not authorized for this resource.",
  "errorCode" : "UNEXPECTED_ERROR"
}
"""
"""The body for whoever is not known, as the original writes it."""
UNEXPECTED: Final = "UNEXPECTED_ERROR"
SHOWN: Final = 200
"""How much of what a caller sent is said back."""

REFUSALS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "MALFORMED_JSON",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "REQUEST_ENTITY_TOO_LARGE",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
}
"""What reads a body refuses, by its codes here."""


class Refused(Exception):  # it is an answer
    """An answer that is an error. `parameters` are the values that `detail` names."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        parameters: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = int(status)
        self.code = code
        self.detail = detail
        self.parameters = [str(each)[:SHOWN] for each in parameters]
        self.headers = {**(headers or {}), "X-Error-Code": code}

    def body(self) -> dict[str, Any]:
        """The error object."""
        return {
            "detail": self.detail,
            "error": self.status,
            "errorCode": self.code,
            "parameters": self.parameters,
            "reason": HTTPStatus(self.status).phrase,
        }


def bad_request(code: str, detail: str, *parameters: str) -> Refused:
    """400."""
    return Refused(HTTPStatus.BAD_REQUEST, code, detail, parameters)


def not_found(code: str, detail: str, *parameters: str) -> Refused:
    """404."""
    return Refused(HTTPStatus.NOT_FOUND, code, detail, parameters)


def may_not(detail: str) -> Refused:
    """401, as the original has it, for a key that is known and may not do this."""
    return Refused(HTTPStatus.UNAUTHORIZED, "USER_UNAUTHORIZED", detail)


def missing(fields: Sequence[str]) -> Refused:
    """400 for required fields that are not there."""
    if len(fields) == 1:
        return bad_request("MISSING_ATTRIBUTE", f"The required attribute {fields[0]} is missing. Send it.", *fields)
    named = ", ".join(fields)
    return bad_request("MISSING_ATTRIBUTES", f"The required attributes {named} are missing. Send them.", *fields)


def refused_of(error: Exception, request_id: str, group: str, kind: Kind | None) -> Refused:
    """The answer to anything that was raised. What nobody expected is logged once, and not described."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, Refusal):  # what reads a body speaks of it as the admin API does
        code = REFUSALS.get(error.status, "VALIDATION_ERROR")
        return Refused(error.status, code, error.message, headers=error.headers)
    if isinstance(error, ClientDisconnect):
        return bad_request("MALFORMED_JSON", "The request ended before all of it had come. Send it again.")
    if isinstance(error, Unreachable):
        log.error("Request %s: the database did not answer.", request_id, exc_info=error)
        return _unavailable("The database does not answer. Try again in a moment.")
    told = _stored(error, kind) or _here(error, group)
    if told is not None:
        return told
    log.error("Request %s failed.", request_id, exc_info=error)
    text = f"Something went wrong in the hub. Give the operator the request id {request_id}; the log has more under it."
    return Refused(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED, text)


def _stored(error: Exception, kind: Kind | None) -> Refused | None:
    """What the store said to a configuration."""
    name = kind.type if kind else ""
    if isinstance(error, Missing):
        return missing(error.fields)
    if isinstance(error, Masked):
        return bad_request("INVALID_INTEGRATION_SETTINGS", error.text, name, error.text)
    if isinstance(error, BadForm):
        return _settings(error, kind)
    if isinstance(error, Conflict):
        code = "INTEGRATION_ALREADY_CONFIGURED" if isinstance(error, AlreadyConfigured) else "CONFLICT"
        return Refused(HTTPStatus.CONFLICT, code, error.text, [name])
    if isinstance(error, NotConfigured):
        return not_found("INTEGRATION_NOT_CONFIGURED", error.text, name)
    return None


def _here(error: Exception, group: str) -> Refused | None:
    """What this workspace or this hub cannot do at all."""
    if isinstance(error, NotFound):  # the workspace was deleted meanwhile
        return no_group(group)
    if isinstance(error, TooManyRequests):
        wait = {"Retry-After": str(error.retry_after)}
        return Refused(HTTPStatus.TOO_MANY_REQUESTS, "RATE_LIMITED", error.text, headers=wait)
    if isinstance(error, NotAvailable | VaultLocked):
        return _unavailable(error.text)
    return None


def no_group(group: str) -> Refused:
    """404 for a group that is not the key's: like one that does not exist."""
    text = f"There is no group {group} that this key is for. Send the id of the key's workspace."
    return not_found("GROUP_NOT_FOUND", text, group)


def _settings(error: BadForm, kind: Kind | None) -> Refused:
    """400 for values that the type's form refuses: an address by its name, which is told; its value is not."""
    field, sentence = next(iter(error.fields.items()))
    wire = kind.wire(field) if kind else field
    known = kind.fields.get(wire) if kind else None
    if known is not None and known.address:
        return bad_request("INVALID_URL", f"{wire}: {sentence}", wire)
    text = f"{wire}: {sentence}"
    return bad_request("INVALID_INTEGRATION_SETTINGS", text, kind.type if kind else "", text)


def _unavailable(text: str) -> Refused:
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", text)
