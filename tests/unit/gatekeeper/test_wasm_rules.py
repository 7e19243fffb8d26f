"""Check 7, static WebAssembly: the rules per runtime type, and what the imports could be used for."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence

import pytest

from mpp.errors import Refused
from mpp.stages.gatekeeper import wasm_limits as limits
from mpp.stages.gatekeeper import wasm_rules as rules
from mpp.stages.gatekeeper.wasm import WasmShape, read_wasm
from tests import layered
from mpp.testing.wasm import COMPONENT, RUN, component, module, section, text, vector

wasmtime = pytest.importorskip("wasmtime")

FD_WRITE = ("wasi_snapshot_preview1", "fd_write", "iiii:i")
CALL = ("mpp_host", "call", "iiii:i")
FULL = module([FD_WRITE, CALL], functions=3, memory=(2, 9), custom=[("name", b"")], data=[(0, b"hello")], start=True)


def code_of(data: bytes, runtime_type: str | None = None, memory: int = 64) -> str:
    """The code of the refusal, or ``accepted``."""
    try:
        shape = read_wasm(data)
        if runtime_type:
            rules.judge_wasm(shape, runtime_type, memory)
    except Refused as fault:
        refused = fault
    else:
        return "accepted"
    assert refused.check == 7
    assert all(fault.message and fault.where and fault.hint for fault in refused.faults)
    return refused.code.removeprefix("wasm.")


# A component that imports or exports something unusual.


def imported(description: bytes) -> bytes:
    return COMPONENT + section(10, vector([b"\0" + text("a") + description]))


# Rules per runtime type.

CORE_TYPES = ("wasm32-wasip1", "wasm32-wasi")
IMPORT = "wasi_snapshot_preview1"

CORE_RULES = {
    "smallest": (module(), "accepted"),
    "full": (FULL, "accepted"),
    "memory of its own only": (module(memory=(1024, 4096)), "accepted"),
    "memory above the limit": (module(memory=(1025, None)), "memory_limit"),
    "stand-ins": (module([("env", name, kind) for name, kind in rules.EMSCRIPTEN.items()]), "accepted"),
    "all of preview 1": (module([(IMPORT, name, kind) for name, kind in rules.PREVIEW1.items()]), "accepted"),
    "no start": (module(exports={"memory": ("memory", 0)}), "export"),
    "start is no function": (module(exports={"_start": ("memory", 0)}), "export"),
    "start with values": (module(signature=":i", body=b"\x41\0"), "export"),
    "no memory": (module(exports={"_start": ("function", 0)}), "export"),
    "memory is a function": (module(exports={"_start": ("function", 0), "memory": ("function", 0)}), "export"),
    "unknown module": (module([("wasi_unstable", "fd_write", "iiii:i")]), "import"),
    "unknown function": (module([(IMPORT, "path_exec", "i:i")]), "import"),
    "unknown host call": (module([("mpp_host", "exec", "iiii:i")]), "import"),
    "unknown stand-in": (module([("env", "emscripten_run_script", "i:")]), "import"),
    "wrong type": (module([(IMPORT, "fd_write", "iii:i")]), "import_type"),
    "wrong type of a host call": (module([("mpp_host", "call", "ii:i")]), "import_type"),
    "imported table": (module([("env", "table", "table")]), "import_kind"),
    "imported memory": (module([("env", "memory", "memory")], memory=None), "import_kind"),
    "imported global": (module([(IMPORT, "fd_write", "global")]), "import_kind"),
    "imported tag": (module([("env", "tag", "tag")]), "import_kind"),
    "component": (component(), "form"),
}


@pytest.mark.parametrize("runtime_type", CORE_TYPES)
@pytest.mark.parametrize("name", CORE_RULES)
def test_core_rules(name: str, runtime_type: str) -> None:
    data, code = CORE_RULES[name]
    assert code_of(data, runtime_type, memory=64) == code


ALL_INTERFACES = [f"{name}@0.2.7" for name in sorted(rules.COMPONENT_IMPORTS)]
COMPONENT_RULES = {
    "smallest": (component(), "accepted"),
    "all interfaces": (component(ALL_INTERFACES), "accepted"),
    "host": (component(["mpp:tool/host"]), "accepted"),
    "host with a version": (component(["mpp:tool/host@0.1.0"]), "accepted"),
    "host with half a version": (component(["mpp:tool/host@0.1"]), "import"),
    "other interface of the host": (component(["mpp:tool/kv"]), "import"),
    "name that begins like the host": (component(["mpp:tool/host-admin"]), "import"),
    "run without version": (component(exports=["wasi:cli/run"]), "accepted"),
    "no run": (component(exports=[]), "export"),
    "other version of run": (component(exports=["wasi:cli/run@0.3.0"]), "export"),
    "name that begins like run": (component(exports=["wasi:cli/runner@0.2.0"]), "export"),
    "run is a function": (COMPONENT + section(11, vector([b"\0" + text(RUN) + b"\1\0\0"])), "export"),
    "other version": (component(["wasi:io/poll@0.3.0"]), "import"),
    "version missing": (component(["wasi:io/poll"]), "import"),
    "line end after the version": (component(["wasi:io/poll@0.2.0\n"]), "import"),
    "unknown interface": (component(["wasi:cli/exec@0.2.0"]), "import"),
    "unknown package": (component(["wasi:nn/graph@0.2.0"]), "import"),
    "requests past the host": (component(["wasi:http/outgoing-handler@0.2.0"]), "import"),
    "serving side of http": (component(["wasi:http/incoming-handler@0.2.0"]), "import"),
    "other namespace": (component(["mpp:host/call"]), "import"),
    "function": (imported(b"\1\0"), "import_kind"),
    "module": (FULL, "form"),
}


@pytest.mark.parametrize("name", COMPONENT_RULES)
def test_component_rules(name: str) -> None:
    data, code = COMPONENT_RULES[name]
    assert code_of(data, "wasi-component", memory=1) == code


@pytest.mark.parametrize("runtime_type", ["python", "javascript"])
def test_interpreted_types_carry_no_wasm(runtime_type: str) -> None:
    assert code_of(FULL, runtime_type) == "unexpected"
    rule = rules.RULES[runtime_type]
    assert rule.needs_layer
    assert not rule.carries_wasm


def test_an_unknown_runtime_type() -> None:
    assert code_of(FULL, "native") == "runtime"


def test_all_wrong_imports_are_named_at_once() -> None:
    shape = read_wasm(module([("env", "a", ":"), FD_WRITE, ("evil", "b", ":")]))
    with pytest.raises(Refused) as refused:
        rules.judge_wasm(shape, "wasm32-wasip1", 64)
    assert [fault.where for fault in refused.value.faults] == ["import env.a", "import evil.b"]


def test_the_list_of_faults_is_bounded() -> None:
    shape = read_wasm(module([("env", f"a{n}", ":") for n in range(limits.IMPORTS_MAX)]))
    with pytest.raises(Refused) as refused:
        rules.judge_wasm(shape, "wasm32-wasip1", 64)
    assert len(refused.value.faults) == 100


# Powers.


def powers(data: bytes) -> dict[str, tuple[str, ...]]:
    return {power.group: power.imports for power in rules.imported_powers(read_wasm(data))}


def test_powers_of_a_module() -> None:
    wanted = ["path_open", "fd_write", "sock_send", "environ_get", "fd_readdir", "random_get", "clock_time_get", "path_open"]
    found = powers(module([*((IMPORT, name, rules.PREVIEW1[name]) for name in wanted), CALL, ("env", "__syscall_rmdir", "i:i")]))
    assert found == {
        "filesystem": (f"{IMPORT}.path_open", f"{IMPORT}.fd_readdir"),
        "network": (f"{IMPORT}.sock_send",),
        "env_vars": (f"{IMPORT}.environ_get",),
        "host_calls": ("mpp_host.call",),
    }


def test_powers_of_a_component() -> None:
    found = powers(component([*ALL_INTERFACES, "mpp:tool/host"]))
    assert found["env_vars"] == ("wasi:cli/environment@0.2.7",)
    assert found["filesystem"] == ("wasi:filesystem/preopens@0.2.7", "wasi:filesystem/types@0.2.7")
    assert {name.partition("/")[0] for name in found["network"]} == {"wasi:sockets"}
    assert found["host_calls"] == ("mpp:tool/host",)


def test_a_plain_tool_has_no_power() -> None:
    assert powers(module([FD_WRITE])) == {}


def test_undeclared_imports() -> None:
    shape = read_wasm(module([CALL, (IMPORT, "path_open", rules.PREVIEW1["path_open"])]))
    assert [power.group for power in rules.undeclared_imports(shape, ["filesystem"])] == ["host_calls"]
    assert rules.undeclared_imports(shape, {"filesystem", "host_calls", "network"}) == ()


@pytest.mark.parametrize(
    ("data", "runtime_type"),
    [
        (module([FD_WRITE, CALL], data=[(8, b"x")]), "wasm32-wasip1"),
        (component(["wasi:cli/environment@0.2.0"]), "wasi-component"),
    ],
)
def test_every_truncation_is_refused(data: bytes, runtime_type: str) -> None:
    assert code_of(data, runtime_type) == "accepted"
    assert [end for end in range(len(data)) if code_of(data[:end], runtime_type) == "accepted"] == []


# Against other tools.


def test_the_table_of_preview_1_is_the_engine_s() -> None:
    store = wasmtime.Store()
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    letters = {"i32": "i", "i64": "I"}
    for name, signature in rules.PREVIEW1.items():
        kind = linker.get(store, IMPORT, name).type(store)
        assert ":".join("".join(letters[str(one)] for one in part) for part in (kind.params, kind.results)) == signature, name


@pytest.mark.parametrize("name", [name for name, (_, code) in CORE_RULES.items() if code != "form"])
def test_what_the_builder_makes_compiles(name: str) -> None:
    wasmtime.Module(wasmtime.Engine(), CORE_RULES[name][0])


@pytest.mark.parametrize("name", ["smallest", "all interfaces", "host", "run without version", "no run", "unknown interface"])
def test_what_the_component_builder_makes_compiles(name: str) -> None:
    from wasmtime.component import Component

    Component(wasmtime.Engine(), COMPONENT_RULES[name][0])


def test_the_smallest_component_runs() -> None:
    from wasmtime.component import Component, Linker

    store = wasmtime.Store()
    store.set_wasi(wasmtime.WasiConfig())
    linker = Linker(store.engine)
    linker.add_wasip2()
    instance = linker.instantiate(store, Component(store.engine, component(["wasi:cli/environment@0.2.0"])))
    run = instance.get_func(store, instance.get_export_index(store, "run", instance.get_export_index(store, RUN)))
    assert run(store).tag == "ok"


@pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="needs the PyPI package ziglang")
def test_a_compiled_tool_passes(tmp_path) -> None:
    source, target = tmp_path / "tool.c", tmp_path / "tool.wasm"
    source.write_text('#include <stdio.h>\nint main(void) { char line[64]; puts(fgets(line, 64, stdin) ? line : ""); return 0; }\n')
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O1", "-o", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    shape = read_wasm(target.read_bytes())
    assert isinstance(shape, WasmShape)
    assert shape.functions > 1
    assert {found.module for found in shape.imports} == {IMPORT}
    rules.judge_wasm(shape, "wasm32-wasip1", 64)


# Layers. Spec: W-41 to W-43.

LAYER_EXPORTS = {"memory": ("memory", 0), "_start": ("function", 0), "mpp_initialize": ("function", 0)}


def globals_of(*rows: tuple[int, int], exported: Sequence[int] = ()) -> bytes:
    """A layer with these globals (type, changes) and the exports of some of them."""
    plain = {0x7F: b"\x41\0", 0x7E: b"\x42\0", 0x7D: b"\x43\0\0\0\0", 0x7C: b"\x44" + bytes(8), 0x70: b"\xd0\x70"}
    data = module(exports={**LAYER_EXPORTS, **{f"g{number}": ("global", number) for number in exported}})
    made = section(6, vector([bytes((kind, changes)) + plain[kind] + b"\x0b" for kind, changes in rows]))
    at = 8
    while data[at] != 7:
        # All sections are short enough for a length of one byte.
        at += 2 + data[at + 1]
    return data[:at] + made + data[at:]


LAYER_RULES = {
    "smallest": (module(exports=LAYER_EXPORTS), "accepted"),
    "no mpp_initialize": (module(), "export"),
    "mpp_initialize is a memory": (module(exports={**LAYER_EXPORTS, "mpp_initialize": ("memory", 0)}), "export"),
    "start section": (module(exports=LAYER_EXPORTS, start=True), "layer_start"),
    "exported variable": (globals_of((0x7F, 1), exported=(0,)), "accepted"),
    "all kinds of numbers": (globals_of((0x7F, 1), (0x7E, 1), (0x7D, 1), (0x7C, 1), exported=(0, 1, 2, 3)), "accepted"),
    "hidden constant": (globals_of((0x7F, 0)), "accepted"),
    "hidden variable": (globals_of((0x7F, 1)), "layer_global"),
    "one of two hidden": (globals_of((0x7F, 1), (0x7F, 1), exported=(1,)), "layer_global"),
    "variable that is no number": (globals_of((0x70, 1), exported=(0,)), "layer_global"),
    "as many as there may be": (globals_of(*[(0x7F, 1)] * 64, exported=range(64)), "accepted"),
    "too many": (globals_of(*[(0x7F, 1)] * 65, exported=range(65)), "layer_global"),
    "component": (component(), "form"),
}


@pytest.mark.parametrize("name", LAYER_RULES)
def test_layer_rules(name: str) -> None:
    data, code = LAYER_RULES[name]
    assert code_of(data, "layer") == code
    if code == "accepted":
        assert code_of(data, "wasm32-wasip1") == code


def test_mpp_initialize_takes_and_gives_nothing() -> None:
    refused = code_of(layered.wasm().replace(b"mpp_initialize", b"mpp_initialise"), "layer")
    assert refused == "export"
    with_value = wasmtime.wat2wasm('(module (memory (export "memory") 1) (func (export "_start")) (func (export "mpp_initialize") (param i32)))')
    assert code_of(with_value, "layer") == "export"
    assert code_of(layered.wasm(), "layer") == "accepted"
