"""What every way to send mail has: a sender, a recipient, a subject, and ten seconds."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping
from typing import ClassVar, TypeVar

from pydantic import Field, field_validator

from atlas_hub.kit.errors import BadForm, NetworkError
from atlas_hub.providers.contract import Form, Message, Method, Purpose

T = TypeVar("T")

SECONDS = 10.0
"""For a whole check or sending (decisions §8 *Mail settings*)."""
ADDRESS_LENGTH = 320
NO_SUBJECT = "Message from Atlas Hub"
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Controls and what changes the line or its direction without being seen."""

_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}@[^\s@<>()\[\],;:\\\"]{1,255}")
_ID = re.compile(r"[\w.-]{1,128}", re.ASCII)
WRONG_ADDRESS = "Enter one e-mail address alone, such as ana@example.com."


def is_address(text: str) -> bool:
    """Whether the text is one mail address alone: one @, at most 320 characters, nothing unseen."""
    plain = _ADDRESS.fullmatch(text) is not None and UNSEEN.search(text) is None
    return plain and len(text) <= ADDRESS_LENGTH and "." not in (text[-1], text.rpartition("@")[2][0])


def recipient(to: str) -> str:
    """The address to send to. Raises `BadForm` for `to`."""
    if not is_address(to.strip()):
        raise BadForm({"to": WRONG_ADDRESS})
    return to.strip()


def subject(message: Message) -> str:
    """The subject on one line; never empty, which SendGrid refuses."""
    return " ".join(message.subject.split()) or NO_SUBJECT


def message_id(said: object) -> str:
    """A vendor's id of a mail, where it is one that can be shown: 1 to 128 letters, digits, `_`, `.`, `-`. Else ""."""
    return said if isinstance(said, str) and _ID.fullmatch(said) else ""


async def within(seconds: float, vendor: str, asked: Awaitable[T]) -> T:
    """What a vendor says, however many questions that takes. Raises `NetworkError` where it takes too long."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        raise NetworkError(f"{vendor} did not answer within {seconds:g} seconds. Try again.") from None


F = TypeVar("F", bound="Mail")


class Mail(Form):
    """What every way to send mail asks for."""

    sender_address: str = Field(
        title="Sender Address",
        description="The From address of outgoing mail.",
        examples=["atlas@example.com"],
        json_schema_extra={"input": "email"},
    )

    @field_validator("sender_address")
    @classmethod
    def _is_one_address(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError(WRONG_ADDRESS)
        return value


class MailMethod(Method[F]):
    """One way to send mail. No vendor names an account here: the sender address is who we are."""

    purpose = Purpose.MAIL
    may_save_unverified = True
    destination: ClassVar[str] = "Recipient"
    destination_example: ClassVar[str] = "ana@example.com"

    def called(self, form: F) -> str:
        """The sender and the way."""
        return f"{form.sender_address} by {self.label}"

    def facts(self, form: F) -> Mapping[str, str]:
        """The rows that the card shows."""
        return {"Provider": self.label, "Sender": form.sender_address}
