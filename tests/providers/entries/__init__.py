"""The facts of every way to connect, for the contract suite: a module for each, found by looking."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.providers.entries.entry import Entry

ENTRIES: tuple[Entry, ...] = tuple(
    entry
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    if module.name != "entry"
    for entry in import_module(f"{__name__}.{module.name}").ENTRIES
)
