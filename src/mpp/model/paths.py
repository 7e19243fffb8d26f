"""Names of archive members: portable on every system, never an escape, never ambiguous.

Spec: spec/1-archive.md section 4. One rule for the archive and for every path a manifest names.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NAME_BYTES_MAX = 240
"""Bytes of a member name. Reason: with a store's prefix it stays under the 255 of common file systems' names."""

NAME_DEPTH_MAX = 16
"""Components of a member name. Reason: bounds the directories an unpacking host makes."""

COMPONENT_BYTES_MAX = 100
"""Bytes of one component. Reason: safe on every file system in use, encrypted ones included."""

_COMPONENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_DEVICES = frozenset(("con", "prn", "aux", "nul", "conin$", "conout$", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))))


class PathFault(NamedTuple):
    """Why a name is refused: the last part of its code, and the words."""

    code: str
    message: str


def path_fault(name: str) -> PathFault | None:
    """What is wrong with ``name`` as a member name, or None.

    Attacks: ``../`` and absolute names escape an unpacking folder; device names hang Windows; a trailing
    dot or an odd character makes two names one; a leading dot or dash hides a file or becomes an option.
    """
    if not 0 < len(name) <= NAME_BYTES_MAX:
        return PathFault("length", f"a name has 1 to {NAME_BYTES_MAX} bytes")
    if name.startswith("/") or name[1:2] == ":":
        return PathFault("absolute", "a name must not be absolute")
    parts = name.split("/")
    if ".." in parts:
        return PathFault("traversal", "a name must not climb out with '..'")
    if len(parts) > NAME_DEPTH_MAX:
        return PathFault("depth", f"a name has at most {NAME_DEPTH_MAX} components")
    for part in parts:
        fault = _component_fault(part)
        if fault is not None:
            return fault
    return None


def _component_fault(part: str) -> PathFault | None:
    if len(part) > COMPONENT_BYTES_MAX:
        return PathFault("length", f"a component has at most {COMPONENT_BYTES_MAX} bytes")
    if _COMPONENT.fullmatch(part) is None or part.endswith("."):
        return PathFault("form", "a component is letters, digits, '.', '_', '+', '-', begins with a letter, digit or '_' and does not end with '.'")
    if part.partition(".")[0].lower() in _DEVICES:
        return PathFault("device", f"{part!r} is a device name on some systems")
    return None
