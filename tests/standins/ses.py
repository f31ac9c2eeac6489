"""A stand-in for Amazon SES, API v2: access keys with allowed actions, accounts with identities, signatures.

Wire: https://docs.aws.amazon.com/ses/latest/APIReference-V2/Welcome.html. The signature is computed anew from the
request as it came (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html), by
hand and not by the library that the hub signs with.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standins.standin import Standin

REGION = "us-east-1"
VALID_SECONDS = 300
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
READ, ACCOUNT, SEND = "ses:GetEmailIdentity", "ses:GetAccount", "ses:SendEmail"
REFUSALS = {
    401: ("UnrecognizedClientException", "The security token included in the request is invalid."),
    403: ("OptInRequired", "The AWS Access Key Id needs a subscription for the service"),
    429: ("TooManyRequestsException", "Too many requests"),
    500: ("InternalFailure", "The request processing has failed because of an unknown error."),
}


def fake(letters: str) -> tuple[str, str]:
    """An access key of Amazon's shape that is nobody's. Put together, so that no scanner takes it for live."""
    return "AKIA" + f"FAKE{letters}"[:16].ljust(16, "X"), (f"fake/{letters}+" * 9)[:40]


FULL, SEND_ONLY, READ_ONLY, SANDBOX, PAUSED, DELETED = (
    fake(name) for name in ("FULL", "SENDONLY", "READONLY", "SANDBOX", "PAUSED", "DELETED")
)


@dataclass(frozen=True)
class SesAccount:
    """An account in one region. `identities`: address or domain → verified."""

    identities: Mapping[str, bool] = field(default_factory=dict)
    production: bool = True
    sending: bool = True
    enforcement: str = "HEALTHY"
    region: str = REGION

    def may_send(self, address: str) -> bool:
        """Whether the address, its domain or one above is verified."""
        domain = address.lower().rpartition("@")[2].split(".")
        above = [".".join(domain[first:]) for first in range(len(domain))]
        return any(self.identities.get(name, False) for name in (address.lower(), *above))


@dataclass(frozen=True)
class SesKey:
    """An access key: its secret, what it may do, and for which account."""

    secret: str
    allowed: frozenset[str]
    account: SesAccount


class SesError(Exception):
    """A refusal: status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.body = status, code, {"message": message}


class SesStandin(Standin):
    """Amazon SES in every region. `keys`: access key ID → `SesKey`; `messages` that it took: the JSON, and `id`."""

    upstream: ClassVar[str] = "SES"
    tries: ClassVar[Mapping[str, str]] = {
        what: f"{REGION}\n{key}\n{secret}"
        for what, (key, secret) in (
            ("alerts@acme.example", FULL),
            ("may only send", SEND_ONLY),
            ("in the sandbox", SANDBOX),
            ("paused", PAUSED),
            ("deleted", DELETED),
        )
    }

    def seed(self) -> None:
        """Put the default keys in; alerts@acme.example and everything at mail.acme.example may send."""
        identities = {
            "alerts@acme.example": True,
            "new@acme.example": False,
            "mail.acme.example": True,
            "old.example": False,
        }
        every = frozenset({READ, ACCOUNT, SEND})
        acme = SesAccount(identities)
        self.keys: dict[str, SesKey] = {
            FULL[0]: SesKey(FULL[1], every, acme),
            SEND_ONLY[0]: SesKey(SEND_ONLY[1], frozenset({SEND}), acme),
            READ_ONLY[0]: SesKey(READ_ONLY[1], frozenset({READ}), acme),
            SANDBOX[0]: SesKey(SANDBOX[1], every, SesAccount(identities, production=False)),
            PAUSED[0]: SesKey(PAUSED[1], every, SesAccount(identities, sending=False, enforcement="SHUTDOWN")),
        }
        self.messages: list[dict[str, Any]] = []
        self.ahead = 0
        """Seconds by which Amazon's clock is ahead of ours."""

    def refusal(self, status: int, _retry_after: int | None, /) -> Mapping[str, Any]:
        """Amazon's body for a status; the code is in the body where no header can carry it."""
        code, message = REFUSALS[status]
        return {"__type": f"com.amazonaws.sesv2#{code}", "message": message}

    def routes(self) -> Sequence[Route]:
        """The v2 paths that a credential store needs."""
        return [
            Route("/v2/email/account", self._asked(self._account, ACCOUNT), methods=["GET"]),
            Route("/v2/email/identities/{identity:path}", self._asked(self._identity, READ), methods=["GET"]),
            Route("/v2/email/outbound-emails", self._asked(self._send, SEND), methods=["POST"]),
        ]

    def _asked(
        self, act: Callable[[SesAccount, str, Any], Response], action: str
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                key, region = self._signer(request, await request.body(), action)
                account = key.account if key.account.region == region else SesAccount(region=region, production=False)
                return act(account, request.path_params.get("identity", ""), await _json(request))
            except SesError as error:
                kind = f"{error.code}:http://internal.amazon.com/coral/com.amazonaws.sesv2/"
                return JSONResponse(error.body, status_code=error.status, headers={"x-amzn-errortype": kind})

        return endpoint

    def _signer(self, request: Request, body: bytes, action: str) -> tuple[SesKey, str]:
        """The key that signed the request and may do this, and the region that it was signed for."""
        said = AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
        if said is None:
            raise SesError(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        key = self.keys.get(said["key"])
        if key is None:
            raise SesError(403, "UnrecognizedClientException", REFUSALS[401][1])
        if not hmac.compare_digest(said["signature"], _signature(request, body, said, key.secret)):
            text = "The request signature we calculated does not match the signature you provided."
            raise SesError(403, "SignatureDoesNotMatch", text)
        self._in_time(request.headers["x-amz-date"])
        if action not in key.allowed:
            text = f"User: arn:aws:iam::123456789012:user/atlas is not authorized to perform: {action}"
            raise SesError(403, "AccessDeniedException", text)
        return key, said["region"]

    def _in_time(self, stamp: str) -> None:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        # A vendor has a clock of its own.
        late = time.time() + self.ahead - signed_at  # noqa: TID251 - see above
        if late > VALID_SECONDS:
            text = f"Signature expired: {stamp} is now earlier than 20300101T000000Z (20300101T000500Z - 5 min.)"
            raise SesError(403, "InvalidSignatureException", text)
        if late < -VALID_SECONDS:
            text = (
                f"Signature not yet current: {stamp} is still later than 20200101T000500Z (20200101T000000Z + 5 min.)"
            )
            raise SesError(403, "InvalidSignatureException", text)

    def _identity(self, account: SesAccount, identity: str, _given: Any) -> Response:
        verified = account.identities.get(identity.lower())
        if verified is None:
            raise SesError(404, "NotFoundException", f"Email identity <{identity}> does not exist.")
        return JSONResponse(
            {
                "IdentityType": "EMAIL_ADDRESS" if "@" in identity else "DOMAIN",
                "FeedbackForwardingStatus": True,
                "VerifiedForSendingStatus": verified,
                "VerificationStatus": "SUCCESS" if verified else "PENDING",
                "Policies": {},
                "Tags": [],
            }
        )

    def _account(self, account: SesAccount, _identity: str, _given: Any) -> Response:
        quota = 50_000.0 if account.production else 200.0
        return JSONResponse(
            {
                "DedicatedIpAutoWarmupEnabled": False,
                "EnforcementStatus": account.enforcement,
                "ProductionAccessEnabled": account.production,
                "SendQuota": {"Max24HourSend": quota, "MaxSendRate": 14.0, "SentLast24Hours": 0.0},
                "SendingEnabled": account.sending,
            }
        )

    def _send(self, account: SesAccount, _identity: str, given: Any) -> Response:
        sender, to = _addresses(given)
        if not account.sending:
            raise SesError(400, "SendingPausedException", "Sending is paused for this account.")
        failed = [each for each in (sender, *([] if account.production else to)) if not account.may_send(each)]
        if failed:
            text = (
                "Email address is not verified. The following identities failed the check in region "
                f"{account.region.upper()}: {', '.join(failed)}"
            )
            raise SesError(400, "MessageRejected", text)
        message_id = f"0100fake{len(self.messages) + 1:08d}-fa4e0000-0000-4000-8000-000000000000-000000"
        self.messages.append({**given, "id": message_id})
        return JSONResponse({"MessageId": message_id})


def _addresses(given: Any) -> tuple[str, list[str]]:
    """Sender and recipients of a mail with a subject and a text; raises what Amazon says to another."""
    try:
        simple = given["Content"]["Simple"]
        texts = [simple["Subject"]["Data"], simple["Body"]["Text"]["Data"]]
        sender, to = given["FromEmailAddress"], given["Destination"]["ToAddresses"]
    except (KeyError, TypeError):
        raise SesError(400, "BadRequestException", "Missing required member") from None
    if not to or not all(isinstance(text, str) and text.isascii() for text in [sender, *to]):
        raise SesError(400, "BadRequestException", "Illegal address")
    if any("\n" in text or "\r" in text for text in [sender, *to, texts[0]]):
        raise SesError(400, "BadRequestException", "Control characters are not allowed")
    return sender, to


async def _json(request: Request) -> Any:
    if request.method != "POST":
        return None
    try:
        return await request.json()
    except ValueError:
        raise SesError(400, "SerializationException", "Could not parse the request body") from None


def _signature(request: Request, body: bytes, said: re.Match[str], secret: str) -> str:
    """What the signature must be, in lower-case hex."""
    names = said["names"].split(";")
    if "host" not in names or "x-amz-date" not in names or said["service"] != "ses":
        return ""
    canonical = "\n".join(
        (
            request.method,
            # Once more encoded than on the wire, as every service but S3 wants it.
            quote(request.scope["raw_path"].decode(), safe="/~"),
            "&".join(sorted(request.scope["query_string"].decode().split("&"))),
            *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names),
            "",
            said["names"],
            hashlib.sha256(body).hexdigest(),
        )
    )
    stamp = request.headers["x-amz-date"]
    scope = f"{said['day']}/{said['region']}/ses/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for part in (said["day"], said["region"], "ses", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()
