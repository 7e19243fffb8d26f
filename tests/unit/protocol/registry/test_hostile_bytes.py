"""Whatever bytes a registry, a mirror or a client sends: each reader gives a value or refuses, and nothing else leaves it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

from hypothesis import given, settings, strategies as st

from mpp.errors import Refused
from mpp.ledger.keymap import read_proof, write_proof
from mpp.protocol.registry.bundle import proven, proven_absent, read_absence, read_bundle, write_absence, write_bundle
from mpp.protocol.registry.checkpoint import read_signed
from mpp.protocol.registry.events import read_leaf, write_leaf
from mpp.protocol.registry.requests import read_request
from mpp.protocol.registry.state import read_line, read_state, read_value, write_state
from tests.unit.protocol.registry.example import ABSENT, HELLO, registry

MADE = registry()
BUNDLE = json.loads(write_bundle(MADE.bundle(HELLO, "0.1.0")))
SOUND = [
    *MADE.leaves, MADE.checkpoint().note, write_state(MADE.packages[HELLO]), write_bundle(MADE.bundle(HELLO, "0.1.0")), write_absence(MADE.absence(ABSENT)),
    write_proof(MADE.bundle(HELLO, "0.1.0").map_proof),
]  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([HELLO, "1.0.0", "a" * 64]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


def read_all(data: bytes) -> None:
    for read in (read_leaf, read_line, read_value, read_state, read_proof):
        try:
            read(data, where="it")
        except Refused:
            continue
    for judge in (
        lambda: proven(read_bundle(data), MADE.id, now=MADE.at),
        lambda: proven_absent(read_absence(data), MADE.id, ABSENT, now=MADE.at),
        lambda: read_signed(data, MADE.keys.chain),
        lambda: read_request(data.decode("latin-1")),
    ):
        try:
            judge()
        except Refused:
            continue


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    read_all(data)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SOUND), st.data())
def test_sound_bytes_of_which_a_piece_is_another(sound: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(sound)))
    read_all(sound[:at] + data.draw(st.binary(max_size=4)) + sound[at + data.draw(st.integers(0, 4)) :])


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(BUNDLE)), VALUES)
def test_a_bundle_of_which_a_key_is_another(key: str, item: object) -> None:
    read_all(json.dumps({**BUNDLE, key: item}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["roots", "checkpoint", "leaf", "value", "line"]), st.data())
def test_a_bundle_of_which_something_inside_is_another(key: str, data: st.DataObject) -> None:
    inner = b64decode(BUNDLE[key])
    at = data.draw(st.integers(0, len(inner)))
    changed = inner[:at] + data.draw(st.binary(max_size=3)) + inner[at + data.draw(st.integers(0, 3)) :]
    read_all(json.dumps({**BUNDLE, key: b64encode(changed).decode()}, sort_keys=True, separators=(",", ":")).encode())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(MADE.leaves) - 1), st.sampled_from(sorted(json.loads(MADE.leaves[3]))), VALUES)
def test_a_leaf_that_can_be_read_is_written_as_it_was(index: int, key: str, item: object) -> None:
    data = json.dumps({**json.loads(MADE.leaves[index]), key: item}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        leaf = read_leaf(data, where="leaf")
    except Refused:
        return
    assert write_leaf(leaf) == data
