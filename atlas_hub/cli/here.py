"""Whose hub a command is about: that of the host whose `rxconfig.py` is in this folder, else the environment's."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

from atlas_hub import settings as hub_settings
from atlas_hub.kit.errors import BadForm, HubError
from atlas_hub.settings import Settings

_STAND_ALONE = re.compile(r"""^\s*app_name\s*=\s*["']atlas_hub["']""", re.MULTILINE)
"""No host can be called so: its package would hide ours."""


def settings() -> Settings:
    """The settings that the hub of this folder runs with.

    Raises `BadForm` for settings that are wrong, and where a host's `rxconfig.py` cannot be imported.
    """
    if not _is_of_another_app(Path("rxconfig.py")):
        return hub_settings.load()
    try:
        with redirect_stdout(sys.stderr):  # what a command answers stays the only thing on standard output
            from atlas_hub.plugin import settings_of_folder  # late: it takes Reflex along

            return settings_of_folder()
    except HubError:
        raise
    except (Exception, SystemExit) as error:  # a host's own code may raise anything
        text = f"rxconfig.py of this folder cannot be imported ({type(error).__name__}), so its database is not known."
        raise BadForm({"rxconfig.py": f"{text} `python rxconfig.py` shows why."}) from error


def _is_of_another_app(config: Path) -> bool:
    """Whether this is a Reflex app's configuration, and not the stand-alone app's, whose settings need no import."""
    try:
        return _STAND_ALONE.search(config.read_text(encoding="utf-8", errors="replace")) is None
    except OSError:
        return False
