"""What a form post must prove before it is read: where it came from, how large it is, that our own page sent it."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from atlas_hub.accounts import sessions
from atlas_hub.kit import hops
from atlas_hub.kit.errors import HubError
from atlas_hub.settings import LOOPBACK, IpNetwork, Settings

BODY_LIMIT = 16 * 1024
FIELDS = 16
HOME = "/admin/integrations"
FORM_COOKIE = "atlas_form"
FORM_FIELD = "form_token"

_PORTS = {"http": 80, "https": 443}


class Refused(HubError):  # named as its fellows in kit.errors are
    """The post is not read. `status` is HTTP's."""

    code = "REFUSED"

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def address_of(request: Request, trusted: tuple[IpNetwork, ...]) -> str:
    """Whom limits count (`hops.caller`)."""
    peer = request.client.host if request.client else ""
    return hops.caller(peer, request.headers.getlist("x-forwarded-for"), trusted)


def form_token(request: Request, settings: Settings) -> str:
    """The token of this browser's forms: the cookie's, or a new one."""
    token = request.cookies.get(sessions.cookie_name(settings, FORM_COOKIE), "")
    return token if sessions.is_token(token) else sessions.new_token()


async def read_form(request: Request, settings: Settings, *, needs_token: bool = True) -> dict[str, str]:
    """The fields of a post that our own page sent. Raises `Refused`.

    Our own page is proven by the cookie's token in the form. Where `needs_token` is false, for the forms of the
    signed-in page, which cannot read that cookie, the browser's word for where the post came from is enough; there must
    be one. A word for elsewhere always refuses.
    """
    came_from = _came_from(request, settings)
    if came_from is False:
        raise Refused(403, _ELSEWHERE.format(address=settings.address))
    fields = await _fields(request)
    cookie = request.cookies.get(sessions.cookie_name(settings, FORM_COOKIE), "")
    sent = fields.pop(FORM_FIELD, None)
    if sent is None:
        right = came_from is True and not needs_token
    else:
        right = sessions.is_token(cookie) and hmac.compare_digest(cookie.encode(), sent.encode("utf-8", "replace"))
    if not right:
        raise Refused(403, _STALE)
    return fields


def safe_next(path: str | None) -> str:
    """Where to go afterwards: a path of our own, else the page. Never another site."""
    if not path or not path.startswith("/") or path.startswith("//") or "\\" in path or not path.isprintable():
        return HOME
    return path if path.isascii() else HOME


_ELSEWHERE = (
    "This form was sent from another address than {address}, so it was not read. Open the hub at {address} and try "
    "again. If you reach it at another address, whoever runs it must set ATLAS_PUBLIC_URL to that address."
)
_STALE = (
    "This form is out of date, or the browser did not send the hub's cookie with it, so it was not read. "
    "Allow cookies for this address, open the page again and try once more."
)


def _came_from(request: Request, settings: Settings) -> bool | None:
    """Whether the browser says that our own page sent this; None where it says nothing."""
    site = request.headers.get("sec-fetch-site")
    if site == "cross-site":
        return False
    word = request.headers.get("origin") or request.headers.get("referer")
    if word is None:
        return True if site == "same-origin" else None
    origin = _origin(word)
    if origin is None:
        return False  # "null": a sandboxed frame, or a page that hides where it is
    if origin == _origin(settings.address):
        return True
    own = _origin(f"{origin[0]}://{request.headers.get('host', '')}")
    return origin == own and origin[1] in LOOPBACK


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme]


async def _fields(request: Request) -> dict[str, str]:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Refused(413, "The form is larger than 16 KiB, so it was not read. Type less and try again.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise Refused(415, "This address reads forms alone. Open the page in a browser and use its form.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
    except ValueError:
        raise Refused(400, "The form could not be read. Open the page again and try once more.") from None
