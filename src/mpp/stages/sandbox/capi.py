"""The C functions of the engine that we use, with their types. Nothing else of the library is reachable from here.

The shared library of the ``wasmtime`` wheel is loaded directly: its Python layer costs 50 ms to import and several times what a call may
take. tests/unit/sandbox/test_capi.py compares each prototype and layout with the wheel's own bindings, so that another major version
cannot slip in unseen.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from typing import TypeAlias

from mpp.errors import HostFailed

ENGINE_MAJOR = 50
"""The major version of the engine whose C interface is written down here."""

Pointer = ctypes.c_void_p
Size = ctypes.c_size_t
CFunction: TypeAlias = Callable[..., int]
Words: TypeAlias = "ctypes.Array[ctypes.c_uint32]"
Longs: TypeAlias = "ctypes.Array[ctypes.c_uint64]"
Octets: TypeAlias = "ctypes.Array[ctypes.c_uint8]"
"""What a callback finds behind a pointer: read and written by index."""

EXTERN_FUNC, EXTERN_GLOBAL, EXTERN_MEMORY = 0, 1, 3
VALUE_KINDS = {"i": 0, "I": 1}
NUMERIC_KINDS = {0: 4, 1: 8, 2: 4, 3: 8}
"""Kinds of numbers, i32, i64, f32, f64, and their bytes."""
RAW_BYTES = 16
"""Bytes of one raw value in an argument list. Reason: the layout of the C interface."""

# name: (result, arguments). Opaque pointers are all void pointers: we never look inside.
_V, _P, _Z, _S = None, Pointer, Size, ctypes.c_char_p
_BOOL, _U8, _U64, _I64, _INT, _U32 = ctypes.c_bool, ctypes.c_uint8, ctypes.c_uint64, ctypes.c_int64, ctypes.c_int, ctypes.c_uint32
PROTOTYPES: dict[str, tuple[object, tuple[object, ...]]] = {
    "wasm_config_new": (_P, ()),
    "wasm_engine_new_with_config": (_P, (_P,)),
    "wasm_engine_delete": (_V, (_P,)),
    "wasm_byte_vec_delete": (_V, (_P,)),
    "wasm_byte_vec_new": (_V, (_P, _Z, _S)),
    "wasm_trap_delete": (_V, (_P,)),
    "wasm_trap_message": (_V, (_P, _P)),
    "wasm_functype_new": (_P, (_P, _P)),
    "wasm_functype_delete": (_V, (_P,)),
    "wasm_valtype_new": (_P, (_U8,)),
    "wasm_valtype_vec_new": (_V, (_P, _Z, _P)),
    "wasmtime_pooling_allocation_config_new": (_P, ()),
    "wasmtime_pooling_allocation_config_delete": (_V, (_P,)),
    "wasmtime_pooling_allocation_strategy_set": (_V, (_P, _P)),
    "wasmtime_engine_increment_epoch": (_V, (_P,)),
    "wasmtime_error_delete": (_V, (_P,)),
    "wasmtime_error_message": (_V, (_P, _P)),
    "wasmtime_error_new": (_P, (_S,)),
    "wasmtime_error_exit_status": (_BOOL, (_P, _P)),
    "wasmtime_trap_new": (_P, (_S, _Z)),
    "wasmtime_trap_code": (_BOOL, (_P, _P)),
    "wasmtime_store_new": (_P, (_P, _P, _P)),
    "wasmtime_store_context": (_P, (_P,)),
    "wasmtime_store_limiter": (_V, (_P, _I64, _I64, _I64, _I64, _I64)),
    "wasmtime_store_delete": (_V, (_P,)),
    "wasmtime_store_epoch_deadline_callback": (_V, (_P, _P, _P, _P)),
    "wasmtime_context_set_epoch_deadline": (_V, (_P, _U64)),
    "wasmtime_context_set_wasi": (_P, (_P, _P)),
    "wasmtime_linker_new": (_P, (_P,)),
    "wasmtime_linker_delete": (_V, (_P,)),
    "wasmtime_linker_define_func_unchecked": (_P, (_P, _S, _Z, _S, _Z, _P, _P, _P, _P)),
    "wasmtime_linker_instantiate_pre": (_P, (_P, _P, _P)),
    "wasmtime_instance_pre_instantiate": (_P, (_P, _P, _P, _P)),
    "wasmtime_instance_pre_delete": (_V, (_P,)),
    "wasmtime_instance_export_get": (_BOOL, (_P, _P, _S, _Z, _P)),
    "wasmtime_instance_export_nth": (_BOOL, (_P, _P, _Z, _P, _P, _P)),
    "wasmtime_caller_export_get": (_BOOL, (_P, _S, _Z, _P)),
    "wasmtime_caller_context": (_P, (_P,)),
    "wasmtime_func_call": (_P, (_P, _P, _P, _Z, _P, _Z, _P)),
    "wasmtime_memory_data": (_P, (_P, _P)),
    "wasmtime_memory_data_size": (_Z, (_P, _P)),
    "wasmtime_memory_grow": (_P, (_P, _P, _U64, _P)),
    "wasmtime_global_type": (_P, (_P, _P)),
    "wasmtime_global_get": (_V, (_P, _P, _P)),
    "wasmtime_global_set": (_P, (_P, _P, _P)),
    "wasm_globaltype_mutability": (_U8, (_P,)),
    "wasm_globaltype_delete": (_V, (_P,)),
    "wasmtime_module_new": (_P, (_P, _P, _Z, _P)),
    "wasmtime_module_delete": (_V, (_P,)),
    "wasmtime_module_serialize": (_P, (_P, _P)),
    "wasmtime_module_deserialize": (_P, (_P, _P, _Z, _P)),
    "wasmtime_module_deserialize_file": (_P, (_P, _S, _P)),
    "wasmtime_component_new": (_P, (_P, _P, _Z, _P)),
    "wasmtime_component_delete": (_V, (_P,)),
    "wasmtime_component_serialize": (_P, (_P, _P)),
    "wasmtime_component_deserialize": (_P, (_P, _P, _Z, _P)),
    "wasmtime_component_deserialize_file": (_P, (_P, _S, _P)),
    "wasmtime_component_get_export_index": (_P, (_P, _P, _S, _Z)),
    "wasmtime_component_type": (_P, (_P,)),
    "wasmtime_component_type_delete": (_V, (_P,)),
    "wasmtime_component_type_import_count": (_Z, (_P, _P)),
    "wasmtime_component_type_import_nth": (_BOOL, (_P, _P, _Z, _P, _P, _P)),
    "wasmtime_component_type_export_count": (_Z, (_P, _P)),
    "wasmtime_component_type_export_nth": (_BOOL, (_P, _P, _Z, _P, _P, _P)),
    "wasmtime_component_extern_delete": (_V, (_P,)),
    "wasmtime_component_export_index_delete": (_V, (_P,)),
    "wasmtime_component_linker_new": (_P, (_P,)),
    "wasmtime_component_linker_delete": (_V, (_P,)),
    "wasmtime_component_linker_add_wasip2": (_P, (_P,)),
    "wasmtime_component_linker_root": (_P, (_P,)),
    "wasmtime_component_linker_instantiate": (_P, (_P, _P, _P, _P)),
    "wasmtime_component_linker_instance_add_instance": (_P, (_P, _S, _Z, _P)),
    "wasmtime_component_linker_instance_add_func": (_P, (_P, _S, _Z, _P, _P, _P)),
    "wasmtime_component_linker_instance_delete": (_V, (_P,)),
    "wasmtime_component_instance_get_func": (_BOOL, (_P, _P, _P, _P)),
    "wasmtime_component_func_call": (_P, (_P, _P, _P, _Z, _P, _Z)),
    "wasmtime_component_val_delete": (_V, (_P,)),
    "wasi_config_new": (_P, ()),
    "wasi_config_delete": (_V, (_P,)),
    "wasi_config_set_argv": (_BOOL, (_P, _Z, _P)),
    "wasi_config_set_env": (_BOOL, (_P, _Z, _P, _P)),
    "wasi_config_set_stdin_bytes": (_V, (_P, _P)),
    "wasi_config_set_stdout_custom": (_V, (_P, _P, _P, _P)),
    "wasi_config_set_stderr_custom": (_V, (_P, _P, _P, _P)),
}

SWITCHES = {
    "wasmtime_config_epoch_interruption_set": _BOOL,
    "wasmtime_config_consume_fuel_set": _BOOL,
    "wasmtime_config_debug_info_set": _BOOL,
    "wasmtime_config_max_wasm_stack_set": _Z,
    "wasmtime_config_wasm_threads_set": _BOOL,
    "wasmtime_config_shared_memory_set": _BOOL,
    "wasmtime_config_wasm_tail_call_set": _BOOL,
    "wasmtime_config_wasm_reference_types_set": _BOOL,
    "wasmtime_config_wasm_function_references_set": _BOOL,
    "wasmtime_config_wasm_gc_set": _BOOL,
    "wasmtime_config_gc_support_set": _BOOL,
    "wasmtime_config_wasm_simd_set": _BOOL,
    "wasmtime_config_wasm_relaxed_simd_set": _BOOL,
    "wasmtime_config_wasm_bulk_memory_set": _BOOL,
    "wasmtime_config_wasm_multi_value_set": _BOOL,
    "wasmtime_config_wasm_multi_memory_set": _BOOL,
    "wasmtime_config_wasm_memory64_set": _BOOL,
    "wasmtime_config_wasm_wide_arithmetic_set": _BOOL,
    "wasmtime_config_wasm_exceptions_set": _BOOL,
    "wasmtime_config_wasm_custom_page_sizes_set": _BOOL,
    "wasmtime_config_wasm_stack_switching_set": _BOOL,
    "wasmtime_config_wasm_component_model_set": _BOOL,
    "wasmtime_config_wasm_component_model_async_set": _BOOL,
    "wasmtime_config_concurrency_support_set": _BOOL,
    "wasmtime_config_parallel_compilation_set": _BOOL,
    "wasmtime_config_cranelift_nan_canonicalization_set": _BOOL,
    "wasmtime_config_cranelift_opt_level_set": _U8,
    "wasmtime_config_memory_reservation_set": _U64,
    "wasmtime_config_memory_guard_size_set": _U64,
    "wasmtime_config_memory_may_move_set": _BOOL,
    "wasmtime_config_memory_init_cow_set": _BOOL,
    "wasmtime_config_native_unwind_info_set": _BOOL,
}
"""Settings of the compiler and the engine: function and type of its value."""

_POOL = (
    "total_stacks", "total_gc_heaps", "total_core_instances", "total_memories", "total_tables", "total_component_instances", "table_elements",
    "max_memory_size", "max_tables_per_module", "max_memories_per_module", "linear_memory_keep_resident", "table_keep_resident", "max_unused_warm_slots",
    "max_core_instance_size", "max_component_instance_size", "max_core_instances_per_component", "max_memories_per_component", "max_tables_per_component",
)  # fmt: skip


def pool_setter(name: str) -> str:
    """The function that sets one number of the allocator's pool."""
    return f"wasmtime_pooling_allocation_config_{name}_set"


POOL_NUMBERS = {pool_setter(name): _U32 if name in {"total_stacks", "total_gc_heaps", "total_core_instances", "total_memories", "total_tables",
    "total_component_instances", "max_tables_per_module", "max_memories_per_module", "max_unused_warm_slots", "max_core_instances_per_component",
    "max_memories_per_component", "max_tables_per_component"} else _Z for name in _POOL}  # fmt: skip

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint32), ctypes.c_size_t)
"""``wasmtime_func_unchecked_callback_t``: (environment, caller, arguments and results, their number) -> trap or null."""

DEADLINE_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(ctypes.c_uint8))
"""(context, data, out: further epochs, out: kind of going on) -> error or null."""


class Bytes(ctypes.Structure):
    """``wasm_byte_vec_t``."""

    _fields_ = (("size", ctypes.c_size_t), ("data", ctypes.c_void_p))


VALUE_STRING, VALUE_RESULT = 12, 19
"""Kinds of a component's values."""


class ComponentResult(ctypes.Structure):
    """``wasmtime_component_valresult_t``."""

    _fields_ = (("is_ok", ctypes.c_bool), ("val", ctypes.c_void_p))


class ComponentUnion(ctypes.Union):
    """``wasmtime_component_valunion_t``: the two kinds that we open, and room for the others."""

    _fields_ = (("string", Bytes), ("result", ComponentResult), ("raw", ctypes.c_uint8 * 24))


class ComponentValue(ctypes.Structure):
    """``wasmtime_component_val_t``."""

    _fields_ = (("kind", ctypes.c_uint8), ("of", ComponentUnion))


class ComponentInstance(ctypes.Structure):
    """``wasmtime_component_instance_t``."""

    _fields_ = (("store_id", ctypes.c_uint64), ("private", ctypes.c_uint32))


class ComponentFunction(ctypes.Structure):
    """``wasmtime_component_func_t``, as raw room."""

    _fields_ = (("raw", ctypes.c_uint64 * 4),)


ComponentValues: TypeAlias = "ctypes.Array[ComponentValue]"

COMPONENT_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ComponentValue), ctypes.c_size_t, ctypes.POINTER(ComponentValue), ctypes.c_size_t
)  # fmt: skip
"""``wasmtime_component_func_callback_t``: (data, context, type, arguments, their number, results, their number) -> error or null."""

OUTPUT_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
"""(data, bytes, their number) -> how many were taken, or minus an error number."""


class Instance(ctypes.Structure):
    """``wasmtime_instance_t``."""

    _fields_ = (("store_id", ctypes.c_uint64), ("private", ctypes.c_size_t))


class ExternUnion(ctypes.Union):
    """What an export is, as raw room: function and memory handles are copied, never opened."""

    _fields_ = (("align", ctypes.c_uint64), ("raw", ctypes.c_uint8 * 24))


class Extern(ctypes.Structure):
    """``wasmtime_extern_t``."""

    _fields_ = (("kind", ctypes.c_uint8), ("of", ExternUnion))


class ValueUnion(ctypes.Union):
    """``wasmtime_valunion_t``: numbers as their bits, and room for the others."""

    _fields_ = (("i64", ctypes.c_uint64), ("raw", ctypes.c_uint8 * 24))


class Value(ctypes.Structure):
    """``wasmtime_val_t``."""

    _fields_ = (("kind", ctypes.c_uint8), ("of", ValueUnion))


def find_library() -> str:
    """The path of the engine's library, without importing its Python layer."""
    spec = importlib.util.find_spec("wasmtime")
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in folders:
        path = os.path.join(folder, f"{sys.platform}-{machine}", "_libwasmtime.so")
        if os.path.exists(path):
            return path
    raise HostFailed("host.engine", "the WebAssembly engine is not installed for this system", hint=f"install it: pip install 'wasmtime=={ENGINE_MAJOR}.*'")


class Api:
    """The functions above, bound. ``holding`` keeps the interpreter's lock during each call: right where there is one thread."""

    def __init__(self, path: str, *, holding: bool) -> None:
        self._library = (ctypes.PyDLL if holding else ctypes.CDLL)(path)
        self._light = ctypes.PyDLL(path)
        self.path = path
        self.config_new = self.bind("wasm_config_new")
        self.byte_vec_delete = self.bind("wasm_byte_vec_delete")
        self.error_delete = self.bind("wasmtime_error_delete")
        self.error_message = self.bind("wasmtime_error_message")
        self.error_new = self.bind("wasmtime_error_new")
        self.trap_new = self.bind("wasmtime_trap_new")
        self.trap_delete = self.bind("wasm_trap_delete")
        self.trap_message = self.bind("wasm_trap_message")
        self.trap_code = self.bind("wasmtime_trap_code")
        self.store_new = self.bind("wasmtime_store_new")
        self.store_context = self.bind("wasmtime_store_context")
        self.store_limiter = self.bind("wasmtime_store_limiter")
        self.store_delete = self.bind("wasmtime_store_delete")
        self.store_deadline_callback = self.bind("wasmtime_store_epoch_deadline_callback")
        self.set_epoch_deadline = self.bind("wasmtime_context_set_epoch_deadline")
        self.export_get = self.bind("wasmtime_instance_export_get")
        self.caller_export_get = self.bind("wasmtime_caller_export_get")
        self.caller_context = self.bind("wasmtime_caller_context")
        self.memory_data = self.bind("wasmtime_memory_data")
        self.memory_size = self.bind("wasmtime_memory_data_size")
        # These two run guest code, the next three the compiler: the lock is kept or not as the caller said.
        self.pre_instantiate = self.bind("wasmtime_instance_pre_instantiate", guest=True)
        self.func_call = self.bind("wasmtime_func_call", guest=True)

    def bind(self, name: str, *, guest: bool = False) -> CFunction:
        """One function with its types."""
        result, arguments = PROTOTYPES[name] if name in PROTOTYPES else (None, (_P, SWITCHES.get(name) or POOL_NUMBERS[name]))
        function = (self._library if guest else self._light)[name]
        function.restype = result  # type: ignore[assignment]
        function.argtypes = arguments  # type: ignore[assignment]
        return function

    def address(self, name: str) -> int:
        """Where a function is, for a timer that calls it without us."""
        return ctypes.cast(self._light[name], ctypes.c_void_p).value or 0

    def text_of_error(self, error: int) -> str:
        """The words of an error, which is freed."""
        held = Bytes()
        self.error_message(error, ctypes.addressof(held))
        self.error_delete(error)
        return self._taken(held)

    def text_of_trap(self, trap: int) -> str:
        """The words of a trap, which is freed."""
        held = Bytes()
        self.trap_message(trap, ctypes.addressof(held))
        self.trap_delete(trap)
        return self._taken(held).rstrip("\0")

    def _taken(self, held: Bytes) -> str:
        raw = ctypes.string_at(held.data, min(held.size, MESSAGE_BYTES_MAX)) if held.size else b""
        self.byte_vec_delete(ctypes.addressof(held))
        return raw.decode("utf-8", "replace")


MESSAGE_BYTES_MAX = 4096
"""Bytes of a message of the engine that are kept. Reason: a backtrace names functions as the guest wrote them."""
