"""Looks at a page in light and dark, wide and narrow: axe's rules, no sideways scrolling, a screenshot kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from playwright.sync_api import TimeoutError as NoPicture

from tests.e2e.browsing import HEIGHTS, NARROW, WIDE
from tests.e2e.ground import ROOT
from tests.standins.emulate import cache_directory

AXE = "4.14.1"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
SHOTS = ROOT / "screenshots"
RUN = """async (tags) => (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']}))
  .violations.map((rule) => rule.id + ': ' + rule.nodes.map((node) => node.target.join(' ')).join(', '))"""

WIDEST = """() => Math.max(...[document.scrollingElement, ...document.querySelectorAll('dialog[open]')]
  .map((element) => element.scrollWidth))"""


class AxeMissingError(RuntimeError):
    """axe-core cannot be installed here."""


def axe_source() -> str:
    """axe-core's program, installed into the cache directory where it is missing. Raises `AxeMissingError`."""
    folder = cache_directory().parent / f"axe-core-{AXE}"
    program = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        beside = Path(sys.executable).parent
        path = f"{beside}{os.pathsep}{os.getenv('PATH', '')}"
        command = [
            str(beside / "npm"),
            "install",
            "--no-fund",
            "--no-audit",
            "--ignore-scripts",
            "--prefix",
            str(folder),
        ]
        environment = {**os.environ, "PATH": path}  # noqa: TID251  # npm looks for node in the child's PATH
        try:
            subprocess.run([*command, f"axe-core@{AXE}"], check=True, capture_output=True, timeout=120, env=environment)
        except (OSError, subprocess.SubprocessError) as error:
            raise AxeMissingError(f"npm could not install axe-core@{AXE}.") from error
    return program.read_text(encoding="utf-8")


@dataclass
class Looking:
    """Gathers what is wrong with the looks in `faults`."""

    source: str
    faults: list[str] = field(default_factory=list)

    def at(self, page: Page, state: str) -> None:
        """Look at a page in a state, which names its screenshots."""
        SHOTS.mkdir(exist_ok=True)
        size: Any = page.viewport_size
        for width in (WIDE, NARROW):
            page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.wait_for_timeout(60)
                name = f"{state}-{scheme}-{width}"
                self._look(page, name, width)
                self._keep(page, name, width)
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size(size)

    def _keep(self, page: Page, name: str, width: int) -> None:
        """Keep a screenshot. Chromium at times never delivers one; a frame of another size brings it back."""
        whole = not page.locator("dialog[open]").count()
        for last in (False, False, True):
            try:
                page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=whole, timeout=10_000)
            except NoPicture:
                if last:
                    raise
                for height in (HEIGHTS[width] + 1, HEIGHTS[width]):
                    page.set_viewport_size({"width": width, "height": height})
            else:
                return

    def _look(self, page: Page, name: str, width: int) -> None:
        if page.evaluate("typeof axe === 'undefined'"):
            page.evaluate(self.source)
        self.faults += [f"{name}: {violation}" for violation in page.evaluate(RUN, TAGS)]
        wide = page.evaluate(WIDEST)
        if wide > width:
            self.faults.append(f"{name}: it scrolls sideways, for it is {wide} pixels wide")

    def told(self) -> str:
        """The faults, for a failing test."""
        return json.dumps(self.faults, indent=1)
