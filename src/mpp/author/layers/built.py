"""What a recipe of a layer gives: a package that nobody has signed yet."""

from __future__ import annotations

from mpp.model.value import value


@value
class BuiltLayer:
    """An unsigned package of type ``layer``."""

    data: bytes
    name: str
    """The usual file name."""
    content_hash: str
