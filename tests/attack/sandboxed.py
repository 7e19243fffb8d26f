"""Hostile guests in real, jailed workers: one zygote and one pool, and what must hold after every attack.

After each test the good guest answers in the same pool, and neither a descriptor nor a process is left over.
"""

from __future__ import annotations

import gc
import functools
import hashlib
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import wasmtime

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.host.granting import Opened, open_rights
from mpp.host.pool import WorkerKey, WorkerPool
from mpp.jail import sealed_memory
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Folder, Rights
from mpp.ports import Steps, Wait
from mpp.stages.sandbox import CallScope, Order, Run, Scope, Worker, Zygote, run_call
from mpp.stages.sandbox.capi import Api, find_library
from mpp.stages.sandbox.engine import Engine

GUESTS = Path(__file__).parent / "guests"
MIB = 1 << 20
WORKERS = 4
"""Workers of the pool under attack: fewer than there are guests, so that rooms are taken over all the time."""
PATIENCE = 60.0
"""Seconds of a call that needs milliseconds on a machine that does nothing else. Only what must end at its time is given less."""
SETTLE_SECONDS = 60.0
"""Seconds in which a killed process must be gone, on a machine under load."""
CONTEXT = CallContext(
    invocation="0" * 32, tenant="t", agent="a", agent_proof="anonymous", user="u", package_id="org.example.tool", version="1.0.0",
    content_hash="0" * 64, publisher_id="p", tool="tool",
)  # fmt: skip


@functools.cache
def engine() -> Engine:
    """The engine that compiles guests here. The compile jail is attacked in its own tests; a fresh process for each guest would take minutes."""
    return Engine(Api(find_library(), holding=True), pooled=True)


@functools.cache
def wat(text: str) -> bytes:
    return bytes(wasmtime.wat2wasm(text))


def guest(name: str) -> bytes:
    """One of guests/*.wat; many in one file are parted by ``;;; name`` lines."""
    return guests()[name]


@functools.cache
def guests() -> dict[str, bytes]:
    return {name: wat(text) for path in sorted(GUESTS.glob("*.wat")) for name, text in parts(path.read_text())}


def parts(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(";;; ")[1:]:
        head, _, body = part.partition("\n")
        yield head.partition(":")[0].strip(), body


ECHO = """(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


class Silent:
    """Where messages of calls go: kept, in order."""

    def __init__(self) -> None:
        self.logs: list[tuple[str, str]] = []

    def log(self, level: str, message: str) -> None:
        self.logs.append((level, message))

    def progress(self, progress: float, total: float | None, message: str) -> None:
        self.logs.append(("progress", f"{progress} {total} {message}"))


class Host:
    """Host calls as a test wants them. ``asked`` holds each that came through."""

    def __init__(self, result: Json = None) -> None:
        self.result: Json = {"ok": True} if result is None else result
        self.asked: list[tuple[str, Json]] = []
        self.during: Callable[[], None] = lambda: None

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        self.asked.append((method, params))
        self.during()
        if method == "wait":
            quiet, other = os.pipe()
            try:
                yield Wait(quiet, until)
            finally:
                os.close(quiet)
                os.close(other)
        return HostAnswer(result=self.result, error="", message="")


class Box:
    """The sandbox under attack."""

    def __init__(self, workers: int = WORKERS) -> None:
        engine()
        self._lock = threading.Lock()
        self.zygote = Zygote()
        self.zygote.start()
        self.pool = WorkerPool(most=workers, per_key=workers)
        self._native: dict[str, int] = {}
        self._opened: dict[str, Opened] = {}
        self.host = Host()
        self.echo = wat(ECHO)
        # What earlier tests forgot to close must not be counted as ours, nor be missed later.
        gc.collect()
        self.first_fds = len(os.listdir("/proc/self/fd"))

    def native(self, wasm: bytes) -> int:
        digest = hashlib.sha256(wasm).hexdigest()
        with self._lock:
            if digest not in self._native:
                self._native[digest] = sealed_memory(engine().compile(wasm))
            return self._native[digest]

    def rights(self, wasm: bytes, folders: tuple[tuple[str, Path, bool], ...] = ()) -> Rights:
        given = tuple(Folder(guest=name, host=os.path.realpath(path), write=write) for name, path, write in folders)
        return Rights(tenant="t", publisher_id="p", package_id="org.example.tool", content_hash=hashlib.sha256(wasm).hexdigest(), folders=given)

    def opened(self, rights: Rights) -> Opened:
        with self._lock:
            if rights.digest not in self._opened:
                self._opened[rights.digest] = open_rights(rights)
            return self._opened[rights.digest]

    def spawning(self, wasm: bytes, rights: Rights, memory: int) -> Steps[Worker]:
        fds = self.opened(rights).folder_fds if rights.folders else ()
        folders: list[Json] = [[one.guest, one.write, stat.S_ISDIR(os.fstat(fd).st_mode)] for one, fd in zip(rights.folders, fds, strict=True)]
        spec: Mapping[str, Json] = {"memory_bytes": memory, "component": False, "folders": folders, "devices": []}
        return self.zygote.spawn(spec, (self.native(wasm), *fds))

    def calling(
        self, wasm: bytes, stdin: bytes = b"", *, seconds: float = PATIENCE, memory: int = 16 * MIB, folders: tuple[tuple[str, Path, bool], ...] = (),
        env: Mapping[str, str] | None = None, deterministic: bool = False, seed: bytes = bytes(32), host: Host | None = None, agent: str = "",
        seen: Callable[[Worker], None] = lambda _: None,
    ) -> Steps[Run]:  # fmt: skip
        """One call, as the host makes it; ``seen`` is told the worker that serves it."""
        rights = self.rights(wasm, folders)
        key = WorkerKey(rights.content_hash, f"{memory}", rights.digest, rights.tenant, agent)
        worker = yield from self.pool.take(key, lambda: self.spawning(wasm, rights, memory), time.monotonic() + 60)
        seen(worker)
        order = Order(
            deadline=time.monotonic() + seconds, deterministic=deterministic, now_ns=1_700_000_000 * 10**9, seed=seed,
            env=tuple((name.encode(), text.encode()) for name, text in (env or {}).items()), stdin=stdin, memory_bytes=memory,
        )  # fmt: skip
        reusable = False
        try:
            run = yield from run_call(worker, order, host or self.host, CallScope(rights=rights, context=CONTEXT, live=Silent()))
            reusable = run.reusable
        finally:
            self.pool.give(key, worker, reusable=reusable)
        return run

    def run(self, wasm: bytes, stdin: bytes = b"", **more: object) -> Run:
        return drive(self.calling(wasm, stdin, **more))  # type: ignore[arg-type]

    def well(self) -> None:
        """The next call of a good guest, in the same pool."""
        run = self.run(self.echo, b"still here")
        assert (run.fault, run.stdout) == (None, b"still here")

    def forget_grants(self) -> None:
        """Close what one test granted; its workers go with it."""
        digests = set(self._opened)
        self.pool.drop(lambda key: key.rights in digests)
        for opened in self._opened.values():
            opened.close()
        self._opened.clear()

    def settled(self) -> None:
        """Nothing is left over: two descriptors for each worker, one for each compiled guest, and one process for each worker.

        One process more is the one that the zygote may hold ready for the next.
        """
        fds = self.first_fds + 2 * self.pool.size + len(self._native) + sum(len(one.fds()) for one in self._opened.values())
        until = time.monotonic() + SETTLE_SECONDS
        while not (left := self._left(fds)) and time.monotonic() < until:
            time.sleep(0.002)
        assert left, f"{len(os.listdir('/proc/self/fd'))} descriptors for {fds}, {len(children(self.zygote.pid))} processes for {self.pool.size}"

    def _left(self, fds: int) -> bool:
        return len(os.listdir("/proc/self/fd")) <= fds and 0 <= len(children(self.zygote.pid)) - self.pool.size <= 1

    def close(self) -> None:
        self.pool.close()
        self.zygote.close()
        self.forget_grants()
        for fd in self._native.values():
            os.close(fd)


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started and that are still there."""
    try:
        return [int(one) for task in os.listdir(f"/proc/{pid}/task") for one in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except FileNotFoundError:
        return []


def pid_of(worker: Worker) -> int:
    """The worker's process, as the kernel knows it by the handle that the host holds."""
    lines = Path(f"/proc/self/fdinfo/{worker._handle}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


def slay(worker: Worker) -> None:
    os.kill(pid_of(worker), signal.SIGKILL)


def code(fault: MppError | None) -> str:
    """The code of a fault, and nothing when there is none."""
    return fault.code if fault is not None else ""
