"""The written-down interface of the engine equals what the installed wheel says of itself."""

from __future__ import annotations

import ctypes
from importlib.metadata import version

import pytest
from wasmtime import _bindings as theirs
from wasmtime import _ffi as numbers

from mpp.errors import HostFailed
from mpp.stages.sandbox import capi

NAMES = (*capi.PROTOTYPES, *capi.SWITCHES, *capi.POOL_NUMBERS)


def plain(kind: object) -> object:
    """Each pointer, function and opaque handle is one void pointer to us; numbers keep size and sign."""
    if kind is None:
        return None
    if kind is ctypes.c_char_p or kind is ctypes.c_void_p or hasattr(kind, "contents") or issubclass(kind, ctypes._CFuncPtr):
        return "pointer"
    # An enumeration is an unsigned byte or an int; its size is what counts in a call.
    return {"B": "u1", "b": "i1", "?": "u1", "I": "u4", "i": "i4", "L": "u8", "l": "i8", "Q": "u8", "q": "i8"}[kind._type_]


def ours(name: str) -> tuple[object, tuple[object, ...]]:
    if name in capi.PROTOTYPES:
        return capi.PROTOTYPES[name]
    return None, (ctypes.c_void_p, capi.SWITCHES.get(name) or capi.POOL_NUMBERS[name])


def test_the_major_version_is_the_one_written_down() -> None:
    assert version("wasmtime").split(".")[0] == str(capi.ENGINE_MAJOR)


@pytest.mark.parametrize("name", NAMES)
def test_a_prototype_is_the_wheels(name: str) -> None:
    function = getattr(theirs, f"_{name}")
    result, arguments = ours(name)
    assert plain(result) == plain(function.restype)
    assert [plain(kind) for kind in arguments] == [plain(kind) for kind in function.argtypes]


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        (capi.Bytes, theirs.wasm_byte_vec_t),
        (capi.Instance, theirs.wasmtime_instance_t),
        (capi.Extern, theirs.wasmtime_extern_t),
        (capi.Value, theirs.wasmtime_val_t),
    ],
)
def test_a_layout_is_the_wheels(mine: type[ctypes.Structure], other: type[ctypes.Structure]) -> None:
    assert ctypes.sizeof(mine) == ctypes.sizeof(other)
    assert ctypes.alignment(mine) == ctypes.alignment(other)
    assert [getattr(mine, name).offset for name, _ in mine._fields_] == [getattr(other, name).offset for name, _ in other._fields_]


def test_raw_values_kinds_and_callbacks_are_the_wheels() -> None:
    assert ctypes.sizeof(theirs.wasmtime_val_raw) == capi.RAW_BYTES
    assert (numbers.WASMTIME_EXTERN_FUNC.value, numbers.WASMTIME_EXTERN_MEMORY.value) == (capi.EXTERN_FUNC, capi.EXTERN_MEMORY)
    assert (numbers.WASMTIME_EXTERN_GLOBAL.value, theirs.wasmtime_valunion_t.i64.offset) == (capi.EXTERN_GLOBAL, 0)
    assert {"i": numbers.WASM_I32.value, "I": numbers.WASM_I64.value} == capi.VALUE_KINDS
    unchecked = theirs.wasmtime_func_unchecked_callback_t
    assert [plain(kind) for kind in capi.CALLBACK._argtypes_] == [plain(kind) for kind in unchecked._argtypes_]
    epoch = theirs._wasmtime_store_epoch_deadline_callback.argtypes[1]
    assert [plain(kind) for kind in capi.DEADLINE_CALLBACK._argtypes_] == [plain(kind) for kind in epoch._argtypes_]


def test_the_library_is_found_without_importing_its_python() -> None:
    assert capi.find_library().endswith("_libwasmtime.so")


def test_without_the_library_the_host_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(HostFailed, match="not installed") as refused:
        capi.find_library()
    assert refused.value.code == "host.engine"
