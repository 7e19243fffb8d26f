"""The host's side of the process that judges: starts it, speaks with it as with a stranger, and ends it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping

from mpp.errors import HostFailed
from mpp.host.patterns import limits
from mpp.model.jsontext import shown
from mpp.ports import Steps, Wait

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")
_SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(_CHILD))))
_READ_BYTES = 64 * 1024
_SHOWN_MAX = 200

LATE, GONE = "late", "gone"
"""How a judge ends without an answer: it was killed when its time was over, or died."""

_CPU_CLOCK = 2
"""The low bits of the name of a clock: all that one process has computed. The bits above are its number, turned round (clock_getcpuclockid)."""


class Judge:
    """One process, for several patterns one after another. ``close`` ends it; nothing else does for sure."""

    def __init__(self, *, memory: int = limits.JUDGE_DATA_BYTES) -> None:
        command = [sys.executable, "-I", "-S", "-B", _CHILD, _SOURCE, _library(), str(memory), str(limits.JUDGE_CPU_SECONDS)]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}, cwd="/", bufsize=0)
        except OSError as fault:
            raise HostFailed("host.patterns", f"patterns cannot be judged: {fault.strerror}", hint="free memory or processes, then try again") from None
        if self._process.stdin is None or self._process.stdout is None:
            raise HostFailed("host.patterns", "patterns cannot be judged: a process without pipes", hint="report this as a fault")
        self._in, self._out = self._process.stdin, self._process.stdout
        self._read = b""
        for stream in (self._in, self._out):
            os.set_blocking(stream.fileno(), False)

    def ready(self) -> Steps[None]:
        """Until the barriers stand. Raises HostFailed where they cannot be put up."""
        found = yield from self._answer(limits.JUDGE_CPU_SECONDS, time.monotonic() + limits.START_SECONDS)
        if isinstance(found, str):
            raise HostFailed("host.patterns", "the process that judges patterns does not start", hint="run `mpp doctor`")
        if found.get("ready") is not True:
            words = shown(str(found.get("fault", "")), _SHOWN_MAX)
            raise HostFailed(
                "host.barrier", words or "a barrier cannot be put up", where=shown(str(found.get("where", "")), _SHOWN_MAX), hint="run `mpp doctor`"
            )

    def spent(self) -> float:
        """Processor seconds that it has computed for; time as it passes where the kernel does not say. Only differences mean something."""
        try:
            return time.clock_gettime((~self._process.pid << 3) | _CPU_CLOCK)
        except OSError:
            return time.monotonic()

    def ask(self, question: Mapping[str, object], seconds: float, until: float) -> Steps[Mapping[str, object] | str]:
        """Its answer, or how it ended: late, if it computed for ``seconds`` or ``until`` came. After that it must be closed."""
        line = json.dumps(question).encode() + b"\n"
        most = self.spent() + seconds
        while line:
            try:
                line = line[os.write(self._in.fileno(), line) :]
            except BlockingIOError:
                if (look := self._next_look(most, until)) is None:
                    return LATE
                yield Wait(self._in.fileno(), look, writing=True)
            except OSError:
                return GONE
        return (yield from self._answer(most, until))

    def _next_look(self, most: float, until: float) -> float | None:
        """When it may be late, or nothing if it is. It computes for no longer than time passes, so nobody need look before."""
        now, left = time.monotonic(), most - self.spent()
        return None if left <= 0 or now >= until else min(now + max(left, limits.JUDGE_LOOK_SECONDS), until)

    def _answer(self, most: float, until: float) -> Steps[Mapping[str, object] | str]:
        while b"\n" not in self._read:
            try:
                piece = os.read(self._out.fileno(), _READ_BYTES)
            except BlockingIOError:
                if (look := self._next_look(most, until)) is None:
                    return LATE
                yield Wait(self._out.fileno(), look)
                continue
            if not piece or len(self._read) > limits.LINE_BYTES_MAX:
                return GONE
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        # Attack: it compiled foreign expressions and may say anything.
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return GONE
        return found if isinstance(found, dict) else GONE

    def close(self) -> None:
        self._process.kill()
        self._in.close()
        self._out.close()
        self._process.wait()


def _library() -> str:
    """The folder from which the engines are imported."""
    found = importlib.util.find_spec("re2")
    if found is None or not found.origin:
        raise HostFailed("privacy.engine", "RE2 is not installed, and custom patterns need it", hint="pip install google-re2")
    return os.path.dirname(os.path.dirname(os.path.abspath(found.origin)))
