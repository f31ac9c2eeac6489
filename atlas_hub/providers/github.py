"""Issues and repositories at GitHub or GitHub Enterprise, by a personal access token.

1. Fine-grained: https://github.com/settings/personal-access-tokens/new?name=Atlas+Hub&expires_in=90&contents=read&issues=write
2. Choose its resource owner and repositories, look through the permissions, and choose Generate token.
3. Or a classic token: https://github.com/settings/tokens/new?scopes=repo&description=Atlas%20Hub
4. Where the organization has single sign-on: choose Configure SSO beside the classic token, then Authorize.
5. Copy the token at once, for GitHub shows it only then; it begins with github_pat_ or ghp_. Paste it into the form.
6. GitHub Enterprise Server: make the token there, and enter the server's address, such as https://github.example.com.

The account key is the number of the user. Each Enterprise server counts its users from 1, so there the key is
`host:number`.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import PlatformError, ProviderError
from atlas_hub.kit.http import Answer, Http
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._github import GITHUB, SETTINGS, ends, judge, judge_user, scopes, shortcomings
from atlas_hub.providers.contract import (
    Account,
    Category,
    CheckResult,
    Form,
    Method,
    Names,
    Provider,
    Purpose,
    Revoked,
)

NEEDED = "The hub needs a personal access token, which begins with github_pat_ or ghp_."
CLASSIC, FINE_GRAINED, OAUTH = "classic", "fine-grained", "OAuth app"

_PRIVATE_KEY = "-----BEGIN"
_LOOKALIKES = {
    "gho_": f"This looks like the token of an OAuth app (gho_). {NEEDED}",
    "ghu_": f"This looks like a GitHub App's token for a user (ghu_), which ends after hours. {NEEDED}",
    "ghs_": f"This looks like the token of a GitHub App's installation (ghs_), which ends after an hour. {NEEDED}",
    "ghr_": f"This looks like a GitHub App's refresh token (ghr_). {NEEDED}",
    _PRIVATE_KEY: f"This is a private key, of a GitHub App or for SSH. {NEEDED}",
}
"""What is said at once of a paste; all but a private key may be tried, for GitHub judges its own tokens."""
_KINDS = {"github_pat_": FINE_GRAINED, "gho_": OAUTH, "ghu_": "GitHub App", "ghs_": "GitHub App"}
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")
"""What can be sent. Whether it is a token, GitHub tells: its tokens have had several shapes."""
_ADDRESS = re.compile(r"(https?)://([a-z0-9.-]{1,150}?)\.?(:[1-9][0-9]{0,4})?(/.*)?", re.ASCII | re.IGNORECASE)
_HOME = {"github.com", "www.github.com", "api.github.com"}
_CLOUD = ".ghe.com"
"""GitHub Enterprise Cloud with data residency: the API of name.ghe.com is at api.name.ghe.com."""
_API_PATH = "/api/v3"


class PersonalToken(Form):
    """A personal access token, of either kind, and the server where it is good."""

    access_token: Secret = Field(
        title="Personal Access Token",
        description=f"In GitHub, under {SETTINGS}.",
        examples=["github_pat_…", "ghp_…"],
        json_schema_extra={"lookalikes": {**_LOOKALIKES}},
    )
    api_url: str | None = Field(
        default=None,
        title="Enterprise API address",
        description="Only for GitHub Enterprise Server or a name at ghe.com. Leave it empty for github.com.",
        examples=["https://github.example.com/api/v3"],
        json_schema_extra={"input": "url", "target": True},
    )

    _cleaned = field_validator("access_token", mode="before")(pasted)

    @field_validator("access_token")
    @classmethod
    def _is_a_personal_token(cls, value: Secret) -> Secret:
        text = value.reveal()
        if text.startswith(_PRIVATE_KEY):
            raise ValueError(_LOOKALIKES[_PRIVATE_KEY])
        if _TOKEN.fullmatch(text) is None:
            raise ValueError(f"This is not a personal access token. Copy it again, whole and alone. {NEEDED}")
        return value

    @field_validator("api_url")
    @classmethod
    def _is_a_server(cls, value: str | None) -> str | None:
        """The base of the API in one spelling; None for github.com. Whether it may be asked is the guard's."""
        if value is None:
            return None
        found = _ADDRESS.fullmatch(value)
        if found is None:
            raise ValueError("Enter the server's address alone, such as https://github.example.com.")
        scheme, host, port, path = found[1].lower(), found[2].lower(), found[3] or "", (found[4] or "").rstrip("/")
        if host in _HOME:
            return None
        if path not in {"", _API_PATH}:
            raise ValueError("The address must end after the server's name or with /api/v3. Take away the rest.")
        if host.endswith(_CLOUD):
            return f"{scheme}://api.{host.removeprefix('api.')}{port}"
        return f"{scheme}://{host}{'' if (scheme, port) == ('https', ':443') else port}{_API_PATH}"

    @property
    def kind(self) -> str:
        """What GitHub calls this kind of token."""
        text = self.access_token.reveal()
        return next((kind for beginning, kind in _KINDS.items() if text.startswith(beginning)), CLASSIC)

    @property
    def server(self) -> str:
        """Host and port of an Enterprise server, as people open it; empty for github.com."""
        host = urlsplit(self.api_url or "").netloc
        return host.removeprefix("api.") if host.endswith(_CLOUD) else host


class _User(BaseModel):
    """What GET /user answers (https://docs.github.com/en/rest/users/users#get-the-authenticated-user)."""

    model_config = ConfigDict(hide_input_in_errors=True, strict=True)

    id: Annotated[int, Field(gt=0, lt=2**53)] | Annotated[str, Field(pattern=r"^[A-Za-z0-9_=-]{1,40}$")]
    login: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,100}$")

    def account(self, form: PersonalToken) -> Account:
        """Who this is, by the keys of the module docstring."""
        server = form.server
        name = f"@{self.login}" if self.login else f"User {self.id}"
        details = {"User": name, "Kind of token": form.kind}
        return Account(
            key=f"{server}:{self.id}" if server else str(self.id),
            name=name,
            details=details | ({"Server": server} if server else {}),
            wire={"username": self.login},
            url=f"https://{server or 'github.com'}/{self.login}" if self.login else None,
        )


class PersonalAccessToken(Method[PersonalToken]):
    """A personal access token (https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api)."""

    key, label, form = "access_token", "Personal access token", PersonalToken
    purpose = Purpose.TRACK

    async def check(self, form: PersonalToken, http: Http, report: Report) -> CheckResult:
        """Ask GitHub who this is (GET /user), what the token may and when it ends. Raises a `ProviderError`."""
        ladder = Ladder(report)
        with ladder.step("format", "Check the format") as rung:
            rung.detail = f"Looks like a {form.kind} token."
        answer = await ladder.reach(form.server or "GitHub", _ask(form, http))
        with ladder.step("accepted", "Sign in") as rung:
            judge_user(answer, http, typed=form.api_url is not None)
            try:
                account = _User.model_validate(answer.json()).account(form)
            except ValidationError:
                raise PlatformError("GitHub gave an answer that makes no sense. Try again later.") from None
            rung.detail = f"as {account.name}"
        with ladder.step("scopes", "Read the scopes") as rung:
            granted = scopes(answer) if form.kind in {CLASSIC, OAUTH} else None
            warnings = shortcomings(granted, answer)
            told = "GitHub does not tell them for this token." if granted is None else f"{', '.join(sorted(granted))}."
            rung.detail = " ".join(warnings) or told
        with ladder.step("expiry", "Read when it ends") as rung:
            end = ends(answer)
            rung.detail = f"It ends on {end:%Y-%m-%d}." if end else "GitHub names no day on which it ends."
        return CheckResult(account=account, label=account.name, granted=granted, expires_at=end, warnings=warnings)

    async def revoke(self, form: PersonalToken, http: Http) -> Revoked:
        """Kill the token (POST /credentials/revoke, which takes no authorization). Raises a `ProviderError`.

        GitHub does it a little later, so it is asked once whether the token still works. It has this for github.com's
        present tokens alone (https://docs.github.com/en/rest/credentials/revoke).
        """
        if form.api_url or "_" not in form.access_token.reveal():
            text = f"GitHub does not revoke this token from outside. Delete it there, under {SETTINGS}."
            return Revoked(dead=None, text=text)
        said = {"credentials": [form.access_token.reveal()]}
        answer = await http.ask(GITHUB, "POST", "/credentials/revoke", headers=_headers(http), json=said)
        judge(answer, http, typed=form.api_url is not None)
        try:
            after = await _ask(form, http)
        except ProviderError:
            after = None
        if after is not None and after.status == 401:  # noqa: PLR2004  # the token is refused
            return Revoked(dead=True, text="GitHub revoked the token and tells its owner by mail.")
        text = f"GitHub took the request to revoke the token. See under {SETTINGS} whether it is gone."
        return Revoked(dead=None, text=text)


def _headers(http: Http) -> dict[str, str]:
    return {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": http.version(GITHUB)}


async def _ask(form: PersonalToken, http: Http) -> Answer:
    headers = {**_headers(http), "Authorization": f"Bearer {form.access_token.reveal()}"}
    if form.api_url:
        return await http.ask_url(GITHUB.vendor, "GET", f"{form.api_url}/user", headers=headers, field="api_url")
    return await http.ask(GITHUB, "GET", "/user", headers=headers)


PROVIDER = Provider(
    slug="github",
    name="GitHub",
    category=Category.TRACKERS,
    docs="https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens",
    about=__doc__ or "",
    stops="Atlas stops reading and writing issues and repositories at GitHub until a new token is connected.",
    methods=(PersonalAccessToken(),),
    names=Names(admin="github", refused="invalid_token"),
    wire_fields=("username",),
    limits=(
        "GitHub does not tell what a fine-grained token may do, so a missing permission shows only when it is needed.",
        "GitHub revokes a personal access token that nobody has used for a year.",
        "The hub sends no messages through GitHub.",
    ),
)
