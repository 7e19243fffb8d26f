"""Check 7, code: one broken rule of WebAssembly each. The other rules hold, and the manifest fits."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.make.build import Package, Seal, body, files, find, package
from conformance.make.case import Case, refuse
from mpp.model.jsontext import Json
from mpp.testing.wasm import COMPONENT, CORE, bounds, component, function_type, leb, module, section, text, vector

# One case a line, however long.
# fmt: off

SOUND = module()
TYPES = section(1, vector([function_type(":")]))
FUNCTIONS = section(3, vector([leb(0)]))
MEMORY = section(5, vector([bounds(1, None)]))
EXPORTS = section(7, vector([text("_start") + b"\0\0", text("memory") + b"\2\0"]))
CODE = section(10, vector([leb(2) + b"\0\x0b"]))
PREVIEW1 = "wasi_snapshot_preview1"


def core(*, before: bytes = b"", types: bytes = TYPES, imports: bytes = b"", functions: bytes = FUNCTIONS, table: bytes = b"", memory: bytes = MEMORY, tag: bytes = b"",
         values: bytes = b"", exports: bytes = EXPORTS, start: bytes = b"", elements: bytes = b"", count: bytes = b"", code: bytes = CODE, data: bytes = b"", after: bytes = b"") -> bytes:
    """The smallest command by its sections, any of which may be another one."""
    return CORE + before + types + imports + functions + table + memory + tag + values + exports + start + elements + count + code + data + after


def _value(expression: bytes) -> bytes:
    """A global of type i32 with this initial value."""
    return core(values=section(6, vector([b"\x7f\0" + expression])))


def _export(name: str, kind: int, index: int) -> bytes:
    return core(exports=section(7, vector([text("_start") + b"\0\0", text("memory") + b"\2\0", text(name) + bytes((kind, index))])))


I32 = b"\x41\0\x0b"

READING: tuple[tuple[str, str, bytes, str, str], ...] = (
    ("empty", "No code at all", b"", "preamble", "W-2"),
    ("magic", "Another file format", b"\x7fELF" + SOUND[4:], "preamble", "W-2"),
    ("text-form", "The text form of a module", b"(module)", "preamble", "W-2"),
    ("version", "Version 2 of the format", b"\0asm\2\0\0\0" + SOUND[8:], "preamble", "W-2"),
    ("version-old-component", "An old form of components", b"\0asm\x0a\0\1\0", "preamble", "W-2"),
    ("preamble-cut", "Seven bytes", SOUND[:7], "preamble", "W-2"),
    ("script", "A shell script", b"#!/bin/sh\n", "preamble", "W-2"),
    ("cut", "The last byte missing", SOUND[:-1], "truncated", "W-3"),
    ("section-cut", "A section number without size", core(after=b"\0"), "truncated", "W-3"),
    ("section-beyond-file", "A section that reaches beyond the file", core(after=b"\0\x7f"), "truncated", "W-3"),
    ("value-beyond-section", "A list that reaches beyond its section", core(types=section(1, b"\2" + function_type(":"))), "truncated", "W-3"),
    ("name-beyond-section", "A name that reaches beyond its section", core(after=section(0, b"\x7fx")), "truncated", "W-3"),
    ("section-unknown", "A section with an unknown number", core(after=section(14, b"")), "section", "W-4"),
    ("section-127", "A section with number 127", core(after=section(127, b"")), "section", "W-4"),
    ("section-twice", "Two memory sections", core(memory=section(5, b"\0") + MEMORY), "section", "W-4"),
    ("section-order", "The export section before the memory section", core(memory=EXPORTS, exports=MEMORY), "index", "W-4 W-11"),
    ("section-order-data", "The code section after the data section", core(code=section(11, b"\0"), data=CODE), "section", "W-4"),
    ("section-order-count", "The data count section after the code section", core(data=section(12, b"\0") + section(11, b"\0")), "section", "W-4"),
    ("section-rest", "A byte after the content of a section", core(memory=section(5, vector([bounds(1, None)]) + b"\0")), "section", "W-4"),
    ("number-long", "A number of six bytes", core(memory=section(5, b"\x81\x80\x80\x80\x80\0" + bounds(1, None))), "number", "W-5"),
    ("number-large", "A number above 32 bits", core(memory=section(5, b"\1\0\xff\xff\xff\xff\x7f")), "number", "W-5"),
    ("number-signed-long", "A signed number of six bytes", _value(b"\x41\x80\x80\x80\x80\x80\0\x0b"), "number", "W-5"),
    ("number-signed-bits", "A signed number whose unused bits do not repeat its sign", _value(b"\x41\xff\xff\xff\xff\x4f\x0b"), "number", "W-5"),
    ("bounds", "A memory whose minimum is above its maximum", core(memory=section(5, vector([bounds(2, 1)]))), "number", "W-5"),
    ("name-not-utf8", "A name that is not UTF-8", core(after=section(0, b"\2\xc3\x28")), "name", "W-6"),
    ("name-not-utf8-import", "An import whose module is not UTF-8", core(imports=section(2, b"\1\2\xff\xfe" + text("x") + b"\0\0")), "name", "W-6"),
    ("name-long", "A name of 1,025 bytes", core(after=section(0, text("a" * 1025))), "limit", "W-6"),
    ("bodies-missing", "A function without body", core(code=b""), "count", "W-7"),
    ("bodies-more", "A body without function", core(code=section(10, vector([leb(2) + b"\0\x0b"] * 2))), "count", "W-7"),
    ("data-count", "A data count that is not the number of segments", core(count=section(12, b"\1")), "count", "W-7"),
    ("body-end", "A body that does not end with 0b", core(code=section(10, vector([leb(2) + b"\0\0"]))), "body", "W-7"),
    ("body-empty", "A body of no byte", core(code=section(10, vector([leb(0)]))), "body", "W-7"),
    ("body-one-byte", "A body of one byte", core(code=section(10, vector([leb(1) + b"\x0b"]))), "body", "W-7"),
    ("memory-shared", "A shared memory", core(memory=section(5, b"\1\3\1\2")), "memory", "W-8"),
    ("memory-64", "A 64-bit memory", core(memory=section(5, b"\1\4\1")), "memory", "W-8"),
    ("memory-page-size", "A memory with pages of one byte", core(memory=section(5, b"\1\x08\1\0")), "memory", "W-8"),
    ("memory-two", "Two memories", core(memory=section(5, vector([bounds(1, None)] * 2))), "memory", "W-8"),
    ("memory-pages", "A memory of 65,537 pages", core(memory=section(5, vector([bounds(1, 65537)]))), "memory", "W-8"),
    ("table-shared", "A shared table", core(table=section(4, b"\1\x70\3\1\2")), "table", "W-8"),
    ("table-64", "A 64-bit table", core(table=section(4, b"\1\x70\4\1")), "table", "W-8"),
    ("type-struct", "A struct type", core(types=section(1, vector([function_type(":"), b"\x5f\0"]))), "type", "W-9"),
    ("type-recursive", "A recursive group of types", core(types=section(1, vector([function_type(":"), b"\x4e\1\x60\0\0"]))), "type", "W-9"),
    ("type-value", "A parameter of an unknown type", core(types=section(1, vector([function_type(":"), b"\x60\1\x6d\0"]))), "type", "W-9"),
    ("type-table", "A table of an unknown type", core(table=section(4, b"\1\x7f\0\1")), "type", "W-9"),
    ("type-global", "A global that is neither constant nor variable", core(values=section(6, vector([b"\x7f\2" + I32]))), "type", "W-9"),
    ("type-tag", "A tag with an unknown attribute", core(tag=section(13, b"\1\1\0")), "type", "W-9"),
    ("type-start", "A start function that gives a value", module(signature=":i", body=b"\x41\0", start=True, exports={"memory": ("memory", 0)}), "type", "W-9"),
    ("type-import-kind", "An import of an unknown kind", core(imports=section(2, b"\1" + text(PREVIEW1) + text("x") + b"\5\0")), "type", "W-9"),
    ("type-export-kind", "An export of an unknown kind", _export("x", 5, 0), "type", "W-9"),
    ("expression-empty", "A global without initial value", _value(b"\x0b"), "expression", "W-10"),
    ("expression-call", "A global whose initial value is a call", _value(b"\x10\0\x0b"), "expression", "W-10"),
    ("expression-later", "A global whose initial value is itself", _value(b"\x23\0\x0b"), "index", "W-10 W-11"),
    ("expression-grow", "A global whose initial value grows the memory", _value(b"\x41\1\x40\0\x0b"), "expression", "W-10"),
    ("index-type", "A function of a type that is not there", core(functions=section(3, vector([leb(1)]))), "index", "W-11"),
    ("index-export-function", "An export of a function that is not there", _export("x", 0, 1), "index", "W-11"),
    ("index-export-memory", "An export of a memory that is not there", _export("x", 2, 1), "index", "W-11"),
    ("index-export-table", "An export of a table that is not there", _export("x", 1, 0), "index", "W-11"),
    ("index-start", "A start function that is not there", core(start=section(8, leb(7))), "index", "W-11"),
    ("index-element", "An element segment without a table", core(elements=section(9, vector([b"\0" + I32 + b"\0"]))), "index", "W-11"),
    ("index-element-function", "An element segment with a function that is not there", core(table=section(4, b"\1\x70\0\1"), elements=section(9, vector([b"\0" + I32 + b"\1\5"]))), "index", "W-11"),
    ("index-data", "A data segment without a memory", core(memory=b"", exports=section(7, vector([text("_start") + b"\0\0"])), data=section(11, vector([b"\0" + I32 + b"\0"]))), "index", "W-11"),
    ("export-twice", "Two exports of one name", _export("_start", 0, 0), "duplicate", "W-12"),
    ("export-twice-kinds", "Two exports of one name and two kinds", _export("memory", 0, 0), "duplicate", "W-12"),
    ("segment-element", "An element segment of an unknown kind", core(elements=section(9, vector([b"\x08"]))), "segment", "W-13"),
    ("segment-data", "A data segment of an unknown kind", core(data=section(11, vector([b"\3"]))), "segment", "W-13"),
    ("limit-functions", "A list of 100,001 functions", core(functions=section(3, leb(100_001))), "limit", "W-14"),
    ("limit-functions-huge", "A list of four thousand million functions", core(functions=section(3, leb(0xFFFFFFFF))), "limit", "W-14"),
    ("limit-types", "A list of 10,001 types", core(types=section(1, leb(10_001))), "limit", "W-14"),
    ("limit-parameters", "A function of 1,001 parameters", core(types=section(1, vector([function_type(":"), b"\x60" + leb(1001) + b"\x7f" * 1001 + b"\0"]))), "limit", "W-14"),
    ("limit-imports", "A list of 1,001 imports", core(imports=section(2, leb(1001))), "limit", "W-14"),
    ("limit-exports", "A list of 10,001 exports", core(exports=section(7, leb(10_001))), "limit", "W-14"),
    ("limit-tables", "17 tables", core(table=section(4, vector([b"\x70\0\0"] * 17))), "limit", "W-14"),
    ("limit-table-items", "A table of 1,000,001 items", core(table=section(4, vector([b"\x70\0" + leb(1_000_001)]))), "limit", "W-14"),
    ("limit-globals", "A list of 10,001 globals", core(values=section(6, leb(10_001))), "limit", "W-14"),
    ("limit-tags", "A list of 1,001 tags", core(tag=section(13, leb(1001))), "limit", "W-14"),
    ("limit-elements", "A list of 10,001 element segments", core(elements=section(9, leb(10_001))), "limit", "W-14"),
    ("limit-element-items", "An element segment of 200,001 items", core(table=section(4, b"\1\x70\0\1"), elements=section(9, vector([b"\0" + I32 + leb(200_001)]))), "limit", "W-14"),
    ("limit-data", "A list of 10,001 data segments", core(data=section(11, leb(10_001))), "limit", "W-14"),
    ("limit-custom", "257 custom sections", core(after=section(0, text("a")) * 257), "limit", "W-14"),
)

RULES: tuple[tuple[str, str, bytes, str, str], ...] = (
    ("import-module", "An import from an unknown module", module([("evil", "call", ":")]), "import", "W-32"),
    ("import-module-empty", "An import from a module without name", module([("", "call", ":")]), "import", "W-32"),
    ("import-module-unstable", "An import from the old WASI module", module([("wasi_unstable", "fd_write", "iiii:i")]), "import", "W-32"),
    ("import-module-threads", "An import from the module for threads", module([("wasi", "thread-spawn", "i:i")]), "import", "W-32"),
    ("import-module-case", "An import from WASI in another case", module([("WASI_snapshot_preview1", "fd_write", "iiii:i")]), "import", "W-32"),
    ("import-function", "An unknown function of WASI", module([(PREVIEW1, "sock_open", "iii:i")]), "import", "W-32"),
    ("import-function-nul", "A function of WASI with a NUL at its end", module([(PREVIEW1, "fd_write\0", "iiii:i")]), "import", "W-32"),
    ("import-host", "An unknown function of the host", module([("mpp_host", "exec", "iiii:i")]), "import", "W-32"),
    ("import-env", "An unknown function of env", module([("env", "system", "i:i")]), "import", "W-32"),
    ("import-env-dlopen", "dlopen from env", module([("env", "dlopen", "ii:i")]), "import", "W-32"),
    ("import-type", "A function of WASI with another type", module([(PREVIEW1, "fd_write", "iii:i")]), "import_type", "W-32"),
    ("import-type-64", "A function of WASI with 64-bit addresses", module([(PREVIEW1, "random_get", "II:i")]), "import_type", "W-32"),
    ("import-type-result", "A function of the host without result", module([("mpp_host", "call", "iiii:")]), "import_type", "W-32"),
    ("import-memory", "An imported memory", module([("env", "memory", "memory")], memory=None), "import_kind", "W-31"),
    ("import-table", "An imported table", module([("env", "__indirect_function_table", "table")]), "import_kind", "W-31"),
    ("import-global", "An imported global", module([("env", "__stack_pointer", "global")]), "import_kind", "W-31"),
    ("import-tag", "An imported tag", module([("env", "__cpp_exception", "tag")]), "import_kind", "W-31"),
    ("export-none", "No export", module(exports={}), "export", "W-33"),
    ("export-no-start", "No export _start", module(exports={"memory": ("memory", 0)}), "export", "W-33"),
    ("export-no-memory", "No export memory", module(exports={"_start": ("function", 0)}), "export", "W-33"),
    ("export-reactor", "A reactor in place of a command", module(exports={"_initialize": ("function", 0), "memory": ("memory", 0)}), "export", "W-33"),
    ("export-start-kind", "A memory exported as _start", module(exports={"_start": ("memory", 0), "memory": ("memory", 0)}), "export", "W-33"),
    ("export-memory-kind", "A function exported as memory", module(exports={"_start": ("function", 0), "memory": ("function", 0)}), "export", "W-33"),
    ("export-start-result", "A _start that gives a value", module(signature=":i", body=b"\x41\0"), "export", "W-33"),
    ("export-start-parameter", "A _start that takes a value", module(signature="i:"), "export", "W-33"),
    ("memory-limit", "A memory that begins one page above the limit of the manifest", module(memory=(257, None)), "memory_limit", "W-34"),
    ("memory-limit-large", "A memory that begins with 4 GiB", module(memory=(65536, None)), "memory_limit", "W-34"),
    ("form-component", "A component in place of a module", component(), "form", "W-30"),
)

RAW_INSTANCE = section(10, vector([b"\0" + text("wasi:io/poll@0.2.0") + b"\5\0"]))

# Components; the manifest says so.
COMPONENTS: tuple[tuple[str, str, bytes, str, str], ...] = (
    ("form", "A module in place of a component", SOUND, "form", "W-30"),
    ("no-run", "A component that exports nothing", component(exports=()), "export", "W-36"),
    ("other-export", "A component that serves requests", component(exports=("wasi:http/incoming-handler@0.2.0",)), "export", "W-36"),
    ("run-version", "A component that exports run of version 0.3", component(exports=("wasi:cli/run@0.3.0",)), "export", "W-36"),
    ("run-prefix", "A component that exports a name that begins like run", component(exports=("wasi:cli/runner@0.2.0",)), "export", "W-36"),
    ("import", "A component that imports an unknown interface", component(["evil:host/exec@0.2.0"]), "import", "W-35"),
    ("import-version", "A component that imports WASI 0.3", component(["wasi:io/poll@0.3.0"]), "import", "W-35"),
    ("import-no-version", "A component that imports WASI without version", component(["wasi:io/poll"]), "import", "W-35"),
    ("import-interface", "A component that imports an unknown interface of WASI", component(["wasi:cli/exec@0.2.0"]), "import", "W-35"),
    ("import-http", "A component that would send requests past the host", component(["wasi:http/outgoing-handler@0.2.0"]), "import", "W-35"),
    ("import-server", "A component that imports the serving side of HTTP", component(["wasi:http/incoming-handler@0.2.0"]), "import", "W-35"),
    ("import-key-value", "A component that imports storage of another world", component(["wasi:keyvalue/store@0.2.0"]), "import", "W-35"),
    ("import-function", "A component that imports a function", COMPONENT + section(7, vector([b"\x40\0\1\0"])) + section(10, vector([b"\0" + text("exec") + b"\1\0"])) + component()[8:], "import_kind", "W-35"),
    ("import-twice", "A component that imports one name twice", component(["wasi:io/poll@0.2.0"]) + RAW_INSTANCE, "duplicate", "W-22"),
    ("section-unknown", "A component with an unknown section", component() + section(12, b""), "section", "W-20"),
    ("section-cut", "A component that ends inside a section", component() + b"\4\x7f", "truncated", "W-3"),
    ("import-rest", "A byte after the imports of a component", component() + section(10, b"\0\0"), "section", "W-21"),
    ("name-form", "An import with a name of an unknown form", component() + section(10, vector([b"\2" + text("wasi:io/poll@0.2.0") + b"\5\0"])), "name", "W-22"),
    ("import-sort", "An import of an unknown sort", component() + section(10, vector([b"\0" + text("wasi:io/poll@0.2.0") + b"\x09\0"])), "type", "W-23"),
    ("export-described", "An export that is described as something else", component() + section(11, vector([b"\0" + text("a") + b"\5\0\1\1\0"])), "type", "W-23"),
)

LAYER: dict[str, Json] = {"id": "org.example.python", "version": "3.12.0", "sha256": "ab" * 32}
PYTHON: dict[str, Json] = {"runtime>type": "python", "runtime>entrypoint": "main.py", "runtime>layer": LAYER}
SCRIPT: dict[str, bytes | None] = {"bin/main.wasm": None, "main.py": b"print('hello')\n"}


def _others() -> Iterator[Case]:
    yield refuse("capabilities/wasm-missing", "An entrypoint that is no member", "G-41", "wasm.missing", package(files({"runtime>entrypoint": "bin/other.wasm"}), entrypoint="bin/other.wasm"))
    yield refuse("capabilities/wasm-entrypoint-text", "A README as entrypoint", "W-2", "wasm.preamble", package(files({"runtime>entrypoint": "README.md"}), entrypoint="README.md"))
    beside = package(files(PYTHON, extra={**SCRIPT, "lib/fast.wasm": SOUND}), entrypoint="main.py")
    yield refuse("capabilities/wasm-in-python", "A Python tool with a module beside its sources", "G-42 W-30", "wasm.unexpected", beside)
    hidden = package(files(PYTHON, extra={**SCRIPT, "lib/fast.txt": SOUND}), entrypoint="main.py")
    yield refuse("capabilities/wasm-in-python-renamed", "A Python tool with a module under another extension", "G-42 W-30", "wasm.unexpected", hidden)
    as_entry = package(files({**PYTHON, "runtime>entrypoint": "bin/main.wasm"}))
    yield refuse("capabilities/wasm-as-python", "A module as the entrypoint of a Python tool", "G-42 W-30", "wasm.unexpected", as_entry)
    parts = package(files({**PYTHON, "runtime>type": "javascript", "runtime>entrypoint": "main.js"}, extra={"bin/main.wasm": None, "main.js": b"1", "lib/a": component()}), entrypoint="main.js")
    yield refuse("capabilities/wasm-in-javascript", "A JavaScript tool with a component beside its sources", "G-42 W-30", "wasm.unexpected", parts)
    rows = body()
    entry = find(rows, "bin/main.wasm")
    entry.method, entry.packed, entry.stated_size = 8, bytes(400_000), 64 * 1024 * 1024 + 1
    yield refuse("capabilities/wasm-size", "An entrypoint that states 64 MiB and one byte", "W-1 G-31", "wasm.size", Package(body=rows, seal=Seal()))
    layer = package(files({"runtime>type": "layer", "tool_definitions": []}, code=component()))
    yield refuse("capabilities/wasm-layer-component", "A component as a layer", "W-30", "wasm.form", layer)


def cases() -> Iterator[Case]:
    """All cases about code."""
    for name, title, code, fault, clauses in (*READING, *RULES):
        yield refuse(f"capabilities/wasm-{name}", title, clauses, f"wasm.{fault}", package(files(code=code)))
    for name, title, code, fault, clauses in COMPONENTS:
        yield refuse(f"capabilities/component-{name}", title, clauses, f"wasm.{fault}", package(files({"runtime>type": "wasi-component"}, code=code)))
    yield from _others()
