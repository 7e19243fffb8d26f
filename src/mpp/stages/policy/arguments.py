"""Conditions on the arguments of a call: a JSON pointer, an operator, a value. Spec: spec/3-policy.md section 3.

What is missing, of another type, or could be read in two ways is unclear: a rule that asks or denies then matches,
a rule that allows does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeGuard

from mpp.model.hostpattern import HostSet, place_of, read_host_pattern
from mpp.model.hosts import WEB_PORTS
from mpp.model.fields import Faults
from mpp.model.jsontext import Json, shown
from mpp.model.scope import WORKSPACE
from mpp.stages.policy.document import ArgumentTest, Scalar
from mpp.stages.policy.limits import SEARCHED_CHARS_MAX
from mpp.stages.policy.patterns import GUEST_WORKSPACE, NO, UNCLEAR, YES, canonical_path, fold, nfkc
from mpp.stages.policy.types import Asked

ARGUMENTS = "arguments"
"""As it stands in ``Asked.unknown``."""

WORDS_MAX = 60
"""Characters of a value in an explanation. Reason: it stands inside one line."""


class _Missing:
    """What a pointer that leads nowhere finds. No document holds it."""


MISSING = _Missing()
Found: TypeAlias = "Json | _Missing"
OfValue: TypeAlias = Callable[[Json], int]
OfText: TypeAlias = Callable[[str], int]


def steps_of(pointer: str) -> tuple[str, ...]:
    """RFC 6901: the escapes are undone in this order, so that ``~01`` is ``~1``."""
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def look_up(document: Json, steps: Iterable[str]) -> Found:
    found: Json = document
    for step in steps:
        if isinstance(found, dict):
            if step not in found:
                return MISSING
            found = found[step]
        elif isinstance(found, list):
            at = _index(step)
            if not 0 <= at < len(found):
                return MISSING
            found = found[at]
        else:
            return MISSING
    return found


def _index(step: str) -> int:
    """-1 for what is no index. Attack: ``01`` and ``١`` are other spellings of one, which another reader may not take."""
    is_plain = step.isascii() and step.isdigit() and len(step) < 10 and (step == "0" or step[0] != "0")
    return int(step) if is_plain else -1


def argument_judge(test: ArgumentTest) -> Callable[[Asked], int]:
    steps = steps_of(test.pointer)
    if test.op in {"exists", "absent"}:
        return _presence(steps, wanted=test.op == "exists")
    if test.value == ():
        # Spec: 3-policy P-7, P-40. An empty list fits nothing, whatever is there or is not.
        return lambda _: NO
    if_missing = NO if test.optional else UNCLEAR
    of_value = value_judge(test)

    def judge(asked: Asked) -> int:
        if ARGUMENTS in asked.unknown:
            return UNCLEAR
        found = look_up(asked.arguments, steps)
        return if_missing if isinstance(found, _Missing) else of_value(found)

    return judge


def _presence(steps: tuple[str, ...], *, wanted: bool) -> Callable[[Asked], int]:
    def judge(asked: Asked) -> int:
        if ARGUMENTS in asked.unknown:
            return UNCLEAR
        return YES if (look_up(asked.arguments, steps) is not MISSING) is wanted else NO

    return judge


def value_judge(test: ArgumentTest) -> OfValue:
    """What the operator says of a value that is there."""
    if test.value == ():
        # An empty list fits nothing, whatever the type.
        return lambda _: NO
    if isinstance(test.value, tuple) and test.op == "host_in":
        return _of_texts(_host_judge([one for one in test.value if isinstance(one, str)]))
    if isinstance(test.value, tuple):
        listed = _listed(test.value, ignore_case=test.ignore_case)
        return listed if test.op == "in" else _not(listed)
    if test.op in {"equals", "not_equals"}:
        listed = _listed((test.value,), ignore_case=test.ignore_case)
        return listed if test.op == "equals" else _not(listed)
    if isinstance(test.value, str):
        return _of_texts(_below(test.value) if test.op == "below" else _part_judge(test.op, test.value, ignore_case=test.ignore_case))
    return _number_judge(test.op, test.value if isinstance(test.value, int) else 0)


def _not(judge: OfValue) -> OfValue:
    """In doubt it stays in doubt."""
    return lambda found: YES + NO - judge(found)


def _of_texts(judge: OfText) -> OfValue:
    return lambda found: judge(found) if isinstance(found, str) else UNCLEAR


def _listed(values: tuple[Scalar, ...], *, ignore_case: bool) -> OfValue:
    """Attack: true is 1 to Python, and "1" is 1 to many programs. Types are compared first; one that is not listed is unclear."""
    texts = [one for one in values if isinstance(one, str)]
    of_texts = _folded(texts) if ignore_case else _exact(texts)
    flags = frozenset(one for one in values if isinstance(one, bool))
    numbers = frozenset(one for one in values if isinstance(one, int) and not isinstance(one, bool))
    has_null = None in values

    def judge(found: Json) -> int:
        if isinstance(found, str):
            return of_texts(found) if texts else UNCLEAR
        if isinstance(found, bool):
            return _member(found, flags)
        if isinstance(found, int | float):
            return _member(found, numbers)
        return YES if found is None and has_null else UNCLEAR

    return judge


def _member(found: float, known: frozenset[int]) -> int:
    if not known:
        return UNCLEAR
    return YES if found in known else NO


def _exact(texts: Iterable[str]) -> OfText:
    plain, normal = frozenset(texts), frozenset(map(nfkc, texts))

    def judge(found: str) -> int:
        if found in plain:
            return YES
        return UNCLEAR if nfkc(found) in normal else NO

    return judge


def _folded(texts: Iterable[str]) -> OfText:
    folded = frozenset(map(fold, texts))
    return lambda found: YES if fold(found) in folded else NO


_PARTS: dict[str, Callable[[str, str], bool]] = {
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "contains": str.__contains__,
}


def searched(text: str, *, folded: bool) -> tuple[str, ...] | None:
    """The forms in which parts of a text are looked for; None for a text that is too long for that (P-44).

    Attack: a megabyte, searched again for each of ten thousand rules; or one letter that is eighteen when normalised.
    """
    if len(text) > SEARCHED_CHARS_MAX:
        return None
    normal = fold(text) if folded else nfkc(text)
    if len(normal) > SEARCHED_CHARS_MAX:
        return None
    # Attack: "e" and a mark make one letter when normalised, so the text as it stands is looked at too.
    return (normal,) if folded or normal == text else (text, normal)


def _part_judge(op: str, part: str, *, ignore_case: bool) -> OfText:
    of_any = _any_part_judge(op, part, ignore_case=ignore_case)
    if op != "contains":
        return of_any
    return lambda found: UNCLEAR if searched(found, folded=ignore_case) is None else of_any(found)


def _any_part_judge(op: str, part: str, *, ignore_case: bool) -> OfText:
    fits = _PARTS[op]
    if ignore_case:
        folded = fold(part)
        return lambda found: YES if fits(fold(found), folded) else NO
    normal = nfkc(part)

    def judge(found: str) -> int:
        plain, other = fits(found, part), fits(nfkc(found), normal)
        # Attack: "e" and a mark make one letter, so that a text begins with "e" for one program and not for the next.
        return YES if plain and other else UNCLEAR if plain or other else NO

    return judge


def _below(folder: str) -> OfText:
    """Spec: 3-policy P-42. Attack: ``/data/../etc``, ``//data``, ``/data/x\\0``; and /DATA on a system that takes it for /data."""
    place = guest_path(folder)
    above, folded_place = place.rstrip("/") + "/", fold(place)
    folded_above = folded_place.rstrip("/") + "/"

    def judge(found: str) -> int:
        if not canonical_path(found):
            return UNCLEAR
        if found == place or found.startswith(above):
            return YES
        folded = fold(found)
        return UNCLEAR if folded == folded_place or folded.startswith(folded_above) else NO

    return judge


def guest_path(folder: str) -> str:
    """A folder of a policy as a tool names it."""
    return GUEST_WORKSPACE + folder.removeprefix(WORKSPACE) if folder.startswith(WORKSPACE) else folder


def _host_judge(written: list[str]) -> OfText:
    patterns = [read_host_pattern(one, "", Faults("policy")) for one in written]
    hosts = HostSet(one for one in patterns if one is not None)

    def judge(found: str) -> int:
        place = place_of(found)
        if place is None:
            return UNCLEAR
        ports = hosts.ports_of(place.host)
        if ports is None or place.port in ports:
            return YES
        if not ports:
            return NO
        # P-24: a pattern without a port is each port where a rule asks or denies, and 443 where it allows; a text may name none.
        return _of_port(place.port, ports)

    return judge


def _of_port(port: int, ports: set[int]) -> int:
    if port == 0 or 0 not in ports:
        return UNCLEAR if port == 0 else NO
    return YES if port == WEB_PORTS["https"] else UNCLEAR


def _number_judge(op: str, bound: int) -> OfValue:
    if op == "longer_than":
        return lambda found: (YES if len(found) > bound else NO) if isinstance(found, str | list | dict) else UNCLEAR
    if op == "at_least":
        return lambda found: (YES if found >= bound else NO) if _is_number(found) else UNCLEAR
    return lambda found: (YES if found <= bound else NO) if _is_number(found) else UNCLEAR


def _is_number(found: Json) -> TypeGuard[int | float]:
    return isinstance(found, int | float) and not isinstance(found, bool)


def words_of(found: Found) -> str:
    """A value in words that fit into a line."""
    if isinstance(found, _Missing):
        return "missing"
    if isinstance(found, str):
        return f'"{shown(found, WORDS_MAX)}"'
    kinds: dict[type, str] = {dict: "an object", list: "a list", type(None): "null"}
    return kinds.get(type(found)) or shown(str(found).lower(), WORDS_MAX)
