"""What a person waits for at the command line: a Python tool from nothing, after an edit, and the start of single commands.

    python benchmarks/starting.py [--quick] [--json]

It takes the Python layer that is installed (``mpp layer list``). Commands and the bare interpreter take turns; processor time is that of the command with all
processes that it started. Exit code 0 whatever the figures are.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from machine import facts

BARE = ("-c", "pass")
FIRST_MS_MAX, EDITED_MS_MAX = 10_000, 1_000
ROUNDS, ROUNDS_QUICK = 15, 5
COMMANDS = ("--help", "list", "init made", "build", "run --tool greet")
"""What takes turns with the bare interpreter; before ``build`` the tool is changed."""


class Cost(NamedTuple):
    wall_ms: float
    cpu_ms: float


class Project:
    """A tool as ``mpp init`` makes it, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._edits = 0
        self._environment = {name: text for name, text in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME"}}

    @property
    def root(self) -> Path:
        return self._folder / "tool"

    def python(self, *words: str, at: Path) -> Cost:
        before, began = _used(), time.perf_counter()
        done = subprocess.run([sys.executable, *words], cwd=at, env=self._environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        cost = Cost(1e3 * (time.perf_counter() - began), 1e3 * (_used() - before))
        if done.returncode:
            raise SystemExit(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
        return cost

    def mpp(self, words: str, at: Path | None = None) -> Cost:
        return self.python("-m", "mpp", *words.split(), at=at or self.root)

    def first(self) -> float:
        """Made, built and run: milliseconds."""
        return sum(cost.wall_ms for cost in (self.mpp("init tool --lang python", self._folder), self.mpp("build"), self.mpp("run --tool greet")))

    def edit(self) -> None:
        self._edits += 1
        with (self.root / "app" / "main.py").open("a", encoding="utf-8") as file:
            file.write(f"# edit {self._edits}\n")

    def once(self, words: str) -> Cost:
        if words == "build":
            self.edit()
        if words.startswith("init"):
            with tempfile.TemporaryDirectory() as other:
                return self.mpp(words, Path(other))
        return self.mpp(words)


def _used() -> float:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def rows(project: Project, rounds: int) -> Iterator[dict[str, object]]:
    """The figures, each with its baseline."""
    first = project.first()
    yield {"what": "a Python tool: mpp init, build, run", "ms": first, "most": FIRST_MS_MAX}
    turns: dict[str, list[Cost]] = {words: [] for words in ("", *COMMANDS)}
    for _ in range(rounds):
        for words, costs in turns.items():
            costs.append(project.python(*BARE, at=project.root) if not words else project.once(words))
    bare = turns.pop("")
    edited = [one.wall_ms + two.wall_ms for one, two in zip(turns["build"], turns["run --tool greet"], strict=True)]
    yield {"what": "after an edit: mpp build, run", "ms": median(edited), "most": EDITED_MS_MAX, "least": min(edited)}
    for words, costs in turns.items():
        yield {
            "what": f"mpp {words}", "ms": _middle(costs, lambda one: one.wall_ms), "cpu_ms": _middle(costs, lambda one: one.cpu_ms),
            "bare_ms": _middle(bare, lambda one: one.wall_ms), "bare_cpu_ms": _middle(bare, lambda one: one.cpu_ms),
        }  # fmt: skip


def _middle(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return median(map(of, costs))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mpp-starting-") as folder:
        found = list(rows(Project(Path(folder)), ROUNDS_QUICK if given.quick else ROUNDS))
    if given.json:
        print(json.dumps({"machine": facts(), "rows": found}, indent=1))
        return 0
    for row in found:
        beside = f"promised {row['most']:,} ms" if "most" in row else f"CPU {row['cpu_ms']:.0f} ms, python -c pass {row['bare_cpu_ms']:.0f} ms"
        print(f"{row['what']:<40} {row['ms']:8.0f} ms  {beside}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
