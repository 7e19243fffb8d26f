"""Which files of a project changed, by looking: it works in every folder, over networks and in containers, and a look costs a millisecond."""

from __future__ import annotations

import os

from mpp.author.limits import WATCHED_FILES_MAX
from mpp.errors import Refused

_PASSED_OVER = frozenset(("__pycache__", "node_modules", "target", "build", "dist", "zig-out", "zig-cache"))
_PACKAGE = ".mpp"

Look = dict[str, tuple[int, int, int]]
"""Relative name: time of change, size, number of the file."""


def look(root: str) -> Look:
    """All files that a build or a test may read. Hidden ones, packages and what compilers leave are passed over; links are not followed."""
    found: Look = {}
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _PASSED_OVER)
        for name in files:
            if name.startswith(".") or name.endswith(_PACKAGE):
                continue
            path = os.path.join(folder, name)
            try:
                seen = os.lstat(path)
            except OSError:  # it went while we looked
                continue
            found[os.path.relpath(path, root)] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            if len(found) > WATCHED_FILES_MAX:
                raise Refused("project.files", f"more than {WATCHED_FILES_MAX} files", where=root, hint="move what is no part of the project out of its folder")
    return found


def changed(before: Look, now: Look) -> tuple[str, ...]:
    """The names of what is new, gone or different."""
    return tuple(sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name)))
