"""Who reads: the lead changes hands when work is long, and an idle pair sleeps."""

from __future__ import annotations

import threading
import time

import pytest

from mpp.serve import turns
from mpp.serve.turns import Turns

PATIENCE = 20.0


def test_short_work_keeps_the_lead_and_long_work_loses_it() -> None:
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
    assert pair.busy(lambda: led.acquire(timeout=PATIENCE) and None) is False
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
    thread = threading.Thread(target=lambda: found.append(pair.stand_by(over.is_set)))
    thread.start()
    assert slept.wait(PATIENCE)
    assert looks >= turns.CALM_TICKS
    # Work wakes it, and long work is taken over.
    gone = threading.Event()
    assert pair.busy(lambda: gone.wait(turns.TICK_SECONDS * 50) and None) is False
    thread.join(PATIENCE)
    assert found == [True]
    over.set()
    assert pair.stand_by(over.is_set) is False
    pair.close()
