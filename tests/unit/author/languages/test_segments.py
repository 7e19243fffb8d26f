"""Joining data segments: the memory that a module begins with stays the same, byte for byte."""

from __future__ import annotations

import random

import pytest
from wasmtime import Engine, Instance, Module, Store

from mpp.author.languages.segments import GAP_BYTES_MAX, joined
from mpp.errors import HostFailed
from mpp.testing.wasm import leb, module, section, vector


def memory_of(wasm: bytes) -> bytes:
    store = Store(Engine())
    instance = Instance(store, Module(store.engine, wasm), [])
    memory = instance.exports(store)["memory"]
    return bytes(memory.read(store, 0, memory.data_len(store)))  # type: ignore[union-attr]


def count(wasm: bytes) -> int:
    """How many segments: the data section is the last one that these modules have."""
    at = 8
    while wasm[at] != 11:
        size = shift = 0
        at += 1
        while True:
            size |= (wasm[at] & 0x7F) << shift
            shift += 7
            at += 1
            if wasm[at - 1] < 0x80:
                break
        at += size
    at += 1
    while wasm[at] >= 0x80:
        at += 1
    found = shift = 0
    at += 1
    while True:
        found |= (wasm[at] & 0x7F) << shift
        shift += 7
        at += 1
        if wasm[at - 1] < 0x80:
            return found


def with_data(data: list[tuple[int, bytes]], *, counted: bool = False) -> bytes:
    made = module(data=data, memory=(2, None))
    # The assembler of tests always writes how many segments there are; linkers do so only where code names one.
    return made if counted else made.replace(section(12, leb(len(data))), b"", 1)


def test_near_segments_become_one() -> None:
    wasm = with_data([(100, b"abc"), (110, b"def"), (5000, b"far")])
    made = joined(wasm)
    assert memory_of(made) == memory_of(wasm)
    assert (count(wasm), count(made)) == (3, 2)


def test_ten_thousand_segments_of_a_linker() -> None:
    chosen = random.Random(7)
    at, data = 1024, []
    for _ in range(12_000):
        size = chosen.randrange(1, 6)
        data.append((at, bytes(chosen.randrange(1, 256) for _ in range(size))))
        at += size + chosen.choice((0, 1, 3))
    wasm = with_data(data)
    made = joined(wasm)
    assert memory_of(made) == memory_of(wasm)
    assert count(made) == 1


def test_a_gap_of_the_largest_size_is_filled_and_one_more_is_not() -> None:
    assert count(joined(with_data([(0, b"a"), (1 + GAP_BYTES_MAX, b"b")]))) == 1
    assert count(joined(with_data([(0, b"a"), (2 + GAP_BYTES_MAX, b"b")]))) == 2


@pytest.mark.parametrize("data", [[(100, b"abcdef"), (103, b"xyz")], [(200, b"b"), (100, b"a")]], ids=["over each other", "out of order"])
def test_segments_that_are_not_in_order_stay_apart(data: list[tuple[int, bytes]]) -> None:
    wasm = with_data(data)
    made = joined(wasm)
    assert count(made) == 2
    assert memory_of(made) == memory_of(wasm)


def test_addresses_in_the_upper_half_keep_their_value() -> None:
    one = b"\0\x41" + b"\x80\x80\x80\x80\x78" + b"\x0b" + leb(1) + b"a"
    assert joined(b"\0asm\x01\0\0\0" + section(11, vector([one]))) == b"\0asm\x01\0\0\0" + section(11, vector([one]))


def test_a_module_whose_code_may_name_segments_is_left_alone() -> None:
    wasm = with_data([(0, b"a"), (2, b"b")], counted=True)
    assert joined(wasm) == wasm


@pytest.mark.parametrize(
    "segment", [b"\1" + leb(1) + b"a", b"\0\x23\0\x0b" + leb(1) + b"a", b"\0\x41\0\x41\x0b"], ids=["passive", "at a global", "longer address"]
)
def test_segments_of_other_kinds_are_left_alone(segment: bytes) -> None:
    wasm = b"\0asm\x01\0\0\0" + section(11, vector([segment]))
    assert joined(wasm) == wasm


def test_a_module_without_data_is_left_alone() -> None:
    wasm = module()
    assert joined(wasm) == wasm


@pytest.mark.parametrize("wasm", [b"\0asm\x01\0\0\0\x0b\x7f", b"\0asm\x01\0\0\0\x0b", b"\0asm\x01\0\0\0" + section(11, b"\x01\0\x41\0\x0b\x7f")])
def test_half_a_module_is_a_broken_compiler(wasm: bytes) -> None:
    with pytest.raises(HostFailed, match="cannot be read") as caught:
        joined(wasm)
    assert caught.value.code == "host.compiler_failed"
