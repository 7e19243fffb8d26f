"""Removing what a package stored: its own, all of it, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import HostFailed
from mpp.host.home import Home
from mpp.host.store.purging import purge
from mpp.host.stores.kv import KvStore
from mpp.host.stores.kv_file import Space

HELLO, OTHER, PUBLISHER, ANOTHER = "com.example.hello", "com.example.other", "1" * 64, "2" * 64


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(path=str(tmp_path / "home"))


def filled(home: Home, *spaces: Space) -> KvStore:
    store = KvStore(home.kv)
    for space in spaces:
        store.set(space, "greet", b"k", b"v", quota=100)
    return store


def test_nothing_was_stored(home: Home) -> None:
    assert purge(home, HELLO, frozenset((PUBLISHER,))) == 0


def test_only_its_own_of_all_tenants(home: Home) -> None:
    mine = [Space(tenant=tenant, publisher_id=PUBLISHER, package_id=HELLO) for tenant in ("local", "team")]
    others = [
        Space(tenant="local", publisher_id=PUBLISHER, package_id=OTHER),
        Space(tenant="local", publisher_id=ANOTHER, package_id=HELLO),
    ]
    # A host may have them open all the while.
    store = filled(home, *mine, *others)
    (Path(home.kv) / "no.sqlite").write_bytes(b"no database")
    (Path(home.kv) / "no.sqlite").chmod(0o600)
    (Path(home.kv) / "empty.sqlite").write_bytes(b"")
    (Path(home.kv) / "empty.sqlite").chmod(0o600)
    assert purge(home, HELLO, frozenset((PUBLISHER,))) == 2
    assert [store.get(one, "greet", b"k") for one in (*mine, *others)] == [None, None, b"v", b"v"]
    store.close()
    assert sorted(one.name for one in Path(home.kv).iterdir() if mine[0].file_name in one.name) == []


def test_a_link_is_not_followed(home: Home, tmp_path: Path) -> None:
    space = Space(tenant="local", publisher_id=PUBLISHER, package_id=HELLO)
    filled(home, space).close()
    path = Path(home.kv) / space.file_name
    os.rename(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostFailed) as fault:
        purge(home, HELLO, frozenset((PUBLISHER,)))
    assert fault.value.code == "host.kv"
    assert (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_read(home: Home) -> None:
    Path(home.path).mkdir()
    Path(home.kv).write_text("x")
    with pytest.raises(HostFailed) as fault:
        purge(home, HELLO, frozenset((PUBLISHER,)))
    assert fault.value.code == "host.file"
