"""Figure 5: the page's weight, and how soon its first click has done something, against an empty Reflex app."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import ground as grounds
from bench import sites
from bench.figures import Figure, Skipped, at, middle, paired, quarters

TIMES = 20
LOST_MS = 5000
"""Milliseconds after which a click is taken to have done nothing."""
CLICK = """
(([button, opened]) => {
  const seen = {};
  const handled = (element) => element && Object.keys(element).some((key) => key.startsWith("__reactProps"));
  const look = () => {
    if (!seen.clicked) {
      const element = document.querySelector(button);
      if (handled(element)) {
        seen.clicked = performance.now();
        element.click();
      }
    } else if (document.querySelector(opened)?.checkVisibility()) {
      seen.opened = performance.now();
      window.benchSeen = seen;
      return;
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})
"""
"""Click once, as soon as React listens, and note when what it opens is visible: milliseconds from navigation."""


@dataclass
class Visit:
    """One load in a fresh browser context."""

    clicked: float = 0
    opened: float = 0
    wire: float = 0
    unpacked: int = 0
    requests: int = 0
    socket: int = 0


@dataclass(frozen=True)
class Page:
    """What is visited, what is clicked and what that opens."""

    address: str
    button: str
    opened: str
    cookies: list[dict[str, str]] = field(default_factory=list)


def figures() -> Iterator[Figure | Skipped]:
    """Weight, then the click."""
    if why := _missing():
        yield Skipped("page", why)
        return
    with ExitStack() as running:
        folder = Path(running.enter_context(grounds.scratch()))
        url = f"sqlite:///{folder / 'atlas.db'}"
        ground = asyncio.run(grounds.prepare("SQLite", url, folder, rows=False))
        hub = running.enter_context(sites.hub(folder / "hub.log", ground.env))
        empty = running.enter_context(sites.empty(folder / "empty.log"))
        cookie = {"name": "atlas_session", "value": ground.cookie, "url": hub.address}
        route = "/admin/integrations"
        pages = (
            Page(hub.address + route, f'a.ah-primary[href="{route}/slack"]', '[data-drawer="slack"]', [cookie]),
            Page(empty.address + "/", "button", "dialog"),
        )
        visits: tuple[list[Visit], list[Visit]] = ([], [])
        browser = running.enter_context(_chromium())
        for number in range(TIMES + 1):
            for page, seen in zip(pages, visits, strict=True):
                visit = _visit(browser, page)
                if number:  # the first is for the servers to warm up
                    seen.append(visit)
    lost = [sum(not visit.opened for visit in seen) for seen in visits]
    if max(lost) > TIMES // 2:
        raise RuntimeError(f"Of {TIMES} first clicks {lost[0]} did nothing on the page, {lost[1]} in the empty app.")
    # A lost click has no time: its round is left out of both, and the notes tell how many there were.
    rounds = [both for both in zip(*visits, strict=True) if all(visit.opened for visit in both)]
    visits = [one for one, _ in rounds], [other for _, other in rounds]
    yield from _weight(*(seen[-1] for seen in visits))
    yield _click(*visits, lost)


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        path = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def _missing() -> str:
    try:
        from playwright.sync_api import Error
    except ImportError:
        return "Playwright is not installed. Run `make bench`, which installs it."
    try:
        with _chromium():
            return ""
    except Error:
        return "Chromium is not there. Run `.venv/bin/playwright install chromium`."


def _visit(browser: Any, page: Page) -> Visit:
    from playwright.sync_api import TimeoutError  # noqa: A004  # its own, of the same name

    visit = Visit()
    context = browser.new_context()
    try:
        if page.cookies:
            context.add_cookies(page.cookies)
        tab = context.new_page()
        tab.on("websocket", lambda socket: socket.on("framereceived", lambda frame: _add(visit, len(frame))))
        protocol = context.new_cdp_session(tab)
        protocol.on("Network.loadingFinished", lambda told: _finished(visit, told))
        protocol.on("Network.dataReceived", lambda told: _received(visit, told))
        protocol.send("Network.enable")
        tab.add_init_script(f"{CLICK}({[page.button, page.opened]!r})")
        tab.goto(page.address, wait_until="load")
        try:
            tab.wait_for_function("window.benchSeen", timeout=LOST_MS)
        except TimeoutError:  # Playwright's
            return visit
        seen = tab.evaluate("window.benchSeen")
        visit.clicked, visit.opened = seen["clicked"], seen["opened"]
        tab.wait_for_load_state("networkidle")
    finally:
        context.close()
    return visit


def _add(visit: Visit, size: int) -> None:
    visit.socket += size


def _finished(visit: Visit, told: dict[str, Any]) -> None:
    visit.wire += told["encodedDataLength"]
    visit.requests += 1


def _received(visit: Visit, told: dict[str, Any]) -> None:
    visit.unpacked += told["dataLength"]


def _weight(ours: Visit, floor: Visit) -> Iterator[Figure]:
    yield Figure(
        name="page weight over the wire",
        unit="kB",
        ours=ours.wire / 1000,
        floor=floor.wire / 1000,
        value=ours.wire / floor.wire,
        of=f"{ours.wire / floor.wire:.2f}x an empty app",
        notes=(
            f"{ours.requests} requests, {ours.unpacked / 1000:,.0f} kB unpacked, {ours.socket / 1000:.1f} by socket.",
            f"The empty app: {floor.requests}, {floor.unpacked / 1000:,.0f} kB and {floor.socket / 1000:.1f} kB.",
        ),
    )


def _click(ours: list[Visit], floor: list[Visit], lost: list[int]) -> Figure:
    opened, bare = ([visit.opened for visit in visits] for visits in (ours, floor))
    ratio = middle(opened) / middle(bare)
    clicked = (middle([visit.clicked for visit in visits]) for visits in (ours, floor))
    return Figure(
        name="first click on Connect has opened the drawer",
        unit="ms",
        ours=middle(opened),
        floor=middle(bare),
        value=ratio,
        of=f"{ratio:.2f}x an empty app's",
        aim="<= 1.3x",
        met=ratio <= 1.3,
        spread=quarters(paired(opened, bare)),
        notes=(
            "There was something to click after {:.0f} ms, in the empty app after {:.0f} ms.".format(*clicked),
            f"95th percentile {at(opened, 0.95):.0f} ms against {at(bare, 0.95):.0f} ms.",
            f"First clicks that did nothing: {lost[0]} of {TIMES}, in the empty app {lost[1]}.",
        ),
    )
