"""A terminal for tests: a person's keyboard and screen around a real process."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

SECONDS_MAX = 120
"""Seconds for one word to appear. Reason: on a machine with much else to do a Python alone needs half a minute to start."""


class Terminal:
    """A process whose controlling terminal is ours. Use as a context manager; it is killed at the end."""

    def __init__(self, words: list[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self._ours, theirs = pty.openpty()
        name = os.ttyname(theirs)

        def control() -> None:
            os.close(os.open(name, os.O_RDWR))

        self.process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(env), cwd=cwd, start_new_session=True, preexec_fn=control)  # noqa: PLW1509 - one thread here
        os.close(theirs)
        self.screen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + SECONDS_MAX
        while text not in self.screen:
            assert self._read(until), f"{text!r} never came; the screen shows:\n{self.screen}"

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        """The exit code, once everything that was printed has been read."""
        until = time.monotonic() + SECONDS_MAX
        while self._read(until):
            pass
        return self.process.wait(timeout=SECONDS_MAX)

    def _read(self, until: float) -> bool:
        if not select.select([self._ours], [], [], max(0.0, until - time.monotonic()))[0]:
            return False
        try:
            piece = os.read(self._ours, 4096)
        except OSError:
            return False
        self.screen += piece.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(piece)
