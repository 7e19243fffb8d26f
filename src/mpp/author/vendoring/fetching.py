"""Fetches wheels with pip: to lock them, and later by the hashes of the lock. No project code runs for it; what comes is believed by its hash.

Only files that run anywhere are asked for, so a library with native code is found here and named. Source distributions are never
taken: they run code to be built.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256

from mpp.author.languages.ports import Progress
from mpp.author.limits import WHEEL_BYTES_MAX, WHEELS_MAX
from mpp.author.toolchains.installing import Run, has_pip, run_pip
from mpp.author.vendoring.advice import OURS, REPLACED, advice
from mpp.author.vendoring.requirements import Asked, Pin, canonical
from mpp.author.vendoring.wheels import wheel_name
from mpp.errors import Fault, HostFailed, MppError, Refused
from mpp.files import read_bounded, write_atomic
from mpp.model.value import value

PYTHON = "3.13"
"""The Python that tools run on; which files fit it is asked for. Its layer has the same."""

_PURE = ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none", f"--python-version={PYTHON}"]
_QUIET = ["--disable-pip-version-check", "--no-input", "--quiet", "--no-cache-dir"]


@value
class Pip:
    """How pip is run."""

    env: Mapping[str, str]
    run: Run = run_pip

    def __call__(self, verb: str, *given: str) -> tuple[int, str]:
        # With -I nothing of the current folder is imported. pip keeps its own settings: they say which index the author's organisation uses.
        return self.run([sys.executable, "-I", "-m", "pip", verb, *_QUIET, *given], self.env)


def lock(asked: Asked, cache: str, pip: Pip, progress: Progress) -> tuple[Pin, ...]:
    """Choose versions of everything that is asked for, and of what it needs; the files are kept in ``cache`` by their hash."""
    if not asked.lines:
        return ()
    _need_pip()
    progress(f"asking the index for {len(asked.lines)} dependenc{'ies' if len(asked.lines) != 1 else 'y'}")
    with _listed(asked.lines) as (folder, listed):
        status, said = pip("download", *_PURE, "-d", folder, "-r", listed)
        if status != 0:
            raise _why(asked, pip, said)
        files = sorted(name for name in os.listdir(folder) if name.endswith(".whl"))
        return tuple(_keep(os.path.join(folder, name), cache) for name in files if _is_wanted(name))


def _is_wanted(file: str) -> bool:
    found = wheel_name(file)
    if found is None or not found.is_pure:
        raise Refused("project.native", f"{file[:100]} does not run anywhere", hint=advice(found.name if found else ""))
    if found.name in REPLACED:
        raise Refused(
            "project.dependency", f"a dependency needs {found.name}, which cannot be packed", where=found.name, hint="take a library that does not need it"
        )
    # A library that needs the SDK gets the one that comes with MPP.
    return found.name not in OURS


def _keep(path: str, cache: str) -> Pin:
    data = read_bounded(path, WHEEL_BYTES_MAX)
    digest = sha256(data).hexdigest()
    write_atomic(os.path.join(cache, f"{digest}.whl"), data)
    found = wheel_name(os.path.basename(path))
    if found is None:  # judged before
        raise Refused("project.wheel", "is no wheel", where=os.path.basename(path))
    return Pin(name=found.name, version=found.version, hashes=(digest,))


def fetch(pins: tuple[Pin, ...], cache: str, pip: Pip, progress: Progress) -> dict[str, bytes]:
    """The file of each locked dependency by its name, from the cache or from the index; only one whose hash is in the lock."""
    found = {pin.name: data for pin in pins if (data := _cached(pin, cache)) is not None}
    missing = [pin for pin in pins if pin.name not in found]
    if missing:
        _need_pip()
        progress(f"fetching {len(missing)} locked dependenc{'ies' if len(missing) != 1 else 'y'}")
        lines = tuple(" ".join((f"{pin.name}=={pin.version}", *(f"--hash=sha256:{one}" for one in pin.hashes))) for pin in missing)
        with _listed(lines) as (folder, listed):
            status, said = pip("download", *_PURE, "--no-deps", "--require-hashes", "-d", folder, "-r", listed)
            if status != 0:
                code = "project.lock" if "HASH" in said.upper() else "project.fetch"
                raise Refused(
                    code, f"pip could not fetch what is locked\n{_safe(said)}", where="requirements.lock", hint="check the network and the index of pip"
                )
            for name in os.listdir(folder):
                _keep(os.path.join(folder, name), cache)
    for pin in missing:
        data = _cached(pin, cache)
        if data is None:
            raise Refused(
                "project.lock", "the index has no file with a hash of the lock", where=f"{pin.name} {pin.version}", hint="lock anew: mpp build --lock"
            )
        found[pin.name] = data
    return found


def _cached(pin: Pin, cache: str) -> bytes | None:
    """Attack: somebody changed a file of the cache. It is hashed each time."""
    for digest in pin.hashes:
        path = os.path.join(cache, f"{digest}.whl")
        if os.path.isfile(path):
            data = read_bounded(path, WHEEL_BYTES_MAX)
            if sha256(data).hexdigest() == digest:
                return data
    return None


def _why(asked: Asked, pip: Pip, said: str) -> Refused:
    """No set of pure files was found. Asked for any file, pip names those with native code, without fetching them."""
    with _listed(asked.lines) as (folder, listed):
        report = os.path.join(folder, "report.json")
        status, _ = pip("install", "--dry-run", "--ignore-installed", "--only-binary=:all:", "--target", folder, "--report", report, "-r", listed)
        native = _native(report) if status == 0 else ()
    if native:
        return Refused.of(tuple(Fault("project.native", f"{name} {version}", "has native code", advice(name)) for name, version in native))
    hint = "check the names and versions, the network and the index of pip; source distributions are not taken"
    return Refused("project.fetch", f"pip found no wheels for what is asked for\n{_safe(said)}", where="requirements", hint=hint)


def _native(report: str) -> tuple[tuple[str, str], ...]:
    try:
        found = json.loads(read_bounded(report, WHEEL_BYTES_MAX))
        rows = [(row["download_info"]["url"].rpartition("/")[2], row["metadata"]) for row in found["install"][:WHEELS_MAX]]
        return tuple((canonical(said["name"]), said["version"]) for file, said in rows if (name := wheel_name(file)) is None or not name.is_pure)
    except (MppError, ValueError, KeyError, TypeError, AttributeError):
        return ()  # another form than this pip is known to write


@contextmanager
def _listed(lines: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """An empty folder, and a file with the lines beside it."""
    with tempfile.TemporaryDirectory(prefix="mpp-wheels-") as base:
        folder, listed = os.path.join(base, "wheels"), os.path.join(base, "requirements.txt")
        os.mkdir(folder)
        write_atomic(listed, ("\n".join(lines) + "\n").encode("utf-8"))
        yield folder, listed


def _need_pip() -> None:
    if not has_pip():
        raise HostFailed("host.compiler_missing", "pip, which fetches dependencies, is not installed for this Python", hint=f"{sys.executable} -m ensurepip")


def _safe(said: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else " " for c in said).strip()
