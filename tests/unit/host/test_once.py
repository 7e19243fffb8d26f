"""What is spent is spent once, among all threads, until it has expired."""

from __future__ import annotations

import threading

from mpp.host.once import SpentHere


def test_the_first_spends_and_every_other_does_not() -> None:
    once = SpentHere()
    assert [once.spend("approval", "a", 10, now) for now in (1, 2, 10)] == [True, False, False]
    assert once.spend("approval", "b", 10, 1)
    assert once.spend("other", "a", 10, 1)


def test_what_has_expired_takes_no_room() -> None:
    once = SpentHere()
    for i in range(100):
        assert once.spend("approval", f"{i}", i, i)
    assert len(once._spent) == 1


def test_a_later_end_counts() -> None:
    once = SpentHere()
    assert once.spend("approval", "a", 5, 1)
    assert not once.spend("approval", "a", 50, 2)
    assert not once.spend("approval", "a", 50, 40)


def test_of_many_threads_one_spends() -> None:
    once, start = SpentHere(), threading.Barrier(16)
    won: list[bool] = []

    def attempt() -> None:
        start.wait()
        won.append(once.spend("approval", "a", 10, 1))

    threads = [threading.Thread(target=attempt) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(won) == [False] * 15 + [True]
