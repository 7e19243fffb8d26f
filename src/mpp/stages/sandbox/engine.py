"""The engine: one strict configuration for everybody, compiled code in and out, and the linker.

Nothing here depends on a package. A setting that differed by package would be a setting that a package chooses.
"""

from __future__ import annotations

import ctypes
import hashlib

from mpp.errors import HostFailed, Refused
from mpp.stages.sandbox import limits
from mpp.stages.sandbox.capi import Api, Bytes, pool_setter, Pointer

CORE_PREAMBLE = b"\0asm\x01\0\0\0"
COMPONENT_PREAMBLE = b"\0asm\x0d\0\x01\0"

OPT_SPEED = 1

# Spec: 5-sandbox S-10. What is off cannot be reached by any module: it fails to validate.
SETTINGS: tuple[tuple[str, int], ...] = (
    ("wasmtime_config_epoch_interruption_set", 1),
    ("wasmtime_config_consume_fuel_set", 0),
    ("wasmtime_config_debug_info_set", 0),
    ("wasmtime_config_max_wasm_stack_set", limits.WASM_STACK_BYTES),
    ("wasmtime_config_wasm_threads_set", 0),
    ("wasmtime_config_shared_memory_set", 0),
    ("wasmtime_config_wasm_tail_call_set", 0),
    ("wasmtime_config_wasm_simd_set", 1),
    ("wasmtime_config_wasm_relaxed_simd_set", 0),
    ("wasmtime_config_wasm_bulk_memory_set", 1),
    ("wasmtime_config_wasm_multi_value_set", 1),
    ("wasmtime_config_wasm_multi_memory_set", 0),
    ("wasmtime_config_wasm_memory64_set", 0),
    ("wasmtime_config_wasm_wide_arithmetic_set", 0),
    ("wasmtime_config_wasm_custom_page_sizes_set", 0),
    ("wasmtime_config_wasm_stack_switching_set", 0),
    ("wasmtime_config_wasm_gc_set", 0),
    # Exceptions need the garbage collector and reference types, and nothing else of what came with them: see docs/adr/0013.
    ("wasmtime_config_wasm_reference_types_set", 1),
    ("wasmtime_config_wasm_function_references_set", 0),
    ("wasmtime_config_gc_support_set", 1),
    ("wasmtime_config_wasm_exceptions_set", 1),
    ("wasmtime_config_wasm_component_model_set", 1),
    ("wasmtime_config_wasm_component_model_async_set", 0),
    # One pattern of bits for each NaN: a replay gives the same answer on every processor.
    ("wasmtime_config_cranelift_nan_canonicalization_set", 1),
    ("wasmtime_config_cranelift_opt_level_set", OPT_SPEED),
    ("wasmtime_config_parallel_compilation_set", 1),
    ("wasmtime_config_memory_may_move_set", 0),
    ("wasmtime_config_memory_init_cow_set", 1),
    ("wasmtime_config_memory_reservation_set", limits.MEMORY_RESERVED_BYTES),
    ("wasmtime_config_memory_guard_size_set", limits.MEMORY_GUARD_BYTES),
)

POOL: tuple[tuple[str, int], ...] = (
    ("total_stacks", 1),
    ("total_gc_heaps", 1),
    ("total_core_instances", 1),
    # One for the module, and one in which the engine keeps exceptions that were thrown.
    ("total_memories", 2),
    ("total_tables", limits.TABLES_MAX),
    ("total_component_instances", 1),
    ("max_tables_per_module", limits.TABLES_MAX),
    ("max_memories_per_module", 1),
    ("table_elements", limits.TABLE_ITEMS_MAX),
    ("max_memory_size", limits.MEMORY_RESERVED_BYTES),
    ("max_core_instance_size", limits.INSTANCE_BYTES_MAX),
    ("max_unused_warm_slots", 1),
    ("linear_memory_keep_resident", 256 * 1024),
    ("table_keep_resident", 64 * 1024),
)
"""The allocator's pool for core modules: room for one instance, because one worker serves one call at a time."""


def form_of(data: bytes | memoryview) -> str:
    """``module`` or ``component``, told apart by the first eight bytes."""
    # Attack: a component as text. The engine would parse it, with a parser that no check of ours has looked at.
    form = {CORE_PREAMBLE: "module", COMPONENT_PREAMBLE: "component"}.get(bytes(data[:8]))
    if form is None:
        raise Refused("wasm.engine", "the code is no WebAssembly in its binary form", where="entrypoint", hint="build the package again")
    return form


def config_digest() -> str:
    """SHA-256 over the settings that compiled code depends on; part of the cache's key."""
    return hashlib.sha256(repr((SETTINGS, 1)).encode()).hexdigest()


class Engine:
    """One engine. ``pooled`` keeps one slot of memory mapped for the next instance."""

    def __init__(self, api: Api, *, pooled: bool, slots: int = 1) -> None:
        self.api = api
        config = api.config_new()
        for name, number in SETTINGS:
            api.bind(name)(config, number)
        if pooled:
            self._pool(config, slots)
        self.pointer = api.bind("wasm_engine_new_with_config")(config)
        if not self.pointer:
            raise HostFailed("host.engine", "the WebAssembly engine refuses its configuration", hint="install the version of wasmtime that this release names")

    def _pool(self, config: int, slots: int) -> None:
        api = self.api
        pool = api.bind("wasmtime_pooling_allocation_config_new")()
        for name, number in POOL:
            api.bind(pool_setter(name))(pool, number * slots if name.startswith("total_") else number)
        api.bind("wasmtime_pooling_allocation_strategy_set")(config, pool)
        api.bind("wasmtime_pooling_allocation_config_delete")(pool)

    def close_module(self, module: int) -> None:
        self.api.bind("wasmtime_module_delete")(module)

    def close(self) -> None:
        self.api.bind("wasm_engine_delete")(self.pointer)

    def compile(self, data: bytes | memoryview) -> bytes:
        """Native code for a module or component. Refuses what does not validate. Only the compile jail calls this on foreign bytes."""
        api = self.api
        form = form_of(data)
        held = (ctypes.c_char * len(data)).from_buffer_copy(data)
        out = Pointer()
        error = api.bind(f"wasmtime_{form}_new", guest=True)(self.pointer, ctypes.addressof(held), len(data), ctypes.byref(out))
        if error:
            words = api.text_of_error(error).partition("\n\nStack backtrace")[0]
            raise Refused(
                "wasm.engine", f"the code does not validate: {_one_line(words)}", where="entrypoint", hint="build it with features that spec/5-sandbox.md names"
            )
        native = Bytes()
        error = api.bind(f"wasmtime_{form}_serialize")(out, ctypes.addressof(native))
        api.bind(f"wasmtime_{form}_delete")(out)
        if error:
            raise HostFailed("host.engine", f"compiled code cannot be written out: {_one_line(api.text_of_error(error))}", hint="report this as a fault")
        found = ctypes.string_at(native.data, native.size)
        api.byte_vec_delete(ctypes.addressof(native))
        return found

    def load(self, path: str, *, component: bool) -> int:
        """Compiled code from a sealed file of our own making. Attack: bytes that somebody else wrote would be run as they are."""
        out = Pointer()
        error = self.api.bind(f"wasmtime_{'component' if component else 'module'}_deserialize_file")(self.pointer, path.encode(), ctypes.byref(out))
        return self._loaded(error, out)

    def _loaded(self, error: int, out: Pointer) -> int:
        if error or not out.value:
            words = self.api.text_of_error(error) if error else "no reason given"
            raise HostFailed("host.native", f"the compiled code does not fit this engine: {_one_line(words)}", hint="run `mpp cache clear`")
        return out.value


def _one_line(words: str) -> str:
    return " ".join(words.split())[:300]
