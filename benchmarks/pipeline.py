"""Measure what the stages of a call cost, without the record, the filter and the front.

    python benchmarks/pipeline.py [all|packages|sandbox|deciding] [--json] [--quick]

Exit code 0 whatever the figures are: this is a measurement, never a test. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator

import approval
import figures
import policy
import sandbox
import told
import tokens
from cold import Cold, Import
from machine import facts
from measure import Row
from spread import HEAD, Figure

from mpp.limits import MIB

IMPORTS_SHOWN = 10
PARTS = ("all", "packages", "sandbox", "deciding")
IN_MEMORY = "/dev/shm"  # noqa: S108 - a private folder is made in it


class Run:
    """All figures of one run, printed as they come unless one JSON object is asked for."""

    def __init__(self, *, quick: bool, quiet: bool) -> None:
        self.rounds, self.quiet = 3 if quick else 15, quiet
        self.rows: list[Row] = []
        self.imports: list[Import] = []
        self.rates: list[tuple[str, str]] = []
        self.hostile: list[told.Hostile] = []
        self.sandbox_rounds = sandbox.ROUNDS_QUICK if quick else sandbox.ROUNDS
        self.sandbox: list[Figure] = []
        self.deciding_rounds = (policy.ROUNDS_QUICK, tokens.ROUNDS_QUICK, approval.ROUNDS_QUICK) if quick else (policy.ROUNDS, tokens.ROUNDS, approval.ROUNDS)
        self.deciding: list[Figure] = []
        self.load = ""

    def say(self, text: str = "") -> None:
        if not self.quiet:
            print(text, flush=True)

    def head(self) -> None:
        for name, text in facts().items():
            self.say(f"{name:<22} {text}")

    def calls(self, folder: str) -> None:
        """The sandbox's part."""
        # What else kept the processors busy in the minute before.
        self.load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores in the minute before"
        self.say(f"\nsandbox (load: {self.load})\n{HEAD}")
        for figure in sandbox.figures(folder, self.sandbox_rounds):
            self.sandbox.append(figure)
            self.say(figure.line())
        self.load += f", {os.getloadavg()[0]:.1f} in the last minute of the run"

    def decisions(self, folder: str) -> None:
        """The part of policy, tokens and approval."""
        self.say(f"\ndeciding\n{HEAD}")
        of_policy, of_tokens, of_approval = self.deciding_rounds
        for figure in (*policy.figures(of_policy), *tokens.figures(of_tokens), *approval.figures(folder, of_approval)):
            self.deciding.append(figure)
            self.say(figure.line())

    def packages(self, folder: str) -> None:
        """The part of archive and gatekeeper."""
        self.say(f"\n{'what':<50} {'ours':>9} {'baseline':>9} {'ratio':>6} {'promised':>9}  kept  baseline, note")
        for row in self._rows(folder):
            self.rows.append(row)
            self.say(_line(row))
        self.say("\nslowest imports of the cold command (own ms, with its imports)")
        for one in self.imports[:IMPORTS_SHOWN]:
            self.say(f"  {one.own:6.2f} {one.total:7.2f}  {one.name}")
        self.say("\nrates of the parts")
        for name, text in told.rates(self.rounds):
            self.rates.append((name, text))
            self.say(f"  {name:<58} {text}")
        self.say("\nhostile files, in a process of their own (promised: under 2 s and 100 MiB above the file)")
        for found in told.hostile(folder):
            self.hostile.append(found)
            self.say(f"  {found.what:<50} {found.seconds:5.2f} s {found.memory / MIB:7.1f} MiB  {'yes' if found.kept else 'NO':<4}  {found.code}")

    def _rows(self, folder: str) -> Iterator[Row]:
        yield from figures.authentication(self.rounds)
        yield from figures.whole(self.rounds)
        yield from told.stored_parts(self.rounds)
        cold = Cold(folder)
        yield cold.row(self.rounds * 3)
        self.imports = cold.imports()

    def document(self) -> dict[str, object]:
        """The results of the parts that were run."""
        found: dict[str, object] = {}
        if self.rows:
            found |= {
                "machine": facts(),
                "ratios": [{**row._asdict(), "ratio": round(row.ratio, 3), "kept": row.kept} for row in self.rows],
                "imports_ms": [one._asdict() for one in self.imports[:IMPORTS_SHOWN]],
                "rates": dict(self.rates),
                "hostile": [{**one._asdict(), "kept": one.kept} for one in self.hostile],
            }
        if self.sandbox:
            found["sandbox"] = {"machine": {**facts(), "load": self.load}, "figures": [one.plain() for one in self.sandbox]}
        if self.deciding:
            found["deciding"] = {"machine": facts(), "figures": [one.plain() for one in self.deciding]}
        return found


def _line(row: Row) -> str:
    promised = "" if row.promised is None else f"{row.promised:g}x" + (f"+{1000 * row.plus:.0f}ms" if row.plus else "")
    kept = {None: "", True: "yes", False: "NO"}[row.kept]
    return f"{row.what:<50} {1000 * row.ours:7.2f}ms {1000 * row.base:7.2f}ms {row.ratio:6.2f} {promised:>9}  {kept:<4}  {row.baseline}" + (
        f"; {row.note}" if row.note else ""
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("part", nargs="?", choices=PARTS, default="all", help="what to measure")
    asked = parser.parse_args()
    run = Run(quick=asked.quick, quiet=asked.json)
    run.head()
    if asked.part in {"all", "packages"}:
        with tempfile.TemporaryDirectory() as folder:
            run.packages(folder)
    if asked.part in {"all", "sandbox"}:
        with tempfile.TemporaryDirectory(dir=IN_MEMORY if os.path.isdir(IN_MEMORY) else None) as folder:
            run.calls(folder)
    if asked.part in {"all", "deciding"}:
        with tempfile.TemporaryDirectory() as folder:
            run.decisions(folder)
    if asked.json:
        print(json.dumps(run.document(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
