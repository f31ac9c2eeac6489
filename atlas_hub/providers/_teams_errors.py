"""What Microsoft's refusals mean: the numbers of a sign-in, the codes of a message. Its sentences are never shown."""

from __future__ import annotations

import re
from typing import Any

from atlas_hub.kit.answer import retry_after
from atlas_hub.kit.errors import (
    AuthExpired,
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer

SECRET = "app_password"  # noqa: S105  # a field's name

_BUSY = {50196, 90055}
"""Too many requests, which Entra also says with a 400."""
_CREDENTIALS = {"invalid_client", "unauthorized_client", "invalid_grant", "access_denied"}
"""What `error` is where the credentials are at fault; any other is about the request or the service."""
_BARE = _CREDENTIALS | {"invalid_request"}
"""The same where no number says more (RFC 6749 §5.2): the hub asks alike for every app, so the app is at fault."""
_NOT_SHARED = "App ID: it knows no such multi-tenant app. Check it; a single-tenant bot needs its Tenant ID, too."
_IS_AN_ID = (
    "App Password: it looks like a Secret ID. Paste the secret's Value; where it is lost, make a new client secret."
)
_NOT_ITS_OWN = (
    "App Password: it is not one of this app's. Copy the secret's Value, not its Secret ID, from Certificates & "
    "secrets; a new secret can take a minute to work."
)
_NO_BOT = (
    "does not accept this app as a bot. Check that an Azure Bot with the Teams channel has this App ID, and that the "
    "Tenant ID is given for a single-tenant bot, and for no other."
)
_WRONG_SECRET, _UNKNOWN_APP = 7000215, 700016
_NUMBERS: dict[int, tuple[type[ProviderError], str, str]] = {
    _WRONG_SECRET: (
        InvalidCredentials,
        SECRET,
        _NOT_ITS_OWN,
    ),
    7000222: (
        AuthExpired,
        SECRET,
        "App Password: it has expired. Make a new client secret under Certificates & secrets, then paste its Value.",
    ),
    _UNKNOWN_APP: (
        InvalidCredentials,
        "app_id",
        "App ID: this tenant has no such app. Copy App ID and Tenant ID again, both from the bot's Configuration.",
    ),
    90002: (
        InvalidCredentials,
        "tenant_id",
        "Tenant ID: it knows no such tenant. Copy it from the bot's Configuration.",
    ),
    900023: (
        InvalidCredentials,
        "tenant_id",
        "Tenant ID: it is neither a tenant's GUID nor a domain of one. Copy it from the bot's Configuration.",
    ),
    7000112: (
        AuthExpired,
        "app_id",
        "app: it is disabled in this tenant. Enable it in Entra, under Enterprise applications, Properties.",
    ),
    7000229: (
        InsufficientPermissions,
        "app_id",
        "app: it has no service principal in this tenant. Let an administrator of the tenant consent to the app.",
    ),
}
"""What a number means: the error, the field, the sentence after "Microsoft Entra rejected the".

Numbers: https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""
_NOT_INSTALLED = "the bot's app is not installed there. Add it to the team or chat in Teams"
_NOT_THERE = {
    "botnotinconversationroster": f"{_NOT_INSTALLED}, and to a private or shared channel itself.",
    "forbiddenoperationexception": "the bot's app is not installed for this person. Let them add it in Teams.",
    "botdisabledbyadmin": "an administrator has blocked the bot's app. Allow it in the Teams admin center.",
    "conversationblockedbyuser": "the bot is blocked there, by this person or by the channel's moderation. Unblock it.",
    "messagewritesblocked": "the bot is blocked or was removed there. Add its app again in Teams.",
    "conversationnotfound": "it knows no such conversation. Check the ID, and whether the channel was deleted.",
    "activitynotfoundinconversation": "it knows no such thread. Check the number after messageid=, or leave it out.",
    "badsyntax": "it cannot read this ID. Copy it again.",
    "invalidbotapihost": "this conversation is in Microsoft's cloud for governments. The hub writes to the public one.",
}
"""The codes of a message that cannot go there, in lower case.

Source: https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability, *Status codes*.
"""
_STATUSES: dict[int, tuple[type[ProviderError], str | None, str]] = {
    401: (
        InvalidCredentials,
        "app_id",
        _NO_BOT,
    ),
    403: (
        InsufficientPermissions,
        "to",
        f"did not take it: the bot may not write there, or {_NOT_INSTALLED}.",
    ),
    404: (InsufficientPermissions, "to", f"did not take it: {_NOT_THERE['conversationnotfound']}"),
    412: (PlatformError, None, "is busy with another message there. Try again."),
    413: (PlatformError, None, "does not take a message of this length. Shorten it to 80 KB."),
}
"""What a status means where its code says no more: the error, the field, the sentence after "Microsoft Teams"."""


def nonsense(vendor: str) -> PlatformError:
    """For an answer that is not the vendor's."""
    return PlatformError(f"{vendor} gave an answer that makes no sense. Try again later.")


def of_sign_in(answer: Answer, *, at_tenant: bool, is_guid: bool) -> ProviderError | None:
    """The error of a refused token, None where the answer names neither a number (AADSTS) nor a fault of the app.

    `at_tenant`: a tenant was given; `is_guid`: the secret is a GUID, as a Secret ID is.
    """
    body = answer.object
    number = _aadsts(body)
    if number is None:
        return _bare(body)
    code = f"AADSTS{number}"
    if number in _BUSY:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Microsoft Entra is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if number in _NUMBERS:
        kind, field, text = _NUMBERS[number]
        if number == _UNKNOWN_APP and not at_tenant:
            text = _NOT_SHARED
        elif number == _WRONG_SECRET and is_guid:
            text = _IS_AN_ID
        return kind(f"Microsoft Entra rejected the {text}", field=field, vendor_code=code)
    if str(body.get("error")) in _CREDENTIALS:
        text = f"Microsoft Entra refused the app credentials ({code}). Check App ID, App Password and Tenant ID."
        return InvalidCredentials(text, field=SECRET, vendor_code=code)
    return PlatformError(f"Microsoft Entra could not do this ({code}). Try again later.", vendor_code=code)


def _bare(body: dict[str, Any]) -> InvalidCredentials | None:
    """The error where only OAuth's word tells."""
    said = body.get("error")
    if not isinstance(said, str) or said not in _BARE:
        return None
    text = f"Microsoft Entra refused the app credentials ({said}). Check App ID, App Password and Tenant ID."
    return InvalidCredentials(text, field=SECRET, vendor_code=said)


def of_message(answer: Answer) -> ProviderError | None:
    """The error of a refused message, None where the status says all."""
    body = answer.object
    inner = body.get("error")
    said = inner.get("code") if isinstance(inner, dict) else None
    if body.get("errorCode") == 209 or "MessageWritesBlocked" in str(body.get("message")):  # noqa: PLR2004
        said = "MessageWritesBlocked"
    word = said if isinstance(said, str) and re.fullmatch(r"[A-Za-z]{1,64}", said) else None
    code = (word or "").lower()
    if answer.status in {400, 403, 404} and code in _NOT_THERE:
        text = f"Microsoft Teams did not take it: {_NOT_THERE[code]}"
        return InsufficientPermissions(text, field="to", vendor_code=word)
    if answer.status not in _STATUSES:
        return None
    kind, field, text = _STATUSES[answer.status]
    return kind(f"Microsoft Teams {text}", field=field, vendor_code=word)


def _aadsts(body: dict[str, Any]) -> int | None:
    """The number, from the list or from the beginning of the description."""
    told = body.get("error_codes")
    first = told[0] if isinstance(told, list) and told else None
    if isinstance(first, int) and not isinstance(first, bool) and 0 < first < 10**12:
        return first
    found = re.match(r"AADSTS(\d{4,12})\b", str(body.get("error_description")), re.ASCII)
    return int(found[1]) if found else None
