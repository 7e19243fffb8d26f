"""The engine's settings hold: what is off cannot be reached, what is on gives the same bits, and no module changes a setting."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator

import pytest
from wasmtime import wat2wasm

from mpp.errors import HostFailed, Refused
from mpp.jail import sealed_memory
from mpp.stages.sandbox import engine as subject
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import SWITCHES, Api, find_library
from mpp.stages.sandbox.engine import POOL, SETTINGS, Engine, config_digest
from mpp.testing.wasm import CORE, component, leb, module, section, vector


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine(Api(find_library(), holding=True), pooled=True)
    yield made
    made.close()


OFF = {
    "threads": "(module (memory 1 1) (func (drop (i32.atomic.load (i32.const 0)))))",
    "a shared memory": "(module (memory 1 1 shared))",
    "64-bit memory": "(module (memory i64 1))",
    "64-bit tables": "(module (table i64 1 funcref))",
    "two memories": "(module (memory 1) (memory 1))",
    "structures": "(module (type (struct (field i32))))",
    "arrays": "(module (type (array i8)))",
    "i31": "(module (func (result (ref i31)) (ref.i31 (i32.const 1))))",
    "tail calls": "(module (func $f (return_call $f)))",
    "relaxed vectors": "(module (func (param v128 v128 v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2))))",
    "other page sizes": "(module (memory 1 (pagesize 1)))",
    "wide arithmetic": "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))",
}  # fmt: skip


def typed(*types: bytes) -> bytes:
    """A module with these types and one empty function of the first."""
    return CORE + section(1, vector(types)) + section(3, vector([b"\0"])) + section(10, vector([leb(2) + b"\0\x0b"]))


@pytest.mark.parametrize("text", OFF.values(), ids=OFF.keys())
def test_what_is_off_does_not_validate(engine: Engine, text: str) -> None:
    with pytest.raises(Refused) as fault:
        engine.compile(wat2wasm(text))
    assert fault.value.code == "wasm.engine"
    assert "\n" not in fault.value.message


def test_stack_switching_does_not_validate(engine: Engine) -> None:
    function, continuation = b"\x60\0\0", b"\x5d\0"
    assert engine.compile(typed(function))
    with pytest.raises(Refused, match="stack switching"):
        engine.compile(typed(function, continuation))


def test_async_components_do_not_validate(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.compile(wat2wasm("(component (core func $f (canon task.cancel)))"))


ON = {
    "vectors": "(module (func (result v128) (v128.const i32x4 1 2 3 4)))",
    "bulk memory": "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))))",
    "several results": "(module (func (result i32 i32) (i32.const 1) (i32.const 2)))",
    "exceptions": "(module (tag $e) (func (throw $e)))",
    "references": "(module (table 1 externref))",
}


@pytest.mark.parametrize("text", ON.values(), ids=ON.keys())
def test_what_compilers_emit_compiles(engine: Engine, text: str) -> None:
    assert engine.compile(wat2wasm(text))


@pytest.mark.parametrize("data", [b"(module)", b"", b"\0asm", b"\0asm\x02\0\0\0", b"\0asm\x0d\0\x01\0\xff", b"\x7fELF" * 10])
def test_text_and_other_things_are_no_code(engine: Engine, data: bytes) -> None:
    with pytest.raises(Refused) as fault:
        engine.compile(data)
    assert fault.value.code == "wasm.engine"


def test_native_code_is_no_source(engine: Engine) -> None:
    with pytest.raises(Refused):
        engine.compile(engine.compile(module()))


def sections(count: int) -> tuple[tuple[str, bytes], ...]:
    names = ("wasmtime.stack", "max_wasm_stack", "producers", "target_features", "metadata.code.branch_hint", "dylink.0")
    return tuple((name, b"\xff" * count) for name in names)


def test_nothing_of_a_module_reaches_the_settings(engine: Engine) -> None:
    """Custom sections that ask for anything change no byte of what is compiled but their own."""
    assert len({len(engine.compile(module(custom=()))), len(engine.compile(module(custom=sections(1))))}) == 1
    assert config_digest() == config_digest()


def test_the_settings_are_known_to_the_engine_and_say_what_the_rules_say() -> None:
    settings = dict(SETTINGS)
    assert len(settings) == len(SETTINGS)
    assert settings.keys() <= SWITCHES.keys()
    for name in ("threads", "tail_call", "relaxed_simd", "multi_memory", "memory64", "wide_arithmetic", "custom_page_sizes", "stack_switching", "gc"):
        assert settings[f"wasmtime_config_wasm_{name}_set"] == 0
    assert settings["wasmtime_config_max_wasm_stack_set"] == limits.WASM_STACK_BYTES
    assert dict(POOL)["table_elements"] == limits.TABLE_ITEMS_MAX


def test_the_digest_names_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = config_digest()
    monkeypatch.setattr(subject, "SETTINGS", SETTINGS[:-1])
    assert config_digest() != before


def run_bits(engine: Engine, text: str) -> int:
    """The bits that an exported function without imports answers, through the engine's own calls."""
    api = engine.api
    fd = sealed_memory(engine.compile(wat2wasm(text)))
    loaded = engine.load(f"/proc/self/fd/{fd}", component=False)
    os.close(fd)
    linker, out = api.bind("wasmtime_linker_new")(engine.pointer), ctypes.c_void_p()
    assert not api.bind("wasmtime_linker_instantiate_pre")(linker, loaded, ctypes.byref(out))
    store = api.store_new(engine.pointer, None, None)
    context, found, trap = api.store_context(store), (ctypes.c_uint64 * 8)(), ctypes.c_void_p()
    api.set_epoch_deadline(context, 1)
    instance = (ctypes.c_uint64 * 2)()
    results = (ctypes.c_uint8 * 64)()
    assert not api.pre_instantiate(out.value, context, ctypes.addressof(instance), ctypes.addressof(trap))
    assert api.export_get(context, ctypes.addressof(instance), b"f", 1, ctypes.addressof(found))
    assert not api.func_call(context, ctypes.addressof(found) + 8, None, 0, ctypes.addressof(results), 1, ctypes.addressof(trap))
    api.store_delete(store)
    api.bind("wasmtime_instance_pre_delete")(out.value)
    api.bind("wasmtime_linker_delete")(linker)
    engine.close_module(loaded)
    bits: int = struct.unpack_from("<Q", bytes(results), 8)[0]
    return bits


@pytest.mark.parametrize(
    "value", ["(f64.reinterpret_i64 (i64.const 0x7ff8000000000123))", "(f64.reinterpret_i64 (i64.const 0xfff8000000000001))", "(f64.const -nan)"]
)
def test_a_nan_has_one_pattern_of_bits(engine: Engine, value: str) -> None:
    one = f"(f64.add {value} (f64.const 1))"
    assert run_bits(engine, f'(module (func (export "f") (result i64) (i64.reinterpret_f64 {one})))') == 0x7FF8000000000000


def test_a_component_is_compiled_and_loaded(engine: Engine) -> None:
    fd = sealed_memory(engine.compile(component()))
    loaded = engine.load(f"/proc/self/fd/{fd}", component=True)
    assert loaded
    engine.api.bind("wasmtime_component_delete")(loaded)
    with pytest.raises(HostFailed, match="does not fit"):
        engine.load(f"/proc/self/fd/{fd}", component=False)
    os.close(fd)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x7fELF" + bytes(4000)])
def test_what_is_no_native_code_is_not_loaded(engine: Engine, data: bytes) -> None:
    fd = sealed_memory(data)
    with pytest.raises(HostFailed) as fault:
        engine.load(f"/proc/self/fd/{fd}", component=False)
    os.close(fd)
    assert fault.value.code == "host.native"


def test_code_of_other_settings_is_not_loaded(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tuple((name, 0 if "epoch" in name else number) for name, number in SETTINGS)
    monkeypatch.setattr(subject, "SETTINGS", changed)
    other = Engine(engine.api, pooled=True)
    fd = sealed_memory(other.compile(module()))
    other.close()
    with pytest.raises(HostFailed, match="does not fit"):
        engine.load(f"/proc/self/fd/{fd}", component=False)
    os.close(fd)


def test_an_engine_without_a_pool(engine: Engine) -> None:
    other = Engine(engine.api, pooled=False)
    assert other.compile(module())
    other.close()
