"""Atlas Hub: connect, prove, watch and use the credentials of a workspace, on one page of any Reflex app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas_hub.plugin import HubPlugin
    from atlas_hub.services.access import Actor, Role
    from atlas_hub.settings import Settings

__all__ = ["Actor", "HubPlugin", "Role", "Settings"]

_HOMES = {
    "Actor": "atlas_hub.services.access",
    "HubPlugin": "atlas_hub.plugin",
    "Role": "atlas_hub.services.access",
    "Settings": "atlas_hub.settings",
}


def __getattr__(name: str) -> Any:
    # Late, so that `import atlas_hub` costs a host's command line nothing.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
