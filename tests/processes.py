"""Which processes are there. One that has ended stays in the table until its parent looks, which in a container may be nobody."""

from __future__ import annotations

import time
from pathlib import Path

END_SECONDS = 20
"""For what a signal has reached to be gone, on a busy machine."""


def running_in(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, _, of = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(of) == group and state not in {"Z", "X"}:
                found.append(int(entry.name))
    return found


def all_end(group: int, seconds: float = END_SECONDS) -> bool:
    """Do all processes of a group end in time?"""
    until = time.monotonic() + seconds
    while running_in(group):
        if time.monotonic() >= until:
            return False
        time.sleep(0.02)
    return True
