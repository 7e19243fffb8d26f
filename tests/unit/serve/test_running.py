"""The crew: as many threads as are needed, each call with its own descriptor, a bounded queue."""

from __future__ import annotations

import os
import select
import threading

import pytest

from mpp.serve.running import again, Crew, end, guarded

PATIENCE = 20.0


def is_ended(gone: int) -> bool:
    return bool(select.select([gone], [], [], 0)[0])


def test_threads_are_made_when_they_are_needed() -> None:
    crew = Crew(most=3)
    done = threading.Semaphore(0)
    for _ in range(5):
        assert crew.put(lambda gone: done.release())
        assert done.acquire(timeout=PATIENCE)
    assert 1 <= len(crew._threads) <= 3
    assert crew.close(PATIENCE)


def test_work_runs_beside_other_work_up_to_a_bound() -> None:
    crew = Crew(most=2, queued=1)
    running, go = threading.Semaphore(0), threading.Event()
    order: list[int] = []

    def work(number: int) -> None:
        running.release()
        assert go.wait(PATIENCE)
        order.append(number)

    assert [crew.put(lambda gone, number=number: work(number)) for number in range(4)] == [True, True, True, False]  # type: ignore[misc]
    assert running.acquire(timeout=PATIENCE)
    assert running.acquire(timeout=PATIENCE)
    assert not running.acquire(blocking=False)
    go.set()
    assert crew.close(PATIENCE)
    assert sorted(order) == [0, 1, 2]


def test_a_descriptor_says_that_nobody_waits_and_is_of_use_again() -> None:
    crew = Crew(most=1)
    seen: list[bool] = []

    def work(gone: int) -> None:
        seen.append(is_ended(gone))
        end(gone)
        seen.append(is_ended(gone))
        again(gone)
        again(gone)

    assert crew.put(work)
    assert crew.put(work)
    assert crew.close(PATIENCE)
    assert seen == [False, True, False, True]


def test_who_does_not_end_is_not_waited_for() -> None:
    crew = Crew(most=1)
    go = threading.Event()
    crew.put(lambda gone: go.wait(PATIENCE) and None)
    assert crew.close(0.01) is False
    go.set()
    assert crew.close(PATIENCE)


def test_a_defect_is_named_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(gone: int) -> None:
        raise ValueError("what a tool said")

    gone = os.eventfd(0)
    guarded(broken, gone)
    os.close(gone)
    said = capsys.readouterr().err
    assert said.startswith("error: a call ended with a defect of this program: ValueError at test_running.py:")
    assert "what a tool said" not in said
