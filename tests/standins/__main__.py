"""Serve every stand-in until Ctrl-C and print the hub's environment for them: `python -m tests.standins`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import ExitStack

from tests.standins import emulate, every_standin
from tests.standins.mailbox import PASSWORD, Mailbox, MailMode
from tests.standins.slack import SlackStandin


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; 0 at the end, 2 where a port is taken or emulate is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the first port; the others follow. Default: free ones")
    parser.add_argument(
        "--mail", choices=[*MailMode], default=MailMode.STARTTLS, help="how the mailbox protects itself"
    )
    parser.add_argument("--emulate", action="store_true", help="let emulate stand in for Slack")
    given = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with ExitStack() as running:
        try:
            lines = _start(running, given.port, MailMode(given.mail), emulated=given.emulate)
        except (OSError, emulate.EmulateMissingError) as error:
            sys.stderr.write(f"The stand-ins did not start: {error}\n")
            return 2
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        over.wait()
    return 0


def _start(running: ExitStack, first: int, mode: MailMode, *, emulated: bool) -> list[str]:
    """Start them on `first`, `first` + 1, … (0: free ports); what to print."""
    vendors = every_standin()
    environment: dict[str, str] = {}
    tries: list[str] = []
    for number, vendor in enumerate(vendors):
        port = first + number if first else 0
        if emulated and vendor is SlackStandin:
            environment["ATLAS_UPSTREAM_SLACK"] = running.enter_context(emulate.EmulateSlack(port)).base
            tries.append(f"# SLACK, emulate: {emulate.TOKEN}")
            continue
        environment |= running.enter_context(vendor(port)).env
        tries += [
            f"# {vendor.upstream}, {words}: {' | '.join(text.splitlines())}" for words, text in vendor.tries.items()
        ]
    mailbox = running.enter_context(Mailbox(mode, first + len(vendors) if first else 0))
    environment["SSL_CERT_FILE"] = mailbox.ca_pem_path
    return [
        *(f"{name}={value}" for name, value in environment.items()),
        f"# Mailbox control: {mailbox.control}",
        f"# SMTP ({mode}): {mailbox.host} port {mailbox.port}, user atlas, password {PASSWORD}",
        *tries,
    ]


if __name__ == "__main__":
    sys.exit(main())
