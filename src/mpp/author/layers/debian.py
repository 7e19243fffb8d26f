"""Fetches source packages of Debian with apt, which checks their signatures: own lists, own state, the mirrors of this machine.

No host is named here. A mirror is not trusted: what it gives is believed by the keys of Debian, which the keyring package of this machine holds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from glob import glob
from hashlib import sha256

from mpp.author.layers.limits import FETCH_SECONDS_MAX, LOG_TAIL_BYTES, SOURCE_BYTES_MAX, SOURCES_LIST_BYTES_MAX
from mpp.errors import HostFailed, Refused
from mpp.files import locked, read_bounded, write_atomic
from mpp.model.value import value

MIRROR = "MPP_DEBIAN_MIRROR"
"""The variable that names a mirror where this machine's own configuration has none."""
KEYRINGS = ("/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp")
_LINE = re.compile(r"^\s*deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(https?://\S+)\s+([A-Za-z0-9./-]+)", re.MULTILINE)
_FIELD = re.compile(r"^URIs:\s*(.+)$", re.MULTILINE | re.IGNORECASE)
_COMPLETE = ".complete"
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]/_~-]+")

Run = Callable[[list[str], str, Mapping[str, str]], tuple[int, str]]
"""Runs a command in a folder with an environment; its exit code and what it wrote."""


@value
class Source:
    """A source package, as apt has checked it."""

    name: str
    version: str
    files: Mapping[str, str]
    """Absolute path of each file -> its SHA-256 in hex."""

    def archive(self, part: str) -> str:
        """The one file whose name holds ``part``."""
        found = [path for path in sorted(self.files) if part in os.path.basename(path)]
        if len(found) != 1:
            raise HostFailed("host.file", f"{self.name} {self.version} has {len(found)} files with {part} in their names", where=self.name)
        return found[0]


def run_apt(command: list[str], folder: str, env: Mapping[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=FETCH_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"apt-get did not finish in {FETCH_SECONDS_MAX} seconds"
    except OSError as fault:
        return 1, fault.strerror or "apt-get does not start"
    return done.returncode, done.stdout.decode("utf-8", "replace")


def configured_mirrors(etc: str = "/etc/apt") -> tuple[str, ...]:
    """The addresses in this machine's configuration of apt, in order."""
    found: list[str] = []
    for path in (os.path.join(etc, "sources.list"), *sorted(glob(os.path.join(etc, "sources.list.d", "*")))):
        with suppress(OSError, HostFailed):
            text = read_bounded(path, SOURCES_LIST_BYTES_MAX).decode("utf-8", "replace")
            found += [match[1] for match in _LINE.finditer(text)]
            found += [word for match in _FIELD.finditer(text) for word in match[1].split()]
    # Other suites of a mirror, such as the one for security updates, are no home of the release itself.
    return tuple(dict.fromkeys(one.rstrip("/") for one in found if _ADDRESS.fullmatch(one) and "security" not in one))


class Debian:
    """One release of Debian, seen with lists and keys of our own."""

    def __init__(
        self, release: str, folder: str, *, env: Mapping[str, str], run: Run = run_apt, etc: str = "/etc/apt", keyrings: tuple[str, ...] = KEYRINGS
    ) -> None:
        self._release, self._folder, self._env, self._run, self._etc, self._keyrings = release, os.path.abspath(folder), env, run, etc, keyrings
        self._mirror = ""

    def fetch(self, name: str, *, archives_only: bool, progress: Callable[[str], None]) -> Source:
        """The files of a source package. ``archives_only`` leaves out what Debian changes in them."""
        os.makedirs(self._folder, mode=0o700, exist_ok=True)
        # Recipes of two layers share the lists: apt gives up where another apt holds them, and reads half of what that one writes.
        with locked(os.path.join(self._folder, "lock"), "the lists of Debian", lambda: progress("waiting for another build that fetches sources")):
            apt = self._apt()
            self._mirror = self._mirror or self._find_mirror(apt, progress)
            return self._fetched(apt, name, ("--tar-only",) if archives_only else ("--download-only",), progress)

    def _fetched(self, apt: list[str], name: str, kind: tuple[str, ...], progress: Callable[[str], None]) -> Source:
        version = self._newest(apt, name)
        place = os.path.join(self._folder, "sources", f"{name}_{version.replace(':', '%')}")
        done = os.path.join(place, _COMPLETE)
        files = _hashes(place)
        if not files or files != _complete(done):
            progress(f"fetching the sources of {name} {version}")
            shutil.rmtree(place, ignore_errors=True)
            os.makedirs(place)
            self._call([*apt, "source", *kind, f"{name}={version}"], place, f"the sources of {name} cannot be fetched")
            files = _hashes(place)
            write_atomic(done, "".join(f"{digest}  {file}\n" for file, digest in files.items()).encode())
        return Source(name=name, version=version, files={os.path.join(place, file): digest for file, digest in files.items()})

    def _apt(self) -> list[str]:
        keyring = next((path for path in self._keyrings if os.path.isfile(path)), "")
        program = shutil.which("apt-get", path="/usr/bin:/bin")
        if program is None or not keyring:
            missing = "apt-get" if program is None else "the keys of Debian (package debian-archive-keyring)"
            hint = "build the layer on a machine with Debian, or take a finished one: mpp layer install FILE"
            raise HostFailed("host.compiler_missing", f"{missing} is not on this machine", where="apt", hint=hint)
        self._keyring = keyring
        for part in ("lists/partial", "cache/archives/partial", "state", "sources"):
            os.makedirs(os.path.join(self._folder, part), mode=0o700, exist_ok=True)
        status = os.path.join(self._folder, "status")
        with open(status, "w", encoding="ascii"):
            pass
        options = {
            "Dir::Etc::sourcelist": os.path.join(self._folder, "release.sources"),
            "Dir::Etc::sourceparts": "-",
            "Dir::State": os.path.join(self._folder, "state"),
            "Dir::State::lists": os.path.join(self._folder, "lists"),
            "Dir::State::status": status,
            "Dir::Cache": os.path.join(self._folder, "cache"),
            "APT::Get::AllowUnauthenticated": "false",
        }
        return [program, "-q", *(word for name, text in options.items() for word in ("-o", f"{name}={text}"))]

    def _find_mirror(self, apt: list[str], progress: Callable[[str], None]) -> str:
        words = "no mirror is configured"
        for mirror in self._mirrors():
            progress(f"reading the list of source packages of Debian {self._release}")
            with open(os.path.join(self._folder, "release.sources"), "w", encoding="ascii") as file:
                file.write(f"Types: deb-src\nURIs: {mirror}\nSuites: {self._release}\nComponents: main\nSigned-By: {self._keyring}\n")
            status, output = self._run([*apt, "update", "--error-on=any"], self._folder, self._environment())
            if status == 0:
                return mirror
            words = _tail(output)
        hint = f"set {MIRROR} to the address of a mirror of Debian"
        raise HostFailed("host.compiler_missing", f"no mirror of this machine gives Debian {self._release}: {words}", where="apt", hint=hint)

    def _mirrors(self) -> Iterator[str]:
        given = self._env.get(MIRROR, "")
        if _ADDRESS.fullmatch(given):
            yield given.rstrip("/")
        else:
            yield from configured_mirrors(self._etc)

    def _newest(self, apt: list[str], name: str) -> str:
        cache = [os.path.join(os.path.dirname(apt[0]), "apt-cache"), *apt[1:]]
        output = self._call([*cache, "showsrc", "--only-source", name], self._folder, f"Debian has no source package {name}")
        versions = re.findall(r"^Version: ([A-Za-z0-9.+~:-]+)$", output, re.MULTILINE)
        if not versions:
            raise HostFailed("host.compiler_missing", f"Debian {self._release} has no source package {name}", where=name)
        # The list of one release names the newest last, if it names several at all.
        return str(versions[-1])

    def _call(self, command: list[str], folder: str, what: str) -> str:
        status, output = self._run(command, folder, self._environment())
        if status != 0:
            raise HostFailed("host.compiler_missing", f"{what}: {_tail(output)}", where="apt", hint="try again, or see what apt says")
        return output

    def _environment(self) -> dict[str, str]:
        kept = {name: self._env[name] for name in ("http_proxy", "https_proxy", "no_proxy") if name in self._env}
        return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "HOME": self._folder} | kept


def _hashes(place: str) -> dict[str, str]:
    """What lies in a folder of sources: name -> SHA-256 in hex."""
    if not os.path.isdir(place):
        return {}
    return {file: sha256(read_bounded(os.path.join(place, file), SOURCE_BYTES_MAX)).hexdigest() for file in sorted(os.listdir(place)) if file != _COMPLETE}


def _complete(path: str) -> dict[str, str]:
    """What lay there when apt had checked it. A file that was cut off since then, as by a power cut, is fetched again."""
    with suppress(HostFailed, Refused):
        lines = read_bounded(path, SOURCES_LIST_BYTES_MAX).decode("utf-8", "replace").splitlines()
        return {file: digest for digest, _, file in (line.partition("  ") for line in lines)}
    return {}


def _tail(output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(("E:", "W:"))] or output.splitlines()
    text = "; ".join(lines)[-LOG_TAIL_BYTES:]
    return "".join(c if c.isprintable() else " " for c in text)
