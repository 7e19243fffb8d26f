"""The sandbox that the attacks on it share: one per file of tests, looked at after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.attack.sandboxed import Box


@pytest.fixture(scope="module")
def shared_box() -> Iterator[Box]:
    from tests.attack.sandboxed import Box

    found = Box()
    yield found
    found.close()


@pytest.fixture
def box(shared_box: Box) -> Iterator[Box]:
    """The sandbox. Afterwards a good guest must be answered, and nothing may be left over."""
    yield shared_box
    shared_box.well()
    shared_box.forget_grants()
    shared_box.settled()
