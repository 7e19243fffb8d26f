"""A registry comes up: its keys, its tables, its blobs, and on the first start the first leaf of its log."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from mpp.errors import HostFailed
from mpp.files import make_private_folder
from mpp.ledger.keymap import root_in
from mpp.ledger.notes import NoteKey
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.protocol.registry.events import RegistryOpened
from mpp_registry.catalog.ranking import fill_ranks
from mpp_registry.keys import RegistryKeys, open_keys
from mpp_registry.limits import INCOMING_SECONDS_MAX
from mpp_registry.log.ledger import Ledger
from mpp_registry.log.states import RowNodes
from mpp_registry.services import Services, Settings
from mpp_registry.store.folder import FolderBlobs
from mpp_registry.store.ports import Blobs, Database, Rows
from mpp_registry.store.public import PublicFiles
from mpp_registry.store.sqlite import SqliteDatabase

KEYS_FOLDER, BLOBS_FOLDER, PUBLIC_FOLDER, DATABASE_FILE = "keys", "blobs", "public", "registry.db"


@value
class Options:
    """What the operator says when a registry starts."""

    data: str
    """The folder with the keys; with the database and the blobs too, where nothing else is said."""
    name: str = "MPP registry"
    """Goes into the root document on the first start; afterwards the document decides."""
    url: str = ""
    database_url: str = ""
    """``postgresql://…``; empty: a file in the folder."""
    blobs: str = ""
    """``s3://…``; empty: a folder in the folder."""
    is_public: bool = True
    require_namespace: bool = True
    staging: bool = False
    admin_token_sha256: str = ""
    witnesses: tuple[NoteKey, ...] = ()


def open_services(options: Options, *, clock: Clock, random: Random, environment: Mapping[str, str]) -> Services:
    """``environment``: where credentials of an object storage are looked up."""
    make_private_folder(options.data)
    keys = open_keys(os.path.join(options.data, KEYS_FOLDER), options.name, random)
    ledger, at = Ledger(keys.roots, keys.log), clock.now()
    with contextlib.ExitStack() as undo:
        database = _open_database(options, at)
        undo.callback(database.close)
        blobs = _open_blobs(options, environment, at)
        undo.callback(blobs.close)
        with database.write() as rows:
            _open_log(rows, ledger, keys, at)
        fill_ranks(database)
        undo.pop_all()
    public = PublicFiles(os.path.join(options.data, PUBLIC_FOLDER), blobs) if isinstance(blobs, FolderBlobs) else None
    return Services(database=database, blobs=blobs, ledger=ledger, clock=clock, random=random, settings=_settings(options, keys), public_files=public)


@contextlib.contextmanager
def opened(options: Options, *, clock: Clock, random: Random, environment: Mapping[str, str]) -> Iterator[Services]:
    """The same, closed at the end."""
    services = open_services(options, clock=clock, random=random, environment=environment)
    try:
        yield services
    finally:
        services.close()


def _settings(options: Options, keys: RegistryKeys) -> Settings:
    return Settings(
        name=keys.roots.newest.name,
        url=options.url.rstrip("/"),
        registry_id=keys.roots.publisher_id,
        roots=keys.roots.data,
        is_public=options.is_public,
        require_namespace=options.require_namespace,
        staging=options.staging,
        admin_token_sha256=options.admin_token_sha256,
        witnesses=options.witnesses,
    )


def _open_database(options: Options, at: int) -> Database:
    if not options.database_url:
        return SqliteDatabase(os.path.join(options.data, DATABASE_FILE), at)
    from mpp_registry.store.postgres import PostgresDatabase  # noqa: PLC0415 - most registries have no such server, and its client loads for long

    return PostgresDatabase(options.database_url, at)


def _open_blobs(options: Options, environment: Mapping[str, str], at: int) -> Blobs:
    if not options.blobs:
        blobs = FolderBlobs(os.path.join(options.data, BLOBS_FOLDER))
        blobs.clear_incoming(at - INCOMING_SECONDS_MAX)
        return blobs
    from mpp_registry.store.s3 import S3Blobs, read_address  # noqa: PLC0415 - as above

    return S3Blobs(read_address(options.blobs, environment), environment)


def _open_log(rows: Rows, ledger: Ledger, keys: RegistryKeys, at: int) -> None:
    """Whose database is it? The first start writes it down, with the first leaf."""
    registry_id = keys.roots.publisher_id
    rows.run("INSERT INTO settings (name, text) VALUES ('registry_id', ?) ON CONFLICT (name) DO NOTHING", registry_id)
    found = rows.one("SELECT text FROM settings WHERE name = 'registry_id'")
    # Attack on oneself: a second replica with keys of its own would go on with the log of the first, under another name.
    if found != (registry_id,):
        hint = "start it with the folder of keys that the database was made with"
        raise HostFailed("registry.keys", "the database belongs to a registry with other keys", where="settings", hint=hint)
    if not ledger.size(rows):
        ledger.append(rows, [RegistryOpened(registry_id=registry_id, name=keys.roots.newest.name)], at)
    newest = ledger.checkpoint(rows)
    if newest.origin != ledger.origin or root_in(RowNodes(rows)) != newest.map_root:
        raise HostFailed("registry.map", "the map is not the one of the newest checkpoint", where="map_nodes", hint="restore the database from a copy")
