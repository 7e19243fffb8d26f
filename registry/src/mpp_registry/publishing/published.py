"""What publishing answers."""

from __future__ import annotations

from typing import Literal

from mpp.model.value import value


@value
class Published:
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    size: int
    state: Literal["published", "staged"]
    is_new: bool
    """False: these very bytes were here already, and nothing was done."""
    staged_id: str = ""
    notes: tuple[str, ...] = ()
    """What a person should look at; none of it is a refusal."""
