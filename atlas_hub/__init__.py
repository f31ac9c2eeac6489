"""Atlas Hub: connect, prove, watch and use the credentials of a workspace, on one page of any Reflex app.

What stands in `__all__` is the public door: for a host application (`HubPlugin`, `Actor`, `Role`, `workspace_id`,
`Settings`; the component is `atlas_hub.ui.panel`), and for a provider in a package of its own (all the others).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atlas_hub.kit.cleaning import pasted, shown
    from atlas_hub.kit.errors import (
        AuthExpired,
        BadForm,
        InsufficientPermissions,
        InvalidCredentials,
        NetworkError,
        PlatformError,
        ProviderError,
        RateLimited,
    )
    from atlas_hub.kit.form import Form
    from atlas_hub.kit.guard import Guard
    from atlas_hub.kit.http import Answer, Http, Upstream
    from atlas_hub.kit.ids import workspace_id
    from atlas_hub.kit.ladder import Ladder, Report, Step
    from atlas_hub.kit.secret import Secret
    from atlas_hub.plugin import HubPlugin
    from atlas_hub.providers.contract import (
        Account,
        Category,
        CheckResult,
        Copy,
        Feature,
        Lifecycle,
        Message,
        Method,
        Names,
        Provider,
        Purpose,
        Receipt,
        Revoked,
    )
    from atlas_hub.services.access import Actor, Role
    from atlas_hub.settings import Settings

_NAMES = {
    "kit.cleaning": ("pasted", "shown"),
    "kit.errors": (
        "AuthExpired",
        "BadForm",
        "InsufficientPermissions",
        "InvalidCredentials",
        "NetworkError",
        "PlatformError",
        "ProviderError",
        "RateLimited",
    ),
    "kit.form": ("Form",),
    "kit.guard": ("Guard",),
    "kit.http": ("Answer", "Http", "Upstream"),
    "kit.ids": ("workspace_id",),
    "kit.ladder": ("Ladder", "Report", "Step"),
    "kit.secret": ("Secret",),
    "plugin": ("HubPlugin",),
    "providers.contract": (
        "Account",
        "Category",
        "CheckResult",
        "Copy",
        "Feature",
        "Lifecycle",
        "Message",
        "Method",
        "Names",
        "Provider",
        "Purpose",
        "Receipt",
        "Revoked",
    ),
    "services.access": ("Actor", "Role"),
    "settings": ("Settings",),
}
_HOMES = {name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names}

__all__ = [
    "Account",
    "Actor",
    "Answer",
    "AuthExpired",
    "BadForm",
    "Category",
    "CheckResult",
    "Copy",
    "Feature",
    "Form",
    "Guard",
    "Http",
    "HubPlugin",
    "InsufficientPermissions",
    "InvalidCredentials",
    "Ladder",
    "Lifecycle",
    "Message",
    "Method",
    "Names",
    "NetworkError",
    "PlatformError",
    "Provider",
    "ProviderError",
    "Purpose",
    "RateLimited",
    "Receipt",
    "Report",
    "Revoked",
    "Role",
    "Secret",
    "Settings",
    "Step",
    "Upstream",
    "pasted",
    "shown",
    "workspace_id",
]


def __getattr__(name: str) -> Any:
    # Late, so that `import atlas_hub` costs a host's command line nothing.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
