"""What the doctor says of a connection: the way there, what the vendor says, what is stored; and who may run it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select, update

from atlas_hub.hub import Hub
from atlas_hub.kit.clock import monotonic, now
from atlas_hub.kit.errors import Forbidden, TooManyRequests
from atlas_hub.kit.http import Http
from atlas_hub.services import connections, diagnosis, doctor
from atlas_hub.services.access import Actor
from atlas_hub.services.findings import Area, Finding, Status, grouped
from atlas_hub.storage import installation
from atlas_hub.storage.models import AuditEvent, AuditHead, Connection
from tests.conftest import open_hub
from tests.conftest import test_settings as settings_for
from tests.services.road import certified, road
from tests.standins.dial import Fault
from tests.standins.mailbox import PASSWORD, Mailbox
from tests.standins.slack import SlackStandin
from tests.standins.slack_seed import ACME, ACME_IN_FULL, SCOPELESS

OK, WARNING, FAILED, SKIPPED = Status.OK, Status.WARNING, Status.FAILED, Status.SKIPPED


async def connect(hub: Hub, who: Actor, token: str = ACME_IN_FULL) -> str:
    values = {"bot_token": token}
    return (await connections.connect(hub, who, "slack", "bot_token", values, source="page")).view.id


async def examined(hub: Hub, who: Actor) -> dict[str, Finding]:
    """The findings of the workspace's one connection, by step."""
    found = await doctor.run(hub, who)
    told = [each for each in found if each.area is Area.CONNECTION]
    assert len({each.subject for each in told}) == 1
    assert len({each.step for each in told}) == len(told)
    for each in told:
        assert bool(each.fix) is (each.status in {WARNING, FAILED}), each
        assert each.text.endswith(".")
    return {each.step: each for each in told}


def statuses(found: dict[str, Finding]) -> dict[str, Status]:
    return {step: finding.status for step, finding in found.items()}


@asynccontextmanager
async def through(hub: Hub, address: str) -> AsyncIterator[Hub]:
    """The same hub, whose Slack is at this address."""
    http = Http({"SLACK": address}, hub.http.guard)
    try:
        yield replace(hub, http=http)
    finally:
        await http.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor that hangs costs a test a second and a half."""
    monkeypatch.setattr(diagnosis, "CHECK_SECONDS", 1.5)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


async def test_a_sound_connection_has_nothing_to_do(
    vendors: Hub, slack: SlackStandin, owner: Actor, authority: trustme.CA
) -> None:
    async with (
        road(slack.base, context=certified(authority, "localhost"), date=now()) as address,
        through(vendors, address) as hub,
    ):
        row_id = await connect(hub, owner)
        found = await examined(hub, owner)
    assert statuses(found) == {
        "dns": OK, "tls": OK, "clock": OK, "authentication": OK, "scopes": OK, "destination": SKIPPED, "expiry": OK,
        "sunset": OK,
    }  # fmt: skip
    assert "localhost" in found["dns"].text
    assert "Acme Corp" in found["authentication"].text
    assert {each.connection for each in found.values()} == {row_id}


async def test_what_it_learns_is_written_down_as_a_check_is(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    await connect(vendors, owner)
    slack.dial.set(Fault.UNAUTHORIZED)
    found = await examined(vendors, owner)
    assert (found["authentication"].status, found["authentication"].code) == (FAILED, "INVALID_CREDENTIALS")
    assert found["scopes"].status is SKIPPED
    async with vendors.db.reading() as tx:
        row = (await tx.execute(select(Connection))).scalar_one()
        kinds = [event.kind for event in (await tx.execute(select(AuditEvent))).scalars()]
    assert row.state == "reconnect"
    assert "checked" in kinds


async def test_a_certificate_that_is_not_for_the_name_is_told_and_the_key_is_not_blamed(
    vendors: Hub, slack: SlackStandin, owner: Actor, authority: trustme.CA
) -> None:
    await connect(vendors, owner)
    async with (
        road(slack.base, context=certified(authority, "other.example")) as address,
        through(vendors, address) as hub,
    ):
        found = await examined(hub, owner)
    assert (found["tls"].status, found["authentication"].status) == (FAILED, SKIPPED)
    assert "Hostname mismatch" in found["tls"].text


async def test_a_certificate_of_nobody_known_is_told(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    await connect(vendors, owner)
    async with (
        road(slack.base, context=certified(trustme.CA(), "localhost")) as address,
        through(vendors, address) as hub,
    ):
        found = await examined(hub, owner)
    assert found["tls"].status is FAILED
    assert "not valid" in found["tls"].text


async def test_a_certificate_that_ends_soon_is_a_warning(
    vendors: Hub, slack: SlackStandin, owner: Actor, authority: trustme.CA
) -> None:
    context = certified(authority, "localhost", ends=now() + timedelta(days=3, minutes=5))
    async with road(slack.base, context=context) as address, through(vendors, address) as hub:
        await connect(hub, owner)
        found = await examined(hub, owner)
    assert found["tls"].status is WARNING
    assert "3 days" in found["tls"].text


@pytest.mark.parametrize(
    ("ahead", "expected", "word"),
    [(0, OK, "agree"), (50, OK, "agree"), (120, WARNING, "seconds ahead"), (-120, WARNING, "behind"),
     (400, FAILED, "ahead"), (-400, FAILED, "behind")],
)  # fmt: skip
async def test_a_clock_is_compared_with_the_vendors(
    vendors: Hub, slack: SlackStandin, owner: Actor, ahead: int, expected: Status, word: str
) -> None:
    await connect(vendors, owner)
    moment = now()
    async with road(slack.base, date=moment - timedelta(seconds=ahead)) as address, through(vendors, address) as hub:
        found = await doctor.run(hub, owner)
    clocks = [each for each in found if each.step == "clock"]
    assert {each.area for each in clocks} == {Area.INSTALLATION, Area.CONNECTION}
    for each in clocks:
        assert each.status is expected
        assert word in each.text


async def test_a_name_that_leads_nowhere_ends_the_look_early(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner)
    async with through(vendors, "https://nowhere.invalid") as hub:
        found = await examined(hub, owner)
    assert [found[step].status for step in ("dns", "tls", "clock", "authentication")] == [
        FAILED, SKIPPED, SKIPPED, SKIPPED,
    ]  # fmt: skip
    assert "nowhere.invalid" in found["dns"].text


async def test_a_port_where_nobody_listens_is_told(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    await connect(vendors, owner)
    slack.stop()
    found = await examined(vendors, owner)
    assert (found["authentication"].status, found["authentication"].code) == (FAILED, "NETWORK_ERROR")
    async with through(vendors, slack.base.replace("http:", "https:")) as hub:
        found = await examined(hub, owner)
    assert (found["tls"].status, found["authentication"].status) == (FAILED, SKIPPED)


@pytest.mark.usefixtures("impatient")
async def test_a_vendor_that_hangs_costs_a_few_seconds(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    await connect(vendors, owner)
    slack.dial.set(Fault.HANG)
    begun = monotonic()
    found = await examined(vendors, owner)
    assert monotonic() - begun < 8  # ten is what a call gets elsewhere
    assert found["authentication"].status is FAILED


async def test_what_is_not_looked_at_in_time_is_left_for_the_next_run(
    vendors: Hub, slack: SlackStandin, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(vendors, owner)
    slack.dial.set(Fault.HANG)
    monkeypatch.setattr(doctor, "ALL_SECONDS", 0.3)
    found = await examined(vendors, owner)
    assert found["authentication"].status is SKIPPED
    assert "Run the doctor again" in found["authentication"].text


@pytest.mark.usefixtures("impatient")
async def test_many_dead_vendors_are_looked_at_side_by_side(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    for token in (ACME, ACME_IN_FULL):
        await connect(vendors, owner, token)
    async with vendors.db.transaction() as tx:
        row = (await tx.execute(select(Connection))).scalars().first()
        assert row is not None
        for number in range(3):
            values = row.model_dump(exclude={"id", "identifier", "account_key", "primary_scope"})
            tx.add(Connection(**values, identifier=f"more-{number}", account_key=f"T{number}"))
    slack.dial.set(Fault.HANG)
    begun = monotonic()
    found = await doctor.run(vendors, owner)
    assert monotonic() - begun < 4 * diagnosis.CHECK_SECONDS  # one after the other they cost that alone
    assert len([each for each in found if each.step == "authentication" and each.status is FAILED]) == 4


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(Fault.BUSY_SECONDS, WARNING, "RATE_LIMITED"), (Fault.SERVER_ERROR, FAILED, "PLATFORM_ERROR"),
     (Fault.HTML, FAILED, "PLATFORM_ERROR")],
)  # fmt: skip
async def test_a_vendors_own_fault_is_not_the_keys(
    vendors: Hub, slack: SlackStandin, owner: Actor, fault: Fault, status: Status, code: str
) -> None:
    await connect(vendors, owner)
    slack.dial.set(fault)
    found = await examined(vendors, owner)
    assert (found["authentication"].status, found["authentication"].code) == (status, code)
    assert "Replace the key" not in found["authentication"].fix


async def test_missing_scopes_are_named(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner, SCOPELESS)
    found = await examined(vendors, owner)
    assert (found["authentication"].status, found["scopes"].status) == (OK, WARNING)
    assert "chat:write" in found["scopes"].text


@pytest.mark.parametrize(("days", "expected"), [(-1, FAILED), (13, WARNING), (15, OK)])
async def test_an_end_is_told_two_weeks_before(vendors: Hub, owner: Actor, days: int, expected: Status) -> None:
    await connect(vendors, owner)
    async with vendors.db.reading() as tx:
        row = (await tx.execute(select(Connection))).scalar_one()
    paper: list[Finding] = []
    outcome = diagnosis.Outcome(expires_at=now() + timedelta(days=days))
    diagnosis._stored(diagnosis.of_row(row, paper.append), vendors, diagnosis.PROVIDERS["slack"], outcome)
    assert {each.step: each.status for each in paper}["expiry"] is expected


async def test_a_mail_server_is_looked_at_too(vendors: Hub, owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    with Mailbox() as box:
        monkeypatch.setenv("SSL_CERT_FILE", box.ca_pem_path)
        values = {
            "host": "localhost", "port": box.port, "username": "atlas", "password": PASSWORD,
            "tls": True, "sender_address": "atlas@acme.example",
        }  # fmt: skip
        await connections.connect(vendors, owner, "email", "smtp", values, source="page")
        found = await examined(vendors, owner)
    assert [found[step].status for step in ("dns", "tls", "clock", "authentication")] == [OK, SKIPPED, SKIPPED, OK]
    assert "localhost" in found["dns"].text


async def test_a_row_that_cannot_be_opened_is_not_tried_and_not_changed(
    vendors: Hub, owner: Actor, tmp_path: Path
) -> None:
    await connect(vendors, owner)
    vendors.vault.lock("The key is gone.")
    found = await examined(vendors, owner)
    assert (found["authentication"].status, found["authentication"].code) == (FAILED, "VAULT_LOCKED")
    async with vendors.db.reading() as tx:
        assert (await tx.execute(select(Connection.state))).scalar_one() == "ok"


async def test_only_owners_and_admins_run_it_and_only_for_their_own(
    vendors: Hub, owner: Actor, member: Actor, other_owner: Actor
) -> None:
    await connect(vendors, owner)
    with pytest.raises(Forbidden):
        await doctor.run(vendors, member)
    found = await doctor.run(vendors, other_owner)
    assert {each.area for each in found} == {Area.INSTALLATION}
    await doctor.run(vendors, other_owner)
    with pytest.raises(TooManyRequests) as refused:
        await doctor.run(vendors, other_owner)
    assert 1 <= refused.value.retry_after <= 60
    assert await doctor.run(vendors, owner)  # another workspace's limit is its own


async def test_where_it_is_run_for_many_nobody_sees_the_installation_or_a_variable(
    slack: SlackStandin, owner: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_UPSTREAM_SLACK", slack.base)
    async with open_hub(settings_for(tmp_path, deploy_mode="saas")) as hub:
        await connect(hub, owner)
        for fault in (Fault.OK, Fault.UNAUTHORIZED):
            slack.dial.set(fault)
            found = await doctor.run(hub, owner)
            assert {each.area for each in found} == {Area.CONNECTION}
            assert not [each for each in found if "ATLAS_" in each.text + each.fix or "SLACK_" in each.text + each.fix]
        assert await doctor.here(hub, owner) == []


@pytest.mark.usefixtures("impatient")
async def test_each_finding_is_told_when_it_is_known(vendors: Hub, slack: SlackStandin, owner: Actor) -> None:
    await connect(vendors, owner)
    slack.dial.set(Fault.HANG)
    told: list[Finding] = []
    database = asyncio.Event()

    def tell(found: Finding) -> None:
        told.append(found)
        if found.step == "database":
            database.set()

    running = asyncio.create_task(doctor.run(vendors, owner, tell))
    await asyncio.wait_for(database.wait(), 10)
    assert not running.done()
    assert await running == told


async def test_mail_of_the_environment_is_looked_at_in_the_first_workspace(
    vendors: Hub, owner: Actor, other_owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_SMTP_URL", "https://user:hunter2@nowhere.invalid/send")
    async with vendors.db.transaction() as tx:
        (await installation.the_row(tx)).first_workspace = owner.workspace
    found = await doctor.run(vendors, owner)
    assert "hunter2" not in str(found)
    assert [each.status for each in found if each.subject == "Email of the environment"]
    found = await doctor.run(vendors, other_owner)
    assert not [each for each in found if each.area is Area.CONNECTION]


async def test_a_workspace_that_lost_its_audit_log_is_told(vendors: Hub, owner: Actor) -> None:
    await connect(vendors, owner)
    assert audit_of(await doctor.run(vendors, owner)).status is OK
    async with vendors.db.transaction() as tx:
        await tx.execute(update(AuditHead).values(workspace="f" * 24))
    assert audit_of(await doctor.run(vendors, owner)).status is FAILED


def audit_of(found: list[Finding]) -> Finding:
    return next(each for each in found if each.step == "audit")


def test_the_installation_comes_first_then_what_is_worst() -> None:
    def finding(area: Area, subject: str, status: Status, step: str = "dns") -> Finding:
        return Finding(area=area, subject=subject, step=step, status=status, text="")

    groups = grouped(
        [
            finding(Area.CONNECTION, "fine", OK),
            finding(Area.CONNECTION, "worse", SKIPPED),
            finding(Area.CONNECTION, "worse", FAILED, "tls"),
            finding(Area.CONNECTION, "bad", WARNING),
            finding(Area.INSTALLATION, "Installation", OK),
        ]
    )
    assert [group.subject for group in groups] == ["Installation", "worse", "bad", "fine"]
    assert [each.status for each in groups[1].findings] == [FAILED, SKIPPED]
    assert groups[1].status is FAILED
