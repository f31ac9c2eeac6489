"""A Slack that somebody else wrote agrees on what our own stand-in says."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from tests.standins import emulate
from tests.standins.probes import bearer


@pytest.fixture
def emulate_program() -> Path:
    """Installed on CI; elsewhere its test skips where it is not."""
    if os.getenv("CI") == "true":
        return emulate.install()
    program = emulate.installed()
    if program is None:
        pytest.skip("emulate is not installed: python -m tests.standins.emulate")
    return program


def test_emulate_knows_the_seeded_token(emulate_program, http):
    with emulate.EmulateSlack() as other:
        said = http.post(f"{other.base}/api/auth.test", headers=bearer(other.token)).json()
        assert (said["ok"], said["team"], said["team_id"]) == (True, "Emulated Inc", emulate.TEAM_ID)
        assert (said["user_id"], said["bot_id"]) == ("U0EMULATE", "B0EMULATE")
        nobody = http.post(f"{other.base}/api/auth.test").json()
        assert nobody == {"ok": False, "error": "not_authed"}
    with pytest.raises(httpx.ConnectError):
        http.post(f"{other.base}/api/auth.test")


def test_emulate_that_is_not_installed_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("ATLAS_HUB_CACHE", str(tmp_path))
    assert emulate.installed() is None
    with pytest.raises(emulate.EmulateMissingError, match=r"python -m tests\.standins\.emulate"):
        emulate.EmulateSlack().start()
