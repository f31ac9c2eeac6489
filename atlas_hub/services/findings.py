"""What the doctor finds: one sentence for each step, what to do about it, and how findings are put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """What a finding is about."""

    INSTALLATION = "installation"
    CONNECTION = "connection"


class Status(StrEnum):
    """How a step ended, the worst first."""

    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"
    OK = "ok"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """How one step ended. `text` is what was found, `fix` what to do, empty where there is nothing to do.

    `subject` is what people call the thing; `connection` its id where it is a stored connection; `code` the one word
    of a vendor's refusal.
    """

    area: Area
    subject: str
    step: str
    status: Status
    text: str
    fix: str = ""
    connection: str = ""
    code: str = ""


Tell = Callable[[Finding], None]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Where the findings about one subject are written."""

    area: Area
    subject: str
    tell: Tell
    connection: str = ""

    def ok(self, step: str, text: str) -> None:
        """Nothing to do."""
        self._write(step, Status.OK, text)

    def skipped(self, step: str, text: str) -> None:
        """It could not be told, and `text` says why."""
        self._write(step, Status.SKIPPED, text)

    def warning(self, step: str, text: str, fix: str, code: str = "") -> None:
        """It works, but somebody should look."""
        self._write(step, Status.WARNING, text, fix, code)

    def failed(self, step: str, text: str, fix: str, code: str = "") -> None:
        """It does not work."""
        self._write(step, Status.FAILED, text, fix, code)

    def _write(self, step: str, status: Status, text: str, fix: str = "", code: str = "") -> None:
        self.tell(
            Finding(
                area=self.area,
                subject=self.subject,
                step=step,
                status=status,
                text=text,
                fix=fix,
                connection=self.connection,
                code=code,
            )
        )


@dataclass(frozen=True, kw_only=True)
class Group:
    """The findings about one subject, the worst first; `status` is the worst of them."""

    area: Area
    subject: str
    connection: str
    status: Status
    findings: Sequence[Finding]


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """The installation, then each connection, those with the worst findings first."""
    found: dict[tuple[Area, str, str], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.area, finding.connection, finding.subject), []).append(finding)
    groups = [
        Group(
            area=area,
            subject=subject,
            connection=connection,
            status=_worst(told),
            findings=sorted(told, key=lambda finding: _badness(finding.status)),
        )
        for (area, connection, subject), told in found.items()
    ]
    return sorted(groups, key=lambda group: (group.area is not Area.INSTALLATION, _badness(group.status)))


def _badness(status: Status) -> int:
    # What was skipped is no worse than what is well: both leave nothing to do.
    return {Status.FAILED: 0, Status.WARNING: 1}.get(status, 2)


def _worst(findings: Sequence[Finding]) -> Status:
    for status in (Status.FAILED, Status.WARNING, Status.OK):
        if any(finding.status is status for finding in findings):
            return status
    return Status.SKIPPED


def summary(findings: Iterable[Finding]) -> dict[str, int]:
    """How many steps ended how."""
    counted = dict.fromkeys(("ok", "warning", "failed", "skipped"), 0)
    for finding in findings:
        counted[finding.status.value] += 1
    return counted
