"""The chat API's words for providers and channels, and the hub's."""

from __future__ import annotations

from typing import Any, Final

from atlas_hub.kit.errors import HubError
from atlas_hub.providers import PROVIDERS
from atlas_hub.providers.contract import Purpose

PROVIDER_IDS: Final = frozenset((
    "anypost", "emailjs", "mailgun", "mailjet", "mandrill", "nodemailer", "postmark", "sendgrid", "sendinblue", "ses",
    "netcore", "infobip-email", "resend", "plunk", "mailersend", "mailtrap", "clickatell", "outlook365", "novu-email",
    "sparkpost", "email-webhook", "braze", "novu-email-agent", "nexmo", "plivo", "sms77", "sms-central", "sns",
    "telnyx", "twilio", "gupshup", "firetext", "infobip-sms", "burst-sms", "bulk-sms", "isend-sms", "forty-six-elks",
    "kannel", "maqsam", "termii", "africas-talking", "novu-sms", "sendchamp", "generic-sms", "clicksend", "bandwidth",
    "messagebird", "simpletexting", "azure-sms", "ring-central", "brevo-sms", "eazy-sms", "mobishastra",
    "afro-message", "unifonic", "smsmode", "imedia", "sinch", "isendpro-sms", "cm-telecom", "ruach-sms", "fcm",
    "apns", "expo", "one-signal", "pushpad", "push-webhook", "pusher-beams", "appio", "novu", "slack", "discord",
    "msteams", "webex-messaging", "mattermost", "ryver", "zulip", "grafana-on-call", "getstream", "rocket-chat",
    "whatsapp-business", "line", "chat-webhook", "novu-slack", "telegram", "sendblue", "novu-web-chat", "anthropic",
    "novu-anthropic", "anthropic-aws", "pagerduty", "opsgenie", "grafana", "tool-webhook",
))  # fmt: skip
"""All that the clients can read as `providerId` of a connection or endpoint: any other word fails their whole list."""

CHANNEL_PROVIDER_IDS: Final = frozenset((
    "slack", "discord", "msteams", "webex-messaging", "mattermost", "ryver", "zulip", "grafana-on-call", "getstream",
    "rocket-chat", "whatsapp-business", "line", "chat-webhook", "novu-slack", "telegram", "sendblue", "novu-web-chat",
    "fcm", "apns", "expo", "one-signal", "pushpad", "push-webhook", "pusher-beams", "appio",
))  # fmt: skip
"""The same of a subscriber's channels."""

CHANNELS: Final = ("in_app", "email", "sms", "chat", "push", "tool")
"""All that the clients can read as `channel`."""

CHAT: Final = {
    provider.names.chat: provider.slug
    for provider in PROVIDERS.values()
    if provider.names.chat and provider.methods[0].purpose is Purpose.CHAT
}
"""Providers of chat that the hub knows: providerId → slug."""

ALERTING: Final = frozenset(
    provider.slug
    for provider in PROVIDERS.values()
    if provider.names.chat == provider.slug and provider.methods[0].purpose is Purpose.ALERTS
)
"""Those of alerts, whose providerIds are their slugs."""

_IDS: Final = {slug: provider_id for provider_id, slug in CHAT.items()}
_PURPOSES: Final = {"email": "mail"}
_CHANNELS: Final = {"mail": "email", "alerts": "chat"}
_MAIL: Final = {method.key: method.key for method in PROVIDERS["email"].methods} | {"smtp": "nodemailer"}
_MAIL_METHODS: Final = {provider_id: key for key, provider_id in _MAIL.items()}


class Unusable(HubError):
    """What was asked for is well formed and does not fit what is there: 400 in the chat API."""

    code = "UNUSABLE"


def channel_of(purpose: str | None) -> str | None:
    """The channel of an integration's purpose; None where there is none, or none of the clients' words."""
    word = _CHANNELS.get(purpose or "", purpose)
    return word if word in CHANNELS else None


def purpose_of(channel: str) -> str:
    """The purpose of a channel."""
    return _PURPOSES.get(channel, channel)


def kind_of(provider_id: str) -> tuple[str, str]:
    """The kind and provider of a channel connection of this providerId."""
    slug = CHAT.get(provider_id)
    return ("foreign", provider_id) if slug is None else ("account", slug)


def integration_kind_of(provider_id: str) -> tuple[str, str]:
    """The kind and provider of an integration of this providerId; of mail, the method."""
    if provider_id in _MAIL_METHODS or provider_id in ALERTING:
        return "account", _MAIL_METHODS.get(provider_id, provider_id)
    slug = CHAT.get(provider_id)
    return ("foreign", provider_id) if slug is None else ("app", slug)


def connection_provider(kind: str, provider: str) -> str | None:
    """The providerId of a channel connection; None where the clients know no such word."""
    word = provider if kind == "foreign" else _IDS.get(provider, provider)
    return word if word in PROVIDER_IDS else None


def integration_provider(row: Any) -> str:
    """The providerId of an integration: of its kind, provider and method."""
    if row.kind == "foreign":
        return str(row.provider)
    if row.kind == "app":
        return _IDS.get(row.provider, str(row.provider))
    return _MAIL.get(row.method, str(row.method)) if row.provider == "email" else str(row.provider)


def endpoint_provider(row: Any) -> str | None:
    """The providerId of an endpoint's integration; None where it is gone or the clients know no such word."""
    word = integration_provider(row) if row.kind else None
    return word if word in PROVIDER_IDS else None
