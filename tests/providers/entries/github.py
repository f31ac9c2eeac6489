"""What the contract suite knows of GitHub."""

from __future__ import annotations

from dataclasses import replace

from atlas_hub.kit.errors import PlatformError
from tests.providers.entries.entry import HTTP_TROUBLES, Entry, inside
from tests.standins import github
from tests.standins.github import GithubStandin

ENTRIES = (
    Entry(
        slug="github",
        method="access_token",
        vendor="GitHub",
        standin=GithubStandin,
        values=lambda _standin: {"accessToken": github.CLASSIC},
        steps=("format", "reached", "accepted", "scopes", "expiry"),
        to="",
        account=("583231", "-"),
        tokens=("accessToken",),
        misshapen={"accessToken": "ghp_can ary", "apiUrl": "https://canary.example/x/canary"},
        wrong_to=(),
        troubles=tuple(
            replace(trouble, in_send=False)
            for trouble in (
                *HTTP_TROUBLES,
                inside({"message": "Not Found", "status": "404"}, PlatformError),
                inside({"id": "../7", "login": "ada"}, PlatformError),
                inside({"id": 7, "login": "../ada"}, PlatformError),
            )
        ),
    ),
)
