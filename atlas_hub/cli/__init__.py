"""The command line, `atlas-hub`: each command is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from atlas_hub.kit.errors import HubError

COMMANDS = {
    "serve": "atlas_hub.cli.serve:serve",
    "build": "atlas_hub.cli.serve:build",
    "worker": "atlas_hub.cli.worker:worker",
    "migrate": "atlas_hub.cli.serve:migrate",
    "workspace": "atlas_hub.cli.people:workspace",
    "user": "atlas_hub.cli.people:user",
    "member": "atlas_hub.cli.members:member",
    "key": "atlas_hub.cli.keys:key",
    "keys": "atlas_hub.cli.keys:keys",
    "audit": "atlas_hub.cli.audit:audit",
    "doctor": "atlas_hub.cli.doctor:command",
}
"""Word → where its command is."""


class Late(click.Group):
    """A group whose commands are imported late, so that `keys generate` does not wait for Reflex."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The words, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """The command of a word."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        try:
            command: Any = getattr(import_module(module), name, None)
        except HubError as error:  # a provider of another package cannot be used
            raise click.ClickException(error.text) from error
        return command if isinstance(command, click.Command) else None


@click.command(cls=Late)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.pass_context
def main(context: click.Context, *, debug: bool) -> None:
    """Atlas Hub: one admin console and one credential store for everything a workspace connects."""
    from atlas_hub.kit import ids, logs, redact

    redact.install()
    logs.request_id.set(ids.new_id())
    context.obj = {"debug": debug}
