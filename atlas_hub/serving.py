"""The stand-alone app's server: granian's workers on a page that is built already; `python -m atlas_hub.serving`."""

from __future__ import annotations

import multiprocessing
import sys
from typing import Any

import reflex as rx
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
from reflex.istate.manager import reset_disk_state_manager
from reflex.utils import exec as reflex_exec
from reflex.utils import processes
from reflex_base import constants
from reflex_base.environment import environment

from atlas_hub.api.traffic import GRACE_SECONDS
from atlas_hub.kit import logs, redact
from atlas_hub.settings import load

KILL_SECONDS = int(GRACE_SECONDS) + 10
"""A worker that has not ended this long after it was asked to is killed."""
LOGS: dict[str, Any] = {
    "loggers": {
        "_granian": {"handlers": [], "level": "WARNING", "propagate": True},
        "granian.access": {"handlers": [], "level": "WARNING", "propagate": True},
    }
}
"""The server writes through our own log."""


def main() -> int:
    """Serve until stopped. The page in `.web` is served as it is: nothing is compiled, and npm is not asked."""
    settings = load()
    redact.install()
    logs.install(settings.log_format)
    environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
    environment.REFLEX_SKIP_COMPILE.set(True)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    reflex: Any = rx.config.get_config()
    reflex._set_persistent(frontend_port=settings.port, backend_port=settings.port)  # noqa: SLF001  # as `reflex run`
    reset_disk_state_manager()  # type: ignore[no-untyped-call]  # Reflex's is not typed
    if (method := reflex_exec._backend_start_method()) is not None:  # noqa: SLF001  # as `reflex run`
        multiprocessing.set_start_method(method, force=True)
        reflex_exec._preload_for_fork(None)  # noqa: SLF001  # workers share what was imported
    Server(
        target=reflex_exec.get_app_instance_from_file(),
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers or processes.get_num_workers(),
        workers_kill_timeout=KILL_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.warning,
        log_dictconfig=LOGS,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
