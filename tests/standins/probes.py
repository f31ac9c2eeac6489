"""The call by which each vendor proves a credential, for the tests of the stand-ins."""

from __future__ import annotations

from typing import Any

import httpx

from tests.standins import sendgrid, slack_seed, telegram
from tests.standins.slack import SlackStandin
from tests.standins.standin import Standin
from tests.standins.telegram import TelegramStandin


def probe(standin: Standin, http: httpx.Client, **options: Any) -> httpx.Response:
    """The call by which each vendor proves a credential."""
    if isinstance(standin, SlackStandin):
        return http.post(f"{standin.base}/api/auth.test", headers=bearer(slack_seed.ACME), **options)
    if isinstance(standin, TelegramStandin):
        return http.get(f"{standin.base}/bot{telegram.ATLAS}/getMe", **options)
    return http.get(f"{standin.base}/v3/scopes", headers=bearer(sendgrid.FULL_ACCESS), **options)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def says_yes(answer: httpx.Response) -> bool:
    return answer.status_code == 200 and (answer.json().get("ok") is True or bool(answer.json().get("scopes")))
