"""A Google Chat app that writes in spaces, by a service account of your Google Cloud project.

1. Enable the Google Chat API: https://console.cloud.google.com/apis/library/chat.googleapis.com
2. Open its Configuration: https://console.cloud.google.com/apis/api/chat.googleapis.com/hangouts-chat
3. There, give the app a name, an avatar and a description, choose who may use it, then Save.
4. Create a service account, without roles: https://console.cloud.google.com/iam-admin/serviceaccounts/create
5. Open the account, choose Keys, Add key, Create new key, JSON; a file is downloaded.
6. Paste the whole file into the form and choose Connect.
7. In Google Chat, open a space and add the app under Apps & integrations.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from atlas_hub.kit.cleaning import SHOWN_LENGTH
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import BadForm, PlatformError, ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.jwt import rs256
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._gchat_errors import console, not_configured, refusal, sign_in_refusal
from atlas_hub.providers._gchat_key import FIELD, LOOKALIKES, ServiceAccount, damaged, read_key_file
from atlas_hub.providers._gchat_spaces import listing
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Feature,
    Form,
    Listing,
    Message,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

GOOGLE_OAUTH = Upstream("GOOGLE_OAUTH", "Google", "https://oauth2.googleapis.com")
GOOGLE_CHAT = Upstream("GOOGLE_CHAT", "Google Chat", "https://chat.googleapis.com")
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/chat.bot"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SKEW, LIFE = timedelta(minutes=1), timedelta(minutes=10)
"""How long before now an assertion begins, for clocks that differ, and how long it holds."""
PAGE = 1000
UNTOLD = "Google Chat did not tell its spaces. Check the connection later to see them."
EMPTY = "The Chat app is in no space yet. Add it to one under Apps & integrations."

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_SPACE = re.compile(r"spaces/([A-Za-z0-9_-]{4,64})")
_ADDRESS = re.compile(
    r"https://(?:chat|mail)\.google\.com/[\w/#?=&.-]{0,80}?(?:space|room|dm|app/chat)/([A-Za-z0-9_-]{4,64})(?:[/?#].*)?"
)
_MESSAGE = re.compile(r"spaces/[A-Za-z0-9_-]{4,64}/messages/[A-Za-z0-9_.-]{1,128}")
_MARKUP = re.compile(r"<(?=users/|https?:|mailto:)")
"""What Google Chat would read as a mention or a link (developers.google.com/workspace/chat/format-messages)."""


class KeyFile(Form):
    """The JSON key of a service account."""

    credentials_json: Secret = Field(
        title="Service Account JSON",
        description="The whole text of the JSON key file that Google Cloud made.",
        examples=['{"type": "service_account", …}'],
        json_schema_extra={"input": "textarea", "lookalikes": dict(LOOKALIKES)},
    )


class GoogleChatApp(Method[KeyFile]):
    """A Chat app by the key of its service account."""

    key, label, form = "service_account", "Service account", KeyFile
    purpose = Purpose.CHAT
    destination: ClassVar[str] = "Space"
    destination_example: ClassVar[str] = "spaces/AAAAMpdlehY or https://chat.google.com/room/AAAAMpdlehY"

    async def check(self, form: KeyFile, http: Http, report: Report) -> CheckResult:
        """Sign in at Google, then ask Google Chat which spaces the app is in. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            account = read_key_file(form.credentials_json)
            assertion = await _sign(account)
            rung.detail = "Looks like the key of a service account."
        answer = await ladder.reach("Google", _mint(assertion, http))
        with ladder.step("accepted", "Sign in") as rung:
            token = _token(answer, http)
            rung.detail = f"as {account.email}"
        with ladder.step("spaces", "Look for its spaces") as rung:
            found = await _look_for_spaces(account, token, http)
            rung.detail = f"Spaces that the app is in: {found.spaces}."
            if found.spaces is None:
                rung.ok, rung.detail = not found.limits, " ".join((*found.warnings, *found.limits))
        proven = _account(account, found.spaces)
        return CheckResult(
            account=proven,
            label=proven.name,
            granted=frozenset({SCOPE}),
            warnings=found.warnings,
            limits=found.limits,
        )

    async def send(self, form: KeyFile, to: str, message: Message, http: Http) -> Receipt:
        """Write plain text in a space (spaces.messages.create). Raises `BadForm` for `to`, a `ProviderError`."""
        to = to.strip()
        found = _SPACE.fullmatch(to) or _ADDRESS.fullmatch(to[:500])
        if found is None:
            raise BadForm(
                {
                    "to": "Enter the space's name, such as spaces/AAAAMpdlehY, or its address. "
                    "Open the space in a browser and copy the address."
                }
            )
        space = f"spaces/{found[1]}"
        account = read_key_file(form.credentials_json)
        token = _token(await _mint(await _sign(account), http), http)
        said = {"text": _MARKUP.sub("<\u200b", message.text)}
        answer = await http.ask(GOOGLE_CHAT, "POST", f"/v1/{space}/messages", headers=_bearer(token), json=said)
        error = refusal(answer, account, sends=True)
        if error is not None:
            raise error
        http.judge(GOOGLE_CHAT, answer, field=FIELD)
        body = answer.json()
        name = body.get("name") if isinstance(body, dict) else None
        if not isinstance(name, str) or _MESSAGE.fullmatch(name) is None:
            raise _nonsense("Google Chat")
        return Receipt(id=name, text=f"Google Chat accepted it in {space} as {name}.")

    async def channels(self, form: KeyFile, http: Http) -> Listing:
        """The spaces that the app is in (spaces.list). Raises a `ProviderError`."""
        account = read_key_file(form.credentials_json)
        token = _token(await _mint(await _sign(account), http), http)

        async def page(query: str) -> object:
            answer = await http.ask(GOOGLE_CHAT, "GET", f"/v1/spaces{query}", headers=_bearer(token))
            error = refusal(answer, account, sends=False)
            if error is not None:
                raise error
            http.judge(GOOGLE_CHAT, answer, field=FIELD)
            return answer.json()

        return await listing(page)


def _account(account: ServiceAccount, spaces: str | None) -> Account:
    details = {"Service Account": account.email, "Project ID": account.named}
    return Account(
        key=account.project,
        name=account.named[:SHOWN_LENGTH],
        details=details if spaces is None else {**details, "Spaces": spaces},
        wire={"projectId": account.named, "serviceAccountEmail": account.email},
        url=console("apis/api/chat.googleapis.com/hangouts-chat", account),
    )


async def _sign(account: ServiceAccount) -> Secret:
    """The assertion that Google trades for a token; in a thread, for it takes a while.

    (https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests)
    """
    begins = now() - SKEW
    claims = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": AUDIENCE,
        "iat": int(begins.timestamp()),
        "exp": int((begins + LIFE).timestamp()),
    }
    try:
        return await asyncio.to_thread(rs256, account.private_key, claims, key_id=account.key_id)
    except ValueError:
        raise damaged() from None


async def _mint(assertion: Secret, http: Http) -> Answer:
    return await http.ask(GOOGLE_OAUTH, "POST", "/token", form={"grant_type": GRANT, "assertion": assertion.reveal()})


def _token(answer: Answer, http: Http) -> Secret:
    """The access token, which holds for an hour. Raises a `ProviderError`."""
    error = sign_in_refusal(answer, SCOPE)
    if error is not None:
        raise error
    http.judge(GOOGLE_OAUTH, answer, field=FIELD)
    body = answer.json()
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise _nonsense("Google")
    return Secret(token)


@dataclass(frozen=True)
class _Found:
    """In how many spaces the app is, where that was told, and what is to be said of it."""

    spaces: str | None = None
    warnings: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


async def _look_for_spaces(account: ServiceAccount, token: Secret, http: Http) -> _Found:
    """What Google Chat tells. Raises a `ProviderError` for refusals alone: Google has accepted the key."""
    try:
        spaces = await _spaces(account, token, http)
    except ProviderError as error:
        if error.permanent:
            raise
        return _Found(warnings=(UNTOLD,))
    if spaces is None:
        return _Found(limits=(not_configured(account),))
    return _Found(spaces, warnings=(EMPTY,) if spaces == "0" else ())


async def _spaces(account: ServiceAccount, token: Secret, http: Http) -> str | None:
    """In how many spaces the app is, None where the project has no Chat app (spaces.list)."""
    answer = await http.ask(GOOGLE_CHAT, "GET", f"/v1/spaces?pageSize={PAGE}", headers=_bearer(token))
    if answer.status == 404:  # noqa: PLR2004  # an app without a name, or somebody who does not list
        return None
    error = refusal(answer, account, sends=False)
    if error is not None:
        raise error
    http.judge(GOOGLE_CHAT, answer, field=FIELD)
    body = answer.json()
    spaces = body.get("spaces", []) if isinstance(body, dict) else None  # an empty list is left out
    if not isinstance(spaces, list) or not all(isinstance(space, dict) for space in spaces):
        raise _nonsense("Google Chat")
    return f"{len(spaces)} or more" if body.get("nextPageToken") else str(len(spaces))


def _bearer(token: Secret) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def _nonsense(vendor: str) -> PlatformError:
    return PlatformError(f"{vendor} gave an answer that makes no sense. Try again later.")


PROVIDER = Provider(
    slug="gchat",
    name="Google Chat",
    category=Category.CHAT,
    docs="https://developers.google.com/workspace/chat/authenticate-authorize-chat-app",
    about=__doc__ or "",
    stops="The app stops writing and answering in Google Chat at once, until it is connected again.",
    methods=(GoogleChatApp(),),
    names=Names(admin="gchat", refused="invalid_credentials", connections="gchat", chat=None),
    wire_fields=("projectId", "serviceAccountEmail"),
    limits=(
        "A message holds 32,000 bytes.",
        "Google Chat takes 60 writes per minute in a space, from all apps together.",
        "The app can write to a person only after that person has added it.",
        "The hub writes messages only; it does not yet receive any from Google Chat.",
    ),
    features={Feature.SEND: frozenset({SCOPE})},
)
