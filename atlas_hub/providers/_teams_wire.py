"""Where Microsoft is asked, and how a conversation of Teams is named."""

from __future__ import annotations

import re
from urllib.parse import unquote

from atlas_hub.kit.errors import BadForm
from atlas_hub.kit.http import Upstream

LOGIN = Upstream("MICROSOFT_LOGIN", "Microsoft Entra", "https://login.microsoftonline.com")
GRAPH = Upstream("MICROSOFT_GRAPH", "Microsoft Graph", "https://graph.microsoft.com")
GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_CONVERSATION = re.compile(
    r"19:[\w.-]{1,200}@(?:thread\.(?:tacv2|v2|skype)|unq\.gbl\.spaces)(?:;messageid=\d{1,20})?|a:[\w-]{1,300}", re.ASCII
)
_LINK = re.compile(r"https://teams\.(?:microsoft\.com|cloud\.microsoft)/l/channel/([^/?#\s]{1,400})(?:[/?#]\S*)?")


def conversation(to: str) -> str:
    """The ID that was meant, from the ID itself or a channel's link. Raises `BadForm`."""
    to = to.strip()
    link = _LINK.fullmatch(to)
    if link is not None:
        to = unquote(link[1])
    if _CONVERSATION.fullmatch(to) is None:
        raise BadForm(
            {
                "to": "Enter a channel's link or ID, such as 19:…@thread.tacv2, not its name. In Teams, open the menu "
                "beside the channel, choose Copy link, and paste the link."
            }
        )
    return to
