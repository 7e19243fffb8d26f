"""Patterns of publishers and organisations: made ready to be judged, and matched once they are accepted.

An expression is foreign code for an automaton. It is judged by the host in a jail (mpp.host.patterns) before it is compiled here.
At run time the scan tells only whether it occurs; RE2 alone then says where, so both engines give the same spans. Spec: M-82 to M-84.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from mpp.errors import HostFailed, Refused
from mpp.limits import MIB
from mpp.model.manifest import CustomPattern
from mpp.model.regexcheck import regex_fault
from mpp.model.value import value
from mpp.stages.privacy.arena import Arena
from mpp.stages.privacy.custom_tree import ACROSS, EXACT, LINES, PROBE, anchored, classes, members, parse, sample, write
from mpp.stages.privacy.detector import LIKELY, Detector, Hit, Place
from mpp.stages.privacy.engine_re2 import Regex, compile_text
from mpp.stages.privacy.placeholders import LETTERS
from mpp.stages.privacy.ports import ONCE

PATTERN_BYTES_MAX = 4 * MIB
"""Bytes that RE2 may use for one pattern. Reason: ordinary ones need less than 100 KB; a package may have 64."""

LOOK_SECONDS = 0.25
"""Processor time of one search for one pattern that is always given. Reason: an accepted pattern needs 50 ms for a megabyte."""

LOOK_BYTES_PER_SECOND = 3_000_000
"""Bytes of text for each further second. Reason: admission asks for several times this speed; whatever got by is stopped here."""

HITS_MAX = 100_000
"""Hits of one pattern in one message. Reason: a third of a second; a pattern that matches everywhere shows nothing."""

CHECK_EVERY = 32
"""Hits between two looks at the clock. Reason: a look costs a tenth of a hit; a match that reads a whole megabyte takes 2 ms."""

SAMPLES = 4
"""Texts that begin like a match, for judging. Reason: each takes another way through alternatives and repeats."""

PIECES_MAX = 48
"""Short texts that are repeated to slow a pattern down. Reason: bounds the time of judging; ordinary patterns give a dozen."""

ALPHABET_MAX = 64
"""Characters of random texts for one pattern. Reason: a few of each class."""

ANYWHERE = r"[\x00-\xff]"
"""The probe of a pattern for which none is good: RE2 then searches each message."""

HINT = "write it longer, with letters of its own or fewer open repeats"


@value
class Prepared:
    """A sound expression, written for both engines."""

    pattern: CustomPattern
    where: str
    digest: str
    exact: str
    """For RE2, over one leaf."""
    wide: str
    """For RE2, over all leaves at once, where none of them holds a zero."""
    is_anchored: bool
    """Then ``wide`` only tells in which leaves to look."""
    probe: str
    placeholders: tuple[str, ...]
    """What the filter writes, none of which may be matched."""


@value
class Accepted:
    """A pattern that may be used."""

    pattern: CustomPattern
    digest: str
    exact: str
    wide: str
    is_anchored: bool
    probe: str
    is_jailed: bool
    """It was judged behind barriers. False where this system has none."""


def accepted(one: Prepared, *, has_probe: bool, is_jailed: bool) -> Accepted:
    """``has_probe``: Hyperscan can take its probe."""
    probe = one.probe if has_probe else ANYWHERE
    return Accepted(
        pattern=one.pattern, digest=one.digest, exact=one.exact, wide=one.wide, is_anchored=one.is_anchored, probe=probe, is_jailed=is_jailed,
    )  # fmt: skip


def prepare(pattern: CustomPattern, where: str) -> Prepared | Refused:
    """``where`` names the pattern, such as ``custom_patterns/0/regex``."""
    # Spec: M-84. A manifest was held to this before; a policy of an organisation comes from elsewhere.
    wrong = regex_fault(pattern.regex, may_match_nothing=False)
    if wrong:
        return refusal(where, f"the regular expression {wrong}", "stay within the portable subset: no lookaround, back-reference or flag")
    tree = parse(pattern.regex)
    return Prepared(
        pattern=pattern,
        where=where,
        digest=hashlib.sha256(f"{pattern.id}\n{pattern.regex}".encode("utf-8", "surrogatepass")).hexdigest(),
        exact=write(tree, EXACT),
        wide=write(tree, LINES if anchored(tree) else ACROSS),
        is_anchored=anchored(tree),
        probe=write(tree, PROBE),
        placeholders=_placeholders(pattern.id),
    )


def refusal(where: str, message: str, hint: str = HINT) -> Refused:
    return Refused("privacy.pattern", message, where=where, hint=hint)


class Hostile(NamedTuple):
    """What texts are made of that slow an expression down."""

    pieces: tuple[str, ...]
    """Repeated, these take it as far as it goes without a match, or match again and again."""
    alphabet: tuple[str, ...]
    """Mixed, these take an automaton through as many states as it has."""


def hostile_to(one: Prepared) -> Hostile:
    """Attack: an expression that is fast on all texts but those that its author has ready."""
    tree = parse(one.pattern.regex)
    alphabet = list(dict.fromkeys(char for chars in classes(tree)[:ALPHABET_MAX] for char in members(chars)))[:ALPHABET_MAX]
    found: dict[str, None] = dict.fromkeys(alphabet[: PIECES_MAX // 3])
    for seed in range(SAMPLES):
        whole = sample(tree, seed)
        cuts = {1, 2, len(whole) // 2, len(whole) - 1, len(whole)}
        found.update(dict.fromkeys(whole[:cut] for cut in sorted(cuts) if cut > 0))
        found.update(dict.fromkeys(whole[:-1] + char for char in alphabet[:2]))
    return Hostile(tuple(text for text in found if text)[:PIECES_MAX], tuple(alphabet))


def _placeholders(name: str) -> tuple[str, ...]:
    letters = (LETTERS[:8], LETTERS[8:], LETTERS[::2], LETTERS[1::2])
    named = (f"[{kind.upper()}-{text}]" for kind in ("email", "credit_card", name) for text in letters)
    return (*named, f"[{name.upper()}]", "[PHONE:***4567]")


def custom_detectors(patterns: Iterable[Accepted]) -> tuple[Detector, ...]:
    """A detector for each pattern; its type is the pattern's id."""
    try:
        return tuple(Detector(name=f"custom/{one.pattern.id}", types=(one.pattern.id,), probes=(ONCE + one.probe,), look=_look(one)) for one in patterns)
    except ImportError:
        message = "RE2 is not installed, and custom patterns need it"
        raise HostFailed("privacy.engine", message, hint="pip install google-re2") from None


def _look(one: Accepted) -> Callable[[Place], list[Hit]]:
    kind = one.pattern.id
    wide = compile_text(one.wide, PATTERN_BYTES_MAX)
    exact = wide if one.wide == one.exact else compile_text(one.exact, PATTERN_BYTES_MAX)

    def look(place: Place) -> list[Hit]:
        """All hits of a message, for the scan tells of this pattern once."""
        arena = place.arena
        budget = _Budget(arena)
        # Attack: a zero in a leaf, so that a match reaches over the mark after it and hides what is there.
        is_plain = arena.text.count("\0") == len(arena.texts) + 1
        if is_plain and not one.is_anchored:
            return [Hit(kind, start, end, LIKELY) for start, end in _spans(wide, arena.text, 0, budget)]
        leaves: Iterable[int] = range(len(arena.texts))
        if is_plain:
            leaves = _leaves(wide, arena, budget)
        return [Hit(kind, start, end, LIKELY) for leaf in leaves for start, end in _spans(exact, arena.texts[leaf], arena.starts[leaf], budget)]

    return look


class _Budget:
    """What one look may take. Attack: an expression whose every match reads on to the end of a long text."""

    def __init__(self, arena: Arena) -> None:
        self._until = time.thread_time() + LOOK_SECONDS + len(arena.text) / LOOK_BYTES_PER_SECOND
        self._left = HITS_MAX

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0 or (self._left % CHECK_EVERY == 0 and time.thread_time() > self._until):
            raise Refused("privacy.limit", "a custom pattern takes too long, or matches too often", where="message", hint="answer with less at a time")


def _leaves(wide: Regex, arena: Arena, budget: _Budget) -> Iterator[int]:
    """The leaves in which there may be a match. Only marks hold a zero, so those before a place number its leaf."""
    data = arena.text.encode("utf-8", "surrogatepass")
    at, number = 0, -1
    while (match := wide.search(data, at)) is not None:
        budget.spend()
        start = match.start()
        number += data.count(b"\0", at, start)
        # What begins in the line end before the first mark, or in that after the last, lies in no leaf.
        if 0 <= number < len(arena.texts):
            yield number
        at = data.find(b"\0", start)
        if at < 0:
            return


def _spans(regex: Regex, text: str, base: int, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Ranges of characters, ``base`` added. The text between two matches is decoded once, so the work is linear."""
    data = text.encode("utf-8", "surrogatepass")
    is_ascii = len(data) == len(text)
    byte = 0
    for match in regex.finditer(data):
        budget.spend()
        first, last = match.start(), match.end()
        if is_ascii:
            yield base + first, base + last
            continue
        start = base + _count(data[byte:first])
        base = start + _count(data[first:last])
        byte = last
        yield start, base


_CONTINUED = bytes(range(0x80, 0xC0))


def _count(data: bytes) -> int:
    """Characters, each of which has one byte that continues none."""
    return len(data.translate(None, _CONTINUED))
