"""What Google refuses, in our words; its own messages are read, never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

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
from atlas_hub.providers._gchat_key import FIELD, ServiceAccount

_NEW_KEY = "Make a new JSON key in Google Cloud under IAM & Admin, Service Accounts, Keys, then paste it."
_UNKNOWN = (
    InvalidCredentials,
    f"Google rejected the key: it knows no such service account. It was deleted, or the JSON was changed. {_NEW_KEY}",
)
_GONE = (AuthExpired, f"Google rejected the key: it was deleted or has expired there. {_NEW_KEY}")
_DISABLED = (
    AuthExpired,
    "Google rejected the key: the service account is disabled. Enable it under IAM & Admin, Service Accounts.",
)
_CLOCK = (
    PlatformError,
    "Google refused to sign in: the hub's clock is off. Set the clock of its server, then try again.",
)
_NOT_ALLOWED = (
    InsufficientPermissions,
    "Google does not let this service account act as a Chat app. Ask the owner of the Google Cloud project.",
)
_SIGN_IN: tuple[tuple[str, str, tuple[type[ProviderError], str]], ...] = (
    ("invalid_grant", "invalid jwt signature", _GONE),
    ("invalid_grant", "account not found", _UNKNOWN),
    ("invalid_grant", "no valid verifier", _UNKNOWN),
    ("invalid_grant", "reasonable timeframe", _CLOCK),
    ("invalid_grant", "", (InvalidCredentials, f"Google rejected the key. {_NEW_KEY}")),
    ("invalid_client", "", _UNKNOWN),
    ("deleted_client", "", _UNKNOWN),
    ("disabled_client", "", _DISABLED),
    ("invalid_scope", "", _NOT_ALLOWED),
    ("unauthorized_client", "", _NOT_ALLOWED),
    ("access_denied", "", _NOT_ALLOWED),
)
"""`error`, a part of `error_description` in lower case, and what both mean: one code has several meanings."""
_PASSING = {"internal_failure", "server_error", "temporarily_unavailable", "rate_limit_exceeded"}
"""What `error` is where Google itself has a fault (google-auth tries again after these)."""


def sign_in_refusal(answer: Answer, scope: str) -> ProviderError | None:
    """What the token address refuses (RFC 6749 §5.2), None where only the status tells."""
    if answer.status not in {400, 401, 403}:
        return None
    body = answer.object
    code, said = str(body.get("error")), str(body.get("error_description")).lower()
    for known, part, (kind, text) in _SIGN_IN:
        if code != known or part not in said:
            continue
        if kind is InsufficientPermissions:
            return InsufficientPermissions(text, required_scopes=(scope,), vendor_code=code)
        return kind(text, field=FIELD if kind.permanent else None, vendor_code=code)
    if answer.status == 400 and isinstance(body.get("error"), str) and code not in _PASSING:  # noqa: PLR2004  # refused
        return InvalidCredentials(f"Google rejected the key. {_NEW_KEY}", field=FIELD)
    return None


def refusal(answer: Answer, account: ServiceAccount, *, sends: bool) -> ProviderError | None:
    """What Google Chat refuses (https://cloud.google.com/apis/design/errors), None where only the status tells."""
    error = answer.object.get("error")
    if answer.status not in {403, 404, 429} or not isinstance(error, dict):
        return None
    reasons = _reasons(error)
    if error.get("status") == "RESOURCE_EXHAUSTED" or "RATE_LIMIT_EXCEEDED" in reasons:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Google Chat is busy. Try again in {seconds} seconds.", retry_after=seconds)
    field = None
    if "SERVICE_DISABLED" in reasons:
        page = console("apis/library/chat.googleapis.com", account)
        text = f"The Google Chat API is off in the project {account.project}. Enable the Google Chat API at {page} "
        text += "and try again in a few minutes."
    elif "chat app not found" in str(error.get("message")).lower():
        text = not_configured(account)
    elif sends:
        text = "Google Chat did not take it: it knows no such space, or the Chat app is not in it. "
        text, field = f"{text}Add the app to the space under Apps & integrations.", "to"
    else:
        text = "Google Chat does not allow this to the service account. "
        text += "Ask the administrator of Google Workspace to allow Chat apps."
    return InsufficientPermissions(text, field=field, vendor_code=next(iter(reasons), None))


def not_configured(account: ServiceAccount) -> str:
    """What is missing where Google Chat knows no app of the project."""
    page = console("apis/api/chat.googleapis.com/hangouts-chat", account)
    return f"The project {account.project} has no Google Chat app yet. Configure the Chat app at {page} and save it."


def console(path: str, account: ServiceAccount) -> str:
    """A page of Google Cloud's console, opened on the account's project."""
    return f"https://console.cloud.google.com/{path}?project={quote(account.project, safe='')}"


def _reasons(error: Mapping[str, Any]) -> list[str]:
    """The `reason` of each detail that has one (google.rpc.ErrorInfo)."""
    details = error.get("details")
    said = [detail.get("reason") for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    return [reason for reason in said if isinstance(reason, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{1,62}", reason)]
