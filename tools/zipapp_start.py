"""The ``__main__`` of the file that ``make zipapp`` makes: unpacks what is inside once, then starts it from there.

Native code cannot be loaded out of a zip file, and the sandbox starts interpreters of its own by path. So the contents become an environment
in the user's cache, named by their digest: complete or not there at all, and for nobody else to write to. Runs on the standard library alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import stat
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Mapping
from typing import NoReturn

WHAT, PAYLOAD = "app.json", "site/"
UNPACKING = ".unpacking-"
LEFT_SECONDS = 86_400
"""Seconds after which a half of an unpacked file, left by a process that was killed, is removed. Reason: unpacking takes seconds."""


def stop(words: str, hint: str) -> NoReturn:
    print(f"error: {words}\nhint:  {hint}", file=sys.stderr)
    sys.exit(1)


def main(file: str, arguments: list[str]) -> NoReturn:
    with zipfile.ZipFile(file) as archive:
        what = json.loads(archive.read(WHAT))
        check_machine(what)
        # An environment names the interpreter that it stands on: another one gets an environment of its own.
        base = os.path.realpath(sys.executable)
        mark = hashlib.sha256(f"{what['digest']}\0{base}".encode()).hexdigest()[:32]
        # Attack: a wide umask of the user. Folders in between get the rights that are left by it, whatever is said of the last one.
        before = os.umask(0o077)
        folder = os.path.join(cache_folder(os.environ), f"app-{mark}")
        if not os.path.lexists(folder):
            unpack(archive, folder, base)
        os.umask(before)
    check_private(folder)
    python = os.path.join(folder, "bin", "python")
    os.execv(python, [python, "-I", "-m", "mpp", *arguments])  # noqa: S606 - there is no shell, and none is wanted


def check_machine(what: Mapping[str, object]) -> None:
    here = {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "platform": sysconfig.get_platform()}
    if any(what[key] != here[key] for key in here):
        stop(f"this file is for Python {what['python']} on {what['platform']}, this is Python {here['python']} on {here['platform']}", "take the wheels")


def cache_folder(environment: Mapping[str, str]) -> str:
    """Ours in the user's cache. The rules of XDG: an address that is not absolute does not count."""
    given = environment.get("XDG_CACHE_HOME", "")
    folder = os.path.join(given if os.path.isabs(given) else os.path.join(os.path.expanduser("~"), ".cache"), "mpp")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as fault:
        stop(f"{folder} cannot be made: {fault.strerror}", "set XDG_CACHE_HOME to a folder that you may write to")
    check_private(folder)
    return folder


def check_private(folder: str) -> None:
    """Attack: somebody else puts a folder of that name where everybody may write, for example below /tmp, and has us run what is in it."""
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        stop(f"{folder} is no folder", "remove it, or set XDG_CACHE_HOME to another place")
    if found.st_uid != os.geteuid():
        stop(f"{folder} belongs to somebody else", "set XDG_CACHE_HOME to a folder of your own")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        stop(f"others can write to {folder}", f"chmod go-w {folder}, after a look at what is in it")


def unpack(archive: zipfile.ZipFile, folder: str, base: str) -> None:
    """Beside its place first, then moved there in one step: a second process finds all of it or nothing."""
    parent = os.path.dirname(folder)
    sweep(parent, time.time())
    work = tempfile.mkdtemp(prefix=UNPACKING, dir=parent)
    try:
        fill(archive, work, base, folder)
        os.rename(work, folder)
    except OSError as fault:
        # Another process may have been faster: its folder has the same contents.
        if not os.path.isdir(folder):
            stop(f"{folder} cannot be written: {fault.strerror}", "make room, or set XDG_CACHE_HOME to another place")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def fill(archive: zipfile.ZipFile, work: str, base: str, folder: str) -> None:
    site = os.path.join(work, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    for one in archive.infolist():
        if one.filename.startswith(PAYLOAD) and not one.is_dir():
            path = os.path.join(site, *one.filename[len(PAYLOAD) :].split("/"))
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with archive.open(one) as source, open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
                shutil.copyfileobj(source, target)
    os.makedirs(os.path.join(work, "bin"), mode=0o700)
    os.symlink(base, os.path.join(work, "bin", "python"))
    script = f'#!/bin/sh\nexec {shlex.quote(f"{folder}/bin/python")} -I -m mpp "$@"\n'
    for name, mode, text in (
        ("pyvenv.cfg", 0o600, f"home = {os.path.dirname(base)}\ninclude-system-site-packages = false\n"),
        # `mpp connect` writes the path of this one into the settings of a client.
        ("bin/mpp", 0o700, script),
    ):
        with open(os.open(os.path.join(work, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)


def sweep(parent: str, now: float) -> None:
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if name.startswith(UNPACKING) and os.lstat(path).st_mtime < now - LEFT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[0]), sys.argv[1:])
