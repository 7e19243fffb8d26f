"""One session of ``mpp dev``: what is built, tested and served, and what its author is told meanwhile."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from mpp.author.build import Built, Wishes, build_project
from mpp.author.developing.hints import lacked_call, lacked_in
from mpp.author.developing.testing import Tested, run_tests
from mpp.author.developing.watching import changed, look
from mpp.author.project import Project, read_project
from mpp.cli.screen import note, safe
from mpp.errors import HostFailed, MppError, Refused
from mpp.files import write_atomic
from mpp.model.jsontext import Json
from mpp.model.value import value

LOOK_SECONDS = 0.25
"""Seconds between two looks at the project. Reason: shorter than a person notices; a look costs a millisecond."""

SETTLE_LOOKS = 2
"""Looks without a further change before a build begins. Reason: an editor writes several files one after the other."""

CHANGES_SHOWN = 5


class Teller:
    """Events for the author, as lines on standard error; standard output belongs to the client that is served."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._lock = threading.Lock()

    def tell(self, event: str, words: str, **more: Json) -> None:
        with self._lock:
            if self._as_json:
                sys.stderr.write(json.dumps({"event": event, **more}, ensure_ascii=False) + "\n")
                sys.stderr.flush()
            else:
                for line in words.splitlines():
                    note(safe(line))

    def called(self, tool: str, seconds: float, inside: float, code: str) -> None:
        words = f"call    {seconds * 1000:9.1f} ms  {tool}  {code}" + (f"  (in the sandbox {inside * 1000:.1f} ms)" if inside else "")
        self.tell("call", words, tool=tool, ms=round(seconds * 1000, 3), sandbox_ms=round(inside * 1000, 3), code=code)

    def said(self, text: str) -> None:
        for line in text.splitlines():
            self.tell("stderr", f"tool:   {line}", line=line)
        for words in lacked_in(text):
            self.tell("needs", f"needs   {words}", hint=words)

    def lacked(self, method: str, params: Json, code: str) -> None:
        words = lacked_call(method, params, code)
        self.tell("needs", f"needs   {words}", method=method, code=code, hint=words)


@value
class Cycle:
    """One build with its tests."""

    built: Built | None
    fault: MppError | None
    tested: Tested | None
    seconds: float
    steps: tuple[tuple[str, float], ...]

    @property
    def ok(self) -> bool:
        return self.fault is None and (self.tested is None or self.tested.ok)


@value
class DevOptions:
    wishes: Wishes
    tests: bool
    trusts_project: bool


def _nowhere(_: Built) -> None:
    """Nobody serves it."""


def run_cycle(root: str, options: DevOptions, teller: Teller, serve: Callable[[Built], None] = _nowhere) -> Cycle:
    """Build, write the package where ``mpp run`` finds it, serve it, run the tests. What is wrong is told, not raised: the next edit mends it."""
    begun = time.monotonic()
    steps: list[tuple[str, float]] = []
    at = begun

    def progress(text: str) -> None:
        nonlocal at
        now = time.monotonic()
        if steps:
            steps[-1] = (steps[-1][0], now - at)
        steps.append((text, 0.0))
        at = now

    built: Built | None = None
    fault: MppError | None = None
    tested: Tested | None = None
    try:
        project = read_project(root)
        built = build_project(project, progress=progress, wishes=options.wishes)
        if steps:
            steps[-1] = (steps[-1][0], time.monotonic() - at)
        seconds = time.monotonic() - begun
        write_atomic(os.path.join(project.root, built.name), built.data)
        _tell_built(built, seconds, tuple(steps), teller)
        serve(built)
        tested = _tested(project, options, teller)
    except MppError as found:
        fault = found
        _tell_fault(found, teller)
    return Cycle(built=built, fault=fault, tested=tested, seconds=time.monotonic() - begun, steps=tuple(steps))


def _tell_built(built: Built, seconds: float, steps: tuple[tuple[str, float], ...], teller: Teller) -> None:
    parts = ", ".join(f"{text.partition(';')[0]} {took:.2f} s" for text, took in steps if took >= 0.05)
    words = f"build   {seconds:9.2f} s   {built.name}  {len(built.data):,} bytes" + (f"  ({parts})" if parts else "")
    words += "".join(f"\nwarning {warning}" for warning in built.warnings)
    stages: Json = [{"step": text, "seconds": round(took, 3)} for text, took in steps]
    teller.tell(
        "built",
        words,
        file=built.name,
        bytes=len(built.data),
        content_hash=built.content_hash,
        seconds=round(seconds, 3),
        steps=stages,
        warnings=[*built.warnings],
    )


def _tell_fault(fault: MppError, teller: Teller) -> None:
    lines = [
        f"failed  {one.message}" + (f" ({one.where})" if one.where else "") + f" [{one.code}]" + (f"\nhint    {one.hint}" if one.hint else "")
        for one in fault.faults
    ]
    faults: Json = [{"code": one.code, "where": one.where, "message": one.message, "hint": one.hint} for one in fault.faults]
    teller.tell("failed", "\n".join(lines), faults=faults)


def _tested(project: Project, options: DevOptions, teller: Teller) -> Tested | None:
    if not options.tests:
        return None
    tested = run_tests(project, trusts_project=options.trusts_project)
    if tested is None:
        teller.tell("tests", "tests   none: there is no tests/test_*.py, or no pytest to run them with", ok=True, summary="none")
        return None
    words = f"tests   {tested.seconds:9.2f} s   {tested.summary}" + (f"\n{tested.output}" if tested.output else "")
    teller.tell("tests", words, ok=tested.ok, seconds=round(tested.seconds, 3), summary=tested.summary, output=tested.output)
    return tested


def judged_once(cycle: Cycle) -> None:
    """For ``--once``: what is wrong ends the command."""
    if cycle.fault is not None:
        raise cycle.fault
    if cycle.tested is not None and not cycle.tested.ok:
        raise Refused("project.tests", f"the tests failed: {cycle.tested.summary}", where="tests", hint="mend what they say, or leave them out with --no-tests")


class Watcher:
    """Builds anew whenever the project changed and was then left alone for a moment."""

    def __init__(self, root: str, build: Callable[[], None], teller: Teller) -> None:
        self._root, self._build, self._teller = root, build, teller
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="mpp-dev", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def wait(self) -> None:
        """Until somebody interrupts."""
        with suppress(KeyboardInterrupt):
            self._end.wait()

    def _watch(self) -> None:
        built = seen = self._looked({})
        quiet = 0
        while not self._end.wait(LOOK_SECONDS):
            now = self._looked(seen)
            quiet = 0 if now != seen else quiet + 1
            seen = now
            if now != built and quiet >= SETTLE_LOOKS:
                names = changed(built, now)
                built = now
                self._teller.tell("changed", f"changed {', '.join(names[:CHANGES_SHOWN])}{' …' if len(names) > CHANGES_SHOWN else ''}", files=[*names[:100]])
                self._build()

    def _looked(self, before: dict[str, tuple[int, int, int]]) -> dict[str, tuple[int, int, int]]:
        try:
            return look(self._root)
        except (Refused, HostFailed) as fault:
            if not before:
                _tell_fault(fault, self._teller)
            return before
