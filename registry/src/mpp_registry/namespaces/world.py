"""What the registry asks of the world, so that tests and closed networks can answer in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mpp.model.value import value

Txt: TypeAlias = Callable[[str], tuple[str, ...]]
"""The TXT records of a name; none where there is no such name. Raises ``Unreachable``."""

Fetch: TypeAlias = Callable[[str], bytes]
"""The small document at an https address. Raises ``Unreachable``, or ``Absent`` where the server says that there is none."""


class Unreachable(Exception):
    """Nobody answered, or not in a way that says yes or no. ``why`` holds no address."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Absent(Exception):
    """Whoever answers for the name says that what we look for is not there."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@value
class World:
    txt: Txt
    fetch: Fetch
