"""Key files of the role vault: an X25519 key that opens and signs nothing."""

from __future__ import annotations

import json

import pytest

from mpp.crypto.ed25519 import SeedSigner
from mpp.crypto.keyfile import ARGON_BYTES_MIN, VAULT, open_key, open_private, read_key, write_key
from mpp.crypto.sealedbox import open_sealed, public_of, seal_to
from mpp.errors import Refused
from mpp.model.jsontext import canonical
from mpp.testing.packages import TestRandom

PRIVATE = bytes(range(32))
WORDS = b"correct horse"


@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_a_key_comes_back_and_opens_what_was_sealed_to_its_public_half(passphrase: bytes | None) -> None:
    key = read_key(write_key(PRIVATE, VAULT, passphrase, TestRandom(), ops=1, memory=ARGON_BYTES_MIN), where="k")
    assert (key.role, key.public, key.sealed) == (VAULT, public_of(PRIVATE), passphrase is not None)
    private = open_private(key, passphrase, where="k")
    assert open_sealed(private, seal_to(key.public, b"data")) == b"data"


def test_it_signs_nothing() -> None:
    key = read_key(write_key(PRIVATE, VAULT, None, TestRandom()), where="k")
    with pytest.raises(Refused) as caught:
        open_key(key, None, where="k")
    assert caught.value.code == "key.role"


@pytest.mark.parametrize(("role", "alg"), [(VAULT, "ed25519"), ("agent", "x25519")])
def test_a_role_has_one_kind_of_key(role: str, alg: str) -> None:
    document = json.loads(write_key(PRIVATE, role, None, TestRandom()))
    with pytest.raises(Refused) as caught:
        read_key(canonical({**document, "alg": alg}), where="k")
    assert caught.value.code == "key.choice"


def test_the_public_half_of_another_kind_is_no_half_of_it() -> None:
    document = json.loads(write_key(PRIVATE, VAULT, None, TestRandom()))
    signing = json.loads(write_key(PRIVATE, "agent", None, TestRandom()))
    assert signing["public"] != document["public"]
    assert SeedSigner(PRIVATE).public_key != public_of(PRIVATE)
    key = read_key(canonical({**document, "public": signing["public"]}), where="k")
    with pytest.raises(Refused) as caught:
        open_private(key, None, where="k")
    assert caught.value.code == "key.mismatch"
