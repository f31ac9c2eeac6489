"""Slack as the groups API names it: a token of any kind, and what its client calls workspace and channel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from pydantic import Field, ValidationInfo, field_validator

from atlas_hub.kit.cleaning import pasted
from atlas_hub.kit.errors import ProviderError
from atlas_hub.kit.http import Http
from atlas_hub.kit.secret import Secret
from atlas_hub.providers._slack_wire import FIELD as BOT_FIELD
from atlas_hub.providers.contract import CheckResult, Form, Message, Receipt, Report, Step

FIELD: Final = "api_token"
LENGTHS: Final = {"team_name": 512, "channel_name": 80}


class ApiToken(Form):
    """A token, and the names that stand beside it. Whether it is a bot's, Slack tells."""

    api_token: Secret = Field(
        title="API Token", description="A bot token of the workspace, or an older kind.", examples=["xoxb-…"]
    )
    team_name: str | None = Field(
        default=None,
        title="Team Name",
        description="What the workspace is called; another name than Slack's is a warning.",
        examples=["Acme"],
        json_schema_extra={"at_once": True, "at_first": True},
    )
    channel_name: str | None = Field(
        default=None,
        title="Channel Name",
        description="Where alerts go.",
        examples=["alerts"],
        json_schema_extra={"at_once": True},
    )

    _cleaned = field_validator("api_token", mode="before")(pasted)

    @field_validator("api_token")
    @classmethod
    def _can_be_sent(cls, value: Secret) -> Secret:
        # Any text is stored as the groups API's clients send it; it becomes a header, so nothing else may get there.
        if re.fullmatch(r"[\x21-\x7e]{1,512}", value.reveal()) is None:
            raise ValueError("This is not a token. Copy it again, whole and alone.")
        return value

    @field_validator("team_name", "channel_name")
    @classmethod
    def _is_a_name(cls, value: str | None, info: ValidationInfo) -> str | None:
        longest = LENGTHS[str(info.field_name)]
        if value is not None and (len(value) > longest or not value.isprintable()):
            raise ValueError(f"A name has at most {longest} characters, and no control characters. Enter it again.")
        return value

    @property
    def bot_token(self) -> Secret:
        """The token, as the ways in that a bot has ask for it."""
        return self.api_token

    def warnings(self, team: str) -> tuple[str, ...]:
        """A sentence where the name that was written is another than the proven one."""
        if self.team_name is None or self.team_name.casefold() == team.casefold():
            return ()
        return (f"Slack says this is {team}, but the team name written is {self.team_name}.",)


class ByApiToken:
    """What is another than by the form of the bot's own way, which stands behind it in the order of classes."""

    def called(self, form: Any) -> str:
        """The team as it was written, until Slack tells its name."""
        return form.team_name or "Slack"

    async def check(self, form: Any, http: Http, report: Report) -> CheckResult:
        """The bot's check, and a warning where the team is called otherwise. Raises a `ProviderError`."""

        def told(step: Step) -> None:
            unlike = step.key == "format" and step.ok and not form.api_token.reveal().startswith("xoxb-")
            report(replace(step, detail="Not a bot token by its looks; Slack tells.") if unlike else step)

        with _named():
            result: CheckResult = await super().check(form, http, told)  # type: ignore[misc]  # the bot's
        return replace(result, warnings=(*result.warnings, *form.warnings(result.label)))

    async def send(self, form: Any, to: str, message: Message, http: Http) -> Receipt:
        """As the bot sends."""
        with _named():
            receipt: Receipt = await super().send(form, to, message, http)  # type: ignore[misc]  # the bot's
        return receipt


@contextmanager
def _named() -> Iterator[None]:
    """An error of the token names this form's field."""
    try:
        yield
    except ProviderError as error:
        if error.field == BOT_FIELD:
            error.field = FIELD
        raise
