"""Where a layer is made: one folder, one log, and commands that are held to it (``author/running.py``)."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping

from mpp.author.languages.ports import Toolchain
from mpp.author.layers.limits import LOG_TAIL_BYTES, STEP_SECONDS_MAX
from mpp.author.limits import COMPILE_MEMORY_BYTES_MAX
from mpp.author.running import SYSTEM_FOLDERS, Confinement, clean_environment, run_confined
from mpp.errors import HostFailed
from mpp.model.value import value

# What a script of configure reads besides programs: itself, and where it throws things away.
_DEVICES = ("/dev/null", "/dev/zero", "/dev/tty")
_SYSTEM = (*SYSTEM_FOLDERS, "/etc/ld.so.conf", "/etc/alternatives", "/etc/dpkg", "/etc/perl", "/proc/cpuinfo", "/sys/devices/system/cpu")


@value
class Workshop:
    """``folder`` may be changed by what runs in it, and so may ``cache``, which outlives it; nothing else."""

    folder: str
    cache: str
    compiler: Toolchain
    progress: Callable[[str], None]

    @property
    def log(self) -> str:
        return os.path.join(self.folder, "log.txt")

    def path(self, *parts: str) -> str:
        return os.path.join(self.folder, *parts)

    def write(self, name: str, text: str, *, program: bool = False) -> str:
        """A file of ours, by its absolute path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if program:
            os.chmod(path, 0o700)
        return path

    def run(self, command: list[str], what: str, *, folder: str = "", env: Mapping[str, str] | None = None) -> None:
        """Run to the end; everything that it writes is in the log."""
        script = f"exec {shlex.join(command)} >>{shlex.quote(self.log)} 2>&1"
        hold = Confinement(
            read=(*_SYSTEM, self.compiler.folder),
            write=(self.folder, self.cache, *_DEVICES),
            cpu=STEP_SECONDS_MAX,
            memory=COMPILE_MEMORY_BYTES_MAX,
            seconds=STEP_SECONDS_MAX,
        )
        given = clean_environment(self.folder, {"PATH": "/usr/bin:/bin", **self.places(), **(env or {})})
        with open(self.log, "a", encoding="utf-8") as file:
            file.write(f"\n$ {shlex.join(command)}\n")
        done = run_confined(["/bin/sh", "-c", script], folder=self.path(folder), env=given, hold=hold, again="install a shell and make", what=what)
        if done.status != 0:
            raise self.failed(f"{what} failed: {done.output or self._last_words()}")

    def places(self) -> dict[str, str]:
        return {"ZIG_GLOBAL_CACHE_DIR": self.cache, "ZIG_LOCAL_CACHE_DIR": self.cache}

    def failed(self, words: str) -> HostFailed:
        return HostFailed("host.compiler_failed", words, where=self.log, hint=f"read the log: {self.log}")

    def _last_words(self) -> str:
        with open(self.log, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - LOG_TAIL_BYTES))
            text = file.read(LOG_TAIL_BYTES).decode("utf-8", "replace")
        return "".join(c if c.isprintable() or c == "\n" else " " for c in text).strip()
