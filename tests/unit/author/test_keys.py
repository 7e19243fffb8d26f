from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, key_is_sealed, load_chain, load_signer, make_publisher
from mpp.crypto import keyfile
from mpp.crypto.ed25519 import key_id
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.system import SystemRandom

RANDOM = SystemRandom()
WORDS = b"correct " + b"horse"
FILES = {ROOT_FILE, CHAIN_FILE, RELEASE_FILE}


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivation of a key from a passphrase is made cheap; its cost is tested with the key file."""
    monkeypatch.setattr(keyfile.write_key, "__kwdefaults__", {"ops": 1, "memory": keyfile.ARGON_BYTES_MIN})


def code_of(fault: pytest.ExceptionInfo[MppError]) -> str:
    assert fault.value.hint
    return fault.value.code


@pytest.mark.parametrize("passphrase", [None, WORDS])
@pytest.mark.parametrize("existing", [False, True])
def test_a_publisher_is_made(tmp_path: Path, passphrase: bytes | None, existing: bool) -> None:
    folder = tmp_path / "deep" / "keys"
    if existing:
        folder.mkdir(parents=True)
    made = make_publisher("Ada", str(folder), RANDOM, passphrase)
    assert set(made.files) == FILES == set(os.listdir(folder))
    assert os.listdir(folder.parent) == ["keys"]
    assert load_chain(str(folder / CHAIN_FILE)) == made.chain
    assert made.chain.newest.name == "Ada"
    for file, role in ((ROOT_FILE, "root"), (RELEASE_FILE, "release")):
        assert key_is_sealed(str(folder / file)) is (passphrase is not None)
        signer = load_signer(str(folder / file), role, passphrase)
        assert made.chain.newest.role(role).keys == (key_id(signer.public_key),)  # type: ignore[arg-type]
        assert stat.S_IMODE((folder / file).stat().st_mode) == 0o600
    assert made.chain.newest.role("release").keys == (made.release_key,)


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    make_publisher("Ada", str(tmp_path / "keys"), RANDOM, None)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("file", sorted(FILES))
def test_no_key_is_ever_overwritten(tmp_path: Path, file: str) -> None:
    (tmp_path / file).symlink_to("nowhere")
    with pytest.raises(Refused) as fault:
        make_publisher("Ada", str(tmp_path), RANDOM, None)
    assert code_of(fault) == "key.exists"
    assert os.listdir(tmp_path) == [file]


def test_two_publishers_differ(tmp_path: Path) -> None:
    one = make_publisher("Ada", str(tmp_path / "1"), RANDOM, None)
    two = make_publisher("Ada", str(tmp_path / "2"), RANDOM, None)
    assert one.chain.publisher_id != two.chain.publisher_id
    assert set(one.chain.newest.keys).isdisjoint(two.chain.newest.keys)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HostFailed):
        make_publisher("Ada", str(tmp_path / "file" / "keys"), RANDOM, None)


@pytest.mark.parametrize("name", ["", "x" * 101, "a\x1b[2J"])
def test_a_name_that_no_root_may_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        make_publisher(name, str(tmp_path / "keys"), RANDOM, None)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("file", "role"), [(ROOT_FILE, "release"), (RELEASE_FILE, "root")])
def test_a_key_of_the_wrong_role(tmp_path: Path, file: str, role: str) -> None:
    make_publisher("Ada", str(tmp_path), RANDOM, None)
    with pytest.raises(Refused) as fault:
        load_signer(str(tmp_path / file), role, None)
    assert code_of(fault) == "key.role"
