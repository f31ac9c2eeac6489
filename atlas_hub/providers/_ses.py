"""Mail through Amazon SES, API v2 (https://docs.aws.amazon.com/ses/latest/APIReference-V2/Welcome.html)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote

from pydantic import Field, field_validator

from atlas_hub.kit.cleaning import SHOWN_LENGTH, pasted
from atlas_hub.kit.errors import InsufficientPermissions, PlatformError, ProviderError
from atlas_hub.kit.http import Answer, Http, Upstream
from atlas_hub.kit.ladder import Ladder, Report
from atlas_hub.kit.secret import Secret
from atlas_hub.kit.sigv4 import signed
from atlas_hub.providers._mail import SECONDS, Mail, MailMethod, message_id, recipient, subject, within
from atlas_hub.providers._ses_errors import DENIED, PAUSED, explained, refusal
from atlas_hub.providers.contract import CheckResult, Message, Receipt

SES = Upstream("SES", "Amazon SES", "https://email.{region}.amazonaws.com")
PARENTS = 4
"""How many domains are asked for: a verified domain's subdomains may send, too."""

_KEY_LOOKALIKES = {
    "ASIA": "This key is temporary and needs a session token. Make an access key for an IAM user: it begins with AKIA.",
    "AIDA": "This is the ID of a user. Enter the Access Key ID, which begins with AKIA.",
    "AROA": "This is the ID of a role. Enter the Access Key ID of an IAM user, which begins with AKIA.",
}
_SECRET_LOOKALIKES = {"AKIA": "This is the Access Key ID. The secret is the longer one, shown once beside it."}

_MAY_NOT_READ = "This key may not read identities in Amazon SES. Send a test message to find out whether it may send."


class SesKeys(Mail):
    """An access key of an IAM user, and the region whose identities and limits count."""

    region: str = Field(
        title="AWS Region",
        description="Where the sender is verified: each region has its own identities and limits.",
        examples=["us-east-1"],
        json_schema_extra={"target": True},
    )
    access_key_id: Secret = Field(
        title="Access Key ID",
        description="Of an IAM user who may ses:SendEmail; ses:GetEmailIdentity and ses:GetAccount help to check it.",
        examples=["AKIA…"],
        json_schema_extra={"lookalikes": {**_KEY_LOOKALIKES}},
    )
    secret_access_key: Secret = Field(
        title="Secret Access Key",
        description="Amazon shows it once, when the access key is made.",
        examples=["40 characters"],
        json_schema_extra={"lookalikes": {**_SECRET_LOOKALIKES}},
    )

    _cleaned = field_validator("access_key_id", "secret_access_key", mode="before")(pasted)

    @field_validator("region")
    @classmethod
    def _is_a_region(cls, value: str) -> str:
        code = value.lower()
        if re.fullmatch(r"[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]", code) is None:
            raise ValueError("Enter the code of an AWS region, such as us-east-1.")
        if code.startswith("cn-"):
            raise ValueError("AWS China is not served. Choose another region, such as ap-southeast-1.")
        return code

    @field_validator("access_key_id")
    @classmethod
    def _is_an_access_key(cls, value: Secret) -> Secret:
        _tell_apart(value, _KEY_LOOKALIKES)
        if re.fullmatch(r"\w{1,128}", value.reveal(), re.ASCII) is None:
            raise ValueError("This is not an access key ID. Copy it again: most are AKIA and 16 more signs.")
        return value

    @field_validator("secret_access_key")
    @classmethod
    def _is_a_secret(cls, value: Secret) -> Secret:
        _tell_apart(value, _SECRET_LOOKALIKES)
        if re.fullmatch(r"[\x21-\x7e]{1,128}", value.reveal()) is None:
            raise ValueError("This is not a secret access key. Copy it again, whole and alone.")
        return value

    @property
    def looks_like_smtp(self) -> bool:
        """Whether the secret has the shape of an SMTP password, which Amazon makes of a version byte and a hash."""
        return re.fullmatch(r"B[A-P][A-Za-z0-9/+]{42}", self.secret_access_key.reveal()) is not None


def _tell_apart(value: Secret, lookalikes: dict[str, str]) -> None:
    for beginning, sentence in lookalikes.items():
        if value.reveal().startswith(beginning):
            raise ValueError(sentence)


class Ses(MailMethod[SesKeys]):
    """Amazon SES (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html)."""

    key, label, form = "ses", "Amazon SES", SesKeys
    recommended_because = "No mail server to run; cheap for much mail, in a region of your choice."

    async def check(self, form: SesKeys, http: Http, report: Report) -> CheckResult:
        """Ask whether the sender is verified and what the account may send. Raises a `ProviderError`."""
        return await within(SECONDS, "Amazon SES", self._check(form, http, Ladder(report)))

    async def _check(self, form: SesKeys, http: Http, ladder: Ladder) -> CheckResult:
        with ladder.step("format", "Check the format") as rung:
            rung.detail = f"Looks like an access key, to be used in {form.region}."
            if form.looks_like_smtp:
                rung.detail = "The secret looks like an SMTP password. It is tried all the same."
        answer = await ladder.reach("Amazon SES", _identity(form, http, form.sender_address))
        with ladder.step("accepted", "Sign in"):
            known = _verified(answer, form, http)
        with ladder.step("sender", "Look for the sender address") as rung:
            warning = await _look_for_sender(form, http, known)
            rung.detail = warning or f"{form.sender_address} may send."
        with ladder.step("account", "Ask what the account may send") as rung:
            limits = await _limits(form, http)
            rung.detail = " ".join(limits)
        warnings = (warning,) if warning else ()
        return CheckResult(account=None, label=self.called(form)[:SHOWN_LENGTH], warnings=warnings, limits=limits)

    async def send(self, form: SesKeys, to: str, message: Message, http: Http) -> Receipt:
        """Send one mail. Raises `BadForm` for `to`, a `ProviderError`; after a `NetworkError` it may have arrived."""
        to = recipient(to)
        said = {
            "FromEmailAddress": form.sender_address,
            "Destination": {"ToAddresses": [to]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": subject(message), "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": message.text, "Charset": "UTF-8"}},
                }
            },
        }
        answer = await _ask(form, http, "POST", "/v2/email/outbound-emails", json.dumps(said).encode())
        rejected = _rejection(answer, form, to)
        if rejected is not None:
            raise rejected
        number = message_id(_object(answer, form, http).get("MessageId"))
        if not number:
            raise _nonsense()
        return Receipt(id=number, text=f"Amazon SES accepted it for {to} as {number}.")


async def _ask(form: SesKeys, http: Http, method: str, path: str, body: bytes = b"") -> Answer:
    headers = signed(
        method,
        http.url(SES, path, region=form.region),
        body,
        access_key_id=form.access_key_id,
        secret_access_key=form.secret_access_key,
        service="ses",
        region=form.region,
    )
    return await http.ask(SES, method, path, headers=headers, body=body or None, timeout=SECONDS, region=form.region)


async def _identity(form: SesKeys, http: Http, identity: str) -> Answer:
    return await _ask(form, http, "GET", f"/v2/email/identities/{quote(identity, safe='')}")


def _verified(answer: Answer, form: SesKeys, http: Http) -> bool | None:
    """Whether an identity may send: False where there is none, None where the key may not read it."""
    code, _ = explained(answer)
    if code == "NotFoundException":
        return False
    if code in DENIED:
        return None
    told = _object(answer, form, http).get("VerifiedForSendingStatus")
    if not isinstance(told, bool):
        raise _nonsense()
    return told


async def _look_for_sender(form: SesKeys, http: Http, known: bool | None) -> str:  # noqa: FBT001  # what was told so far
    """A warning where Amazon does not tell whether the sender may send, "" where it may.

    A verified domain may send from every address and subdomain of it
    (https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html).
    Raises `InsufficientPermissions` where it is certain that it may not.
    """
    told = [known]
    labels = form.sender_address.lower().rpartition("@")[2].split(".")
    for first in range(max(1, min(PARENTS, len(labels) - 1))):
        if True in told:
            return ""
        told.append(_verified(await _identity(form, http, ".".join(labels[first:])), form, http))
    if True in told:
        return ""
    if None in told:
        return _MAY_NOT_READ
    raise InsufficientPermissions(_unverified(form.sender_address, form), field="sender_address")


async def _limits(form: SesKeys, http: Http) -> tuple[str, ...]:
    """What the account may not, a sentence each. Raises `InsufficientPermissions` where it may send nothing."""
    answer = await _ask(form, http, "GET", "/v2/email/account")
    code, _ = explained(answer)
    if code in DENIED:
        return ("This key may not read whether the Amazon SES account is in the sandbox.",)
    if answer.status == 404:  # noqa: PLR2004  # a peer that speaks SES without this call
        return ()
    account = _object(answer, form, http)
    if account.get("SendingEnabled") is False or account.get("EnforcementStatus") == "SHUTDOWN":
        raise InsufficientPermissions(PAUSED)
    limits = []
    if account.get("ProductionAccessEnabled") is False:
        limits.append(
            f"The account is in the Amazon SES sandbox in {form.region}: it sends to verified recipients alone, "
            "usually 200 mails a day. Ask for production access in the SES console."
        )
    if account.get("EnforcementStatus") == "PROBATION":
        limits.append("Amazon is reviewing the account and may pause it. See Account dashboard in the SES console.")
    return tuple(limits)


def _object(answer: Answer, form: SesKeys, http: Http) -> dict[str, Any]:
    """The JSON object of a yes. Raises a `ProviderError` for everything else."""
    error = refusal(answer, looks_like_smtp=form.looks_like_smtp)
    if error is not None:
        raise error
    http.judge(SES, answer)
    body = answer.json()
    if not isinstance(body, dict):
        raise _nonsense()
    return body


def _rejection(answer: Answer, form: SesKeys, to: str) -> ProviderError | None:
    """Why this mail was not taken; Amazon's message names the addresses that are not verified."""
    code, message = explained(answer)
    named = set(re.split(r"[\s,<>]+", message))
    if code == "MessageRejected" and form.sender_address.lower() in named:
        return InsufficientPermissions(_unverified(form.sender_address, form), field="sender_address")
    if code == "MessageRejected" and to.lower() in named:
        text = (
            f"The account is in the Amazon SES sandbox in {form.region}, and this recipient is not verified there. "
            "Verify it, or ask for production access."
        )
        return InsufficientPermissions(text, field="to")
    if code in {"MessageRejected", "BadRequestException"}:
        text = "Amazon SES does not take this mail. Check the recipient and the sender address."
        return InsufficientPermissions(text, field="to", vendor_code=code)
    return None


def _unverified(address: str, form: SesKeys) -> str:
    return (
        f"Amazon SES has not verified {address} in {form.region}. "
        "Verify it or its domain under Configuration, Identities, in the SES console, or use another."
    )


def _nonsense() -> PlatformError:
    return PlatformError("Amazon SES gave an answer that makes no sense. Try again later.")
