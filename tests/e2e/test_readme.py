"""The README is done as a newcomer would do it: each command of its tour, in order, in an empty home; what it shows is compared with what comes."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tools.picture import STAGES

pytest.importorskip("ziglang", reason="the compilers are not installed")
pytest.importorskip("mpp_registry", reason="the registry is not installed")

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS_MAX = 600
PORT = "8801"
LEFT_OUT = "…"


class Typed(NamedTuple):
    """One command, and what the README shows of its output."""

    line: str
    shown: tuple[str, ...]


class Came(NamedTuple):
    code: int
    lines: tuple[str, ...]


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def tour() -> list[Typed]:
    found: list[Typed] = []
    for kind, text in blocks():
        if kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                line, *shown = part.rstrip("\n").split("\n")
                found.append(Typed(line, tuple(shown)))
    return found


def masked(line: str, home: str = "") -> str:
    """Without what differs from run to run: digests, sizes, moments, ports, the home. Small numbers stay."""
    line = line.replace(home, "/home/ada") if home else line
    line = re.sub(r"\b(?:[0-9a-f]{4} ){3,}[0-9a-f]{4}\b", "PRINT", line)
    line = re.sub(r"(?<![0-9A-Za-z])(?:pub_)?(?=[0-9a-f]*\d)[0-9a-f]{8,}", "HEX", line)
    line = re.sub(r"\[([A-Z_]+)-[a-z]{8}\]", r"[\1-PSEUDONYM]", line)
    return re.sub(r"(?<![A-Za-z\d])\d[\d,]{2,}", "NUMBER", line)


def fits(shown: tuple[str, ...], came: tuple[str, ...]) -> bool:
    """Line for line; ``…`` stands for any number of lines."""
    if not shown:
        return not came
    if shown[0] == LEFT_OUT:
        return any(fits(shown[1:], came[at:]) for at in range(len(came) + 1))
    return bool(came) and shown[0] == came[0] and fits(shown[1:], came[1:])


class Shell:
    """A person's shell: where they are, and what runs beside it."""

    def __init__(self, home: Path) -> None:
        self.home, self.at = home, home
        self.beside: list[subprocess.Popen[str]] = []
        self.readers: list[threading.Thread] = []
        bin_folder = Path(sys.executable).parent
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("MPP_", "COVERAGE")) and name not in {"FORCE_COLOR", "NO_COLOR"}}
        self.environment = {**kept, "HOME": str(home), "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": str(cache_of(home))}
        self.port = free_port()

    def type(self, typed: Typed) -> Came:
        line = typed.line.replace(PORT, self.port)
        if line == ". .venv/bin/activate":
            return Came(0, ())
        if line.startswith("cd "):
            self.at /= line[3:]
            return Came(0, ())
        if line.endswith(" &"):
            return self._beside(line.removesuffix(" &"), typed.shown[0].replace(PORT, self.port))
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.at, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS_MAX, check=False
        )  # fmt: skip
        return Came(done.returncode, tuple(done.stdout.splitlines()))

    def _beside(self, line: str, first: str) -> Came:
        """What runs on; until it has said the line that the README shows first."""
        process = subprocess.Popen(
            line.split(), cwd=self.at, env={**self.environment, "PYTHONUNBUFFERED": "1"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )  # fmt: skip
        self.beside.append(process)
        lines: list[str] = []
        for text in process.stdout or ():
            lines.append(text.rstrip("\n"))
            if lines[-1] == first:
                break
        # Nobody else reads what it says from here on, and a full pipe would stop it.
        self.readers.append(threading.Thread(target=_drain, args=(process,)))
        self.readers[-1].start()
        return Came(0, tuple(lines))

    def leave(self) -> None:
        for process in self.beside:
            process.terminate()
            process.wait(30)
        for reader in self.readers:
            reader.join(30)


def _drain(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None:
        with process.stdout as stream:
            stream.read()


def cache_of(home: Path) -> Path:
    """What builds fetch is taken from the cache of whoever runs the tests: nothing is downloaded twice."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    usual = Path(given) if given else Path.home() / ".cache"
    return usual if usual.is_dir() else home / ".cache"


def free_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Typed, Came]]]:
    """The whole tour, up to the first command that did not do what the README says; the home and the port are masked."""
    shell = Shell(tmp_path_factory.mktemp("newcomer"))
    found: list[tuple[Typed, Came]] = []
    try:
        for typed in tour():
            came = shell.type(typed)
            found.append((typed, Came(came.code, tuple(masked(line.replace(shell.port, PORT), str(shell.home)) for line in came.lines))))
        yield found
    finally:
        shell.leave()


def test_every_block_is_one_that_is_tested() -> None:
    assert {kind for kind, _ in blocks()} == {"console", "sh", "text"}
    assert tour()[0].line == ". .venv/bin/activate"
    assert len(tour()) > 15


def test_what_is_shown_is_what_comes(done: list[tuple[Typed, Came]]) -> None:
    for typed, came in done:
        shown = tuple(map(masked, typed.shown))
        assert fits(shown, came.lines), f"{typed.line}\nshown:\n" + "\n".join(shown) + "\ncame:\n" + "\n".join(came.lines)


def test_what_is_refused_is_shown_as_refused(done: list[tuple[Typed, Came]]) -> None:
    """A command fails exactly where the README shows an error."""
    assert [(typed.line, came.code != 0) for typed, came in done] == [(typed.line, any(line.startswith("error:") for line in typed.shown)) for typed, _ in done]


def test_the_comparison_can_fail() -> None:
    assert fits(("a", LEFT_OUT, "b"), ("a", "x", "y", "b"))
    assert not fits(("a",), ("a", "b"))
    assert not fits(("a", LEFT_OUT, "c"), ("a", "b"))
    assert masked("entry 7 of 8 in /tmp/x/.mpp", "/tmp/x") == "entry 7 of 8 in /home/ada/.mpp"
    assert masked("sha256:5607d98f46b84cc0 13,152 bytes [EMAIL-cdsnbfgt]") == "sha256:HEX NUMBER bytes [EMAIL-PSEUDONYM]"
    assert masked("verified at the end") == "verified at the end"


def test_the_set_up_commands_are_targets() -> None:
    lines = [line.partition("#")[0].split() for kind, text in blocks() if kind == "sh" for line in text.splitlines()]
    assert [words[0] for words in lines] == ["make", "make"]
    if shutil.which("make") is None:
        pytest.skip("there is no make here")
    for words in lines:
        # Dry: what they do is shown by the tests of the demo, and by this run of the tests.
        assert subprocess.run([*words, "-n"], cwd=ROOT, capture_output=True, check=False, timeout=60).returncode == 0


def test_the_picture_in_text_has_the_stages_of_the_picture() -> None:
    text = next(text for kind, text in blocks() if kind == "text")
    first = text.splitlines()[0]
    assert [word.strip() for word in first.split("->")] == [".mpp", *(name.lower() for _, name, _ in STAGES), "agent"]
    assert max(map(len, text.splitlines())) <= 100


def test_a_newcomer_reads_it_in_two_minutes() -> None:
    """Prose and tables at 250 words a minute would be five; what is read from the top to the end of the tour is two."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    top = BLOCK.sub("", readme.partition("## What it promises")[0])
    assert len(top.split()) < 400
    assert len(readme.splitlines()) < 200
