"""All languages of ``mpp init`` side by side: what a package weighs, what its first and later calls cost, and a loop against the same loop in native C.

``python benchmarks/languages.py [LANGUAGE...]``: every project is begun, built and called for real. A language whose toolchain or layer is not there is
named and left out. Ratios of the loop can be compared between machines, milliseconds cannot.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mpp.errors import MppError  # noqa: E402 - the folder above is put on the path first
from mpp.stages.gatekeeper import VerifiedPackage  # noqa: E402
from mpp.testing.golden import Case, opened, rights_of, run_one, ScriptedCalls  # noqa: E402
from tools.golden import golden_package  # noqa: E402
from tools.languages import LANGUAGES, layers_here, StepError, surroundings, Trial  # noqa: E402

LOOPS = Path(__file__).resolve().parent / "loops"
HOT_CALLS = 200
LOOP_ROUNDS = 5
STEPS = 50_000_000
STEPS_INTERPRETED = 300_000
"""How often the loop runs. Reason: a tenth of a second or more each, so that the cost of the call itself hardly counts."""

SECONDS = 55.0
FILES = {
    "python": ("app/main.py", "loop.py"),
    "javascript": ("app/main.js", "loop.js"),
    "typescript": ("app/main.ts", "loop.js"),
    "rust": ("src/main.rs", "loop.rs"),
    "c": ("src/main.c", "loop.c"),
    "cpp": ("src/main.cpp", "loop.cpp"),
    "go": ("main.go", "loop.go"),
    "zig": ("src/main.zig", "loop.zig"),
    "wat": ("src/main.wat", "loop.wat"),
}
"""File of the project, source in loops/."""

INTERPRETED = frozenset(("python", "javascript", "typescript"))
_TOOL = {
    "name": "loop",
    "description": "Run a loop",
    "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "security_level": "low",
}


@dataclass
class Figures:
    """One language. Times in seconds; ``loop`` is nanoseconds for each turn, ``native`` those of the same loop in C."""

    language: str
    package_bytes: int
    compile: float
    load: float
    first: float
    hot: float
    loop: float
    native: float


def native_loop(folder: Path) -> tuple[float, dict[int, int]]:
    """Nanoseconds for each turn, compiled by gcc -O2, and the sums that all others must find."""
    program = folder / "native"
    subprocess.run(["gcc", "-O2", str(LOOPS / "native.c"), "-o", str(program)], check=True)
    sums: dict[int, int] = {}

    def once(steps: int) -> float:
        took, total = subprocess.run([str(program), str(steps)], capture_output=True, text=True, check=True).stdout.split()
        sums[steps] = int(total)
        return int(took) / max(steps, 1)

    for steps in (0, STEPS_INTERPRETED):
        once(steps)
    return median(once(STEPS) for _ in range(LOOP_ROUNDS)), sums


def build(language: str, folder: Path, environment: dict[str, str]) -> bytes:
    """The package with the loop."""
    trial = Trial(language, folder, environment)
    trial.prepare(layers_here(environment))
    trial.step("init", ("init", "loop", "--lang", language), folder)
    project = folder / "loop"
    target, source = FILES[language]
    shutil.copyfile(LOOPS / source, project / target)
    path = project / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    if "tool_definitions" in manifest:
        manifest["tool_definitions"] = [_TOOL]
    manifest["runtime"].update(timeout_ms=60_000)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    trial.step("build", ("build",), project)
    return (project / "loop-0.1.0.mpp").read_bytes()


def call(steps: int) -> Case:
    line = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "loop", "arguments": {"n": steps}, "_meta": {}}}, separators=(",", ":")
    )
    return Case(name="loop", line=line.encode() + b"\n", tool="loop", host=(), reply={}, stderr="")


def measure(language: str, data: bytes, folder: Path, native: float, sums: dict[int, int]) -> Figures:
    """Calls of one package, in workers as a host has them."""
    package, cache = golden_package(data), str(folder / "cache")
    home = str(folder / "home")
    compiled = prepared(package, cache, home)
    loaded = prepared(package, cache, home)
    steps = STEPS_INTERPRETED if language in INTERPRETED else STEPS
    with opened(package, ScriptedCalls(), rights_of(package, env=False), cache, home) as (sandbox, ready):

        def once(number: int) -> float:
            began = time.perf_counter()
            run = run_one(sandbox, ready, call(number), SECONDS, env=())
            took = time.perf_counter() - began
            if run.fault is not None or json.loads(run.stdout)["result"]["structuredContent"]["sum"] != sums[number]:
                raise StepError("call", f"{run.fault} {run.stdout[:200]!r} {run.stderr[-500:]!r}")
            return took

        first = once(0)
        hot = median(once(0) for _ in range(HOT_CALLS))
        turns = median(once(steps) for _ in range(LOOP_ROUNDS)) - hot
    return Figures(language, len(data), compiled, loaded, first, hot, 1e9 * turns / steps, native)


def prepared(package: VerifiedPackage, cache: str, home: str) -> float:
    """Seconds until the package can be called, by a host that has just begun."""
    began = time.perf_counter()
    with opened(package, ScriptedCalls(), rights_of(package, env=False), cache, home):
        return time.perf_counter() - began


def table(rows: Sequence[Figures]) -> str:
    """Markdown, as the README has it."""
    lines = ["| language | package | compile | load | first call | hot call | loop, ns a turn | against native C |", "|---|---|---|---|---|---|---|---|"]
    lines += [
        f"| {row.language} | {row.package_bytes / 1000:,.1f} kB | {1000 * row.compile:,.0f} ms | {1000 * row.load:,.1f} ms | {1000 * row.first:,.1f} ms"
        f" | {1000 * row.hot:.2f} ms | {row.loop:,.2f} | {row.loop / row.native:,.2f}x |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Compare the languages of mpp init.")
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(LANGUAGES)}; all of them if none is named")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args(arguments)
    chosen = tuple(given.languages) or LANGUAGES
    environment = surroundings(everything=False, say=sys.stderr.write) if "rust" in chosen else dict(os.environ)
    rows, missing = [], {}
    with tempfile.TemporaryDirectory(prefix="mpp-bench-") as made:
        native, sums = native_loop(Path(made))
        for language in chosen:
            folder = Path(made) / language
            folder.mkdir()
            sys.stderr.write(f"{language} …\n")
            try:
                rows.append(measure(language, build(language, folder, environment), folder, native, sums))
            except (StepError, MppError) as fault:
                missing[language] = str(fault)
    if given.json:
        sys.stdout.write(json.dumps({"languages": [asdict(row) for row in rows], "missing": missing}, indent=2) + "\n")
        return 0
    sys.stdout.write(table(rows))
    for language, why in missing.items():
        sys.stdout.write(f"left out: {language}: {why}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
