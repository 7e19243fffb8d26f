"""Finds an installed toolchain: in our folder at the pinned version, else where the author installed one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder

from mpp.author.languages.ports import Toolchain
from mpp.author.toolchains.catalogue import Entry
from mpp.author.toolchains.places import toolchains_folder

DONE = ".complete"
"""The file that is written last into a folder of ours."""


def own_folder(entry: Entry, env: Mapping[str, str]) -> str:
    return os.path.join(toolchains_folder(env), f"{entry.name}-{entry.version}")


def find_toolchain(entry: Entry, env: Mapping[str, str]) -> Toolchain | None:
    """Ours first: its version is the one that we have tested."""
    if entry.source == "system":
        return _on_path(entry)
    folder = own_folder(entry, env)
    if os.path.isfile(os.path.join(folder, DONE)):
        program = next((path for name in entry.programs if os.path.isfile(path := os.path.join(folder, *name.split("/")))), "")
        if program:
            return Toolchain(name=entry.name, version=entry.version, folder=os.path.realpath(folder), program=os.path.realpath(program))
    return _beside_us(entry)


def _on_path(entry: Entry) -> Toolchain | None:
    for name in entry.programs:
        # Attack: a relative folder in PATH makes a program of the project's folder the compiler.
        path = os.pathsep.join(folder for folder in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(folder))
        found = shutil.which(name, path=path)
        if found is not None:
            return Toolchain(name=entry.name, version="", folder=os.path.dirname(os.path.dirname(os.path.realpath(found))), program=found)
    return None


def import_path() -> list[str]:
    """Where packages are installed: the import path without the current folder, which may be a project from elsewhere."""
    try:
        here = os.getcwd()
    except OSError:  # it is gone
        here = ""
    return [folder for folder in sys.path if os.path.isabs(folder) and os.path.realpath(folder) != here]


def _beside_us(entry: Entry) -> Toolchain | None:
    """A compiler that lies in a Python package beside this one, whose Python is never run.

    Attack: ``python -m ziglang`` in the project's folder would first run a ``ziglang.py`` that lies there.
    """
    for name in entry.programs:
        package, _, rest = name.partition("/")
        spec = PathFinder.find_spec(package, import_path()) if rest and package.isidentifier() else None
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            program = os.path.join(os.path.abspath(folder), f"{rest}.exe" if sys.platform == "win32" else rest)
            if os.path.isfile(program):
                return Toolchain(name=entry.name, version=installed_version(entry.package), folder=os.path.realpath(folder), program=program)
    return None


def installed_version(package: str) -> str:
    """The version of a package beside this one; empty where it is not said."""
    # Imported here: it brings the modules of mail, and a build that finds its toolchain in our folder does without.
    from importlib.metadata import distributions  # noqa: PLC0415

    found = next(iter(distributions(name=package, path=import_path())), None)
    return "" if found is None else found.version
