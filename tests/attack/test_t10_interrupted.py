"""T10, interrupted writes: killed at any moment, a command leaves the old file or the new one, never half.

A child process is killed with SIGKILL before each single line of our code that writes, and once more in the middle of
the bytes of each write.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mpp.author.keys import CHAIN_FILE, RELEASE_FILE, ROOT_FILE, load_chain, load_signer, make_publisher
from mpp.author.rotate import Plan, rotate_folder
from mpp.cli.app import run
from mpp.crypto.ed25519 import key_id
from mpp.files import write_atomic
from mpp.host.system import SystemRandom
from mpp.host.trust_store import TrustStore, with_publisher
from mpp.testing.keys import publisher
from mpp.testing.packages import files, signed, unsigned
from mpp.testing.wasm import module

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

WATCHED = ("/mpp/files.py", "/author/keys.py", "/author/rotate.py", "/host/trust_store.py", "/cli/commands/")
STEPS_MAX = 2000
OLD, NEW = b"old " * 500, b"new " * 1000


def killed_at(step: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a child that is killed before its ``step``-th watched line; False once it ran to its end."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        try:
            _in_child(step, act)
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def _in_child(step: int, act: Callable[[], object]) -> None:
    gc.disable()
    for number in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    left = step

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, event: str, _: Any) -> Any:
        return line if any(name in frame.f_code.co_filename for name in WATCHED) else None

    sys.settrace(call)
    act()
    sys.settrace(None)
    os._exit(0)


def at_every_step(act: Callable[[], object], reset: Callable[[], object], judge: Callable[[], object]) -> set[object]:
    """What ``judge`` says after a kill at each step. At least one step must exist, and the last run must be whole."""
    found: set[object] = set()
    for step in range(STEPS_MAX):
        reset()
        dead = killed_at(step, act)
        found.add(judge())
        if not dead:
            assert step > 5
            return found
    pytest.fail("the command never ended")


def clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_file_that_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "f"
    seen = at_every_step(lambda: write_atomic(str(path), NEW), lambda: path.write_bytes(OLD), path.read_bytes)
    assert seen == {OLD, NEW}


def test_a_file_that_must_not_exist(tmp_path: Path) -> None:
    path = tmp_path / "f"
    seen = at_every_step(
        lambda: write_atomic(str(path), NEW, replace=False), lambda: path.unlink(missing_ok=True), lambda: path.read_bytes() if path.exists() else None
    )
    assert seen == {None, NEW}


def test_a_kill_in_the_middle_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(OLD)

    class Dying(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
            return 0

    def act() -> None:
        os.fdopen = Dying  # type: ignore[assignment,misc]
        write_atomic(str(path), NEW)

    assert killed_at(10**6, act)
    assert path.read_bytes() == OLD
    write_atomic(str(path), NEW)
    assert path.read_bytes() == NEW


def sound_keys(folder: Path) -> str:
    """The state of a key folder; every file in it must be whole."""
    found = [name for name in (ROOT_FILE, CHAIN_FILE, RELEASE_FILE) if (folder / name).exists()]
    chain = load_chain(str(folder / CHAIN_FILE)) if CHAIN_FILE in found else None
    for name, role in ((ROOT_FILE, "root"), (RELEASE_FILE, "release")):
        if name in found:
            signer = load_signer(str(folder / name), role, None)
            assert chain is None or key_id(signer.public_key) in chain.newest.keys
            assert (folder / name).stat().st_mode & 0o077 == 0
    return " ".join(found)


def test_keys_in_a_new_folder_appear_all_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    seen = at_every_step(lambda: make_publisher("Ada", str(folder), SystemRandom(), None), lambda: clear(tmp_path), lambda: sound_keys(folder))
    assert seen == {"", f"{ROOT_FILE} {CHAIN_FILE} {RELEASE_FILE}"}


def test_keys_in_an_existing_folder_appear_whole_and_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "keys"

    def reset() -> None:
        clear(tmp_path)
        folder.mkdir()

    seen = at_every_step(lambda: make_publisher("Ada", str(folder), SystemRandom(), None), reset, lambda: sound_keys(folder))
    assert seen == {"", ROOT_FILE, f"{ROOT_FILE} {CHAIN_FILE}", f"{ROOT_FILE} {CHAIN_FILE} {RELEASE_FILE}"}


def test_a_rotation_loses_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    root = None

    def reset() -> None:
        nonlocal root
        clear(tmp_path)
        make_publisher("Ada", str(folder), SystemRandom(), None)
        root = load_signer(str(folder / ROOT_FILE), "root", None)

    def judge() -> int:
        chain = load_chain(str(folder / CHAIN_FILE))
        held = {key_id(load_signer(str(path), "release", None).public_key) for path in folder.glob("publisher*.key") if path.name != ROOT_FILE}
        assert set(chain.newest.role("release").keys) <= held
        return chain.newest.version

    assert at_every_step(lambda: rotate_folder(str(folder), root, SystemRandom(), None, Plan()), reset, judge) == {1, 2}  # type: ignore[arg-type]


def test_a_trust_document(tmp_path: Path) -> None:
    store = TrustStore(str(tmp_path / "trust" / "trust.json"))
    ada = publisher("Ada")
    seen = at_every_step(
        lambda: store.change(lambda state: with_publisher(state, ada.chain)), lambda: clear(tmp_path), lambda: frozenset(store.load().publishers)
    )
    assert seen == {frozenset(), frozenset((ada.id,))}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a ready module, and keys in a home of its own."""
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "manifest.json").write_bytes(files()["manifest.json"])
    (folder / "README.md").write_bytes(b"# hello\n")
    (tmp_path / "main.wasm").write_bytes(module())
    monkeypatch.chdir(folder)
    make_publisher("Ada", str(tmp_path / "home" / "keys"), SystemRandom(), None)
    return folder


def test_build_and_sign(project: Path) -> None:
    built = project / "hello-0.1.0.mpp"
    build = ["build", "--wasm", str(project.parent / "main.wasm")]
    assert run(build) == 0
    whole = built.read_bytes()
    seen = at_every_step(lambda: run(build), lambda: built.unlink(missing_ok=True), lambda: built.read_bytes() if built.exists() else None)
    assert seen == {None, whole}
    sign = ["sign", str(built), "--now", "2026-01-01"]
    assert run(sign) == 0
    sealed = built.read_bytes()
    assert at_every_step(lambda: run(sign), lambda: built.write_bytes(whole), built.read_bytes) == {whole, sealed}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", ["garbage", "broken", "unsound", "signed"])
def test_a_refused_file_is_written_nowhere(project: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = {"garbage": b"PK", "broken": unsigned()[:-1], "unsound": unsigned({"surprise": 1}), "signed": signed(publisher("Mallory"))}[kind]
    (project / "x.mpp").write_bytes(data)
    before = tree(project.parent)
    commands = (["sign", "x.mpp"], ["sign", "x.mpp", "-o", "y.mpp"], ["verify", "x.mpp"], ["trust", "add", "x.mpp"])
    assert all(run(command) != 0 for command in commands)
    run(["inspect", "x.mpp"])
    assert tree(project.parent) == before
