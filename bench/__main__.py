"""Take the figures and print them: `python -m bench [--json FILE] [--only NAME]…`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, Skipped, load_average, table

NAMES = (
    "status", "connect", "tabs", "page", "memory", "audit", "start", "chat", "oauth", "groups", "named", "channels",
)  # fmt: skip


def taking(name: str) -> Callable[[], Iterator[Figure | Skipped]]:
    """The figures of a name, whose module is imported when its turn comes."""
    found: Callable[[], Iterator[Figure | Skipped]] = import_module(f"bench.{name}").figures
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print a line as each figure is taken and the table at the end. An aim that is not met is no error."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", action="append", choices=NAMES, help="take these alone; may be given twice")
    given = parser.parse_args(arguments)
    began, busy = time.monotonic(), load_average()
    print(f"Before: {busy}.", flush=True)
    taken: list[Figure] = []
    skipped: list[Skipped] = []
    for name in given.only or NAMES:
        for figure in taking(name)():
            if isinstance(figure, Skipped):
                skipped.append(figure)
                print(f"  {figure.name}: skipped. {figure.why}", flush=True)
            else:
                taken.append(figure)
                print(f"  {figure.name}: {figure.of}", flush=True)
    after = load_average()
    print(f"\n{table(taken)}\n")
    for missing in skipped:
        print(f"Skipped: {missing.name}. {missing.why}")
    print(f"After {time.monotonic() - began:.0f} seconds: {after}.")
    if given.json:
        given.json.write_text(json.dumps(_json(taken, skipped, (busy, after)), indent=1) + "\n")
    return 0


def _json(taken: list[Figure], skipped: list[Skipped], busy: tuple[str, str]) -> Mapping[str, object]:
    return {
        "figures": [figure.json() for figure in taken],
        "skipped": {figure.name: figure.why for figure in skipped},
        "before": busy[0],
        "after": busy[1],
    }


if __name__ == "__main__":
    sys.exit(main())
