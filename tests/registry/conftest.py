"""Servers that a registry stands on, started when the first test asks for one and ended after the last."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.cleaned import empty
from tests.registry.servers import Objects, Postgres, running_objects, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The server; ``postgres.database()`` gives the URL of a new database. A test that stops it begins it again."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """A new, empty database of the test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def one_database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture
def emptied_url(one_database: str) -> str:
    """A database without rows, which tests have one after the other: its tables may be there already."""
    empty(one_database)
    return one_database


@pytest.fixture(scope="session")
def objects(root: Path) -> Iterator[Objects]:
    """An object storage that honours create-only writes; ``objects.environment`` is what a client of it needs."""
    with running_objects(root) as server:
        yield server


@pytest.fixture
def bucket(objects: Objects) -> str:
    """A new, empty bucket of the test's own."""
    return objects.bucket()
