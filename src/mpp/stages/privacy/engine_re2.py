"""RE2: for machines without Hyperscan. A set tells which expressions occur at all; those alone are then looked for one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from mpp.errors import HostFailed
from mpp.limits import MIB
from mpp.stages.privacy.engine_hyperscan import digest_of
from mpp.stages.privacy.ports import ONCE, ONCE_AT, too_many

SET_SIZE = 150
"""Expressions of one set. Reason: one set of all of them needs a new state for nearly each byte of a hostile text, and 5 seconds for a megabyte; eight sets need 1."""

SET_BYTES_MAX = 16 * MIB
"""Bytes that one set may use. Reason: what an ordinary document needs; more of it is only filled by hostile texts."""

ONE_BYTES_MAX = 8 * MIB
"""Bytes that one of our own expressions may use. Reason: the engine's own default."""

_ANYTHING = rb"[\x00-\xff]"


class Match(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class Regex(Protocol):
    """A compiled expression of RE2 over bytes."""

    def search(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...

    def match(self, text: bytes, pos: int = 0, endpos: int | None = None) -> Match | None: ...

    def finditer(self, text: bytes) -> Iterator[Match]: ...


class _Set(Protocol):
    def Add(self, pattern: bytes) -> int: ...  # noqa: N802 - the engine's name

    def Compile(self) -> None: ...  # noqa: N802 - the engine's name

    def Match(self, text: bytes) -> list[int]: ...  # noqa: N802 - the engine's name


def compile_text(expression: str, memory: int) -> Regex:
    """For texts in UTF-8; of two matches that begin together the first alternative wins. Offsets are in bytes."""
    return _compile(expression, memory, of_bytes=False)


def _compile(expression: str, memory: int, *, of_bytes: bool) -> Regex:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - only where it is used

    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = memory, True, False
    options.encoding = re2.Options.Encoding.LATIN1 if of_bytes else re2.Options.Encoding.UTF8
    options.longest_match = of_bytes
    try:
        regex: Regex = re2.compile(expression.encode("ascii") if of_bytes else expression, options)
    except re2.error as fault:
        raise HostFailed("privacy.engine", f"an expression cannot be compiled: {fault}", where="re2", hint="run `mpp doctor`") from None
    return regex


class Re2Scanner:
    """The same places as Hyperscan gives. Any number of threads may scan with it at once."""

    name = "re2"

    def __init__(self, expressions: tuple[str, ...]) -> None:
        self.digest = digest_of(expressions)
        self._once = frozenset(number for number, text in enumerate(expressions) if text.startswith(ONCE))
        self._all = tuple(_compile(text.removeprefix(ONCE), ONE_BYTES_MAX, of_bytes=True) for text in expressions)
        own = [number for number in range(len(expressions)) if number not in self._once]
        groups = [own[first : first + SET_SIZE] for first in range(0, len(own), SET_SIZE)]
        self._sets = [(_set_of([expressions[number] for number in group]), group) for group in groups]

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        if not data:
            return []
        found = [(ONCE_AT, number) for number in sorted(self._once) if self._all[number].search(data) is not None]
        for number in self._occurring(data):
            for at in _starts(self._all[number], data):
                found.append((at, number))
                if len(found) > most:
                    raise too_many(most)
        return sorted(found)

    def _occurring(self, data: bytes) -> Iterator[int]:
        for one, group in self._sets:
            # Attack: a set that runs out of memory says that nothing occurs. The last of its expressions always does.
            occurring = sorted(one.Match(data))
            if not occurring or occurring.pop() != len(group):
                raise HostFailed("privacy.engine", "the engine ran out of memory", where="re2", hint="install hyperscan")
            yield from (group[place] for place in occurring)


def _set_of(expressions: list[str]) -> _Set:
    import re2  # noqa: PLC0415 - only where it is used

    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = SET_BYTES_MAX, True, False
    options.encoding = re2.Options.Encoding.LATIN1
    try:
        made: _Set = re2.Set.SearchSet(options)
        for text in (*(text.encode("ascii") for text in expressions), _ANYTHING):
            made.Add(text)
        made.Compile()
    except re2.error as fault:
        raise HostFailed("privacy.engine", f"the expressions cannot be compiled: {fault}", where="re2", hint="run `mpp doctor`") from None
    return made


def _starts(regex: Regex, data: bytes) -> Iterator[int]:
    """Where matches begin, those inside of others too.

    Of all that end together only the first is given, as Hyperscan does it: ``a+b`` begins once in ``aaab``. A match that reaches
    further than all before it ends where none of them does; for the others, all ends are compared.
    """
    reach = 0
    open_matches: list[tuple[int, int]] = []
    ends: set[int] = set()
    at = 0
    while (match := regex.search(data, at)) is not None:
        start, end = match.start(), match.end()
        at = start + 1
        if start >= reach:
            open_matches.clear()
            ends.clear()
        if end > reach:
            reach = end
            open_matches.append((start, end))
            yield start
            continue
        for one in open_matches:
            ends.update(_ends(regex, data, *one))
        open_matches.clear()
        mine = _ends(regex, data, start, end)
        if not mine <= ends:
            ends |= mine
            yield start


def _ends(regex: Regex, data: bytes, start: int, longest: int) -> set[int]:
    """Where the matches that begin at ``start`` end. Our expressions are bounded, and so is their number."""
    found, end = {longest}, longest
    while end > start + 1 and (match := regex.match(data, start, end - 1)) is not None:
        end = match.end()
        found.add(end)
    return found
