"""HubPlugin in somebody else's app: one line adds page, API and lifespan, and takes nothing away."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import reflex as rx

from atlas_hub import HubPlugin
from atlas_hub.plugin import settings_of_host
from atlas_hub.ui import activity, guard, page, subscribers

CONFIG = """
import reflex as rx
from atlas_hub import HubPlugin

config = rx.Config(
    app_name="host",
    telemetry_enabled=False,
    plugins=[HubPlugin(route="/admin/things", actors="host.people")],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
"""

PEOPLE = """
from atlas_hub import Actor, Role

SIGN_IN_PATH = None
WORKSPACE = "0123456789abcdef01234567"

async def actor_of_state(state):
    return Actor(id="1", name="ana", workspace=WORKSPACE, role=Role.OWNER)

async def actor_of_request(request):
    role = request.headers.get("x-role")
    return Actor(id="1", name="ana", workspace=WORKSPACE, role=Role(role)) if role else None
"""

APP = """
import reflex as rx
from fastapi import FastAPI

api = FastAPI()

@api.get("/host/ping")
def ping():
    return {"host": True}

app = rx.App(api_transformer=api)
app.add_page(lambda: rx.text("mine"), route="/mine")
"""

ASK = """
import json, sys, threading
from starlette.testclient import TestClient
from host.host import app

app._compile(dry_run=True)
before = threading.active_count()
from reflex.config import get_config
for plugin in get_config().plugins:
    plugin.post_compile(app=app)
opened = threading.active_count() - before
asgi = app._api
for transformer in app.api_transformer:
    if callable(transformer) and not hasattr(transformer, "mount"):
        asgi = transformer(asgi)
    else:
        transformer.mount("", asgi)
        asgi = transformer
from starlette.applications import Starlette
top = Starlette(lifespan=app._run_lifespan_tasks)
top.mount("", asgi)
with TestClient(top, base_url="http://localhost:3000") as client:
    status = "/api/v1/admin/integrations/status"
    said = {
        "pages": sorted(app._unevaluated_pages),
        "threads": opened,
        "host": client.get("/host/ping").json(),
        "nobody": client.get(status).status_code,
        "member": client.get(status, headers={"x-role": "member"}).status_code,
        "owner": client.get(status, headers={"x-role": "owner"}).json()["hasInternalDB"],
        "sign-in": client.get("/sign-in").status_code,
    }
print(json.dumps(said))
"""


def test_a_host_keeps_what_it_has_and_gains_page_api_and_lifespan(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    for name, text in {
        "rxconfig.py": CONFIG,
        "host/__init__.py": "",
        "host/people.py": PEOPLE,
        "host/host.py": APP,
        "ask.py": ASK,
    }.items():
        (tmp_path / name).write_text(text)
    run = subprocess.run([sys.executable, "ask.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    said = json.loads(run.stdout.splitlines()[-1])
    assert {"mine", "admin/things/[[provider]]", "admin/things/activity"} <= set(said["pages"])
    assert said["threads"] <= 0  # nothing is opened before the server forks
    assert said["host"] == {"host": True}
    assert (said["nobody"], said["member"], said["owner"]) == (401, 403, True)
    assert said["sign-in"] == 404  # a host brings its own
    assert (tmp_path / ".atlas" / "atlas.db").is_file()
    assert (tmp_path / ".atlas" / "atlas.engine.db").is_file()


@pytest.mark.parametrize("bound", ["0.0.0.0", "192.0.2.1", "dashboard.internal"])  # noqa: S104  # the address is the point
def test_the_host_variable_of_somebody_elses_app_does_not_make_it_production(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setenv("HOST", bound)
    assert not settings_of_host().production
    monkeypatch.setenv("ATLAS_DEPLOY_MODE", "saas")
    assert settings_of_host().production


def test_a_database_of_the_hosts_that_is_postgresql_makes_it_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setattr(rx.config.get_config(), "db_url", "postgresql://host@db/host")
    assert settings_of_host().production


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])  # noqa: S104  # the address is the point
def test_the_stand_alone_app_goes_by_the_address_that_it_listens_on(bound: str) -> None:
    ask = "from rxconfig import config; print(config.plugins[0].settings.production)"
    run = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=Path(__file__).parents[1],
        env={"HOST": bound},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == str(bound != "127.0.0.1")


PAGE, ACTIVITY = "/admin/things/[[provider]]", "/admin/things/activity"
OTHERS = ["/admin/things/doctor", "/admin/things/apps", "/admin/things/subscribers"]


@pytest.mark.parametrize(
    ("route", "of_the_host", "added"),
    [
        ("/admin/things", [], [PAGE, ACTIVITY, *OTHERS]),
        ("admin/things/", [], [PAGE, ACTIVITY, *OTHERS]),
        ("/admin/things", [PAGE], [ACTIVITY, *OTHERS]),
        ("/admin/things", ["/admin/things"], [ACTIVITY, *OTHERS]),
        ("/admin/things", [ACTIVITY], [PAGE, *OTHERS]),
        (None, [], []),
    ],
)
def test_each_page_is_added_unless_the_host_has_its_own_there(monkeypatch, route, of_the_host, added):
    monkeypatch.setattr(guard, "_configured", {})
    monkeypatch.setattr(page, "_route", [])
    monkeypatch.setattr(activity.PAGE, "route", "")
    monkeypatch.setattr(subscribers.PAGE, "route", "")
    came: list[str] = []
    context: Any = {
        "app_type": rx.App,
        "has_app_page": of_the_host.__contains__,
        "add_page": lambda _component, *, route, **_more: came.append(route),
    }
    HubPlugin(route=route, actors="host.people").register_route(**context)
    assert came == added
    assert guard._configured == {"actors": "host.people"}


def test_importing_the_package_makes_no_app_and_imports_nothing_heavy() -> None:
    code = "import sys, atlas_hub; print([m for m in ('reflex', 'fastapi', 'sqlalchemy', 'httpx') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_public_names_are_the_ones_that_are_promised() -> None:
    import atlas_hub

    hosts = ["Actor", "HubPlugin", "Role", "Settings", "workspace_id"]
    contract = ["Account", "Category", "CheckResult", "Copy", "Feature", "Lifecycle", "Message", "Method", "Names",
                "Provider", "Purpose", "Receipt", "Revoked"]  # fmt: skip
    kit = ["Answer", "Form", "Guard", "Http", "Ladder", "Report", "Secret", "Step", "Upstream", "pasted", "shown"]
    errors = ["AuthExpired", "BadForm", "InsufficientPermissions", "InvalidCredentials", "NetworkError",
              "PlatformError", "ProviderError", "RateLimited"]  # fmt: skip
    assert sorted(atlas_hub.__all__) == sorted([*hosts, *contract, *kit, *errors])
    for name in set(atlas_hub.__all__) - {"Report"}:  # an alias
        assert getattr(atlas_hub, name).__name__ == name
    assert callable(atlas_hub.Report)
