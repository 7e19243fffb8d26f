from __future__ import annotations

import json

import pytest
from nacl.exceptions import RuntimeError as SodiumError

from mpp.crypto import keyfile
from mpp.crypto.ed25519 import SeedSigner
from mpp.crypto.keyfile import ARGON_BYTES_MAX, ARGON_BYTES_MIN, ARGON_OPS_MAX, KEY_FILE_BYTES_MAX, open_key, read_key, write_key
from mpp.errors import HostFailed, Refused
from mpp.model.jsontext import Json, canonical
from mpp.testing.packages import TestRandom

SEED = bytes(range(32))
WORDS = b"correct " + b"horse"
PLAIN = write_key(SEED, "release", None, TestRandom())
SEALED = write_key(SEED, "release", WORDS, TestRandom(), ops=1, memory=ARGON_BYTES_MIN)


def changed(data: bytes, path: str, item: Json) -> bytes:
    document = json.loads(data)
    at = document
    *steps, last = path.split("/")
    for step in steps:
        at = at[step]
    if item is None:
        del at[last]
    else:
        at[last] = item
    return canonical(document) + b"\n"


@pytest.mark.parametrize("role", ["root", "release"])
@pytest.mark.parametrize("passphrase", [None, WORDS, b"", "größe".encode()])
def test_a_key_comes_back(role: str, passphrase: bytes | None) -> None:
    data = write_key(SEED, role, passphrase, TestRandom(), ops=1, memory=ARGON_BYTES_MIN)
    key = read_key(data, where="k")
    assert (key.role, key.sealed) == (role, passphrase is not None)
    assert open_key(key, passphrase, where="k").public_key == SeedSigner(SEED).public_key


def test_a_sealed_file_does_not_hold_the_seed() -> None:
    assert keyfile.base64text.encode(SEED).encode() in PLAIN
    assert keyfile.base64text.encode(SEED).encode() not in SEALED
    assert SEED not in SEALED


def test_new_files_use_the_strong_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def derive(passphrase: bytes, salt: bytes, ops: int, memory: int) -> bytes:
        seen.append((ops, memory))
        return bytes(32)

    monkeypatch.setattr(keyfile, "_derive", derive)
    write_key(SEED, "root", WORDS, TestRandom())
    assert seen == [(3, 256 * 1024 * 1024)]


@pytest.mark.parametrize("passphrase", [b"", WORDS + b" ", WORDS.upper()])
def test_a_wrong_passphrase_opens_nothing(passphrase: bytes) -> None:
    with pytest.raises(Refused) as refusal:
        open_key(read_key(SEALED, where="k"), passphrase, where="k")
    assert refusal.value.code == "key.passphrase"


def test_a_sealed_key_needs_a_passphrase() -> None:
    with pytest.raises(Refused, match="sealed with a passphrase"):
        open_key(read_key(SEALED, where="k"), None, where="k")


def test_a_plain_key_needs_none() -> None:
    assert open_key(read_key(PLAIN, where="k"), WORDS, where="k").sign(b"x") == SeedSigner(SEED).sign(b"x")


WRONG = {
    "not JSON": (b"ssh-ed25519 AAAA", "key.json"),
    "too large": (b" " * (KEY_FILE_BYTES_MAX + 1), "key.length"),
    "another version": (changed(PLAIN, "mpp_key", 2), "key.range"),
    "another algorithm": (changed(PLAIN, "alg", "rsa"), "key.choice"),
    "another role": (changed(PLAIN, "role", "admin"), "key.choice"),
    "a short seed": (changed(PLAIN, "seed", "AAAA"), "key.base64"),
    "a short public key": (changed(PLAIN, "public", "AAAA"), "key.base64"),
    "an unknown key": (changed(PLAIN, "comment", "x"), "key.unknown_key"),
    "no seed at all": (changed(PLAIN, "seed", None), "key.missing"),
    "a seed beside the seal": (changed(SEALED, "seed", json.loads(PLAIN)["seed"]), "key.type"),
    "a seal that is a list": (changed(SEALED, "sealed", []), "key.type"),
    "another derivation": (changed(SEALED, "sealed/kdf", "md5"), "key.choice"),
    "another cipher": (changed(SEALED, "sealed/cipher", "none"), "key.choice"),
    "a short salt": (changed(SEALED, "sealed/salt", "AAAA"), "key.base64"),
    "a short nonce": (changed(SEALED, "sealed/nonce", "AAAA"), "key.base64"),
    "a short box": (changed(SEALED, "sealed/box", "AAAA"), "key.base64"),
    "no passes": (changed(SEALED, "sealed/ops", 0), "key.range"),
    "many passes": (changed(SEALED, "sealed/ops", ARGON_OPS_MAX + 1), "key.range"),
    "little memory": (changed(SEALED, "sealed/memory_bytes", ARGON_BYTES_MIN - 1), "key.range"),
    "much memory": (changed(SEALED, "sealed/memory_bytes", ARGON_BYTES_MAX + 1), "key.range"),
    "an unknown key of the seal": (changed(SEALED, "sealed/hint", "my dog"), "key.unknown_key"),
}


@pytest.mark.parametrize(("data", "code"), WRONG.values(), ids=WRONG.keys())
def test_any_other_file_is_refused_before_it_is_opened(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_key(data, where="k")
    assert code in {fault.code for fault in refusal.value.faults}


def test_swapped_halves_are_noticed() -> None:
    other = json.loads(write_key(bytes(32), "release", None, TestRandom()))["public"]
    with pytest.raises(Refused) as refusal:
        open_key(read_key(changed(PLAIN, "public", other), where="k"), None, where="k")
    assert refusal.value.code == "key.mismatch"


@pytest.mark.parametrize(("path", "item"), [("role", "root"), ("public", json.loads(write_key(bytes(32), "root", None, TestRandom()))["public"])])
def test_the_seal_binds_role_and_public_half(path: str, item: str) -> None:
    with pytest.raises(Refused) as refusal:
        open_key(read_key(changed(SEALED, path, item), where="k"), WORDS, where="k")
    assert refusal.value.code == "key.passphrase"


def test_too_little_memory_is_no_wrong_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise SodiumError("Unexpected failure in key derivation")

    monkeypatch.setattr(keyfile.bindings, "crypto_pwhash_alg", fail)
    with pytest.raises(HostFailed) as failure:
        open_key(read_key(SEALED, where="k"), WORDS, where="k")
    assert failure.value.code == "host.memory"
    with pytest.raises(HostFailed):
        write_key(SEED, "root", WORDS, TestRandom())
