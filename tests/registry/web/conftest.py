"""Registries for the tests of the web site. Reading tests share one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.registry.web.world import BEGIN, World, friendly


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Filled with friendly packages; nobody changes it."""
    world = World(tmp_path_factory.mktemp("site"), start=BEGIN)
    friendly(world)
    yield world
    world.close()


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    """An empty one of one's own."""
    made = World(tmp_path / "registry")
    yield made
    made.close()
