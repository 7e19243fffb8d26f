"""Two ways to ask a host: as an executable in a process of its own, or our own in this process."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

SECONDS_MAX = 120
"""Seconds for one answer. Reason: a first call in a new home compiles for two, and machines that run tests do much else; more is a way to stall a host."""

SHOWN_MAX = 400
"""Characters of a host's error output that a report quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a host did."""

    exit: int | None
    """None: no answer in time."""
    out: bytes
    err: str = ""


class Host(Protocol):
    """Anything that can be asked."""

    def run(self, arguments: list[str], work: Path, home: Path | None = None) -> Outcome:
        """Run one command with ``work`` as its home and working directory; ``home`` is $MPP_HOME where that is another folder."""
        ...


def places(work: Path, home: Path | None = None) -> dict[str, str]:
    """Everything by which a program finds a place to write, pointed at the empty ``work``, and $MPP_HOME at ``home``."""
    names = ("HOME", "MPP_HOME", "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")
    return {**dict.fromkeys(names, str(work)), "MPP_HOME": str(home or work)}


class Executable:
    """A command line, for example ``/usr/bin/other-host`` or ``node host.js``."""

    def __init__(self, command: list[str], *, seconds: float = SECONDS_MAX, environment: dict[str, str] | None = None) -> None:
        self.command = command
        self.seconds = seconds
        self.environment = environment or {}

    def run(self, arguments: list[str], work: Path, home: Path | None = None) -> Outcome:
        environment = {**os.environ, **self.environment, **places(work, home)}
        try:
            done = subprocess.run(
                [*self.command, *arguments], cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Outcome(exit=None, out=b"")
        except OSError as fault:
            return Outcome(exit=127, out=b"", err=f"cannot start the host: {fault.strerror}")
        return Outcome(exit=done.returncode, out=done.stdout, err=done.stderr.decode("utf-8", "replace")[-SHOWN_MAX:])


def own_executable() -> Executable:
    """Our own command, run by the interpreter that runs the suite."""
    found = find_spec("mpp")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("mpp")
    # The host runs in another folder, where a relative PYTHONPATH would mean another one.
    path = str(Path(found.submodule_search_locations[0]).resolve().parent)
    return Executable([sys.executable, "-m", "mpp"], environment={"PYTHONPATH": path})


class InProcess:
    """Our own command line, called as a function: the same verdicts without the start of a process."""

    def run(self, arguments: list[str], work: Path, home: Path | None = None) -> Outcome:
        from mpp.cli.app import run  # noqa: PLC0415 - a foreign host is tested without our product

        out, err = io.StringIO(), io.StringIO()
        with _standing_in(work, places(work, home)), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = run(arguments)
            except Exception as fault:  # noqa: BLE001 - whatever escapes is what this suite looks for
                return Outcome(exit=1, out=b"", err=f"{type(fault).__name__} escaped: {fault}"[:SHOWN_MAX])
        return Outcome(exit=code, out=out.getvalue().encode("utf-8"), err=err.getvalue()[-SHOWN_MAX:])


@contextlib.contextmanager
def _standing_in(work: Path, set_: dict[str, str]) -> Iterator[None]:
    before, old = os.getcwd(), {name: os.environ.get(name) for name in set_}
    os.environ.update(set_)
    os.chdir(work)
    try:
        yield
    finally:
        os.chdir(before)
        for name, text in old.items():
            if text is None:
                del os.environ[name]
            else:
                os.environ[name] = text
