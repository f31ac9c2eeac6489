"""`atlas-hub audit …`: read, export and verify the audit log."""

from __future__ import annotations

from typing import Any

import click

from atlas_hub.accounts.people import COMMAND_LINE
from atlas_hub.cli.output import Said, command, table, with_hub, writing
from atlas_hub.hub import Hub
from atlas_hub.kit.errors import BadForm, NotFound
from atlas_hub.services import activity, verifying
from atlas_hub.services.access import Actor, Role
from atlas_hub.services.activity import LAST_SEQ, MOST, RESULTS, USUAL, Filters, Format, Page
from atlas_hub.services.verifying import Verified
from atlas_hub.storage import audit as chains
from atlas_hub.storage.activity import is_text

INSTALLATION = "-"
"""What is typed for the installation's own chain, which belongs to no workspace."""


@click.group()
def audit() -> None:
    """Read, export and verify the audit log."""


def _chosen(work: Any) -> Any:
    """The options that choose events."""
    for option in reversed((
        click.option("--workspace", required=True, metavar="ID", help="Whose log; - for the installation's own."),
        click.option("--kind", default="", help="Only events of this kind, such as connected."),
        click.option("--provider", default="", help="Only events of this provider."),
        click.option("--actor", default="", help="Only events by someone whose name contains this."),
        click.option("--result", default="", type=click.Choice(["", *RESULTS]), help="Only what went well, or failed."),
        click.option("--subject", default="", help="Only what happened to this id or address."),
        click.option("--from", "since", default="", metavar="DATE", help="Not before this day or moment (UTC)."),
        click.option("--to", "until", default="", metavar="DATE", help="Until this day, or before this moment (UTC)."),
    )):  # fmt: skip
        work = option(work)
    return work


@command(audit, "list")
@_chosen
@click.option(
    "--before", default=None, type=click.IntRange(1, LAST_SEQ), metavar="SEQ", help="Only events before this one."
)
@click.option("--limit", default=USUAL, type=click.IntRange(1, MOST), show_default=True)
def list_events(*, workspace: str, before: int | None, limit: int, **chosen: str) -> Said:
    """Show what happened in a workspace, newest first."""
    filters = _filters(chosen)

    async def find(hub: Hub) -> Page:
        return await activity.listed(hub, await _reader(hub, workspace), filters, before=before, limit=limit)

    page = with_hub(find)
    events = [activity.wire(event) for event in page.events]
    columns = ("seq", "at", "kind", "result", "actor", "provider", "subject")
    notes = [
        f"Event {event['seq']} cannot be read. Run `atlas-hub audit verify`." for event in events if not event["at"]
    ]
    if page.older:
        notes.append(f"There are older ones: --before {events[-1]['seq']}")
    return Said(
        value=events,
        text=table(
            [name.upper() for name in columns],
            [[str(event[name]) or "-" for name in columns] for event in events],
            nothing="Nothing that happened matches.",
        ),
        note="\n".join(notes),
    )


@writing(audit, "export")
@_chosen
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    help="CSV, or one JSON value a line.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
def export_events(*, workspace: str, form: str | None, as_json: bool, **chosen: str) -> None:
    """Write everything that happened in a workspace to standard output, oldest first."""
    filters = _filters(chosen)
    if as_json and form == Format.CSV:
        raise click.UsageError("--json and --format csv exclude each other. Give one of them.")
    if form is None and not as_json:
        raise click.UsageError("Give --format csv, --format jsonl or --json.")
    written = Format(form or Format.JSONL)

    async def write(hub: Hub) -> None:
        async for piece in activity.exported(hub, await _reader(hub, workspace), filters, written):
            click.echo(piece, nl=False)

    with_hub(write)


@command(audit, "verify")
@click.option("--workspace", default=None, metavar="ID", help="Only this one's log; - for the installation's own.")
@click.option("--head", default=None, metavar="HASH", help="A head that was kept elsewhere and must still be there.")
def verify(*, workspace: str | None, head: str | None) -> Said:
    """Find what was edited, inserted or taken out behind the hub's back. Exit 0 only where everything is whole."""

    async def walk(hub: Hub) -> list[Verified]:
        if workspace is None:
            return [each async for each in verifying.all_verified(hub, head)]
        return [await verifying.verified(hub, _chain(workspace), head)]

    found = with_hub(walk)
    kept = next((each for each in found if each.head_at is not None), None)
    lost = head is not None and kept is None
    whole = all(each.whole for each in found) and not lost
    value: dict[str, Any] = {"whole": whole, "chains": [_told(each) for each in found]}
    if head is not None:
        value["head"] = {"workspace": kept.workspace, "seq": kept.head_at} if kept else None
    lines = [line for each in found for line in _lines(each)] or ["Nothing happened here yet."]
    if kept is not None:
        lines.append(f"The head that was kept is event {kept.head_at} of {_name(kept.workspace)}.")
    elif lost:
        lines.append("The head that was kept is in no chain: a tail was cut, or its workspace was deleted.")
    note = "Keep these hashes elsewhere: `--head HASH` shows later that nothing was cut off." if whole else ""
    return Said(value=value, text="\n".join(lines), note=note, failed=not whole)


def _filters(chosen: dict[str, str]) -> Filters:
    try:
        return activity.filters_of({**chosen, "from": chosen["since"], "to": chosen["until"]})
    except BadForm as error:
        raise click.UsageError(" ".join(f"--{name}: {text}" for name, text in error.fields.items())) from None


async def _reader(hub: Hub, workspace: str) -> Actor:
    chain = _chain(workspace)
    async with hub.db.reading() as tx:
        if chain and not (is_text(chain) and await chains.has_head(tx, chain)):
            raise NotFound("There is no audit log of a workspace with this id.")
    return Actor(id=COMMAND_LINE, name=COMMAND_LINE, workspace=chain, role=Role.OWNER)


def _chain(workspace: str) -> str:
    return "" if workspace == INSTALLATION else workspace


def _name(workspace: str) -> str:
    return workspace or "the installation"


def _told(each: Verified) -> dict[str, Any]:
    return {
        "workspace": each.workspace,
        "seq": each.seq,
        "hash": each.hash,
        "whole": each.whole,
        "findings": [
            {"seq": one.seq, "eventId": one.event_id, "fault": one.fault, "text": one.text} for one in each.findings
        ],
        "leftOut": each.left_out,
    }


def _lines(each: Verified) -> list[str]:
    state = "whole" if each.whole else "NOT WHOLE"
    lines = [f"{_name(each.workspace)}  {state}  {each.seq} events  {each.hash or '-'}"]
    for one in each.findings:
        event = f" {one.event_id}" if one.event_id else ""
        lines.append(f"  event {one.seq}{event}: {one.fault.replace('_', ' ')}. {one.text}")
    if each.left_out:
        lines.append(f"  and {each.left_out} more")
    return lines
