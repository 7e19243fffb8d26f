"""Commands that a page runs on demand, in a process of their own; the last result of each is kept in memory, with its time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence

from mpp.console.desk import Desk
from mpp.errors import HostFailed, MppError
from mpp.limits import MIB
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value

COMMANDS: Mapping[str, Sequence[str]] = {"doctor": ("doctor", "--json"), "record": ("audit", "verify", "--json")}
"""What may be run, by name. None of them changes anything, and nothing of a request comes into their words."""

SECONDS_MAX = 300
"""Seconds of one run. Reason: a record of millions of entries takes a minute; longer ones are verified at a terminal."""

ANSWER_BYTES_MAX = 4 * MIB
"""Bytes of one answer. Reason: the longest lists its faults, which are bounded to some hundred KiB."""

_START = (sys.executable, "-P", "-m", "mpp")


@value
class Result:
    """What a command said. It was of this moment; the machine may be another one now."""

    at: int
    document: Mapping[str, Json]


class Checks:
    """One run of each at a time. Attack: a page that is loaded again and again, and starts a process each time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._locks = {name: threading.Lock() for name in COMMANDS}
        self._last: dict[str, Result] = {}

    def last(self, name: str) -> Result | None:
        return self._last.get(name)

    def run(self, name: str) -> Result | None:
        """The answer of now; None where it runs already."""
        lock = self._locks[name]
        if not lock.acquire(blocking=False):
            return None
        try:
            self._last[name] = found = Result(at=self.desk.now(), document=_answer(COMMANDS[name], self.desk.home.path))
            return found
        finally:
            lock.release()


_KNOWN: dict[str, Checks] = {}
HOMES_MAX = 8
"""Homes whose checks are remembered in one process. Reason: a console has one; tests have more."""


def checks_of(desk: Desk) -> Checks:
    """Those of this console: what one page ran, another one shows."""
    found = _KNOWN.get(desk.home.path)
    if found is None or found.desk is not desk:
        while len(_KNOWN) >= HOMES_MAX:
            _KNOWN.pop(next(iter(_KNOWN)))
        found = _KNOWN[desk.home.path] = Checks(desk)
    return found


def _answer(words: Sequence[str], home: str) -> Mapping[str, Json]:
    data = _said([*_START, *words], home)
    try:
        found = read(data, family="call", where="mpp")
    except MppError:
        found = None
    if not isinstance(found, dict):
        command = " ".join(("mpp", *words))
        raise HostFailed(
            "host.answer", f"`{command}` gave no answer: {shown(data[-200:].decode('utf-8', 'replace'), 200)}", hint="run it at a terminal to see why"
        )
    return found


def _said(command: Sequence[str], home: str) -> bytes:
    environment = {**os.environ, "MPP_HOME": home}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as child:
        end = threading.Timer(SECONDS_MAX, child.kill)
        end.start()
        try:
            data = b"" if child.stdout is None else child.stdout.read(ANSWER_BYTES_MAX + 1)
        finally:
            end.cancel()
            # It has said what it had to say, or too much; what goes on is of no use.
            child.kill()
    return data
