"""The docs say what the code does: generated pages are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atlas_hub import docs
from atlas_hub.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == docs.PAGES[name]()


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.validation_alias, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_local_link_leads_somewhere_and_every_other_is_https(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith("http"):
            assert target.startswith(("https://", "http://localhost:3000")), target
        elif not target.startswith("#"):
            assert (page.parent / target.split("#")[0]).exists(), target


def test_the_makefile_has_every_word_that_the_readme_uses() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in set(re.findall(r"(?:`|^)make ([a-z0-9]+)(?:`|$)", (ROOT / "README.md").read_text(), re.MULTILINE)):
        assert re.search(rf"^{word}:", makefile, re.MULTILINE), word


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
