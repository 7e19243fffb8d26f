"""The written-down interface for components equals what the installed wheel says of itself."""

from __future__ import annotations

import ctypes

import pytest
from wasmtime import _bindings as theirs
from wasmtime import _ffi as numbers

from mpp.stages.sandbox import capi
from tests.unit.sandbox.test_capi import plain

LAYOUTS = [
    (capi.ComponentValue, theirs.wasmtime_component_val_t),
    (capi.ComponentResult, theirs.wasmtime_component_valresult_t),
    (capi.ComponentInstance, theirs.wasmtime_component_instance_t),
]


@pytest.mark.parametrize(("mine", "other"), LAYOUTS)
def test_a_layout_is_the_wheels(mine: type[ctypes.Structure], other: type[ctypes.Structure]) -> None:
    assert ctypes.sizeof(mine) == ctypes.sizeof(other)
    assert ctypes.alignment(mine) == ctypes.alignment(other)
    assert [(getattr(mine, name).offset, getattr(mine, name).size) for name, _ in mine._fields_] == [
        (getattr(other, name).offset, getattr(other, name).size) for name, _ in other._fields_
    ]


def test_values_have_room_for_every_kind() -> None:
    assert ctypes.sizeof(capi.ComponentUnion) == ctypes.sizeof(theirs.wasmtime_component_valunion_t)
    assert ctypes.sizeof(capi.ComponentFunction) == ctypes.sizeof(theirs.wasmtime_component_func_t)
    assert ctypes.alignment(capi.ComponentFunction) >= ctypes.alignment(theirs.wasmtime_component_func_t)
    for name in ("string", "result"):
        assert getattr(capi.ComponentUnion, name).offset == getattr(theirs.wasmtime_component_valunion_t, name).offset


def test_kinds_of_values_are_the_wheels() -> None:
    assert (numbers.WASMTIME_COMPONENT_STRING.value, numbers.WASMTIME_COMPONENT_RESULT.value) == (capi.VALUE_STRING, capi.VALUE_RESULT)


def test_callbacks_are_the_wheels() -> None:
    for mine, other in (
        (capi.COMPONENT_CALLBACK, theirs.wasmtime_component_func_callback_t),
        (capi.OUTPUT_CALLBACK, theirs._wasi_config_set_stdout_custom.argtypes[1]),
        (capi.OUTPUT_CALLBACK, theirs._wasi_config_set_stderr_custom.argtypes[1]),
    ):
        assert [plain(kind) for kind in mine._argtypes_] == [plain(kind) for kind in other._argtypes_]
        assert ctypes.sizeof(mine._restype_) == ctypes.sizeof(other._restype_)
