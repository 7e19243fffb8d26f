"""Tables are made in numbered steps, and those of another version are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp_registry.store.migrations import SCHEMA, migrate, migrations, translated

from .conftest import Opener

STEPS = {
    "0001_one.sql": "CREATE TABLE one (name TEXT PRIMARY KEY, data BYTES NOT NULL);\n-- a second\nCREATE TABLE two (number BIGINT);",
    "0002_three.sql": "CREATE TABLE three (number BIGINT);",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "steps"
    made.mkdir()
    for name, sql in STEPS.items():
        (made / name).write_text(sql)
    return made


@pytest.fixture
def fresh(opener: Opener) -> Opener:
    """A database that has forgotten which steps it has had, so that those of the test are the only ones."""
    database = opener()
    with database.write() as rows:
        rows.run("DELETE FROM schema_migrations")
    return opener_of(database)


def opener_of(database):
    return lambda: database


def apply(opener: Opener, folder: Path) -> int:
    database = opener()
    with database.write() as rows:
        return migrate(rows, database.kind, 7, "here", str(folder))


def test_each_step_is_applied_once(fresh: Opener, folder: Path) -> None:
    assert apply(fresh, folder) == 2
    assert apply(fresh, folder) == 0
    with fresh().read() as rows:
        assert rows.all("SELECT number, name, applied_at FROM schema_migrations ORDER BY number") == [(1, "one", 7), (2, "three", 7)]
        assert rows.all("SELECT * FROM one") == rows.all("SELECT * FROM two") == rows.all("SELECT * FROM three") == []
    (folder / "0003_four.sql").write_text("CREATE TABLE four (number BIGINT);")
    assert apply(fresh, folder) == 1


def test_a_changed_step_is_refused(fresh: Opener, folder: Path) -> None:
    apply(fresh, folder)
    (folder / "0001_one.sql").write_text(STEPS["0001_one.sql"] + "\n")
    with pytest.raises(HostFailed, match="another one when it was applied") as caught:
        apply(fresh, folder)
    assert caught.value.code == "registry.schema"


def test_tables_of_a_newer_version_are_refused(fresh: Opener, folder: Path) -> None:
    apply(fresh, folder)
    (folder / "0002_three.sql").unlink()
    with pytest.raises(HostFailed, match=r"step 2 \(three\) is not known here"):
        apply(fresh, folder)


def test_a_step_that_was_left_out_is_refused(fresh: Opener, folder: Path) -> None:
    (folder / "0001_one.sql").rename(folder / "aside")
    apply(fresh, folder)
    (folder / "aside").rename(folder / "0001_one.sql")
    with pytest.raises(HostFailed, match="left out"):
        apply(fresh, folder)


def test_a_step_that_fails_leaves_nothing(fresh: Opener, folder: Path) -> None:
    (folder / "0003_wrong.sql").write_text("CREATE TABLE four (number BIGINT);\nCREATE NONSENSE;")
    with pytest.raises(HostFailed):
        apply(fresh, folder)
    with fresh().write() as rows:
        rows.run("CREATE TABLE one (name TEXT)")
        rows.run("CREATE TABLE four (name TEXT)")
        assert rows.all("SELECT number FROM schema_migrations") == []


def test_two_files_of_one_number_are_refused(folder: Path) -> None:
    (folder / "0002_other.sqlite.sql").write_text("CREATE TABLE four (number BIGINT);")
    with pytest.raises(HostFailed, match="one number"):
        migrations("sqlite", str(folder))
    assert [one.number for one in migrations("postgres", str(folder))] == [1, 2]


def test_names_of_types() -> None:
    sql = "CREATE TABLE BYTESIZE (a BYTES, b TEXT PRIMARY KEY, c CONTEXT)"
    assert translated(sql, "sqlite") == "CREATE TABLE BYTESIZE (a BLOB, b TEXT PRIMARY KEY, c CONTEXT)"
    assert translated(sql, "postgres") == 'CREATE TABLE BYTESIZE (a BYTEA, b TEXT COLLATE "C" PRIMARY KEY, c CONTEXT)'


def test_both_databases_have_the_same_steps() -> None:
    """And every file of the folder is one."""
    first, second = ([(one.number, one.name) for one in migrations(kind)] for kind in ("sqlite", "postgres"))
    assert first == second
    names = {path.name.split(".")[0] for path in Path(SCHEMA).iterdir()}
    assert names == {f"{number:04d}_{name}" for number, name in first}
