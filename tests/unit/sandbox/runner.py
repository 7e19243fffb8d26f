"""One module in this process, run as a worker runs it, so that a test can look at all of it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from mpp.jail import sealed_memory
from mpp.stages.sandbox.capi import Api, find_library
from mpp.stages.sandbox.core import CoreRunner, Linked
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.frames import Order
from mpp.stages.sandbox.guest import CallGuest, Grants
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending

MEMORY = 16 << 20


@functools.cache
def shared() -> tuple[Engine, Linked, DeadlineTimer]:
    """Never freed: a timer that fired just now may still be on its way to its engine."""
    engine = Engine(Api(find_library(), holding=True), pooled=True)
    return engine, Linked(engine), DeadlineTimer(engine.api, engine)


class Runner:
    def __init__(self, wasm: bytes, *, ahead: bool = False) -> None:
        """``ahead``: make the instance of each call before the call, as a worker does; one such runner at a time."""
        self.is_ahead = ahead
        self.engine, self.linked, self.timer = shared()
        fd = sealed_memory(self.engine.compile(wasm))
        try:
            self.module = self.engine.load(f"/proc/self/fd/{fd}", component=False)
        finally:
            os.close(fd)
        self.core = CoreRunner(self.engine, self.module, self.linked, memory_bytes=MEMORY)
        if ahead:
            self.core.ahead()
        self.grants = Grants((), ())

    def run(self, order: Order, ask: Callable[[bytes], bytes] | None = None, grants: Grants | None = None) -> tuple[CallGuest, Ending]:
        guest = CallGuest(order, grants or self.grants, ask)
        ending = self.core.run(guest, order.memory_bytes, order.deadline, self.timer)
        (self.core.ahead if self.is_ahead else self.core.rest)()
        return guest, ending

    def close(self) -> None:
        self.core.close()
        self.engine.close_module(self.module)
