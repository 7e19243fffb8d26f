"""The files of layers: found by their content, listed as they describe themselves, never read through a link."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.home import Home
from mpp.host.layers import LayerStore, store as module
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests import layered

BODY, DATA = layered.layer_body(), layered.layer()
HASH = sha256(BODY).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(Home(path=str(tmp_path / "home")))


def other(version: str = "1.1.0", **more: object) -> tuple[str, bytes]:
    changes = {"version": version, **more}
    return sha256(layered.layer_body(changes=changes)).hexdigest(), layered.layer(changes=changes)


def test_what_was_put_is_found(store: LayerStore) -> None:
    assert store.read(HASH) is None
    assert [*store.rows()] == []
    assert store.put(HASH, DATA)
    data = store.read(HASH)
    assert data is not None
    assert bytes(data) == DATA
    row = store.find(HASH[:8])
    assert (row.ref.id, row.ref.version, row.ref.sha256, row.name) == ("com.example.interpreter", "1.0.0", HASH, "interpreter")
    assert (row.size, row.path, row.publisher, row.memory_limit_mb) == (len(DATA), store.path(HASH), "Example Publisher", 16)
    assert Path(row.path).stat().st_mode & 0o777 == 0o600
    assert Path(store.folder).stat().st_mode & 0o777 == 0o700


def test_another_signature_of_the_same_content_replaces_nothing(store: LayerStore) -> None:
    store.put(HASH, DATA)
    assert not store.put(HASH, layered.layer(publisher("Somebody Else")))
    assert bytes(store.read(HASH) or b"") == DATA


def test_a_damaged_file_is_replaced(store: LayerStore) -> None:
    store.put(HASH, DATA)
    Path(store.path(HASH)).write_bytes(b"damaged")
    assert [*store.rows()] == []
    assert store.stored() == (HASH,)
    assert store.put(HASH, DATA)
    assert [row.ref.sha256 for row in store.rows()] == [HASH]


def test_the_newest_is_that_of_the_highest_version(store: LayerStore) -> None:
    for version in ("1.10.0", "1.9.0", "1.10.0-rc.1"):
        store.put(*other(version))
    store.put(*other("9.0.0", package_id="com.example.another"))
    found = store.newest("com.example.interpreter")
    assert found is not None
    assert found.ref.version == "1.10.0"
    assert store.newest("com.example.none") is None


def test_a_name_means_one_layer(store: LayerStore) -> None:
    store.put(HASH, DATA)
    store.put(*other())
    assert store.find("com.example.interpreter@1.1.0").ref.version == "1.1.0"
    for wanted, words in (
        ("com.example.interpreter", "2 layers"),
        ("com.example.none", "no layer"),
        ("com.example.interpreter@3.0.0", "no layer"),
        (HASH[:7], "no layer"),
    ):
        with pytest.raises(Refused, match=words) as found:
            store.find(wanted)
        assert found.value.code == "layer.name"


def test_what_is_removed_is_gone(store: LayerStore) -> None:
    store.put(HASH, DATA)
    assert store.remove(HASH) == len(DATA)
    assert store.read(HASH) is None
    with pytest.raises(HostFailed):
        store.remove(HASH)


@pytest.mark.parametrize("wanted", ["..", "../" * 20 + "a", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_content_hash_names_a_file(store: LayerStore, wanted: str) -> None:
    with pytest.raises(HostFailed) as found:
        store.read(wanted)
    assert found.value.code == "host.layer"


def test_a_link_is_not_followed(store: LayerStore, tmp_path: Path) -> None:
    store.put(HASH, DATA)
    elsewhere = tmp_path / "elsewhere.mpp"
    os.rename(store.path(HASH), elsewhere)
    os.symlink(elsewhere, store.path(HASH))
    with pytest.raises(HostFailed) as found:
        store.read(HASH)
    assert found.value.code == "host.layer"


def test_there_are_so_many_and_no_more(store: LayerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LAYERS_MAX", 1)
    store.put(HASH, DATA)
    with pytest.raises(Refused) as found:
        store.put(*other())
    assert found.value.code == "layer.many"
    assert not store.put(HASH, DATA)


def test_a_tool_is_no_layer(store: LayerStore) -> None:
    data = packages.signed()
    digest = sha256(packages.unsigned()).hexdigest()
    store.put(digest, data)
    assert [*store.rows()] == []
    with pytest.raises(Refused) as found:
        store.row(digest)
    assert found.value.code == "layer.type"


def test_a_folder_that_cannot_be_read_is_said(store: LayerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put(HASH, DATA)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module.os, "listdir", denied)
    with pytest.raises(HostFailed):
        store.stored()
    monkeypatch.undo()
    monkeypatch.setattr(module.os, "lstat", denied)
    with pytest.raises(MppError):
        store.read(HASH)
