"""What the contract suite knows of New Relic."""

from __future__ import annotations

from atlas_hub.kit.errors import InvalidCredentials, PlatformError
from tests.providers.entries.entry import Entry, http_troubles, inside, turned
from tests.standins import new_relic
from tests.standins.dial import Fault
from tests.standins.new_relic import NewRelicStandin

ENTRIES = (
    Entry(
        slug="new_relic",
        method="keys",
        vendor="New Relic",
        standin=NewRelicStandin,
        values=lambda _standin: {
            "licenseKey": new_relic.ACME.license_key,
            "accountId": new_relic.ACCOUNT,
            "writeToken": new_relic.ACME.write_token,
            "readToken": new_relic.ACME.read_token,
        },
        steps=("format", "reached", "accepted"),
        to="",
        account=None,
        tokens=("licenseKey", "writeToken", "readToken"),
        misshapen={
            "licenseKey": "two canaries",
            "accountId": "1234567/../canary",
            "writeToken": "two canaries",
            "readToken": "can\u00e4ry",
        },
        troubles=(
            *http_troubles(Fault.FORBIDDEN),
            turned(Fault.FORBIDDEN, InvalidCredentials),  # New Relic says so of a wrong key
            inside({"results": {}}, PlatformError),
            inside({"success": False, "uuid": "1"}, PlatformError),
            inside({"success": True}, PlatformError),
            inside({"success": True, "uuid": "two words"}, PlatformError),
        ),
    ),
)
