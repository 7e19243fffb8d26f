"""The sandbox: what a call costs, against the same guest through the engine's own Python package; and how late it ends."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import builtin
from cores import throughput
from experiments import pinning, transports
from guests import FILE_BYTES, FILE_NAME, generated, guest, times
from rig import Rig, done, order, SCOPE, whole
from spread import Figure, Spread, in_turns

from mpp.host.drive import drive
from mpp.host.sandbox import native_cache
from mpp.limits import MIB
from mpp.stages.sandbox import compile_wasm

ECHO_BYTES = 100
DOCUMENTED = "wasmtime-py as documented"
CALL_MOST, IN_PROCESS_MOST, FILE_MOST = 1 / 2, 6.0, 1 / 3
FIRST_CALL_MOST, KV_MOST, LATE_MOST = 0.005, 150e-6, 0.010
DEADLINE = 0.050
ROUNDS, ROUNDS_QUICK = 12, 3
FILES_EACH, KV_EACH = 200, 1000


def figures(folder: str, rounds: int) -> Iterator[Figure]:
    """All of them. ``rounds``: how often the turns go round, ``ROUNDS`` for a full run."""
    rig = Rig()
    try:
        yield from _echo(rig, folder, rounds)
        yield from _starts(rig, rounds)
        yield from throughput(rig, rounds)
        yield from _files(rig, folder, rounds)
        yield from _kv(folder, rounds)
        yield from _deadlines(rig, rounds)
        yield from _compiling(folder, rounds)
        yield from transports(rounds)
        yield from pinning(rig, rounds)
    finally:
        rig.close()


def _echo(rig: Rig, folder: str, rounds: int) -> Iterator[Figure]:
    text, code = b"x" * ECHO_BYTES, guest("echo")
    worker, inside = rig.worker("echo"), rig.in_process("echo")
    documented, once, tuned = builtin.documented(code, folder), builtin.documented(code, folder, linker_once=True), builtin.tuned(code)
    with whole(folder, "echo") as service:
        works = {
            "worker": lambda: done(rig.run(worker, text)),
            "service": lambda: done(service.call(text)),
            "in process": lambda: done(inside.run(order(text), rig.calls, SCOPE, drive)),
            "documented": lambda: documented(text),
            "linker once": lambda: once(text),
            "tuned": lambda: tuned(text),
        }
        wrong = [name for name, work in works.items() if work() != text]
        if wrong:
            raise SystemExit(f"no echo: {', '.join(wrong)}")
        found = in_turns(works, rounds, 500)
    hot, base = found["worker"], found["documented"]
    yield Figure("hot call, 100 B echo, in a worker", hot, DOCUMENTED, base, CALL_MOST)
    yield Figure("  the same through the whole service", found["service"], DOCUMENTED, base, CALL_MOST, note="pool, rights, judged order")
    yield Figure("  the same worker", hot, "wasmtime-py, linker made once", found["linker once"])
    yield Figure("  the same worker", hot, "wasmtime-py tuned: pool, InstancePre, bytes", found["tuned"], note="this baseline has no deadline, no barrier")
    yield Figure("  the same worker", hot, "own in-process mode", found["in process"], IN_PROCESS_MOST)
    yield Figure("  own in-process mode", found["in process"], "wasmtime-py tuned", found["tuned"])


def _starts(rig: Rig, rounds: int) -> Iterator[Figure]:
    """The first call after an install: the code is compiled, the zygote runs."""
    text = b"x" * ECHO_BYTES
    pieces: dict[str, list[list[float]]] = {"spawn": [], "call": [], "both": []}
    rig.spawn("echo").kill()
    for _ in range(rounds):
        rows: dict[str, list[float]] = {name: [] for name in pieces}
        for _ in range(20):
            began = time.perf_counter()
            worker = rig.spawn("echo")
            ready = time.perf_counter()
            done(rig.run(worker, text))
            ended = time.perf_counter()
            worker.kill()
            # An install is followed by a quiet moment: the zygote is idle and has its next worker forked.
            time.sleep(0.03)
            for name, taken in (("spawn", ready - began), ("call", ended - ready), ("both", ended - began)):
                rows[name].append(taken)
        for name, row in rows.items():
            pieces[name].append(row)
    found = {name: Spread.of(rows) for name, rows in pieces.items()}
    parts = f"worker {found['spawn'].p50 * 1e3:.2f} ms, its first run {found['call'].p50 * 1e3:.2f} ms"
    yield Figure("first call: new worker and one run", found["both"], seconds_most=FIRST_CALL_MOST, note=parts)


def _files(rig: Rig, folder: str, rounds: int) -> Iterator[Figure]:
    granted = os.path.join(folder, "granted")
    os.mkdir(granted)
    Path(granted, FILE_NAME).write_bytes(b"a" * FILE_BYTES)
    worker, baseline = rig.worker_with("files", granted), builtin.documented(guest("files"), folder, linker_once=True, granted=granted)
    many, none = times(FILES_EACH), times(0)
    works = {
        "ours": lambda: done(rig.run(worker, many)),
        "ours, none": lambda: done(rig.run(worker, none)),
        "base": lambda: baseline(many),
        "base, none": lambda: baseline(none),
    }
    found = in_turns(works, rounds, 25)
    ours = found["ours"].by(FILES_EACH, less=found["ours, none"].p50)
    base = found["base"].by(FILES_EACH, less=found["base, none"].p50)
    note = f"mean of {FILES_EACH} in one call, the empty call taken off"
    yield Figure("file open + read 1 KiB + close in a guest", ours, "built-in WASI of wasmtime", base, FILE_MOST, note=note)


def _kv(folder: str, rounds: int) -> Iterator[Figure]:
    stored = base64.b64encode(b"v" * ECHO_BYTES).decode()
    put = json.dumps({"method": "kv.set", "params": {"key": "k", "value": stored}}).encode()
    get = json.dumps({"method": "kv.get", "params": {"key": "k"}}).encode()
    about = json.dumps({"method": "log", "params": {"level": "debug", "message": "m"}}).encode()
    with whole(folder, "ask") as service:
        done(service.call(times(1, put)))
        works = {
            "get": lambda: done(service.call(times(KV_EACH, get))),
            "log": lambda: done(service.call(times(KV_EACH, about))),
            "none": lambda: done(service.call(times(0))),
        }
        found = in_turns(works, rounds, 5)
    empty = found["none"].p50
    got, least = found["get"].by(KV_EACH, less=empty), found["log"].by(KV_EACH, less=empty)
    yield Figure(
        "kv.get of 100 B by a guest's host call", got, "a host call that does nothing", least, seconds_most=KV_MOST, note=f"mean of {KV_EACH} in one call"
    )


def _deadlines(rig: Rig, rounds: int) -> Iterator[Figure]:
    """How long after its deadline a call is over, its process ended if need be."""
    request = times(1, b'{"method":"sleep"}')
    cases = (("loop", b"", "a loop"), ("sleep", b"", "sleeping in poll_oneoff"), ("ask", request, "waiting in a host call"))
    for name, stdin, words in cases:
        each = max(rounds * 20 // ROUNDS, 2)
        rows = [[_lateness(rig, name, stdin) for _ in range(each)] for _ in range(10)]
        yield Figure(f"late after a {1e3 * DEADLINE:g} ms deadline: {words}", Spread.of(rows), seconds_most=LATE_MOST, at_p99=True)


def _lateness(rig: Rig, name: str, stdin: bytes) -> float:
    worker = rig.spawn(name)
    given = order(stdin, DEADLINE)
    try:
        run = drive(rig.call(worker, given))
        late = time.monotonic() - given.deadline
    finally:
        worker.kill()
    # A guest that asked its host gets the answer "deadline" and may end by itself before it is stopped.
    if run.fault is None or (run.fault.code != "tool.deadline" and name != "ask"):
        raise SystemExit(f"{name} was not stopped by its deadline")
    return late


def _compiling(folder: str, rounds: int) -> Iterator[Figure]:
    code = generated(5000)
    cache = native_cache(os.path.join(folder, "compiled"))

    def miss() -> None:
        cache.clear()
        os.close(compile_wasm(code, cache).fd)

    def hit() -> None:
        found = compile_wasm(code, cache)
        os.close(found.fd)
        if found.fresh:
            raise SystemExit("the cache was not used")

    misses = in_turns({"miss": miss}, 1, max(rounds // 3, 2), warm_up=1)["miss"]
    hits = in_turns({"hit": hit}, 1, rounds * 5)["hit"]
    size = os.path.getsize(next(Path(cache.folder).iterdir()))
    note = f"{len(code) / MIB:.1f} MiB of WebAssembly, {size / MIB:.1f} MiB of native code"
    yield Figure("compile: taken from the cache", hits, "compiled in its jail", misses, note=note)
