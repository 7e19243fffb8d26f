"""What a server was seen to use: hosts, files and programs from a trace, variables from its sources."""

from __future__ import annotations

import os
import posixpath
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
_RESOLVER = "/etc/host.conf"
_SYSTEM_FOLDERS = ("/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/ld.so.conf.d", "/etc/python3", "/etc/gcrypt")
LIBRARIES = frozenset(("node_modules", "site-packages", "dist-packages", "__pycache__", ".git"))


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
    cut: bool = False
    """The trace was longer than what is read of it."""
    variables: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    """The files that were searched for variables."""


def own(paths: Iterable[str], code: Iterable[str]) -> list[str]:
    """Without the system, the language and the server's own code. ``code``: folders whose content is code."""
    left_out = tuple(folder.rstrip("/") + "/" for folder in (*_SYSTEM, *_SYSTEM_FOLDERS, *code))
    return sorted(
        path
        for path in set(paths)
        if path.startswith("/")
        and path not in _SYSTEM_FILES
        and path != _RESOLVER
        and not (path + "/").startswith(left_out)
        and not LIBRARIES & set(path.split("/"))
    )


def grouped(files: Iterable[str], folders: Iterable[str]) -> tuple[str, ...]:
    """Files by their folder: one file alone stays as it is, several become the folder. ``folders`` were listed as a whole."""
    by_folder: dict[str, list[str]] = {}
    for path in sorted(set(files)):
        by_folder.setdefault(posixpath.dirname(path), []).append(path)
    found = {folder for folder in folders if folder != "/"}
    for folder, inside in by_folder.items():
        found |= {folder} if len(inside) > 1 and folder != "/" else set(inside)
    found = _topmost(found)
    while len(found) > FOLDERS_SHOWN_MAX:
        deepest = max(path.count("/") for path in found)
        if deepest <= 1:
            return tuple(sorted(found)[:FOLDERS_SHOWN_MAX])
        found = _topmost({posixpath.dirname(path) if path.count("/") == deepest else path for path in found})
    return tuple(sorted(found))


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
    for path in {found_at for one in programs for found_at in (one, os.path.realpath(one))}:
        # Of an environment of Python both the link and what it leads to: the language lies there.
        above = posixpath.dirname(posixpath.dirname(path))
        if posixpath.basename(posixpath.dirname(path)) == "bin" and above not in {"/", "", home}:
            found.add(above)
    for word in command:
        if word.endswith((".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".sh")) and os.path.isfile(word):
            found.add(os.path.dirname(os.path.realpath(word)))
    return tuple(sorted(found))
