"""Rotation: the next root version, and what stands in the folder afterwards."""

from __future__ import annotations

import contextlib
import stat
import threading
from pathlib import Path

import pytest

from mpp.author import rotate as module
from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, fitting_key, load_chain, load_signer, make_publisher
from mpp.author.rotate import Plan, Rotation, match_keys, read_public, rotate, rotate_folder
from mpp.crypto import keyfile
from mpp.crypto.base64text import encode
from mpp.crypto.ed25519 import key_id
from mpp.crypto.roots import RootChain, extend, root_body
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.system import SystemRandom
from mpp.testing.keys import fixed_signer, publisher

RANDOM = SystemRandom()
WORDS = b"correct " + b"horse"
ADA = publisher("Ada")
NEW, NEW_ROOT = fixed_signer("new"), fixed_signer("new root")
OLD_RELEASE, OLD_ROOT = ADA.release[0], ADA.root[0]


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile.write_key, "__kwdefaults__", {"ops": 1, "memory": keyfile.ARGON_BYTES_MIN})


def code_of(fault: pytest.ExceptionInfo[MppError]) -> str:
    assert fault.value.hint
    return fault.value.code


def test_a_release_key_is_added() -> None:
    chain = rotate(ADA.chain, Rotation(add_release=(NEW.public_key,)), ADA.root)
    assert set(chain.newest.role("release").keys) == {key_id(NEW.public_key), *ADA.release_ids}
    assert (chain.newest.version, chain.newest.role("release").threshold, chain.newest.revoked) == (2, 1, ())


def test_a_release_key_is_replaced_and_revoked() -> None:
    change = Rotation(add_release=(NEW.public_key,), remove=ADA.release_ids, revoke_reason="lost")
    chain = rotate(ADA.chain, change, ADA.root)
    assert chain.newest.role("release").keys == (key_id(NEW.public_key),)
    assert [(one.key, one.reason) for one in chain.newest.revoked] == [(ADA.release_ids[0], "lost")]
    again = rotate(chain, Rotation(add_release=(fixed_signer("newer").public_key,)), ADA.root)
    assert again.newest.revoked == chain.newest.revoked


def test_a_root_key_is_replaced() -> None:
    change = Rotation(add_root=(NEW_ROOT.public_key,), remove=("pub_" + key_id(OLD_ROOT.public_key)[:16],))
    chain = rotate(ADA.chain, change, (OLD_ROOT, NEW_ROOT))
    assert chain.newest.role("root").keys == (key_id(NEW_ROOT.public_key),)
    with pytest.raises(Refused) as fault:
        rotate(ADA.chain, change, (OLD_ROOT,))
    assert code_of(fault) == "signature.root_threshold"


def test_the_optional_role_is_kept() -> None:
    roles = {"root": ((OLD_ROOT.public_key,), 1), "release": ((OLD_RELEASE.public_key,), 1), "publish-approve": ((NEW.public_key,), 1)}
    chain = rotate(extend(None, root_body(1, "Ada", roles), ADA.root), Rotation(add_root=(NEW_ROOT.public_key,)), ADA.root)  # type: ignore[arg-type]
    assert chain.newest.role("publish-approve").keys == (key_id(NEW.public_key),)


def test_thresholds_change_only_when_asked() -> None:
    chain = rotate(ADA.chain, Rotation(add_release=(NEW.public_key,), release_threshold=2), ADA.root)
    assert chain.newest.role("release").threshold == 2
    less = Rotation(remove=(key_id(NEW.public_key),))
    with pytest.raises(Refused) as fault:
        rotate(chain, less, ADA.root)
    assert code_of(fault) == "key.threshold"
    assert rotate(chain, Rotation(remove=less.remove, release_threshold=1), ADA.root).newest.role("release").threshold == 1
    chain = rotate(ADA.chain, Rotation(add_root=(NEW_ROOT.public_key,), root_threshold=2), (OLD_ROOT, NEW_ROOT))
    assert chain.newest.role("root").threshold == 2


@pytest.mark.parametrize("gone", [ADA.release_ids[0], key_id(OLD_ROOT.public_key)])
def test_no_role_is_emptied(gone: str) -> None:
    with pytest.raises(Refused) as fault:
        rotate(ADA.chain, Rotation(remove=(gone,)), ADA.root)
    assert code_of(fault) == "key.role"


@pytest.mark.parametrize("wanted", ["", "pub_", "f" * 64, "x"])
def test_no_key_is_guessed(wanted: str) -> None:
    with pytest.raises(Refused) as fault:
        match_keys(ADA.chain, (wanted,))
    assert code_of(fault) == "key.unknown"


@pytest.mark.parametrize("length", [64, 16, 8])
def test_keys_are_matched(length: int) -> None:
    full = ADA.release_ids[0]
    assert match_keys(ADA.chain, (full[:length], "pub_" + full[:length].upper())) == (full, full)


def test_a_public_key_as_text() -> None:
    assert read_public(encode(NEW.public_key)) == NEW.public_key


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 43 + "=", encode(NEW.public_key)[:-1], encode(NEW.public_key) + "\n", "\x1b[2J"])
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(Refused) as fault:
        read_public(text)
    assert code_of(fault) == "key.public"


# --- in a folder


@pytest.mark.parametrize("keep_old", [False, True])
@pytest.mark.parametrize("passphrase", [None, WORDS])
def test_a_new_release_key_in_the_folder(tmp_path: Path, keep_old: bool, passphrase: bytes | None) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    after = rotate_folder(str(tmp_path), root, RANDOM, passphrase, Plan(keep_old=keep_old))
    assert load_chain(str(tmp_path / CHAIN_FILE)) == after.chain
    assert after.chain.begins_with(made.chain)
    own = tmp_path / f"publisher-{after.release_key[:8]}.key"
    assert key_id(load_signer(str(own), "release", passphrase).public_key) == after.release_key
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    usual = load_signer(str(tmp_path / RELEASE_FILE), "release", None if keep_old else passphrase)
    assert key_id(usual.public_key) == (made.release_key if keep_old else after.release_key)
    assert set(after.chain.newest.role("release").keys) == ({made.release_key, after.release_key} if keep_old else {after.release_key})


def test_a_new_root_key_in_the_folder(tmp_path: Path) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    old = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    after = rotate_folder(str(tmp_path), old, RANDOM, None, Plan(new_root=True))
    new = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    assert after.chain.newest.role("root").keys == (key_id(new.public_key),) != made.chain.newest.role("root").keys
    assert after.chain.newest.role("release") == made.chain.newest.role("release")
    assert after.release_key == made.release_key


def test_a_further_signer_joins_and_none_is_made(tmp_path: Path) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    after = rotate_folder(str(tmp_path), root, RANDOM, None, Plan(add=(NEW.public_key,), keep_old=True, threshold=2))
    assert set(after.chain.newest.role("release").keys) == {made.release_key, key_id(NEW.public_key)}
    assert after.chain.newest.role("release").threshold == 2
    assert after.files == (CHAIN_FILE,)


def test_an_interrupted_rotation_loses_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever write is the last, the chain on disk names only keys that are on disk too."""
    make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    real, left = module.write_atomic, 0

    def limited(path: str, data: bytes, mode: int, *, replace: bool = True) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise HostFailed("host.file", "the power is gone")
        real(path, data, mode, replace=replace)

    monkeypatch.setattr(module, "write_atomic", limited)
    for count in range(3):
        left = count
        with pytest.raises(HostFailed):
            rotate_folder(str(tmp_path), root, RANDOM, None, Plan())
        chain = load_chain(str(tmp_path / CHAIN_FILE))
        found = {key_id(load_signer(str(path), "release", None).public_key) for path in tmp_path.glob("publisher*.key") if path.name != ROOT_FILE}
        assert set(chain.newest.role("release").keys) <= found


def test_two_rotations_at_once_come_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the lock both read version 1, and both write a version 2."""
    first = make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    real, both, seen = module.load_chain, threading.Barrier(2, timeout=0.5), []

    def slow(path: str) -> RootChain:
        chain = real(path)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        seen.append(chain.newest.version)
        return chain

    monkeypatch.setattr(module, "load_chain", slow)
    threads = [threading.Thread(target=rotate_folder, args=(str(tmp_path), root, RANDOM, None, Plan())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = real(str(tmp_path / CHAIN_FILE))
    assert (sorted(seen), after.newest.version) == ([1, 2], 3)
    assert after.begins_with(first.chain)


def test_a_chain_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def refuse(_: RootChain) -> None:
        raise Refused("key.stale", "a newer one is known", hint="find it")

    with pytest.raises(Refused):
        rotate_folder(str(tmp_path), root, RANDOM, None, Plan(), check=refuse)
    (tmp_path / "rotate.lock").unlink()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_old_root_key_rotates_nothing(tmp_path: Path) -> None:
    make_publisher("Ada", str(tmp_path), RANDOM, None)
    old = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    rotate_folder(str(tmp_path), old, RANDOM, None, Plan(new_root=True))
    with pytest.raises(Refused) as fault:
        rotate_folder(str(tmp_path), old, RANDOM, None, Plan())
    assert code_of(fault) == "key.not_root"


@pytest.mark.parametrize(("usual", "plan"), [(RELEASE_FILE, Plan()), (ROOT_FILE, Plan(new_root=True))])
def test_the_old_key_is_kept_aside(tmp_path: Path, usual: str, plan: Plan) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    old = (tmp_path / usual).read_bytes()
    old_id = made.release_key if usual == RELEASE_FILE else key_id(root.public_key)
    after = rotate_folder(str(tmp_path), root, RANDOM, None, plan)
    aside = tmp_path / f"{usual.removesuffix('.key')}-{old_id[:8]}.key"
    assert (tmp_path / usual).read_bytes() != old
    assert aside.read_bytes() == old
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert aside.name in after.files


def test_a_key_aside_is_not_overwritten_either(tmp_path: Path) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    root = load_signer(str(tmp_path / ROOT_FILE), "root", None)
    aside = tmp_path / f"publisher-{made.release_key[:8]}.key"
    aside.write_bytes(b"something else")
    before = (tmp_path / CHAIN_FILE).read_bytes(), (tmp_path / RELEASE_FILE).read_bytes()
    with pytest.raises(Refused) as fault:
        rotate_folder(str(tmp_path), root, RANDOM, None, Plan())
    assert code_of(fault) == "key.exists"
    assert before == ((tmp_path / CHAIN_FILE).read_bytes(), (tmp_path / RELEASE_FILE).read_bytes())
    assert aside.read_bytes() == b"something else"
    aside.write_bytes((tmp_path / RELEASE_FILE).read_bytes())
    rotate_folder(str(tmp_path), root, RANDOM, None, Plan())


def test_the_key_that_fits_is_found(tmp_path: Path) -> None:
    made = make_publisher("Ada", str(tmp_path), RANDOM, None)
    (tmp_path / "a.key").write_bytes(b"no key")
    assert fitting_key(str(tmp_path), made.chain) == str(tmp_path / RELEASE_FILE)
    assert fitting_key(str(tmp_path), ADA.chain) is None
    assert fitting_key(str(tmp_path / "absent"), made.chain) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Rotation(add_release=(OLD_RELEASE.public_key,)), "key.revoked"),
        (Rotation(add_root=(OLD_RELEASE.public_key,)), "key.revoked"),
        (Rotation(add_release=(OLD_ROOT.public_key,)), "key.role"),
        (Rotation(add_root=(NEW.public_key,)), "key.role"),
    ],
)
def test_keys_that_no_reader_would_take(change: Rotation, code: str) -> None:
    chain = rotate(ADA.chain, Rotation(add_release=(NEW.public_key,), remove=ADA.release_ids, revoke_reason="lost"), ADA.root)
    with pytest.raises(Refused) as fault:
        rotate(chain, change, ADA.root)
    assert code_of(fault) == code
