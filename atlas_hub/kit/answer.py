"""What a vendor answered, and what it means: statuses, waiting times and error codes become our errors."""

from __future__ import annotations

import json as _json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, PlatformError, RateLimited
from atlas_hub.kit.redact import redact

BODY_BYTES = 2 * 1024 * 1024
WAIT_SECONDS = 60
WAIT_LONGEST = 86_400


@dataclass(frozen=True)
class Upstream:
    """A vendor's API: its address, and what its errors call it (`vendor`).

    ATLAS_UPSTREAM_<name> replaces scheme, host and port of `base`.
    `{region}` in `base` or in its replacement takes the region's name. `version` is for vendors that put one into
    the path (`Http.version`).
    """

    name: str
    vendor: str
    base: str
    version: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back: any status but 3xx, headers by lower-case name, the decoded body (at most 2 MiB)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    vendor: str = "The service"

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON, of any kind."""
        try:
            _json.loads(self.body)
        except (ValueError, RecursionError):
            return False
        return True

    @property
    def object(self) -> dict[str, Any]:
        """The body where it is a JSON object, else an empty one."""
        try:
            body = _json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    def json(self) -> Any:
        """The body as JSON. Raises `PlatformError` where it is none."""
        try:
            return _json.loads(self.body)
        except (ValueError, RecursionError):
            raise PlatformError(f"{self.vendor} gave an answer that is not JSON. Try again later.") from None


_CODE = re.compile(r"(?=.{1,64}\Z)[a-z]{1,16}(?:[_.:-]+[a-z]{1,16})*")
"""Words, none of them long: a secret of letters alone is no code."""


def judge(vendor: str, answer: Answer, *, field: str | None = None) -> None:
    """Raise for a status of 400 and above; `field` names the input at fault.

    401 `InvalidCredentials`, 403 `InsufficientPermissions`, 429 `RateLimited`, all else `PlatformError`; so is a 403
    that is not JSON, for it is the word of a proxy or firewall in between, not of an API.
    """
    status = answer.status
    if status < HTTPStatus.BAD_REQUEST:
        return
    code = vendor_code(answer)
    reason = f": {code}" if code else ""
    if status == HTTPStatus.UNAUTHORIZED:
        raise InvalidCredentials(
            f"{vendor} refused the credentials{reason}. Check them and try again.",
            field=field,
            vendor_code=code,
        )
    if status == HTTPStatus.FORBIDDEN and not answer.is_json:
        raise PlatformError(
            f"{vendor} was not reached: something in between, such as a proxy or firewall, refused the request (403). "
            "Try again later."
        )
    if status == HTTPStatus.FORBIDDEN:
        raise InsufficientPermissions(
            f"{vendor} does not allow this with these credentials{reason}. Grant the missing permission.",
            field=field,
            vendor_code=code,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = retry_after(answer.headers.get("retry-after"))
        raise RateLimited(f"{vendor} is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise PlatformError(f"{vendor} has a fault of its own ({status}). Try again later.", vendor_code=code)
    raise PlatformError(f"{vendor} gave an unexpected answer ({status}){reason}. Try again later.", vendor_code=code)


def vendor_code(answer: Answer) -> str | None:
    """The vendor's own word for the error: `error`, `code` or `error.code` of a JSON body.

    None unless it can be no secret of ours sent back: lower-case words without digits.
    """
    try:
        said = _json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    inner = said.get("error")
    for code in (inner, inner.get("code") if isinstance(inner, dict) else None, said.get("code")):
        if isinstance(code, str) and _CODE.fullmatch(code) and redact(code) == code:
            return code
    return None


def retry_after(value: str | None) -> int:
    """Seconds to wait, 1 to 86,400, from a `Retry-After`: seconds, fractions or a date (RFC 9110 §10.2.3).

    60 where there is none, or none that makes sense.
    """
    text = (value or "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d{1,12})?", text, re.ASCII):
        seconds = float(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds()
        except (ValueError, TypeError, IndexError, OverflowError):
            return WAIT_SECONDS
    return max(1, min(WAIT_LONGEST, math.ceil(seconds)))


class Unpack:
    """Undoes gzip or deflate part by part, up to `BODY_BYTES`: httpx's own way has no bound within a part."""

    def __init__(self, encoding: str, vendor: str) -> None:
        self._vendor = vendor
        self.body = bytearray()
        match encoding.strip().lower():
            case "" | "identity":
                self._zlib = None
            case "gzip" | "x-gzip":
                self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
            case "deflate":
                self._zlib = zlib.decompressobj()
            case _:
                raise PlatformError(f"{vendor} gave an answer in an encoding that was not asked for.")

    def feed(self, part: bytes) -> None:
        """Add a part of the body as it came. Raises `PlatformError` where it is too much or garbled."""
        room = BODY_BYTES + 1 - len(self.body)
        try:
            self.body += self._zlib.decompress(part, room) if self._zlib else part
        except zlib.error:
            raise PlatformError(f"{self._vendor} gave an answer that cannot be unpacked. Try again later.") from None
        if len(self.body) > BODY_BYTES:
            raise PlatformError(f"{self._vendor} gave an answer larger than 2 MiB, which is not read.")
