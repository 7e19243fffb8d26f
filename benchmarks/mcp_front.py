"""What a call of a trivial ``add`` costs over MCP: the whole pipeline of this project beside unsandboxed Python servers, in one run.

    python benchmarks/mcp_front.py [--quick] [--rivals PYTHON] [--json]
    python benchmarks/mcp_front.py --soak 500000

PYTHON is an interpreter of a venv with ``mcp`` and ``fastmcp``. Each server is a process of its own, asked over its pipes in the same way, and they take
turns in blocks of calls, another one first in each turn. CPU is the server's with all its children, from the kernel's count; times are seen by the client.
Beside the median stands the least of all blocks: what a call costs when nobody else uses the processor. The record lies in memory in one row and on the disk in the next.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import mpp
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.testing.installing import install_tool
from mpp.testing.packages import manifest
from mpp.testing.tools import answering

HERE = Path(__file__).resolve().parent
ROUNDS, ROUNDS_QUICK = 3, 1
TURNS, TURNS_QUICK = 16, 6
CALLS = 100
"""Calls of one block."""
WARM = 100
SOAK_STEPS = 10
FLIGHTS = (1, 16)
IN_MEMORY = "/dev/shm"  # noqa: S108 - a private folder is made in it
VERSION = "2025-06-18"


@dataclass
class Row:
    """One server with one number of calls in flight."""

    server: str
    flight: int
    cpu_us: list[float] = field(default_factory=list)
    p50_us: list[float] = field(default_factory=list)
    p99_us: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)


@dataclass
class Started:
    first_call_ms: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)


def processes(pid: int) -> Iterator[Path]:
    """The folder of a process and of all below it; one that ends meanwhile is passed over."""
    todo = [pid]
    while todo:
        place = Path(f"/proc/{todo.pop()}")
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in (place / "task").iterdir():
                todo += map(int, (task / "children").read_text(encoding="utf-8").split())
            yield place


def total(pid: int, of: Callable[[Path], float]) -> float:
    found = 0.0
    for place in processes(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            found += of(place)
    return found


def cpu_of(pid: int) -> float:
    """Seconds of processor time of the threads of a process and of all below it. The kernel counts them in nanoseconds; ticks are too coarse for a block."""

    def used(place: Path) -> float:
        found = 0
        for task in (place / "task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):
                found += int((task / "schedstat").read_text(encoding="utf-8").split()[0])
        return found / 1e9

    return total(pid, used)


def memory_of(pid: int) -> float:
    """Megabytes of the server and of all below it; what several of them share is counted once (PSS)."""

    def pss(place: Path) -> float:
        rows = (place / "smaps_rollup").read_text(encoding="utf-8").splitlines()
        return sum(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1000

    return total(pid, pss)


def fds_of(pid: int) -> int:
    """Open descriptors of the server and of all below it."""
    return int(total(pid, lambda place: len(os.listdir(place / "fd"))))


class Client:
    """The least that speaks MCP: a line out, lines in. The same for all servers."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **environment})
        self.number = 0
        self.ask("initialize", {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "bench", "version": "0"}})
        self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        tools = self.ask("tools/list", {})["result"]["tools"]
        self.tool = tools[0]["name"]

    def tell(self, message: object) -> None:
        pipe = self.process.stdin
        if pipe is None:
            raise RuntimeError("no pipe")
        pipe.write(json.dumps(message).encode() + b"\n")
        pipe.flush()

    def line(self) -> dict:  # type: ignore[type-arg]
        pipe = self.process.stdout
        found = pipe.readline() if pipe is not None else b""
        if not found:
            raise RuntimeError("the server ended")
        return json.loads(found)  # type: ignore[no-any-return]

    def ask(self, method: str, params: object) -> dict:  # type: ignore[type-arg]
        self.number += 1
        self.tell({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            answer = self.line()
            if answer.get("id") == self.number:
                if "error" in answer or answer["result"].get("isError"):
                    raise RuntimeError(str(answer)[:500])
                return answer

    def call(self) -> dict:  # type: ignore[type-arg]
        return self.ask("tools/call", {"name": self.tool, "arguments": {"a": 2, "b": 3}})

    def many(self, count: int, flight: int) -> list[float]:
        """Seconds of each call with so many in flight."""
        begun: dict[int, float] = {}
        took: list[float] = []
        free = threading.Semaphore(flight)

        def read() -> None:
            for _ in range(count):
                answer = self.line()
                took.append(time.perf_counter() - begun[answer["id"]])
                if "error" in answer or answer["result"].get("isError"):
                    raise RuntimeError(str(answer)[:500])
                free.release()

        reader = threading.Thread(target=read)
        reader.start()
        for _ in range(count):
            free.acquire()
            self.number += 1
            begun[self.number] = time.perf_counter()
            self.tell({"jsonrpc": "2.0", "id": self.number, "method": "tools/call", "params": {"name": self.tool, "arguments": {"a": 2, "b": 3}}})
        reader.join()
        return took

    def close(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(20)


def make_home(folder: str, packages: int) -> None:
    home = Home(path=folder)
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}
    for number in range(packages):
        tool = {"name": "add", "description": "Adds two numbers", "parameters": schema, "security_level": "low"}
        changes = {"package_id": f"com.example.add{number}", "name": f"add{number}", "tool_definitions": [tool]}
        if manifest(changes):  # it is sound, or this raises
            install_tool(home, answering({"content": [{"type": "text", "text": "5"}]}), changes=changes)


def as_installed() -> None:
    """Bytecode of the product, as an installer makes it. That of the others was made when they were installed; without it the start compares compilers."""
    compileall.compile_dir(str(Path(mpp.__file__).parent), quiet=2)


@contextmanager
def servers(rivals: str) -> Iterator[dict[str, tuple[list[str], dict[str, str]]]]:
    memory, disk = tempfile.mkdtemp(prefix="mpp-bench-", dir=IN_MEMORY), tempfile.mkdtemp(prefix="mpp-bench-")
    try:
        found: dict[str, tuple[list[str], dict[str, str]]] = {}
        for name, folder in (("mpp serve, record in memory", memory), ("mpp serve, record on disk", disk)):
            make_home(folder + "/home", 10)
            found[name] = ([sys.executable, "-m", "mpp", "serve"], {"MPP_HOME": folder + "/home"})
        if rivals:
            found["mcp.server.lowlevel"] = ([rivals, str(HERE / "mcp_servers" / "sdk_lowlevel.py")], {})
            found["fastmcp"] = ([rivals, str(HERE / "mcp_servers" / "fast.py")], {})
        yield found
    finally:
        shutil.rmtree(memory, ignore_errors=True)
        shutil.rmtree(disk, ignore_errors=True)


def measure(rivals: str, *, quick: bool) -> tuple[list[Row], dict[str, Started]]:
    rounds, turns = (ROUNDS_QUICK, TURNS_QUICK) if quick else (ROUNDS, TURNS)
    as_installed()
    with servers(rivals) as found:
        rows = {(name, flight): Row(name, flight) for flight in FLIGHTS for name in found}
        started = {name: Started() for name in found}
        for command, environment in found.values():
            # The very first start of a home compiles the expressions of the filter, which takes seconds; they are kept.
            first = Client(command, environment)
            first.call()
            first.close()
        for _ in range(rounds):
            clients: dict[str, Client] = {}
            for name, (command, environment) in found.items():
                client = clients[name] = Client(command, environment)
                client.call()
                started[name].first_call_ms.append((time.perf_counter() - client.begun) * 1000)
                client.many(WARM, 1)
            names = list(clients)
            for flight in FLIGHTS:
                for turn in range(turns):
                    for name in names[turn % len(names) :] + names[: turn % len(names)]:
                        block(clients[name], rows[name, flight])
            for name, client in clients.items():
                started[name].memory_mb.append(memory_of(client.process.pid))
                client.close()
    return list(rows.values()), started


def block(client: Client, row: Row) -> None:
    before, begun = cpu_of(client.process.pid), time.perf_counter()
    took = sorted(client.many(CALLS, row.flight))
    row.rate.append(CALLS / (time.perf_counter() - begun))
    # A child that ended in between took its count with it: such a block says nothing of the processor.
    spent = cpu_of(client.process.pid) - before
    row.cpu_us.append(spent / CALLS * 1e6 if spent > 0 else math.nan)
    row.p50_us.append(took[len(took) // 2] * 1e6)
    row.p99_us.append(took[int(len(took) * 0.99)] * 1e6)


def soak(calls: int) -> None:
    """Many calls of one server, 16 in flight: does it grow, and is every call in the record?"""
    with servers("") as found:
        command, environment = found["mpp serve, record in memory"]
        client = Client(command, environment)
        client.many(WARM, 1)
        print(f"{'calls':>9} {'memory MB':>10} {'descriptors':>12} {'calls/s':>8}")
        done = 0
        while done < calls:
            step, begun = min(max(calls // SOAK_STEPS, 1), calls - done), time.perf_counter()
            client.many(step, 16)
            done += step
            pid = client.process.pid
            print(f"{done:>9} {memory_of(pid):>10.0f} {fds_of(pid):>12} {step / (time.perf_counter() - begun):>8.0f}", flush=True)
        client.close()
        told = subprocess.run(
            [sys.executable, "-m", "mpp", "audit", "verify", "--json"], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        log = LogReader(Home(path=environment["MPP_HOME"]).log)
        results = sum(b'"kind":"result"' in line for line in log.lines())
        print(f"results in the record: {results} of {done + WARM}; verdict: {json.loads(told.stdout).get('verdict')}")


def against(ours: list[float], theirs: list[float]) -> float:
    return statistics.median(_seen([one / other for one, other in zip(ours, theirs, strict=True)]))


def _seen(found: list[float]) -> list[float]:
    return [one for one in found if not math.isnan(one)] or [math.nan]


def _least(found: list[float]) -> float:
    return min(_seen(found))


def ratios(rows: list[Row], others: list[Row]) -> list[dict[str, object]]:
    """Each row for a program: medians, the least, and the medians of its ratios to ``others`` of blocks that stood side by side."""
    return [
        {
            "server": row.server, "flight": row.flight, "cpu_us": statistics.median(_seen(row.cpu_us)), "cpu_least_us": _least(row.cpu_us),
            "p50_us": statistics.median(row.p50_us), "p99_us": statistics.median(row.p99_us), "calls_s": statistics.median(row.rate),
            "cpu_of": {other.server: against(row.cpu_us, other.cpu_us) for other in others if other.flight == row.flight},
            "p50_of": {other.server: against(row.p50_us, other.p50_us) for other in others if other.flight == row.flight},
        }
        for row in rows
    ]  # fmt: skip


def plain(rows: list[Row], started: dict[str, Started]) -> dict[str, object]:
    """For a program: medians, and the median of the ratios of blocks that stood side by side."""
    found = ratios(rows, [row for row in rows if not row.server.startswith("mpp")])
    starts = [
        {"server": name, "first_call_ms": statistics.median(one.first_call_ms), "memory_mb": statistics.median(one.memory_mb)} for name, one in started.items()
    ]
    return {"rows": found, "started": starts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rivals", default="", metavar="PYTHON")
    parser.add_argument("--soak", type=int, default=0, metavar="CALLS")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    if given.soak:
        soak(given.soak)
        return
    if given.json:
        import mcp_http  # noqa: PLC0415 - it takes its client and its turns from here

        found = plain(*measure(given.rivals, quick=given.quick))
        print(json.dumps({**found, "http": mcp_http.plain(mcp_http.measure(given.rivals, quick=given.quick))}))
        return
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    rows, started = measure(given.rivals, quick=given.quick)
    print(f"load after: {os.getloadavg()[0]:.1f}")
    base = {row.flight: row for row in rows if row.server == "mcp.server.lowlevel"}
    print(f"{'server':<30} {'flight':>6} {'CPU us':>8} {'of SDK':>7} {'least':>7} {'of SDK':>7} {'p50 us':>8} {'of SDK':>7} {'p99 us':>8} {'calls/s':>8}")
    for row in rows:
        other = base.get(row.flight)
        # A ratio of each pair of blocks that stood side by side, and the median of those.
        shares = (against(row.cpu_us, other.cpu_us), _least(row.cpu_us) / _least(other.cpu_us), against(row.p50_us, other.p50_us)) if other else ()
        share, least, middle = [f"{one:.2f}" for one in shares] or ["-"] * 3
        print(
            f"{row.server:<30} {row.flight:>6} {statistics.median(_seen(row.cpu_us)):>8.0f} {share:>7} {_least(row.cpu_us):>7.0f} {least:>7} "
            f"{statistics.median(row.p50_us):>8.0f} {middle:>7} {statistics.median(row.p99_us):>8.0f} {statistics.median(row.rate):>8.0f}"
        )
    for name, one in started.items():
        print(
            f"{name:<30} start to first answer {statistics.median(one.first_call_ms):.0f} ms, resident {statistics.median(one.memory_mb):.0f} MB with children"
        )


if __name__ == "__main__":
    main()
