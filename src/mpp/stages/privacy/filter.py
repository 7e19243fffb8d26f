"""The filter: a message goes in, and what may be shown comes out; or nothing, with the reason. It never raises for what a message holds.

Spec: 6-privacy.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator
from functools import lru_cache
from typing import NamedTuple

from mpp.errors import HostFailed, Refused
from mpp.model.jsontext import Json
from mpp.stages.policy import CallPrivacy, NO_PRIVACY, TypeAction
from mpp.stages.privacy.arena import Arena, gather, Spot
from mpp.stages.privacy.detector import SURE
from mpp.stages.privacy.catalog import group_of, OFF_BY_DEFAULT
from mpp.stages.privacy.invisible import strip_invisible
from mpp.stages.privacy.limits import CHARS_PER_SECOND, DIGESTS_KNOWN_MAX, DIGESTS_MAX, LEAVES_MANY, ROUNDS_MAX, SECONDS_BASE, SECONDS_MAX
from mpp.stages.privacy.pointers import Pointers, returned
from mpp.stages.privacy.placeholders import PLACEHOLDER, PLACEHOLDER_CHARS_MAX, Pseudonyms, type_in, written
from mpp.stages.privacy.resting import collector_at_rest
from mpp.stages.privacy.search import Glance, glance, matches_whole, Rules, runs, search, Span
from mpp.stages.privacy.types import Filtered, Report

Seconds = Callable[[], float]
"""Processor time of this thread: a host that is busy with other things withholds nothing for it."""


class Union(NamedTuple):
    """Spans of one leaf that touch, under the label of the surest."""

    start: int
    end: int
    type: str
    text: str


class Filter:
    """The filter with all that one call needs: what is searched for, what policy says, and the names of values. Call it with a message."""

    def __init__(self, rules: Rules, said: CallPrivacy, names: Pseudonyms, clock: Seconds, *, enabled: bool = True, policy: str = "") -> None:
        """``enabled``: what the publisher asks for; false counts only if ``said`` accepts it. ``policy``: the digest of the policy's rules, if it is known already."""
        self.rules, self.said, self.names, self.clock = rules, said, names, clock
        self.enabled = enabled or not said.accepts_disabled
        self.digest = _digest(rules.digest, policy or said.rules.digest)
        self._off: dict[str, bool] = {}

    def __call__(self, message: Json) -> Filtered:
        """Everything private in ``message`` replaced, in place: the caller owns it and uses only what comes back. Never raises for what it holds."""
        work = None
        try:
            seen = glance(message, self.rules)
            if seen is not None and not seen.places:
                return Filtered(message=message, report=_quiet(self.digest, self.rules.scanner.name))
            work = Work(self, seen)
            cleaned = _filtered(message, work)
        except (Refused, HostFailed) as fault:
            # Attack: a text for which the engine runs out of memory. What could not be searched is not shown, and the reason quotes nothing of it.
            return Filtered(message=None, report=(work or Work(self)).report(withheld=fault.code))
        return Filtered(message=cleaned, report=work.report())

    def is_off(self, kind: str) -> bool:
        """Is this type not searched for in this call? A rule that demands it overrules all else. Spec: 3-policy P-95."""
        known = self._off.get(kind)
        if known is None:
            known = self._off[kind] = self._is_off(kind, group_of(kind))
        return known

    def _is_off(self, kind: str, group: str) -> bool:
        if self.said.demands(kind, group):
            return False
        quiet = kind in OFF_BY_DEFAULT and kind not in self.said.rules.on
        return not self.enabled or quiet or self.said.is_off(kind, group)


@lru_cache(DIGESTS_KNOWN_MAX)
def _digest(rules: str, policy: str) -> str:
    return hashlib.sha256(f"{rules}\n{policy}".encode()).hexdigest()


@lru_cache(DIGESTS_KNOWN_MAX)
def _quiet(rules: str, engine: str) -> Report:
    """Of a message in which nothing was found."""
    return Report(rules=rules, engine=engine)


_NOTHING = Arena([], [], [])


class Work:
    """One message on its way."""

    def __init__(self, by: Filter, seen: Glance | None = None) -> None:
        self.by, self.rules, self.said, self.names = by, by.rules, by.said, by.names
        self.seen = seen
        self.counts: Counter[str] = Counter()
        self.let_through: Counter[str] = Counter()
        self.digests: dict[str, None] = {}
        self.stripped = 0
        self.made: dict[tuple[str, str], str] = {}
        """What was written in the place of a value. Reason: a message often has one value many times."""
        self.surrogates: set[str] = set()
        self.turn = 0
        """How often the message was searched before."""
        self.is_plain = not (by.said.rules.allow or by.said.exempt)
        """Policy lets nothing through."""
        self._actions: dict[str, TypeAction] = {}
        self._begun = by.clock()
        self._seconds = SECONDS_MAX

    def action_for(self, kind: str) -> TypeAction:
        known = self._actions.get(kind)
        if known is None:
            known = self._actions[kind] = self.said.action_for(kind, group_of(kind))
        return known

    def allow(self, chars: int) -> None:
        """From now on the message has the time that its size gives it. Spec: 6-privacy F-14."""
        self._seconds = min(SECONDS_MAX, SECONDS_BASE + chars / CHARS_PER_SECOND)

    def watch(self) -> None:
        if self.by.clock() > self._begun + self._seconds:
            message = f"the message could not be searched within {self._seconds:.1f} seconds"
            raise Refused("privacy.deadline", message, where="message", hint="answer with less at a time")

    def report(self, withheld: str = "") -> Report:
        return Report(
            rules=self.by.digest, engine=self.rules.scanner.name, counts=tuple(sorted(self.counts.items())), let_through=tuple(sorted(self.let_through.items())),
            digests=tuple(self.digests), stripped=self.stripped, withheld=withheld,
        )  # fmt: skip


def _filtered(message: Json, work: Work) -> Json:
    root: list[Json] = [message]
    arena = gather(message, root, work.rules.dull)
    work.allow(len(arena.text))
    work.stripped = _strip(arena)
    if work.stripped:
        arena = gather(root[0], root, work.rules.dull)
    if len(arena.texts) < LEAVES_MANY:
        return _cleaned(arena, root, work)
    with collector_at_rest():
        return _cleaned(arena, root, work)


def _cleaned(arena: Arena, root: list[Json], work: Work) -> Json:
    """Search and replace, until nothing more is found."""
    pointers = Pointers(root)
    keys: list[tuple[Spot, str]] = []
    for work.turn in range(ROUNDS_MAX):
        work.watch()
        arena = _round(arena, work, pointers, keys)
        if not arena.texts and not keys:
            return root[0]
        if not arena.texts:
            # What a key is called says what its value is, so all is read once more under the new names, and let through anew.
            rename(keys)
            keys.clear()
            work.let_through.clear()
            arena, pointers = gather(root[0], root, work.rules.dull), Pointers(root)
    raise Refused("privacy.again", "what was replaced kept showing something new", where="message", hint="report the tool's answer to its author")


def _round(arena: Arena, work: Work, pointers: Pointers, keys: list[tuple[Spot, str]]) -> Arena:
    """Search, replace, and give the leaves that changed, to be searched again."""
    by_leaf, items = _found(arena, work)
    texts: list[str] = []
    spots: list[Spot] = []
    names: list[str] = []
    for leaf, spans in by_leaf.items():
        text, spot = arena.texts[leaf], arena.spots[leaf]
        changed = _replaced(text, _judged(spans, text, spot, work, pointers), work, is_number=_is_number(spot))
        if changed is None:
            continue
        if spot.is_key:
            keys.append((spot, changed))
        else:
            spot.put(_as_number(changed) if _is_number(spot) else changed)
        # What is a placeholder as a whole holds nothing that a search could find.
        if not _is_placeholder(changed, work.rules.types):
            texts.append(changed)
            spots.append(spot)
            names.append(arena.names[leaf])
    for span, item in items:
        _replace_item(span, item, work, pointers)
    return Arena(texts, spots, names) if texts else _NOTHING


def _found(arena: Arena, work: Work) -> tuple[dict[int, list[Span]], list[tuple[Span, Spot]]]:
    """What is found and wanted: by the leaf, and what lies on items that are no leaves."""
    by_leaf: dict[int, list[Span]] = {}
    items: list[tuple[Span, Spot]] = []
    for span in search(arena, work.rules, work.watch, work.seen):
        if work.by.is_off(span.type):
            continue
        if span.item is not None:
            items.append((span, span.item))
        else:
            by_leaf.setdefault(span.leaf, []).append(span)
    return by_leaf, items


def _replace_item(span: Span, item: Spot, work: Work, pointers: Pointers) -> None:
    """A short number in a list, which is part of a longer one."""
    whole = span._replace(start=0, end=len(span.text))
    if _judged([whole], span.text, item, work, pointers):
        item.put(_instead(Union(0, 0, span.type, span.text), work, is_number=False))


def _is_number(spot: Spot) -> bool:
    return not spot.is_key and not isinstance(spot.item, str)


def _as_number(text: str) -> Json:
    """A surrogate of a number stays one."""
    return int(text) if re.fullmatch(r"-?[1-9][0-9]{0,63}", text) else text


def _judged(spans: list[Span], text: str, spot: Spot, work: Work, pointers: Pointers) -> list[Span]:
    """Without what stands in a placeholder, and what host policy allows here."""
    if work.is_plain and not work.surrogates and "[" not in text:
        return spans
    kept = []
    for span in spans:
        work.watch()
        # A surrogate under a key that says what it is: it has the form, and nobody is sure of it.
        if span.text in work.surrogates and span.sure < SURE:
            continue
        for start, end in outside_placeholders(span.start, span.end, text, work.rules.types):
            one = span if (start, end) == (span.start, span.end) else span._replace(start=start, end=end, text=text[start:end])
            if work.said.rules.allow and work.said.is_allowed(one.type, one.text):
                continue
            # Keys are never exempt: a pointer names the value under one.
            if work.said.exempt and not spot.is_key and work.said.is_exempt(returned(pointers.of(spot)), one.type, group_of(one.type)):
                work.let_through[one.type] += 1
                continue
            kept.append(one)
    return kept


def _is_placeholder(text: str, types: Container[str]) -> bool:
    return len(text) <= PLACEHOLDER_CHARS_MAX and PLACEHOLDER.fullmatch(text) is not None and type_in(text) in types


def outside_placeholders(start: int, end: int, text: str, types: Container[str]) -> Iterator[tuple[int, int]]:
    """The parts of a span that no placeholder of one of these types covers."""
    # Attack: one bracket in a text of many values, each of which would have all of it read.
    near = max(0, start - PLACEHOLDER_CHARS_MAX), min(len(text), end + PLACEHOLDER_CHARS_MAX)
    for found in PLACEHOLDER.finditer(text, *near) if text.find("[", *near) >= 0 else ():
        first, last = found.span()
        # Attack: a key in capitals and brackets, which has the form of a placeholder.
        if last <= start or first >= end or type_in(found[0]) not in types:
            continue
        if first > start:
            yield start, first
        start = max(start, last)
    if start < end:
        yield start, end


def _labelled(group: list[Span], work: Work) -> Union:
    """Attack: a publisher's wide pattern around an address, whose action is milder than that for addresses. The strictest action counts, then the surest."""
    if len(group) == 1:
        one = group[0]
        return Union(one.start, one.end, one.type, one.text)
    best = max(group, key=lambda one: (work.action_for(one.type).strictness, one.sure, one.end - one.start))
    return Union(min(one.start for one in group), max(one.end for one in group), best.type, best.text)


def _replaced(text: str, spans: list[Span], work: Work, *, is_number: bool) -> str | None:
    """The text with its spans replaced; None where there are none."""
    if not spans:
        return None
    if len(spans) == 1:
        (span,) = spans
        instead = _instead(Union(span.start, span.end, span.type, span.text), work, is_number=is_number)
        return f"{text[: span.start]}{instead}{text[span.end :]}"
    out: list[str] = []
    at = 0
    for one in (_labelled(group, work) for group in runs(spans)):
        out += (text[at : one.start], _instead(one, work, is_number=is_number))
        at = one.end
    return "".join((*out, text[at:]))


def _instead(one: Union, work: Work, *, is_number: bool) -> str:
    work.watch()
    action = work.action_for(one.type)
    if action.action == "block":
        raise Refused("privacy.blocked", "policy withholds an answer that holds such a thing", where="message", hint="ask for less")
    work.counts[one.type] += 1
    known = work.made.get((one.type, one.text))
    if known is not None:
        return _as_digits(known) if is_number else known
    if len(work.digests) < DIGESTS_MAX:
        work.digests[work.names.digest(one.type, one.text)] = None
    if action.action == "surrogate" and work.turn:
        # One that is found again in its place gives way to a name.
        action = NO_PRIVACY.action_for(one.type)
    made = written(action, one.type, one.text, work.names, lambda tried: matches_whole(tried, work.rules, work.watch))
    work.made[one.type, one.text] = made
    if action.action == "surrogate":
        work.surrogates.add(made)
    return _as_digits(made) if is_number else made


def _as_digits(made: str) -> str:
    """A number with a zero in front is none."""
    return "9" + made[1:] if made[:1] == "0" and made.isdigit() else made


def _strip(arena: Arena) -> int:
    """Take out what nobody sees. Attack: words to the model in characters that no person is shown."""
    if arena.text.isascii():
        return 0
    total = 0
    renamed: list[tuple[Spot, str]] = []
    for leaf, text in enumerate(arena.texts):
        if text.isascii():
            continue
        spot = arena.spots[leaf]
        plain, count = strip_invisible(text)
        if count:
            total += count
            if spot.is_key:
                renamed.append((spot, plain))
            else:
                spot.put(plain)
    rename(renamed)
    return total


def rename(keys: list[tuple[Spot, str]]) -> None:
    """Give keys their new names, in place and in order. The last name of a key counts, and two keys never become one."""
    by_holder: dict[int, tuple[dict[str, Json], dict[str | int, str]]] = {}
    for spot, name in keys:
        if isinstance(spot.holder, dict):
            by_holder.setdefault(id(spot.holder), (spot.holder, {}))[1][spot.step] = name
    for holder, names in by_holder.values():
        items = list(holder.items())
        holder.clear()
        kept = {key for key, _ in items if key not in names}
        numbers: dict[str, int] = {}
        for key, item in items:
            name = names.get(key, key)
            if key in names:
                name = _free(name, kept, numbers)
                kept.add(name)
            holder[name] = item


def _free(name: str, kept: set[str], numbers: dict[str, int]) -> str:
    """Attack: keys that all become one placeholder, beside keys that have the next names already. No name is tried twice: ``numbers`` says where to go on."""
    if name not in kept:
        return name
    number = numbers.get(name, len(kept))
    while f"{name}~{number}" in kept:
        number += 1
    numbers[name] = number + 1
    return f"{name}~{number}"
