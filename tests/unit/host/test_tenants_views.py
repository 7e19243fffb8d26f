"""What tenants see: by alias or whole name, nothing unless said, and all where nothing is said of anybody."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.tenants_views import ALL, NOTHING, View, ViewStore, read_views, view_of, write_views
from mpp.model.jsontext import Json, canonical

ACME = View(names=frozenset(("notes", "crm__find")))
VIEWS = {"acme": ACME, "big": ALL, "none": NOTHING}

SEEN = [
    ("notes", True),
    ("notes__add", True),
    ("notes__", True),
    ("crm__find", True),
    ("crm__drop", False),
    ("crm", False),
    ("note", False),
    ("notesx__add", False),
    ("", False),
]


@pytest.mark.parametrize(("name", "is_seen"), SEEN)
def test_names(name: str, is_seen: bool) -> None:
    assert ACME.sees(name) is is_seen
    assert ALL.sees(name)
    assert not NOTHING.sees(name)


def test_who_sees_what() -> None:
    assert [view_of({}, name) for name in ("acme", "local", "other")] == [ALL] * 3
    assert [view_of(VIEWS, name) for name in ("acme", "big", "none", "local", "other")] == [ACME, ALL, NOTHING, ALL, NOTHING]
    assert view_of({"local": NOTHING}, "local") == NOTHING


@pytest.fixture
def store(tmp_path: Path) -> ViewStore:
    return ViewStore(str(tmp_path / "home" / "trust" / "tenants.json"))


def test_what_is_written_comes_back_and_changes_are_seen(store: ViewStore) -> None:
    assert read_views(write_views(VIEWS), where="x") == VIEWS
    assert store.load() == {}
    reader = ViewStore(store.path)
    store.change(lambda _: VIEWS)
    assert reader.load() == VIEWS
    assert reader.load() is reader.load()
    store.change(lambda known: {"acme": known["acme"]})
    assert reader.load() == {"acme": ACME}


def test_what_others_may_write_is_not_believed(store: ViewStore) -> None:
    store.change(lambda _: VIEWS)
    os.chmod(store.path, 0o666)
    with pytest.raises(Refused) as refusal:
        store.load()
    assert refusal.value.code == "policy.mode"


WRONG: list[tuple[Json, str]] = [
    ({"mpp_tenants": 2, "tenants": []}, "range"),
    ({"mpp_tenants": 1, "tenants": [{"name": "A"}]}, "form"),
    ({"mpp_tenants": 1, "tenants": [{"name": "a", "sees": ["a b"]}]}, "form"),
    ({"mpp_tenants": 1, "tenants": [{"name": "a", "sees": ["a", "a"]}]}, "duplicate"),
    ({"mpp_tenants": 1, "tenants": [{"name": "a", "sees": ["a"], "all": True}]}, "choice"),
    ({"mpp_tenants": 1, "tenants": [{"name": "a"}, {"name": "a"}]}, "duplicate"),
    ({"mpp_tenants": 1, "tenants": [{"name": "a", "hides": []}]}, "unknown_key"),
]


@pytest.mark.parametrize(("document", "name"), WRONG)
def test_a_document_is_judged(document: Json, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_views(canonical(document), where="x")
    assert refusal.value.code == f"agent.{name}"
