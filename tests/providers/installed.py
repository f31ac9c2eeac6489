"""Lays a package down as an installer does, without an installer: its module, and what its pyproject.toml offers."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path


def installed(package: Path, into: Path) -> Path:
    """`into`, a folder for `PYTHONPATH`, with the package's modules, name, version and entry points."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    offers = project["entry-points"]
    texts = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in offers[group].items()) for group in offers
    ]
    return offered(into, project["name"], "\n".join(texts), *package.glob("*.py"))


def offered(into: Path, name: str, entry_points: str, *modules: Path) -> Path:
    """`into` with modules and the entry points of a package of that name."""
    told = into / f"{name.replace('-', '_')}-0.1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    (told / "entry_points.txt").write_text(entry_points)
    for module in modules:
        shutil.copy(module, into)
    return into
