"""Stand-in vendors on loopback, for tests, browser tests and the demo."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.standins.standin import Standin

_NO_VENDORS = ("__main__", "conftest", "control", "demo", "test_")


def every_standin() -> tuple[type[Standin], ...]:
    """The stand-in of every vendor, found by looking: the concrete `Standin`s that the modules here define."""
    from tests.standins.standin import Standin

    names = sorted(module.name for module in iter_modules(__path__) if not module.name.startswith(_NO_VENDORS))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return tuple(
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and issubclass(kind, Standin)
        and not inspect.isabstract(kind)
        and kind.__module__ == module.__name__
    )
