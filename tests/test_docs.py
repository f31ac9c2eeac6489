"""The docs say what the code does: generated pages are current, links lead somewhere, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atlas_hub import docs, docs_api
from atlas_hub.api import errors
from atlas_hub.services import scraping
from atlas_hub.settings import Settings

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "examples", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page: lower case, hyphens for blanks, all other marks left out."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


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
            continue
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_makefile_has_every_word_that_the_docs_use(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in set(re.findall(r"(?:`|^)(?:[A-Z]+=\S+ )*make ([a-z0-9]+)(?:`|$)", page.read_text(), re.MULTILINE)):
        assert re.search(rf"^{word}:", makefile, re.MULTILINE), word


def test_the_getting_started_page_is_the_first_that_the_readme_leads_on_to() -> None:
    more = (ROOT / "README.md").read_text().partition("## More")[2]
    assert re.findall(r"\]\(([^)]+)\)", more)[0] == "docs/getting-started.md"


def test_every_route_and_every_word_for_an_error_is_in_the_reference() -> None:
    told = (ROOT / "docs" / "admin-api.md").read_text()
    for path, methods in docs_api.served()["paths"].items():
        for method in methods:
            assert f"### {method.upper()} {path}\n" in told
    for _, word in errors.TABLE.values():
        assert f"`{word}`" in told, word


def test_decisions_are_numbered_without_a_gap() -> None:
    names = sorted(path.name for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("discovery", ["http", "file"])
def test_the_configuration_of_prometheus_is_the_one_that_the_card_gives(discovery: str) -> None:
    told = scraping.scrape_config(
        "https://hub.example.com",
        "5d791c84ff7a2522cc4f9aa1",
        username="prom_user",
        service_discovery=discovery,
        scheme="https",
    )
    assert f"```yaml\n{told}```" in (ROOT / "docs" / "prometheus.md").read_text()
