"""Images in a worker: taken from an instance that has initialised itself, and laid under a fresh one.

A fresh instance gets the image as a private mapping over its memory: pages are shared until they are written, and what is written is gone with
the call. Spec: layers Y-20 to Y-27.
"""

from __future__ import annotations

import ctypes
import os
from typing import NamedTuple

from mpp.errors import HostFailed
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import Api, EXTERN_GLOBAL, Extern, NUMERIC_KINDS, Pointer, Size, Value
from mpp.stages.sandbox.image import PAGE_BYTES
from mpp.stages.sandbox.keeping import Keeper
from mpp.stages.sandbox.types import GlobalValue

START = b"_start"
INITIALISE = b"mpp_initialize"

_CHUNK_BYTES = 64 * 1024
_ZERO = bytes(_CHUNK_BYTES)


class Place(NamedTuple):
    """One instance, by the addresses of its handles."""

    context: int
    instance: int
    memory: int


class Restoring:
    """Lays an image under each new instance. ``fd`` is sealed and stays open as long as this; ``pagemap`` as well, see ``Keeper``."""

    entry = START

    def __init__(self, api: Api, fd: int, size: int, globals_: tuple[GlobalValue, ...], pagemap: int = -1) -> None:
        self._api, self._size = api, size
        self._keeper = Keeper(fd, size, pagemap)
        self._base = 0
        self._grow, self._set = api.bind("wasmtime_memory_grow"), api.bind("wasmtime_global_set")
        self._before = ctypes.c_uint64()
        self._before_at = ctypes.addressof(self._before)
        self._found = Extern()
        self._found_at = ctypes.addressof(self._found)
        self._handle = self._found_at + Extern.of.offset
        self._values = tuple((one.name.encode(), _value(one)) for one in globals_)

    def before(self, at: Place) -> int:
        """An error of the engine if it cannot be done: above all, the memory of the call may be less than the image."""
        api = self._api
        missing = self._size - api.memory_size(at.context, at.memory)
        if missing < 0:
            return api.error_new(b"the memory is larger than its image")
        if missing:
            error = self._grow(at.context, at.memory, missing // PAGE_BYTES, self._before_at)
            if error:
                return error
        # This engine takes memory for each instance and unmaps it with its end. Attack: a pool would keep the mapping in its slot, for the
        # next instance, of whatever module, to read.
        base = api.memory_data(at.context, at.memory)
        if not self._keeper.place(base):
            return api.error_new(b"the image cannot be mapped")
        self._base = base
        for name, value in self._values:
            if not api.export_get(at.context, at.instance, name, len(name), self._found_at) or self._found.kind != EXTERN_GLOBAL:
                return api.error_new(b"the image is of another layer")
            error = self._set(at.context, self._handle, ctypes.addressof(value))
            if error:
                return error
        return 0

    def after(self, at: Place, memory: memoryview, *, returned: bool) -> None:
        """What the call wrote goes with its store, or is written over in ``rest``."""

    def rest(self) -> None:
        """Before the instance goes, however its call ended, and also if it had none."""
        if self._base:
            self._keeper.take(self._base)
            self._base = 0


def _value(one: GlobalValue) -> Value:
    out = Value(kind=one.kind)
    out.of.i64 = one.bits & ((1 << 8 * NUMERIC_KINDS[one.kind]) - 1)
    return out


class Taking:
    """Calls ``mpp_initialize`` and writes the memory that it leaves to ``fd``."""

    entry = INITIALISE

    def __init__(self, api: Api, fd: int) -> None:
        self._api, self._fd = api, fd
        self.size = 0
        """Bytes of memory that were written; 0 until it has returned."""
        self.globals: tuple[GlobalValue, ...] = ()

    def before(self, at: Place) -> int:  # noqa: ARG002 - the instance is as its module says
        return 0

    def after(self, at: Place, memory: memoryview, *, returned: bool) -> None:
        """Only what has returned has initialised itself: a guest that ended, however, leaves nothing."""
        if not returned:
            return
        if len(memory) > limits.IMAGE_BYTES_MAX:
            raise HostFailed("host.image", f"the memory of {len(memory)} bytes is too large for an image", hint="import less, or load data in the call")
        self.globals = self._globals(at)
        for start in range(0, len(memory), _CHUNK_BYTES):
            piece = memory[start : start + _CHUNK_BYTES]
            # What holds nothing takes no memory: many pages of an interpreter are never touched.
            if bytes(piece) == _ZERO:
                os.lseek(self._fd, _CHUNK_BYTES, os.SEEK_CUR)
                continue
            while piece:
                piece = piece[os.write(self._fd, piece) :]
        self.size = len(memory)

    def rest(self) -> None:
        """The image was written out as soon as it was there."""

    def _globals(self, at: Place) -> tuple[GlobalValue, ...]:
        """The exported mutable ones. That these are all of the mutable ones, the gatekeeper has seen."""
        api, out = self._api, []
        nth, kind_of, get = (api.bind(name) for name in ("wasmtime_instance_export_nth", "wasmtime_global_type", "wasmtime_global_get"))
        mutability, delete = api.bind("wasm_globaltype_mutability"), api.bind("wasm_globaltype_delete")
        name, size, found, number = Pointer(), Size(), Extern(), 0
        handle = ctypes.addressof(found) + Extern.of.offset
        while nth(at.context, at.instance, number, ctypes.byref(name), ctypes.byref(size), ctypes.addressof(found)):
            number += 1
            if found.kind != EXTERN_GLOBAL:
                continue
            kind = kind_of(at.context, handle)
            is_mutable = mutability(kind)
            delete(kind)
            if is_mutable:
                held = Value()
                get(at.context, handle, ctypes.addressof(held))
                out.append(_taken(ctypes.string_at(name.value or 0, size.value), held))
        if len(out) > limits.IMAGE_GLOBALS_MAX:
            raise HostFailed("host.image", "the layer has too many globals", hint="build it with fewer")
        return tuple(out)


def _taken(name: bytes, held: Value) -> GlobalValue:
    if held.kind not in NUMERIC_KINDS:
        raise HostFailed("host.image", "a global of the layer is no number", hint="verify the layer again")
    return GlobalValue(name=name.decode("utf-8", "replace"), kind=held.kind, bits=held.of.i64 & ((1 << 8 * NUMERIC_KINDS[held.kind]) - 1))
