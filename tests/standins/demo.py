"""The hub among stand-in vendors, for whoever wants to see it: `python -m tests.standins.demo`, or `make demo`.

Starts every stand-in, the mailbox and the control page on loopback, then the hub as a child with a data folder of
the demo's own, and ends everything on Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from atlas_hub.providers import PROVIDERS
from atlas_hub.settings import Settings
from tests.standins import every_standin
from tests.standins.bridge import BridgeStandin
from tests.standins.control import Control, vendors_of
from tests.standins.mailbox import Mailbox
from tests.standins.oauth import OAuthStandin
from tests.standins.serve import HOST
from tests.standins.standin import Standin

DATA: Final = Path(".atlas-demo")
HUB: Final = (sys.executable, "-m", "atlas_hub", "serve")
READY: Final = "Atlas Hub is ready"
PATIENCE = 20.0
"""Seconds that the hub has to end before it is made to."""
DATABASES: Final = frozenset({"DB_URL", "REFLEX_DB_URL", "REFLEX_ASYNC_DB_URL"})
"""By which Reflex itself, not the hub, could be led to somebody's real database."""


def environment(
    given: Mapping[str, str], standins: Sequence[Standin], mailbox: Mailbox, *, port: int, data: Path
) -> dict[str, str]:
    """What the hub of the demo is started with: `given` without anything of a real hub, the stand-ins, their apps."""
    real = {str(info.validation_alias) for info in Settings.model_fields.values()} | DATABASES
    for provider in PROVIDERS.values():
        real |= {
            *(provider.oauth_env or ()),
            *(name for each in provider.environment for name in each.variables.values()),
        }
    kept = {name: text for name, text in given.items() if name not in real and not name.startswith("ATLAS_")}
    upstreams = {name: base for standin in standins for name, base in standin.env.items()}
    oauth = [standin for standin in standins if isinstance(standin, OAuthStandin)]
    apps = {name: text for standin in oauth for name, text in standin.app_env.items()}
    # The operator's own mail: what the Email card says that mail goes through until one is set up.
    bridge = next(standin.base for standin in standins if isinstance(standin, BridgeStandin))
    return {
        **kept,
        **upstreams,
        **apps,
        "ATLAS_SMTP_URL": f"{bridge}/mail",
        "ATLAS_EMAIL_FROM": "operator@acme.example",
        "SSL_CERT_FILE": mailbox.ca_pem_path,
        "ATLAS_OUTBOUND_ALLOW": "127.0.0.0/8",
        "ATLAS_DATA_DIR": str(data),
        "PORT": str(port),
    }


def main(arguments: list[str] | None = None, hub: Sequence[str] = HUB) -> int:
    """Run until Ctrl-C (0) or until the hub ends by itself (its own code); 2 where something did not start."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins.demo", description=__doc__)
    port = os.getenv("PORT") or "3000"
    parser.add_argument("--port", type=int, default=port, help="the hub's port. Default: PORT, else 3000")
    parser.add_argument("--control-port", type=int, help="the control page's port. Default: the next one")
    parser.add_argument("--data", type=Path, default=DATA, help="the demo's own data folder. Default: .atlas-demo")
    given = parser.parse_args(arguments)
    control_port = given.port + 1 if given.control_port is None else given.control_port
    with ExitStack() as running:
        try:
            for each in (given.port, control_port):
                _require_free(each)
            _own_folder(given.data)
            standins = [running.enter_context(kind()) for kind in every_standin()]
            mailbox = running.enter_context(Mailbox())
            vendors = vendors_of(standins, mailbox)
            control = running.enter_context(Control(vendors, f"http://localhost:{given.port}", control_port))
        except OSError as error:
            sys.stderr.write(f"The demo did not start: {error}\n")
            return 2
        _say(f"{len(vendors)} stand-in vendors run. What to paste, and how to make them fail: {control.url}")
        # The child gets everything that this process has, but what could lead it to real data.
        env = environment(os.environ, standins, mailbox, port=given.port, data=given.data)  # noqa: TID251 - see above
        return _Hub(hub, env).run(f"What to paste, and how to make vendors fail: {control.url}")


def _require_free(port: int) -> None:
    """Raises `OSError` where somebody listens on the port already; 0 is always free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            text = f"port {port} is in use. Stop what uses it, or choose others: PORT={port + 100} make demo"
            raise OSError(text) from None


def _own_folder(data: Path) -> None:
    """Make the data folder, and have git leave it alone."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    (data / ".gitignore").write_text("*\n", encoding="utf-8")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class _Hub:
    """The hub as a child, with a process group of its own, so that everything it starts ends with it."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._over = False
        self._child = subprocess.Popen(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def run(self, hint: str) -> int:
        """Pass its output through, and `hint` once it is ready; return the exit code of the demo."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop())
        try:
            assert self._child.stdout is not None
            for line in self._child.stdout:
                _say(line.rstrip("\n"))
                if line.startswith(READY):
                    _say(hint)
            code = self._child.wait()
        finally:
            self._signal(signal.SIGKILL)
        return 0 if self._over else code

    def _stop(self) -> None:
        """End it; the second time at once."""
        self._signal(signal.SIGKILL if self._over else signal.SIGINT)
        if not self._over:
            self._over = True
            late = threading.Timer(PATIENCE, self._signal, [signal.SIGKILL])
            late.daemon = True
            late.start()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    sys.exit(main())
