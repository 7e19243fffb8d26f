"""Patterns of policies: names with one ``*``, package ids, paths, version ranges. All match in time linear in the text.

No pattern is a regular expression. What is not sound is noted as a fault, never guessed. Spec: spec/3-policy.md section 2.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import NamedTuple

from mpp.model.fields import Faults
from mpp.model.hiddentext import WIDE_SPACES
from mpp.model.jsontext import shown
from mpp.model.limits import PATH_CHARS_MAX
from mpp.model.names import PACKAGE_ID, VersionKey, version_key
from mpp.model.scope import WORKSPACE
from mpp.stages.policy.limits import ARGUMENT_PATH_MAX, LONG_TEXTS_MAX, PATH_PARTS_MAX, SHORT_TEXT_MAX, VERSION_RANGE_MAX

NO, UNCLEAR, YES = 0, 1, 2
"""What a condition says of a call. In doubt a rule that asks or denies matches, and one that allows does not."""

GUEST_WORKSPACE = "/workspace"
"""Where a tool finds the workspace, and so what its arguments say."""

_PREFIX = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.\*")
_ODD_IN_PATH = frozenset("\\*?[]$\n\t" + WIDE_SPACES)
_COMPARATOR = re.compile(r"(>=|<=|=|>|<)(.+)")


def check_name(pattern: str, where: str, faults: Faults) -> None:
    """A name, or one with a ``*`` that stands for any text. Spec: 3-policy P-20."""
    if pattern.count("*") > 1:
        faults.add("pattern", where, f"{shown(pattern)!r} has more than one '*'", "keep one '*', or write several patterns", family="policy")


def check_package(pattern: str, where: str, faults: Faults) -> None:
    """``com.example.tool``, ``com.example.*`` for all below, or ``*``. Spec: 3-policy P-21."""
    if pattern == "*" or PACKAGE_ID.fullmatch(pattern) is not None or _PREFIX.fullmatch(pattern) is not None:
        return
    hint = "write com.example.tool, com.example.* for all below com.example, or *"
    faults.add("pattern", where, f"{shown(pattern)!r} is neither a package id nor a prefix of one", hint, family="policy")


def check_path(path: str, where: str, faults: Faults) -> None:
    """The forms of a manifest (P-25). Attack: two spellings of one path, of which the policy knows one."""
    rest = path.removeprefix(WORKSPACE)
    if not (rest.startswith("/") or (rest != path and not rest)):
        hint = "write /absolute/path, ${workspace} or ${workspace}/path"
        faults.add("path", where, f"{shown(path)!r} is neither absolute nor in the workspace", hint, family="policy")
    elif rest and not _is_shortest(rest, is_root=path == "/"):
        hint = "remove '.', '..', doubled slashes and a slash at the end"
        faults.add("path", where, f"{shown(path)!r} is not in its shortest form, or has more than {PATH_PARTS_MAX} parts", hint, family="policy")
    elif not _ODD_IN_PATH.isdisjoint(rest) or len(path) > PATH_CHARS_MAX or fold(rest).count("/") != rest.count("/"):
        hint = "name the folder itself: what is in it is included"
        faults.add("path", where, f"{shown(path)!r} holds one of \\ * ? [ ] $, a tab, a line end or an unusual space, or is too long", hint, family="policy")


def _is_shortest(path: str, *, is_root: bool) -> bool:
    parts = path.split("/")[1:]
    return is_root or (len(parts) <= PATH_PARTS_MAX and not any(part in {"", ".", ".."} for part in parts))


def canonical_path(text: str) -> bool:
    """Whether an argument names one place: absolute, in its shortest form, without what some system reads in another way."""
    return len(text) <= ARGUMENT_PATH_MAX and text.startswith("/") and _is_plain(text)


def _is_plain(text: str) -> bool:
    return "\0" not in text and "\\" not in text and (text == "/" or not any(part in {"", ".", ".."} for part in text.split("/")[1:]))


_NORMAL: dict[str, str] = {}
_FOLDED: dict[str, str] = {}
"""Other forms of long texts of the call that is being judged."""


def nfkc(text: str) -> str:
    """Attack: two ways to write one letter (composed, full width) look the same and compare as different."""
    return text if text.isascii() else _kept(_NORMAL, text, _nfkc)


def fold(text: str) -> str:
    return _kept(_FOLDED, text, _fold)


def forget() -> None:
    """At the end of each judgement: no argument outlives it here."""
    if _NORMAL or _FOLDED:
        _NORMAL.clear()
        _FOLDED.clear()


def _kept(kept: dict[str, str], text: str, make: Callable[[str], str]) -> str:
    """Attack: a megabyte of odd letters, brought into another form again for each of ten thousand rules."""
    if len(text) <= SHORT_TEXT_MAX:
        return make(text)
    found = kept.get(text)
    if found is None:
        found = make(text)
        if len(kept) < LONG_TEXTS_MAX:
            kept[text] = found
    return found


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else _nfkc(_nfkc(text).casefold())


class Names:
    """Patterns of names, exact ones by table."""

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self.exact = frozenset(one for one in patterns if "*" not in one)
        self._starred = tuple((first, last, len(first) + len(last)) for first, _, last in (one.partition("*") for one in patterns if "*" in one))

    def fits(self, name: str) -> bool:
        # Attack: a*a must not fit "a": both ends need letters of their own.
        starred = self._starred
        return name in self.exact or any(len(name) >= least and name.startswith(first) and name.endswith(last) for first, last, least in starred)


class Packages:
    """Patterns of package ids."""

    def __init__(self, patterns: Iterable[str]) -> None:
        patterns = tuple(patterns)
        self.is_any = "*" in patterns
        self.keys = tuple(one.removesuffix("*") for one in patterns if one != "*")
        """Exact ids, and prefixes with the dot at their end. Attack: ``com.example.*`` must not reach ``com.examplefoo``."""
        self._known = frozenset(self.keys)

    def fits(self, package_id: str) -> bool:
        return self.is_any or not self._known.isdisjoint(package_keys(package_id))


def package_keys(package_id: str) -> list[str]:
    """The id, and each prefix of it that ends with a dot."""
    found, at = [package_id], package_id.find(".")
    while at >= 0:
        found.append(package_id[: at + 1])
        at = package_id.find(".", at + 1)
    return found


class Paths:
    """Folders, each with all below it."""

    def __init__(self, folders: Iterable[str]) -> None:
        self.exact = frozenset(folders)
        self._folded = frozenset(fold(one) for one in self.exact)
        self._sorted = sorted(self._folded)

    def holds(self, path: str) -> bool:
        """Whether ``path`` lies in one of them. Attack: /database is not below /data."""
        return not self.exact.isdisjoint(path_keys(path))

    def holds_folded(self, path: str) -> bool:
        """The same for a system that does not tell capital letters apart."""
        return not self._folded.isdisjoint(path_keys(fold(path)))

    def touches(self, path: str) -> bool:
        """Whether something below ``path`` is in one of them, or ``path`` itself, read without regard to capital letters."""
        if self.holds_folded(path):
            return True
        start = fold(path).rstrip("/") + "/"
        at = bisect_left(self._sorted, start)
        return at < len(self._sorted) and self._sorted[at].startswith(start)


def path_keys(path: str) -> list[str]:
    """The path, and the folders above it that a pattern can name.

    Attack: an argument of thousands of parts; no pattern has more than PATH_PARTS_MAX, so the lower ones are not looked up.
    """
    found = [path, "/"] if path.startswith("/") else [path]
    at = path.find("/", 1)
    while at > 0 and len(found) <= PATH_PARTS_MAX + 2:
        found.append(path[:at])
        at = path.find("/", at + 1)
    return found


class _Comparator(NamedTuple):
    sign: str
    key: VersionKey

    def fits(self, key: VersionKey) -> bool:
        if self.sign == "=":
            return key == self.key
        above, equal = key > self.key, key == self.key
        return (above or (equal and self.sign == ">=")) if self.sign[0] == ">" else (not above and (not equal or self.sign == "<="))


class VersionRange:
    """Comparators that all must hold, such as ``>=1.2.0 <2.0.0``."""

    def __init__(self, comparators: tuple[_Comparator, ...]) -> None:
        self._all = comparators
        self._names_pre = any(one.key[3] == 0 for one in comparators)

    def judge(self, key: VersionKey) -> int:
        """A pre-release is in a range without doubt only if the range names one (P-27).

        Attack: 2.0.0-beta lies below 2.0.0, and so would be allowed by ``<2.0.0``; nor may a pre-release slip past a rule that denies.
        """
        inside = self._holds(key)
        if key[3] == 1 or self._names_pre:
            return YES if inside else NO
        return UNCLEAR if inside or self._holds((*key[:3], 1, ())) else NO

    def _holds(self, key: VersionKey) -> bool:
        return all(one.fits(key) for one in self._all)


def read_range(text: str, where: str, faults: Faults) -> VersionRange | None:
    """None after a fault."""
    found: list[_Comparator] = []
    for word in text.split(" ") if len(text) <= VERSION_RANGE_MAX else ():
        match = _COMPARATOR.fullmatch(word)
        key = version_key(match[2]) if match is not None else None
        if match is None or key is None:
            found.clear()
            break
        found.append(_Comparator(match[1], key))
    if found:
        return VersionRange(tuple(found))
    hint = "write comparisons such as =1.2.3 or >=1.2.0 <2.0.0, with whole versions and one space between"
    faults.add("version", where, f"{shown(text)!r} is no range of versions", hint, family="policy")
    return None
