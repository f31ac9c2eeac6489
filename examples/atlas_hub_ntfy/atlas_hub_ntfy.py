"""Notifications to phones and desktops through ntfy, at ntfy.sh or a server of your own.

1. Sign in to the web app of your server, such as https://ntfy.sh/app.
2. Under Account, Access tokens, choose Create access token.
3. Copy the token; it begins with tk_.
4. Paste it into the form. For a server of your own, enter its address as well.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub import (
    Account,
    Answer,
    BadForm,
    Category,
    CheckResult,
    Form,
    Http,
    InvalidCredentials,
    Ladder,
    Message,
    Method,
    Names,
    PlatformError,
    Provider,
    Purpose,
    Receipt,
    Report,
    Secret,
    Upstream,
    pasted,
)

NTFY = Upstream("NTFY", "ntfy", "https://ntfy.sh")


class Token(Form):
    """An access token, and the server where it is good."""

    access_token: Secret = Field(
        title="Access Token",
        description="In ntfy's web app, under Account, Access tokens.",
        examples=["tk_…"],
    )
    server: str | None = Field(
        default=None,
        title="Server",
        description="Only for a server of your own. Leave it empty for ntfy.sh.",
        examples=["https://ntfy.example.com"],
        json_schema_extra={"input": "url", "target": True},
    )

    _cleaned = field_validator("access_token", mode="before")(pasted)

    @field_validator("access_token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        if re.fullmatch(r"tk_[A-Za-z0-9]{1,64}", value.reveal()) is None:
            raise ValueError("This is not an access token. Copy it from ntfy's web app: it begins with tk_.")
        return value

    @field_validator("server")
    @classmethod
    def _is_a_server(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/?", value) is None:
            raise ValueError("Enter the server's address alone, such as https://ntfy.example.com.")
        return value.rstrip("/").lower()

    @property
    def host(self) -> str:
        """The server, as its people know it."""
        return urlsplit(self.server or NTFY.base).netloc


class _Person(BaseModel):
    """What GET /v1/account tells."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    username: str = Field(pattern=r"^[A-Za-z0-9_.@+*-]{1,64}$")


class _Published(BaseModel):
    """What a publication is answered with (https://docs.ntfy.sh/subscribe/api/#json-message-format)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: str = Field(pattern=r"^[A-Za-z0-9]{1,64}$")


class AccessToken(Method[Token]):
    """A person's access token (https://docs.ntfy.sh/publish/#access-tokens)."""

    key, label, form = "access_token", "Access token", Token
    purpose = Purpose.ALERTS
    destination: ClassVar[str] = "Topic"
    destination_example: ClassVar[str] = "acme_alerts"

    async def check(self, form: Token, http: Http, report: Report) -> CheckResult:
        """Ask ntfy whose token this is. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = "Looks like an access token."
        answer = await ladder.reach("ntfy", _ask(form, http, "GET", "/v1/account"))
        with ladder.step("accepted", "Sign in") as rung:
            http.judge(NTFY, answer, field="access_token")
            name = _read(_Person, answer).username
            if name == "*":  # anyone; a server without accounts reads no token
                raise InvalidCredentials("ntfy does not know this token. Make a new one.", field="access_token")
            rung.detail = f"as {name}"
        account = Account(
            key=f"{form.host}/{name}",
            name=name,
            details={"User": name, "Server": form.host},
            wire={"username": name},
        )
        return CheckResult(account=account, label=name)

    async def send(self, form: Token, to: str, message: Message, http: Http) -> Receipt:
        """Publish to a topic. Raises `BadForm` for `to`, a `ProviderError`."""
        to = to.strip()
        if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", to) is None:
            raise BadForm({"to": "Enter a topic: up to 64 letters, digits, _ and -, such as acme_alerts."})
        answer = await _ask(form, http, "POST", "/", {"topic": to, "message": message.text})
        http.judge(NTFY, answer, field="access_token")
        number = _read(_Published, answer).id
        return Receipt(id=number, text=f"ntfy accepted it in {to} as message {number}.")


async def _ask(form: Token, http: Http, method: str, path: str, said: Any = None) -> Answer:
    headers = {"Authorization": f"Bearer {form.access_token.reveal()}"}
    if form.server:  # what an admin typed goes through the hub's outbound guard
        return await http.ask_url(
            NTFY.vendor, method, f"{form.server}{path}", headers=headers, json=said, field="server"
        )
    return await http.ask(NTFY, method, path, headers=headers, json=said)


def _read(kind: type[Any], answer: Answer) -> Any:
    try:
        return kind.model_validate(answer.json())
    except ValidationError:
        raise PlatformError("ntfy gave an answer that makes no sense. Try again later.") from None


PROVIDER = Provider(
    slug="ntfy",
    name="ntfy",
    category=Category.ALERTING,
    docs="https://docs.ntfy.sh/config/#access-tokens",
    about=__doc__ or "",
    stops="Nothing is published through this account until it is connected again.",
    methods=(AccessToken(),),
    names=Names(admin="ntfy"),
    wire_fields=("username",),
    limits=("The hub publishes messages only; it does not subscribe to topics.",),
)
