"""The facts of every way to connect, for the contract suite: a module for each, found by looking."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.providers.entries.entry import Entry

_MODULES = [import_module(f"{__name__}.{name}") for name in sorted(module.name for module in iter_modules(__path__))]

ENTRIES: tuple[Entry, ...] = tuple(entry for module in _MODULES for entry in getattr(module, "ENTRIES", ()))

UNLISTED: tuple[Entry, ...] = tuple(entry for module in _MODULES for entry in getattr(module, "UNLISTED", ()))
"""Those of ways in that no form offers."""
