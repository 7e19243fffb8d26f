"""The map of the registry: what it proves, and that every change of a proof is seen."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from mpp.errors import Refused
from mpp.ledger import keymap
from mpp.ledger.keymap import EMPTY, MapProof


class Kept(dict[bytes, bytes]):
    """Nodes in memory. It counts how often it is asked."""

    asked = 0

    def read(self, paths: Sequence[bytes]) -> Mapping[bytes, bytes]:
        self.asked += 1
        return {path: self[path] for path in paths if path in self}


def key_of(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def made(entries: Mapping[bytes, bytes]) -> Kept:
    return Kept(keymap.nodes_of({key: sha256(item).digest() for key, item in entries.items()}))


def near(number: int, bits: int = 4) -> bytes:
    """A key that differs from its neighbours only in its last bits."""
    return (int.from_bytes(key_of("near")) >> bits << bits | number).to_bytes(32)


KEYS = st.one_of(st.integers(0, 15).map(near), st.integers(0, 30).map(key_of), st.binary(min_size=32, max_size=32))
ENTRIES = st.dictionaries(KEYS, st.binary(max_size=8), max_size=24)


@settings(max_examples=30, deadline=None)
@given(ENTRIES, st.lists(KEYS, max_size=6))
def test_a_map_that_grew_equals_one_that_was_made_at_once(entries: dict[bytes, bytes], strangers: list[bytes]) -> None:
    kept = Kept()
    for key, item in entries.items():
        change = keymap.update(kept, key, b"before")
        kept.update(change.nodes)
        change = keymap.update(kept, key, item)
        kept.update(change.nodes)
        assert keymap.root_in(kept) == change.root
    root = keymap.root_of_map(entries)
    assert keymap.root_in(kept) == root
    assert kept == made(entries), "no node stays that does not belong there"
    together = keymap.update_all(Kept(), entries)
    assert (together.root, together.nodes) == (root, dict(kept))
    for key in [*entries, *strangers]:
        proof = keymap.prove(kept, key)
        assert keymap.proves(root, key, entries.get(key), proof)
        assert keymap.read_proof(keymap.write_proof(proof), where="proof") == proof
        # What is there is not absent, what is absent has no value, and no value is another.
        assert not keymap.proves(root, key, None if key in entries else b"x", proof)
        assert not keymap.proves(root, key, b"another value", proof)
        found = keymap.value_hash(kept, key)
        assert found == (sha256(entries[key]).digest() if key in entries else None)


def test_an_empty_map() -> None:
    proof = keymap.prove(Kept(), key_of(1))
    assert proof == MapProof(siblings=(), is_empty=True)
    assert keymap.root_in(Kept()) == keymap.root_of_map({}) == EMPTY
    assert keymap.proves(EMPTY, key_of(1), None, proof)
    assert not list(keymap.nodes_of({}))


def test_one_entry_is_its_leaf() -> None:
    root = keymap.root_of_map({key_of(1): b"one"})
    assert root == sha256(b"\x02" + key_of(1) + sha256(b"one").digest()).digest()
    two = {b"\x00" * 32: b"a", b"\x80" + b"\x00" * 31: b"b"}
    leaves = [sha256(b"\x02" + key + sha256(item).digest()).digest() for key, item in two.items()]
    assert keymap.root_of_map(two) == sha256(b"\x03" + leaves[0] + leaves[1]).digest()


def test_the_store_is_asked_once_or_twice() -> None:
    kept = made({key_of(i): b"x" for i in range(300)})
    for key in (key_of(5), key_of("new")):
        kept.asked = 0
        change = keymap.update(kept, key, b"y")
        assert kept.asked == 1
        assert len(change.nodes) < 30
    assert len(keymap.prove(kept, key_of(5)).siblings) < 24


def test_keys_that_differ_in_their_last_bit() -> None:
    entries = {near(0): b"0", near(1): b"1"}
    kept, root = made(entries), keymap.root_of_map(entries)
    proof = keymap.prove(kept, near(1))
    assert len(proof.siblings) == 256
    assert proof.siblings[:255] == (EMPTY,) * 255
    assert len(keymap.write_proof(proof)) == 3 + 32 + 32
    assert keymap.proves(root, near(1), b"1", proof)
    assert keymap.proves(root, near(2), None, keymap.prove(kept, near(2)))


def sample() -> tuple[bytes, dict[bytes, bytes], Kept]:
    entries = {key_of(i): b"value %d" % i for i in range(40)}
    return keymap.root_of_map(entries), entries, made(entries)


@pytest.mark.parametrize("name", [3, "stranger 0", "stranger 1", "stranger 2", "stranger 3"])
def test_no_byte_of_a_proof_can_be_changed(name: object) -> None:
    root, entries, kept = sample()
    key = key_of(name)
    data = keymap.write_proof(keymap.prove(kept, key))
    for at in range(len(data)):
        for flip in (1, 0x80):
            bad = data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :]
            try:
                proof = keymap.read_proof(bad, where="proof")
            except Refused as fault:
                assert fault.code == "registry.proof_form"
                continue
            assert not keymap.proves(root, key, entries.get(key), proof)


def test_a_proof_of_one_key_is_none_of_another() -> None:
    root, entries, kept = sample()
    for i in range(40):
        other = keymap.prove(kept, key_of((i + 1) % 40))
        assert not keymap.proves(root, key_of(i), entries[key_of(i)], other)
        assert not keymap.proves(root, key_of(i), None, other)
        # The leaf of the key itself, and one from elsewhere, passed off as what stands in its place.
        mine = keymap.prove(kept, key_of(i))
        for found in (key_of(i), key_of((i + 1) % 40)):
            leaf = (found, sha256(entries[found]).digest())
            assert not keymap.proves(root, key_of(i), None, MapProof(siblings=mine.siblings, other=leaf))


def test_a_proof_has_one_meaning() -> None:
    root, entries, kept = sample()
    key = key_of(3)
    proof = keymap.prove(kept, key)
    assert not keymap.proves(root, key, entries[key], MapProof(siblings=proof.siblings, is_empty=True))
    assert not keymap.proves(root, key[:-1], entries[key], proof)
    leaf = (key_of(4), bytes(32))
    assert not keymap.proves(root, key, None, MapProof(siblings=proof.siblings, other=leaf, is_empty=True))
    assert not keymap.proves(root, key, None, MapProof(siblings=()))
    long = MapProof(siblings=(root,) * 257, other=leaf)
    assert not keymap.proves(root, key, None, long)
    assert not keymap.proves(root, key, b"x", MapProof(siblings=(root,) * 257))


def test_an_entry_deeper_than_it_must_be_is_refused() -> None:
    key = bytes(32)
    leaf = sha256(b"\x02" + key + sha256(b"v").digest()).digest()
    deep = sha256(b"\x03" + leaf + EMPTY).digest()
    assert not keymap.proves(deep, key, b"v", MapProof(siblings=(EMPTY,)))


def changed(data: bytes, at: int, to: bytes) -> bytes:
    return data[:at] + to + data[at + len(to) :]


def test_a_proof_has_one_form() -> None:
    _, _, kept = sample()
    good = keymap.write_proof(keymap.prove(kept, key_of(3)))
    depth = int.from_bytes(good[1:3])
    assert depth % 8, "the sample has spare bits"
    spare = bytes([good[3 + depth // 8] | 1])
    written_out = b"\x00\x00\x01\x80" + EMPTY
    bad = [
        b"",
        good[:-1],
        good + b"\x00",
        good[:2],
        changed(good, 0, b"\x03"),
        changed(good, 1, b"\x01\x01"),
        changed(good, 3 + depth // 8, spare),
        written_out,
    ]
    for data in bad:
        with pytest.raises(Refused) as caught:
            keymap.read_proof(data, where="proof")
        assert caught.value.code == "registry.proof_form"


def test_a_map_whose_nodes_were_changed_is_not_gone_on_with() -> None:
    _, _, kept = sample()
    key = key_of(3)
    depth = len(keymap.prove(kept, key).siblings)
    for path in (keymap.path_of(key, depth), keymap.path_of(key, depth - 1)):
        for node in (None, b"\x02" + key + bytes(32), b"\x03" + bytes(64)):
            bad = Kept(kept)
            bad.pop(path)
            if node is not None:
                bad[path] = node
            with pytest.raises(Refused) as caught:
                keymap.update(bad, key, b"x")
            assert caught.value.code == "registry.map"


def test_a_map_without_an_end() -> None:
    # Each node is the one that its parent names, down to the last bit and below it.
    node, nodes = b"\x03" + b"\x01" * 64, Kept()
    for depth in range(256, -1, -1):
        nodes[keymap.path_of(bytes(32), depth)] = node
        node = b"\x03" + sha256(node).digest() + EMPTY
    with pytest.raises(Refused, match="belongs there"):
        keymap.prove(nodes, bytes(32))


def test_a_key_of_another_length() -> None:
    with pytest.raises(Refused) as caught:
        keymap.update(Kept(), b"short", b"x")
    assert caught.value.code == "registry.map"


def way_in_a_large_map(entries: int, random: Random) -> MapProof:
    """The proof of one of so many random keys, as long as a true one.

    Of those that share the way so far each goes on beside the key with a chance of one half, which a random bit of its own decides: that is how a map of
    random keys comes about, and no other entry matters to the proof. The hashes are made up.
    """
    beside: list[bytes] = []
    left = entries - 1
    while left:
        on_way = random.getrandbits(left).bit_count()
        beside.append(random.randbytes(32) if left - on_way else EMPTY)
        left = on_way
    return MapProof(siblings=tuple(beside))


@pytest.mark.parametrize(("entries", "mean"), [(1_000_000, 870), (10_000_000, 1020)])
def test_a_proof_of_a_large_map_is_small(entries: int, mean: int) -> None:
    random = Random(entries)
    proofs = [way_in_a_large_map(entries, random) for _ in range(40)]
    absent = MapProof(siblings=max(proofs, key=lambda one: len(one.siblings)).siblings, other=(bytes(32), bytes(32)))
    sizes = [len(b64encode(keymap.write_proof(proof))) for proof in (*proofs, absent)]
    assert max(sizes) <= 1500
    assert abs(sum(sizes) / len(sizes) - mean) < 40
