"""What could make a call faster, tried and told: other transports, and processes bound to a core."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from measure import timed
from rig import Rig, done
from spread import Figure, Spread, in_turns
from transport import KINDS, Pair

ANYWHERE = -1


def transports(rounds: int) -> Iterator[Figure]:
    """Each kind against the plain socket pair, in each placement."""
    for words, ours, theirs in placements():
        with pinned(ours):
            pairs = {kind: Pair(kind, theirs) for kind in KINDS}
            try:
                found = in_turns(pairs, rounds, 300)
            finally:
                for pair in pairs.values():
                    pair.close()
        for kind, name in KINDS.items():
            yield Figure(f"ping-pong: {name}", found[kind], "socket pair, both sleep", found["socket"], note=words)


def pinning(rig: Rig, rounds: int) -> Iterator[Figure]:
    """The hot call itself: both processes are bound to cores or not."""
    worker, pid = rig.worker_and_pid("echo")
    text, every = b"x" * 100, os.sched_getaffinity(0)
    rows: dict[str, list[list[float]]] = {words: [] for words, _, _ in placements()}

    def call() -> object:
        return done(rig.run(worker, text))

    for _ in range(rounds):
        for words, ours, theirs in placements():
            os.sched_setaffinity(pid, every if theirs == ANYWHERE else {theirs})
            with pinned(ours):
                call()
                rows[words].append([timed(call) for _ in range(250)])
    found = {words: Spread.of(blocks) for words, blocks in rows.items()}
    base = found[placements()[0][0]]
    for words, spread in found.items():
        yield Figure("hot call", spread, "left to the scheduler", base, note=words)


def placements() -> list[tuple[str, int, int]]:
    """Words, the core of this process, the core of the other one."""
    cores = sorted(os.sched_getaffinity(0))
    found = [("left to the scheduler", ANYWHERE, ANYWHERE)]
    if len(cores) > 1:
        found += [("pinned to two cores", cores[0], cores[1]), ("pinned to one core", cores[0], cores[0])]
    return found


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Bind this thread to a core for a while."""
    every = os.sched_getaffinity(0)
    try:
        if core != ANYWHERE:
            os.sched_setaffinity(0, {core})
        yield
    finally:
        os.sched_setaffinity(0, every)
