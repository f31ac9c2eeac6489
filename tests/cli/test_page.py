"""The built page: known to be current, or not, and told where its server is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atlas_hub.cli import page
from atlas_hub.settings import load

FORMER = "http://localhost:8000"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a page that was built for another address."""
    monkeypatch.chdir(tmp_path)
    assets = tmp_path / ".web" / "build" / "client" / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "assets").mkdir()
    (tmp_path / "rxconfig.py").write_text("config = 1\n")
    endpoints = {"PING": f"{FORMER}/ping", "EVENT": "ws://localhost:8000/_event"}
    (tmp_path / ".web" / "env.json").write_text(json.dumps(endpoints))
    (assets / "reflex-env-x1.js").write_text(f"const env={json.dumps(endpoints)}")
    (assets / "reflex-env-x1.js.gz").write_bytes(b"compressed")
    page.STAMP.write_text(json.dumps({"fingerprint": page._fingerprint(), "address": FORMER}))
    return tmp_path


def test_a_build_of_this_code_is_current_until_something_of_it_changes(folder: Path) -> None:
    assert page.is_built()
    (folder / "assets" / "more.css").write_text("a{}")
    assert not page.is_built()
    (folder / "assets" / "more.css").unlink()
    assert page.is_built()
    (folder / "rxconfig.py").write_text("config = 2\n")
    assert not page.is_built()


@pytest.mark.parametrize("stamp", ["", "[]", "{}", "nonsense"])
def test_a_stamp_that_cannot_be_read_is_no_build(folder: Path, stamp: str) -> None:
    page.STAMP.write_text(stamp)
    assert not page.is_built()


@pytest.mark.parametrize("address", ["https://hub.example.com", "http://localhost:3117"])
def test_a_page_learns_its_address_and_loses_the_compressed_one(folder: Path, address: str) -> None:
    page.move_to(load(public_url=address))
    web = folder / ".web"
    said = json.loads((web / "env.json").read_text())
    assert said == {"PING": f"{address}/ping", "EVENT": f"{address.replace('http', 'ws')}/_event"}
    script = (web / "build" / "client" / "assets" / "reflex-env-x1.js").read_text()
    assert FORMER not in script
    assert json.dumps(said) in script
    assert not list(web.rglob("*.gz"))


def test_a_page_that_is_where_it_should_be_is_left_alone(folder: Path) -> None:
    page.move_to(load(public_url=FORMER))
    assert list((folder / ".web").rglob("*.gz"))


def test_a_page_that_a_development_server_was_beside_still_learns_its_address(folder: Path) -> None:
    record = folder / ".web" / "env.json"
    record.write_text(json.dumps({"PING": "http://localhost:8000/ping", "EVENT": "ws://localhost:8000/_event"}))
    page.move_to(load(public_url="https://hub.example.com"))
    page.move_to(load(public_url="https://other.example.com"))
    script = (folder / ".web" / "build" / "client" / "assets" / "reflex-env-x1.js").read_text()
    assert "https://other.example.com/ping" in script
    assert page.is_built()


def test_other_providers_make_another_page(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atlas_hub.providers.sources", lambda: {"ntfy atlas_hub_ntfy:PROVIDER 1.0": b"PROVIDER = 1"})
    assert not page.is_built()
