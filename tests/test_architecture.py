"""The layers and the rule *one library, one module*, read from the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "atlas_hub"
FILES = sorted(path for path in ROOT.rglob("*.py") if "_migrations" not in path.parts)

LAYERS: dict[str, set[str]] = {
    "kit": {"kit"},
    "settings": {"kit", "settings"},
    "providers": {"kit", "providers"},
    "storage": {"kit", "storage", "settings"},
    "bus": {"kit", "bus"},
    "hub": {"kit", "settings", "storage", "bus", "hub"},
    "engine": {"kit", "storage", "hub", "engine"},
    "services": {"kit", "settings", "providers", "storage", "bus", "hub", "engine", "services"},
    "accounts": {"kit", "settings", "storage", "services", "hub", "accounts"},
    "api": {"kit", "settings", "providers", "services", "hub", "api"},
    "ui": {"kit", "settings", "providers", "services", "bus", "hub", "ui"},
    "cli": {"kit", "settings", "providers", "storage", "services", "hub", "bus", "accounts", "engine", "cli", "plugin"},
}
"""Who may import whom. `plugin`, `atlas_hub` and `__main__` may import everything."""

HOMES: dict[str, set[str]] = {
    "httpx": {"kit/http.py"},
    "cryptography": {"storage/vault.py"},
    "aiosmtplib": {"kit/smtp.py"},
    "joserfc": {"kit/jwt.py"},
    "authlib": {"kit/oauth.py"},
    "botocore": {"kit/sigv4.py"},
    "limits": {"kit/limits.py"},
    "argon2": {"accounts/passwords.py"},
    "redis": {"bus.py", "kit/limits.py"},
    "idna": {"kit/guard.py"},
    "dbos": {"engine/queue.py"},
    "alembic": {"storage/installation.py"},
    "click": {"cli/"},
    "fastapi": {"api/"},
    "sqlalchemy": {"storage/", "accounts/models.py", "accounts/store.py", "accounts/roster.py"},
    "sqlmodel": {"storage/", "accounts/models.py", "accounts/store.py", "accounts/roster.py"},
    "reflex": {"ui/", "plugin.py", "atlas_hub.py", "accounts/actors.py", "accounts/frame.py", "serving.py"},
    "reflex_base": {"ui/", "plugin.py", "serving.py"},
    "starlette": {"api/", "accounts/"},
    "prometheus_client": {"kit/metrics.py"},
    "standardwebhooks": {"kit/signing.py"},
    "granian": {"serving.py"},
}
"""Each library and the only places that import it."""

CALLS: dict[str, set[str]] = {
    "reveal": {
        "kit/secret.py",
        "kit/stars.py",
        "kit/smtp.py",
        "kit/jwt.py",
        "kit/oauth.py",
        "kit/sigv4.py",
        "kit/signing.py",
        "providers/",
        "storage/vault.py",
        "storage/installation.py",
        "services/environment.py",
        "services/asking.py",
        "services/apps.py",
        "services/attempts.py",
        "services/consents.py",
        "services/chat_consents.py",
        "services/chat_arrivals.py",
        "services/credentials.py",
        "api/oauth.py",
        "services/api_keys.py",
        "api/callers.py",
        "api/chat_replays.py",
        "api/digest.py",
        "api/groups.py",
        "accounts/settings_routes.py",
        "cli/",
    },
    "commit": set(),
}
"""Methods that only these files may call."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def layer_of(name: str) -> str:
    return name.split("/", maxsplit=1)[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed(name: str, homes: set[str]) -> bool:
    return any(name == home or (home.endswith("/") and name.startswith(home)) for home in homes)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_layer_imports_only_what_stands_below_it(path: Path) -> None:
    layer = layer_of(name_of(path))
    may = LAYERS.get(layer)
    if may is None:
        assert layer in {"plugin", "atlas_hub", "__main__", "__init__", "docs", "docs_api", "serving"}, (
            "a new layer: add it to the table"
        )
        return
    ours = {module.split(".")[1] for module in imports(path) if module.startswith("atlas_hub.")}
    # The stand-alone app's frame is page as much as account: it wraps the hub's page in a header.
    assert ours - ({"ui"} if name_of(path) == "accounts/frame.py" else set()) <= may


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_one_library_has_one_home(path: Path) -> None:
    libraries = {module.split(".")[0] for module in imports(path)}
    strangers = {library for library in libraries & HOMES.keys() if not allowed(name_of(path), HOMES[library])}
    assert not strangers


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_provider_imports_the_kit_and_its_contract_alone(path: Path) -> None:
    name = name_of(path)
    if not name.startswith("providers/") or name in {"providers/__init__.py", "providers/contract.py"}:
        return
    ours = {module for module in imports(path) if module.startswith("atlas_hub")}
    may = ("atlas_hub.kit", "atlas_hub.providers.contract", "atlas_hub.providers._")
    assert all(module.startswith(may) for module in ours)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_secrets_and_commits_have_few_doors(path: Path) -> None:
    called = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    for method, homes in CALLS.items():
        assert method not in called or allowed(name_of(path), homes), method


def test_the_environment_is_read_in_one_place_and_passed_on_in_another() -> None:
    readers = {name_of(path) for path in FILES if "os.environ" in path.read_text()}
    assert readers == {"settings.py", "cli/serve.py"}


def test_no_name_says_nothing() -> None:
    banned = ("manager", "helper", "util", "common")
    assert not [name_of(path) for path in FILES if any(word in path.stem for word in banned)]


def test_files_stay_readable() -> None:
    long = {name_of(path): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 300}
    assert set(long) <= {"storage/models.py"}  # all tables in one place, as docs/decisions/0005 wants


def test_functions_stay_readable() -> None:
    long = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                told = node.body[0] if ast.get_docstring(node) is not None else None
                lines = node.end_lineno - node.lineno + 1
                lines -= told.end_lineno - told.lineno + 1 if told else 0
                if lines > 40:
                    long[f"{name_of(path)}:{node.name}"] = lines
    assert long == {}  # without the docstring
