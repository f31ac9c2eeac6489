"""The code in the docs is code: the tutorial's pieces make the example package, and every block of Python compiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "adding-a-provider.md"
NTFY = ROOT / "examples" / "atlas_hub_ntfy"
PIECE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["pyproject.toml", "atlas_hub_ntfy.py"])
def test_the_pieces_of_the_tutorial_make_the_example(name: str) -> None:
    pieces = [text for file, text in PIECE.findall(TUTORIAL.read_text()) if file == name]
    assert lines_of("".join(pieces)) == lines_of((NTFY / name).read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_of_python_compiles(page: Path) -> None:
    pieces = {text for _, text in PIECE.findall(page.read_text())}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        if block not in pieces:  # those compile together, in the example
            compile(block, str(page), "exec")


def test_the_hosts_files_are_those_that_its_readme_names() -> None:
    host = ROOT / "examples" / "host_dashboard"
    told = (host / "README.md").read_text()
    for name in ("rxconfig.py", "host_dashboard/actors.py", "host_dashboard/frame.py", "migrations/env.py"):
        assert f"`{name}`" in told
        assert (host / name).is_file()


def test_the_line_that_keeps_a_hosts_migrations_away_is_the_one_in_the_docs() -> None:
    line = 'return kind != "table" or not (name or "").startswith("atlas_hub_")'
    assert line in (ROOT / "docs" / "embedding.md").read_text()
    assert line in (ROOT / "examples" / "host_dashboard" / "migrations" / "env.py").read_text()


def test_the_hook_in_the_docs_has_the_names_that_the_example_has() -> None:
    told = (ROOT / "docs" / "embedding.md").read_text()
    real = (ROOT / "examples" / "host_dashboard" / "host_dashboard" / "actors.py").read_text()
    for name in ("async def actor_of_state(", "async def actor_of_request(", "SIGN_IN_PATH", "PATHS", "workspace_id("):
        assert name in told
        assert name in real
