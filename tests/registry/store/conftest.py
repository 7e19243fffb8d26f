"""Each store of a registry, under one contract: SQLite and PostgreSQL, a folder and an object storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mpp_registry.store.folder import FolderBlobs
from mpp_registry.store.ports import Blobs, Database
from mpp_registry.store.postgres import PostgresDatabase
from mpp_registry.store.s3 import S3Blobs, read_address
from mpp_registry.store.sqlite import SqliteDatabase
from tests.registry.servers import Objects

NOW = 1_795_000_000
Opener = Callable[[], Database]


@pytest.fixture(params=["sqlite", "postgres"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens one and the same database anew, as another process would."""
    with ExitStack() as open_ones:

        def sqlite() -> Database:
            database = SqliteDatabase(str(tmp_path / "data" / "registry.db"), NOW)
            open_ones.callback(database.close)
            return database

        def postgres() -> Database:
            database = PostgresDatabase(url, NOW)
            open_ones.callback(database.close)
            return database

        url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
        yield sqlite if request.param == "sqlite" else postgres


@pytest.fixture
def database(opener: Opener) -> Database:
    return opener()


@pytest.fixture(scope="session")
def one_bucket(objects: Objects) -> str:
    """Each test has a prefix of its own in it: the storage of the tests has no room for many buckets."""
    return objects.bucket()


@pytest.fixture(params=["folder", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    if request.param == "folder":
        store: Blobs = FolderBlobs(str(tmp_path / "blobs"))
    else:
        objects, bucket = request.getfixturevalue("objects"), request.getfixturevalue("one_bucket")
        store = S3Blobs(read_address(f"s3://{bucket}/tests/{tmp_path.name}", objects.environment), objects.environment)
    yield store
    store.close()
