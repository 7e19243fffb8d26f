"""Rust with the standard library for WebAssembly, from the packages of Debian, in a folder of its own: the system is not changed.

apt chooses the packages that this machine lacks, fetches them from where the machine is set to fetch, and checks their signatures.
``cargo`` and ``rustc`` in ``bin`` of the folder start the unpacked programs with their own libraries.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

PACKAGES = ("cargo", "rustc", "libstd-rust-dev-wasm32", "lld")
DONE = ".complete"
APT_SECONDS_MAX = 900
"""Seconds for one command of apt. Reason: 150 MB on a slow line."""

_WANTED = re.compile(r"^Inst ([a-z0-9][a-z0-9.+-]*)", re.MULTILINE)
_SCRIPT = """#!/bin/sh
# Starts the unpacked program with its own libraries.
root="$(dirname "$(dirname "$(readlink -f "$0")")")/root"
LD_LIBRARY_PATH="$root/usr/lib/{machine}:$root/usr/lib"
PATH="$root/usr/bin:$PATH"
export LD_LIBRARY_PATH PATH
exec "$root/usr/bin/{program}" "$@"
"""


class NoDebianRustError(Exception):
    """Why there is none."""


def has_wasm(environment: dict[str, str]) -> bool:
    """Is there a Rust on the path that compiles to WebAssembly already?"""
    rustc = shutil.which("rustc", path=environment.get("PATH", ""))
    if rustc is None or shutil.which("cargo", path=environment.get("PATH", "")) is None:
        return False
    for target in ("wasm32-wasip1", "wasm32-wasi"):
        done = subprocess.run([rustc, "--print", "target-libdir", "--target", target], env=environment, capture_output=True, text=True, timeout=60, check=False)
        folder = done.stdout.strip()
        if done.returncode == 0 and os.path.isdir(folder) and any(name.startswith("libstd-") for name in os.listdir(folder)):
            return True
    return False


def prepare(folder: str) -> str:
    """The ``bin`` folder to put first into PATH; fetched and unpacked if it is not there yet."""
    folder = os.path.abspath(folder)
    if not os.path.isfile(os.path.join(folder, DONE)):
        if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
            raise NoDebianRustError("this is no Debian: rustup target add wasm32-wasip1")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(os.path.join(folder, "fetched"))
        _fetch(os.path.join(folder, "fetched"))
        _unpack(folder)
        with open(os.path.join(folder, DONE), "w", encoding="ascii") as file:
            file.write("unpacked\n")
    return os.path.join(folder, "bin")


def _fetch(folder: str) -> None:
    told = _apt(("--simulate", "--yes", "--no-install-recommends", "--reinstall", "install", *PACKAGES), folder)
    # What else these need is on the machine, or among what apt names; compilers of C are not wanted.
    names = [found for found in dict.fromkeys(_WANTED.findall(told)) if not found.startswith(("gcc", "cpp", "g++", "binutils", "libc6-dev", "linux-libc"))]
    if not set(PACKAGES) <= set(names):
        raise NoDebianRustError("apt knows no Rust for WebAssembly: apt-get update")
    _apt(("download", *names), folder)


def _apt(arguments: Sequence[str], folder: str) -> str:
    done = subprocess.run(["apt-get", *arguments], cwd=folder, capture_output=True, text=True, timeout=APT_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise NoDebianRustError(f"apt-get {arguments[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _unpack(folder: str) -> None:
    root, fetched = os.path.join(folder, "root"), os.path.join(folder, "fetched")
    os.makedirs(root)
    for name in sorted(os.listdir(fetched)):
        if name.endswith(".deb"):
            subprocess.run(["dpkg", "-x", os.path.join(fetched, name), root], check=True, timeout=APT_SECONDS_MAX)
    shutil.rmtree(fetched)
    machine = next((name for name in os.listdir(os.path.join(root, "usr", "lib")) if name.endswith("-linux-gnu")), "")
    os.makedirs(os.path.join(folder, "bin"))
    for program in ("cargo", "rustc"):
        path = os.path.join(folder, "bin", program)
        with open(path, "w", encoding="ascii") as file:
            file.write(_SCRIPT.format(machine=machine, program=program))
        os.chmod(path, 0o755)  # noqa: S103 - a program for all who may read the folder
