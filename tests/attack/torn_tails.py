"""A log whose open segment is torn, again and again. Tests: test_t63_log_crashes.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.reader import LogReader
from mpp.host.home import Home
from mpp.testing.packages import TestClock
from tests.attack.dying import event


class Tails:
    """A log with a sealed segment and an open one, whose bytes are put back before each try."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self._monkeypatch, self._boots = home, monkeypatch, 0
        with AuditLog(home, clock=TestClock()) as log:
            log.record(event(number=1))
            log.seal()
            log.record(event(number=2), durable=True)
            log.checkpoint()
        self.signed = LogReader(home.log).last() + 1
        log = AuditLog(home, clock=TestClock())
        for number in range(12):
            log.record(event(number=number, pad="\u00e9" * 150, more=["x" * 60]))
        log._drop()
        self.path = Path(home.log.segment(3))
        self.data = self.path.read_bytes().rstrip(b"\0")
        self.below = self.data.index(b"\n") + 1
        """Bytes under the checkpoint."""

    def wake(self, data: bytes) -> AuditLog:
        """A start of the machine, which finds ``data`` in the open segment."""
        self.path.write_bytes(data)
        self._boots += 1
        boot = self._boots.to_bytes(16, "big")
        self._monkeypatch.setattr("mpp.host.audit.log.boot_id", lambda: boot)
        return AuditLog(self.home, clock=TestClock())

    def mended(self, data: bytes) -> bytes:
        log = self.wake(data)
        with log.held():
            pass
        log._drop()
        return self.path.read_bytes().rstrip(b"\0")
