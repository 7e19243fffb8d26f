"""Tries one pattern out: what it matches, and how fast it is on texts made to slow it down.

Imported by the jailed process, so it uses the engines directly and nothing else of the product. Speed is measured against a simple
expression on the same processor in the same process, because machines differ; in processor time, because others run beside.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from mpp.host.patterns import limits

SIZE, EMPTY, PLACEHOLDER, GENERAL, SLOW = "size", "empty", "placeholder", "general", "slow"


class Match(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class Regex(Protocol):
    def search(self, text: bytes) -> Match | None: ...

    def finditer(self, text: bytes) -> Iterator[Match]: ...


class Order(NamedTuple):
    """A pattern as the host wrote it, for both engines, and what to try it on."""

    exact: str
    wide: str
    probe: str
    pieces: list[str]
    alphabet: list[str]
    placeholders: list[str]


class Found(NamedTuple):
    why: str
    """Empty: it is good."""
    has_probe: bool = False


class Pace(NamedTuple):
    """What a simple expression costs here, in seconds."""

    byte: float
    match: float


PROSE = """The committee met on Tuesday, 14 March 2023, at 9:30 in the main building to go over the plans for the new library. About 1,250 people
had answered the survey, and nearly two thirds of them asked for longer opening hours. Mrs. Keller said that the budget of 48,000 euros would
cover new shelves, 12 reading lamps and a better heating system, but not the larger windows that the architect had proposed. "We should begin
with what we can finish before winter," she added. The quick vote at the end was clear: seven in favour, two against. Everyone agreed to meet
again in two weeks; the minutes would be sent round by e-mail, and questions could be put to the office until Friday (room 204, first floor).
Fixed a bug where the parser would loop forever on empty input, see pull request #4821; upgrade to version 2.14.3 or later. It's quite easy."""

DOCUMENT = """{"id": 48213, "status": "active", "created_at": "2024-05-17T08:41:09Z", "updated_at": "2024-06-02T17:05:44.120Z", "version": "3.2.1",
"items": [{"sku": "TX-4410-B", "name": "Desk lamp", "quantity": 2, "price": 39.90, "in_stock": true}, {"sku": "QR-0071-A", "name": "Cable, 2 m",
"quantity": 10, "price": 4.25, "in_stock": false}], "tags": ["office", "light", "sale"], "url": "https://shop.example.com/orders/48213?page=2&limit=50",
"trace": "7f3c1a9e5b2d4f60", "request_id": "0b1f7c52-6f0e-4c36-9a3a-2f4f8e3c9d11", "size": 1048576, "ratio": 0.7312, "position": {"lat": 47.3769, "lon": 8.5417},
"comment": null, "note": "Deliver to the back door; ring twice.", "next": "/v1/orders?cursor=eyJvZmZzZXQiOjUwfQ", "count": 128, "done": false}"""


def measure() -> Pace:
    """The pace of this machine: the best of a few runs."""
    text = (b"abx0129 kd93 x0y12z " * (limits.MIXED_TEXT_BYTES // 20))[: limits.MIXED_TEXT_BYTES]
    slow, dense = compile_re2(r"[a-z][0-9]{3}x", 1 << 20), compile_re2("[0-9]", 1 << 20)
    byte = min(_seconds(slow, text) for _ in range(5)) / len(text)
    digits = b"7 " * limits.MATCHES_MAX
    return Pace(byte, min(_seconds(dense, digits) for _ in range(5)) / limits.MATCHES_MAX)


def _seconds(regex: Regex, text: bytes) -> float:
    return _run(regex, text, Pace(1.0, 1.0))[0]


def compile_re2(expression: str, memory: int) -> Regex:
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - only where it is used

    options = re2.Options()
    options.max_mem, options.never_capture, options.log_errors = memory, True, False
    regex: Regex = re2.compile(expression, options)
    return regex


def judge(order: Order, pace: Pace) -> Found:
    """All checks, the cheap ones first. Raises what the engine raises where the pattern is too large for it."""
    exact = compile_re2(order.exact, limits.PATTERN_BYTES_MAX)
    wide = exact if order.wide == order.exact else compile_re2(order.wide, limits.PATTERN_BYTES_MAX)
    if exact.search(b"") is not None:
        return Found(EMPTY)
    # Attack: a pattern that matches what the filter writes, so that each round of filtering finds something new.
    if any(exact.search(text.encode()) is not None for text in order.placeholders):
        return Found(PLACEHOLDER)
    if max(_share(regex, text) for regex in (exact, wide) for text in (PROSE, DOCUMENT)) > limits.SHARE_MAX:
        return Found(GENERAL)
    texts = list(_texts(order))
    for regex in dict.fromkeys((wide, exact)):
        if not _is_fast(regex, texts, pace):
            return Found(SLOW)
    return Found("", _has_probe(order, [text(size) for text, size in texts[: 2 * limits.LONG_TEXTS]], pace))


def _share(regex: Regex, text: str) -> float:
    data = text.encode()
    return sum(match.end() - match.start() for match in regex.finditer(data)) / len(data)


_BLOCK = 2048
_GIVE_UP = 3

Text = tuple[Callable[[int], bytes], int]
"""What makes a text of a given size, and the size to begin with."""


def _texts(order: Order) -> Iterator[Text]:
    for number in range(2):
        yield _mixed(order.alphabet, number), limits.MIXED_TEXT_BYTES
    # Few characters find long runs that many do not.
    for number in range(4):
        few = order.alphabet[number : number + 2]
        if few:
            yield _mixed(few, number), limits.MIXED_TEXT_BYTES
    yield _mixed(order.pieces, 0), limits.MIXED_TEXT_BYTES
    for piece in order.pieces:
        yield _repeated(piece), limits.PIECE_TEXT_BYTES
    yield _repeated(PROSE), limits.PIECE_TEXT_BYTES
    yield _repeated(DOCUMENT), limits.PIECE_TEXT_BYTES


def _mixed(pieces: list[str], seed: int) -> Callable[[int], bytes]:
    """A text by chance. Blocks of it are turned, which costs a hundredth of drawing each character and leaves it as mixed."""

    def make(size: int) -> bytes:
        chance = random.Random(seed)  # noqa: S311 - the same each time
        block = "".join(chance.choices(pieces or ["x"], k=_BLOCK)).encode("utf-8", "replace")
        turns = (chance.randrange(len(block)) for _ in range(size // len(block) + 1))
        return b"".join(block[at:] + block[:at] for at in turns)[:size]

    return make


def _repeated(piece: str) -> Callable[[int], bytes]:
    data = piece.encode("utf-8", "replace")
    return lambda size: (data * (size // len(data) + 1))[:size]


def _is_fast(regex: Regex, texts: list[Text], pace: Pace) -> bool:
    """Fast on every text, and on longer ones of those kinds that it was slowest on."""
    scores = []
    for number, (make, size) in enumerate(texts):
        # A short one first: a single search cannot be broken off, and the slowest patterns take a second for 64 KiB.
        short = make(limits.SHORT_TEXT_BYTES)
        _warm(regex, short)
        if _score(regex, short, pace) > 1 or (score := _score(regex, make(size), pace)) > 1:
            return False
        scores.append((score, number))
    return all(_score(regex, texts[number][0](limits.LONG_TEXT_BYTES), pace) <= 1 for _, number in sorted(scores)[-limits.LONG_TEXTS :])


def _warm(regex: Regex, text: bytes) -> None:
    """Let the engine build what it needs for such a text; it is built once and then kept."""
    begun = time.thread_time()
    for _ in regex.finditer(text):
        if time.thread_time() - begun > limits.WARM_SECONDS:
            break


def _score(regex: Regex, text: bytes, pace: Pace) -> float:
    """Time over what is allowed: above one is too slow."""
    best = _best(regex, text, pace)
    for _ in range(limits.DOUBTS):
        if best <= 1:
            break
        # A machine whose processor others take away is slow in everything for a while: so the simple expression is slow now as well.
        time.sleep(limits.DOUBT_SECONDS)
        now = measure()
        best = min(best, _best(regex, text, Pace(max(pace.byte, now.byte), max(pace.match, now.match))))
    return best


def _best(regex: Regex, text: bytes, pace: Pace) -> float:
    best = float("inf")
    for tried in range(limits.TRIES):
        best = min(best, _once(regex, text, pace))
        if best <= 1 or (tried and best > limits.HOPELESS):
            break
    return best


def _once(regex: Regex, text: bytes, pace: Pace) -> float:
    spent, reached, count = _run(regex, text, pace)
    return spent / (limits.SLOWER_MAX * pace.byte * reached + limits.SLOWER_MATCH_MAX * pace.match * count)


def _run(regex: Regex, text: bytes, pace: Pace) -> tuple[float, int, int]:
    """Seconds, bytes and matches of one run, up to a number of matches: what reads on to the end of the text with each is slowest at its beginning."""
    allowed = _GIVE_UP * limits.SLOWER_MAX * pace.byte * len(text)
    each = _GIVE_UP * limits.SLOWER_MATCH_MAX * pace.match
    count, reached = 0, len(text)
    begun = time.thread_time()
    for match in regex.finditer(text):
        count += 1
        # Attack: an expression whose every match reads on. It would not end before the clock does.
        if count == limits.MATCHES_MAX or time.thread_time() - begun > allowed + each * count:
            reached = match.end()
            break
    return time.thread_time() - begun, reached, count


def _has_probe(order: Order, texts: list[bytes], pace: Pace) -> bool:
    """Can the engine of the scan take this pattern among all others? If not, RE2 searches each message for it."""
    import re2  # noqa: PLC0415 - only where it is used

    options = re2.Options()
    options.encoding, options.never_capture, options.log_errors = re2.Options.Encoding.LATIN1, True, False
    try:
        re2.compile(order.probe.encode("ascii"), options)
        import hyperscan  # noqa: PLC0415 - only where it is used
    except re2.error:
        return False
    except ImportError:
        return True
    for tried in range(1 + limits.DOUBTS):
        # As for RE2: what seems too slow is tried again a little later.
        time.sleep(limits.DOUBT_SECONDS if tried else 0)
        try:
            if _is_scanned_fast(order.probe.encode("ascii"), texts, pace):
                return True
        except hyperscan.error:
            return False
    return False


def _is_scanned_fast(probe: bytes, texts: list[bytes], pace: Pace) -> bool:
    """Raises what Hyperscan raises where it cannot take the probe at all."""
    import hyperscan  # noqa: PLC0415 - only where it is used

    begun = time.thread_time()
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[probe], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_SINGLEMATCH])
    if time.thread_time() - begun > limits.PROBE_COMPILE_SECONDS:
        return False
    scratch = hyperscan.Scratch(database)
    begun = time.thread_time()
    for text in texts:
        database.scan(text, match_event_handler=lambda *_: None, scratch=scratch)
    return time.thread_time() - begun <= limits.SLOWER_MAX * pace.byte * sum(map(len, texts))
