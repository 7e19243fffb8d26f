"""Check 7, static WebAssembly: the readers, the rules, and the assembler that the tests use."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.stages.gatekeeper import wasm_limits as limits
from mpp.stages.gatekeeper import wasm_rules as rules
from mpp.stages.gatekeeper.wasm import read_wasm
from mpp.testing.wasm import COMPONENT, CORE, RUN, component, function_type, leb, module, section, text, vector

wasmtime = pytest.importorskip("wasmtime")

FD_WRITE = ("wasi_snapshot_preview1", "fd_write", "iiii:i")
CALL = ("mpp_host", "call", "iiii:i")
FULL = module(
    [FD_WRITE, CALL],
    functions=3,
    memory=(2, 9),
    custom=[("name", b""), ("producers", b"\1\2")],
    data=[(0, b"hello"), (40_000, b"")],
    start=True,
)
"""A module with everything that the builder makes."""


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


def core(*sections: tuple[int, bytes]) -> bytes:
    return CORE + b"".join(section(number, body) for number, body in sections)


TYPES = (1, vector([function_type(":"), function_type("i:I")]))
FUNCTIONS = (3, vector([b"\0"]))
TABLE = (4, vector([b"\x70\0\x0a"]))
MEMORY = (5, vector([b"\0\1"]))
CODE = (10, vector([b"\2\0\x0b"]))
ZERO = b"\x41\0\x0b"


def with_expression(raw: bytes) -> bytes:
    return core(TYPES, FUNCTIONS, (6, vector([b"\x7f\0" + ZERO, b"\x7f\0" + raw])), CODE)


def with_element(raw: bytes) -> bytes:
    return core(TYPES, FUNCTIONS, TABLE, (9, vector([raw])), CODE)


def with_data(raw: bytes) -> bytes:
    return core(MEMORY, (11, vector([raw])))


def asked(raw: bytes) -> bytes:
    return core(TYPES, (2, vector([text("m") + text("n") + raw])))


# The shape.


def test_the_shape_of_a_full_module() -> None:
    shape = read_wasm(FULL)
    assert (shape.form, shape.size, shape.functions, shape.has_start) == ("core", len(FULL), 3, True)
    assert [(found.module, found.name, found.kind, found.signature) for found in shape.imports] == [
        ("wasi_snapshot_preview1", "fd_write", "function", "iiii:i"),
        ("mpp_host", "call", "function", "iiii:i"),
    ]
    assert [(found.name, found.kind, found.signature) for found in shape.exports] == [("_start", "function", ":"), ("memory", "memory", "")]
    assert (shape.memory_min_pages, shape.memory_max_pages) == (2, 9)
    assert (shape.tables, shape.globals, shape.data_segments) == (0, 0, 2)
    assert shape.custom_sections == ("name", "producers")


def test_the_shape_counts_tables_and_globals() -> None:
    shape = read_wasm(core(TABLE, MEMORY, (6, vector([b"\x7f\0" + ZERO] * 3))))
    assert (shape.tables, shape.globals, shape.memory_max_pages, shape.has_start) == (1, 3, None, False)


def test_the_shape_of_a_component() -> None:
    shape = read_wasm(component(["wasi:cli/environment@0.2.0"], custom=[("producers", b"x")]))
    assert (shape.form, shape.memory_min_pages, shape.custom_sections) == ("component", None, ("producers",))
    assert [(found.module, found.name, found.kind) for found in shape.imports] == [("wasi:cli/environment@0.2.0", "", "instance")]
    assert [(found.name, found.kind) for found in shape.exports] == [(RUN, "instance")]


def test_a_memoryview_reads_like_bytes() -> None:
    assert read_wasm(memoryview(b"xx" + FULL)[2:]) == read_wasm(FULL)


# Accepted forms. Each must also be accepted by the engine.

ACCEPTED = {
    "empty": core(),
    "full": FULL,
    "padded numbers": CORE + b"\x01\x84\x80\x80\x80\x00" + b"\x01\x60\x00\x00",
    "all value types": core((1, vector([function_type("iIfFvcx:iIfFvcx")]))),
    "type of an import": core(TYPES, (2, vector([text("m") + text("n") + b"\0\1"]))),
    "imported table": asked(b"\1\x6f\1\0\1"),
    "imported memory": asked(b"\2\0\0"),
    "imported global": asked(b"\3\x7f\1"),
    "imported tag": asked(b"\4\0\0"),
    "tag": core(TYPES, (13, vector([b"\0\0"]))),
    "export of each kind": core(
        TYPES,
        FUNCTIONS,
        TABLE,
        MEMORY,
        (13, vector([b"\0\0"])),
        (6, vector([b"\x7f\0" + ZERO])),
        (7, vector(text(str(kind)) + bytes((kind, 0)) for kind in range(5))),
        CODE,
    ),
    "long constants": core((6, vector([b"\x7f\0\x41\xff\xff\xff\xff\x07\x0b"]))),
    "negative constant": with_expression(b"\x41\x80\x80\x80\x80\x78\x0b"),
    "i64 constant": core((6, vector([b"\x7e\0\x42" + b"\xff" * 9 + b"\x7f\x0b"]))),
    "f32 constant": core((6, vector([b"\x7d\0\x43\0\0\0\0\x0b"]))),
    "f64 constant": core((6, vector([b"\x7c\0\x44" + bytes(8) + b"\x0b"]))),
    "v128 constant": core((6, vector([b"\x7b\0\xfd\x0c" + bytes(16) + b"\x0b"]))),
    "extended constant": with_expression(b"\x23\0\x41\1\x6a\x0b"),
    "null reference": core((6, vector([b"\x70\0\xd0\x70\x0b"]))),
    "function reference": core(TYPES, FUNCTIONS, (6, vector([b"\x70\0\xd2\0\x0b"])), CODE),
    "element 0": with_element(b"\0" + ZERO + vector([b"\0"])),
    "element 1": with_element(b"\1\0" + vector([b"\0"])),
    "element 2": with_element(b"\2\0" + ZERO + b"\0" + vector([b"\0"])),
    "element 3": with_element(b"\3\0" + vector([b"\0"])),
    "element 4": with_element(b"\4" + ZERO + vector([b"\xd2\0\x0b"])),
    "element 5": with_element(b"\5\x70" + vector([b"\xd0\x70\x0b"])),
    "element 6": with_element(b"\6\0" + ZERO + b"\x70" + vector([b"\xd2\0\x0b"])),
    "element 7": with_element(b"\7\x70" + vector([b"\xd2\0\x0b"])),
    "data 0": with_data(b"\0" + ZERO + text("x")),
    "data 1": with_data(b"\1" + text("x")),
    "data 2": with_data(b"\2\0" + ZERO + text("x")),
    "data count alone is zero": core((12, b"\0")),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_modules_compile(name: str) -> None:
    assert code_of(ACCEPTED[name]) == "accepted"
    wasmtime.Module(wasmtime.Engine(), ACCEPTED[name])


# Refused forms.

REFUSED = {
    "nothing": (b"", "preamble"),
    "half a preamble": (CORE[:6], "preamble"),
    "version 2": (b"\0asm\2\0\0\0", "preamble"),
    "other component version": (b"\0asm\x0c\0\1\0", "preamble"),
    "unknown section": (core((14, b"")), "section"),
    "section twice": (core((1, b"\0"), (1, b"\0")), "section"),
    "sections out of order": (core((3, b"\0"), (1, b"\0")), "section"),
    "data before code": (core(TYPES, FUNCTIONS, (11, b"\0"), CODE), "section"),
    "tags after globals": (core((6, b"\0"), (13, b"\0")), "section"),
    "section not consumed": (core((1, b"\0\0")), "section"),
    "section ends inside": (core((1, b"\1\x60")), "truncated"),
    "section past the end": (CORE + b"\1\5\0", "truncated"),
    "section without length": (CORE + b"\1", "truncated"),
    "long number": (CORE + b"\1\x80\x80\x80\x80\x80\0", "number"),
    "large number": (CORE + b"\1\x80\x80\x80\x80\x10", "number"),
    "name past the end": (core((0, b"\5abc")), "truncated"),
    "custom section without a name": (core((0, b"")), "truncated"),
    "name no text": (core((0, b"\2\xc3\x28")), "name"),
    "name a surrogate": (core((0, b"\3\xed\xa0\x80")), "name"),
    "name too long": (core((0, text("x" * (limits.NAME_BYTES_MAX + 1)))), "limit"),
    "recursive type": (core((1, vector([b"\x4e\0"]))), "type"),
    "struct type": (core((1, vector([b"\x5f\0"]))), "type"),
    "typed reference": (core((1, vector([b"\x60\2\x64\0\0"]))), "type"),
    "types over the limit": (core((1, leb(limits.TYPES_MAX + 1))), "limit"),
    "parameters over the limit": (core((1, b"\1\x60" + leb(limits.TYPE_VALUES_MAX + 1))), "limit"),
    "import of unknown kind": (asked(b"\5\0"), "type"),
    "import of unknown type": (asked(b"\0\2"), "index"),
    "imports over the limit": (core((2, leb(limits.IMPORTS_MAX + 1))), "limit"),
    "function of unknown type": (core((3, vector([b"\0"]))), "index"),
    "functions over the limit": (core((3, leb(limits.FUNCTIONS_MAX + 1))), "limit"),
    "functions without bodies": (core(TYPES, FUNCTIONS), "count"),
    "bodies without functions": (core(CODE), "count"),
    "bodies over the limit": (core((10, leb(limits.FUNCTIONS_MAX + 1))), "limit"),
    "body without end": (core(TYPES, FUNCTIONS, (10, vector([b"\2\0\0"]))), "body"),
    "body too short": (core(TYPES, FUNCTIONS, (10, vector([b"\1\x0b"]))), "body"),
    "body empty": (core(TYPES, FUNCTIONS, (10, vector([b"\0"]))), "body"),
    "body past the end": (core(TYPES, FUNCTIONS, (10, vector([b"\3\0\x0b"]))), "truncated"),
    "table of numbers": (core((4, vector([b"\x7f\0\0"]))), "type"),
    "table with initial value": (core((4, vector([b"\x40\0\x70\0\0\xd0\x70\x0b"]))), "type"),
    "64-bit table": (core((4, vector([b"\x70\4\0"]))), "table"),
    "tables over the limit": (core((4, leb(limits.TABLES_MAX + 1))), "limit"),
    "imported and own tables over the limit": (
        core(TYPES, (2, vector([text("m") + text("n") + b"\1\x70\0\0"])), (4, vector([b"\x70\0\0"] * limits.TABLES_MAX))),
        "limit",
    ),
    "table items over the limit": (core((4, vector([b"\x70\0" + leb(limits.TABLE_ITEMS_MAX), b"\x70\0\1"]))), "limit"),
    "minimum above maximum": (core((4, vector([b"\x70\1\2\1"]))), "number"),
    "two memories": (core((5, vector([b"\0\1", b"\0\1"]))), "memory"),
    "imported and own memory": (core((2, vector([text("m") + text("n") + b"\2\0\1"])), MEMORY), "memory"),
    "shared memory": (core((5, vector([b"\3\1\1"]))), "memory"),
    "64-bit memory": (core((5, vector([b"\4\1"]))), "memory"),
    "memory with other pages": (core((5, vector([b"\x08\1\0"]))), "memory"),
    "memory too large": (core((5, vector([b"\0" + leb(limits.MEMORY_PAGES_MAX + 1)]))), "memory"),
    "memory may grow too large": (core((5, vector([b"\1\0" + leb(limits.MEMORY_PAGES_MAX + 1)]))), "memory"),
    "tag of unknown attribute": (core(TYPES, (13, vector([b"\1\0"]))), "type"),
    "tag of unknown type": (core(TYPES, (13, vector([b"\0\2"]))), "index"),
    "tags over the limit": (core((13, leb(limits.TAGS_MAX + 1))), "limit"),
    "global of unknown type": (core((6, vector([b"\x6e\0" + ZERO]))), "type"),
    "global of unknown mutability": (core((6, vector([b"\x7f\2" + ZERO]))), "type"),
    "globals over the limit": (core((6, leb(limits.GLOBALS_MAX + 1))), "limit"),
    "expression empty": (with_expression(b"\x0b"), "expression"),
    "expression calls": (with_expression(b"\x10\0\x0b"), "expression"),
    "expression without end": (with_expression(b"\x41\0"), "truncated"),
    "expression reads itself": (with_expression(b"\x23\1\x0b"), "index"),
    "expression names no function": (with_expression(b"\xd2\1\x0b"), "index"),
    "other vector instruction": (with_expression(b"\xfd\x0d\x0b"), "expression"),
    "null of unknown type": (with_expression(b"\xd0\x6e\x0b"), "expression"),
    "constant too long": (with_expression(b"\x41\x80\x80\x80\x80\x80\0\x0b"), "number"),
    "constant too large": (with_expression(b"\x41\x80\x80\x80\x80\x08\x0b"), "number"),
    "i64 constant too large": (with_expression(b"\x42" + b"\x80" * 9 + b"\1\x0b"), "number"),
    "export of unknown kind": (core((7, vector([text("x") + b"\5\0"]))), "type"),
    "export of nothing": (core((7, vector([text("x") + b"\0\0"]))), "index"),
    "export twice": (core(MEMORY, (7, vector([text("m") + b"\2\0"] * 2))), "duplicate"),
    "exports over the limit": (core((7, leb(limits.EXPORTS_MAX + 1))), "limit"),
    "start of unknown function": (core((8, b"\0")), "index"),
    "start with values": (core(TYPES, (3, vector([b"\1"])), (8, b"\0"), CODE), "type"),
    "element of unknown kind": (with_element(b"\x08"), "segment"),
    "element of unknown item kind": (with_element(b"\1\1\0"), "segment"),
    "element of unknown item type": (with_element(b"\5\x7f\0"), "segment"),
    "element in no table": (core((9, vector([b"\0" + ZERO + b"\0"]))), "index"),
    "element in an unknown table": (with_element(b"\2\1" + ZERO + b"\0\0"), "index"),
    "element of unknown function": (with_element(b"\1\0" + vector([b"\1"])), "index"),
    "elements over the limit": (core((9, leb(limits.SEGMENTS_MAX + 1))), "limit"),
    "element items over the limit": (with_element(b"\1\0" + leb(limits.ELEMENT_ITEMS_MAX + 1)), "limit"),
    "data of unknown kind": (with_data(b"\3"), "segment"),
    "data in no memory": (core((11, vector([b"\0" + ZERO + b"\0"]))), "index"),
    "data in an unknown memory": (with_data(b"\2\1" + ZERO + b"\0"), "index"),
    "data past the end": (with_data(b"\1\5x"), "truncated"),
    "data over the limit": (core((11, leb(limits.SEGMENTS_MAX + 1))), "limit"),
    "data count wrong": (core((12, b"\1"), (11, b"\0")), "count"),
    "data count without data": (core((12, b"\1")), "count"),
    "data count over the limit": (core((12, leb(limits.SEGMENTS_MAX + 1))), "limit"),
    "custom sections over the limit": (core(*[(0, b"\0")] * (limits.CUSTOM_SECTIONS_MAX + 1)), "limit"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_modules(name: str) -> None:
    data, code = REFUSED[name]
    assert code_of(data) == code


def test_the_exact_limits_pass() -> None:
    assert code_of(core((0, text("x" * limits.NAME_BYTES_MAX)))) == "accepted"
    assert code_of(core(*[(0, b"\0")] * limits.CUSTOM_SECTIONS_MAX)) == "accepted"
    assert code_of(core((4, vector([b"\x70\0" + leb(limits.TABLE_ITEMS_MAX)])))) == "accepted"
    assert code_of(core((4, vector([b"\x70\0\0"] * limits.TABLES_MAX)))) == "accepted"
    assert code_of(core((5, vector([b"\1\0" + leb(limits.MEMORY_PAGES_MAX)])))) == "accepted"
    assert code_of(module(functions=limits.FUNCTIONS_MAX)) == "accepted"
    assert code_of(core((1, vector([function_type(":")] * limits.TYPES_MAX)))) == "accepted"


def test_element_items_are_counted_over_all_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ELEMENT_ITEMS_MAX", 3)
    two = b"\1\0" + vector([b"\0", b"\0"])
    assert code_of(with_element(two)) == "accepted"
    assert code_of(core(TYPES, FUNCTIONS, TABLE, (9, vector([two, two])), CODE)) == "limit"


def test_constant_instructions_are_counted_over_all_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONST_OPS_MAX", 2)
    assert code_of(with_expression(ZERO)) == "accepted"
    assert code_of(with_expression(b"\x41\0\x41\0\x6a\x0b")) == "limit"


def test_the_size_limit_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WASM_BYTES_MAX", len(FULL))
    assert code_of(FULL) == "accepted"
    assert code_of(b"x" * (len(FULL) + 1)) == "size"


# Components.


def imported(description: bytes, *, form: bytes = b"\0") -> bytes:
    return COMPONENT + section(10, vector([form + text("a") + description]))


def offered(rest: bytes) -> bytes:
    return COMPONENT + section(11, vector([b"\0" + text("a") + rest]))


COMPONENT_FORMS = {
    "empty": (COMPONENT, "accepted"),
    "module": (imported(b"\0\x11\0"), "accepted"),
    "function": (imported(b"\1\0"), "accepted"),
    "equal type": (imported(b"\3\0\0"), "accepted"),
    "resource": (imported(b"\3\1"), "accepted"),
    "component": (imported(b"\4\0"), "accepted"),
    "older name form": (imported(b"\5\0", form=b"\1"), "accepted"),
    "export described": (offered(b"\5\0\1\5\0"), "accepted"),
    "skipped sections": (COMPONENT + b"".join(section(number, b"\xff") for number in range(1, 10)), "accepted"),
    "value": (imported(b"\2\0\0"), "type"),
    "core function": (imported(b"\0\0\0"), "type"),
    "type bound in another way": (imported(b"\3\2"), "type"),
    "name form with options": (imported(b"\5\0", form=b"\2"), "name"),
    "export described otherwise": (offered(b"\5\0\1\1\0"), "type"),
    "export with an unknown mark": (offered(b"\5\0\2"), "type"),
    "unknown section": (COMPONENT + section(12, b""), "section"),
    "import not consumed": (COMPONENT + section(10, b"\0\0"), "section"),
    "past the end": (COMPONENT + b"\1\2\0", "truncated"),
    "import twice": (component(["a:b/c", "a:b/c"]), "duplicate"),
    "export twice": (component(exports=[RUN, RUN]), "duplicate"),
    "custom sections over the limit": (COMPONENT + section(0, b"\0") * (limits.CUSTOM_SECTIONS_MAX + 1), "limit"),
    "sections over the limit": (COMPONENT + section(1, b"") * (limits.COMPONENT_SECTIONS_MAX + 1), "limit"),
    "sections at the limit": (COMPONENT + section(1, b"") * limits.COMPONENT_SECTIONS_MAX, "accepted"),
    "imports over the limit": (component([f"a:b/c{n}" for n in range(limits.IMPORTS_MAX)]) + section(10, b"\1"), "limit"),
    "exports over the limit": (COMPONENT + section(11, leb(limits.EXPORTS_MAX + 1)), "limit"),
}


@pytest.mark.parametrize("name", COMPONENT_FORMS)
def test_component_forms(name: str) -> None:
    data, code = COMPONENT_FORMS[name]
    assert code_of(data) == code


# Hostile input.


@settings(max_examples=400, deadline=None)
@given(st.sampled_from((CORE, COMPONENT, b"")), st.binary(max_size=200))
@example(CORE, b"\x01\x00")
def test_random_bytes_give_a_shape_or_a_refusal(preamble: bytes, rest: bytes) -> None:
    code_of(preamble + rest, "wasm32-wasip1")


SEEDS = (FULL, component(["wasi:cli/environment@0.2.0"], custom=[("x", b"y")]), *ACCEPTED.values())


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255), st.sampled_from("sid")), min_size=1, max_size=4))
def test_random_mutations_give_a_shape_or_a_refusal(seed: bytes, changes: list[tuple[int, int, str]]) -> None:
    changed = bytearray(seed)
    for at, byte, how in changes:
        place = at % (len(changed) + 1)
        changed[place : place + (how != "i")] = b"" if how == "d" else bytes((byte,))
    assert isinstance(code_of(bytes(changed), "wasi-component"), str)


SLOWEST = {
    "one large custom section": lambda: core((0, b"\0" + bytes(limits.WASM_BYTES_MAX - 20))),
    "functions": lambda: module(functions=limits.FUNCTIONS_MAX, body=b"\x01" * 600),
    "element items": lambda: with_element(b"\1\0" + leb(limits.ELEMENT_ITEMS_MAX) + bytes(limits.ELEMENT_ITEMS_MAX)),
    "constant expressions": lambda: with_expression(b"\x41\0" * (limits.CONST_OPS_MAX - 1) + b"\x0b"),
    "wide types": lambda: core((1, vector([function_type("i" * limits.TYPE_VALUES_MAX + ":")] * limits.TYPES_MAX))),
    "exports": lambda: core(MEMORY, (7, vector(text(f"{n:0{limits.NAME_BYTES_MAX}}") + b"\2\0" for n in range(limits.EXPORTS_MAX)))),
    "sections of a component": lambda: COMPONENT + section(1, bytes(6000)) * limits.COMPONENT_SECTIONS_MAX,
}


@pytest.mark.parametrize("name", SLOWEST)
def test_the_slowest_input_ends_soon(name: str) -> None:
    """A second without coverage on a quiet machine; what grows faster than its input takes minutes."""
    data = SLOWEST[name]()
    assert len(data) <= limits.WASM_BYTES_MAX
    started = time.process_time()
    read_wasm(data)
    assert time.process_time() - started < 10
