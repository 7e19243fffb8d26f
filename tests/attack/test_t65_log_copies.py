"""T65, copies: a folder that was put back in part, a copy that takes the place of a better one, a death while old segments are tended.

Spec: audit L-31, L-62.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.audit.exporting import copy_log
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import DEEP, verify_log, Wanted
from mpp.host.home import Home
from tests.attack.dying import event

TENDING = """
import sys
from mpp.host.audit.log import AuditLog
from mpp.host.audit.tending import compress, prune
from mpp.host.home import Home

log = AuditLog(Home(path=sys.argv[1]))
print("ready", flush=True)
compress(log.places) if sys.argv[2] == "compress" else prune(log, 1_999_999_999, "why", "who", 1_790_000_000)
"""
KILLS = 8


def quiet(_: int, __: int) -> None:
    pass


def written(home: Home, count: int, kind: str = "agent") -> int:
    with AuditLog(home) as log:
        return [log.record(event(kind, number), durable=True) for number in range(count)][-1].seq


def holds(home: Home) -> bool:
    return verify_log(home.log, Wanted(depth=DEEP)).level == "signed"


@pytest.mark.parametrize("is_running", [False, True])
def test_a_head_of_yesterday_costs_no_entry(tmp_path: Path, is_running: bool) -> None:
    """A copy of the folder is put back while nobody looks, and the segment is newer than what helps to write it."""
    home = Home(path=str(tmp_path))
    written(home, 2)
    old = Path(home.log.head).read_bytes()
    log = AuditLog(home)
    told = [log.record(event("agent", number), durable=True) for number in range(5)]
    before = list(LogReader(home.log).lines())
    if not is_running:
        log.close()
        log = AuditLog(home)
    with open(home.log.head, "r+b") as stream:
        stream.write(old)
    assert log.record(event("agent", 9), durable=True).seq == told[-1].seq + 1
    log.close()
    assert list(LogReader(home.log).lines())[: len(before)] == before
    assert holds(home)


def test_no_copy_takes_the_place_of_another_log(tmp_path: Path) -> None:
    mine, other, copy = Home(path=str(tmp_path / "mine")), Home(path=str(tmp_path / "other")), str(tmp_path / "copy")
    written(mine, 5)
    written(other, 9)
    copy_log(mine.log, copy, quiet)
    kept = {path: path.read_bytes() for path in Path(copy).rglob("*") if path.is_file()}
    with pytest.raises(Refused, match=r"audit\.log_id"):
        copy_log(other.log, copy, quiet)
    assert {path: path.read_bytes() for path in Path(copy).rglob("*") if path.is_file()} == kept


@pytest.mark.parametrize(("more", "code"), [(0, "audit.truncated"), (20, "audit.fork")])
def test_no_copy_takes_the_place_of_what_was_cut_off_or_written_anew(tmp_path: Path, more: int, code: str) -> None:
    home, back, copy = Home(path=str(tmp_path / "home")), Home(path=str(tmp_path / "back")), str(tmp_path / "copy")
    written(home, 3)
    shutil.copytree(home.path, back.path)
    written(home, 8)
    copy_log(home.log, copy, quiet)
    if more:
        written(back, more, kind="stop")
    with pytest.raises(Refused, match=code.replace(".", r"\.")):
        copy_log(back.log, copy, quiet)
    assert LogReader(LogPlaces(folder=copy, keys="")).last() == LogReader(home.log).last()
    written(home, 3)
    assert copy_log(home.log, copy, quiet).size == LogReader(home.log).last() + 1


@pytest.mark.parametrize("work", ["compress", "prune"])
def test_a_death_while_old_segments_are_tended_costs_nothing(tmp_path: Path, work: str) -> None:
    base = Home(path=str(tmp_path / "base"))
    with AuditLog(base) as log:
        for _ in range(3):
            log.record_all([event("agent", number) for number in range(400)])
            log.seal()
    chance = random.Random(work)
    for number in range(KILLS):
        home = Home(path=str(tmp_path / str(number)))
        shutil.copytree(base.path, home.path)
        child = subprocess.Popen([sys.executable, "-c", TENDING, home.path, work], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.random() * 0.2)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert holds(home)
        written(home, 1)
        subprocess.run([sys.executable, "-c", TENDING, home.path, work], check=True, capture_output=True)
        assert holds(home)
        shutil.rmtree(home.path)
