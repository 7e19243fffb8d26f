"""The clocks of this machine."""

from __future__ import annotations

import threading
import time

from mpp.host.system import READING_SECONDS, ThreadSeconds


def test_the_kernel_is_asked_again_only_after_a_while() -> None:
    passed, computed = [0.0], iter((5.0, 5.5, 6.0))
    seconds = ThreadSeconds(lambda: passed[0], lambda: next(computed))
    assert [seconds(), seconds()] == [5.0, 5.0]
    passed[0] = READING_SECONDS * 0.9
    assert seconds() == 5.0
    passed[0] = READING_SECONDS
    assert [seconds(), seconds()] == [5.5, 5.5]
    passed[0] = 1.0
    assert seconds() == 6.0


def test_each_thread_has_its_own_reading() -> None:
    computed = iter((1.0, 2.0))
    seconds = ThreadSeconds(lambda: 0.0, lambda: next(computed))
    read = [seconds()]
    other = threading.Thread(target=lambda: read.append(seconds()))
    other.start()
    other.join(10)
    assert [*read, seconds()] == [1.0, 2.0, 1.0]


def test_it_is_never_ahead_of_the_kernel_and_hardly_behind() -> None:
    seconds = ThreadSeconds()
    for _ in range(2_000):
        before, asked, read, after = time.thread_time(), time.monotonic(), seconds(), time.thread_time()
        late = time.monotonic() - asked
        # Twice as long: the two clocks do not run at exactly the same speed.
        assert before - 2 * READING_SECONDS - late <= read <= after
