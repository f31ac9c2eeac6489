"""Messages to people on WhatsApp from your business number.

1. Open https://developers.facebook.com/apps, choose your app, and add the product WhatsApp to it.
2. Under WhatsApp, API Setup, copy the Phone Number ID; it is not the phone number.
3. Open https://business.facebook.com/settings/system-users and add a system user with the role Admin.
4. Assign it your app and your WhatsApp account, both with full control.
5. Choose Generate token, Never, whatsapp_business_messaging and whatsapp_business_management; copy it.
6. Paste both into the form and choose Connect.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.cleaning import pasted, shown
from atlas_hub.kit.errors import AuthExpired, BadForm, ProviderError
from atlas_hub.kit.http import TOTAL_SECONDS, Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.redact import shapes
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._whatsapp_errors import META, PERMANENT, SEND_SCOPE, TOKEN, nonsense, read
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Feature,
    Form,
    Message,
    Method,
    Names,
    Provider,
    Purpose,
    Receipt,
)

TEXT_LIMIT = 4096
BESIDE_SECONDS = 5.0
"""How long a question may take whose answer is not needed."""
MANAGE_SCOPE = "whatsapp_business_management"
FIELDS = "display_phone_number,verified_name,quality_rating"

_NO_NUMBER = (
    "This looks like the phone number. WhatsApp needs the Phone Number ID, digits alone: copy it from WhatsApp, "
    "API Setup, where it stands below the number."
)
_NUMBERS = {"+": _NO_NUMBER, "(": _NO_NUMBER}
_LOOKALIKES = {
    "https://": "Looks like an address. WhatsApp needs the access token, which begins with EAA.",
}
_QUALITY = frozenset({"GREEN", "YELLOW", "RED"})
_SCOPE = re.compile(r"[a-z0-9_]{1,64}")
_PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)

# No log line shall show a token; `debug_token` has one in its query.
shapes(re.compile(r"(?<![A-Za-z0-9])EAA[A-Za-z0-9]{20,}"))


class Credentials(Form):
    """A number of the Cloud API and a token that may use it."""

    phone_number_id: str = Field(
        title="Phone Number ID",
        description="Under WhatsApp, API Setup in your app. It is not the phone number.",
        examples=["15 digits or so, such as 106540352242922"],
        json_schema_extra={"lookalikes": {**_NUMBERS}},
    )
    access_token: Secret = Field(
        title="Access Token",
        description="A system user's permanent token. One from API Setup ends after a day.",
        examples=["EAA…"],
        json_schema_extra={"lookalikes": {**_LOOKALIKES}},
    )

    _cleaned = field_validator("phone_number_id", "access_token", mode="before")(pasted)

    @field_validator("phone_number_id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        for start, sentence in _NUMBERS.items():
            if value.startswith(start):
                raise ValueError(sentence)
        if re.fullmatch(r"\d[\d ()./-]*", value, re.ASCII) and not value.isdigit():
            raise ValueError(_NO_NUMBER)
        if re.fullmatch(r"\d{1,64}", value, re.ASCII) is None:
            raise ValueError("A Phone Number ID is digits alone. Copy it from WhatsApp, API Setup.")
        return value

    @field_validator("access_token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        text = value.reveal()
        for start, sentence in _LOOKALIKES.items():
            if text.startswith(start):
                raise ValueError(sentence)
        if re.fullmatch(r"[\x21-\x7e]{1,2048}", text) is None:
            raise ValueError("The token has characters that no access token has. Copy it again, whole and alone.")
        return value


class _Number(BaseModel):
    """What the number answers (https://developers.facebook.com/docs/graph-api/reference/whats-app-business-account-to-number-current-status)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: str | int
    display_phone_number: str | None = None
    verified_name: str | None = None
    quality_rating: str | None = None


Moment = Annotated[int, Field(ge=0, lt=253_402_300_800)]
"""Seconds since 1970, up to the year 9999; 0 is never."""


class _Token(BaseModel):
    """What debug_token tells (https://developers.facebook.com/docs/graph-api/reference/debug_token)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    is_valid: bool
    scopes: list[str] = []
    expires_at: Moment = 0
    data_access_expires_at: Moment = 0

    @property
    def ends(self) -> datetime | None:
        moments = [moment for moment in (self.expires_at, self.data_access_expires_at) if moment]
        return datetime.fromtimestamp(min(moments), UTC) if moments else None


class WhatsAppNumber(Method[Credentials]):
    """A number of the Cloud API by its id and a token."""

    key, label, form = "access_token", "Access token", Credentials
    purpose = Purpose.CHAT
    destination: ClassVar[str] = "Recipient phone number"
    destination_example: ClassVar[str] = "+15551234567"
    lists_not: ClassVar[str] = "WhatsApp has no channels: the number writes to people, each by their phone number."

    async def check(self, form: Credentials, http: Http, report: Report) -> CheckResult:
        """Ask for the number, then what the token may and when it ends. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Both look right."
        answer = await ladder.reach("WhatsApp", _ask(form, http, f"{form.phone_number_id}?fields={FIELDS}"))
        with ladder.step("accepted", "Find the number") as rung:
            try:
                number = _Number.model_validate(read(answer, http, is_sign_in=True))
            except ValidationError:
                raise nonsense() from None
            account = _account(form, number, _other_version(answer, http))
            rung.detail = f"as {account.name}"
        with ladder.step("token", "Look at the token") as rung:
            token = await _token(form, http)
            rung.ok, rung.detail = _judged(token)
        ends = token.ends if token else None
        return CheckResult(
            account=account,
            label=account.details.get("Name", account.name),
            granted=frozenset(filter(_SCOPE.fullmatch, token.scopes)) if token else None,
            expires_at=ends,
            warnings=_warnings(number, token),
            limits=(_temporary(token, ends),) if token and ends else (),
        )

    async def send(self, form: Credentials, to: str, message: Message, http: Http) -> Receipt:
        """Send plain text (…/docs/whatsapp/cloud-api/guides/send-messages). Raises `BadForm`, a `ProviderError`."""
        to = re.sub(r"[ ().-]", "", to.strip())
        if _PHONE.fullmatch(to) is None:
            raise BadForm({"to": "Enter the whole phone number with + and country code, such as +15551234567."})
        if len(message.text) > TEXT_LIMIT:
            raise BadForm({"text": "WhatsApp takes at most 4,096 characters in a message. Shorten it."})
        said = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            "type": "text",
            "text": {"preview_url": False, "body": message.text},
        }
        body = read(await _ask(form, http, f"{form.phone_number_id}/messages", said), http)
        first = body["messages"][0] if isinstance(body.get("messages"), list) and body["messages"] else None
        number = first.get("id") if isinstance(first, dict) else None
        if not isinstance(number, str) or re.fullmatch(r"wamid\.[A-Za-z0-9+/=_-]{1,250}", number) is None:
            raise nonsense()
        text = (
            f"WhatsApp accepted it for {to}. It arrives only if that person wrote to this number in the last 24 hours."
        )
        return Receipt(id=number, text=text)


async def _ask(
    form: Credentials, http: Http, path: str, said: dict[str, Any] | None = None, seconds: float = TOTAL_SECONDS
) -> Answer:
    headers = {"Authorization": f"Bearer {form.access_token.reveal()}"}
    method = "GET" if said is None else "POST"
    return await http.ask(META, method, f"/{http.version(META)}/{path}", headers=headers, json=said, timeout=seconds)


async def _token(form: Credentials, http: Http) -> _Token | None:
    """What is known of the token, None where WhatsApp does not tell: it took the token before, and this is beside it.

    Raises `AuthExpired`.
    """
    path = f"debug_token?input_token={quote(form.access_token.reveal(), safe='')}"
    try:
        token = _Token.model_validate(read(await _ask(form, http, path, seconds=BESIDE_SECONDS), http).get("data"))
    except (ProviderError, ValidationError):
        return None
    if not token.is_valid:
        raise AuthExpired(f"WhatsApp says the token is not valid any more. {PERMANENT}, then paste it.", field=TOKEN)
    return token


def _judged(token: _Token | None) -> tuple[bool, str]:
    if token is None:
        return False, "WhatsApp did not tell."
    if SEND_SCOPE not in token.scopes:
        return False, f"Missing: {SEND_SCOPE}."
    if token.ends:
        return False, f"It ends on {_said(token.ends)}."
    return True, "It never expires and may send."


def _said(moment: datetime) -> str:
    return f"{moment:%-d %B %Y at %H:%M} UTC"


def _temporary(token: _Token, ends: datetime) -> str:
    kind = "This is a temporary token: it" if token.expires_at else "What this token may see"
    return f"{kind} ends on {_said(ends)}. {PERMANENT}, with the expiry Never, and paste it."


def _warnings(number: _Number, token: _Token | None) -> tuple[str, ...]:
    said = []
    if token is None:
        said.append("WhatsApp did not tell what the token may do and when it ends.")
    elif MANAGE_SCOPE not in token.scopes:
        said.append(f"The token lacks {MANAGE_SCOPE}, without which WhatsApp may hide facts about the number.")
    if number.quality_rating == "RED":
        said.append("Meta rates this number's quality red: people blocked or reported it. It may be restricted soon.")
    return tuple(said)


def _other_version(answer: Answer, http: Http) -> str | None:
    """The version that answered, where it is another than was asked for: Meta retires them after about two years."""
    told = answer.headers.get("facebook-api-version", "")
    return told if re.fullmatch(r"v\d{1,3}\.\d{1,2}", told, re.ASCII) and told != http.version(META) else None


def _account(form: Credentials, number: _Number, version: str | None) -> Account:
    phone = shown(number.display_phone_number or "", 40)
    quality = number.quality_rating if number.quality_rating in _QUALITY else None
    rows = {
        "Phone": phone,
        "Phone Number ID": form.phone_number_id,
        "Name": shown(number.verified_name or ""),
        "Quality": (quality or "").capitalize(),
        "Graph version": version or "",
    }
    return Account(
        key=form.phone_number_id,
        name=phone or form.phone_number_id,
        details={label: text for label, text in rows.items() if text},
        wire={"phoneNumberId": form.phone_number_id, "displayPhone": phone or None},
        url="https://business.facebook.com/wa/manage/phone-numbers/",
    )


PROVIDER = Provider(
    slug="whatsapp",
    name="WhatsApp",
    category=Category.CHAT,
    docs="https://developers.facebook.com/docs/whatsapp/cloud-api/get-started",
    about=__doc__ or "",
    stops="Messages to and from people on WhatsApp stop until it is connected again with new credentials.",
    methods=(WhatsAppNumber(),),
    names=Names(admin="whatsapp", refused="invalid_credentials", connections="whatsapp", chat="whatsapp-business"),
    wire_fields=("phoneNumberId", "displayPhone"),
    limits=(
        "Plain text arrives only within 24 hours after the person last wrote to the number.",
        "Outside those 24 hours WhatsApp takes templates alone, which the hub does not send.",
        "A message holds at most 4,096 characters; a longer one is refused before it is sent.",
        "A token from API Setup ends within a day; a system user's can be made to last.",
    ),
    features={Feature.SEND: frozenset({SEND_SCOPE})},
)
