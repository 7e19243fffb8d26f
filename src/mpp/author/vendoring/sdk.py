"""The Python SDK as it ships with this distribution: where it lies, and which of it a package carries."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping

from mpp.author.limits import SOURCE_BYTES_MAX
from mpp.errors import HostFailed
from mpp.files import read_bounded

PACKAGE = "mpp_sdk"
_HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PLACES = (os.path.join(_HERE, "_sdk"), os.path.join(_HERE, "..", "..", "sdk", "python", "src"))
"""As installed; in a checkout."""


def sdk_folder() -> str:
    """The folder on the import path that holds ``mpp_sdk``."""
    for place in _PLACES:
        if os.path.isfile(os.path.join(place, PACKAGE, "__init__.py")):
            return os.path.realpath(place)
    raise HostFailed("host.compiler_missing", "the Python SDK is not part of this installation", hint="install model-package-protocol again")


def sdk_members(wanted: frozenset[str]) -> dict[str, bytes]:
    """The files of the SDK for ``lib/`` of a package whose sources import the modules ``wanted``."""
    folder = sdk_folder()
    lists = _constants(os.path.join(folder, PACKAGE, "_members.py"))
    shimmed = "pydantic" in wanted
    names = [*_names(lists, "CORE")]
    if shimmed or any(name == f"{PACKAGE}.fastmcp" or name.startswith(f"{PACKAGE}.fastmcp.") for name in wanted):
        names += _names(lists, "FASTMCP")
    found = {f"{PACKAGE}/{name}": read_bounded(os.path.join(folder, PACKAGE, *name.split("/")), SOURCE_BYTES_MAX) for name in dict.fromkeys(names)}
    if shimmed:
        found["pydantic/__init__.py"] = str(lists["PYDANTIC_SHIM"]).encode("utf-8")
    return found


def sdk_version() -> str:
    return str(_constants(os.path.join(sdk_folder(), PACKAGE, "__init__.py")).get("__version__", ""))


def _names(lists: Mapping[str, object], key: str) -> tuple[str, ...]:
    found = lists.get(key, ())
    return tuple(map(str, found)) if isinstance(found, tuple) else ()


def _constants(path: str) -> dict[str, object]:
    """The constants of a module. It is read, not run: a builder imports nothing that a tool carries."""
    found: dict[str, object] = {}
    for node in ast.parse(read_bounded(path, SOURCE_BYTES_MAX)).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:  # no constant
                continue
    return found
