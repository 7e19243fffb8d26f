"""The baselines: the same guests through the engine's own Python package and its built-in WASI."""

from __future__ import annotations

import ctypes
import importlib
import os
from collections.abc import Callable

import wasmtime
from guests import FOLDER

Call = Callable[[bytes], bytes]


def documented(code: bytes, folder: str, *, linker_once: bool = False, granted: str = "") -> Call:
    """As its documentation shows: input and output are files. The engine and the module are made once, the rest for each call."""
    engine = wasmtime.Engine()
    module = wasmtime.Module(engine, code)
    kept = _linker(engine) if linker_once else None
    stdin, stdout = os.path.join(folder, "stdin"), os.path.join(folder, "stdout")

    def call(data: bytes) -> bytes:
        with open(stdin, "wb") as stream:
            stream.write(data)
        wasi = wasmtime.WasiConfig()
        wasi.stdin_file = stdin
        wasi.stdout_file = stdout
        if granted:
            wasi.preopen_dir(granted, FOLDER, False)
        store = wasmtime.Store(engine)
        store.set_wasi(wasi)
        instance = (kept or _linker(engine)).instantiate(store, module)
        instance.exports(store)["_start"](store)
        with open(stdout, "rb") as stream:
            return stream.read()

    return call


def tuned(code: bytes) -> Call:
    """What its bindings to the C interface offer beyond the documentation: a pool of instances, imports resolved once, input as bytes."""
    ffi = importlib.import_module("wasmtime._bindings")
    config = wasmtime.Config()
    ffi.wasmtime_pooling_allocation_strategy_set(config.ptr(), ffi.wasmtime_pooling_allocation_config_new())
    engine = wasmtime.Engine(config)
    ready = _linker(engine).instantiate_pre(wasmtime.Module(engine, code))

    def call(data: bytes) -> bytes:
        out = bytearray()

        def take(piece: bytes) -> None:
            out.extend(piece)

        held = ffi.wasm_byte_vec_t()
        ffi.wasm_byte_vec_new(ctypes.byref(held), len(data), ctypes.cast(data, ctypes.POINTER(ctypes.c_uint8)))
        wasi = wasmtime.WasiConfig()
        ffi.wasi_config_set_stdin_bytes(wasi.ptr(), ctypes.byref(held))
        wasi.stdout_custom = take
        store = wasmtime.Store(engine)
        store.set_wasi(wasi)
        instance = ready.instantiate(store)
        instance.exports(store)["_start"](store)
        return bytes(out)

    return call


def _linker(engine: wasmtime.Engine) -> wasmtime.Linker:
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    return linker
