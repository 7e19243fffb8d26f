"""Ranges of versions: an exact one, ``^1.2.3``, ``~1.2``, ``>=1.0.0`` and ``*``. Pure."""

from __future__ import annotations

import re

from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.names import VERSION, version_key, VersionKey
from mpp.model.value import value

_SHORT = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.(0|[1-9][0-9]{0,9}))?(?:\.(0|[1-9][0-9]{0,9}))?")
RANGE_FORM = "a version such as 1.2.3, or ^1.2.3, ~1.2, >=1.0.0 or *"


@value
class Range:
    """Versions from ``least`` to before ``below``. ``exact``: this one version, whatever its state."""

    text: str
    exact: str = ""
    least: VersionKey | None = None
    below: tuple[int, int, int] | None = None
    triple: tuple[int, int, int] | None = None
    """Pre-releases are taken of these three numbers alone, and only where the range begins with one."""

    def fits(self, version: str) -> bool:
        if self.exact:
            return version == self.exact
        key = version_key(version)
        if key is None or (self.least is not None and key < self.least) or (self.below is not None and key[:3] >= self.below):
            return False
        return key[3] == 1 or key[:3] == self.triple


ANY = Range(text="*")


def read_range(text: str) -> Range:
    if text in {"", "*", "latest"}:
        return ANY
    for sign in (">=", "^", "~"):
        if text.startswith(sign):
            return _from(text, sign, text.removeprefix(sign))
    if VERSION.fullmatch(text) is None:
        raise _wrong(text)
    return Range(text=text, exact=text)


def _from(text: str, sign: str, rest: str) -> Range:
    short = _SHORT.fullmatch(rest)
    given = [int(one) for one in short.groups() if one is not None] if short is not None else []
    whole = rest if short is None else ".".join(str(one) for one in [*given, 0, 0][:3])
    key = version_key(whole)
    if key is None:
        raise _wrong(text)
    major, minor, patch = key[:3]
    triple = key[:3] if key[3] == 0 else None
    if sign == ">=":
        return Range(text=text, least=key, triple=triple)
    if sign == "~":
        below = (major + 1, 0, 0) if len(given) == 1 else (major, minor + 1, 0)
        return Range(text=text, least=key, below=below, triple=triple)
    return Range(text=text, least=key, below=_caret(major, minor, patch, len(given) or 3), triple=triple)


def _caret(major: int, minor: int, patch: int, given: int) -> tuple[int, int, int]:
    """The first number that is not zero stays; before version 1 each number promises less."""
    if major or given == 1:
        return (major + 1, 0, 0)
    if minor or given == 2:
        return (0, minor + 1, 0)
    return (0, 0, patch + 1)


def _wrong(text: str) -> Refused:
    return Refused("usage.version", f"{shown(text)!r} is no range of versions", hint=f"write {RANGE_FORM}")
