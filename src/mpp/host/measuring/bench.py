"""The table of ``mpp privacy bench``: the same JSON through each filter, in one process, best of several rounds."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

import orjson

from mpp.host.filtering import Whose
from mpp.host.home import Home
from mpp.host.measuring import peers
from mpp.host.measuring.documents import Document, document
from mpp.host.opening import open_filters
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.manifest import CustomPattern, PrivacyFilters
from mpp.model.value import value
from mpp.stages.policy import CallPrivacy, NO_PRIVACY
from mpp.stages.privacy import PLACEHOLDER, built_in, read_message, write_message

MESSAGES = (("2 kB", 2_000, 0.01), ("100 kB", 100_000, 0.01), ("1 MB", 1_000_000, 0.01), ("1 MB, clean", 1_000_000, 0.0))
CUSTOM = tuple(CustomPattern(id=f"custom_{i}", regex=rf"\bCUST{i}-\d{{6}}\b", description="a customer's number") for i in range(20))
SLOW_ROUNDS = 1
SMALL_BYTES, LARGE_BYTES = 10_000, 200_000
"""Bytes of a message below which it is filtered in blocks, and above which slow filters have one round."""

BLOCK = 50
"""Times that a small message is filtered in one turn. Reason: the turns of others between empty the caches of the processor, which says something of the first time alone."""

OURS = "mpp"


@value
class Row:
    """One filter on one message."""

    message: str
    name: str
    seconds: float
    """Of one of the best block."""
    first: float
    """Of the best that was the first of its block, after the turns of the others. The same where a block is one."""
    size: int
    ratio: float
    """Its time as a multiple of ours."""
    missed: int
    """Planted values that are still there."""
    planted: int
    extra: int
    """Placeholders beyond one for each planted value. Only known of ours, which say where they stand."""

    @property
    def rate(self) -> float:
        return self.size / self.seconds / 1e6


def measure(*, quick: bool, say: Callable[[str], None]) -> list[Row]:
    """All filters that are installed."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        filters = open_filters(Home(path=folder), SystemClock(), SystemRandom())
        wanted = PrivacyFilters(enabled=True, patterns=(), custom_patterns=CUSTOM)
        bound = filters.bind(CallPrivacy(rules=NO_PRIVACY), wanted, Whose(tenant="bench", agent=""))
        say(
            f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; engine {bound.rules.scanner.name}, {len(bound.rules.types)} patterns, {len(CUSTOM)} of them custom"
        )
        runs: list[tuple[str, peers.Run | None, bool]] = [
            (OURS, lambda data: write_message(bound(read_message(data)).message), False),
            ("re, one by one", peers.one_by_one(built_in()), True),
            ("cpex pii + secrets", peers.cpex(CUSTOM), False),
            ("presidio, 6 kinds", peers.presidio(), True),
        ]
        for name, run, _ in runs:
            if run is None:
                say(f"{name}: not installed")
        for title, size, share in MESSAGES:
            rows += _message(title, document(size, share), runs, quick=quick, say=say)
    return rows


def _message(title: str, made: Document, runs: list[tuple[str, peers.Run | None, bool]], *, quick: bool, say: Callable[[str], None]) -> list[Row]:
    data = orjson.dumps(made.message)
    rows: list[Row] = []
    for name, (best, first, out) in _in_turns(data, runs, (3 if quick else 9) * (10 if len(data) < SMALL_BYTES else 1)).items():
        text = out.decode()
        missed = sum(one in text for one in made.planted)
        extra = max(_placeholders(text) - len(made.planted), 0) if name == OURS else 0
        rows.append(
            Row(
                message=title,
                name=name,
                seconds=best,
                first=first,
                size=len(data),
                ratio=best / (rows[0].seconds if rows else best),
                missed=missed,
                planted=len(made.planted),
                extra=extra,
            )
        )
        say(f"{title}: {name} {best * 1000:.2f} ms")
    return rows


def _in_turns(data: bytes, runs: list[tuple[str, peers.Run | None, bool]], rounds: int) -> dict[str, tuple[float, float, bytes]]:
    """The best round of each, with what it made. They take turns: what a busy machine and a growing heap do to one they do to all."""
    best: dict[str, tuple[float, float, bytes]] = {}
    for number in range(rounds):
        for name, run, is_slow in runs:
            if run is None or (is_slow and len(data) > LARGE_BYTES and number >= SLOW_ROUNDS):
                continue
            first, out = _timed(run, data, 1)
            spent = _timed(run, data, BLOCK)[0] if len(data) < SMALL_BYTES and not is_slow else first
            before = best.get(name, (spent, first, out))
            best[name] = min(before[0], spent), min(before[1], first), out
    return best


def _placeholders(text: str) -> int:
    return sum(1 for _ in PLACEHOLDER.finditer(text))


def _timed(run: peers.Run, data: bytes, times: int) -> tuple[float, bytes]:
    begun = time.process_time()
    for _ in range(times):
        out = run(data)
    return (time.process_time() - begun) / times, out
