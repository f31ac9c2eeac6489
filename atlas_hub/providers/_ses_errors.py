"""What Amazon SES says by an error code, in our words.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
"""

from __future__ import annotations

import re

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer

DAY_USED_UP = 3600
"""Seconds to wait when the day's mails are used up: the day is counted back from each moment."""

_UNKNOWN_KEY = "Amazon SES does not know this access key: it is wrong, inactive or deleted. Check it in IAM."
_WRONG_PAIR = (
    "Amazon SES does not accept the secret access key: it does not belong to this access key ID. Copy it again."
)
_IS_SMTP = (
    "Amazon SES does not accept the secret access key: it looks like an SMTP password. Choose SMTP, or enter the "
    "secret of an access key of IAM."
)
PAUSED = "Amazon has paused Amazon SES for this account. See Account dashboard in the SES console for the reason."

_REFUSED: dict[str, tuple[type[InvalidCredentials | InsufficientPermissions], str, str | None]] = {
    "InvalidClientTokenId": (InvalidCredentials, _UNKNOWN_KEY, "access_key_id"),
    "UnrecognizedClientException": (InvalidCredentials, _UNKNOWN_KEY, "access_key_id"),
    "SignatureDoesNotMatch": (InvalidCredentials, _WRONG_PAIR, "secret_access_key"),
    "InvalidSignatureException": (InvalidCredentials, _WRONG_PAIR, "secret_access_key"),
    "OptInRequired": (
        InsufficientPermissions,
        "This AWS account may not use Amazon SES in this region. Turn the region on, or choose another.",
        "region",
    ),
    "AccountSuspendedException": (InsufficientPermissions, PAUSED, None),
    "SendingPausedException": (InsufficientPermissions, PAUSED, None),
    "MailFromDomainNotVerifiedException": (
        InsufficientPermissions,
        "Amazon SES cannot use the custom MAIL FROM domain of this sender. Mend its MX record, or remove it.",
        "sender_address",
    ),
}
_BUSY = {"TooManyRequestsException", "ThrottlingException", "Throttling", "LimitExceededException"}
_LATE = {"RequestExpired", "RequestExpiredException", "RequestTimeTooSkewed"}
_XML = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
DENIED = {"AccessDeniedException", "AccessDenied"}


def explained(answer: Answer) -> tuple[str, str]:
    """The error's code, from header or body, and its message in lower case, which is never shown; "" for a yes.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
    """
    if answer.status < 400:  # noqa: PLR2004  # no error
        return "", ""
    try:
        body = answer.json()
    except PlatformError:
        found = _XML.search(answer.body)  # as peers that speak Amazon's older protocol answer
        body = {"code": found[1].decode()} if found else {}
    body = body if isinstance(body, dict) else {}
    named = answer.headers.get("x-amzn-errortype") or body.get("__type") or body.get("code") or body.get("Code")
    # `com.amazonaws.sesv2#NotFoundException`, `NotFoundException:http://internal.amazon.com/…`
    code = str(named or "").partition(":")[0].rpartition("#")[2]
    return code, str(body.get("message") or body.get("Message") or "").lower()


def refusal(answer: Answer, *, looks_like_smtp: bool) -> ProviderError | None:
    """What an error code means, whatever was asked; `looks_like_smtp`: the secret has an SMTP password's shape."""
    code, message = explained(answer)
    if code in _LATE or "signature expired" in message or "signature not yet current" in message:
        return PlatformError("Amazon SES says that the hub's clock is wrong. Set the clock of the hub's machine.")
    if code in _REFUSED:
        kind, text, field = _REFUSED[code]
        text = _IS_SMTP if looks_like_smtp and text == _WRONG_PAIR else text
        return kind(text, field=field, vendor_code=code)
    if code in DENIED:
        return InsufficientPermissions(
            "This key may not send with Amazon SES. Allow it ses:SendEmail for this sender in IAM.",
            required_scopes=("ses:SendEmail",),
            field="access_key_id",
            vendor_code=code,
        )
    if code in _BUSY and "daily message quota" in message:
        return RateLimited("Amazon SES has sent all that it may in 24 hours. Try again later.", retry_after=DAY_USED_UP)
    if code in _BUSY:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Amazon SES is busy. Try again in {seconds} seconds.", retry_after=seconds)
    return None
