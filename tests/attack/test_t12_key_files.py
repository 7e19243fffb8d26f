"""T12, planted key files: a file that stalls the machine, signs with another key, or is used for another role."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, load_signer, make_publisher
from mpp.cli.app import run
from mpp.crypto import keyfile
from mpp.crypto.keyfile import ARGON_BYTES_MAX, ARGON_BYTES_MIN, ARGON_OPS_MAX, KEY_FILE_BYTES_MAX, read_key, write_key
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.system import SystemRandom
from mpp.testing.packages import unsigned

WORDS = b"correct " + b"horse"


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "keys"
    make_publisher("Ada", str(folder), SystemRandom(), None)
    (tmp_path / "p.mpp").write_bytes(unsigned())
    monkeypatch.chdir(tmp_path)
    return folder


def sealed(**changes: object) -> bytes:
    document = json.loads(write_key(bytes(32), "release", WORDS, SystemRandom(), ops=1, memory=ARGON_BYTES_MIN))
    document["sealed"] |= changes
    return json.dumps(document).encode()


PLANTED = {
    "a month of passes": {"ops": 2**31},
    "all memory": {"memory_bytes": 2**40},
    "a bit more than allowed, memory": {"memory_bytes": ARGON_BYTES_MAX + 1},
    "a bit more than allowed, passes": {"ops": ARGON_OPS_MAX + 1},
    "no work at all": {"ops": 0},
    "no memory at all": {"memory_bytes": 0},
    "negative": {"ops": -1},
    "a number as text": {"ops": "1"},
    "a fraction": {"ops": 1.5},
    "another derivation": {"kdf": "pbkdf2"},
    "no derivation": {"kdf": "none"},
    "another cipher": {"cipher": "aes-ecb"},
}


@pytest.mark.parametrize("changes", PLANTED.values(), ids=PLANTED.keys())
def test_planted_parameters_are_refused_before_any_work(changes: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: object) -> bytes:
        pytest.fail("the derivation began")

    data = sealed(**changes)
    monkeypatch.setattr(keyfile, "_derive", work)
    with pytest.raises(Refused) as refusal:
        read_key(data, where="k")
    assert refusal.value.code.startswith("key.")


def test_the_dearest_parameters_that_are_allowed_can_be_named() -> None:
    assert read_key(sealed(ops=ARGON_OPS_MAX, memory_bytes=ARGON_BYTES_MAX), where="k").sealed


@pytest.mark.parametrize("size", [KEY_FILE_BYTES_MAX + 1, 10**7])
def test_a_large_file_is_not_read(tmp_path: Path, size: int) -> None:
    (tmp_path / "k").write_bytes(b" " * size)
    with pytest.raises(Refused):
        load_signer(str(tmp_path / "k"), "release", None)


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_file_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "k"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path = Path("/dev/zero")
    with pytest.raises(HostFailed):
        load_signer(str(path), "release", None)


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_swapped_public_half_signs_nothing(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = json.loads((keys / ROOT_FILE).read_text())["public"]
    edit(keys / RELEASE_FILE, public=other)
    before = Path("p.mpp").read_bytes()
    assert run(["sign", "p.mpp"]) == 3
    assert "key.mismatch" in capsys.readouterr().err
    assert Path("p.mpp").read_bytes() == before


def test_a_swapped_seed_signs_nothing(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(keys / RELEASE_FILE, seed=json.loads((keys / ROOT_FILE).read_text())["seed"])
    assert run(["sign", "p.mpp"]) == 3
    assert "key.mismatch" in capsys.readouterr().err


def test_the_root_key_signs_no_package(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sign", "p.mpp", "-k", str(keys / ROOT_FILE)]) == 3
    assert "key.role" in capsys.readouterr().err


def test_a_root_key_renamed_to_release_signs_no_package(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The word in the file is not what decides: the root document does."""
    edit(keys / ROOT_FILE, role="release")
    assert run(["sign", "p.mpp", "-k", str(keys / ROOT_FILE)]) == 3
    assert "key.not_release" in capsys.readouterr().err


def test_a_planted_key_signs_nothing_for_this_publisher(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (keys / RELEASE_FILE).write_bytes(write_key(bytes(32), "release", None, SystemRandom()))
    assert run(["sign", "p.mpp"]) == 3
    assert "key.not_release" in capsys.readouterr().err


def test_a_planted_root_document_is_refused(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = (keys / CHAIN_FILE).read_bytes()
    (keys / CHAIN_FILE).write_bytes(data.replace(b'"Ada"', b'"Eve"'))
    assert run(["sign", "p.mpp"]) == 3, "no package is to blame"
    assert "trust.roots" in capsys.readouterr().err


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077])
def test_private_keys_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        make_publisher("Ada", str(tmp_path / "keys"), SystemRandom(), None)
    finally:
        os.umask(before)
    for name in (ROOT_FILE, RELEASE_FILE):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) & 0o077 == 0


def test_a_seed_is_in_no_message(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = json.loads((keys / RELEASE_FILE).read_text())["seed"]
    for changes in ({"seed": seed + "A"}, {"role": seed}, {seed: 1}, {"alg": seed}):
        text = json.dumps(json.loads((keys / RELEASE_FILE).read_text()) | changes)
        with pytest.raises(MppError) as fault:
            read_key(text.encode(), where="k")
        if changes == {"seed": seed + "A"}:
            assert seed[:20] not in str([tuple(one) for one in fault.value.faults])
    assert seed not in repr(capsys.readouterr())


def test_a_passphrase_is_never_taken_from_the_command_line(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sign", "p.mpp", "--passphrase", "x"]) == 2
    assert run(["keygen", "--passphrase", "x"]) == 2
    capsys.readouterr()


def test_without_a_terminal_a_passphrase_is_refused_and_never_guessed(keys: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    (keys / RELEASE_FILE).write_bytes(sealed())
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
    assert run(["sign", "p.mpp"]) == 2
    assert "usage.passphrase" in capsys.readouterr().err
