"""Row ids and the times they sort by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from atlas_hub.kit import ids
from atlas_hub.kit.clock import iso, now, parse
from atlas_hub.kit.ids import is_id, new_id, workspace_id


def test_ids_have_the_shape_of_ids_and_differ():
    made = [new_id() for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert all(is_id(each) for each in made)


def test_ids_sort_by_the_time_they_were_made(monkeypatch: pytest.MonkeyPatch):
    start = datetime(2026, 10, 1, tzinfo=UTC)
    made = []
    for milliseconds in (0, 1, 2, 1000, 10**9, 10**12):
        monkeypatch.setattr(ids, "now", lambda at=start + timedelta(milliseconds=milliseconds): at)
        made.append(new_id())
    assert made == sorted(made)
    assert len({each[:11] for each in made}) == len(made)


def test_ids_keep_their_length_until_2527(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ids, "now", lambda: datetime(2527, 1, 1, tzinfo=UTC))
    assert is_id(new_id())


@pytest.mark.parametrize(
    "text",
    ["", "a" * 23, "a" * 25, "A" * 24, "g" * 24, "0" * 23 + "\n", " " + "0" * 23, chr(0x660) * 24, "conn_" + "0" * 24],
)  # fmt: skip
def test_other_texts_are_no_ids(text: str):
    assert not is_id(text)


def test_a_moment_is_written_in_utc_with_milliseconds_and_read_back():
    moment = datetime(2026, 10, 1, 14, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=2)))
    assert iso(moment) == "2026-10-01T12:00:00.123Z"
    assert parse(iso(moment)) == moment
    assert now().tzinfo is UTC


def test_a_hosts_own_id_is_always_the_same_workspace_and_no_other_ones():
    assert workspace_id("tenant-42") == workspace_id("tenant-42") == "52d76917c88e396f16da5f26"
    assert is_id(workspace_id("Ünïcode / 7"))
    assert len({workspace_id(str(number)) for number in range(1000)}) == 1000


@pytest.mark.parametrize("nobody", ["", "  "])
def test_a_tenant_without_an_id_has_no_workspace(nobody: str):
    with pytest.raises(ValueError, match="without an id"):
        workspace_id(nobody)
