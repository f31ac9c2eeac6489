"""`atlas-hub doctor`: looks at the installation and every connection, however little of it works."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from atlas_hub import bus
from atlas_hub import hub as hubs
from atlas_hub.accounts import workspaces
from atlas_hub.accounts.people import COMMAND_LINE
from atlas_hub.cli import here
from atlas_hub.cli.output import guarded
from atlas_hub.hub import Hub
from atlas_hub.kit.clock import now
from atlas_hub.kit.errors import BadForm
from atlas_hub.services import bundle, doctor, installed
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.bundle import Bundle
from atlas_hub.services.findings import Finding, Status, grouped, summary
from atlas_hub.settings import Settings
from atlas_hub.storage.db import is_there

MARKS: Final = {Status.OK: "✓", Status.WARNING: "!", Status.FAILED: "✕", Status.SKIPPED: "-"}
FOUND_FAULTS = 1


class NotRunError(click.ClickException):
    """The doctor itself could not be run."""

    exit_code = 2


@click.command()
@click.option("--workspace", "workspace_id", default=None, metavar="ID", help="Only this workspace's connections.")
@click.option("--bundle", "file", default=None, metavar="FILE", help="Write a redacted bundle, for whoever helps you.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value.")
def command(*, workspace_id: str | None, file: str | None, as_json: bool) -> None:
    """Say what is well, what is not and what to do. Exits 1 where anything failed, 2 where it could not be run."""
    try:
        findings, made = guarded(lambda: asyncio.run(_examined(workspace_id)))
        if file is not None:
            guarded(lambda: _write(Path(file), made))
    except click.exceptions.ClickException as error:
        raise NotRunError(error.message) from None
    click.echo(json.dumps(_value(findings), ensure_ascii=False) if as_json else _report(findings))
    if any(finding.status is Status.FAILED for finding in findings):
        sys.exit(FOUND_FAULTS)


async def _examined(workspace_id: str | None) -> tuple[list[Finding], Bundle]:
    """What was found, and the bundle of it."""
    found: list[Finding] = []
    paper = installed.sheet(found.append)
    settings = _settings(paper.failed)
    if settings is None:
        paper.skipped("database", "Nothing else can be looked at until the settings can be read.")
        return found, bundle.without_store(None, now(), found)
    async with hubs.as_found(settings) as hub:
        ids = await _workspaces(hub, workspace_id)
        actors = [Actor(id="command-line", name=COMMAND_LINE, workspace=each, role=Role.OWNER) for each in ids]
        found = await doctor.examine(hub, actors)
        broken = {finding.step for finding in found if finding.status is not Status.OK} & {"database", "migrations"}
        if broken:
            return found, bundle.without_store(settings, now(), found)
        return found, await bundle.made(hub, ids, found)


def _settings(failed: Any) -> Settings | None:
    """The settings; None where they cannot be read, each fault told."""
    try:
        settings = here.settings()
        if settings.has_database:
            is_there(settings.database)
        if settings.redis_url:
            bus.require_address(settings.redis_url)
    except BadForm as error:
        for name, text in error.fields.items():
            failed("settings", text, f"Correct {name}, then start the hub again.")
        return None
    return settings


async def _workspaces(hub: Hub, workspace_id: str | None) -> list[str]:
    """Whose connections are looked at: none where the database cannot say. Raises `NotFound` for an unknown one."""
    if not await _readable(hub):
        return []
    known = await doctor.workspaces(hub)
    if workspace_id is None:
        return known
    if workspace_id not in known:
        async with hub.db.reading() as tx:
            await workspaces.require(tx, workspace_id)
    return [workspace_id]


async def _readable(hub: Hub) -> bool:
    # What is wrong with it is the doctor's to say.
    with suppress(*hubs.Unreachable, OSError, TimeoutError):
        return await installed.is_current(hub)
    return False


def _write(file: Path, made: Bundle) -> None:
    """Write the bundle so that nobody else can read it, also where a file was there before."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, 0o600)
        out.write(made.model_dump_json(indent=1) + "\n")


def _value(findings: list[Finding]) -> dict[str, Any]:
    return {
        "findings": [asdict(finding) for finding in findings],
        "summary": summary(findings),
    }


def _report(findings: list[Finding]) -> str:
    lines: list[str] = []
    for group in grouped(findings):
        lines += [*([""] if lines else []), group.subject]
        for each in group.findings:
            lines.append(f"  {MARKS[each.status]} {each.step:<14} {each.text}")
            if each.fix:
                lines.append(f"  {'':<16} → {each.fix}")
    counted = ", ".join(f"{number} {word}" for word, number in summary(findings).items())
    return "\n".join([*lines, "", f"{counted}."])
