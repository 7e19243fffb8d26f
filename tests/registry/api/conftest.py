"""A registry that serves, with one publisher and one package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.api.world import serving, somebody, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty one."""
    with serving(str(tmp_path)) as found:
        yield found


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One with ``com.example.hello`` 0.1.0 and 0.2.0, to read only."""
    with serving(str(tmp_path_factory.mktemp("registry"))) as found:
        by = somebody()
        assert found.register(by).status == 201
        assert found.publish(by).status == 201
        assert found.publish(by, {"version": "0.2.0"}).status == 201
        yield found
