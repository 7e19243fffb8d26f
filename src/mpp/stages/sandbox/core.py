"""Runs a core module: one fresh store and instance per call, the imports answered by a ``Guest``, and nothing left afterwards.

Spec: 5-sandbox S-20 to S-26. Not a thread-safe object: one runner serves one call at a time.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from mpp.errors import HostFailed
from mpp.model.wasmimports import EMSCRIPTEN, HOST_CALLS, NOT_SUPPORTED, PREVIEW1
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import (
    CALLBACK,
    CFunction,
    DEADLINE_CALLBACK,
    Extern,
    EXTERN_FUNC,
    EXTERN_MEMORY,
    Instance,
    Longs,
    Octets,
    Pointer,
    VALUE_KINDS,
    Words,
)
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.placing import Place, Restoring, START, Taking
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending, EXITED
from mpp.stages.sandbox.wasi import DeadlineOver, OutputOver, ProcExit

_TRAP_INTERRUPT = 10
_TRAP_NAMES = {
    0: "stack", 1: "memory", 2: "memory", 3: "table", 4: "table", 5: "signature", 6: "arithmetic", 7: "arithmetic", 8: "arithmetic", 9: "unreachable",
}  # fmt: skip
"""The engine's trap codes, by the word that an error shows."""

_STOP = b"stopped"
_NOTHING = memoryview(b"")


class Guest(Protocol):
    """The functions of one call: WASI preview 1 by name, and the host call."""

    def attach(self, view: Callable[[], memoryview]) -> None:
        """Take the way to the guest's memory; called once, before any other function."""
        ...

    def host_call_raw(self, request: int, request_size: int, response: int, capacity: int) -> int:
        """``mpp_host.call``."""
        ...


class CoreRunner:
    """One module with its imports linked. ``run`` makes an instance, unless ``ahead`` has, and runs it; ``rest`` throws it away.

    ``image``: what is laid under each instance, or taken from the one that initialises itself; the module is a layer then, and the engine no pooled one.
    """

    def __init__(self, engine: Engine, module: int, linked: Linked, image: Restoring | Taking | None = None, memory_bytes: int = 0) -> None:
        api = engine.api
        self._engine, self._api, self._linked, self._image = engine, api, linked, image
        self._entry = START if image is None else image.entry
        out = Pointer()
        error = api.bind("wasmtime_linker_instantiate_pre")(linked.pointer, module, ctypes.byref(out))
        if error:
            raise HostFailed("host.native", f"the module cannot be linked: {' '.join(api.text_of_error(error).split())[:300]}", hint="verify the package again")
        self._pre = out.value or 0
        self._instance, self._function = Instance(), Extern()
        self._trap = Pointer()
        self._trap_at, self._instance_at = ctypes.addressof(self._trap), ctypes.addressof(self._instance)
        self._function_at = ctypes.addressof(self._function)
        self._callable = self._function_at + Extern.of.offset
        self._store = self._context = 0
        self._memory_bytes = memory_bytes
        self._is_made = False
        """Does the store hold an instance of which nothing has run?"""

    def run(self, guest: Guest, memory_bytes: int, deadline: float, timer: DeadlineTimer) -> Ending:
        """Run the entry once, until ``deadline`` on the monotonic clock. What is left of the instance goes with ``rest``."""
        call = self._linked.call
        if not self._is_made or memory_bytes != self._memory_bytes:
            self._open(memory_bytes)
        call.begin(guest, deadline, timer)
        self._api.set_epoch_deadline(self._context, 1)
        # After that: who is told by the timer that time is over must count from before it.
        timer.arm(deadline)
        try:
            return self._ended(self._run())
        finally:
            self._is_made = False
            timer.rest()
            call.end()

    def ahead(self) -> None:
        """Have a fresh instance ready, of which nothing has run: the next call does not wait until it is made.

        A start section finds no time and no guest that answers it; what has one is made with its call.
        """
        self._open(self._memory_bytes)
        try:
            error = self._make()
        except HostFailed:
            self._give_up()
            return
        if error or self._trap.value:
            self._ended(error)
            self._give_up()
            return
        self._is_made = True

    def _give_up(self) -> None:
        self._linked.call.end()
        self.rest()

    def rest(self) -> None:
        """Throw the instance away, with all that it held."""
        if not self._store:
            return
        if self._image is not None:
            self._image.rest()
        self._api.store_delete(self._store)
        self._store, self._is_made = 0, False

    def _open(self, memory_bytes: int) -> None:
        """A fresh store, whose limits hold from the start."""
        self.rest()
        self._store = _store(self._engine, self._linked, memory_bytes)
        self._context, self._memory_bytes = self._api.store_context(self._store), memory_bytes
        self._linked.call.context = self._context

    def _make(self) -> int:
        """The instance with all that is laid under it. The error, if any; a trap stands in its own place."""
        api, call = self._api, self._linked.call
        self._trap.value = None
        # A start section runs here, so the limits and the time hold already.
        error = api.pre_instantiate(self._pre, self._context, self._instance_at, self._trap_at)
        if error or self._trap.value:
            call.starting = True
            return error
        call.find_memory(self._instance_at)
        if not api.export_get(self._context, self._instance_at, self._entry, len(self._entry), self._function_at) or self._function.kind != EXTERN_FUNC:
            return api.error_new(b"no function " + self._entry)
        if self._image is not None:
            error = self._image.before(self._place())
            call.starting = bool(error)
        return error

    def _place(self) -> Place:
        return Place(self._context, self._instance_at, self._linked.call.memory_handle)

    def _run(self) -> int:
        error = 0 if self._is_made else self._make()
        if error or self._trap.value:
            return error
        error = self._api.func_call(self._context, self._callable, None, 0, None, 0, self._trap_at)
        if self._image is not None:
            self._image.after(self._place(), self._linked.call.view(), returned=not error and not self._trap.value)
        return error

    def _ended(self, error: int) -> Ending:
        api, call = self._api, self._linked.call
        trap, code = self._trap.value, -1
        words = ""
        if trap:
            number = ctypes.c_uint8()
            code = number.value if api.trap_code(trap, ctypes.addressof(number)) else -1
            words = api.text_of_trap(trap)
        elif error:
            words = api.text_of_error(error)
        if call.ending is not None:
            return call.ending
        if not trap and not error:
            return EXITED
        if code == _TRAP_INTERRUPT or call.over:
            return Ending(kind="deadline")
        kind = "start" if call.starting and code < 0 else "trap"
        return Ending(kind=kind, detail=_TRAP_NAMES.get(code) or _last_line(words))

    def close(self) -> None:
        self.rest()
        self._api.bind("wasmtime_instance_pre_delete")(self._pre)


def _store(engine: Engine, linked: Linked, memory_bytes: int) -> int:
    api = engine.api
    store = api.store_new(engine.pointer, None, None)
    api.store_limiter(store, memory_bytes, limits.TABLE_ITEMS_MAX, 1, limits.TABLES_MAX, 1)
    api.store_deadline_callback(store, linked.call.deadline_pointer, None, None)
    return store


def rehearse_store(engine: Engine, linked: Linked) -> None:
    """Make a store and throw it away."""
    engine.api.store_delete(_store(engine, linked, 0))


def _last_line(words: str) -> str:
    """The cause stands last in the engine's report; an exception that nothing caught has no words at all."""
    lines = [line for line in words.splitlines() if line.strip()]
    return " ".join(lines[-1].split())[:200] if lines else "an exception that nothing caught"


class _Call:
    """What the callbacks of the call in progress share."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api
        self.guest: Guest | None = None
        self.ending: Ending | None = None
        self.over = self.starting = False
        self.context = self._base = self._size = 0
        self._deadline = 0.0
        self._timer: DeadlineTimer | None = None
        self._found = False
        self._memory = Extern()
        self._memory_at = ctypes.addressof(self._memory)
        self.memory_handle = self._memory_at + Extern.of.offset
        self._view = _NOTHING
        self.caller = 0
        self._deadline_callback = DEADLINE_CALLBACK(self._on_epoch)
        self.deadline_pointer = ctypes.cast(self._deadline_callback, ctypes.c_void_p).value or 0

    def begin(self, guest: Guest, deadline: float, timer: DeadlineTimer) -> None:
        self.guest, self._deadline, self._timer = guest, deadline, timer
        self.ending, self.over, self.starting = None, False, False
        guest.attach(self.view)

    def end(self) -> None:
        # The memory is unmapped with its store; a view must not outlive it. Nobody has time in a store before ``begin``.
        self.guest, self._deadline, self._view, self._size, self._found, self.caller = None, 0.0, _NOTHING, 0, False, 0

    def find_memory(self, instance: int) -> None:
        self._take(self._api.export_get(self.context, instance, b"memory", 6, self._memory_at))

    def _take(self, found: int) -> None:
        if not found or self._memory.kind != EXTERN_MEMORY:
            raise HostFailed("host.native", "the module has no memory to speak through", hint="verify the package again")
        self._found, self._size = True, 0
        self._base = self._api.memory_data(self.context, self.memory_handle)

    def view(self) -> memoryview:
        """The guest's memory as it is now; it may have grown since the last look."""
        if not self._found:
            if not self.caller:
                raise HostFailed("host.sandbox", "the memory of a guest is asked for after its end", hint="report this as a fault of the host")
            # In a start section nobody has the instance yet; the caller has.
            self._take(self._api.caller_export_get(self.caller, b"memory", 6, self._memory_at))
        size = self._api.memory_size(self.context, self.memory_handle)
        if size != self._size:
            self._size = size
            self._view = memoryview((ctypes.c_ubyte * size).from_address(self._base)).cast("B")
        return self._view

    def _on_epoch(self, _context: int, _data: int, further: Longs, kind: Octets) -> int | None:
        # Attack on fairness: the timer of the call before may fire late. Only the clock decides.
        if time.monotonic() < self._deadline:
            if self._timer is not None:
                self._timer.again(self._deadline)
            further[0], kind[0] = 1, 0
            return None
        self.over = True
        return self._api.error_new(_STOP)

    def stop(self, ending: Ending) -> int:
        """A trap that ends the guest, with the reason kept."""
        if self.ending is None:
            self.ending = ending
        return self._api.trap_new(_STOP, len(_STOP))


class Linked:
    """A linker with every function that a module may import, and the call they answer for."""

    def __init__(self, engine: Engine) -> None:
        self._api = engine.api
        self.call = _Call(engine)
        self._kept: list[object] = []
        self.pointer = engine.api.bind("wasmtime_linker_new")(engine.pointer)
        for name, signature in PREVIEW1.items():
            self._define("wasi_snapshot_preview1", name, signature, name)
        for name, signature in HOST_CALLS.items():
            self._define("mpp_host", name, signature, "host_call_raw")
        self._define_stand_ins(EMSCRIPTEN)

    def _define_stand_ins(self, table: Mapping[str, str]) -> None:
        for name, signature in table.items():

            def answer(_e: object, _c: int, raw: Words, _n: int, *, has_result: bool = signature.endswith("i")) -> None:
                if has_result:
                    raw[0] = NOT_SUPPORTED & 0xFFFFFFFF

            self._link("env", name, signature, answer)

    def _define(self, module: str, name: str, signature: str, method: str) -> None:
        call, decode = self.call, _decoder(signature)
        has_result = signature.endswith(":i")

        def answer(_environment: object, caller: int, raw: Words, _count: int) -> int | None:
            call.caller = caller
            try:
                result = decode(getattr(call.guest, method), raw)
            except ProcExit as done:
                return call.stop(Ending(kind="exit", code=done.code))
            except OutputOver as over:
                return call.stop(Ending(kind="output", detail=str(over)))
            except DeadlineOver:
                return call.stop(Ending(kind="deadline"))
            except BaseException as fault:  # noqa: BLE001 - nothing may pass through the engine's frames
                return call.stop(Ending(kind="host", detail=f"{name}: {type(fault).__name__}: {fault}"[:200]))
            if has_result:
                raw[0] = result & 0xFFFFFFFF
            return None

        self._link(module, name, signature, answer)

    def _link(self, module: str, name: str, signature: str, answer: Callable[..., int | None]) -> None:
        callback = CALLBACK(answer)
        self._kept.append(callback)
        kind = _function_type(self._api.bind, signature)
        raw_module, raw_name = module.encode(), name.encode()
        error = self._api.bind("wasmtime_linker_define_func_unchecked")(
            self.pointer, raw_module, len(raw_module), raw_name, len(raw_name), kind, ctypes.cast(callback, ctypes.c_void_p), None, None
        )
        self._api.bind("wasm_functype_delete")(kind)
        if error:
            raise HostFailed("host.engine", f"{name} cannot be linked: {self._api.text_of_error(error)}", hint="report this as a fault")

    def close(self) -> None:
        self._api.bind("wasmtime_linker_delete")(self.pointer)


def _function_type(bind: Callable[[str], CFunction], signature: str) -> int:
    """The engine's type for ``iI:i``."""
    parameters, _, results = signature.partition(":")
    held = []
    for letters in (parameters, results):
        made = (ctypes.c_void_p * len(letters))(*(bind("wasm_valtype_new")(VALUE_KINDS[letter]) for letter in letters))
        vector = (ctypes.c_size_t * 2)()
        bind("wasm_valtype_vec_new")(ctypes.addressof(vector), len(letters), ctypes.addressof(made))
        held.append(vector)
    return bind("wasm_functype_new")(ctypes.addressof(held[0]), ctypes.addressof(held[1]))


_Method = Callable[..., int]
_Raw = Callable[[_Method, Words], int]

_PLAIN: dict[int, _Raw] = {
    0: lambda f, _a: f(),
    1: lambda f, a: f(a[0]),
    2: lambda f, a: f(a[0], a[4]),
    3: lambda f, a: f(a[0], a[4], a[8]),
    4: lambda f, a: f(a[0], a[4], a[8], a[12]),
    5: lambda f, a: f(a[0], a[4], a[8], a[12], a[16]),
}
"""Decoders for functions whose parameters are all 32 bits wide. A raw value has 16 bytes, four of our steps."""


def _decoder(signature: str) -> _Raw:
    """Reads the parameters of one signature out of raw values."""
    letters = signature.partition(":")[0]
    if set(letters) <= {"i"} and len(letters) in _PLAIN:
        return _PLAIN[len(letters)]
    steps = tuple((4 * number, letter == "I") for number, letter in enumerate(letters))

    def decode(method: _Method, raw: Words) -> int:
        return method(*[raw[at] | raw[at + 1] << 32 if wide else raw[at] for at, wide in steps])

    return decode
