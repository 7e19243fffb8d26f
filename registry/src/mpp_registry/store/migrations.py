"""The tables: numbered files of plain SQL, each applied once and remembered with its digest.

``NNNN_name.sql`` is for both databases; ``NNNN_name.sqlite.sql`` and ``NNNN_name.postgres.sql`` are for one. In them BYTES stands for
the type of bytes. In PostgreSQL TEXT is given the order of bytes, so that both databases sort and page alike.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import Literal, TypeAlias

from mpp.files import read_bounded
from mpp.model.value import value
from mpp_registry.limits import MIGRATION_BYTES_MAX, MIGRATIONS_MAX
from mpp_registry.store.failures import schema_failed
from mpp_registry.store.ports import Rows

Kind: TypeAlias = Literal["sqlite", "postgres"]

SCHEMA = os.path.join(os.path.dirname(__file__), "schema")
_NAME = re.compile(r"([0-9]{4})_([a-z0-9_]+)(?:\.(sqlite|postgres))?\.sql")
_TYPE = re.compile(r"\b(BYTES|TEXT)\b")
_TYPES: dict[Kind, dict[str, str]] = {"sqlite": {"BYTES": "BLOB", "TEXT": "TEXT"}, "postgres": {"BYTES": "BYTEA", "TEXT": 'TEXT COLLATE "C"'}}

_APPLIED = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    applied_at BIGINT NOT NULL
)
"""


@value
class Migration:
    number: int
    name: str
    sql: str
    """As the database takes it."""
    digest: str
    """SHA-256 of the file in hex."""


def translated(sql: str, kind: Kind) -> str:
    return _TYPE.sub(lambda found: _TYPES[kind][found[1]], sql)


def migrations(kind: Kind, folder: str = SCHEMA) -> tuple[Migration, ...]:
    """All of this version, in order."""
    names = [found for found in (_NAME.fullmatch(name) for name in sorted(os.listdir(folder))[:MIGRATIONS_MAX]) if found and found[3] in {None, kind}]
    made = [_read(found, kind, folder) for found in names]
    if len({one.number for one in made}) != len(made):
        raise schema_failed("two files have one number", folder, "reinstall mpp-registry")
    return tuple(made)


def _read(found: re.Match[str], kind: Kind, folder: str) -> Migration:
    data = read_bounded(os.path.join(folder, found[0]), MIGRATION_BYTES_MAX)
    return Migration(number=int(found[1]), name=found[2], sql=translated(data.decode("utf-8"), kind), digest=sha256(data).hexdigest())


def migrate(rows: Rows, kind: Kind, at: int, where: str, folder: str = SCHEMA) -> int:
    """Apply what is missing, within the transaction of ``rows``; how many there were."""
    known = migrations(kind, folder)
    rows.run(translated(_APPLIED, kind))
    applied = {int(str(number)): (str(name), str(digest)) for number, name, digest in rows.all("SELECT number, name, digest FROM schema_migrations")}
    _judge(known, applied, where)
    missing = [one for one in known if one.number not in applied]
    for one in missing:
        rows.run(one.sql)
        rows.run("INSERT INTO schema_migrations VALUES (?, ?, ?, ?)", one.number, one.name, one.digest, at)
    return len(missing)


def _judge(known: tuple[Migration, ...], applied: dict[int, tuple[str, str]], where: str) -> None:
    """Refuse tables that another version made: it would read and write them with another meaning."""
    numbers = {one.number for one in known}
    for number, (name, _) in sorted(applied.items()):
        if number not in numbers:
            raise schema_failed(f"step {number} ({name}) is not known here", where, "start the newer version of mpp-registry that made them")
    newest = max(applied, default=-1)
    for one in known:
        if one.number in applied and applied[one.number][1] != one.digest:
            raise schema_failed(f"step {one.number} ({one.name}) was another one when it was applied", where, "install the release that made them")
        if one.number not in applied and one.number < newest:
            raise schema_failed(f"step {one.number} ({one.name}) was left out", where, "install the release that made them")
