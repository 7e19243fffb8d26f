"""Other ways to run a tool in a sandbox, beside ours, in one run.

    python benchmarks/runtimes.py [--quick] [--json]

ACT (act-cli): a Python tool that adds two numbers, as a component behind its MCP server; ours is the same tool on the Python layer behind `mpp serve`, with its whole pipeline. extism: an echo of 100 bytes through
its Python library; ours is the sandbox alone. What is not installed is named and left out; the layer is looked for in $MPP_HOME. What each does beside the call is another matter, and is said in the notes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mcp_front import against, as_installed, block, Client, memory_of, Row
from outcome import Outcome
from rig import done, order, Rig, SCOPE
from spread import in_turns

from mpp.host.drive import drive

HERE = Path(__file__).resolve().parent
TURNS, TURNS_QUICK = 12, 4
ROUNDS, ROUNDS_QUICK, EACH = 10, 4, 200
STARTS, STARTS_QUICK = 5, 2
STEP_SECONDS_MAX = 300
ECHO = bytes(range(100))
TOOL = '''
from mpp_sdk import tool


@tool(security_level="low")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b
'''
PLUGIN = """(module
  (import "extism:host/env" "input_length" (func $length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output (param i64 i64)))
  (memory (export "memory") 1)
  (func (export "echo") (result i32)
    (local $i i64) (local $n i64) (local $p i64)
    (local.set $n (call $length))
    (local.set $p (call $alloc (local.get $n)))
    (loop $next
      (call $store (i64.add (local.get $p) (local.get $i)) (call $load (local.get $i)))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $next (i64.lt_u (local.get $i) (local.get $n))))
    (call $output (local.get $p) (local.get $n))
    (i32.const 0)))
"""
"""An echo as extism's plugins are written: byte by byte through the host's memory."""


def program(name: str) -> str:
    """A command that stands beside this Python, or in PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name) or ""


def step(words: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    told = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=STEP_SECONDS_MAX,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    if told.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {told.returncode}: {told.stderr[-500:]}")


# ------------------------------------------------------------ ACT


def our_python(folder: Path) -> dict[str, str]:
    """A home with the layers of $MPP_HOME and the tool installed; what to set to use it."""
    home, project = folder / "home", folder / "adds"
    shutil.copytree(os.environ["MPP_HOME"], home) if os.environ.get("MPP_HOME") else home.mkdir(mode=0o700)
    home.chmod(0o700)
    environment, mpp = {"MPP_HOME": str(home)}, [sys.executable, "-m", "mpp"]
    step([*mpp, "init", project.name], folder, environment)
    (project / "app" / "main.py").write_text(TOOL, encoding="utf-8")
    step([*mpp, "build"], project, environment)
    package = next(project.glob("*.mpp"))
    step([*mpp, "keygen", "-o", str(folder / "keys"), "--name", "Bench", "--no-passphrase"], folder, environment)
    step([*mpp, "sign", str(package), "-k", str(folder / "keys" / "publisher.key")], folder, environment)
    step([*mpp, "install", str(package), "--yes"], folder, environment)
    return environment


def their_component(folder: Path) -> Path:
    """The same tool as a component, with CPython in it."""
    words, made = [program("componentize-py"), "-d", str(HERE / "act"), "-w", "tool"], folder / "adds.wasm"
    step([*words, "bindings", str(folder / "bindings")], folder)
    step([*words, "componentize", "-p", str(HERE / "act"), "-p", str(folder / "bindings"), "adds", "-o", str(made)], folder)
    return made


@contextmanager
def two_servers(folder: Path) -> Iterator[tuple[Callable[[], Client], Callable[[], Client]]]:
    environment, component = our_python(folder), their_component(folder)
    yield (
        partial(Client, [sys.executable, "-m", "mpp", "serve"], environment),
        partial(Client, [program("act"), "run", "--mcp", str(component)], {"HOME": str(folder / "act-home"), "XDG_CACHE_HOME": str(folder / "act-home")}),
    )


def act(*, quick: bool) -> Iterator[Outcome]:
    missing = [name for name in ("act", "componentize-py") if not program(name)]
    if missing:
        sys.stderr.write(f"not measured beside ACT: {', '.join(missing)} not installed\n")
        return
    as_installed()
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as folder, two_servers(Path(folder)) as servers:
        for start in servers:
            first_answer(start)  # what is compiled once is compiled now
        for flight in (1, 16):
            yield from in_flight(servers, flight, TURNS_QUICK if quick else TURNS)
        starts = [[first_answer(start) for start in servers] for _ in range(STARTS_QUICK if quick else STARTS)]
    ours, theirs = (statistics.median(row[at] for row in starts) for at in (0, 1))
    yield Outcome("Python tool over MCP: start to the first answer", ours, "ms", "ACT", theirs)


def in_flight(servers: tuple[Callable[[], Client], Callable[[], Client]], flight: int, turns: int) -> Iterator[Outcome]:
    clients, rows = [start() for start in servers], [Row("mpp", flight), Row("act", flight)]
    for client in clients:
        client.many(50, 1)
    for turn in range(turns):
        for at in (0, 1) if turn % 2 else (1, 0):
            block(clients[at], rows[at])
    memory = [memory_of(client.process.pid) for client in clients]
    for client in clients:
        client.close()
    for what, one, two in (("CPU", rows[0].cpu_us, rows[1].cpu_us), ("p50", rows[0].p50_us, rows[1].p50_us)):
        yield Outcome(
            f"Python tool over MCP, {flight} in flight: {what} of a call", statistics.median(one), "us", "ACT, one instance for all calls", statistics.median(two),
            note=f"{against(one, two):.2f} is the median of turns; ours: a fresh instance, policy, filter, five entries of the record",
        )  # fmt: skip
    yield Outcome(f"Python tool over MCP, {flight} in flight: memory with all processes", memory[0], "MB", "ACT", memory[1])


def first_answer(start: Callable[[], Client]) -> float:
    client = start()
    client.call()
    took = (time.perf_counter() - client.begun) * 1000
    client.close()
    return took


# ------------------------------------------------------------ extism


def extism(*, quick: bool) -> Iterator[Outcome]:
    if importlib.util.find_spec("extism") is None:
        sys.stderr.write("not measured beside extism: it is not installed\n")
        return
    import extism as library  # noqa: PLC0415 - may not be there
    import wasmtime  # noqa: PLC0415 - only here

    code = wasmtime.wat2wasm(PLUGIN)
    described: Any = {"wasm": [{"data": bytes(code)}]}
    one, compiled = library.Plugin(described, wasi=False), library.extism.CompiledPlugin(described, wasi=False)

    def checked(found: object) -> None:
        if bytes(found) != ECHO:  # type: ignore[call-overload]
            raise SystemExit("the echo is another one")

    rig = Rig()
    try:
        worker, inside = rig.worker("echo"), rig.in_process("echo")
        works: dict[str, Callable[[], object]] = {
            "ours": lambda: checked(done(rig.run(worker, ECHO))),
            "inside": lambda: checked(done(inside.run(order(ECHO), rig.calls, SCOPE, drive))),
            "one": lambda: checked(one.call("echo", ECHO)),
            "compiled": lambda: checked(library.Plugin(compiled).call("echo", ECHO)),
            "anew": lambda: checked(library.Plugin(described, wasi=False).call("echo", ECHO)),
        }
        found = in_turns(works, ROUNDS_QUICK if quick else ROUNDS, EACH)
    finally:
        rig.close()
    for name, told in (
        ("one", "extism, one plugin for all calls"),
        ("compiled", "extism, a plugin for each call, compiled once"),
        ("anew", "extism, a plugin for each call, as documented"),
    ):
        for what, key, note in (("in a process with its barriers", "ours", ""), ("inside of the host", "inside", "ours without barriers, as theirs")):
            yield Outcome(f"echo, a fresh instance for each call, {what}", 1e6 * found[key].p50, "us p50", told, 1e6 * found[name].p50, note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    rows = [*extism(quick=given.quick), *act(quick=given.quick)]
    if given.json:
        print(json.dumps({"rows": [row.plain() for row in rows]}))
        return
    for row in rows:
        print(row.line())


if __name__ == "__main__":
    main()
