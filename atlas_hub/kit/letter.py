"""One mail as text: headers that nothing can be smuggled into, Message-ID and Date."""

from __future__ import annotations

import re
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import BadForm


def mail(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    """A plain-text message with its own Message-ID and Date (RFC 5322). Raises `BadForm` for line breaks."""
    one_line(sender_address=sender, to=to, subject=subject)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip("> ") or "localhost")
    # One kind of line end: a lone CR or LF is how a second message is smuggled into the first.
    message.set_content(re.sub(r"\r\n?|\n", "\n", text))
    return message


def one_line(**fields: str) -> None:
    """Raise `BadForm` for each field with a line break or another control character in it."""
    wrong = {
        name: "Remove the line break or control character."
        for name, text in fields.items()
        if any(ord(each) < ord(" ") or each in "\x7f\x85\u2028\u2029" for each in text)
    }
    if wrong:
        raise BadForm(wrong)
