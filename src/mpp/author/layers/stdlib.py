"""Which modules of CPython's standard library a layer holds, and how they become data of its module."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator, Mapping

from mpp.author.layers.limits import FROZEN_BYTES_MAX, MODULE_SOURCE_BYTES_MAX
from mpp.errors import HostFailed
from mpp.files import read_bounded
from mpp.model.value import value

LEFT_OUT = frozenset((
    "__hello__", "__phello__", "_aix_support", "_android_support", "_apple_support", "_ios_support", "_osx_support", "_pyrepl", "antigravity", "ctypes",
    "curses", "dbm", "ensurepip", "idlelib", "lib2to3", "msilib", "pydoc_data", "site-packages", "test", "this", "tkinter", "turtle", "turtledemo", "venv",
))  # fmt: skip
"""Modules without use where there is no screen, no keyboard, no native library and nobody to install anything."""

_BOOTSTRAP = {"importlib._bootstrap": "_frozen_importlib", "importlib._bootstrap_external": "_frozen_importlib_external", "zipimport": "zipimport"}


@value
class Module:
    """A module to freeze."""

    name: str
    path: str
    is_package: bool


def find_modules(library: str, own: str) -> tuple[Module, ...]:
    """The modules of ``library`` that are of use, with those below ``own`` in addition or instead. Sorted, so that builds agree."""
    found = {module.name: module for module in _below(library, "")}
    for module in _below(own, "", partial=True):
        # A stand-in for a package that is one file has no parts.
        for name in [name for name in found if name.startswith(f"{module.name}.")]:
            del found[name]
        found[module.name] = module
    return tuple(found[name] for name in sorted(found))


def _below(folder: str, prefix: str, *, partial: bool = False) -> Iterator[Module]:
    for entry in sorted(os.listdir(folder)):
        path = os.path.join(folder, entry)
        if entry.endswith(".py") and entry != "__init__.py" and not (not prefix and entry[:-3] in LEFT_OUT):
            yield Module(name=prefix + entry[:-3], path=path, is_package=False)
        elif os.path.isdir(path) and entry.isidentifier() and not _is_left_out(entry, prefix):
            first = os.path.join(path, "__init__.py")
            if os.path.isfile(first):
                yield Module(name=prefix + entry, path=first, is_package=True)
            elif not partial:
                continue
            yield from _below(path, f"{prefix}{entry}.", partial=partial)


def _is_left_out(entry: str, prefix: str) -> bool:
    return entry == "__pycache__" or (entry in LEFT_OUT if not prefix else entry in {"test", "tests"})


def write_sources(modules: tuple[Module, ...], folder: str) -> str:
    """Put all sources into ``folder`` as UTF-8, whatever they were, and give the list that freeze.c reads: its paths begin with /shop."""
    os.makedirs(os.path.join(folder, "py"), exist_ok=True)
    lines = []
    for number, module in enumerate(modules):
        data = read_bounded(module.path, MODULE_SOURCE_BYTES_MAX)
        coding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(coding).replace("\r\n", "\n")
        with open(os.path.join(folder, "py", str(number)), "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        lines.append(f"{module.name}\t/shop/py/{number}\n")
    return "".join(lines)


def read_sizes(text: str) -> dict[str, int]:
    """What freeze.c says about the bytecode that it wrote."""
    sizes = {}
    for line in text.splitlines():
        name, _, size = line.partition(" ")
        sizes[name] = int(size)
    if sum(sizes.values()) > FROZEN_BYTES_MAX:
        raise HostFailed("host.compiler_failed", f"the bytecode has more than {FROZEN_BYTES_MAX} bytes", where="frozen.bin")
    return sizes


def write_tables(modules: tuple[Module, ...], sizes: Mapping[str, int], blob: str) -> str:
    """C that holds the file ``blob`` and says where each module lies in it."""
    at, rows, first = 0, [], []
    for module in modules:
        size = sizes[module.name]
        row = f"held + {at}, {size}, {int(module.is_package)}}},\n"
        at += size
        if module.name in _BOOTSTRAP:
            first.append(f'    {{"{_BOOTSTRAP[module.name]}", {row}')
        else:
            rows.append(f'    {{"{module.name}", {row}')
    return "".join(
        (
            f'#include <Python.h>\nstatic const unsigned char held[] = {{\n#embed "{blob}"\n}};\n',
            f"const struct _frozen mpp_bootstrap[] = {{\n{''.join(first)}    {{0}},\n}};\n",
            f"const struct _frozen mpp_frozen[] = {{\n{''.join(rows)}    {{0}},\n}};\n",
        )
    )
