"""The registry: every provider file of this folder, and those that other packages offer by entry point."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any

from atlas_hub.kit.errors import HubError
from atlas_hub.providers.contract import Category, Method, Provider, steps_of

ENTRY_POINTS = "atlas_hub.providers"
RESERVED = frozenset({"activity", "apps", "doctor", "settings", "status", "subscribers", "used-by"})
"""Words that mean something else in the addresses of the page and of the API."""

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PATH = re.compile(r"[a-z][a-z0-9-]{0,31}")


class UnusableProvider(HubError):
    """A package offers a provider that cannot be used. The text names both and the remedy; the hub does not start."""


def _here() -> list[Provider]:
    return [
        import_module(f"{__name__}.{module.name}").PROVIDER
        for module in iter_modules(__path__)
        if module.name != "contract" and not module.name.startswith("_")  # `_…` is part of a provider
    ]


def offered(points: list[EntryPoint], taken: list[Provider]) -> list[Provider]:
    """The providers of other packages beside those that are `taken`. Raises `UnusableProvider` at the first bad one."""
    found: list[Provider] = []
    for point in points:
        try:
            provider = point.load()
            fault = next(_faults(provider, [*taken, *found]), "")
        except Exception as error:
            raise _unusable(point, f"loading it failed with {type(error).__name__}: {error}") from error
        if fault:
            raise _unusable(point, fault)
        found.append(provider)
    return found


def sources() -> Mapping[str, bytes]:
    """What the providers of other packages are made of, by entry point and version: others make another page."""
    found: dict[str, bytes] = {}
    for point in entry_points(group=ENTRY_POINTS):
        file = getattr(import_module(point.module), "__file__", None)
        made = Path(file).read_bytes() if file else b""
        found[f"{point.name} {point.value} {point.dist.version if point.dist else ''}"] = made
    return found


def _unusable(point: EntryPoint, fault: str) -> UnusableProvider:
    package = point.dist.name if point.dist else "unknown"
    return UnusableProvider(
        f"The provider “{point.name}” ({point.value}) of the package {package} cannot be used: {fault.rstrip('.')}. "
        f"Install a version that mends this, or uninstall {package}; then start again."
    )


def _faults(provider: Any, others: list[Provider]) -> Iterator[str]:
    """What keeps a provider from being used, a part of a sentence each."""
    if not isinstance(provider, Provider):
        yield f"it is a {type(provider).__name__}, not a Provider"
        return
    if _SLUG.fullmatch(str(provider.slug)) is None:
        yield f"its slug {provider.slug!r} is not a word of lower-case letters, digits and _ that begins with a letter"
    methods: tuple[Any, ...] = provider.methods
    if not methods or not all(isinstance(method, Method) for method in methods):
        yield "it has no methods, or something among them is not a Method"
    if not provider.docs.startswith("https://"):
        yield "its docs are not an https:// address"
    words = _words(provider)
    for path in filter(None, (provider.names.admin, provider.names.admin_path)):
        if path != provider.slug and _PATH.fullmatch(path) is None:
            yield f"its name in the API, {path!r}, is not a word of lower-case letters, digits and -"
    if words & RESERVED:
        yield f"the word “{min(words & RESERVED)}” is the hub's own"
    for other in others:
        if shared := words & _words(other):
            yield f"the word “{min(shared)}” is taken by the provider {other.name}"


def _words(provider: Provider) -> frozenset[str]:
    """The words that stand for a provider in addresses."""
    names = (provider.slug, provider.names.admin, provider.names.admin_path)
    methods: tuple[Any, ...] = provider.methods  # of a package, whatever it likes
    purposes = [each.purpose for each in methods if isinstance(each, Method)]
    parts = {f"{provider.slug}_{purpose}" for purpose in purposes if purpose is not purposes[0]}
    return frozenset(parts).union(name for name in names if name)


@cache
def _registry() -> Mapping[str, Provider]:
    # Sorted and read once: state names are compiled into the page, and every worker must have the same.
    order = list(Category)
    here = _here()
    taken = [slug for slug, times in Counter(provider.slug for provider in here).items() if times > 1]
    if taken:
        raise UnusableProvider(f"Two provider files share the slug {taken[0]}. Rename one of them.")
    points = sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value))
    found = [*here, *offered(points, here)]
    found.sort(key=lambda provider: (order.index(provider.category), provider.name))
    return MappingProxyType({provider.slug: provider for provider in found})


@cache
def _parts() -> Mapping[str, Provider]:
    made: dict[str, Provider] = {}
    for provider in _registry().values():
        main, *others = provider.parts
        made |= {provider.slug: main, **{key_of(part): _beside(provider, part) for part in others}}
    return MappingProxyType(made)


def _beside(provider: Provider, part: Provider) -> Provider:
    """A part that is not the main one, by a name, a sentence and steps of its own."""
    method = part.methods[0]
    told = [step for each in part.methods for step in steps_of(provider, each)]
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(told, 1))
    name = f"{provider.name} {method.label[0].lower()}{method.label[1:]}"
    return replace(part, name=name, about=f"{method.recommended_because or provider.sentence}\n\n{steps}")


def parts_of(slug: str) -> tuple[Provider, ...]:
    """The parts of a provider, the main one first."""
    return tuple(part for part in _parts().values() if part.slug == slug)


def key_of(part: Provider) -> str:
    """What a part is called on the page: its main one by the slug, another by slug and purpose (`teams_alerts`)."""
    purpose, provider = part.methods[0].purpose, _registry().get(part.slug, part)
    return part.slug if provider.methods[0].purpose is purpose else f"{part.slug}_{purpose}"


PROVIDERS: Mapping[str, Provider]
"""Every provider by its slug, in the page's order."""

PARTS: Mapping[str, Provider]
"""Every part of every provider (`Provider.parts`) by what it is called on the page, in its order."""


def __getattr__(name: str) -> Any:
    # Late: a package that offers a provider imports the contract of this folder while it is itself being imported.
    if name == "PROVIDERS":
        return _registry()
    if name == "PARTS":
        return _parts()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
