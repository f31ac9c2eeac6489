"""Serve the stand-alone app: migrate, build the page if need be, start the workers, print the set-up link."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import click

from atlas_hub import hub as hubs
from atlas_hub import providers
from atlas_hub import settings as hub_settings
from atlas_hub.accounts.workspaces import mint_setup_link
from atlas_hub.cli import page
from atlas_hub.cli.output import Said, answering, guarded, with_hub
from atlas_hub.hub import Hub
from atlas_hub.kit import logs
from atlas_hub.kit.errors import BadForm
from atlas_hub.settings import Settings
from atlas_hub.storage.db import is_there

DEV_BACKEND = 8000
START_PATIENCE = 900
"""Seconds the server may take to answer; in development the first build is among them."""


@click.command()
@click.option("--dev", is_flag=True, help="Hot reload, for developers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value when the hub answers.")
def serve(*, dev: bool, as_json: bool) -> None:
    """Migrate, then serve page and APIs on one port until stopped."""
    sys.exit(guarded(lambda: _serve(dev=dev, as_json=as_json)))


def _serve(*, dev: bool, as_json: bool) -> int:
    """Serve until stopped, and hand back how the server ended. Raises `HubError`, `Unreachable`, `ClickException`."""
    settings = hub_settings.load()
    logs.install(settings.log_format)
    _require_sense(settings)
    _ = providers.PROVIDERS  # one that cannot be used is said now, not in the middle of the build
    link = asyncio.run(_prepare(settings))
    _require_folder()
    _require_port(settings)
    if not dev:
        _have_page(settings)
        _require_port(settings)  # again: a build takes minutes, and the server would share the port with another
    environment = {**_environment(), **_counting(settings)}
    # The arguments are our own, and the interpreter is the one that runs this.
    server = subprocess.Popen(_command(settings, dev=dev), env=environment, stdout=sys.stderr)  # noqa: S603
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _pass_on(server))
    if _answers(server, settings):
        _say(settings, link, as_json=as_json)
    return server.wait()


def _require_sense(settings: Settings) -> None:
    """Raises `BadForm` for what only a server of our own can get wrong."""
    faults = {}
    try:
        ip_address(settings.host)
    except ValueError:
        faults["HOST"] = "HOST: must be an IP address to listen on, such as 127.0.0.1 or 0.0.0.0."
    if settings.workers > 1 and not settings.redis_url:
        faults["GRANIAN_WORKERS"] = (
            "GRANIAN_WORKERS: more than one worker needs Redis. Set REFLEX_REDIS_URL, or take 1."
        )
    if faults:
        raise BadForm(faults)
    if settings.has_database:
        is_there(settings.database)  # says so where its address cannot be read


async def _prepare(settings: Settings) -> str | None:
    if not settings.has_database:
        return None
    async with hubs.opened(settings) as hub:
        return await mint_setup_link(hub)


def _command(settings: Settings, *, dev: bool) -> list[str]:
    if not dev:
        return [sys.executable, "-m", "atlas_hub.serving"]
    reflex = [sys.executable, "-m", "reflex", "run", "--backend-host", settings.host]
    return [*reflex, "--frontend-port", str(settings.port), "--backend-port", str(DEV_BACKEND)]


def _have_page(settings: Settings) -> None:
    if not page.is_built():
        click.echo("Building the page; the first time takes a minute or two.", err=True)
        page.build(_environment())
    page.move_to(settings)


def _require_port(settings: Settings) -> None:
    if not _is_free(settings):
        raise click.ClickException(
            f"Port {settings.port} is in use. Stop what uses it, or choose another: PORT={settings.port + 100} make run"
        )


def _is_free(settings: Settings) -> bool:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return False
    return True


def _counting(settings: Settings) -> dict[str, str]:
    """Where the workers of this server count. What an earlier one counted is over."""
    shutil.rmtree(settings.metrics_dir, ignore_errors=True)
    settings.metrics_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_dir.resolve())}


def _environment() -> dict[str, str]:
    # Node and npm come from requirements.txt, into the folder of this interpreter.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    fixed = {"PATH": path, "REFLEX_USE_NPM": "1", "REFLEX_CHECK_LATEST_VERSION": "false"}
    return {**os.environ, **fixed}


@click.command()
@answering
def build() -> Said:
    """Build the page, so that `serve` starts at once and needs no npm. It needs no database and no keys."""
    hub_settings.load()  # rxconfig.py reads it too: what is wrong is told in our words
    _require_folder()
    page.build(_environment())
    return Said(value={"built": True}, text="The page is built.")


def _require_folder() -> None:
    if not Path("rxconfig.py").is_file():
        raise click.ClickException("There is no rxconfig.py here. Run this in the folder of Atlas Hub.")


@click.command()
@answering
def migrate() -> Said:
    """Bring the database to the newest tables. Safe while the hub runs and when several do it at once."""
    with_hub(_nothing_more)
    return Said(value={"migrated": True}, text="The database has the newest tables.")


async def _nothing_more(_hub: Hub) -> None:
    """To be opened is all that it takes."""


def _pass_on(server: subprocess.Popen[bytes]) -> Callable[[int, FrameType | None], None]:
    def stop(number: int, _frame: FrameType | None) -> None:
        if server.poll() is None:
            # A terminal that closed is no reload, as the server would take it.
            server.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    return stop


def _answers(server: subprocess.Popen[bytes], settings: Settings) -> bool:
    """Whether the server came up; False where it ended instead."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "localhost"} else settings.host  # noqa: S104  # where to ask, not to bind
    deadline = time.monotonic() + START_PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(host, settings.port, timeout=2)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == http.client.OK:
                return True
        except (OSError, http.client.HTTPException):
            time.sleep(0.25)
        finally:
            connection.close()
    return False


def _say(settings: Settings, link: str | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"url": settings.address, "setUpLink": link}))
        return
    click.echo(f"Atlas Hub is ready at {settings.address}/admin/integrations")
    if link:
        click.echo(f"Set it up with this link, which works once, within a day: {link}")
