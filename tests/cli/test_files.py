"""Files as an attacker or a bad day leaves them: what is no file, what has a strange name, what cannot be written."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from pathlib import Path

import pytest

from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.testing import packages
from tests.cli.conftest import Mpp

COMMANDS = (["verify"], ["inspect"], ["sign"], ["trust", "add"])


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(TOTAL_BYTES_MAX + 1)


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


SHAPES = {
    "fifo": (_fifo, {1}),
    "folder": (Path.mkdir, {1, 2}),
    "empty": (Path.touch, {11}),
    "huge": (_huge, {12}),
    "link to itself": (_loop, {1, 2}),
    "device": (lambda path: path.symlink_to("/dev/zero"), {1}),
}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_no_package_is_refused_at_once(process: Mpp, keys: Path, words: list[str], shape: str) -> None:
    make, codes = SHAPES[shape]
    make(Path("a.mpp"))
    done = process(*words, "a.mpp", "--json", timeout=120)
    assert done.code in codes, done.out
    assert done.json["error"]["exit_code"] == done.code
    assert done.err == ""


def test_what_may_not_be_read(process: Mpp, unsigned: Path) -> None:
    unsigned.chmod(0)
    if os.access(unsigned, os.R_OK):
        pytest.skip("this user may read everything")
    assert process("verify", unsigned, "--json").json["error"]["code"] == "host.file"


@pytest.mark.parametrize("name", [b"\xff\xfe.mpp", b"a b'\"$x.mpp", "naïve-名.mpp".encode(), b"-k.mpp", b"x\n\x1b[2J.mpp"])
def test_strange_names_are_names(process: Mpp, keys: Path, name: bytes) -> None:
    Path(os.fsdecode(name)).write_bytes(packages.unsigned())
    signed = process("sign", "--", name)
    assert (signed.code, signed.err) == (0, "")
    verified = process("verify", "--json", "--", name)
    assert (verified.code, os.fsencode(verified.json["file"])) == (0, name)
    assert process("inspect", "--", name).code == 0


NEWEST = [
    (["1.9.0", "1.10.0"], "1.10.0"),
    (["1.0.0-rc.1", "1.0.0"], "1.0.0"),
    (["1.0.0-rc.2", "1.0.0-rc.10", "0.9.0"], "1.0.0-rc.10"),
    (["2.0.0", "10.0.0", "9.9.9"], "10.0.0"),
]


@pytest.mark.parametrize(("versions", "newest"), NEWEST)
@pytest.mark.parametrize("name", ["hello.mpp", "hello", "./hello.mpp"])
def test_a_name_means_the_newest_version(mpp: Mpp, versions: list[str], newest: str, name: str) -> None:
    for version in versions:
        Path(f"hello-{version}.mpp").write_bytes(packages.unsigned({"version": version}))
    Path("hello-world-99.0.0.mpp").write_bytes(b"another tool")
    Path("hello-latest.mpp").write_bytes(b"no version")
    assert mpp("inspect", name, "--json").json["manifest"]["version"] == newest
    Path("hello.mpp").write_bytes(packages.unsigned({"version": "0.0.1"}))
    assert mpp("inspect", "hello.mpp", "--json").json["manifest"]["version"] == "0.0.1", "a file of the exact name comes first"


def test_without_file_outside_a_project(mpp: Mpp) -> None:
    for words in (["verify"], ["inspect"], ["sign"]):
        assert mpp(*words).code == 2
    Path("manifest.json").write_text("{")
    assert mpp("verify").code == 16


def test_a_folder_that_is_gone(process: Mpp, signed: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'rmdir "$PWD"; exec "$0" -m mpp "$@"'
    import subprocess

    for words, code in ((["verify"], 1), (["build"], 1), (["init", "x"], 1), (["keygen", "--no-passphrase"], 3), (["verify", str(signed.resolve())], 0)):
        gone.mkdir(exist_ok=True)
        done = subprocess.run(["sh", "-c", script, sys.executable, *words], cwd=gone, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stderr


def test_a_user_without_home(process: Mpp, unsigned: Path) -> None:
    done = process("keygen", "--no-passphrase", "--json", env={"MPP_HOME": "~nobody-of-this-name/x"})
    assert (done.code, done.json["error"]["code"]) == (1, "host.home")
    assert not [one for one in Path().iterdir() if one.name.startswith("~")]


def test_a_home_that_cannot_be_written_still_verifies(process: Mpp, signed: Path, home: Path) -> None:
    for folder in (home / "trust", home):
        folder.chmod(0o500)
    try:
        assert process("verify", signed).code == 0
    finally:
        for folder in (home, home / "trust"):
            folder.chmod(0o700)


@pytest.mark.parametrize(
    "words", [["sign", "hello.mpp"], ["keygen", "--rotate", "--no-passphrase"], ["init", "other"], ["keygen", "-o", "fresh", "--no-passphrase"]], ids=" ".join
)
def test_a_full_disk_leaves_the_old_files(process: Mpp, keys: Path, unsigned: Path, home: Path, words: list[str]) -> None:
    """Each file may have 100 bytes, so that every write breaks off in its middle."""

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for place in (Path(), home) for path in place.rglob("*") if path.is_file() and path.suffix != ".lock"}

    before = everything()
    done = process(*words, "--json", preexec_fn=little_room, env={"PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.code, done.json["error"]["code"]) == (1, "host.file"), done
    assert everything() == before


def test_a_damaged_trust_document_is_never_taken_for_nobody(mpp: Mpp, signed: Path, home: Path) -> None:
    path = home / "trust" / "trust.json"
    for damage in (b"", b"{}", path.read_bytes()[:-20], b"\xff\xfe"):
        path.write_bytes(damage)
        for words in (["verify", signed], ["trust", "list"], ["trust", "add", signed, "--fingerprint", "0" * 64]):
            answer = mpp(*words, "--json")
            assert (answer.code, answer.json["error"]["stage"]) == (3, "host"), words
        assert path.read_bytes() == damage


def test_output_onto_a_folder(mpp: Mpp, keys: Path, unsigned: Path) -> None:
    Path("folder").mkdir()
    assert mpp("sign", unsigned, "-o", "folder").code == 2
    assert mpp("sign", unsigned, "-o", "absent/x.mpp").code == 1
    shutil.rmtree("folder")
