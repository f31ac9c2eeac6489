"""What the contract suite knows of Google Chat."""

from __future__ import annotations

from atlas_hub.kit.errors import (
    AuthExpired,
    InsufficientPermissions,
    InvalidCredentials,
    NetworkError,
    PlatformError,
    ProviderError,
    RateLimited,
)
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, Trouble, inside
from tests.standins import gchat
from tests.standins.dial import BUSY_FOR, Fault
from tests.standins.gchat import GchatStandin, GoogleAccount

ATLAS = "atlas@acme-atlas.iam.gserviceaccount.com"


def at_chat(fault: Fault, error: type[ProviderError], **facts: object) -> Trouble:
    """A trouble of Google Chat alone, after Google has signed us in."""
    return Trouble(
        name=f"chat_{fault}",
        begin=lambda standin: standin.dial.set(fault, "/v1/*"),
        error=error,
        **facts,  # type: ignore[arg-type]
    )


ENTRIES = (
    Entry(
        slug="gchat",
        method="service_account",
        vendor="Google",
        standin=GchatStandin,
        values=lambda _standin: {"credentialsJson": gchat.key_file()},
        steps=("format", "reached", "accepted", "spaces"),
        to="spaces/AAAAalerts1",
        account=("acme-atlas", "-"),
        wrong_to=(
            "",
            "AAAAalerts1",
            "spaces/",
            "spaces/AAAA/../x",
            "spaces/AAAAalerts1?x=1",
            "https://evil.example/room/AAAAalerts1",
            "https://chat.google.com.evil.example/room/AAAAalerts1",
            "http://chat.google.com/room/AAAAalerts1",
        ),
        troubles=(
            *HTTP_TROUBLES,
            at_chat(Fault.UNAUTHORIZED, InvalidCredentials),
            at_chat(Fault.FORBIDDEN, InsufficientPermissions),
            at_chat(Fault.BUSY_SECONDS, RateLimited, waits=(BUSY_FOR, BUSY_FOR), in_check=False),
            at_chat(Fault.BUSY_BARE, RateLimited, waits=(60, 60), in_check=False),
            at_chat(Fault.SERVER_ERROR, PlatformError, in_check=False),
            at_chat(Fault.HTML, PlatformError, in_check=False),
            at_chat(Fault.HANG, NetworkError, slow=True, in_check=False),
            at_chat(Fault.REDIRECT, PlatformError, in_check=False),
            at_chat(Fault.NONSENSE, PlatformError, in_check=False),
            inside({"access_token": "two words"}, PlatformError),
            inside({"access_token": 7}, PlatformError),
            Trouble(
                name="key_deleted",
                begin=lambda google: google.accounts.update({ATLAS: GoogleAccount("acme-atlas", signs="deleted")}),
                error=AuthExpired,
            ),
            Trouble(name="account_deleted", begin=lambda google: google.accounts.pop(ATLAS), error=InvalidCredentials),
            Trouble(
                name="account_disabled",
                begin=lambda google: google.accounts.update({ATLAS: GoogleAccount("acme-atlas", disabled=True)}),
                error=AuthExpired,
            ),
            Trouble(name="clock", begin=lambda google: setattr(google, "ahead", 7200), error=PlatformError),
        ),
    ),
)
