"""A registry for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.publishing.worlds import ALICE, BOB, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty registry that wants no proof of name spaces."""
    found = World(tmp_path)
    yield found
    found.close()


@pytest.fixture
def joined(world: World) -> World:
    """The same with Alice and Bob."""
    world.join(ALICE)
    world.join(BOB)
    return world
