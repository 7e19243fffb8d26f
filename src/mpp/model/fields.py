"""Typed getters over untrusted JSON. Faults are collected with their paths, so an author sees all at once.

A getter that finds a fault notes it and returns a harmless value of the right type; nothing read this
way is used before ``Faults.stop`` has been passed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from mpp.errors import Fault, Refused
from mpp.limits import FAULTS_MAX, TEXT_SHOWN_MAX
from mpp.model.jsontext import Json, shown

T = TypeVar("T")

PLACE_MAX = 300
"""Characters of the place of a fault. Reason: keys of a hostile document stand in it, and a hundred faults reach terminals and logs."""

WORDS_MAX = 300
"""Characters of the message of a fault, and of its hint. Reason: as for the place; what we write ourselves is shorter."""

_VERSION_OF = "mpp_"
"""How the keys begin by which a document says its version, such as ``mpp_trust``."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Faults:
    """A bounded list of faults of one family; ``stop`` turns it into one refusal."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.found: list[Fault] = []

    def add(self, name: str, where: str, message: str, hint: str, *, family: str = "") -> None:
        if len(self.found) < FAULTS_MAX:
            self.found.append(Fault(f"{family or self.family}.{name}", _bounded(where, PLACE_MAX), _bounded(message, WORDS_MAX), _bounded(hint, WORDS_MAX)))

    def stop(self) -> None:
        """Refuse if anything was found."""
        if self.found:
            raise Refused.of(tuple(self.found))


def _bounded(text: str, most: int) -> str:
    """Attack: keys of a hostile document that steer a terminal, or make a report of megabytes. What is short and printable stays as it is."""
    return text if text.isprintable() and len(text.encode("ascii", "backslashreplace")) <= most else shown(text, most)


def _kind(item: Json) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "an integer", float: "a decimal number"}
    return names.get(type(item), "null")


class Fields:
    """One JSON object, read key by key. Keys that nobody asked for are faults, with a did-you-mean."""

    def __init__(self, found: Json, where: str, faults: Faults) -> None:
        self.where, self.faults = where, faults
        self._asked: set[str] = set()
        self.is_object = isinstance(found, dict)
        self.found: dict[str, Json] = found if isinstance(found, dict) else {}
        if not isinstance(found, dict):
            faults.add("type", where or "/", f"must be an object, is {_kind(found)}", "write { ... }")

    def path(self, key: str) -> str:
        """The place of ``key``, which may be any text of the document."""
        is_plain = len(key) <= TEXT_SHOWN_MAX and key.isascii() and key.isprintable()
        return f"{self.where}/{key if is_plain else shown(key)}"

    def has(self, key: str) -> bool:
        return key in self.found

    def raw(self, key: str, *, required: bool = True) -> Json:
        """The value as found; a missing required key is a fault."""
        self._asked.add(key)
        if key not in self.found and required and self.is_object:
            self.faults.add("missing", self.path(key), f"the key {key!r} is missing", f"add {key!r}")
        return self.found.get(key)

    def _typed(self, key: str, kinds: type[T], name: str, default: T | None, empty: T) -> T:
        item = self.raw(key, required=default is None)
        fallback = empty if default is None else default
        if key not in self.found:
            return fallback
        if isinstance(item, kinds) and not (kinds is int and isinstance(item, bool)):
            return item
        self.faults.add("type", self.path(key), f"must be {name}, is {_kind(item)}", f"write {name}")
        return fallback

    def text(self, key: str, *, most: int, default: str | None = None, pattern: re.Pattern[str] | None = None, form: str = "", least: int = 1) -> str:
        """A string of ``least`` to ``most`` characters; ``form`` says in words what ``pattern`` wants."""
        item = self._typed(key, str, "a string", default, "")
        if key in self.found and isinstance(self.found[key], str):
            self._check_text((key,), item, least, most, pattern, form)
        return item

    def _at(self, steps: tuple[str, ...]) -> str:
        # A place is only put together when it is needed: signed lists have thousands of sound texts.
        return "/".join((self.path(steps[0]), *steps[1:]))

    def _check_text(self, steps: tuple[str, ...], item: str, least: int, most: int, pattern: re.Pattern[str] | None, form: str) -> None:
        if not least <= len(item) <= most:
            self.faults.add("length", self._at(steps), f"must have {least} to {most} characters, has {len(item)}", "change its length")
        elif pattern is not None and pattern.fullmatch(item) is None:
            self.faults.add("form", self._at(steps), f"{shown(item)!r} is not {form}", f"write {form}")
        elif _CONTROL.search(item) is not None:
            self.faults.add("form", self._at(steps), "holds a control character", "remove it")

    def one_of(self, key: str, allowed: Iterable[str], *, default: str | None = None) -> str:
        """A string out of a closed list."""
        item = self._typed(key, str, "a string", default, "")
        allowed = tuple(allowed)
        if key in self.found and isinstance(self.found[key], str) and item not in allowed:
            self.faults.add("choice", self.path(key), f"{shown(item)!r} is not one of {', '.join(allowed)}", near(item, allowed) or "take one of them")
        return item

    def number(self, key: str, *, least: int, most: int, default: int | None = None) -> int:
        """An integer within bounds."""
        item = self._typed(key, int, "an integer", default, least)
        if least <= item <= most:
            return item
        if key.startswith(_VERSION_OF) and item > most:
            # Whoever went back to an earlier release reads this, and must not be told to change the number.
            message = f"is of version {shown(str(item))}, and this MPP reads version {most}"
            self.faults.add("range", self.path(key), message, "use the MPP that wrote it, or a newer one")
        else:
            self.faults.add("range", self.path(key), f"must be {least} to {most}, is {shown(str(item))}", f"take a number from {least} to {most}")
        return item

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        return self._typed(key, bool, "true or false", default, False)

    def items(self, key: str, *, most: int, required: bool = False, least: int = 0) -> list[Json]:
        """A list of bounded length; absent means empty unless required. Of a longer one the first items are given, so that their faults show too."""
        item = self._typed(key, list, "a list", None if required else [], [])
        if len(item) > most or (isinstance(self.found.get(key), list) and len(item) < least):
            self.faults.add("length", self.path(key), f"must have {least} to {most} items, has {len(item)}", "change the number of items")
        return item[:most]

    def texts(
        self, key: str, *, most: int, each_most: int, required: bool = False, least: int = 0, pattern: re.Pattern[str] | None = None, form: str = ""
    ) -> tuple[str, ...]:
        """A list of distinct strings."""
        out: list[str] = []
        seen: set[str] = set()
        for i, item in enumerate(self.items(key, most=most, required=required, least=least)):
            steps = (key, str(i))
            if not isinstance(item, str):
                self.faults.add("type", self._at(steps), f"must be a string, is {_kind(item)}", "write a string")
                continue
            self._check_text(steps, item, 1, each_most, pattern, form)
            if item in seen:
                self.faults.add("duplicate", self._at(steps), f"{shown(item)!r} stands twice", "keep one of them")
            seen.add(item)
            out.append(item)
        return tuple(out)

    def object(self, key: str, *, required: bool = True) -> Fields | None:
        """The object under ``key``; None when it is absent (a fault if required)."""
        item = self.raw(key, required=required)
        return Fields(item, self.path(key), self.faults) if key in self.found else None

    def each(self, key: str, read: Callable[[Json, str], T], *, most: int, required: bool = False, least: int = 0) -> tuple[T, ...]:
        """Read each item of a list with ``read(item, path)``."""
        return tuple(read(item, f"{self.path(key)}/{i}") for i, item in enumerate(self.items(key, most=most, required=required, least=least)))

    def end(self) -> None:
        """Refuse the keys nobody asked for.

        Attack: a key that one host ignores and another obeys makes two meanings of one signed file.
        """
        for key in self.found:
            # Attack: a guess for each of a hundred thousand keys would take seconds and be thrown away.
            if key not in self._asked and len(self.faults.found) < FAULTS_MAX:
                hint = near(key, self._asked) or f"known keys here: {', '.join(sorted(self._asked))}"
                self.faults.add("unknown_key", self.path(key), f"the key {shown(key)!r} is not known", hint)


def near(word: str, known: Iterable[str]) -> str:
    """A did-you-mean for ``word``, or nothing."""
    if len(word) > TEXT_SHOWN_MAX:
        return ""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import and only needed on a fault

    close = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
