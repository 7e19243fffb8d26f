"""Ways to call the command line: in this process for most, as a real process where streams, signals or modules count."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mpp.cli.app import run
from mpp.testing import packages
from tests.cli.terminal import Terminal

EXECUTABLE = [sys.executable, "-m", "mpp"]
SECONDS_MAX = 300


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as exactly one JSON object."""
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


Mpp = Callable[..., Answer]


@pytest.fixture(autouse=True)
def plain_surroundings(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own home and folder, and nothing of the caller's settings."""
    for name in ("SOURCE_DATE_EPOCH", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def mpp(capsys: pytest.CaptureFixture[str]) -> Mpp:
    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    return call


@pytest.fixture
def process() -> Mpp:
    """The same, as a process without a terminal; keywords go to subprocess.run."""

    def call(*words: object, env: Mapping[str, str] | None = None, **more: Any) -> Answer:
        given = {"stdin": subprocess.DEVNULL, "timeout": SECONDS_MAX, **more}
        done = subprocess.run(
            [*EXECUTABLE, *map(os.fsdecode, words)],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
            env={**os.environ, **(env or {})},
            **given,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def terminal() -> Callable[..., Terminal]:
    def call(*words: object) -> Terminal:
        return Terminal([*EXECUTABLE, *map(str, words)], env={**os.environ, "TERM": "xterm"}, cwd=Path.cwd())

    return call


@pytest.fixture
def keys(mpp: Mpp, home: Path, compiled: Path) -> Path:
    """A publisher of this home, with unsealed keys; the folder. The home knows the expressions of the privacy filter, compiled."""
    assert mpp("keygen", "--name", "Ada Example", "--no-passphrase").code == 0
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    (home / "cache").chmod(0o700)
    return home / "keys"


@pytest.fixture
def unsigned() -> Path:
    path = Path("hello-0.1.0.mpp")
    path.write_bytes(packages.unsigned())
    return path


@pytest.fixture
def signed(mpp: Mpp, keys: Path, unsigned: Path) -> Path:
    """Signed by this home's own publisher."""
    assert mpp("sign", unsigned, "--now", packages.NOW).code == 0
    return unsigned


@pytest.fixture
def strange() -> Path:
    """A sound package of a publisher that this home does not know."""
    path = Path("strange-0.1.0.mpp")
    path.write_bytes(packages.signed())
    return path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of `mpp init hello`, built once. Tests that change it take a copy."""
    pytest.importorskip("ziglang", reason="the C compiler for WebAssembly (PyPI: ziglang) is not installed")
    place = tmp_path_factory.mktemp("built")
    for words, where in ((["init", "hello", "--lang", "c"], place), (["build"], place / "hello")):
        subprocess.run([*EXECUTABLE, *words], cwd=where, check=True, stdin=subprocess.DEVNULL, timeout=SECONDS_MAX, capture_output=True)
    return place / "hello"
