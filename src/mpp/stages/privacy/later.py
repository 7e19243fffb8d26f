"""A pattern that is compiled when it is first used. Most of a thousand never are in the life of a process, and to compile them all takes longer than a call."""

from __future__ import annotations

import re


class Later:
    """Two threads that use one first at once compile it twice, which harms nobody."""

    __slots__ = ("_flags", "_made", "_pattern")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern, self._flags = pattern, flags
        self._made: re.Pattern[str] | None = None

    @property
    def form(self) -> re.Pattern[str]:
        made = self._made
        if made is None:
            made = self._made = re.compile(self._pattern, self._flags)
        return made


class Readers:
    """Patterns by first letter."""

    __slots__ = ("_by_letter",)

    def __init__(self, patterns: dict[str, str], flags: int = 0) -> None:
        self._by_letter = {letter: Later(pattern, flags) for letter, pattern in patterns.items()}

    def get(self, letter: str) -> re.Pattern[str] | None:
        found = self._by_letter.get(letter)
        return None if found is None else found.form


class _OnUse:
    """Stands for a compiled pattern. Whatever is asked of it first has it compiled; from then on its methods are those of the pattern itself."""

    __slots__ = ("_given", "findall", "finditer", "flags", "fullmatch", "groups", "match", "pattern", "search", "split", "sub", "subn")

    def __init__(self, pattern: str, flags: int) -> None:
        self._given = (pattern, flags)

    def __getattr__(self, name: str) -> object:
        # Only what is not set yet comes here. Two threads may set the same twice.
        made = re.compile(*self._given)
        for one in self.__slots__[1:]:
            setattr(self, one, getattr(made, one))
        return getattr(made, name)


def on_use(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """``re.compile`` for a constant of a module: it is compiled when it is first used, and used as any other."""
    return _OnUse(pattern, flags)  # type: ignore[return-value] # it has all that is used of one
