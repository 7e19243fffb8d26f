"""Guests in the process of the host: faster, and held by the engine alone.

No barrier of the kernel stands between such a guest and the host. It is there for packages that the owner of the host trusts as code
of his own, named one by one; nothing chooses it by itself, and a package with folders or devices cannot have it.
Spec: 5-sandbox S-39.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from mpp.errors import Refused
from mpp.ports import Steps
from mpp.stages.sandbox import frames
from mpp.stages.sandbox.capi import Api, find_library
from mpp.stages.sandbox.core import CoreRunner, Linked
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.guest import CallGuest, Grants
from mpp.stages.sandbox.ports import HostCalls
from mpp.stages.sandbox.run import answer_request, CallScope, finished_run, Notes
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Compiled, Run


class _Machine(NamedTuple):
    """What one module at a time runs on."""

    engine: Engine
    linked: Linked
    timer: DeadlineTimer


_SPARE: list[_Machine] = []
"""Machines whose module was closed, for the next one. None is ever freed: a timer that fired just now may still be on its way to its engine."""


def _machine() -> _Machine:
    try:
        return _SPARE.pop()
    except IndexError:
        api = Api(find_library(), holding=False)
        engine = Engine(api, pooled=True)
        return _Machine(engine, Linked(engine), DeadlineTimer(api, engine))


class InProcess:
    """One module in this process. One call at a time; a second caller waits its turn, and its deadline with it."""

    def __init__(self, compiled: Compiled) -> None:
        if compiled.component:
            raise Refused("call.in_process", "a component does not run in the process of the host", where="runtime.type", hint="call it in a worker")
        self._machine = _machine()
        engine = self._machine.engine
        self._module = engine.load(f"/proc/self/fd/{compiled.fd}", component=False)
        self._runner = CoreRunner(engine, self._module, self._machine.linked)
        self._grants = Grants((), ())
        self._lock = threading.Lock()

    def run(self, order: frames.Order, calls: HostCalls, scope: CallScope, drive: Callable[[Steps[bytes]], bytes]) -> Run:
        """Run one call here and now. ``drive`` runs the steps of host calls in this thread."""
        if scope.rights.folders or scope.rights.devices:
            raise Refused(
                "call.in_process", "a package with folders or devices does not run in the process of the host", where="rights", hint="call it in a worker"
            )
        begun = time.monotonic()
        notes = Notes()
        guest = CallGuest(order, self._grants, lambda request: drive(answer_request(request, calls, scope, order.deadline, notes)))
        with self._lock:
            ending = self._runner.run(guest, order.memory_bytes, order.deadline, self._machine.timer)
            self._runner.rest()
        finished = frames.Finished(ending=ending, stdout=bytes(guest.stdout), stderr=bytes(guest.stderr), stderr_cut=guest.stderr_cut, talk=guest.finish())
        return finished_run(finished, notes, begun)

    def close(self) -> None:
        """Give everything back; no call may be under way."""
        self._runner.close()
        self._machine.engine.close_module(self._module)
        _SPARE.append(self._machine)
