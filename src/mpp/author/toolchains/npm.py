"""Fetches single packages of npm by name, version and integrity hash, and unpacks what is wanted of them. Nothing of a package is ever run by npm.

npm itself runs with the author's settings, because they say which registry the author's organisation uses. What it gives is believed by its hash only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import platform
import re
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping
from io import BytesIO

from mpp.author.limits import NPM_FILES_MAX, NPM_PACKAGE_BYTES_MAX, NPM_UNPACKED_BYTES_MAX
from mpp.errors import HostFailed, Refused
from mpp.files import read_bounded

Run = Callable[[list[str], Mapping[str, str]], tuple[int, str]]
"""Runs a command with an environment; its exit code and the last of what it wrote."""

NAME = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[a-z0-9~][a-z0-9._~-]*")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
INTEGRITY = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
_SYSTEMS = {("linux", "x86_64"): "linux-x64", ("linux", "aarch64"): "linux-arm64", ("darwin", "arm64"): "darwin-arm64", ("darwin", "x86_64"): "darwin-x64"}
PLATFORMS = tuple(_SYSTEMS.values())
"""The order in which the catalogue has the hashes of a package that comes as one per platform."""


def this_platform() -> str:
    """As npm's packages name it; empty for one that we know no hash of."""
    return _SYSTEMS.get((sys.platform, platform.machine()), "")


def find_npm(env: Mapping[str, str]) -> str:
    """Attack: a relative folder in PATH makes a program of the project's folder the package manager."""
    path = os.pathsep.join(folder for folder in env.get("PATH", "").split(os.pathsep) if os.path.isabs(folder))
    found = shutil.which("npm", path=path)
    if found is None:
        raise HostFailed("host.compiler_missing", "npm, which fetches packages of JavaScript, is not on this machine", where="npm", hint="install Node.js")
    return found


def fetch_tarball(name: str, version: str, integrity: str, folder: str, *, env: Mapping[str, str], run: Run) -> bytes:
    """The archive of one package, by its hash; kept in ``folder`` under it."""
    # Attack: a name or version with more in it becomes an option, an address or a path of the package manager.
    if not NAME.fullmatch(name) or not VERSION.fullmatch(version) or not INTEGRITY.fullmatch(integrity):
        raise Refused("project.npm", "is not a package with a version and a sha512 hash", where=name[:100], hint="make the lock anew: npm install")
    kept = os.path.join(folder, hashlib.sha256(integrity.encode("ascii")).hexdigest() + ".tgz")
    if os.path.isfile(kept):
        data = read_bounded(kept, NPM_PACKAGE_BYTES_MAX)
        if _fits(data, integrity):
            return data
        os.unlink(kept)
    work = f"{kept}.{os.getpid()}.new"
    os.makedirs(work, mode=0o700, exist_ok=True)
    try:
        status, said = run([find_npm(env), "pack", "--ignore-scripts", "--silent", f"--pack-destination={work}", "--", f"{name}@{version}"], env)
        found = sorted(file for file in os.listdir(work) if file.endswith(".tgz"))
        if status != 0 or len(found) != 1:
            words = "".join(c if c.isprintable() or c == "\n" else " " for c in said).strip()
            hint = "check the network and the registry of npm, then build again"
            raise HostFailed("host.compiler_missing", f"npm could not fetch {name} {version}\n{words}", where=name, hint=hint)
        data = read_bounded(os.path.join(work, found[0]), NPM_PACKAGE_BYTES_MAX)
        if not _fits(data, integrity):
            raise Refused("project.npm", f"the registry gives another {name} {version} than its hash says", where=name, hint="do not use it; ask its publisher")
        os.replace(os.path.join(work, found[0]), kept)
        return data
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fits(data: bytes, integrity: str) -> bool:
    return hmac.compare_digest(base64.b64encode(hashlib.sha512(data).digest()).decode("ascii"), integrity.removeprefix("sha512-"))


def unpack(data: bytes, where: str) -> dict[str, bytes]:
    """The files of an archive by name, without the folder that holds them all. Links, devices and odd paths are refused."""
    found: dict[str, bytes] = {}
    room = NPM_UNPACKED_BYTES_MAX
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:gz") as archive:
            for item in archive:
                if item.isdir():
                    continue
                _, _, name = item.name.partition("/")
                parts = name.split("/")
                # Attack: a path that leads out, or a link to a file of this machine, in an archive of a stranger.
                if not item.isreg() or not name or any(part in {"", ".", ".."} for part in parts) or "\\" in name:
                    raise Refused("project.npm", f"holds what is no plain file: {name[:100]}", where=where, hint="take another library")
                room -= item.size
                if room < 0 or len(found) >= NPM_FILES_MAX:
                    raise Refused("project.npm", "unpacks to too much", where=where, hint="take a smaller library")
                file = archive.extractfile(item)
                found[name] = b"" if file is None else file.read(item.size)
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise Refused("project.npm", f"is no archive: {str(fault)[:100]}", where=where, hint="fetch it again") from None
    return found


def install_program(package: str, version: str, hashes: tuple[str, ...], folder: str, *, env: Mapping[str, str], run: Run) -> None:
    """Put ``bin/`` of a package that comes as one per platform into ``folder``. ``package`` has ``{platform}`` in it."""
    here = this_platform()
    if not here:
        raise HostFailed("host.compiler_missing", f"{package} is not there for this machine", where=package, hint="build on Linux or macOS")
    name = package.replace("{platform}", here)
    archives = os.path.join(folder, "archives")
    os.makedirs(archives)
    files = unpack(fetch_tarball(name, version, f"sha512-{hashes[PLATFORMS.index(here)]}", archives, env=env, run=run), name)
    shutil.rmtree(archives)
    for file, data in files.items():
        if file.startswith("bin/") and file.count("/") == 1:
            path = os.path.join(folder, *file.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as out:
                out.write(data)
            os.chmod(path, 0o700)
