"""The garbage collector rests while a large message is filtered: it would look again and again at objects that all stay until the end."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TAKEN = threading.Lock()


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Only the first of several threads stops the collector, and when that one is done it runs again, whoever is at work then.

    So it never rests longer than one message has time. Attack: calls that overlap without end, until the garbage fills the memory.
    """
    if not gc.isenabled() or not _TAKEN.acquire(blocking=False):
        yield
        return
    try:
        gc.disable()
        yield
    finally:
        gc.enable()
        _TAKEN.release()
