"""Check 7, static WebAssembly: untrusted bytes become a shape, or a refusal ``wasm.*``.

Takes: the bytes of one WebAssembly file. Gives: ``WasmShape``. Refuses: anything malformed or over a limit.
Limits: wasm_limits.py. Pure, without recursion, and linear in the size of the file.
Spec: spec/2-gatekeeper.md W-1 to W-23. What a shape may ask for is judged in wasm_rules.py.
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.limits import MIB
from mpp.stages.gatekeeper import wasm_limits as limits
from mpp.stages.gatekeeper.wasm_component import ComponentReader
from mpp.stages.gatekeeper.wasm_core import CoreReader
from mpp.stages.gatekeeper.wasm_parts import SMALLER, Export, Import, WasmShape

CORE_PREAMBLE = b"\0asm\x01\0\0\0"
COMPONENT_PREAMBLE = b"\0asm\x0d\0\x01\0"

__all__ = ["COMPONENT_PREAMBLE", "CORE_PREAMBLE", "Export", "Import", "WasmShape", "read_wasm"]


def read_wasm(data: bytes | memoryview) -> WasmShape:
    """What the file is, asks for and offers, without running or compiling any of it."""
    # Spec: W-1. The size is judged first, so that no later step is unbounded.
    view = memoryview(data).cast("B")
    if len(view) > limits.WASM_BYTES_MAX:
        raise Refused("wasm.size", f"the file has {len(view)} bytes, at most {limits.WASM_BYTES_MAX // MIB} MiB are allowed", where="file", hint=SMALLER)
    # Spec: W-2. The first eight bytes alone decide the form.
    preamble = bytes(view[:8])
    if preamble == CORE_PREAMBLE:
        return CoreReader(view).read()
    if preamble == COMPONENT_PREAMBLE:
        return ComponentReader(view).read()
    hint = "name a core module of version 1 or a component as the entrypoint"
    raise Refused("wasm.preamble", "the file does not begin as a WebAssembly module or component", where="offset 0", hint=hint)
