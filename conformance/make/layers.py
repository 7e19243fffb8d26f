"""Layers: what the module of one must be, which one a package may carry, and tools that stand on one. Spec: layers.md, 2-gatekeeper W-41 to W-43, G-45."""

from __future__ import annotations


from collections.abc import Iterator, Mapping

from wasmtime import wat2wasm

from conformance.make.build import Package, files, package
from conformance.make.case import Call, Case, accept, refuse, run
from mpp.model.jsontext import Json
from mpp.testing.keys import publisher
from mpp.testing.wasm import bounds, function_type, leb, module, section, text, vector

# One case a line, however long.
# fmt: off

EXPORTS = {"_start": ("function", 0), "memory": ("memory", 0), "mpp_initialize": ("function", 0)}
SMALLEST = module(exports=EXPORTS)
LAYER: dict[str, Json] = {"package_id": "com.example.interpreter", "version": "1.0.0", "name": "interpreter", "runtime>type": "layer", "tool_definitions": []}
OTHER = publisher("Other Publisher")


def _with_globals(rows: tuple[bytes, ...], exported: tuple[int, ...]) -> bytes:
    """The smallest layer with these globals, some of them exported."""
    offered = [text(name) + bytes((0 if kind == "function" else 2,)) + leb(number) for name, (kind, number) in EXPORTS.items()]
    offered += [text(f"g{number}") + b"\3" + leb(number) for number in exported]
    parts = (
        section(1, vector([function_type(":")])), section(3, vector([leb(0)])), section(5, vector([bounds(1, None)])), section(6, vector(rows)),
        section(7, vector(offered)), section(10, vector([leb(2) + b"\0\x0b"])),
    )
    return SMALLEST[:8] + b"".join(parts)


VARIABLE, CONSTANT = b"\x7f\1\x41\0\x0b", b"\x7f\0\x41\0\x0b"

CODE: tuple[tuple[str, str, bytes, str, str], ...] = (
    ("no-initialize", "A layer without mpp_initialize", module(), "export", "W-41"),
    ("initialize-kind", "A layer whose mpp_initialize is a memory", module(exports={**EXPORTS, "mpp_initialize": ("memory", 0)}), "export", "W-41"),
    ("initialize-type", "A layer whose mpp_initialize takes a value", bytes(wat2wasm('(module (memory (export "memory") 1) (func (export "_start")) (func (export "mpp_initialize") (param i32)))')), "export", "W-41"),
    ("start", "A layer with a start section", module(exports=EXPORTS, start=True), "layer_start", "W-42"),
    ("global-hidden", "A layer with a variable that is not exported", _with_globals((VARIABLE,), ()), "layer_global", "W-43"),
    ("global-one-hidden", "A layer with two variables, one of which is not exported", _with_globals((VARIABLE, VARIABLE), (0,)), "layer_global", "W-43"),
    ("global-reference", "A layer with an exported variable that is no number", _with_globals((b"\x70\1\xd0\x70\x0b",), (0,)), "layer_global", "W-43"),
    ("global-vector", "A layer with an exported variable of 128 bits", _with_globals((b"\x7b\1\xfd\x0c" + bytes(16) + b"\x0b",), (0,)), "layer_global", "W-43"),
    ("globals-65", "A layer with 65 exported variables", _with_globals((VARIABLE,) * 65, tuple(range(65))), "layer_global", "W-43"),
)


def layer(code: bytes = SMALLEST, changes: Mapping[str, Json] | None = None, **seal: object) -> Package:
    """The package of a layer."""
    what = {**LAYER, **(changes or {})}
    return package(files(what, code=code), package_id=str(what["package_id"]), version=str(what["version"]), **seal)



REPLY = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"from the files of the tool"}]}}\n'
RESULT: Json = {"content": [{"type": "text", "text": "from the files of the tool"}], "isError": False}
# It keeps the bundle, and answers with the end of it: the last file of the tool.
KEEPS = """(global.set $size (call $take)) (i32.store (i32.const 16) (i32.const 1))"""
ANSWERS = f"""(if (i32.eqz (i32.load (i32.const 16))) (then (unreachable)))
(i32.store (i32.const 0) (i32.sub (i32.add (i32.const 4096) (global.get $size)) (i32.const {len(REPLY)}))) (i32.store (i32.const 4) (i32.const {len(REPLY)}))
(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"""


def interpreter(initialise: str = KEEPS, start: str = ANSWERS) -> bytes:
    """The module of a layer that does this."""
    return bytes(wat2wasm(f"""(module
      (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "mpp_host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 4) (global $size (export "size") (mut i32) (i32.const 0))
      (func $take (result i32)
        (i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 200000))
        (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))) (i32.load (i32.const 8)))
      (func (export "mpp_initialize") {initialise}) (func (export "_start") {start}))"""))


def tool(carried: Package | None, *, named: Mapping[str, Json] | None = None, kind: str = "python", data: bytes | None = None) -> Package:
    """A tool that stands on a layer, and carries it."""
    ref: dict[str, Json] = {"id": "com.example.interpreter", "version": "1.0.0", "sha256": carried.content_hash if carried is not None else "ab" * 32, **(named or {})}
    changes: dict[str, Json] = {"runtime>type": kind, "runtime>entrypoint": "main.py", "runtime>layer": ref}
    member = data if data is not None else carried.data if carried is not None else None
    return package(files(changes, extra={"bin/main.wasm": None, "main.py": REPLY.encode(), "_mpp/layer.mpp": member}), entrypoint="main.py")


SOUND = layer(interpreter())
LYING = layer(interpreter(start="(unreachable)"))


def _carried() -> Iterator[Case]:
    hidden = tool(SOUND, data=LYING.data)
    yield refuse("capabilities/layer-carried-other", "A package that carries another layer than it names", "G-45", "wasm.layer", hidden)
    yield refuse("capabilities/layer-carried-text", "A package that carries a text as its layer", "G-45", "wasm.layer", tool(SOUND, data=b"no archive"))
    yield refuse("capabilities/layer-carried-cut", "A package that carries the beginning of its layer", "G-45", "wasm.layer", tool(SOUND, data=SOUND.data[:-1]))
    yield refuse("capabilities/layer-carried-rest", "A package that carries its layer and a byte more", "G-45", "wasm.layer", tool(SOUND, data=SOUND.data + b"\0"))
    beside = package(files(extra={"_mpp/layer.mpp": SOUND.data}))
    yield refuse("capabilities/layer-carried-core", "A package with code of its own that carries a layer", "G-45", "wasm.layer", beside)
    yield accept("layer-carried", "A tool that carries its layer", "A-37 G-45", tool(SOUND))
    yield accept("layer-carried-signed-by-others", "A tool that carries its layer, which another publisher has signed", "G-45", tool(layer(interpreter(), by=OTHER)))
    yield accept("layer-carried-unsigned", "A tool that carries its layer without a seal; whoever takes it out refuses it", "G-45", tool(SOUND, data=unsigned(SOUND)))


def unsigned(found: Package) -> bytes:
    """The bytes of a package without its seal."""
    return Package(body=found.body, seal=None).data


def _runs() -> Iterator[Case]:
    yield run("layer", "A Python tool on the layer that it carries", "Y-10 Y-11 Y-16 Y-30", tool(SOUND), Call(result=RESULT))
    yield run("layer-javascript", "A JavaScript tool on the layer that it carries", "Y-30", tool(SOUND, kind="javascript"), Call(result=RESULT))
    yield run("layer-signed-by-others", "A tool on a layer that an unknown publisher has signed", "Y-32", tool(layer(interpreter(), by=OTHER)), Call(result=RESULT))
    import_0 = interpreter(KEEPS + "(if (i32.eq (i32.load8_u (i32.const 4111)) (i32.const 49)) (then (unreachable)))")
    yield run("layer-import-later", "A tool that cannot be imported while its layer initialises itself", "Y-13 Y-14", tool(layer(import_0)), Call(result=RESULT))
    no_host = interpreter(KEEPS + "(if (i32.ne (call $call (i32.const 0) (i32.const 2) (i32.const 64) (i32.const 64)) (i32.const -1073741828)) (then (unreachable)))")
    yield run("layer-no-host", "A layer that finds no host while it initialises itself", "Y-12", tool(layer(no_host)), Call(result=RESULT))
    yield run("layer-missing", "A tool on a layer that is nowhere", "Y-30", tool(None), Call(), code="layer.missing")
    yield run("layer-missing-javascript", "A JavaScript tool on a layer that is nowhere", "Y-30", tool(None, kind="javascript"), Call(), code="layer.missing")
    yield run("layer-named-version", "A tool that calls its layer by another version", "Y-33", tool(SOUND, named={"version": "1.0.1"}), Call(), code="layer.named")
    yield run("layer-named-id", "A tool that calls its layer by another id", "Y-33", tool(SOUND, named={"id": "com.example.python"}), Call(), code="layer.named")
    yield run("layer-ends", "A layer that ends with 0 in place of returning", "Y-10", tool(layer(interpreter("(call $exit (i32.const 0))"))), Call(), code="layer.initialise")
    yield run("layer-traps", "A layer that traps while it initialises itself", "Y-10 Y-14", tool(layer(interpreter("(unreachable)"))), Call(), code="layer.initialise")
    yield run("layer-fails", "A layer whose calls trap", "Y-16", tool(LYING), Call(), code="tool.trap")
    tool_of_no_layer = package(files(extra={"bin/main.wasm": module()}))
    yield run("layer-type", "A tool on a package that is no layer", "Y-42", tool(tool_of_no_layer, named={"id": "com.example.hello", "version": "0.1.0"}), Call(), code="layer.type")


def cases() -> Iterator[Case]:
    """All cases about layers."""
    for name, title, code, fault, clauses in CODE:
        yield refuse(f"capabilities/layer-{name}", title, clauses, f"wasm.{fault}", package(files({"runtime>type": "layer", "tool_definitions": []}, code=code)))
    yield accept("layer-globals", "A layer with an exported variable and a constant that is not exported", "W-43", package(files({"runtime>type": "layer", "tool_definitions": []}, code=_with_globals((VARIABLE, CONSTANT), (0,)))))
    yield from _carried()
    yield from _runs()
