"""What the demo stands on: commands whose output is shown as it comes, a client that speaks MCP, a registry that ends with the demo."""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

MPP = [sys.executable, "-m", "mpp"]
STEP_SECONDS_MAX = 600
ANSWER_SECONDS_MAX = 120
LONG_SECONDS = 3.0
"""Seconds from which the time of a command is told. Reason: what takes less needs no excuse."""
SPIN_SECONDS = 0.5
SHOWN_CHARS = 480
COLUMNS_MAX, COLUMNS_MIN = 100, 24
STOPPED = 130


class Stopped(Exception):
    """What went wrong, for the person who watches."""


class Screen:
    """Wraps to the terminal, colours only for one, and shows that something long goes on."""

    def __init__(self, out: TextIO, environment: Mapping[str, str]) -> None:
        self._out = out
        self.is_terminal = out.isatty()
        plain = bool(environment.get("NO_COLOR")) or environment.get("TERM") == "dumb"
        self.has_colours = not plain and (self.is_terminal or environment.get("FORCE_COLOR", "0") not in {"", "0"})
        self._spinning = False

    @property
    def columns(self) -> int:
        return max(COLUMNS_MIN, min(COLUMNS_MAX, shutil.get_terminal_size((COLUMNS_MAX, 24)).columns - 1))

    def line(self, text: str = "", *, code: str = "", indent: str = "") -> None:
        """One line of ours, wrapped. What commands print is never wrapped by words, so that it stays as it is."""
        self.quiet()
        for piece in textwrap.wrap(text, self.columns, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]:
            self._put(f"\x1b[{code}m{piece}\x1b[0m" if code and self.has_colours else piece)

    def shown(self, text: str) -> None:
        self.quiet()
        self._put(f"   {text}")

    def spin(self, words: str) -> None:
        """On a terminal, one line that is written over."""
        if self.is_terminal:
            self._spinning = True
            print(f"\r   {words}"[: self.columns], end="", file=self._out, flush=True)

    def quiet(self) -> None:
        if self._spinning:
            self._spinning = False
            print("\r" + " " * self.columns + "\r", end="", file=self._out, flush=True)

    def _put(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        shown = text.encode(encoding, "backslashreplace").decode(encoding)
        print(shown, file=self._out, flush=True)


class Demo:
    """Runs commands in one folder and explains each step in a line."""

    def __init__(self, folder: Path, screen: Screen, environment: Mapping[str, str]) -> None:
        self.folder, self.screen = folder, screen
        cache = toolchain_cache(folder)
        kept = {name: text for name, text in environment.items() if not name.startswith("MPP_") and name not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
        # HOME too: `mpp connect` writes the settings of a client there, and those of the person who watches are no demo's business.
        self.environment = {**kept, "HOME": str(folder), "MPP_HOME": str(folder / "author-home"), "XDG_CACHE_HOME": str(cache), "PYTHONUNBUFFERED": "1"}
        self.environment |= {"FORCE_COLOR": "1"} if screen.has_colours else {"NO_COLOR": "1"}
        self.steps, self.begun = 0, time.monotonic()

    def explain(self, text: str) -> None:
        self.steps += 1
        self.screen.line()
        self.screen.line(f"{self.steps}. {text}", code="1;36")

    def run(self, command: str, where: Path, *, expected: int = 0, lines_max: int = 0) -> None:
        """Shown as it is typed, and its output as it comes. ``lines_max``: only so many of its lines, and how many more there are."""
        self.screen.shown(f"$ {command}")
        begun, more, shown = time.monotonic(), 0, 0
        words = shlex.split(command)
        words = [*MPP, *words[1:]] if words[0] == "mpp" else words
        with subprocess.Popen(words, cwd=where, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                for line in self._lines(process, begun):
                    shown += 1
                    if lines_max and shown > lines_max:
                        more += 1
                    else:
                        self.screen.shown(f"  {line}")
                process.wait()
            finally:
                # After Ctrl-C nothing of the demo goes on behind the prompt.
                if process.poll() is None:
                    end(process)
        if more:
            self.screen.shown(f"  … and {more} more line{'s' if more > 1 else ''}")
        self._told_time(begun)
        if process.returncode != expected:
            raise Stopped(f"{command!r} ended with {process.returncode}, expected {expected}")

    def _lines(self, process: subprocess.Popen[bytes], begun: float) -> Iterator[str]:
        """Whole lines as they come; between them, on a terminal, how long it has taken."""
        waiting = b""
        descriptor = process.stdout.fileno() if process.stdout else -1
        while True:
            if not select.select([descriptor], [], [], SPIN_SECONDS)[0]:
                if time.monotonic() - begun > STEP_SECONDS_MAX:
                    process.kill()
                    raise Stopped("a command did not end")
                self.screen.spin(f"… {time.monotonic() - begun:.0f} s")
                continue
            piece = os.read(descriptor, 65536)
            if not piece:
                break
            *whole, waiting = (waiting + piece).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
        if waiting:
            yield waiting.decode("utf-8", "replace")

    def _told_time(self, begun: float) -> None:
        taken = time.monotonic() - begun
        self.screen.quiet()
        if taken >= LONG_SECONDS:
            self.screen.shown(f"  ({taken:.1f} s)")

    def ask(self, command: str, where: Path, *steps: str | int) -> Any:
        """One value out of what a command says with ``--json``."""
        done = subprocess.run(
            [*MPP, *shlex.split(command)[1:]], cwd=where, env=self.environment, capture_output=True, text=True, timeout=STEP_SECONDS_MAX, check=False
        )
        if done.returncode != 0:
            raise Stopped(f"{command!r} ended with {done.returncode}: {done.stdout}{done.stderr}")
        found = json.loads(done.stdout)
        for step in steps:
            found = found[step]
        return found


def toolchain_cache(folder: Path) -> Path:
    """Where what builds fetch is kept: in .venv, so that a second demo need not fetch it; else with the demo."""
    place = Path(sys.prefix) / "cache"
    try:
        place.mkdir(exist_ok=True)
    except OSError:
        return folder / "cache"
    return place if os.access(place, os.W_OK) else folder / "cache"


class Client:
    """A small MCP client. It starts the server that the settings of an agent name, and speaks JSON-RPC with it."""

    def __init__(self, demo: Demo, settings: Path) -> None:
        entry = json.loads(settings.read_text(encoding="utf-8"))["mcpServers"]["mpp"]
        words = [entry["command"], *entry["args"]]
        demo.screen.shown(f"$ {shlex.join(words)}   # started by the client, as the settings say")
        self._demo, self._number = demo, 0
        self._server = subprocess.Popen(
            words, cwd=demo.folder, env={**demo.environment, **entry.get("env", {})}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "demo", "version": "1"}}, shown=False)
        self._put({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, params: Mapping[str, Any], *, shown: bool = True) -> Any:
        """One request and its answer."""
        self._number += 1
        self._put({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        if shown:
            self._show("->", {"method": method, "params": params})
        return self._answer()

    def call(self, name: str, contains: str) -> None:
        """A call of the tool; the text of its answer is shown and must hold what the step is about."""
        answer = self.ask("tools/call", {"name": "hello__greet", "arguments": {"name": name}})
        text = " ".join(part.get("text", "") for part in answer.get("result", {}).get("content", [])) or json.dumps(answer.get("error"))
        self._demo.screen.shown(f"  <- {text[:SHOWN_CHARS]}")
        if contains not in text:
            raise Stopped(f"the answer does not hold {contains!r}")

    def _show(self, sign: str, document: object) -> None:
        self._demo.screen.shown(f"  {sign} {json.dumps(document, ensure_ascii=False)[:SHOWN_CHARS]}")

    def _put(self, message: Mapping[str, Any]) -> None:
        if self._server.stdin is None:
            raise Stopped("no pipe to the server")
        self._server.stdin.write(json.dumps(message).encode() + b"\n")
        self._server.stdin.flush()

    def _answer(self) -> Any:
        """The next answer; what the server tells in between is passed over."""
        until = time.monotonic() + ANSWER_SECONDS_MAX
        while self._server.stdout is not None and time.monotonic() < until:
            line = self._server.stdout.readline()
            if not line:
                break
            found = json.loads(line)
            if found.get("id") == self._number:
                return found
        raise Stopped("the server gave no answer")

    def close(self) -> None:
        end(self._server)


@contextmanager
def registry(demo: Demo) -> Iterator[tuple[str, str]]:
    """A registry of its own, on this machine; its address and its fingerprint."""
    command = ["registry", "serve", "--port", "0", "--data", str(demo.folder / "registry"), "--json"]
    demo.screen.shown(f"$ mpp registry serve --port 0 --data {shlex.quote(str(demo.folder / 'registry'))} &")
    environment = {**demo.environment, "MPP_HOME": str(demo.folder / "operator-home")}
    server = subprocess.Popen([*MPP, *command], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        text = ""
        for line in server.stdout or ():
            text += line
            if line.startswith("}"):
                break
        said = json.loads(text or "{}")
        if "url" not in said:
            raise Stopped("the registry did not start")
        demo.screen.shown(f"  {said['url']}, registry {said['registry_id'][:16]}")
        yield said["url"], said["registry_id"]
    finally:
        end(server)


def end(process: subprocess.Popen[Any]) -> None:
    """Asked, then made to."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
