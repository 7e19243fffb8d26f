"""What a server was seen to use: hosts, files and programs from a trace, variables from its sources."""

from __future__ import annotations

import os
import posixpath
import shutil
from collections.abc import Iterable

from mpp.author.migrating.limits import FOLDERS_SHOWN_MAX
from mpp.model.value import value

# Parts of the system and of the language: every program reads them, and a package brings its own or does without.
_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/proc", "/sys", "/dev", "/run", "/var/run", "/snap", "/nix/store")
_SYSTEM_FILES = frozenset(
    f"/etc/{name}"
    for name in (
        "ld.so.cache", "ld.so.preload", "resolv.conf", "hosts", "nsswitch.conf", "gai.conf", "localtime", "timezone", "passwd", "group", "services",
        "protocols", "inputrc", "os-release", "mime.types", "locale.alias",
    )
)  # fmt: skip
_DATA = ("/usr/share/zoneinfo/",)
"""Data of the system that a package must ask for like any other."""

_RESOLVER = "/etc/host.conf"
_SYSTEM_FOLDERS = ("/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/ld.so.conf.d", "/etc/python3", "/etc/gcrypt")
_WIDE = frozenset((
    "/", "/bin", "/boot", "/etc", "/home", "/lib", "/media", "/mnt", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/usr/share", "/var", "/var/lib", "/var/tmp",  # noqa: S108 - names, not a use
    "/Users",
))  # fmt: skip
LIBRARIES = frozenset(("node_modules", "site-packages", "dist-packages", "__pycache__", ".git", ".npm", "_npx"))


@value
class Observed:
    """Found, not judged: what of it may stand in a manifest is decided where the manifest is written."""

    traced: bool = False
    calls: int = 0
    """How many calls were made under the trace. With none, only start and list of tools were seen."""
    hosts: tuple[str, ...] = ()
    """Names that were asked for in the domain name system."""
    addresses: tuple[str, ...] = ()
    """``address:port`` of TCP connections that were tried."""
    ports: tuple[int, ...] = ()
    """Of those that do not stay on this machine."""
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    """Programs that were started, the server's own first."""
    home: str = ""
    """The home of whoever looked; no draft asks for all of it."""
    cut: bool = False
    """The trace was longer than what is read of it."""
    variables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """The files that were searched for variables."""


def own(paths: Iterable[str], code: Iterable[str]) -> list[str]:
    """Without the system, the language and the server's own code. ``code``: folders whose content is code."""
    left_out = tuple(folder.rstrip("/") + "/" for folder in (*_SYSTEM, *_SYSTEM_FOLDERS, *code))
    return sorted(path for path in set(paths) if path.startswith(_DATA) or (path.startswith("/") and _is_own(path, left_out)))


def _is_own(path: str, left_out: tuple[str, ...]) -> bool:
    is_system = path in _SYSTEM_FILES or path == _RESOLVER or (path + "/").startswith(left_out)
    return not is_system and not LIBRARIES & set(path.split("/"))


def grouped(files: Iterable[str], folders: Iterable[str], home: str = "") -> tuple[str, ...]:
    """Files by their folder: one file alone stays as it is, several become the folder. ``folders`` were listed as a whole.

    No file stands for all of a home or of /etc: what is in a wide folder stays as it is.
    """
    by_folder: dict[str, list[str]] = {}
    for path in sorted(set(files)):
        by_folder.setdefault(posixpath.dirname(path), []).append(path)
    listed = {folder for folder in folders if folder != "/"}
    found = {folder for folder in listed if not is_wide(folder, home)}
    for folder, inside in by_folder.items():
        found |= {folder} if len(inside) > 1 and not is_wide(folder, home) else set(inside)
    return tuple(sorted(_fewer(_topmost(found), home) | {folder for folder in listed if is_wide(folder, home)}))


def _fewer(found: set[str], home: str) -> set[str]:
    """As few as a person can go through: the deepest go together, level by level."""
    while len(found) > FOLDERS_SHOWN_MAX:
        deepest = max((path.count("/") for path in found if _may_rise(path, home)), default=0)
        if not deepest:
            return set(sorted(found)[:FOLDERS_SHOWN_MAX])
        found = _topmost({posixpath.dirname(path) if path.count("/") == deepest and _may_rise(path, home) else path for path in found})
    return found


def _may_rise(path: str, home: str) -> bool:
    return not is_wide(posixpath.dirname(path), home)


def is_wide(path: str, home: str) -> bool:
    """Is it a folder with far more than one tool's data?"""
    return path in _WIDE or path == home


def _topmost(paths: set[str]) -> set[str]:
    """Without what is inside of another of them."""
    return {path for path in paths if not any(above in paths for above in _parents(path))}


def _parents(path: str) -> list[str]:
    out = []
    while (path := posixpath.dirname(path)) not in {"/", ""}:
        out.append(path)
    return out


def code_folders(programs: Iterable[str], command: Iterable[str], home: str) -> tuple[str, ...]:
    """Where code lies: what stands beside the ``bin`` of a program that was started, and the folders of scripts that the command names."""
    found: set[str] = set()
    words = [*command]
    # A trace has names as they were given; what a name without a folder leads to is what the shell would find.
    started = [*programs, *(shutil.which(word) or word for word in words[:1])]
    for path in {found_at for one in started for found_at in (one, os.path.realpath(one))}:
        # Of an environment of Python both the link and what it leads to: the language lies there.
        above = posixpath.dirname(posixpath.dirname(path))
        if posixpath.basename(posixpath.dirname(path)) == "bin" and above not in {"/", "", home}:
            found.add(above)
    for word in words:
        if word.endswith((".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".sh")) and os.path.isfile(word):
            found.add(os.path.dirname(os.path.realpath(word)))
    return tuple(sorted(found))
