"""How Slack is asked, and what its refusals mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
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
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.secret import Secret

SLACK = Upstream("SLACK", "Slack", "https://slack.com")
FIELD = "bot_token"
WANTED = "Bot User OAuth Token"
NEEDED = f"Slack needs the {WANTED}, which begins with xoxb-."
SCOPE = re.compile(r"[a-z0-9_.:-]{1,64}")
CODE = re.compile(r"(?=.{1,64}\Z)[a-z]{1,16}(?:_[a-z]{1,16})*")
"""Words, none of them long: a secret of letters alone is no code."""
_ENDED = {"token_revoked": "it was revoked", "token_expired": "it has expired"}
_DENIED = re.compile(
    "access_denied|accesslimited|ekm_access_denied|enterprise_is_restricted|no_permission|org_login_required|"
    "restricted_action|team_access_not_granted|two_factor_setup_required"
)
_PASSING = frozenset({"internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org"})
"""Codes of auth.test that are no word about the token (https://docs.slack.dev/reference/methods/auth.test#errors)."""
_PASSING_STATUS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_NOT_THERE = {
    "channel_not_found": "it knows no such channel that the bot may see. Check the ID; a private channel shows only "
    "after the bot was invited: write /invite and the bot's @name in the channel.",
    "not_in_channel": "the bot is not in this channel. Invite it: write /invite and the bot's @name in the channel.",
    "is_archived": "this channel is archived. Choose another, or restore it in Slack.",
    "user_not_found": "it knows no such person. Check the ID.",
    "cannot_dm_bot": "a bot cannot write to another bot. Choose a channel or a person.",
    "messages_tab_disabled": "the app takes no direct messages. Turn on the Messages Tab under App Home.",
}


async def ask(
    token: Secret,
    http: Http,
    name: str,
    *,
    json: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
) -> Answer:
    kind = "application/x-www-form-urlencoded" if json is None else "application/json; charset=utf-8"
    headers = {"Authorization": f"Bearer {token.reveal()}", "Content-Type": kind}
    return await http.ask(SLACK, "POST", f"/api/{name}", headers=headers, json=json, form=form)


def read(answer: Answer, http: Http, *, is_sign_in: bool = False) -> Mapping[str, Any]:
    """The body of an answer that says ok. Slack refuses inside a 200; proxies and limits use the status.

    `is_sign_in`: the question was about the token alone (auth.test), so that a refusal is the token's.
    """
    body = _body(answer)
    is_broken = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _PASSING_STATUS
    if body is not None and not body["ok"]:
        raise _refusal(body, answer, is_sign_in=is_sign_in)
    if body is not None and not is_broken:
        return body
    if is_sign_in and not is_broken and answer.status >= HTTPStatus.BAD_REQUEST:
        raise _rejected(None)
    http.judge(SLACK, answer, field=FIELD)
    answer.json()
    raise nonsense()


def _body(answer: Answer) -> Mapping[str, Any] | None:
    """A body in which Slack says whether it is ok, None where it is anything else."""
    return answer.object if isinstance(answer.object.get("ok"), bool) else None


def _rejected(code: str | None) -> InvalidCredentials:
    named = f": {code}" if code else ""
    text = f"Slack rejected the token{named}. Copy the Bot User OAuth Token again."
    return InvalidCredentials(text, field=FIELD, vendor_code=code)


def nonsense() -> PlatformError:
    return PlatformError("Slack gave an answer that makes no sense. Try again later.")


def _refusal(  # noqa: PLR0911  # one for each meaning
    body: Mapping[str, Any], answer: Answer, *, is_sign_in: bool
) -> ProviderError:
    """What Slack's `error` means (each method's page lists its own)."""
    said = body.get("error")
    code = said if isinstance(said, str) and CODE.fullmatch(said) else None
    if code in {"invalid_auth", "not_authed"}:
        text = "Slack rejected the token: it knows no such token. Copy the Bot User OAuth Token again."
        return InvalidCredentials(text, field=FIELD, vendor_code=code)
    if code == "account_inactive":
        text = "Slack rejected the token: the app was removed from the workspace, or the workspace is gone. Install it "
        return InvalidCredentials(f"{text}again, then paste the new {WANTED}.", field=FIELD, vendor_code=code)
    if code == "not_allowed_token_type":
        return InsufficientPermissions(f"Slack takes no token of this kind. {NEEDED}", field=FIELD, vendor_code=code)
    if code in _ENDED:
        text = f"Slack rejected the token: {_ENDED[code]}. Reinstall the app in Slack, then paste the new "
        return AuthExpired(f"{text}{WANTED}.", field=FIELD, vendor_code=code)
    if code in _NOT_THERE and not is_sign_in:
        text = f"Slack did not take it: {_NOT_THERE[code]}"
        return InsufficientPermissions(text, field="to", vendor_code=code)
    if code == "missing_scope":
        needed = tuple(part for part in str(body.get("needed", "")).split(",") if SCOPE.fullmatch(part))
        text = (
            f"Slack did not grant {', '.join(needed) or 'a scope that is needed'}. Add it under OAuth & Permissions, "
        )
        return InsufficientPermissions(f"{text}then reinstall the app.", required_scopes=needed, vendor_code=code)
    if code and _DENIED.fullmatch(code):
        text = f"Slack does not allow this here: {code}. Ask an administrator of the Slack workspace."
        return InsufficientPermissions(text, vendor_code=code)
    if code in {"ratelimited", "rate_limited"}:
        seconds = retry_after(answer.headers.get("retry-after"))
        return RateLimited(f"Slack is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if is_sign_in and code not in _PASSING:
        return _rejected(code)
    named = f": {code}" if code else ""
    return PlatformError(f"Slack could not do this{named}. Try again later.", vendor_code=code)
