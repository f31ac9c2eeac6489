"""Issue tracking in Linear, in the name of the person whose API key it is.

1. Sign in at Linear as the person whose name the hub's work shall carry; a user of its own is best.
2. Open Settings, Security & access, Personal API keys: https://linear.app/settings/account/security
3. Choose New API key, name it, and give it Read and Write. It may be limited to some teams.
4. Copy the key, which begins with lin_api_ and is shown only once.
5. Paste it into the form and choose Connect.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.answer import WAIT_LONGEST, retry_after
from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted, shown
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import (
    InsufficientPermissions,
    InvalidCredentials,
    PlatformError,
    ProviderError,
    RateLimited,
)
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Form,
    Method,
    Names,
    Provider,
    Purpose,
)

LINEAR = Upstream("LINEAR", "Linear", "https://api.linear.app")
FIELD = "api_key"
QUERY = "query { viewer { id name email } organization { id name urlKey } }"
OAUTH = "lin_oauth_"

_NEEDED = "Linear needs a personal API key, which begins with lin_api_."
_LOOKALIKES = {
    "lin_wh_": f"This looks like the signing secret of a webhook (lin_wh_). {_NEEDED}",
    "lin_refresh_": f"This looks like the refresh token of an OAuth app. {_NEEDED}",
    "https://": f"This is an address. {_NEEDED}",
}
_NEW_KEY = "Make a new one under Settings, Security & access, Personal API keys, then paste it."
_ITS_OWN = {
    "INPUT_ERROR",
    "INVALID_INPUT",
    "GRAPHQL_ERROR",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "INTERNAL_ERROR",
    "INTERNAL_SERVER_ERROR",
    "NETWORK_ERROR",
    "BOOTSTRAP_ERROR",
    "LOCK_TIMEOUT",
}
"""Codes and types of faults in Linear or in the question, which prove nothing about the key (LinearErrorType)."""
_CODE = re.compile(r"[A-Z][A-Z_]{1,62}")
_URL_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESETS = ("endpoint-requests", "requests", "complexity")
"""The budgets that a question is charged to, the narrowest first (linear.app/developers/rate-limiting)."""


class ApiKey(Form):
    """A personal API key of Linear."""

    api_key: Secret = Field(
        title="API Key",
        description="In Linear, under Settings, Security & access, Personal API keys.",
        examples=["lin_api_…"],
        json_schema_extra={"lookalikes": dict(_LOOKALIKES)},
    )

    _cleaned = field_validator("api_key", mode="before")(pasted)

    @field_validator("api_key")
    @classmethod
    def _is_a_key(cls, value: Secret) -> Secret:
        text = value.reveal()
        for start, sentence in _LOOKALIKES.items():
            if text.startswith(start):
                raise ValueError(sentence)
        if re.fullmatch(r"[\x21-\x7e]{1,512}", text) is None:
            raise ValueError(f"The key has characters that cannot be sent. Copy it again, whole and alone. {_NEEDED}")
        return value


class _Viewer(BaseModel):
    """Whose key it is (https://linear.app/developers/graphql)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    name: str | None = None
    email: str | None = None


class _Organization(BaseModel):
    """The workspace that it is for."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    name: str | None = None
    url_key: str | None = Field(default=None, alias="urlKey")


class LinearKey(Method[ApiKey]):
    """A person's API key."""

    key, label, form = "api_key", "API key", ApiKey
    purpose = Purpose.TRACK

    async def check(self, form: ApiKey, http: Http, report: Report) -> CheckResult:
        """Ask Linear whose key this is (viewer). Raises a `ProviderError`."""
        ladder = Ladder(report)
        oauth = form.api_key.reveal().startswith(OAUTH)
        with ladder.step("format", "Check the format") as rung:
            usual = form.api_key.reveal().startswith("lin_api_")
            rung.detail = "Looks like an API key." if usual else "Most API keys begin with lin_api_; this one does not."
            if oauth:
                rung.detail = "Looks like an OAuth token, which is sent as one."
        answer = await ladder.reach("Linear", _ask(form, http))
        with ladder.step("accepted", "Sign in") as rung:
            data = _read(answer, http)
            account = _account(data)
            rung.detail = f"as {account.details['User']}"
        warnings = []
        if "Workspace" not in account.details:
            warnings.append("Linear did not tell the workspace of this key. Check that it is the right one.")
        if oauth:
            warnings.append(f"This is an OAuth token, which may end within a day and is not renewed. {_NEEDED}")
        return CheckResult(account=account, label=account.name, warnings=tuple(warnings))


async def _ask(form: ApiKey, http: Http) -> Answer:
    # A personal key goes bare: with Bearer before it Linear refuses it. OAuth tokens need Bearer.
    key = form.api_key.reveal()
    authorization = f"Bearer {key}" if key.startswith(OAUTH) else key
    return await http.ask(LINEAR, "POST", "/graphql", headers={"Authorization": authorization}, json={"query": QUERY})


def _read(answer: Answer, http: Http) -> Mapping[str, Any]:
    """The `data` of an answer. Linear refuses with 400, 401 or inside a 200, and tells why in `errors`."""
    try:
        body = answer.json()
    except PlatformError:
        http.judge(LINEAR, answer, field=FIELD)
        raise
    said = body if isinstance(body, dict) else {}
    data = said.get("data")
    error = _first(said.get("errors"), told=isinstance(data, dict) and isinstance(data.get("viewer"), dict))
    if error is None and _refuses(answer, data):
        error = {}
    if error is not None and answer.status < 500:  # noqa: PLR2004  # a fault of the server's own proves nothing
        raise _refusal(error, answer)
    http.judge(LINEAR, answer, field=FIELD)
    if not isinstance(data, dict):
        raise _nonsense()
    return data


def _refuses(answer: Answer, data: Any) -> bool:
    """Whether it says no without an error: a 400, which Linear answers to keys, or a viewer who is nobody."""
    nobody = isinstance(data, dict) and "viewer" in data and data["viewer"] is None
    return answer.status == 400 or (nobody and answer.status < 400)  # noqa: PLR2004  # Bad Request, no error


def _first(errors: Any, *, told: bool) -> Mapping[str, Any] | None:
    """The first error that counts: where the viewer was `told`, one about the organization alone does not."""
    for each in errors if isinstance(errors, list) else []:
        error = each if isinstance(each, dict) else {}
        path = error.get("path")
        if not (told and isinstance(path, list) and path[:1] == ["organization"]):
            return error
    return None


def _account(data: Mapping[str, Any]) -> Account:
    try:
        viewer = _Viewer.model_validate(data.get("viewer"))
    except ValidationError:
        raise _nonsense() from None
    try:
        workspace = _Organization.model_validate(data.get("organization"))
    except ValidationError:
        workspace = _Organization()
    email, called = shown(viewer.email or ""), shown(workspace.name or "")
    user = shown(viewer.name or "") or email or viewer.id
    details = {"User": user, "Email": email, "Workspace": called}
    linked = workspace.url_key and _URL_KEY.fullmatch(workspace.url_key)
    return Account(
        key=viewer.id,
        name=(f"{user} ({called})" if called else user)[:SHOWN_LENGTH],
        details={label: text for label, text in details.items() if text},
        wire={"userName": shown(viewer.name or "") or None, "userEmail": email or None},
        url=f"https://linear.app/{workspace.url_key}" if linked else None,
    )


def _refusal(error: Mapping[str, Any], answer: Answer) -> ProviderError:
    """What `extensions.code`, in older answers `extensions.type`, means; the message is never shown."""
    told = error.get("extensions")
    extensions = told if isinstance(told, dict) else {}
    names = [name for name in (extensions.get("code"), extensions.get("type")) if isinstance(name, str)]
    code = next((name for name in names if _CODE.fullmatch(name)), None)
    codes = {name.upper().replace(" ", "_") for name in names}
    if "AUTHENTICATION_ERROR" in codes:
        text = f"Linear rejected the key: it knows no such key, or the key was revoked. {_NEW_KEY}"
        return InvalidCredentials(text, field=FIELD, vendor_code=code)
    if "FORBIDDEN" in codes:
        text = (
            "Linear does not allow this to the key. Give it Read and Write, or ask an administrator of the workspace."
        )
        return InsufficientPermissions(text, field=FIELD, vendor_code=code)
    if "RATELIMITED" in codes or answer.status == 429:  # noqa: PLR2004  # Too Many Requests
        seconds = _wait(answer)
        return RateLimited(f"Linear is busy. Try again in {seconds} seconds.", retry_after=seconds)
    if codes & _ITS_OWN and answer.status != 401:  # noqa: PLR2004  # Unauthorized
        named = f": {code}" if code else ""
        return PlatformError(f"Linear could not answer{named}. Try again later.", vendor_code=code)
    return InvalidCredentials(f"Linear rejected the key. {_NEW_KEY}", field=FIELD, vendor_code=code)


def _wait(answer: Answer) -> int:
    """Seconds until the budget that is used up is full again; its reset is told in milliseconds since 1970."""
    told = answer.headers.get("retry-after")
    resets = [
        answer.headers.get(f"x-ratelimit-{budget}-reset", "")
        for budget in _RESETS
        if answer.headers.get(f"x-ratelimit-{budget}-remaining") == "0"
    ]
    at = next((int(reset) for reset in resets if re.fullmatch(r"\d{13}", reset, re.ASCII)), None)
    if told is not None or at is None:
        return retry_after(told)
    seconds = (datetime.fromtimestamp(at / 1000, UTC) - now()).total_seconds()
    return max(1, min(WAIT_LONGEST, math.ceil(seconds)))


def _nonsense() -> PlatformError:
    return PlatformError("Linear gave an answer that makes no sense. Try again later.")


PROVIDER = Provider(
    slug="linear",
    name="Linear",
    category=Category.TRACKERS,
    docs="https://linear.app/docs/api-and-webhooks",
    about=__doc__ or "",
    stops="Issue tracking in Linear stops at once, until a new API key is connected.",
    methods=(LinearKey(),),
    names=Names(admin="linear", refused="invalid_token", connections=None, chat=None),
    wire_fields=("userName", "userEmail"),
    limits=(
        "The key acts as its person: it sees what they see, and ends when they leave the workspace.",
        "Linear takes 2,500 questions per hour from one person, all of their API keys together.",
    ),
)
