"""The tree against the known answers of RFC 6962, against a naive writing of the text, and against every change of a bit."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.ledger.tree import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    range_root,
    root_from_inclusion,
    root_of,
)
from tests.unit.ledger import oracle

SIZE_MAX = 70
LEAVES = [oracle.leaf(number) for number in range(SIZE_MAX)]
ROOTS = [oracle.mth(LEAVES[:size]) for size in range(SIZE_MAX + 1)]
HASHES = oracle.Leaves(LEAVES)
PAIRS = [(old, size) for size in range(1, SIZE_MAX + 1) for old in range(1, size + 1)]

INPUTS = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Of the first 0 to 8 inputs, as the reference of certificate transparency has them."""


@pytest.mark.parametrize("size", range(9))
def test_the_known_trees(size: int) -> None:
    leaves = [leaf_hash(one) for one in INPUTS[:size]]
    assert root_of(leaves).hex() == KNOWN_ROOTS[size]
    assert range_root(oracle.Leaves(leaves), 0, size).hex() == KNOWN_ROOTS[size]


def test_the_known_hashes() -> None:
    assert EMPTY_ROOT.hex() == KNOWN_ROOTS[0]
    assert leaf_hash(b"").hex() == KNOWN_ROOTS[1]
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


KNOWN_PATHS = [
    (0, 1, ""),
    (0, 8, ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")),
    (5, 8, ("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")),
    (2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
]  # fmt: skip


@pytest.mark.parametrize(("seq", "size", "words"), KNOWN_PATHS)
def test_the_known_inclusion_proofs(seq: int, size: int, words: str) -> None:
    found = [bytes.fromhex(word) for word in words.split()]
    leaves = [leaf_hash(one) for one in INPUTS[:size]]
    assert inclusion_path(oracle.Leaves(leaves), seq, size) == found
    assert is_included(leaf_hash(INPUTS[seq]), seq, size, found, bytes.fromhex(KNOWN_ROOTS[size]))


KNOWN_PROOFS = [
    (1, 1, ""),
    (1, 8, ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7 5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e "
     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")),
    (6, 8, ("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0 "
     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7")),
    (2, 5, "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "size", "words"), KNOWN_PROOFS)
def test_the_known_consistency_proofs(old: int, size: int, words: str) -> None:
    found = [bytes.fromhex(word) for word in words.split()]
    leaves = [leaf_hash(one) for one in INPUTS[:size]]
    assert consistency_path(oracle.Leaves(leaves), old, size) == found
    assert is_consistent(old, bytes.fromhex(KNOWN_ROOTS[old]), size, bytes.fromhex(KNOWN_ROOTS[size]), found)


def test_all_proofs_of_small_trees_are_those_of_the_text() -> None:
    for size in range(1, SIZE_MAX + 1):
        leaves = LEAVES[:size]
        assert root_of(leaves) == range_root(HASHES, 0, size) == ROOTS[size]
        for seq in range(size):
            found = inclusion_path(HASHES, seq, size)
            assert found == oracle.path(seq, leaves)
            assert is_included(LEAVES[seq], seq, size, found, ROOTS[size])
    for old, size in PAIRS:
        found = consistency_path(HASHES, old, size)
        assert found == oracle.proof(old, LEAVES[:size])
        assert is_consistent(old, ROOTS[old], size, ROOTS[size], found)


def test_no_proof_fits_another_place_size_or_length() -> None:
    """Each proof is tried at every other place and size; with a hash more and one less."""
    for size in range(1, 34):
        for seq in range(size):
            found = inclusion_path(HASHES, seq, size)
            for other in range(34):
                assert is_included(LEAVES[seq], other, size, found, ROOTS[size]) == (other == seq)
            assert not is_included(LEAVES[seq], seq, size, [*found, LEAVES[0]], ROOTS[size])
            assert not is_included(LEAVES[seq], seq, size, found[:-1], ROOTS[size]) or not found
            for other in range(1, 34):
                if other != size:
                    assert not is_included(LEAVES[seq], seq, other, found, ROOTS[other])


def test_no_consistency_proof_fits_other_sizes_or_has_anything_left_over() -> None:
    for old, size in ((old, size) for old, size in PAIRS if size <= 34):
        found = consistency_path(HASHES, old, size)
        assert not is_consistent(old, ROOTS[old], size, ROOTS[size], [*found, LEAVES[0]])
        assert not is_consistent(old, ROOTS[old], size, ROOTS[size], [LEAVES[0], *found])
        if found:
            assert not is_consistent(old, ROOTS[old], size, ROOTS[size], found[:-1])
            assert not is_consistent(old, ROOTS[old], size, ROOTS[size], found[1:])
            assert not is_consistent(old, ROOTS[old], size, ROOTS[size], [])
            assert not is_consistent(size, ROOTS[size], old, ROOTS[old], found)
        for other in range(size + 1):
            if other != old:
                assert not is_consistent(other, ROOTS[other], size, ROOTS[size], found) or found == consistency_path(HASHES, other, size)


def flipped(data: bytes, bit: int) -> bytes:
    return bytes([*data[: bit // 8], data[bit // 8] ^ (1 << bit % 8), *data[bit // 8 + 1 :]])


pairs = st.sampled_from(PAIRS)
bits = st.integers(0, 255)


@given(pairs, bits, st.data())
def test_each_change_of_a_bit_breaks_a_consistency_proof(pair: tuple[int, int], bit: int, data: st.DataObject) -> None:
    old, size = pair
    found = consistency_path(HASHES, old, size)
    assert not is_consistent(old, flipped(ROOTS[old], bit), size, ROOTS[size], found)
    assert not is_consistent(old, ROOTS[old], size, flipped(ROOTS[size], bit), found)
    if found:
        at = data.draw(st.integers(0, len(found) - 1))
        assert not is_consistent(old, ROOTS[old], size, ROOTS[size], [*found[:at], flipped(found[at], bit), *found[at + 1 :]])


@given(pairs, bits, st.data())
def test_each_change_of_a_bit_breaks_an_inclusion_proof(pair: tuple[int, int], bit: int, data: st.DataObject) -> None:
    seq, size = pair[0] - 1, pair[1]
    found = inclusion_path(HASHES, seq, size)
    assert not is_included(flipped(LEAVES[seq], bit), seq, size, found, ROOTS[size])
    assert not is_included(LEAVES[seq], seq, size, found, flipped(ROOTS[size], bit))
    assert not is_included(LEAVES[seq], seq ^ (1 << bit % 7), size, found, ROOTS[size])
    assert not is_included(LEAVES[seq], seq + 2**64, size, found, ROOTS[size])
    if found:
        at = data.draw(st.integers(0, len(found) - 1))
        assert not is_included(LEAVES[seq], seq, size, [*found[:at], flipped(found[at], bit), *found[at + 1 :]], ROOTS[size])


@given(pairs, st.integers(0, SIZE_MAX - 1))
def test_a_tree_with_another_entry_does_not_follow(pair: tuple[int, int], at: int) -> None:
    """No proof that can be made over the other entries shows what is not so."""
    old, size = pair
    others = [*LEAVES[:size]]
    others[at % size] = sha256(b"another").digest()
    found = consistency_path(oracle.Leaves(others), old, size)
    assert is_consistent(old, ROOTS[old], size, oracle.mth(others), found) == (at % size >= old)


def test_the_empty_tree_begins_every_tree_and_has_one_root() -> None:
    assert consistency_path(HASHES, 0, 7) == []
    assert is_consistent(0, EMPTY_ROOT, 7, ROOTS[7], [])
    assert is_consistent(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    assert not is_consistent(0, EMPTY_ROOT, 0, ROOTS[1], [])
    assert not is_consistent(0, ROOTS[1], 7, ROOTS[7], [])
    assert not is_consistent(0, ROOTS[1], 0, ROOTS[1], [])
    assert not is_consistent(0, EMPTY_ROOT, 7, ROOTS[7], [LEAVES[0]])


def test_the_same_size_needs_the_same_root_and_no_proof() -> None:
    assert is_consistent(7, ROOTS[7], 7, ROOTS[7], [])
    assert not is_consistent(7, ROOTS[7], 7, ROOTS[6], [])
    assert not is_consistent(7, ROOTS[7], 7, ROOTS[7], [LEAVES[0]])


@pytest.mark.parametrize(("old", "size"), [(-1, 5), (6, 5), (5, -1), (3, 0)])
def test_sizes_that_cannot_be(old: int, size: int) -> None:
    assert not is_consistent(old, ROOTS[5], size, ROOTS[5], [])


@pytest.mark.parametrize(("seq", "size"), [(-1, 5), (5, 5), (0, 0), (6, 5)])
def test_places_that_cannot_be(seq: int, size: int) -> None:
    assert root_from_inclusion(LEAVES[0], seq, size, []) is None


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("cut", [0, 31, 33, 64])
def test_a_hash_of_another_length_is_no_hash(at: int, cut: int) -> None:
    found = consistency_path(HASHES, 6, 8)
    found[at] = (found[at] * 2)[:cut]
    assert not is_consistent(6, ROOTS[6], 8, ROOTS[8], found)


def test_a_range_may_be_empty() -> None:
    assert range_root(HASHES, 8, 8) == EMPTY_ROOT
    assert root_of([]) == EMPTY_ROOT
