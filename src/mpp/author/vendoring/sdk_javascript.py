"""The JavaScript SDK as it ships with this distribution: where it lies, and which of it a package carries."""

from __future__ import annotations

import os

from mpp.author.limits import LOCK_BYTES_MAX, SOURCE_BYTES_MAX
from mpp.errors import HostFailed
from mpp.files import read_bounded
from mpp.model.jsontext import read

PLACE = "node_modules/mpp-sdk"
_HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PLACES = (os.path.join(_HERE, "_sdk_typescript"), os.path.join(_HERE, "..", "..", "sdk", "typescript"))
"""As installed; in a checkout."""
_NOT_PACKED = ("testing.js",)


def sdk_folder() -> str:
    """The folder with package.json and ``dist/``."""
    for place in _PLACES:
        if os.path.isfile(os.path.join(place, "dist", "index.js")):
            return os.path.realpath(place)
    raise HostFailed("host.compiler_missing", "the JavaScript SDK is not part of this installation", hint="install model-package-protocol again")


def sdk_members() -> dict[str, bytes]:
    """What a package carries of it: its modules and its description."""
    folder = sdk_folder()
    names = sorted(name for name in os.listdir(os.path.join(folder, "dist")) if name.endswith(".js") and name not in _NOT_PACKED)
    found = {f"{PLACE}/dist/{name}": read_bounded(os.path.join(folder, "dist", name), SOURCE_BYTES_MAX) for name in names}
    return {f"{PLACE}/package.json": read_bounded(os.path.join(folder, "package.json"), SOURCE_BYTES_MAX)} | found


def sdk_version() -> str:
    document = read(read_bounded(os.path.join(sdk_folder(), "package.json"), LOCK_BYTES_MAX), family="project", where="package.json")
    return str(document.get("version", "")) if isinstance(document, dict) else ""
