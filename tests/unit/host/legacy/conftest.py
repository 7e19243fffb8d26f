"""A home whose filter is compiled already, and a source of older servers over it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.host.legacy.opened import opened
from tests.unit.host.legacy.world import World


@pytest.fixture
def place(home: Path, compiled: Path) -> Path:
    home.mkdir(mode=0o700)
    (home / "cache").mkdir(mode=0o700)
    shutil.copytree(compiled, home / "cache", dirs_exist_ok=True)
    return home


@pytest.fixture
def world(place: Path) -> Iterator[World]:
    with opened(place) as found:
        yield found
