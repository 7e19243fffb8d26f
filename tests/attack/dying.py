"""A child that writes a log and dies at one chosen step of its way to the disk, and what a power cut would have left of it."""

from __future__ import annotations

import os
import random
import signal
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from mpp.host.audit.head import Head
from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import THOROUGH, verify_log, Wanted
from mpp.host.home import Home
from mpp.model.events import EntryRef, Event
from mpp.stages.audit.verdict import Verdict
from mpp.testing.packages import NOW, TestClock

ACK = struct.Struct("<QB32s")
STEPS_MARK, WRITE_MARK = 2, 3
STEPS = ("open", "write", "pwrite", "fsync", "fdatasync", "ftruncate", "truncate", "rename", "replace", "unlink", "mkdir", "posix_fallocate", "posix_fadvise")
"""What is done to the disk; each call is one step."""

HEAD_STEPS = ("_put", "set_state", "put_pending", "add_leaves", "begin")
"""What is done to the page that all writers share."""

WRITES = frozenset(("write", "pwrite"))


@dataclass(frozen=True)
class Acked:
    """An entry of which somebody was told."""

    seq: int
    leaf: str
    durable: bool


@dataclass(frozen=True)
class Death:
    acked: tuple[Acked, ...]
    steps: int
    """How many there were: of a child that lived to its end."""
    killed: bool
    writes: tuple[int, ...]
    """Which of them wrote bytes: of a child that lived to its end."""


LAST = 0xFFFF
"""The number of the call with which the next process begins."""

Told = Callable[[EntryRef, bool], None]
Work = Callable[[Home, Told], None]


def fast_folder() -> Path:
    """A folder whose syncs cost nothing: what was synced is known from the calls, not from a disk."""
    base = "/dev/shm" if os.path.isdir("/dev/shm") and os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="mpp-log-", dir=base))


def event(kind: str = "agent", number: int = 0, **body: object) -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=f"{number:032x}", body={"n": number, **body})  # type: ignore[dict-item]


def run_and_die(home: Home, work: Work, at: int, *, half: bool = False, shadow: Path | None = None) -> Death:
    """Fork, do ``work``, and die by SIGKILL before step ``at``; with ``half`` after half of the bytes of that step."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        _child(home, work, at, half, shadow, into)
    os.close(into)
    with os.fdopen(out, "rb") as stream:
        told = stream.read()
    _, status = os.waitpid(pid, 0)
    found = [ACK.unpack_from(told, i * ACK.size) for i in range(len(told) // ACK.size)]
    acked = tuple(Acked(seq, leaf.hex(), bool(durable)) for seq, durable, leaf in found if durable < STEPS_MARK)
    steps = max((seq for seq, kind, _ in found if kind == STEPS_MARK), default=0)
    writes = tuple(seq for seq, kind, _ in found if kind == WRITE_MARK)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(status) == 0, status
    return Death(acked=acked, steps=steps, killed=killed, writes=writes)


def _child(home: Home, work: Work, at: int, half: bool, shadow: Path | None, into: int) -> None:
    """Never returns."""
    code = 1
    try:
        steps = _Steps(at, half, shadow, into)
        steps.install()
        work(home, lambda ref, durable: steps.tell(ref.seq, int(durable), bytes.fromhex(ref.leaf)))
        steps.tell(steps.count, STEPS_MARK, bytes(32))
        code = 0
    except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
        import traceback

        traceback.print_exc()
    finally:
        steps.exit(code)


class _Steps:
    def __init__(self, at: int, half: bool, shadow: Path | None, into: int) -> None:
        self.at, self.half, self.shadow, self.into = at, half, shadow, into
        self.count = 0
        self.real = {name: getattr(os, name) for name in STEPS}
        self.exit = os._exit

    def tell(self, number: int, kind: int, data: bytes) -> None:
        self.real["write"](self.into, ACK.pack(number, kind, data))

    def install(self) -> None:
        for name in STEPS:
            setattr(os, name, self._counted(name))
        for name in HEAD_STEPS:
            setattr(Head, name, self._counted_head(getattr(Head, name)))

    def _due(self) -> bool:
        self.count += 1
        return self.count > self.at

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _counted(self, name: str) -> Callable[..., object]:
        real = self.real[name]

        def step(*args: object, **more: object) -> object:
            if name == "open" and not int(args[1]) & (os.O_CREAT | os.O_TRUNC):  # type: ignore[call-overload]
                return real(*args, **more)
            is_due = self._due()
            if name in WRITES and not is_due:
                self.tell(self.count - 1, WRITE_MARK, bytes(32))
            if is_due:
                if self.half and name in WRITES:
                    fd, data, *rest = args
                    real(fd, data[: (len(data) + 1) // 2], *rest)  # type: ignore[index]
                self.die()
            found = real(*args, **more)
            if name in {"fsync", "fdatasync"} and self.shadow is not None:
                self._keep(int(args[0]))  # type: ignore[call-overload]
            return found

        return step

    def _counted_head(self, real: Callable[..., object]) -> Callable[..., object]:
        def step(*args: object) -> object:
            if self._due():
                self.die()
            return real(*args)

        return step

    def _keep(self, fd: int) -> None:
        """What the disk holds of this file from now on."""
        path = os.readlink(f"/proc/self/fd/{fd}")
        if os.path.isfile(path):
            assert self.shadow is not None
            target = self.shadow / path.replace("/", "|")
            with open(path, "rb") as stream:
                data = stream.read()
            new = self.real["open"](str(target), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self.real["write"](new, data) if data else None
            os.close(new)


def power_cut(home: Home, shadow: Path, seed: int) -> None:
    """Leave of the segments and tiles what was synced, with zeros or noise where more had been written."""
    noise = random.Random(seed)
    for path in [one for one in Path(home.log.folder).rglob("*") if one.is_file() and one.parent.name != "writers"]:
        kept = shadow / str(path).replace("/", "|")
        is_segment, is_tile = path.name.endswith(".jsonl"), "tile" in path.parts
        if not is_segment and not is_tile:
            continue
        before = kept.read_bytes() if kept.exists() else b""
        if is_tile:
            if not before:
                # A name may be on the disk before its bytes are.
                path.unlink() if noise.random() < 0.5 else path.write_bytes(b"")
            continue
        now = path.read_bytes()
        lost = len(now) - len(before)
        tail = now[len(before) :] if lost > 0 else b""
        if tail:
            tail = noise.choice((b"", bytes(lost), noise.randbytes(lost), tail[: noise.randrange(lost)] + bytes(3), bytes(4) + tail[4:]))
        # Within what was synced, nothing changed but what was written over the room behind the last entry.
        path.write_bytes(before + tail)


def come_back(home: Home, monkeypatch: pytest.MonkeyPatch, boot: bytes | None = None) -> Verdict:
    """The next process: it closes what the dead left, records, signs and ends; then everything is looked at."""
    if boot is not None:
        monkeypatch.setattr("mpp.host.audit.log.boot_id", lambda: boot)
    with AuditLog(home, clock=TestClock()) as log:
        log.record(event("intent", LAST), durable=True)
        log.record(event("result", LAST))
    return verify_log(home.log, Wanted(depth=THOROUGH))


def check(home: Home, verdict: Verdict, acked: Iterable[Acked]) -> Counter[str]:
    """Whole, signed to its end, everything that was told at its place, and each call ended. Gives how many entries of each kind there are."""
    assert verdict.faults == ()
    assert verdict.notes == ()
    assert verdict.level == "signed"
    assert verdict.covered.signed == verdict.covered.chained
    entries = list(LogReader(home.log).entries())
    assert [one.seq for one in entries] == list(range(verdict.covered.chained))
    for one in acked:
        assert entries[one.seq].leaf == one.leaf, f"entry {one.seq} was told and is not there"
    ends = Counter(one.event.invocation for one in entries if one.event.kind in {"result", "interrupted"})
    assert ends == Counter({one.event.invocation for one in entries if one.event.kind == "intent"})
    return Counter(one.event.kind for one in entries)
