"""What GitHub's answers say of a token: refusals, limits, scopes, single sign-on, and when it ends."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from atlas_hub.kit.answer import WAIT_LONGEST, retry_after
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import InsufficientPermissions, InvalidCredentials, RateLimited
from atlas_hub.kit.http import Answer, Http, Upstream

GITHUB = Upstream("GITHUB", "GitHub", "https://api.github.com", version="2022-11-28")
FIELD = "access_token"
SETTINGS = "Settings, Developer settings, Personal access tokens"
REPO_SCOPES = frozenset({"repo", "public_repo"})

_SCOPE = re.compile(r"[a-z_]{1,32}(:[a-z_]{1,32})?")
_ORGANISATION = re.compile(r"required; url=https://[a-z0-9.-]+/(?:orgs|enterprises)/([A-Za-z0-9-]{1,39})/sso(?:\?.*)?")
_DENIED = {
    "ip allow list": "GitHub does not let the hub in: an organization or enterprise of this user has an IP allow list. "
    "Ask its owner to add the hub's address.",
    "forbids access via": "GitHub does not allow this token: an organization's policy forbids this kind of token or "
    f"its lifetime. Make one that fits, under {SETTINGS}.",
    "suspended": "GitHub has suspended this user. Ask GitHub or the server's administrator, or take another user.",
    "not accessible by": "GitHub does not allow this to the token: a permission is missing. Add it in the token's "
    f"settings, under {SETTINGS}.",
}
"""Parts of GitHub's messages of a 403, in lower case: it has no codes for these."""


def judge(answer: Answer, http: Http, *, typed: bool) -> None:
    """Raise for what a refusal means; `typed`: the admin gave the address.

    GitHub's own message decides, and is never shown
    (https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api).
    """
    said = _message(answer)
    if answer.status == 401:  # noqa: PLR2004  # it does not tell whether the token was ever good
        text = "GitHub rejected the token: it was deleted, has expired, or belongs to another server. "
        raise InvalidCredentials(f"{text}Make a new one under {SETTINGS}, then paste it.", field=FIELD)
    if answer.status in {403, 429} and _is_busy(answer, said):
        seconds = _wait(answer.headers)
        text = f"GitHub has had too many requests for now. Try again in {seconds} seconds."
        raise RateLimited(text, retry_after=seconds)
    if answer.status == 403:  # noqa: PLR2004  # refused in one of several ways
        sso = answer.headers.get("x-github-sso", "")
        if sso.startswith("required"):
            raise InsufficientPermissions(_unauthorized(sso), field=FIELD)
        for part, text in _DENIED.items():
            if part in said:
                raise InsufficientPermissions(text, field=FIELD)
    if answer.status == 404 and typed:  # noqa: PLR2004  # every GitHub has a user
        text = "GitHub's API is not at this address. Enter the address of the Enterprise server itself."
        raise InvalidCredentials(text, field="api_url")
    http.judge(GITHUB, answer, field=FIELD)


def judge_user(answer: Answer, http: Http, *, typed: bool) -> None:
    """The same for GET /user, which is always there and takes no input but the token.

    So a 400 or 404 in JSON is about the token, at least where the address is GitHub's own; but GitHub has a 400 for
    API versions, too, which the hub chooses (https://docs.github.com/en/rest/about-the-rest-api/api-versions).
    """
    about_us = "supported version" in _message(answer)
    if answer.status in ({400} if typed else {400, 404}) and answer.is_json and not about_us:
        text = f"GitHub rejected the token ({answer.status}). Make a new one under {SETTINGS}, then paste it."
        raise InvalidCredentials(text, field=FIELD)
    judge(answer, http, typed=typed)


def _message(answer: Answer) -> str:
    refused = answer.status >= 400  # noqa: PLR2004  # only refusals have one
    return str(answer.object.get("message", "")).lower() if refused else ""


def _is_busy(answer: Answer, said: str) -> bool:
    """Whether it is a limit (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api)."""
    spent = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    told = "rate limit" in said or "login attempts" in said
    return answer.status == 429 or spent or told or "retry-after" in answer.headers  # noqa: PLR2004  # too many


def _wait(headers: Mapping[str, str]) -> int:
    """Seconds to wait: what it asks for, else until the limit begins anew, else a minute."""
    reset = headers.get("x-ratelimit-reset", "").strip()
    spent = headers.get("x-ratelimit-remaining", "").strip() == "0"
    if "retry-after" in headers or not spent or re.fullmatch(r"[0-9]{1,12}", reset) is None:
        return retry_after(headers.get("retry-after"))
    return max(1, min(WAIT_LONGEST, math.ceil(int(reset) - now().timestamp())))


def _unauthorized(sso: str) -> str:
    found = _ORGANISATION.fullmatch(sso.strip())
    whose = f"the organization {found[1]}" if found else "an organization"
    return (
        f"GitHub wants single sign-on for {whose}. Under {SETTINGS}, choose Configure SSO beside the token, "
        "then Authorize."
    )


def scopes(answer: Answer) -> frozenset[str] | None:
    """The scopes of a classic token; None where there is no such header (fine-grained tokens have none)."""
    told = answer.headers.get("x-oauth-scopes")
    if told is None:
        return None
    return frozenset(scope for part in told.split(",") if _SCOPE.fullmatch(scope := part.strip()))


def shortcomings(granted: frozenset[str] | None, answer: Answer) -> tuple[str, ...]:
    """What the token cannot do, a sentence each."""
    found = []
    if granted is not None and not granted & REPO_SCOPES:
        found.append("This token may not write issues: it lacks the scope repo. Add it in the token's settings.")
    hidden = re.fullmatch(
        r"partial-results; organizations=([0-9]+(?:,[0-9]+)*)", answer.headers.get("x-github-sso", "")
    )
    if hidden:
        count = len(hidden[1].split(","))
        whose = "one organization" if count == 1 else f"{count} organizations"
        found.append(
            f"GitHub hides {whose} from this token until it is authorized for single sign-on: choose Configure SSO "
            "beside the token."
        )
    return tuple(found)


def ends(answer: Answer) -> datetime | None:
    """When the token ends: `2026-12-31 10:00:00 UTC` or with an offset; None where no day is named."""
    told = answer.headers.get("github-authentication-token-expiration", "").strip()
    found = re.fullmatch(r"([0-9-]{10} [0-9:]{8}) (UTC|[+-][0-9]{4})", told)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found[1] + found[2].replace("UTC", "+0000")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
