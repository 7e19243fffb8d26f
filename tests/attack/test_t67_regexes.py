"""T67: a publisher's regular expression that stops the filter, the host around it, or hides what the filter should find.

Each expression is judged in a jailed process: it is refused with a reason, or it is fast on texts made to slow it down. None hangs.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host import aio
from mpp.host.patterns.judging import judge, judge_now
from mpp.host.patterns.cache import PatternCache
from mpp.model.manifest import CustomPattern
from mpp.stages.privacy import Accepted, Place, Prepared, custom_detectors, gather, hostile_to, prepare

pytest.importorskip("re2", reason="RE2 is not installed")
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="patterns are judged in a jail, which this system has not")

TEXT_BYTES = 128 * 1024
BYTES_PER_SECOND = 3_000_000
SECONDS_PER_HIT = 10e-6
HITS_MAX = 100_000
CHUNK = 40
LAG_SECONDS_MAX = 0.25
"""Seconds that nine beats of ten may be late. Reason: on a quiet machine it is a millisecond; a busy one is late now and then, a loop that is held always."""
BEAT_SECONDS = 0.002
TRIES = 12
"""Looks at a text that seems too slow. Reason: other processes take the processor away, and its clock may run on."""
TRY_AGAIN_SECONDS = 0.05
"""Seconds before the next look, longer each time: absences pass, a slow expression does not."""

HOSTILE = (
    # A backtracking engine takes years for these; an automaton does not.
    "(a+)+$",
    "(?:a|aa)+$",
    "(?:a*)*b",
    "([a-z]+)*=",
    "(?:x+x+)+y",
    "(?:.*,){12}P",
    "^(?:([a-z])+.)+[A-Z](?:[a-z])+$",
    "(?:a?){60}a{60}",
    "(?:a|a)*b",
    "(?:a|b|ab)*c9",
    "\\d+\\d+\\d+x",
    # Bombs: small to write, large to compile.
    "(?:a{1000}){1000}",
    "(?:(?:(?:a{10}){10}){10}){10}",
    "(?:[ab]{1,30}c?){1,40}d",
    "((((((((((a{2}){2}){2}){2}){2}){2}){2}){2}){2}){2})",
    "[a-z]{1000}[0-9]{999}",
    ".{1,1000}x.{1,1000}y",
    ".{1,900}x.{1,900}y",
    "\\W{1000}x",
    "(?:\\D{1,40}x){1,20}q",
    "|".join(f"word{number}" for number in range(5000)),
    "|".join(f"w{number}" for number in range(99)),
    "(" * 200 + "a" + ")" * 200,
    "(?:" * 16 + "a" + ")" * 16 + "b",
    # More states than an automaton can keep.
    "[ab]*a[ab]{200}c",
    "(?:a|b)*a(?:a|b){15}",
    "[01]*1[01]{12}2",
    "[^\\n]*a[^\\n]{100}b",
    # Each match reads on to the end of the text.
    "x(?:[^y]*y)?z?",
    "#(?:[^?]*[?])?9?#",
    "q.*z|q",
    # What is everywhere, or nowhere.
    "",
    "^",
    "$",
    "\\b",
    "a*",
    ".",
    "[\\x00-\\x7f]",
    # What the grammar has not.
    "(a)\\1",
    "(?=a)b",
    "(?i)\\pL{5}",
    "(?P<name>a)",
    "a**",
)


def pattern(number: int, regex: str) -> CustomPattern:
    return CustomPattern(id=f"thing_{number}", regex=regex, description="")


def written(chance: random.Random, depth: int = 0) -> str:
    """An expression by chance: sound, or nearly."""
    kind = chance.randrange(9 if depth < 4 else 4)
    if kind < 2:
        return "".join(chance.choices("abcxyz019-_:@ ", k=chance.randrange(1, 5)))
    if kind == 2:
        return chance.choice(["[a-z]", "[0-9]", "[^,]", "\\w", "\\d", "\\s", ".", "[A-F0-9]", "\\W", "[^a-c\\n]", "é", "[é-ÿ]", "\\x41"])
    if kind == 3:
        return chance.choice(["\\b", "^", "$", "", "\\B", "ab", "ID-"])
    if kind < 6:
        return "".join(written(chance, depth + 1) for _ in range(chance.randrange(2, 5)))
    inner = written(chance, depth + 1)
    if kind == 6:
        return f"(?:{inner}|{written(chance, depth + 1)})"
    least = chance.choice((0, 1, 2, 5, 30))
    return f"(?:{inner})" + chance.choice(["*", "+", "?", f"{{{least},{least + chance.choice((0, 1, 9, 100))}}}", f"{{{least},}}", "+?", "*?"])


def generated(count: int) -> tuple[str, ...]:
    chance = random.Random(67)
    return tuple(written(chance) + written(chance) + written(chance) for _ in range(count))


def too_slow(one: Accepted, prepared: Prepared) -> list[str]:
    """Texts that take longer than they may. A text of nothing but hits is bounded by their number."""
    (detector,) = custom_detectors([one])
    chance = random.Random(1)
    out = []
    hostile = hostile_to(prepared)
    pieces = hostile.pieces
    makers = [lambda: chance.choice(hostile.alphabet), lambda: chance.choice(pieces), lambda: pieces[0] + pieces[-1]]
    for number, make in enumerate(makers):
        block = "".join(make() for _ in range(2000))
        text = (block * (TEXT_BYTES // len(block) + 1))[:TEXT_BYTES]
        arena = gather({"k": text[: TEXT_BYTES // 2], "l": [text[TEXT_BYTES // 2 :]]})
        for tried in range(TRIES):
            time.sleep(TRY_AGAIN_SECONDS * max(0, tried - 1))
            begun = time.thread_time()
            try:
                hits = len(list(detector.look(Place(arena))))
            except Refused:
                # It matches more often than it may in any message: withheld, and in time.
                hits = HITS_MAX
            spent = time.thread_time() - begun
            if spent <= len(text) / BYTES_PER_SECOND + hits * SECONDS_PER_HIT:
                break
        else:
            out.append(f"{one.pattern.regex!r} on text {number}: {spent:.3f} s, {hits} hits")
    return out


def judged(regexes: tuple[str, ...]) -> tuple[list[Accepted], list[Refused], list[str]]:
    """All verdicts, and what is wrong with them."""
    accepted: list[Accepted] = []
    refused: list[Refused] = []
    slow: list[str] = []
    for first in range(0, len(regexes), CHUNK):
        listed = [pattern(number, regex) for number, regex in enumerate(regexes[first : first + CHUNK])]
        for one, verdict in zip(listed, judge_now(listed, None), strict=True):
            if isinstance(verdict, Refused):
                refused.append(verdict)
                continue
            accepted.append(verdict)
            found = prepare(one, "w")
            assert isinstance(found, Prepared)
            slow += too_slow(verdict, found)
    return accepted, refused, slow


def test_hostile_expressions_are_refused_or_fast() -> None:
    assert len(HOSTILE) == 43
    begun = time.monotonic()
    accepted, refused, slow = judged(HOSTILE)
    assert slow == []
    assert len(accepted) + len(refused) == len(HOSTILE)
    assert all(one.code == "privacy.pattern" and one.message and one.where for one in refused)
    assert len(refused) >= 25
    assert time.monotonic() - begun < 600


def test_expressions_by_chance_are_refused_or_fast() -> None:
    accepted, refused, slow = judged(generated(200))
    assert slow == []
    assert len(accepted) + len(refused) == 200
    assert len(accepted) >= 20, "some must get in, or nothing is shown"
    assert len(refused) >= 10


def test_an_event_loop_goes_on_while_patterns_are_judged(tmp_path: Path) -> None:
    wanted = [pattern(number, regex) for number, regex in enumerate((*HOSTILE[:4], *HOSTILE[11:16], *HOSTILE[24:32], "EMP-[0-9]{5}", "C[0-9]{9}x", "a{9}b"))]
    assert len(wanted) == 20
    lags: list[float] = []

    async def beat() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            lags.append(time.perf_counter() - begun - BEAT_SECONDS)

    async def both() -> int:
        beating = asyncio.create_task(beat())
        found = await aio.drive(judge(wanted, PatternCache(str(tmp_path))))
        beating.cancel()
        return len(found)

    assert asyncio.run(both()) == 20
    assert len(lags) > 50
    assert sorted(lags)[int(len(lags) * 0.9)] <= LAG_SECONDS_MAX, f"the longest: {sorted(lags)[-5:]}"


def test_a_cancelled_judgement_leaves_no_process() -> None:
    before = children()

    async def give_up() -> None:
        task = asyncio.create_task(aio.drive(judge([pattern(0, "[ab]*a[ab]{200}c")], None)))
        # As soon as its process is there: how long the judgement takes depends on the machine.
        while children() == before and not task.done():  # noqa: ASYNC110 - the kernel tells nobody of it
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert children() == before


def children() -> list[str]:
    return sorted(name for task in Path("/proc/self/task").iterdir() for name in (task / "children").read_text().split())
