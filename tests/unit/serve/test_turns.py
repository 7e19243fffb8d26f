"""Who reads: the lead changes hands when work is long, and an idle pair sleeps."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from mpp.serve import turns
from mpp.serve.turns import Turns

PATIENCE = 20.0


def test_short_work_keeps_the_lead_and_long_work_loses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # The test's own clock: on a busy machine the shortest work may take as long as one likes.
    now = [1.0]
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=time.sleep))
    pair = Turns()
    over = threading.Event()
    led = threading.Semaphore(0)

    def second() -> None:
        while not over.is_set():
            if pair.stand_by(over.is_set):
                led.release()
                return

    thread = threading.Thread(target=second)
    thread.start()
    assert all(pair.busy(lambda: None) for _ in range(100))

    def long() -> None:
        now[0] += turns.TICK_SECONDS
        assert led.acquire(timeout=PATIENCE)

    assert pair.busy(long) is False
    thread.join(PATIENCE)
    # It is told once: the next who leads keeps the lead.
    assert pair.busy(lambda: None) is True
    pair.close()


def test_an_idle_pair_sleeps_until_it_is_rung_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    real = time.sleep

    def counted(seconds: float) -> None:
        nonlocal looks
        looks += 1
        real(seconds)

    monkeypatch.setattr(turns.time, "sleep", counted)
    pair = Turns()
    over = threading.Event()
    slept = threading.Event()
    sleep = pair._sleep

    def sleeping() -> None:
        slept.set()
        sleep()

    monkeypatch.setattr(pair, "_sleep", sleeping)
    found: list[bool] = []
    taken = threading.Event()

    def second() -> None:
        found.append(pair.stand_by(over.is_set))
        taken.set()

    thread = threading.Thread(target=second)
    thread.start()
    assert slept.wait(PATIENCE)
    assert looks >= turns.CALM_TICKS
    # Work wakes it, and long work is taken over.
    assert pair.busy(lambda: taken.wait(PATIENCE) and None) is False
    thread.join(PATIENCE)
    assert found == [True]
    over.set()
    assert pair.stand_by(over.is_set) is False
    pair.close()
