"""The code in the docs is code: the tutorial's pieces make the example package, every block parses, commands exist.

nginx's block is tried by `tests/api/test_proxy.py`, with nginx itself.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from atlas_hub.cli import main

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "docs" / "adding-a-provider.md"
NTFY = ROOT / "examples" / "atlas_hub_ntfy"
PIECE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
FOLDERS = ("docs", "examples", "tests")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
READERS: dict[str, Callable[[str], Any]] = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
SHELL = {"", "sh"}
OTHERS = {"python", "nginx", "text"}
PAGES_BY_NAME = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", ["pyproject.toml", "atlas_hub_ntfy.py"])
def test_the_pieces_of_the_tutorial_make_the_example(name: str) -> None:
    pieces = [text for file, text in PIECE.findall(TUTORIAL.read_text()) if file == name]
    assert lines_of("".join(pieces)) == lines_of((NTFY / name).read_text())


@PAGES_BY_NAME
def test_every_block_of_python_compiles(page: Path) -> None:
    pieces = {text for _, text in PIECE.findall(page.read_text())}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        if block not in pieces:  # those compile together, in the example
            compile(block, str(page), "exec")


@PAGES_BY_NAME
def test_every_other_block_can_be_read(page: Path) -> None:
    for language, text in BLOCK.findall(page.read_text()):
        assert language in {*READERS, *SHELL, *OTHERS}
        if language in READERS:
            assert READERS[language](text)
    for sent in re.findall(r"--data '([^']*)'", page.read_text()):
        assert json.loads(sent)


def commands(text: str) -> Iterator[list[str]]:
    """The words after `atlas-hub` in a shell block's lines; what is optional is as if it were given."""
    for line in text.replace("\\\n", " ").splitlines():
        for piece in re.split(r"&&|\||;|\$\(", re.sub(r" > \S+", "", line)):
            found = re.match(r"\s*(?:docker run \S+ atlas-hub )?(?:\.venv/bin/)?atlas-hub (.+)", piece)
            if found:
                yield shlex.split(re.sub(r"[][]", "", found[1]), comments=True)


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that is meant, and its arguments. Fails where there is none."""
    found: click.Command = main
    while isinstance(found, click.Group) and words and words[0] != "…":
        inner = found.get_command(click.Context(found), words[0])
        assert inner is not None, words
        found, words = inner, words[1:]
    return found, words


@PAGES_BY_NAME
def test_every_command_of_the_hub_is_one(page: Path) -> None:
    text = page.read_text()
    for language, block in BLOCK.findall(text):
        for words in commands(block) if language in SHELL else ():
            command, arguments = resolved(words)
            assert not isinstance(command, click.Group), words
            command.make_context(words[0], list(arguments))  # raises for an option that is missing or unknown
    for said in re.findall(r"`(?:\.venv/bin/)?atlas-hub ([^`]+)`", BLOCK.sub("", text)):
        command, arguments = resolved(shlex.split(said))
        options = {name for each in command.params for name in each.opts}
        assert {word for word in arguments if word.startswith("--")} <= options | {"--json"}, said


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert list(commands("a && .venv/bin/atlas-hub key list [--json] | x\natlas-hub doctor  # all")) == [
        ["key", "list", "--json"],
        ["doctor"],
    ]
    with pytest.raises(AssertionError):
        resolved(["key", "lost"])


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
