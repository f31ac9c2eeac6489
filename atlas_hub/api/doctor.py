"""The admin API's doctor: run it, and download the redacted bundle."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from pydantic import Field
from starlette.responses import Response

from atlas_hub.api.answers import Answer
from atlas_hub.api.envelope import JSON, Call
from atlas_hub.api.openapi import CHANGES, Operation
from atlas_hub.services import bundle, doctor
from atlas_hub.services.findings import Area, Status, summary


class FindingAnswer(Answer):
    """How one step ended: what was found, and what to do about it."""

    area: Area
    subject: str
    step: str
    status: Status
    text: str
    fix: str = Field(description="Empty where there is nothing to do.")
    connection: str = Field(description="The id of a stored connection, else empty.")
    code: str = Field(description="The one word of a refusal, else empty.")


class SummaryAnswer(Answer):
    """How many steps ended how."""

    ok: int = Field(ge=0)
    warning: int = Field(ge=0)
    failed: int = Field(ge=0)
    skipped: int = Field(ge=0)


class DoctorAnswer(Answer):
    """Every finding, in the order in which it was made."""

    findings: list[FindingAnswer]
    summary: SummaryAnswer


RUN: Final = Operation(
    path="/doctor",
    method="POST",
    id="runDoctor",
    summary="Look at the installation and every connection of the workspace; twice a minute at most",
    answer=DoctorAnswer,
    errors=CHANGES,
)
BUNDLE: Final = Operation(
    path="/doctor/bundle",
    method="GET",
    id="downloadDoctorBundle",
    summary="What is stored of the workspace's connections, without names and secrets, for whoever helps",
    answer=bundle.Bundle,
    errors=(400, 404),
)


async def run(call: Call) -> dict[str, Any]:
    """POST /doctor: every vendor is asked, and what it says is written down as a check's answer is."""
    found = await doctor.run(call.hub, call.actor)
    return {"findings": [asdict(finding) for finding in found], "summary": summary(found)}


async def download(call: Call) -> Response:
    """GET /doctor/bundle: no vendor is asked."""
    made = await bundle.of_workspace(call.hub, call.actor)
    named = {"Content-Disposition": 'attachment; filename="atlas-hub-doctor.json"'}
    return Response(made.model_dump_json(indent=1), media_type=JSON, headers=named)
