"""T39, wearing out: after thousands of calls of good and hostile guests, memory and descriptors of all processes are what they were.

``MPP_SOAK=100000`` makes it long.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.host.drive import drive
from mpp.model.rights import Rights
from mpp.stages.sandbox import CallScope, Order, Worker, run_call
from tests.attack.guests.puppet import PUPPET, Script
from tests.attack.sandboxed import CONTEXT, MIB, Box, Host, Silent, children, code, guest, pid_of

CALLS = int(os.environ.get("MPP_SOAK", "3000"))
END_SECONDS = 30
WARM = 500
"""Calls before the first look: caches and arenas fill once."""
GROWTH_MAX = 4 * MIB
"""Bytes that a process may have more in the end. Reason: a leak of two kilobytes for each call shows in 3,000."""


def resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def script() -> bytes:
    """Files, a host call and an answer, in one call."""
    found = Script()
    for name in (b"a", b"b", b"missing", b"../out"):
        _, at = found.open(name, asked=1 if name in {b"a", b"b"} else 0, base=2 | 64)
        found.write(at, b"content")
    found.host(b'{"method": "any"}')
    return found.line()


def one_worker(box: Box, folder: Path) -> tuple[Worker, Callable[[], str]]:
    folders = (("/data", folder, True),)
    rights = box.rights(PUPPET, folders)
    worker = drive(box.spawning(PUPPET, rights, 16 * MIB))
    scope = CallScope(rights=Rights(tenant="t", publisher_id="p", package_id="i", content_hash="h"), context=CONTEXT, live=Silent())
    line = script()

    def call() -> str:
        order = Order(deadline=time.monotonic() + 10, deterministic=False, now_ns=0, seed=bytes(32), env=((b"A", b"b"),), stdin=line, memory_bytes=16 * MIB)
        return code(drive(run_call(worker, order, Host(), scope)).fault)

    return worker, call


def test_one_process_over_many_calls(box: Box, tmp_path: Path) -> None:
    worker, call = one_worker(box, tmp_path)
    try:
        looks = (resident, descriptors)
        pids = (os.getpid(), box.zygote.pid, pid_of(worker))
        assert {call() for _ in range(WARM)} == {""}
        before = [[look(pid) for pid in pids[: 3 if look is resident else 2]] for look in looks]
        for _ in range(CALLS):
            assert call() == ""
        after = [[look(pid) for pid in pids[: 3 if look is resident else 2]] for look in looks]
        grown = [now - then for now, then in zip(after[0], before[0], strict=True)]
        assert max(grown) < GROWTH_MAX, f"host, zygote, worker grew by {grown}"
        assert after[1] == before[1]
    finally:
        worker.kill()


@pytest.mark.parametrize("kinds", [("unreachable", "recursion", "memory-at-start", "leftovers"), ("stdout-vector", "grow", "table-bomb", "loop-of-exceptions")])
def test_hostile_guests_over_many_calls(box: Box, kinds: tuple[str, ...]) -> None:
    def turns(count: int) -> None:
        for turn in range(count):
            box.run(guest(kinds[turn % len(kinds)]), seconds=0.01 if "loop" in kinds[turn % len(kinds)] else 5)

    turns(60)
    pids = (os.getpid(), box.zygote.pid)
    before = [resident(pid) for pid in pids]
    turns(CALLS // 10)
    grown = [resident(pid) - then for pid, then in zip(pids, before, strict=True)]
    assert max(grown) < GROWTH_MAX, f"host and zygote grew by {grown}"


def test_processes_that_come_and_go(box: Box) -> None:
    # Each agent has a process of its own, so each call here starts one and ends another.
    def turns(count: int, first: int) -> None:
        for turn in range(count):
            assert box.run(box.echo, b"x", agent=f"agent {first + turn}").stdout == b"x"

    turns(30, 0)
    before = [resident(pid) for pid in (os.getpid(), box.zygote.pid)], descriptors(box.zygote.pid)
    turns(CALLS // 20, 30)
    after = [resident(pid) for pid in (os.getpid(), box.zygote.pid)], descriptors(box.zygote.pid)
    assert max(now - then for now, then in zip(after[0], before[0], strict=True)) < GROWTH_MAX
    assert after[1] == before[1]
    until = time.monotonic() + END_SECONDS
    # The one that was ended last takes a moment to be gone.
    while len(children(box.zygote.pid)) > 6:
        assert time.monotonic() < until, "processes are left"
        time.sleep(0.05)
