"""T08, lax Ed25519: a signature that stands here and falls there, or that has a second form.

Three public sets of vectors run through ``mpp.crypto.ed25519.verifies``; the library ``cryptography`` (OpenSSL) is the
second opinion. Where the two differ, each difference belongs to one of these classes:

| class               | we      | OpenSSL | why we refuse                                                              |
|---------------------|---------|---------|----------------------------------------------------------------------------|
| key of small order  | refuse  | may accept | one signature fits many messages under such a key                       |
| key of mixed order  | refuse  | may accept | with and without the cofactor the verdict differs                       |
| key not canonical   | refuse  | may accept | a key with two byte forms has two ids                                   |
| R of small order    | refuse  | may accept | only a signer that chose its nonce badly, or a forger, makes one        |

In no class do we accept what OpenSSL refuses.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mpp.crypto.ed25519 import valid_public, verifies

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
WEAK_KEY = {"low_order_A", "low_order_component_A", "non_canonical_A"}
WEAK_R = {"low_order_R", "non_canonical_R"}


class Vector(NamedTuple):
    key: bytes
    message: bytes
    signature: bytes
    label: str
    flags: frozenset[str]


def openssl(vector: Vector) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(vector.key).verify(vector.signature, vector.message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ours(vector: Vector) -> bool:
    return verifies(vector.key, vector.message, vector.signature)


def wycheproof(shared: Path) -> list[Vector]:
    found = []
    for group in json.loads((shared / "vectors/ed25519/ed25519_test.json").read_text())["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        found += [Vector(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), test["result"], frozenset(test["flags"])) for test in group["tests"]]
    return found


def cctv(shared: Path) -> list[Vector]:
    rows = json.loads((shared / "vectors/ed25519/cctv-ed25519/ed25519vectors.json").read_text())
    return [
        Vector(bytes.fromhex(row["key"]), row["msg"].encode(), bytes.fromhex(row["sig"]), str(row["number"]), frozenset(row["flags"] or ())) for row in rows
    ]


def speccheck(shared: Path) -> list[Vector]:
    rows = json.loads((shared / "vectors/ed25519/speccheck/cases.json").read_text())
    return [
        Vector(bytes.fromhex(row["pub_key"]), bytes.fromhex(row["message"]), bytes.fromhex(row["signature"]), str(i), frozenset()) for i, row in enumerate(rows)
    ]


def test_wycheproof_as_published(shared: Path) -> None:
    vectors = wycheproof(shared)
    assert len(vectors) == 151
    wrong = [vector.label for vector in vectors if ours(vector) is not (vector.label == "valid")]
    assert wrong == []


def test_wycheproof_in_agreement_with_openssl(shared: Path) -> None:
    vectors = wycheproof(shared)
    assert [vector for vector in vectors if ours(vector) is not openssl(vector)] == []
    assert 0 < sum(map(ours, vectors)) < len(vectors)


def test_cctv_takes_only_what_is_strict(shared: Path) -> None:
    """The set lists verdicts that implementations differ in; its flags say why. A strict verifier accepts exactly the
    vectors in which nothing about key or R is odd and the equation holds without the cofactor."""
    vectors = cctv(shared)
    assert len(vectors) == 914
    strict = [
        vector
        for vector in vectors
        if not vector.flags & (WEAK_KEY | WEAK_R) and "low_order_residue" not in vector.flags and "low_order_component_R" not in vector.flags
    ]
    accepted = [vector for vector in vectors if ours(vector)]
    assert accepted == strict
    assert accepted, "the set holds at least one sound signature"


@pytest.mark.parametrize("flag", sorted(WEAK_KEY | WEAK_R | {"low_order_residue", "reencoded_k"}))
def test_cctv_no_flagged_vector_passes(shared: Path, flag: str) -> None:
    flagged = [vector for vector in cctv(shared) if flag in vector.flags]
    assert flagged
    assert [vector.label for vector in flagged if ours(vector)] == []


def test_cctv_weak_keys_are_no_keys(shared: Path) -> None:
    for vector in cctv(shared):
        assert valid_public(vector.key) is not bool(vector.flags & WEAK_KEY), vector.label


SPECCHECK = {
    0: (False, "S = 0, key and R of small order"),
    1: (False, "0 < S < L, key of small order"),
    2: (False, "R of small order"),
    3: (False, "key and R of mixed order; both equations hold"),
    4: (False, "only the equation with the cofactor holds"),
    5: (False, "only the equation with the cofactor holds, computed in another order"),
    6: (False, "S > L"),
    7: (False, "S far above L"),
    8: (False, "R is not canonical and of small order, reduced for the hash"),
    9: (False, "R is not canonical and of small order, hashed as it stands"),
    10: (False, "key is not canonical and of small order, reduced for the hash"),
    11: (False, "key is not canonical and of small order, hashed as it stands"),
}
"""Case number: our verdict, and what the case is. Each has one thing that a strict verifier refuses."""


@pytest.mark.parametrize("number", SPECCHECK)
def test_speccheck(shared: Path, number: int) -> None:
    assert ours(speccheck(shared)[number]) is SPECCHECK[number][0]


def why(vector: Vector) -> str:
    """The class of a vector, from its bytes alone; see the table above."""
    if int.from_bytes(vector.key, "little") & (2**255 - 1) >= P or vector.key in {b"\1" + bytes(30) + b"\x80", b"\xec" + b"\xff" * 31}:
        return "key not canonical"
    if not valid_public(vector.key):
        return "key of small or mixed order"
    if vector.signature[:32] in SMALL_ORDER:
        return "R of small order"
    return "no reason"


SMALL_ORDER = {
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
}


def test_every_disagreement_with_openssl_is_explained(shared: Path) -> None:
    vectors = [*wycheproof(shared), *cctv(shared), *speccheck(shared)]
    differing = [vector for vector in vectors if ours(vector) is not openssl(vector)]
    assert [vector for vector in differing if ours(vector)] == [], "we accept nothing that OpenSSL refuses"
    classes = Counter(map(why, differing))
    assert set(classes) <= {"key of small or mixed order", "key not canonical", "R of small order"}
    assert classes, "without a disagreement this test would show nothing"
    assert openssl(vectors[0]), "the second opinion works"


def test_no_signature_has_a_second_form(shared: Path) -> None:
    """S + L, S + 2L and so on are the same number to a careless verifier."""
    sound = [vector for vector in wycheproof(shared) if ours(vector)]
    for vector in sound:
        s = int.from_bytes(vector.signature[32:], "little")
        for times in range(1, 16):
            if s + times * L < 2**256:
                again = vector._replace(signature=vector.signature[:32] + (s + times * L).to_bytes(32, "little"))
                assert not ours(again)
