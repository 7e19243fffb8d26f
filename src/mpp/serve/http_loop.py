"""An event loop that two threads take turns at running: whoever runs it may do a short piece of work itself, and is relieved when that turns out to be long.

Measured: to hand a call to another thread and its answer back costs as much as a front. A loop that does the call itself hears nobody meanwhile, so somebody
else must be able to run it. What the loop holds is touched by whoever leads alone, as in any loop; no lock is needed for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine

from mpp.serve.turns import Turns

END_SECONDS = 1.0
"""Seconds for which the two threads are waited for at the end. Reason: the one that leads is done; the other may be in a call that does not end, and is left to itself."""


class _LeadLostError(SystemExit):
    """The other thread runs the loop now. A loop lets this kind of error through, where it would report any other and go on."""


class Loop(asyncio.SelectorEventLoop):
    """Used like any loop, but that ``serve`` runs it, and ``lend`` is there."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = Turns()
        self._is_over = False
        self._ended = threading.Event()

    def serve(self, main: Coroutine[None, None, None]) -> None:
        """Run ``main`` to its end. The calling thread only waits, so that signals find it."""
        task = self.create_task(main)
        task.add_done_callback(self._end)
        threads = [threading.Thread(target=self._take_turns, args=(leads,), name=f"mpp-loop-{leads:d}", daemon=True) for leads in (True, False)]
        for thread in threads:
            thread.start()
        self._ended.wait()
        until = time.monotonic() + END_SECONDS
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))
        if not any(thread.is_alive() for thread in threads):
            self._turns.close()
        if not task.done():
            raise RuntimeError("the loop ended before its work did")
        task.result()

    @property
    def is_lent(self) -> bool:
        """Does a thread still do what was lent to it, while another one leads? Whoever leads then is not relieved by anybody."""
        return self._turns.is_taken

    def lend(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Do ``work`` in this thread, and then ``then`` in the loop, whoever leads by then. ``work`` raises nothing.

        It is the last thing that a callback does, and never part of a task: the loop goes on elsewhere, and finds this callback still running.
        """
        if self._turns.busy(work):
            then()
            return
        # The loop may be closed by now: nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self.call_soon_threadsafe(then)
        raise _LeadLostError

    def _end(self, _: asyncio.Task[None]) -> None:
        self._is_over = True

    def _take_turns(self, leads: bool) -> None:
        asyncio._set_running_loop(self)  # noqa: SLF001 - documented for whoever writes a loop
        try:
            while not self._is_over:
                leads = self._lead() if leads else self._turns.stand_by(lambda: self._is_over)
        finally:
            self._is_over = True
            self._turns.ring()
            self._ended.set()

    def _lead(self) -> bool:
        """Run the loop until the end, or until the other thread has taken over."""
        try:
            while not self._is_over:
                self._run_once()  # type: ignore[attr-defined] # no public name runs a loop for one round
        except _LeadLostError:
            return False
        return True
