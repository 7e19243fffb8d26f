"""Runs a tutorial as a reader would: its commands in a shell, its files written, its edits made, and what it shows compared with what comes.

A comment in front of a block says what a reader does with it; the site does not show it:

    <!-- file: PATH -->            the block is that file
    <!-- after: PATH :: TEXT -->   the block goes behind the first line that holds TEXT
    <!-- instead: PATH :: TEXT --> the block takes the place of the first line that holds TEXT
    <!-- end: PATH -->             the block goes to the end of that file
    <!-- exit: N -->               the last command of the block ends with N
    <!-- keep: NAME = REGEX -->    NAME, in all that follows, stands for what REGEX finds in the output
    <!-- server: PORT -->          the command goes on in a second terminal; wait until it answers at PORT
    <!-- type: WORD -->            at a terminal, type WORD
    <!-- here: COMMAND -->         the tests do this instead, because it would fetch or compile for minutes
    <!-- not run: REASON -->       the tests leave it out

In what a tutorial shows, ``…`` stands for anything. Lines may be left out, but a line that stands there must have come.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "tutorials"
COMMAND_SECONDS_MAX = 400
SERVER_SECONDS_MAX = 60
_BLOCK = re.compile(r"((?:^<!-- [^\n]* -->\n)*)^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"^<!-- ([\w ]+): (.*) -->$", re.MULTILINE)
WORDS = frozenset(("file", "end", "after", "instead", "exit", "keep", "server", "type", "here", "not run"))


class Block(NamedTuple):
    """A block of code, with what is said of it."""

    kind: str
    text: str
    said: Mapping[str, str]


class Step(NamedTuple):
    """A command, and what the page shows of its output."""

    command: str
    shown: tuple[str, ...]


def blocks(page: str) -> Iterator[Block]:
    for comments, kind, text in _BLOCK.findall(page):
        said = dict(_WORD.findall(comments))
        assert set(said) <= WORDS, said
        yield Block(kind, text, said)


def steps(text: str) -> list[Step]:
    found: list[tuple[str, list[str]]] = []
    for line in text.replace("\\\n", "\\\0").splitlines():
        if line.startswith("$ "):
            found.append((line[2:].replace("\\\0", "\\\n"), []))
        elif line.strip():
            assert found, f"a console block begins with a command: {line}"
            found[-1][1].append(line.strip())
    return [Step(command, tuple(shown)) for command, shown in found]


def missing(shown: tuple[str, ...], output: str) -> list[str]:
    """The lines that a page shows and that did not come."""
    lines = [line.strip() for line in output.splitlines()]
    patterns = [(line, re.compile(".*".join(re.escape(part) for part in line.split("…")))) for line in shown]
    return [line for line, pattern in patterns if not any(pattern.fullmatch(one) for one in lines)]


@dataclass
class Reader:
    """Somebody who follows one page, in a folder and with a home of their own."""

    folder: Path
    environment: dict[str, str]
    port: int = 0
    names: dict[str, str] = field(default_factory=dict)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def follow(self, page: str) -> None:
        (self.folder / ".state").write_text(f"cd {shlex.quote(str(self.folder))}\n", encoding="utf-8")
        for block in blocks(page):
            if "not run" in block.said:
                continue
            if block.kind == "console":
                self._do(block)
            else:
                self._write(block)

    def close(self) -> None:
        for server in self.servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)

    def _meant(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def _do(self, block: Block) -> None:
        if "server" in block.said:
            self._serve(block)
            return
        found = [Step(block.said["here"], ())] if "here" in block.said else steps(block.text)
        for number, step in enumerate(found):
            code, output = self._run(self._meant(step.command), block.said.get("type"))
            self.told.append(f"$ {self._meant(step.command)}\n{output}")
            expected = int(block.said.get("exit", 0)) if number == len(found) - 1 else 0
            assert code == expected, f"{step.command} ended with {code}\n" + "\n".join(self.told[-4:])
            self._keep(block, output)
            lost = missing(tuple(map(self._meant, step.shown)), output)
            assert not lost, f"{step.command} did not say {lost}\n{output}"
        if "keep" in block.said:
            assert block.said["keep"].partition(" = ")[0] in self.names, self.told[-1]

    def _keep(self, block: Block, output: str) -> None:
        name, _, pattern = block.said.get("keep", "").partition(" = ")
        kept = re.search(pattern, output) if name else None
        if kept:
            self.names[name] = kept[1].strip()

    def _run(self, command: str, typed: str | None) -> tuple[int, str]:
        """One command in a shell that goes on where the last one was: folder and exported variables."""
        state = self.folder / ".state"
        kept = f'code=$?; {{ export -p; echo "cd \\"$PWD\\""; }} > {shlex.quote(str(state))}; exit $code'
        script = f". {shlex.quote(str(state))}\n{command}\n{kept}"
        words = ["sh", "-c", script]
        if typed is not None:
            return self._at_terminal(words, typed)
        done = subprocess.run(
            words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS_MAX, check=False
        )
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def _at_terminal(self, words: list[str], typed: str) -> tuple[int, str]:
        """At a terminal of its own; what is typed is typed when the last line shown asks for it, because what came before is thrown away."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(["setsid", "--ctty", "--wait", *words], env=self.environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen, end, left = b"", time.monotonic() + COMMAND_SECONDS_MAX, typed.split()
        while time.monotonic() < end:
            ready, _, _ = select.select([ours], [], [], 1.0)
            try:
                data = os.read(ours, 1 << 16) if ready else b""
            except OSError:  # the other end is closed
                break
            if ready and not data:
                break
            seen += data
            if left and seen.endswith(b": "):
                os.write(ours, left.pop(0).encode() + b"\n")
        os.close(ours)
        return process.wait(30), seen.decode("utf-8", "replace").replace("\r\n", "\n")

    def _serve(self, block: Block) -> None:
        port = block.said["server"]
        if port not in self.names:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.names[port] = str(free.getsockname()[1])
        (step,) = steps(block.text)
        script = f". {shlex.quote(str(self.folder / '.state'))}\n{self._meant(step.command)}"
        log = self.folder / f"server-{len(self.servers)}.log"
        with log.open("wb") as stream:
            self.servers.append(
                subprocess.Popen(["sh", "-c", script], env=self.environment, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True)
            )
        self._wait(int(self.names[port]), log)
        end = time.monotonic() + SERVER_SECONDS_MAX
        lost = list(step.shown)
        while lost and time.monotonic() < end:  # it listens before it has said all
            self._keep(block, log.read_text(encoding="utf-8"))
            lost = missing(tuple(map(self._meant, step.shown)), log.read_text(encoding="utf-8"))
            time.sleep(0.05)
        assert not lost, f"{step.command} did not say {lost}\n{log.read_text(encoding='utf-8')}"

    def _wait(self, port: int, log: Path) -> None:
        end = time.monotonic() + SERVER_SECONDS_MAX
        while time.monotonic() < end and self.servers[-1].poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"no server at {port}: {log.read_text(encoding='utf-8')}")

    def _write(self, block: Block) -> None:
        for word in ("file", "end", "after", "instead"):
            if word in block.said:
                name, _, mark = block.said[word].partition(" :: ")
                path = Path(self._here()) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                before = path.read_text(encoding="utf-8") if word != "file" else ""
                more = self._meant(block.text)
                path.write_text(before + more if word in {"file", "end"} else _edited(before, mark, more, after=word == "after"), encoding="utf-8")

    def _here(self) -> str:
        return self._run("pwd", None)[1].strip()


def _edited(text: str, mark: str, more: str, *, after: bool) -> str:
    lines = text.splitlines(keepends=True)
    places = [number for number, line in enumerate(lines) if mark in line]
    assert places, f"no line holds {mark!r}:\n{text}"
    at = places[0]
    return "".join((*lines[: at + after], more, *lines[at + 1 :]))


def surroundings(home: Path) -> dict[str, str]:
    """A home that knows nothing, with the caches and compilers of this machine."""
    own = Path.home()
    kept = {"XDG_CACHE_HOME": own / ".cache", "RUSTUP_HOME": own / ".rustup", "CARGO_HOME": own / ".cargo"}
    known = {name: os.environ.get(name, str(path)) for name, path in kept.items() if name in os.environ or path.is_dir()}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MPP_", "COV_", "PYTHON"))}
    more = {"HOME": str(home), "PATH": path, "NO_COLOR": "1", "COLUMNS": "200", "LAYERS": str(ROOT / "build" / "layers"), "CHECKOUT": str(ROOT)}
    home.mkdir()
    return {**clean, **known, **more}
