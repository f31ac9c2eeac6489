"""Build the page ahead of time, and know whether a build is the one that this code makes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import click

from atlas_hub import providers
from atlas_hub.settings import Settings

WEB = Path(".web")
STAMP = WEB / "atlas_hub.json"
"""What the page was built from, and which address stands in it now."""
RECORD = WEB / "env.json"
"""Reflex's own note of the address, which a development server writes anew."""
KINDS = frozenset({".py", ".js", ".css", ".svg", ".json"})


def build(environment: Mapping[str, str]) -> None:
    """Compile and build the page in this folder. Raises `ClickException` where that fails."""
    STAMP.unlink(missing_ok=True)
    command = [sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"]
    done = subprocess.run(command, env=dict(environment), stdout=sys.stderr, check=False)  # noqa: S603  # our own words
    if done.returncode:
        raise click.ClickException("The page could not be built. What went wrong stands above.")
    # Only now: the first build in a folder writes reflex.lock there.
    _stamp(_fingerprint(), str(json.loads(RECORD.read_text(encoding="utf-8"))["PING"]).removesuffix("/ping"))


def _stamp(fingerprint: str, address: str) -> None:
    STAMP.write_text(json.dumps({"fingerprint": fingerprint, "address": address}), encoding="utf-8")


def is_built() -> bool:
    """Whether the page in this folder was built from exactly this code."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        return bool(stamp["address"]) and bool(stamp["fingerprint"] == _fingerprint())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def move_to(settings: Settings) -> None:
    """Tell the built page where its server is: one file of it says so, and `env.json` beside it."""
    stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    former = stamp["address"]
    if former == settings.address:
        return
    moves = {former: settings.address, _socket(former): _socket(settings.address)}
    for path in (WEB / "build" / "client" / "assets").glob("reflex-env-*.js"):
        _rewrite(path, moves)
        for twin in path.parent.glob(f"{path.name}.*"):
            twin.unlink()  # its compressed form still has the former address
    _rewrite(RECORD, moves)
    _stamp(stamp["fingerprint"], settings.address)


def _rewrite(path: Path, moves: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for former, present in moves.items():
        text = text.replace(f"{former}/", f"{present}/")
    path.write_text(text, encoding="utf-8")


def _socket(address: str) -> str:
    return urlsplit(address)._replace(scheme="wss" if address.startswith("https") else "ws").geturl()


def _fingerprint() -> str:
    """A digest of all that the page is made of: our code, what this folder adds, and Reflex's version."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256(f"{version('reflex')} {version('reflex-base')}".encode())
    for name, source in sorted(providers.sources().items()):  # what other packages bring makes cards, too
        digest.update(name.encode() + b"\0" + hashlib.sha256(source).digest())
    folders = [("atlas_hub", package), ("assets", Path("assets")), ("reflex.lock", Path("reflex.lock"))]
    files = [
        (f"{name}/{path.relative_to(folder).as_posix()}", path) for name, folder in folders for path in _in(folder)
    ]
    for name, path in [*sorted(files), ("rxconfig.py", Path("rxconfig.py"))]:
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _in(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.suffix in KINDS
        and path.is_file()
        and not {"__pycache__", "external"} & set(path.relative_to(folder).parts)
    ]
