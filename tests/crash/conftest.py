"""A Slack to connect to, and a workspace on a database that outlives the process which used it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from atlas_hub.kit.ids import new_id
from atlas_hub.providers import PROVIDERS
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME

SCOPES = PROVIDERS["slack"].needed_scopes
"""All that is needed, so that what is connected is `ok`."""


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackStandin]:
    """Slack; the hub of this process finds it, too."""
    with SlackStandin() as standin:
        monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", standin.base)
        standin.tokens[ACME].scopes |= SCOPES
        yield standin


@pytest.fixture
def workspace() -> str:
    """The id of a workspace."""
    return new_id()
