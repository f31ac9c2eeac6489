"""An admin's words for the events of the audit log, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from atlas_hub.kit.clock import iso, parse
from atlas_hub.providers import PROVIDERS
from atlas_hub.services.activity import Event

KINDS: Final[Mapping[str, str]] = {
    "connected": "Connected",
    "reconnected": "Connected anew",
    "connect_failed": "Tried to connect",
    "checked": "Checked the connection",
    "renamed": "Renamed the connection",
    "integration_created": "Stored an integration",
    "integration_updated": "Changed an integration",
    "integration_deleted": "Deleted an integration",
    "new_key_settled": "Checked a new key",
    "new_key_dropped": "Forgot a new key",
    "configuration_changed": "Changed a configuration",
    "made_default": "Made it the default",
    "channels_chosen": "Chose the channels to sync",
    "sync_settings_changed": "Changed what is synced",
    "destination_set": "Chose the default destination",
    "disconnected": "Disconnected",
    "grant_revoked": "Let go of the grant at the vendor",
    "token_renewed": "Renewed the token at the vendor",
    "token_not_renewed": "Tried to renew the token at the vendor",
    "feature_on": "Switched a feature on",
    "feature_off": "Switched a feature off",
    "test_sent": "Sent a test message",
    "used": "Used the stored credentials",
    "environment_found": "Found it in the environment",
    "environment_gone": "Gone from the environment",
    "key_created": "Made an API key",
    "key_revoked": "Revoked an API key",
    "keys_rotated": "Rotated the encryption keys",
    "signed_in": "Signed in",
    "sign_in_failed": "Tried to sign in",
    "signed_out": "Signed out",
    "set_up": "Set the hub up",
    "workspace_created": "Made the workspace",
    "workspace_renamed": "Renamed the workspace",
    "workspace_deleted": "Deleted a workspace",
    "first_workspace_changed": "Made it the first workspace",
    "member_invited": "Invited a member",
    "invitation_revoked": "Revoked an invitation",
    "member_joined": "Joined by invitation",
    "member_role_changed": "Changed the role of a member",
    "member_removed": "Removed a member",
    "signed_out_everywhere": "Signed a member out everywhere",
    "user_created": "Added a new user",
    "user_added": "Added a user",
    "user_disabled": "Shut a user out",
    "user_enabled": "Let a user in again",
    "password_reset": "Gave a user a new password",
    "connection_created": "Made a channel connection",
    "connection_updated": "Changed a channel connection",
    "connection_deleted": "Deleted a channel connection",
    "endpoint_created": "Made a channel endpoint",
    "endpoint_updated": "Changed a channel endpoint",
    "endpoint_deleted": "Deleted a channel endpoint",
    "subscriber_created": "Made a subscriber",
    "subscriber_updated": "Changed a subscriber",
    "context_created": "Made a context",
    "context_updated": "Changed a context",
    "context_deleted": "Deleted a context",
}
"""Every kind of event, in the order in which the page offers them."""

ACTORS: Final[Mapping[str, str]] = {
    "hub": "Atlas Hub",
    "environment": "The environment",
    "command line": "The command line",
}
"""Who is nobody with an address."""

NAMES: Final[Mapping[str, str]] = {"was": "before", "code": "reason", "replaced": "in place of", "apis": "for"}
"""What a detail is called where its own name does not say it."""

SHOWN_ELSEWHERE: Final = frozenset({"label", "account", "name"})


def kind(event: Event) -> str:
    """What happened."""
    if event["at"] is None:
        return "An event that cannot be read any more"
    found = KINDS.get(event["kind"])
    return found or event["kind"].replace("_", " ").capitalize()


def who(event: Event) -> str:
    """Who did it."""
    actor: str = event["actor"]
    return ACTORS.get(actor, actor)


def provider(event: Event) -> str:
    """The provider's name, or ""."""
    found = PROVIDERS.get(event["provider"])
    return found.name if found else str(event["provider"])


def on_what(event: Event, labels: Mapping[str, str]) -> str:
    """What it happened to: as it is called now, else as it was called then, else by its id or address."""
    detail = event["detail"]
    told = (detail.get(name) for name in ("account", "label", "name"))
    return labels.get(event["subject"]) or next((str(each) for each in told if each), str(event["subject"]))


def more(event: Event) -> str:
    """The details that no other column shows."""
    detail = event["detail"]
    if event["at"] is None:
        return f"It is event {event['seq']}: `atlas-hub audit verify` tells of it."
    if event["kind"] == "used" and {"times", "minute"} <= set(detail):
        times = "once" if detail["times"] == 1 else f"{detail['times']} times"
        return f"{times} in the minute of {iso(parse(detail['minute']))[11:16]} UTC"
    told = [f"{_name(name)}: {_value(value)}" for name, value in detail.items() if name not in SHOWN_ELSEWHERE]
    return "; ".join(told)


def row(event: Event, labels: Mapping[str, str]) -> list[str]:
    """What the page's table shows: id, moment, who, what, provider, on what, more, and whether it failed."""
    return [
        str(event["id"]),
        "" if event["at"] is None else iso(event["at"]),
        who(event),
        kind(event),
        provider(event),
        on_what(event, labels),
        more(event),
        "failed" if event["result"] == "failed" else "",
    ]


def _name(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    text = str(value)
    return text.replace("_", " ").lower() if text.isupper() else text
