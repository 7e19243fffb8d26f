"""Runs a component: the engine's own WASI 0.2 with standard streams, granted variables and nothing else; a fresh store per call.

No folder is opened, no address can be reached, no name resolved: a component that asks finds nothing. What it can be refused more
closely is refused by the process around it. Spec: 5-sandbox S-27 to S-29. Not a thread-safe object.
"""

from __future__ import annotations

import ctypes
import errno
import re
import threading
import time
from collections.abc import Callable, Iterator

from mpp.errors import HostFailed
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import (
    Api,
    Bytes,
    COMPONENT_CALLBACK,
    ComponentFunction,
    ComponentInstance,
    ComponentValue,
    ComponentValues,
    DEADLINE_CALLBACK,
    Longs,
    Octets,
    OUTPUT_CALLBACK,
    Pointer,
    VALUE_RESULT,
    VALUE_STRING,
)
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.frames import Order
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending

ARGUMENT = b"tool"

MEMORIES_MAX = 1
"""Memories of one component with all its parts. Reason: the engine bounds each by itself, so that only one memory keeps the limit of the package exactly."""

INSTANCES_MAX = 128
"""Core instances of one component. Reason: an interpreter with its libraries has about 50, each library one."""

TABLES_MAX = 64
"""Tables of one component. Reason: each adapter between parts brings one."""

NAMES_MAX = 1_000
"""Imports, and likewise exports, that are looked through. Reason: the static rules let far fewer pass."""

SETTLE_SECONDS = 0.1
"""Seconds that an ended component's unflushed output has to arrive. Reason: it is on its way in another thread, which gets its turn within that on a busy machine; only answers that do not look whole wait for it."""

_WHOLE = (b"\n", b"}")
_HOST = re.compile(rb"mpp:tool/host(?:@[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})?")
_RUN = re.compile(rb"wasi:cli/run(?:@0\.2\.[0-9]{1,4})?")
_STOP = b"stopped"
_TOO_LARGE = b'{"error":{"code":"too_large","message":"the request of a host call is too long"}}'
_NO_HOST = b'{"error":{"code":"unavailable","message":"there is no host to call"}}'
_TRAP_WORDS = (
    ("call stack", "stack"), ("memory", "memory"), ("table", "table"), ("undefined element", "table"), ("uninitialized", "table"),
    ("indirect call", "signature"), ("integer", "arithmetic"), ("invalid conversion", "arithmetic"), ("unreachable", "unreachable"),
)  # fmt: skip
_TRAP_START = "wasm trap: "


def component_engine(library: str) -> Engine:
    """The engine for components: the one strict configuration, with memory taken for each call. The pool of core modules has one slot.

    Its WASI writes to the streams from threads of its own, so the interpreter's lock is given back while a guest runs.
    """
    return Engine(Api(library, holding=False), pooled=False)


class ComponentGuest:
    """One call as a component sees it, and what it wrote."""

    def __init__(self, order: Order, ask: Callable[[bytes], bytes] | None) -> None:
        self.stdin, self.env, self.host_call = order.stdin, order.env, ask
        self.stdout, self.stderr, self.stderr_cut = bytearray(), bytearray(), 0
        self.has_ended = False
        self._changed = threading.Condition()

    def write(self, data: bytes) -> bool:
        """Take bytes of standard output; False when they are too many."""
        with self._changed:
            if len(self.stdout) + len(data) > limits.STDOUT_BYTES_MAX:
                return False
            # Attack: a write that is still under way when the call ends changes the answer while it is packed.
            if not self.has_ended:
                self.stdout += data
            self._changed.notify()
        return True

    def write_log(self, data: bytes) -> None:
        """Take bytes of standard error. A flood is cut and counted, and the guest goes on."""
        with self._changed:
            if not self.has_ended:
                room = limits.STDERR_BYTES_MAX - len(self.stderr)
                self.stderr += data[:room]
                self.stderr_cut += max(len(data) - room, 0)

    def settle(self, until: float) -> None:
        """Wait for bytes that were written and not flushed. An answer that looks whole waits for nothing."""
        with self._changed:
            while not self.stdout.endswith(_WHOLE) and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)

    def end(self) -> None:
        """From here on nothing is taken."""
        with self._changed:
            self.has_ended = True

    def finish(self) -> bytes:
        """A component opens no files, so there is nothing to report."""
        return b""


class ComponentRunner:
    """One component with its imports linked. ``run`` makes an instance, runs it and throws it away."""

    def __init__(self, engine: Engine, component: int) -> None:
        api = engine.api
        self._engine, self._api, self._component = engine, api, component
        self._call = _Call(engine)
        self._instance, self._function, self._result = ComponentInstance(), ComponentFunction(), ComponentValue()
        self._instantiate = api.bind("wasmtime_component_linker_instantiate", guest=True)
        self._enter = api.bind("wasmtime_component_func_call", guest=True)
        self._get_function = api.bind("wasmtime_component_instance_get_func")
        self._set_wasi = api.bind("wasmtime_context_set_wasi")
        self._exit_status = api.bind("wasmtime_error_exit_status")
        self._value_delete = api.bind("wasmtime_component_val_delete")
        self._config = _Config(api, self._call)
        imports, exports = _names(engine, component)
        self._linker = self._linked([name for name in imports if _HOST.fullmatch(name)])
        self._run_index = self._find_run(exports)

    def _linked(self, hosts: list[bytes]) -> int:
        """WASI without HTTP, and the host call under the names that the component gives it."""
        bind = self._api.bind
        linker = bind("wasmtime_component_linker_new")(self._engine.pointer)
        self._must(bind("wasmtime_component_linker_add_wasip2")(linker))
        root = bind("wasmtime_component_linker_root")(linker)
        for name in hosts:
            made = Pointer()
            self._must(bind("wasmtime_component_linker_instance_add_instance")(root, name, len(name), ctypes.byref(made)))
            self._must(bind("wasmtime_component_linker_instance_add_func")(made, b"call", 4, self._call.host_pointer, None, None))
            bind("wasmtime_component_linker_instance_delete")(made)
        bind("wasmtime_component_linker_instance_delete")(root)
        return linker

    def _must(self, error: int) -> None:
        if error:
            words = " ".join(self._api.text_of_error(error).split())[:300]
            raise HostFailed("host.native", f"the component cannot be linked: {words}", hint="verify the package again")

    def _find_run(self, exports: list[bytes]) -> int:
        """Where ``run`` is, or 0. Attack: an instance of the right name without the function."""
        find, drop = self._api.bind("wasmtime_component_get_export_index"), self._api.bind("wasmtime_component_export_index_delete")
        for name in exports:
            if _RUN.fullmatch(name):
                outer = find(self._component, None, name, len(name))
                inner = find(self._component, outer, b"run", 3) if outer else 0
                if outer:
                    drop(outer)
                return inner or 0
        return 0

    def run(self, guest: ComponentGuest, memory_bytes: int, deadline: float, timer: DeadlineTimer) -> Ending:
        """Call ``run`` once, until ``deadline`` on the monotonic clock."""
        api, call = self._api, self._call
        store = api.store_new(self._engine.pointer, None, None)
        context = api.store_context(store)
        call.begin(guest, deadline)
        api.store_limiter(store, memory_bytes, limits.TABLE_ITEMS_MAX, INSTANCES_MAX, TABLES_MAX, MEMORIES_MAX)
        api.store_deadline_callback(store, call.deadline_pointer, None, None)
        api.set_epoch_deadline(context, 1)
        timer.arm(deadline)
        try:
            error = self._set_wasi(context, self._config.make(guest, call.number))
            ending = self._ended(error or self._run(context))
            if ending.kind == "exit":
                guest.settle(min(deadline, time.monotonic() + SETTLE_SECONDS))
            # Output that came too late to count may have been too much.
            return call.ending or ending
        finally:
            timer.disarm()
            call.end()
            api.store_delete(store)

    def _run(self, context: int) -> int:
        """The error, if any."""
        # Start sections run here, so the limits and the timer hold already.
        instance, function, result = (ctypes.addressof(one) for one in (self._instance, self._function, self._result))
        error = self._instantiate(self._linker, context, self._component, instance)
        if error:
            return error
        if not self._run_index or not self._get_function(instance, context, self._run_index, function):
            return self._api.error_new(b"no function run in wasi:cli/run")
        self._call.starting = False
        return self._enter(function, context, None, 0, result, 1)

    def ahead(self) -> None:
        """Nothing: the standard input of a call is part of its store."""

    def _ended(self, error: int) -> Ending:
        call = self._call
        if not error:
            is_ok = self._result.kind == VALUE_RESULT and self._result.of.result.is_ok
            self._value_delete(ctypes.addressof(self._result))
            return call.ending or Ending(kind="exit", code=0 if is_ok else 1)
        status = ctypes.c_int()
        has_exited = self._exit_status(error, ctypes.addressof(status))
        words = self._api.text_of_error(error)
        if call.ending is not None:
            return call.ending
        if has_exited:
            return Ending(kind="exit", code=status.value & 0xFFFFFFFF)
        if call.over:
            return Ending(kind="deadline")
        return _failed(words, starting=call.starting)

    def close(self) -> None:
        if self._run_index:
            self._api.bind("wasmtime_component_export_index_delete")(self._run_index)
        self._api.bind("wasmtime_component_linker_delete")(self._linker)


def _failed(words: str, *, starting: bool) -> Ending:
    """A trap by the word that an error shows, or why there was no start."""
    last = " ".join(words.rstrip().split("\n")[-1].split())
    at = last.find(_TRAP_START)
    if at >= 0:
        said = last[at + len(_TRAP_START) :]
        return Ending(kind="trap", detail=next((word for part, word in _TRAP_WORDS if part in said), said[:200]))
    return Ending(kind="start" if starting else "trap", detail=last[:200])


class _Config:
    """Makes the WASI of one call."""

    def __init__(self, api: Api, call: _Call) -> None:
        self._call = call
        self._new = api.bind("wasi_config_new")
        self._set_arguments, self._set_env = api.bind("wasi_config_set_argv"), api.bind("wasi_config_set_env")
        self._set_stdin, self._bytes_new = api.bind("wasi_config_set_stdin_bytes"), api.bind("wasm_byte_vec_new")
        self._set_stdout, self._set_stderr = api.bind("wasi_config_set_stdout_custom"), api.bind("wasi_config_set_stderr_custom")
        self._delete = api.bind("wasi_config_delete")

    def make(self, guest: ComponentGuest, number: int) -> int:
        """One argument, the granted variables, three streams. Folders and the network are granted by calls that are never made."""
        config = self._new()
        names, texts = _texts([name for name, _ in guest.env]), _texts([text for _, text in guest.env])
        one = _texts([ARGUMENT])
        if not self._set_arguments(config, 1, ctypes.addressof(one)) or not self._set_env(
            config, len(guest.env), ctypes.addressof(names), ctypes.addressof(texts)
        ):
            self._delete(config)
            raise HostFailed("host.sandbox", "a variable of the call is not valid UTF-8", hint="give the variable another value")
        held = Bytes()
        self._bytes_new(ctypes.addressof(held), len(guest.stdin), guest.stdin)
        # The engine takes the bytes over, and the whole configuration with the store.
        self._set_stdin(config, ctypes.addressof(held))
        self._set_stdout(config, self._call.stdout_pointer, number, None)
        self._set_stderr(config, self._call.stderr_pointer, number, None)
        return config


def _texts(items: list[bytes]) -> ctypes.Array[ctypes.c_char_p]:
    return (ctypes.c_char_p * len(items))(*items)


class _Call:
    """What the callbacks of the call in progress share. Nothing may pass through the engine's frames as an exception."""

    def __init__(self, engine: Engine) -> None:
        api = engine.api
        self._engine, self._api = engine, api
        self._guests: dict[int, ComponentGuest] = {}
        self.number = 0
        self.ending: Ending | None = None
        self.over, self.starting = False, True
        self._deadline = 0.0
        self._bump = api.bind("wasmtime_engine_increment_epoch")
        self._bytes_new = api.bind("wasm_byte_vec_new")
        self._kept = (
            OUTPUT_CALLBACK(self._on_stdout),
            OUTPUT_CALLBACK(self._on_stderr),
            COMPONENT_CALLBACK(self._on_host_call),
            DEADLINE_CALLBACK(self._on_epoch),
        )
        self.stdout_pointer, self.stderr_pointer, self.host_pointer, self.deadline_pointer = (
            ctypes.cast(one, ctypes.c_void_p).value or 0 for one in self._kept
        )

    def begin(self, guest: ComponentGuest, deadline: float) -> None:
        self.number += 1
        self._guests[self.number], self._deadline = guest, deadline
        self.ending, self.over, self.starting = None, False, True

    def end(self) -> None:
        self._guests.pop(self.number).end()

    def _stop(self, ending: Ending) -> None:
        """End the guest at its next step, with the reason kept."""
        if self.ending is None:
            self.ending = ending
        self._bump(self._engine.pointer)

    def _on_epoch(self, _context: int, _data: int, further: Longs, kind: Octets) -> int | None:
        # Attack on fairness: the timer of the call before may fire late. Only the clock decides.
        if self.ending is None and time.monotonic() < self._deadline:
            further[0], kind[0] = 1, 0
            return None
        self.over = self.ending is None
        return self._api.error_new(_STOP)

    def _on_stdout(self, number: int, at: int, size: int) -> int:
        try:
            # Attack: a write of the call before, late on its thread, would stand in this call's answer.
            guest = self._guests.get(number)
            if guest is None:
                return -errno.EPIPE
            if not guest.write(ctypes.string_at(at, size)):
                self._stop(Ending(kind="output", detail="stdout"))
                return -errno.ENOSPC
        except BaseException as fault:  # noqa: BLE001 - nothing may pass through the engine's frames
            return self._broken("stdout", fault)
        return size

    def _on_stderr(self, number: int, at: int, size: int) -> int:
        try:
            guest = self._guests.get(number)
            if guest is None:
                return -errno.EPIPE
            guest.write_log(ctypes.string_at(at, size))
        except BaseException as fault:  # noqa: BLE001 - nothing may pass through the engine's frames
            return self._broken("stderr", fault)
        return size

    def _broken(self, where: str, fault: BaseException) -> int:
        self._stop(Ending(kind="host", detail=f"{where}: {type(fault).__name__}: {fault}"[:200]))
        return -errno.EIO

    def _on_host_call(
        self, _data: int, _context: int, _type: int, arguments: ComponentValues, count: int, results: ComponentValues, result_count: int
    ) -> int | None:  # fmt: skip
        try:
            # Attack: the component names the types of its imports itself, and gives this one others.
            if count != 1 or result_count != 1 or arguments[0].kind != VALUE_STRING:
                return self._api.error_new(b"call takes one string and gives one string")
            text = arguments[0].of.string
            answer = self._answer(_TOO_LARGE if text.size > limits.HOST_REQUEST_BYTES_MAX else None, text)
            # Who asked for another type than a string is stopped by the engine, which compares.
            results[0].kind = VALUE_STRING
            self._bytes_new(ctypes.addressof(results[0].of), len(answer), answer)
        except BaseException as fault:  # noqa: BLE001 - nothing may pass through the engine's frames
            self._broken("call", fault)
            return self._api.error_new(_STOP)
        return None

    def _answer(self, refusal: bytes | None, text: Bytes) -> bytes:
        if refusal is not None:
            return refusal
        guest = self._guests.get(self.number)
        if guest is None or guest.host_call is None:
            return _NO_HOST
        return guest.host_call(ctypes.string_at(text.data, text.size) if text.size else b"")


def _names(engine: Engine, component: int) -> tuple[list[bytes], list[bytes]]:
    """The names of all imports and exports."""
    bind = engine.api.bind
    kind = bind("wasmtime_component_type")(component)
    found = tuple(list(_listed(engine, kind, what)) for what in ("import", "export"))
    bind("wasmtime_component_type_delete")(kind)
    return found[0], found[1]


def _listed(engine: Engine, kind: int, what: str) -> Iterator[bytes]:
    bind = engine.api.bind
    nth, drop = bind(f"wasmtime_component_type_{what}_nth"), bind("wasmtime_component_extern_delete")
    name, size, held = Pointer(), ctypes.c_size_t(), Pointer()
    for number in range(min(bind(f"wasmtime_component_type_{what}_count")(kind, engine.pointer), NAMES_MAX)):
        if nth(kind, engine.pointer, number, ctypes.byref(name), ctypes.byref(size), ctypes.byref(held)):
            yield ctypes.string_at(name.value or 0, size.value)
            drop(held)
