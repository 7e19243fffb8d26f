"""The record of calls: whole lines in order, from many processes, and an error where it cannot be kept."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.journal import Journal
from mpp.model.events import EVENT_BYTES_MAX, Event, read_event


def event(number: int = 0, **body: str) -> Event:
    return Event(kind="intent", at=number, tenant="t", invocation="", body=dict(body))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "events.jsonl"


def numbers(path: Path) -> list[int]:
    return [read_event(line, where="x").at for line in path.read_bytes().splitlines()]


def test_events_stand_in_the_order_of_telling(path: Path) -> None:
    journal = Journal(str(path))
    for number in range(5):
        journal.record(event(number), durable=number % 2 == 0)
    assert numbers(path) == [0, 1, 2, 3, 4]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("torn", [b'{"at":1,"bo', b"x" * 3000])
def test_half_a_line_of_a_crash_goes_and_whole_ones_stay(path: Path, torn: bytes) -> None:
    journal = Journal(str(path))
    journal.record(event(1))
    with path.open("ab") as stream:
        stream.write(torn)
    journal.record(event(2))
    assert numbers(path) == [1, 2]


def test_a_file_that_is_half_a_line_alone_begins_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"half')
    Journal(str(path)).record(event(3))
    assert numbers(path) == [3]


WRITER = """
import sys
from mpp.host.journal import Journal
from mpp.model.events import Event
journal = Journal(sys.argv[1])
for number in range(50):
    journal.record(Event(kind="intent", at=number, tenant=sys.argv[2], invocation="", body={"pad": "x" * 500}))
"""


def test_lines_of_many_processes_do_not_mix(path: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(one)]) for one in range(6)]
    assert [process.wait(60) for process in processes] == [0] * 6
    found = [read_event(line, where="x") for line in path.read_bytes().splitlines()]
    assert len(found) == 300
    for one in range(6):
        assert [line.at for line in found if line.tenant == str(one)] == list(range(50))


def test_an_event_too_large_for_a_line_is_refused(path: Path) -> None:
    with pytest.raises(HostFailed, match=r"host\.journal"):
        Journal(str(path)).record(event(1, pad="x" * EVENT_BYTES_MAX))
    assert not path.exists()


def test_no_record_is_an_error(path: Path) -> None:
    path.parent.mkdir()
    path.mkdir()
    with pytest.raises(HostFailed) as caught:
        Journal(str(path)).record(event(1), durable=True)
    assert caught.value.code == "host.journal"


def test_what_is_no_regular_file_is_no_record(path: Path) -> None:
    """Attack: a pipe or a link in the place of the record swallows it."""
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(HostFailed, match="no regular file"):
        Journal(str(path)).record(event(1))
    path.unlink()
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(HostFailed, match=r"host\.journal"):
        Journal(str(path)).record(event(1))


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(HostFailed, match=r"host\.journal"):
        Journal("/dev/full").record(event(1))


def test_the_line_is_canonical(path: Path) -> None:
    Journal(str(path)).record(event(1, b="2", a="1"))
    line = path.read_text()
    assert line == json.dumps(json.loads(line), sort_keys=True, separators=(",", ":")) + "\n"
