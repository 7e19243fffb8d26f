"""What is installed beside this program, by the names of folders: ``importlib.metadata`` brings the modules of mail, and reads more than is asked for.

Where the folders do not tell it, that module is asked after all, so that nothing which it would find stays unseen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence

INFO_SUFFIXES = (".dist-info", ".egg-info")
ENTRY_POINTS = "entry_points.txt"


def installed_version(name: str, path: Sequence[str] | None = None) -> str:
    """The version of a distribution; empty where it is not there."""
    begins = f"{name.lower().replace('-', '_')}-"
    for folder in sys.path if path is None else path:
        found = [one for one in _names(folder) if one.lower().startswith(begins) and one.endswith(INFO_SUFFIXES[0])]
        if len(found) == 1:
            return found[0][len(begins) : -len(INFO_SUFFIXES[0])]
        if found:
            break
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow, and seldom needed

    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def may_have_entry_points(group: str, path: Sequence[str] | None = None) -> bool:
    """Might something that is installed offer an entry point of this group? False only where surely nothing does."""
    if any(hasattr(finder, "find_distributions") and finder.__module__ not in _OWN_FINDERS for finder in map(_class_of, sys.meta_path)):
        return True
    return any(_offers(folder, group.encode()) for folder in (sys.path if path is None else path))


_OWN_FINDERS = frozenset(("_frozen_importlib", "_frozen_importlib_external", "importlib._bootstrap", "importlib._bootstrap_external"))
"""Modules of the finders that Python brings. Only the one that looks through folders finds distributions."""


def _class_of(finder: object) -> type:
    return finder if isinstance(finder, type) else type(finder)


def _offers(folder: str, group: bytes) -> bool:
    # A packed folder is read by the slow way.
    if os.path.isfile(folder or "."):
        return True
    for name in _names(folder):
        if name.endswith(".egg"):
            return True
        if name.endswith(INFO_SUFFIXES) and _holds(os.path.join(folder or ".", name, ENTRY_POINTS), group):
            return True
    return False


def _holds(path: str, group: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            return group in file.read(ENTRY_POINTS_BYTES_MAX) or bool(file.read(1))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # It is there and cannot be read: the slow way says what is wrong.
        return True


ENTRY_POINTS_BYTES_MAX = 1 << 20
"""Bytes of a list of entry points. Reason: they have a few hundred; a longer one is read by the slow way."""


def _names(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder or ".") as found:
            yield from (one.name for one in found)
    except OSError:
        return
