"""The registry: every provider file of this folder, and those that other packages offer by entry point."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Final

from atlas_hub.providers.contract import Category, Provider

ENTRY_POINTS = "atlas_hub.providers"


def _found() -> list[Provider]:
    here = [
        import_module(f"{__name__}.{module.name}").PROVIDER
        for module in iter_modules(__path__)
        if module.name != "contract" and not module.name.startswith("_")  # `_…` is part of a provider
    ]
    return [*here, *(point.load() for point in entry_points(group=ENTRY_POINTS))]


def _registry() -> Mapping[str, Provider]:
    # Sorted and read once: state names are compiled into the page, and every worker must have the same.
    order = list(Category)
    found = sorted(_found(), key=lambda provider: (order.index(provider.category), provider.name))
    registry = {provider.slug: provider for provider in found}
    if len(registry) != len(found):
        raise RuntimeError("Two providers share a slug. Uninstall one of them.")
    return MappingProxyType(registry)


PROVIDERS: Final = _registry()
"""Every provider by its slug, in the page's order."""
