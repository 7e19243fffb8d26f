"""Two workers at a time, against one; and the same of two plain processes, which is what the machine itself allows."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from guests import times
from rig import Rig, done
from spread import Figure, Spread

from mpp.stages.sandbox import Worker

COMPUTE_SECONDS = 0.005
CALLS = 40
TWICE_LEAST = 1.7
_SPINNER = "import sys\nfor line in sys.stdin:\n    n = int(line)\n    while n: n -= 1\n    print('done', flush=True)\n"
_SPINS = 4_000_000


def throughput(rig: Rig, rounds: int) -> Iterator[Figure]:
    """The time that two workers take for twice the work: at most 2 / 1.7 of what one takes for its own."""
    known = [rig.worker_and_pid("compute") for _ in range(2)]
    workers, pids = [worker for worker, _ in known], [pid for _, pid in known]
    stdin = times(_iterations(rig, workers[0]))

    def serve(worker: Worker) -> None:
        for _ in range(CALLS):
            done(rig.run(worker, stdin))

    spinners = [subprocess.Popen([sys.executable, "-c", _SPINNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
    works: dict[str, Callable[[], object]] = {
        "one": lambda: serve(workers[0]),
        "two": lambda: _together(serve, workers),
        "plain one": lambda: _spin(spinners[:1]),
        "plain two": lambda: _spin(spinners),
    }
    try:
        free = _measured(works, rounds)
        _bind([*pids, *(one.pid for one in spinners)])
        bound = _measured(works, rounds)
    finally:
        for one in spinners:
            one.communicate()
    for words, found, most in (("left to the scheduler", free, 2 / TWICE_LEAST), ("workers pinned to a core each", bound, None)):
        gained, allowed = 2 * found["one"].p50 / found["two"].p50, 2 * found["plain one"].p50 / found["plain two"].p50
        note = f"{words}: {gained:.2f} times the throughput (promised {TWICE_LEAST}); two plain processes {allowed:.2f} times; times are per call"
        yield Figure("two workers, a 5 ms guest: twice the work", found["two"].by(CALLS), "one worker", found["one"].by(CALLS), most, note=note)


def _measured(works: dict[str, Callable[[], object]], rounds: int) -> dict[str, Spread]:
    rows: dict[str, list[list[float]]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            rows[name].append([_taken(work)])
    return {name: Spread.of(row) for name, row in rows.items()}


def _bind(pids: list[int]) -> None:
    """The first of each two to one core, the second to the other."""
    every = sorted(os.sched_getaffinity(0))
    for number, pid in enumerate(pids):
        os.sched_setaffinity(pid, {every[number % min(2, len(every))]})


def _iterations(rig: Rig, worker: Worker) -> int:
    """How often the guest's loop turns in its 5 ms on this machine."""
    tried = 2_000_000
    shortest = min(_taken(lambda: done(rig.run(worker, times(tried)))) for _ in range(5))
    return int(tried * COMPUTE_SECONDS / shortest)


def _taken(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _together(serve: Callable[[Worker], None], workers: list[Worker]) -> None:
    threads = [threading.Thread(target=serve, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _spin(processes: list[subprocess.Popen[bytes]]) -> None:
    for one in processes:
        if one.stdin is not None:
            one.stdin.write(b"%d\n" % _SPINS)
            one.stdin.flush()
    for one in processes:
        if one.stdout is not None:
            one.stdout.readline()
