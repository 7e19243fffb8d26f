"""Three registries that know each other, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.federation.worlds import registries, Registry

Three = tuple[Registry, Registry, Registry]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Three]:
    """``a`` asks ``b`` for com.bee and ``c`` for the rest; ``b`` asks ``c``."""
    with registries(tmp_path, "a", "b", "c") as (a, b, c):
        a.peer(b, "com.bee")
        a.peer(c, "*")
        b.peer(c, "*")
        yield a, b, c
