"""Reflex apps in production: the hub as `atlas_hub serve` runs it, and an empty app built the same way, the floor."""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.servers import ROOT, children_of, environment, free_port, started

KEPT = ROOT / ".cache" / "bench"
"""Where the two apps are built: their packages are fetched once."""
PATIENCE = 600

_CONFIG = """import reflex as rx

config = rx.Config(
    app_name="empty",
    api_url="http://127.0.0.1:{port}",
    deploy_url="http://127.0.0.1:{port}",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    disable_plugins=[rx.plugins.SitemapPlugin],
)
"""
_APP = """import reflex as rx


class Page(rx.State):
    opened: bool = False

    @rx.event
    def open(self):
        self.opened = True


def page():
    return rx.el.main(
        rx.el.button("Connect", on_click=Page.open),
        rx.cond(Page.opened, rx.el.dialog("Opened", open=True)),
    )


app = rx.App(html_lang="en")
app.add_page(page, route="/", title="Empty")
"""


@dataclass(frozen=True)
class Site:
    """A running app. `pid` is the process that started its workers."""

    port: int
    pid: int

    @property
    def address(self) -> str:
        """Its address, as browsers are told it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return children_of(self.pid)


@contextmanager
def hub(log: Path, env: Mapping[str, str], *, workers: int = 1) -> Iterator[Site]:
    """The stand-alone app, by its own command, in a folder with nothing but its configuration."""
    folder = KEPT / "hub"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "rxconfig.py", folder)
    port = free_port()
    env = {**env, "PORT": str(port), "ATLAS_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    with _running([sys.executable, "-m", "atlas_hub", "serve"], folder, log, port, workers, env) as process:
        yield Site(port, children_of(process.pid)[0])


@contextmanager
def empty(log: Path) -> Iterator[Site]:
    """An app with one button and one event, served in the same way with one worker."""
    folder = KEPT / "empty"
    port = free_port()
    lay_out_empty(folder, port)
    command = [sys.executable, "-m", "reflex", "run", "--env", "prod", "--single-port"]
    command += ["--frontend-port", str(port), "--backend-host", "127.0.0.1"]
    with _running(command, folder, log, port, 1, {}) as process:
        yield Site(port, process.pid)


def lay_out_empty(folder: Path, port: int) -> None:
    """Write the empty app into a folder, which need not be there yet, for this port."""
    (folder / "empty").mkdir(parents=True, exist_ok=True)
    (folder / "empty" / "__init__.py").touch()
    (folder / "empty" / "empty.py").write_text(_APP)
    (folder / "rxconfig.py").write_text(_CONFIG.format(port=port))


@contextmanager
def _running(
    command: list[str], folder: Path, log: Path, port: int, workers: int, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    env = environment(GRANIAN_WORKERS=str(workers), PYTHONPATH=str(ROOT), **env)
    with started(command, env=env, log=log, cwd=folder) as process:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            if _pings(port):
                break
            time.sleep(0.2)
        else:
            raise RuntimeError(f"An app did not start: {log.read_text(errors='replace')[-3000:]}")
        yield process


def _pings(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
