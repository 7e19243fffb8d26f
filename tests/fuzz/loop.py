"""The loop under both targets: make a case, run it, count what came out, stop with a saved input at anything else.

A case is made from (seed, number) alone, so every case can be made again. With atheris installed and ``--atheris``,
the same cases are made from the fuzzer's bytes instead, and coverage guides it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import sha256
from random import Random
from typing import NamedTuple

from mutate import FromBytes

from mpp.errors import FAMILIES, Refused

SLOW_SECONDS = 5.0
"""Processor seconds of one case that count as a finding. Reason: a case has some kilobytes and takes under a millisecond."""

WORDS_MAX = 4096
"""Characters of one fault in all. Reason: refusals reach terminals and logs; hostile text is quoted only in part."""


class Case(NamedTuple):
    """What is given to the product, and what must hold if it is accepted."""

    kind: str
    data: bytes
    run: Callable[[bytes], None]
    """Raises ``Refused``, or ``Broken`` when something is accepted that must not be, or returns."""


class BrokenError(Exception):
    """A promise does not hold: for example a forgery was accepted."""


class Found(NamedTuple):
    """What one worker counted."""

    runs: int
    outcomes: Counter[str]
    fault: str


Make = Callable[[Random], Case]


def outcome(case: Case) -> str:
    """The code a case was refused with, or ``accepted``. Anything but ``Refused`` goes through."""
    began = time.process_time()
    try:
        case.run(case.data)
        found = "accepted"
    except Refused as fault:
        judge_refusal(fault)
        found = fault.code
    if time.process_time() - began > SLOW_SECONDS:
        raise BrokenError(f"took {time.process_time() - began:.1f} s")
    return found


def judge_refusal(refused: Refused) -> None:
    """A refusal has a code of a known family, words, a hint, and a bounded size."""
    for fault in refused.faults:
        family, _, name = fault.code.partition(".")
        if family not in FAMILIES or not name or not fault.message or not fault.hint:
            raise BrokenError(f"an incomplete fault: {fault!r:.500}")
        if sum(map(len, fault)) > WORDS_MAX:
            raise BrokenError(f"a fault of {sum(map(len, fault))} characters: {fault.code} {fault!r:.300}")


def _save(folder: str, case: Case, why: str) -> str:
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{case.kind}-{sha256(case.data).hexdigest()[:16]}")
    with open(path, "wb") as stream:
        stream.write(case.data)
    with open(path + ".txt", "w", encoding="utf-8", errors="backslashreplace") as words:
        words.write(why)
    return path


class _Work(NamedTuple):
    make: Make
    numbers: range
    seed: int
    folder: str


def _work(work: _Work) -> Found:
    counts: Counter[str] = Counter()
    for done, number in enumerate(work.numbers):
        case = work.make(Random((work.seed << 40) + number))
        try:
            counts[f"{case.kind}: {outcome(case)}"] += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is the finding
            why = f"seed {work.seed}, case {number}, kind {case.kind}\n{traceback.format_exc()}"
            return Found(done + 1, counts, f"{why}saved as {_save(work.folder, case, why)}")
    return Found(len(work.numbers), counts, "")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=20_000, help="cases in all")
    parser.add_argument("--seed", type=int, default=1, help="cases follow from it")
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to go on where a run stopped or to repeat one case")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="processes")
    parser.add_argument("--save", default="build/fuzz", help="folder for inputs that broke something")
    parser.add_argument("--atheris", action="store_true", help="let atheris make the cases; arguments it knows stand behind --")
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def drive(make: Make, arguments: Sequence[str]) -> int:
    """Run a target as a command; 1 if something was found."""
    asked = _arguments(arguments)
    if asked.atheris:
        return _with_atheris(make, asked)
    began = time.perf_counter()
    work = [_Work(make, range(asked.first + i, asked.first + asked.runs, asked.jobs), asked.seed, asked.save) for i in range(asked.jobs)]
    if asked.jobs == 1:
        found = [_work(work[0])]
    else:
        with multiprocessing.get_context("fork").Pool(asked.jobs) as pool:
            found = pool.map(_work, work)
    return _report(found, time.perf_counter() - began)


def _report(found: list[Found], seconds: float) -> int:
    counts = sum((one.outcomes for one in found), Counter[str]())
    runs, faults = sum(one.runs for one in found), [one.fault for one in found if one.fault]
    lines = [f"{count:>10,}  {name}" for name, count in sorted(counts.items())]
    lines.append(f"{runs:,} executions, {runs / seconds:,.0f} a second, {len(faults)} findings")
    sys.stdout.write("\n".join((*lines, *faults)) + "\n")
    return int(bool(faults))


def _with_atheris(make: Make, asked: argparse.Namespace) -> int:
    try:
        import atheris
    except ImportError:
        sys.stderr.write("atheris is not installed: `pip install atheris`, or leave --atheris out\n")
        return 2

    def one(data: bytes) -> None:
        outcome(make(FromBytes(data)))

    os.makedirs(asked.save, exist_ok=True)
    options = [sys.argv[0], f"-runs={asked.runs}", f"-seed={asked.seed}", f"-artifact_prefix={asked.save}/", *asked.rest]
    atheris.instrument_all()
    atheris.Setup(options, one)
    atheris.Fuzz()
    return 0
