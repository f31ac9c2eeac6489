"""How every command answers: one JSON value or a few lines on standard output, all else on standard error."""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from atlas_hub import hub as hubs
from atlas_hub.cli import here
from atlas_hub.hub import Hub
from atlas_hub.kit import logs, redact
from atlas_hub.kit.errors import HubError, NotAvailable
from atlas_hub.storage.db import Unreachable, is_there

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command answers: `value` as JSON, `text` for people, and `note` for people on standard error.

    `failed`: the answer is there, and is a bad one: exit 1.
    """

    value: Any
    text: str
    note: str = ""
    failed: bool = False


def command(group: click.Group, name: str) -> Callable[[Callable[..., Said]], click.Command]:
    """Make a function that answers a command of a group."""
    return lambda work: group.command(name)(answering(work))


def answering(work: Callable[..., Said]) -> Callable[..., None]:
    """Give a function `--json`, print what it answers, and turn what it raises into a sentence and exit 1."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
    @functools.wraps(work)
    def run(*, as_json: bool, **given: Any) -> None:
        said = guarded(lambda: work(**given))
        if said.note:
            click.echo(said.note, err=True)
        click.echo(json.dumps(said.value, ensure_ascii=False) if as_json else said.text)
        if said.failed:
            sys.exit(1)

    return run


def writing(group: click.Group, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """Make a function that writes a file to standard output by itself, which needs no `--json`, a command."""

    def made(work: Callable[..., None]) -> click.Command:
        @functools.wraps(work)
        def run(**given: Any) -> None:
            guarded(lambda: work(**given))

        return group.command(name)(run)

    return made


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """Open the hub of this environment, migrated, and do the work in it."""

    async def opened() -> T:
        settings = here.settings()
        logs.install(settings.log_format)
        if not settings.has_database:
            raise NotAvailable("This command needs a database, and DATABASE_URL is none. Set it to the hub's database.")
        is_there(settings.database)  # says so where its address cannot be read
        async with hubs.opened(settings) as hub:
            return await work(hub)

    return asyncio.run(opened())


def read_password(*, from_stdin: bool) -> str:
    """The password: the first line of standard input, or typed twice at a terminal. It is never an argument."""
    if from_stdin:
        try:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise click.ClickException("The password is not UTF-8 text. Give it in that encoding.") from None
        return password
    context = click.get_current_context()
    if context.params.get("as_json") or not sys.stdin.isatty():
        raise click.UsageError("Give the password on standard input, with --password-stdin.")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return typed


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> str:
    """Rows in aligned columns under their heads, or a sentence where there are none."""
    if not rows:
        return nothing
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def guarded(work: Callable[[], T]) -> T:
    """Do the work; whatever it raises becomes a sentence and a stack only with `--debug`."""
    try:
        return work()
    except (click.exceptions.ClickException, BrokenPipeError):
        raise
    except HubError as error:
        raise click.ClickException(error.text) from None
    except Unreachable:
        raise click.ClickException(
            "The database did not answer. Check DATABASE_URL, and that the database runs, then try again."
        ) from None
    except OSError as error:
        _show_where(error)
        raise click.ClickException(f"That did not work: {error.strerror or type(error).__name__}. {_DEBUG}") from None
    except Exception as error:  # noqa: BLE001  # whatever it is, people get a sentence and exit 1
        _show_where(error)
        raise click.ClickException(f"Something unexpected went wrong ({type(error).__name__}). {_DEBUG}") from None


_DEBUG = "Run it again as `atlas-hub --debug …` to see where."


def _show_where(error: Exception) -> None:
    """The stack, with every known shape of secret covered, only where it is asked for."""
    context = click.get_current_context(silent=True)
    if context is not None and (context.find_root().obj or {}).get("debug"):
        click.echo(redact.redact("".join(traceback.format_exception(error))), err=True)
