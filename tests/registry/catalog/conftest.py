"""An empty catalog over each of the databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp_registry.store.ports import Database
from mpp_registry.store.postgres import PostgresDatabase
from mpp_registry.store.sqlite import SqliteDatabase
from tests.registry.worlds import NOW


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        made: Database = SqliteDatabase(str(tmp_path / "registry.db"), NOW, synchronous="OFF")
    else:
        made = PostgresDatabase(request.getfixturevalue("emptied_url"), NOW, connections=4)
    yield made
    made.close()
