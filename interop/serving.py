"""``mpp serve --http`` and the package that comes and goes, as processes that end with the block that started them."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interop.home import MPP, ROOT, FailedError, HomeFolder

_ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]+/mcp")
START_SECONDS = 60
LOOK_SECONDS = 0.05
END_SECONDS = 10


@contextmanager
def served(home: HomeFolder, *more: str) -> Iterator[str]:
    """The address of a server over HTTP on loopback, at a port of its own choosing."""
    command = [str(MPP), "serve", "--http", "127.0.0.1:0", *more]
    log = home.folder / "serve.log"
    with log.open("wb") as said, subprocess.Popen(command, env=home.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said) as server:
        try:
            yield _address(server, log)
        finally:
            _end(server)


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    """It says where it is as soon as it is there."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        found = _ADDRESS.search(log.read_text(encoding="utf-8"))
        if found is not None:
            return found[0]
        time.sleep(LOOK_SECONDS)
    raise FailedError(f"the server did not say where it is:\n{log.read_text(encoding='utf-8')}")


@contextmanager
def changing(home: HomeFolder) -> Iterator[None]:
    """A package that is installed and uninstalled all the time."""
    package = home.extra
    command = [sys.executable, "-m", "interop.changing", str(package)]
    with subprocess.Popen(command, cwd=ROOT, env=home.environment, stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
