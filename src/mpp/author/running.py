"""Runs one command of a build: held to folders, without network, within limits, in a clean environment, and over when the build is over.

What holds it is put up by ``confined.py`` where the system has it; ``is_confined`` says whether it has.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from select import select
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import IO, NoReturn

from mpp.author.confined import command_line, landlock_version
from mpp.author.limits import COMPILE_CPU_SECONDS_MAX, COMPILE_MEMORY_BYTES_MAX, COMPILE_SECONDS_MAX, COMPILER_OUTPUT_MAX
from mpp.errors import HostFailed, Refused
from mpp.model.value import value

SYSTEM_FOLDERS: tuple[str, ...] = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/proc/self")
"""What a dynamically linked program reads of the system, where it is there. Nothing of it is anybody's secret."""

_JOIN_SECONDS = 5
_READ_BYTES = 65536


@value
class Confinement:
    """What a command may reach. Folders and files, absolute; what is not there is passed over."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    network: bool = False
    cpu: int = COMPILE_CPU_SECONDS_MAX
    memory: int = COMPILE_MEMORY_BYTES_MAX
    seconds: int = COMPILE_SECONDS_MAX


@value
class Done:
    """How a command ended."""

    status: int
    """Its exit code; below zero the signal that ended it."""
    output: str
    """Standard error, and standard output unless it was asked for alone; safe for a terminal, cut at ``COMPILER_OUTPUT_MAX``."""
    stdout: bytes = b""


def is_confined() -> bool:
    """Does this system hold a command to its folders?"""
    return landlock_version() > 0


def clean_environment(work: str, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the user's environment reaches a compiler, so nothing of it can change what it makes."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows starts no process without it
    # SOURCE_DATE_EPOCH is the date of all members of a package, 1980-01-01.
    fixed = {"SOURCE_DATE_EPOCH": "315532800", "TZ": "UTC", "LC_ALL": "C", "HOME": work, "TMPDIR": work, "TMP": work, "TEMP": work}
    return kept | fixed | dict(more or {})


def run_confined(
    command: list[str], *, folder: str, env: Mapping[str, str], hold: Confinement, again: str, stdout_max: int = 0, what: str = "the compiler"
) -> Done:
    """Run ``command`` in ``folder`` to its end. ``again`` is the hint where it does not start.

    With ``stdout_max`` standard output is kept apart, up to so many bytes; more of it is refused.
    """
    try:
        process = subprocess.Popen(
            _held(command, hold),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stdout_max else subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as fault:
        raise HostFailed("host.compiler_failed", f"{what} does not start: {fault.strerror}", where=command[0], hint=again) from None
    words, out = bytearray(), bytearray()
    with _ended_by_signals():
        pipes: tuple[tuple[IO[bytes] | None, bytearray, int], ...] = ((process.stdout, words, COMPILER_OUTPUT_MAX),)
        if stdout_max:
            pipes = ((process.stderr, words, COMPILER_OUTPUT_MAX), (process.stdout, out, stdout_max + 1))
        status = _wait(process, pipes, hold.seconds, folder, what)
    if len(out) > max(stdout_max, 0):
        raise Refused("project.compile", f"{what} wrote more than {stdout_max} bytes", where=folder, hint="let the project say less")
    return Done(status=status, output=_readable(bytes(words)), stdout=bytes(out))


def _held(command: list[str], hold: Confinement) -> list[str]:
    if os.name != "posix" or not sys.executable:
        return command
    read, write = (tuple(dict.fromkeys(filter(os.path.exists, found))) for found in (hold.read, hold.write))
    return command_line(command, read=read, write=write, cpu=hold.cpu, memory=hold.memory, network=hold.network)


def _wait(process: subprocess.Popen[bytes], pipes: tuple[tuple[IO[bytes] | None, bytearray, int], ...], seconds: int, folder: str, what: str) -> int:
    readers = [Thread(target=_drain, args=pipe, daemon=True) for pipe in pipes]
    for reader in readers:
        reader.start()
    try:
        if not _has_ended(process, seconds):
            hint = "simplify the sources, or build on a faster machine"
            raise Refused("project.compile_time", f"{what} did not finish in {seconds} seconds", where=folder, hint=hint)
    finally:
        _end(process)
        for reader in readers:
            reader.join(timeout=_JOIN_SECONDS)
    return process.returncode


def _has_ended(process: subprocess.Popen[bytes], seconds: int) -> bool:
    """Wait without taking the exit code where that can be done: until then the number of the process, and of its group, is nobody else's."""
    watch = getattr(os, "pidfd_open", None)
    if watch is not None:
        watched: int = watch(process.pid)
        try:
            return bool(select([watched], [], [], seconds)[0])
        finally:
            os.close(watched)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a request to end this process end the compiler first: it runs in a session of its own, where no terminal reaches it."""
    mine = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)] if current_thread() is main_thread() else []
    # A signal that somebody handles or ignores, as under nohup, stays theirs.
    mine = [number for number in mine if signal.getsignal(number) is signal.SIG_DFL]
    for number in mine:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _drain(pipe: IO[bytes] | None, kept: bytearray, most: int) -> None:
    """Keep the first part of the output and read on, so that a talkative compiler neither blocks nor fills memory."""
    if pipe is None:
        return
    with pipe:
        while data := os.read(pipe.fileno(), _READ_BYTES):
            kept += data[: most - len(kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the command and its children, whatever the reason we stop.

    Attack: a process of the project that stays when the build is over. It cannot leave its group (``confined.py``), which ends here.
    """
    if process.returncode is None:
        with suppress(OSError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()


def _readable(data: bytes) -> str:
    """The compiler's words, safe for a terminal: it quotes source lines, which may hold escape sequences."""
    text = data.decode("utf-8", "replace")
    safe = "".join(c if c.isprintable() or c == "\n" else " " for c in text).rstrip()
    return safe + ("\n(more left out)" if len(data) >= COMPILER_OUTPUT_MAX else "")
