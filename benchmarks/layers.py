"""Tools on layers, beside a plain tool in C and beside starting an interpreter: ``python benchmarks/layers.py [--quick] [--json]``.

It measures the layers that are installed (``mpp layer list``). All take turns in one process, so that a busy machine slows all alike; the ratio is what
counts. Exit code 0 whatever the figures are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import NamedTuple

from guests import guest
from machine import facts
from rig import CONTEXT, Quiet, RIGHTS

from mpp.cli.options import home
from mpp.host.drive import drive
from mpp.host.layers import judge_named, LayerStore
from mpp.host.sandbox import native_cache
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json
from mpp.ports import Steps
from mpp.stages.gatekeeper import NO_TRUST
from mpp.stages.sandbox import CallScope, compile_known, compile_wasm, Image, ImageCache, image_spec, make_image, Making, Order, run_call, Scope, Worker, Zygote

MEMORY = 128 << 20
REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","arguments":{"text":"ann@example.com and bob@example.org"}}}\n'
PYTHON = b"""import json, re, sys
FORM = re.compile(r"\\b([a-z]+)@([a-z]+)\\.(com|org)\\b")

def mpp_main():
    text = json.loads(sys.stdin.readline())["params"]["arguments"]["text"]
    found = [list(one) for one in FORM.findall(text)]
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "structuredContent": {"found": found}}}) + "\\n")
"""
SCRIPT = b"""const form = /\\b([a-z]+)@([a-z]+)\\.(com|org)\\b/g;
export async function mppMain(line) {
  const text = JSON.parse(line).params.arguments.text;
  const found = [...text.matchAll(form)].map((one) => one.slice(1, 4));
  return JSON.stringify({jsonrpc: "2.0", id: 1, result: {content: [], structuredContent: {found}}});
}
"""
TOOLS = {"python": ("app/main.py", PYTHON), "javascript": ("app/main.js", SCRIPT)}
ROUNDS, ROUNDS_QUICK, CALLS = 12, 4, 50
CALL_MORE_MS = 1.5
"""Milliseconds beyond twice a plain tool that are promised for Python. Reason: what a person still calls at once."""


class Costs(NamedTuple):
    """What a worker has used until now."""

    faults: int
    user: float
    system: float


class Row(NamedTuple):
    """One tool."""

    name: str
    call_ms: float
    cpu_ms: float
    faults: float
    idle_mb: float
    start_ms: float
    image_mb: float
    image_ms: float


class Runner:
    """Workers of one zygote, which take turns."""

    def __init__(self) -> None:
        self.zygote = Zygote()
        self.zygote.start()
        self.workers: dict[str, Worker] = {}
        self.rows: dict[str, Row] = {}

    def plain(self) -> None:
        compiled = compile_wasm(guest("echo"), native_cache(home().cache))
        self._start("plain tool", (compiled.fd,), {}, 0.0, 0.0)
        os.close(compiled.fd)

    def layer(self, kind: str, store: LayerStore) -> None:
        """The newest layer whose id ends in this word, if one is there."""
        rows = [row for row in store.rows() if row.ref.id.rpartition(".")[2] == kind]
        if not rows:
            return
        ref = max(rows, key=lambda row: row.installed).ref
        data = store.read(ref.sha256)
        if data is None:
            return
        judged = judge_named(data, ref, NO_TRUST, int(time.time()), ImageCache(home().cache))
        compiled = compile_known(judged.wasm_sha256, judged.code, native_cache(home().cache))
        entrypoint, source = TOOLS[kind]
        making = Making(
            compiled=compiled, files=((entrypoint, source),), entrypoint=entrypoint, hash_seed=int(sha256(source).hexdigest()[:8], 16), memory_bytes=MEMORY
        )
        begun = time.perf_counter()
        image: Image = drive(make_image(self.zygote, making))
        seconds = time.perf_counter() - begun
        self._start(f"{kind} {ref.version}", (compiled.fd, image.fd), {"image": dict(image_spec(image))}, image.size / 1e6, seconds * 1e3)
        for fd in (compiled.fd, image.fd):
            os.close(fd)

    def _start(self, name: str, fds: tuple[int, ...], more: dict[str, Json], image_mb: float, image_ms: float) -> None:
        spec: dict[str, Json] = {"memory_bytes": MEMORY, "component": False, "folders": [], "devices": [], **more}
        begun = time.perf_counter()
        self.workers[name] = drive(self.zygote.spawn(spec, fds))
        start = (time.perf_counter() - begun) * 1e3
        self.rows[name] = Row(name, 0, 0, 0, 0, start, image_mb, image_ms)

    def call(self, name: str) -> bytes:
        order = Order(deadline=time.monotonic() + 10, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=REQUEST, memory_bytes=MEMORY)
        run = drive(run_call(self.workers[name], order, _NoCalls(), CallScope(rights=RIGHTS, context=CONTEXT, live=Quiet())))
        if run.fault is not None or not run.stdout:
            raise SystemExit(f"{name}: {run.fault} {run.stderr.decode(errors='replace')}")
        return run.stdout

    def measure(self, rounds: int) -> Iterator[Row]:
        for name in self.workers:
            self.call(name)
        taken: dict[str, list[float]] = {name: [] for name in self.workers}
        used = {name: costs(worker) for name, worker in self.workers.items()}
        for _ in range(rounds):
            for name, times in taken.items():
                times.extend(timed(partial(self.call, name)) for _ in range(CALLS))
        for name, worker in self.workers.items():
            before, after, count = used[name], costs(worker), rounds * CALLS
            cpu = (after.user + after.system - before.user - before.system) / count * 1e3
            faults = (after.faults - before.faults) / count
            yield self.rows[name]._replace(call_ms=median(taken[name]) * 1e3, cpu_ms=cpu, faults=faults, idle_mb=idle(worker))

    def close(self) -> None:
        for worker in self.workers.values():
            worker.kill()
        self.zygote.close()


class _NoCalls:
    """No tool here asks its host anything."""

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - the protocol's
        yield from ()
        return HostAnswer(result=None, error="unknown_method", message=method)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def pid_of(worker: Worker) -> int:
    lines = Path(f"/proc/self/fdinfo/{worker._handle}").read_text().splitlines()  # noqa: SLF001 - a benchmark looks behind the door
    return next(int(line.split()[1]) for line in lines if line.startswith("Pid:"))


def costs(worker: Worker) -> Costs:
    fields = Path(f"/proc/{pid_of(worker)}/stat").read_text().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    return Costs(int(fields[7]), int(fields[11]) / tick, int(fields[12]) / tick)


def idle(worker: Worker) -> float:
    """Megabytes that only this process has, between calls."""
    try:
        lines = Path(f"/proc/{pid_of(worker)}/smaps_rollup").read_text().splitlines()
    except PermissionError:
        return float("nan")
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))) / 1024


def start_of_python(rounds: int) -> float:
    """Milliseconds of starting the interpreter that runs this, for nothing."""
    return median(timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)) for _ in range(rounds)) * 1e3


def show(rows: list[Row], python_ms: float) -> None:
    for name, text in facts().items():
        print(f"{name:<22} {text}")
    print(f"\n{'tool':<22}{'call p50':>12}{'of plain':>10}{'CPU/call':>12}{'faults':>9}{'idle':>10}{'start':>10}{'image':>10}{'made in':>10}")
    base = rows[0].call_ms
    for row in rows:
        print(
            f"{row.name:<22}{row.call_ms:>9.2f} ms{row.call_ms / base:>9.1f}x{row.cpu_ms:>9.2f} ms{row.faults:>9.0f}{row.idle_mb:>7.1f} MB{row.start_ms:>7.1f} ms"
            f"{row.image_mb:>7.1f} MB{row.image_ms:>7.0f} ms"
        )
    print(f"\nstarting python3 -c pass: {python_ms:.1f} ms")
    for row in rows[1:]:
        kept = row.call_ms <= 2 * base + CALL_MORE_MS and row.call_ms <= python_ms / 5
        print(
            f"{row.name}: 1/{python_ms / row.call_ms:.0f} of that; twice a plain call and {CALL_MORE_MS} ms, and a fifth of a start: {'yes' if kept else 'NO'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    runner, store = Runner(), LayerStore(home())
    try:
        runner.plain()
        for kind in TOOLS:
            runner.layer(kind, store)
        rows = [*runner.measure(ROUNDS_QUICK if given.quick else ROUNDS)]
    finally:
        runner.close()
    python_ms = start_of_python(7)
    if given.json:
        print(json.dumps({"machine": facts(), "rows": [row._asdict() for row in rows], "python_start_ms": python_ms}))
        return
    show(rows, python_ms)
    if len(rows) == 1:
        print("no layer is installed: mpp layer build python")


if __name__ == "__main__":
    main()
