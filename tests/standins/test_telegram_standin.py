"""The stand-in answers as Telegram does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.standins import telegram
from tests.standins.probes import probe, says_yes
from tests.standins.telegram import TelegramStandin


def tell(bots: TelegramStandin, http: httpx.Client, method: str, token: str = telegram.ATLAS, **given: Any) -> Any:
    return http.post(f"{bots.base}/bot{token}/{method}", json=given)


def test_telegram_says_who_the_bot_is(bots, http):
    said = tell(bots, http, "getMe").json()["result"]
    assert (said["id"], said["username"], said["is_bot"]) == (123456789, "acme_atlas_bot", True)
    assert tell(bots, http, "GETME").json()["ok"] is True
    assert telegram.SHAPE.fullmatch(telegram.ATLAS)


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        (telegram.REVOKED, 401, "Unauthorized"),
        ("1:" + "x" * 35, 401, "Unauthorized"),
        ("nonsense", 404, "Not Found"),
        ("%2e%2e", 404, "Not Found"),
    ],
)
def test_telegram_refuses_a_token(bots, http, token, status, description):
    answer = tell(bots, http, "getMe", token)
    assert answer.status_code == status
    assert answer.json() == {"ok": False, "error_code": status, "description": description}
    assert says_yes(probe(bots, http))


def test_telegram_takes_a_message_and_gives_its_id(bots, http):
    for number, chat in enumerate([-1001000000001, "@acme_alerts", "4242"], start=1):
        said = tell(bots, http, "sendMessage", chat_id=chat, text="Hello").json()
        assert (said["ok"], said["result"]["message_id"]) == (True, number)
    assert [message["text"] for message in bots.messages] == ["Hello"] * 3


@pytest.mark.parametrize(
    ("chat", "text", "status", "description"),
    [
        (99, "Hello", 400, "Bad Request: chat not found"),
        ("", "Hello", 400, "Bad Request: chat_id is empty"),
        (4242, " ", 400, "Bad Request: message text is empty"),
        (4242, "x" * 4097, 400, "Bad Request: message is too long"),
        (4343, "Hello", 403, "Forbidden: bot was blocked by the user"),
        (-1001000000003, "Hello", 403, "Forbidden: bot was kicked from the supergroup chat"),
    ],
)
def test_telegram_refuses_a_message(bots, http, *, chat, text, status, description):
    answer = tell(bots, http, "sendMessage", chat_id=chat, text=text)
    assert (answer.status_code, answer.json()["description"]) == (status, description)
    assert bots.messages == []
    assert tell(bots, http, "sendMessage", chat_id=4242, text="Hello").status_code == 200


def test_telegram_knows_chats_and_the_webhook(bots, http):
    assert tell(bots, http, "getChat", chat_id=-1001000000001).json()["result"]["title"] == "Acme alerts"
    member = tell(bots, http, "getChatMember", chat_id=-1001000000001, user_id=123456789).json()["result"]
    assert (member["status"], member["can_post_messages"]) == ("administrator", True)
    bots.bots[telegram.ATLAS].webhook = "https://elsewhere.example/hook"
    bots.bots[telegram.ATLAS].webhook_error = "Wrong response from the webhook: 404 Not Found"
    hook = tell(bots, http, "getWebhookInfo").json()["result"]
    assert (hook["url"], hook["pending_update_count"]) == ("https://elsewhere.example/hook", 0)
    assert hook["last_error_message"].endswith("404 Not Found")
    assert tell(bots, http, "deleteWebhook").json() == {
        "ok": True,
        "result": True,
        "description": "Webhook was deleted",
    }
    assert tell(bots, http, "deleteWebhook").json()["description"] == "Webhook is already deleted"
