"""A timer that stops a guest without Python's help.

The kernel's timer calls the engine's own function on a thread of the C library. Python holds no lock meanwhile and wakes no thread of
its own: a guest that computes is stopped at its deadline whatever the interpreter does.
"""

from __future__ import annotations

import ctypes
import struct
import time

from mpp.errors import HostFailed
from mpp.stages.sandbox.capi import Api
from mpp.stages.sandbox.engine import Engine

_CLOCK_MONOTONIC, _SIGEV_THREAD = 1, 2
_EVENT_BYTES = 64
_AGAIN_NS = 5_000_000

_libc = ctypes.PyDLL(None, use_errno=True)


class DeadlineTimer:
    """One timer for one engine. Its expiry moves the engine's epoch on by one."""

    def __init__(self, api: Api, engine: Engine) -> None:
        # struct sigevent: value, signal, how, function, attributes.
        event = struct.pack("<QiiQQ", engine.pointer, 0, _SIGEV_THREAD, api.address("wasmtime_engine_increment_epoch"), 0)
        self._event = ctypes.create_string_buffer(event.ljust(_EVENT_BYTES, b"\0"), _EVENT_BYTES)
        self._timer = ctypes.c_void_p()
        if _libc.timer_create(_CLOCK_MONOTONIC, self._event, ctypes.byref(self._timer)) != 0:
            raise HostFailed("host.engine", "this system gives no timer for deadlines", hint="raise the limit of pending signals: ulimit -i")
        self._settime = _libc.timer_settime
        self._settime.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
        self._spec = (ctypes.c_int64 * 4)(0, 0, 0, 0)
        self._at = ctypes.addressof(self._spec)
        self._delete = _libc.timer_delete
        self._until = 0.0
        self._repeats = False

    def arm(self, until: float) -> None:
        """Fire when the monotonic clock shows ``until``, or before: a moment that was set for an earlier call stays, and ``again`` sets the right one then."""
        if time.monotonic() < self._until <= until:
            return
        self._set(until, 0)

    def again(self, until: float) -> None:
        """Fire when the clock shows ``until``, and every few milliseconds after that.

        Attack on punctuality: it fires while the engine still counts from before, so that nobody sees it. The next one is seen.
        """
        self._set(until, _AGAIN_NS)
        self._repeats = True

    def rest(self) -> None:
        """The call is over. What fires once is left to fire, since to set it twice for each call costs more."""
        if self._repeats:
            self.disarm()

    def disarm(self) -> None:
        self._repeats = False
        self._until = 0.0
        self._spec[1] = self._spec[2] = self._spec[3] = 0
        self._settime(self._timer, 0, self._at, None)

    def _set(self, until: float, interval_ns: int) -> None:
        whole = max(int(until * 1e9), 1)
        self._spec[1] = interval_ns
        self._spec[2], self._spec[3] = divmod(whole, 1_000_000_000)
        self._until = until
        self._settime(self._timer, 1, self._at, None)

    def close(self) -> None:
        self._delete(self._timer)
