"""What a recipe of a layer gives: a package that nobody has signed yet. And the finished module that is kept for the next time."""

from __future__ import annotations

import contextlib
from hashlib import sha256

from mpp.author.layers.limits import LAYER_BYTES_MAX
from mpp.errors import MppError
from mpp.files import PRIVATE, read_bounded, write_atomic
from mpp.model.value import value

_DIGEST_BYTES = 32


@value
class BuiltLayer:
    """An unsigned package of type ``layer``."""

    data: bytes
    name: str
    """The usual file name."""
    content_hash: str


def keep_module(path: str, module: bytes) -> None:
    """Its digest, then the module, on the disk before it has its name."""
    write_atomic(path, sha256(module).digest() + module, PRIVATE)


def kept_module(path: str) -> bytes | None:
    """The module as it was kept. None where there is none or it is damaged, as after a power cut: it is made again then, and never used."""
    with contextlib.suppress(MppError):
        data = read_bounded(path, _DIGEST_BYTES + LAYER_BYTES_MAX)
        module = data[_DIGEST_BYTES:]
        if sha256(module).digest() == data[:_DIGEST_BYTES]:
            return module
    return None
