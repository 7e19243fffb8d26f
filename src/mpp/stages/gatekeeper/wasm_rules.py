"""Check 7, rules per ``runtime.type``: what a file must offer, what it may ask for, which powers that means.

The tables are closed lists: what is not named here is refused. Spec: spec/2-gatekeeper.md W-30 to W-40.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

from mpp.errors import Fault, Refused
from mpp.limits import FAULTS_MAX
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.model.wasmimports import EMSCRIPTEN, EMSCRIPTEN_MODULE, HOST_CALLS, HOST_MODULE, PREVIEW1, PREVIEW1_MODULE
from mpp.stages.gatekeeper.wasm_limits import PAGES_PER_MIB
from mpp.stages.gatekeeper.wasm_parts import Export, Import, WasmShape

CORE_IMPORTS = {PREVIEW1_MODULE: PREVIEW1, HOST_MODULE: HOST_CALLS, EMSCRIPTEN_MODULE: EMSCRIPTEN}

COMPONENT_IMPORTS = frozenset(
    f"wasi:{package}/{interface}"
    for package, interfaces in {
        "cli": "environment exit stdin stdout stderr terminal-input terminal-output terminal-stdin terminal-stdout terminal-stderr",
        "io": "error poll streams",
        "clocks": "monotonic-clock wall-clock",
        "random": "random insecure insecure-seed",
        "filesystem": "types preopens",
        # Linked by standard libraries even where no socket is used; the host gives no right to any.
        "sockets": "network instance-network ip-name-lookup tcp tcp-create-socket udp udp-create-socket",
    }.items()
    for interface in interfaces.split()
)
"""Interfaces of WASI 0.2 that a component may import."""

_VERSIONED = re.compile(r"(wasi:[a-z]+/[a-z0-9-]+)@0\.2\.[0-9]{1,4}", re.ASCII)
_HOST_INTERFACE = re.compile(r"mpp:tool/host(?:@[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4})?", re.ASCII)
_RUN = re.compile(r"wasi:cli/run(?:@0\.2\.[0-9]{1,4})?", re.ASCII)

Group = Literal["filesystem", "network", "env_vars", "host_calls"]


@value
class WasmRule:
    """What one ``runtime.type`` asks of its file."""

    carries_wasm: bool
    form: Literal["core", "component"] | None = None
    needs_layer: bool = False
    """The manifest names a layer that carries the interpreter; the caller checks that."""
    is_layer: bool = False


@value
class Power:
    """A group of capabilities and the imports that could use it."""

    group: Group
    imports: tuple[str, ...]


_CORE = WasmRule(carries_wasm=True, form="core")
_INTERPRETED = WasmRule(carries_wasm=False, needs_layer=True)

RULES: dict[str, WasmRule] = {
    "wasm32-wasip1": _CORE,
    "wasm32-wasi": _CORE,
    "wasi-component": WasmRule(carries_wasm=True, form="component"),
    "python": _INTERPRETED,
    "javascript": _INTERPRETED,
    "layer": WasmRule(carries_wasm=True, form="core", is_layer=True),
}

LAYER_VARIABLES_MAX = 64
"""Exported globals of a layer that can change. Reason: each is set in every call; compilers make one, the stack pointer."""

_NUMBERS = frozenset("iIfF")


def judge_wasm(shape: WasmShape, runtime_type: str, memory_limit_mb: int) -> None:
    """Refuse a file that its ``runtime.type`` does not allow; says nothing about the code inside."""
    # Spec: W-30. The form must fit the type, before anything else is compared.
    rule = RULES.get(runtime_type)
    if rule is None:
        hint = "use one of " + ", ".join(RULES)
        raise Refused("wasm.runtime", f"runtime.type {shown(runtime_type)!r} is not known", where="runtime.type", hint=hint)
    if not rule.carries_wasm:
        message = f"a {runtime_type} tool carries no WebAssembly of its own"
        raise Refused("wasm.unexpected", message, where="runtime.type", hint="remove the file and name a layer in runtime.layer")
    if shape.form != rule.form:
        other = "wasi-component" if shape.form == "component" else "wasm32-wasip1"
        message = f"runtime.type {runtime_type} needs a {rule.form}, the file is a {shape.form}"
        raise Refused("wasm.form", message, where="runtime.type", hint=f"set runtime.type to {other} or build the other form")
    if shape.form == "core":
        _judge_core(shape, memory_limit_mb)
    else:
        _judge_component(shape)
    if rule.is_layer:
        _judge_layer(shape)


def _judge_core(shape: WasmShape, memory_limit_mb: int) -> None:
    _refuse_all([fault for fault in map(_core_import_fault, shape.imports) if fault])
    # Spec: W-33. The memory is the module's own here, because an imported one was refused above.
    start = _need_export(shape, "_start", "function", "build a command with a main function, not a library or reactor")
    _need_export(shape, "memory", "memory", "export the memory under the name `memory`")
    if start.signature != ":":
        raise Refused("wasm.export", "_start takes or gives values", where="export _start", hint="let the compiler make _start")
    # Spec: W-34. Such a tool could never start, so it is refused here and not on the first call.
    needed, allowed = shape.memory_min_pages or 0, memory_limit_mb * PAGES_PER_MIB
    if needed > allowed:
        message = f"the memory begins with {needed} pages of 64 KiB, the limit allows {allowed}"
        raise Refused("wasm.memory_limit", message, where="memory", hint="raise the memory limit in the manifest or make the initial memory smaller")


def _judge_layer(shape: WasmShape) -> None:
    """Spec: W-41 to W-43. What is not in memory or in an exported global is not in the image of a layer, so a call would begin without it."""
    initialise = _need_export(shape, "mpp_initialize", "function", "build it with the entry that spec/layers.md describes")
    if initialise.signature != ":":
        raise Refused("wasm.export", "mpp_initialize takes or gives values", where="export mpp_initialize", hint="declare it as void mpp_initialize(void)")
    if shape.has_start:
        # Attack: code that runs in each fresh instance, before the image is there, with the memory of nobody.
        raise Refused("wasm.layer_start", "a layer has a start function", where="start section", hint="do in mpp_initialize what must be done first")
    if shape.hidden_variables:
        message = f"{shape.hidden_variables} of the layer's globals can change and are not exported"
        raise Refused("wasm.layer_global", message, where="global section", hint="export them: for clang, --export=__stack_pointer for the linker")
    if len(shape.variables) > LAYER_VARIABLES_MAX or not _NUMBERS.issuperset(shape.variables):
        message = f"a layer has at most {LAYER_VARIABLES_MAX} globals that can change, and each of them is a number"
        raise Refused("wasm.layer_global", message, where="global section", hint="keep such state in memory")


def _core_import_fault(found: Import) -> Fault | None:
    """Spec: W-31, W-32. Attack: an import outside the table reaches whatever a careless host happens to define."""
    where = f"import {shown(found.module)}.{shown(found.name)}"
    if found.kind != "function":
        return Fault("wasm.import_kind", where, f"a {found.kind} is imported", "define it inside the module; only functions may be imported")
    allowed = CORE_IMPORTS.get(found.module)
    if allowed is None:
        hint = "import only from " + ", ".join(CORE_IMPORTS)
        return Fault("wasm.import", where, f"the module {shown(found.module)!r} is not offered to tools", hint)
    signature = allowed.get(found.name)
    if signature is None:
        return Fault("wasm.import", where, f"{found.module} has no function {shown(found.name)!r} for tools", "link against the WASI library alone")
    if found.signature != signature:
        return Fault("wasm.import_type", where, f"is imported as {shown(found.signature)}, it is {signature}", "compile against the current headers")
    return None


def _judge_component(shape: WasmShape) -> None:
    _refuse_all([fault for fault in map(_component_import_fault, shape.imports) if fault])
    # Spec: W-36. Without this export there is nothing to run.
    if not any(export.kind == "instance" and _RUN.fullmatch(export.name) for export in shape.exports):
        raise Refused("wasm.export", "the component exports no instance wasi:cli/run", where="exports", hint="build a command for wasm32-wasip2")


def _component_import_fault(found: Import) -> Fault | None:
    """Spec: W-35."""
    where = f"import {shown(found.module)}"
    if found.kind != "instance":
        return Fault("wasm.import_kind", where, f"a {found.kind} is imported", "import interfaces only")
    versioned = _VERSIONED.fullmatch(found.module)
    if (versioned and versioned[1] in COMPONENT_IMPORTS) or _HOST_INTERFACE.fullmatch(found.module):
        return None
    return Fault("wasm.import", where, f"the interface {shown(found.module)!r} is not offered to tools", "import only WASI 0.2 and mpp:tool/host")


def _refuse_all(faults: list[Fault]) -> None:
    """All wrong imports at once, so that an author does not meet them one by one."""
    if faults:
        raise Refused.of(tuple(faults[:FAULTS_MAX]))


def _need_export(shape: WasmShape, name: str, kind: str, hint: str) -> Export:
    """Spec: W-33."""
    found = next((export for export in shape.exports if export.name == name), None)
    if found is None or found.kind != kind:
        raise Refused("wasm.export", f"the module exports no {kind} named {name}", where=f"export {name}", hint=hint)
    return found


def imported_powers(shape: WasmShape) -> tuple[Power, ...]:
    """What the imports could be used for, in a fixed order, for a person to compare with the manifest.

    This informs and never refuses: C libraries import file functions for tools that open no file, and
    the host gives a tool only what was granted, whatever it imports. Spec: W-40.
    """
    found: dict[Group, list[str]] = {"filesystem": [], "network": [], "env_vars": [], "host_calls": []}
    for entry in shape.imports:
        group = _group(entry)
        if group:
            found[group].append(f"{entry.module}.{entry.name}" if entry.name else entry.module)
    return tuple(Power(group=group, imports=tuple(dict.fromkeys(names))) for group, names in found.items() if names)


def undeclared_imports(shape: WasmShape, declared: Collection[str]) -> tuple[Power, ...]:
    """The powers whose group the manifest does not declare. Spec: W-40."""
    return tuple(power for power in imported_powers(shape) if power.group not in declared)


_GROUP_PREFIXES: tuple[tuple[str, Group], ...] = (
    (f"{PREVIEW1_MODULE}.path_", "filesystem"),
    (f"{PREVIEW1_MODULE}.fd_readdir", "filesystem"),
    (f"{PREVIEW1_MODULE}.sock_", "network"),
    (f"{PREVIEW1_MODULE}.environ_", "env_vars"),
    (f"{HOST_MODULE}.", "host_calls"),
    ("wasi:filesystem/", "filesystem"),
    ("wasi:sockets/", "network"),
    ("wasi:cli/environment@", "env_vars"),
    ("mpp:tool/host", "host_calls"),
)
"""Where an import's name begins so, it could use the group. Clocks, randomness and standard streams need no right."""


def _group(entry: Import) -> Group | None:
    name = f"{entry.module}.{entry.name}"
    return next((group for prefix, group in _GROUP_PREFIXES if name.startswith(prefix)), None)
