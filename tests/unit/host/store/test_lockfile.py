"""The lockfile: one form, read strictly, and wrong in none of the ways that a hand or an attacker could make it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from mpp.errors import HostFailed, MppError
from mpp.host.store.limits import PACKAGES_MAX
from mpp.host.store.lockfile import EMPTY, Entry, Lock, order, read_lock, Version, write_lock
from mpp.model.jsontext import canonical

HELLO, OTHER = "com.example.hello", "com.example.other"


def version(number: str = "0.1.0", digit: str = "a") -> Version:
    return Version(version=number, publisher_id="1" * 64, content_hash=digit * 64, file_hash="f" * 64, size=9, installed=1_767_225_600, source="/a/b.mpp")


def entry(name: str = HELLO, alias: str = "hello", versions: tuple[Version, ...] = (), active: str = "", mark: str = "0.2.0") -> Entry:
    return Entry(package_id=name, alias=alias if versions else "", active=active, mark=mark, versions=versions)


TWO = Lock(
    packages={
        HELLO: entry(versions=(version(), version("0.2.0", "b")), active="b" * 64),
        OTHER: entry(OTHER, mark="3.0.0"),
    }
)
SOUND: Any = json.loads(write_lock(TWO, where="x"))


def test_what_is_written_is_read_again() -> None:
    data = write_lock(TWO, where="x")
    assert read_lock(data.removesuffix(b"\n"), where="x") == TWO
    assert data == canonical(SOUND) + b"\n"
    rows = list(TWO.rows())
    assert [(row.version, row.active, row.mark, row.alias) for row in rows] == [("0.1.0", False, "0.2.0", "hello"), ("0.2.0", True, "0.2.0", "hello")]


def test_a_package_that_was_never_here() -> None:
    found = EMPTY.entry(HELLO)
    assert (found.alias, found.active, found.mark, found.versions, found.serving) == ("", "", "", (), None)


Change = Callable[[Any], None]


def of(path: str, item: Any) -> Change:
    def change(document: Any) -> None:
        *steps, last = path.split("/")
        for step in steps:
            document = document[int(step)] if isinstance(document, list) else document[step]
        if item is None:
            del document[last]
        else:
            document[last] = item

    return change


def both_of_one_alias(document: Any) -> None:
    document["packages"][OTHER] = {**copy.deepcopy(document["packages"][HELLO]), "mark": "3.0.0"}


def both_of_alike_alias(document: Any) -> None:
    document["packages"][HELLO]["alias"] = "a-b"
    both_of_one_alias(document)
    document["packages"][OTHER]["alias"] = "a_b"


def twice(document: Any) -> None:
    rows = document["packages"][HELLO]["versions"]
    rows.append(rows[0])


def of_one_file(document: Any) -> None:
    rows = document["packages"][HELLO]["versions"]
    rows.append({**rows[0], "content_hash": "a" * 63 + "b"})


def too_many(document: Any) -> None:
    document["packages"] = {f"com.example.p{i}": {"alias": "", "active": "", "mark": "1.0.0", "versions": []} for i in range(PACKAGES_MAX + 1)}


H = f"packages/{HELLO}"
WRONG: list[tuple[str, Change]] = [
    ("another format", of("mpp_lock", 2)),
    ("no packages", of("packages", None)),
    ("packages as a list", of("packages", [])),
    ("an unknown key", of("more", 1)),
    ("an unknown key of an entry", of(f"{H}/more", 1)),
    ("an unknown key of a version", of(f"{H}/versions/0/more", 1)),
    ("an entry as a text", of(H, "x")),
    ("an id that leads elsewhere", lambda document: document["packages"].update({"../../tmp/x": document["packages"][OTHER]})),
    ("an id in capitals", lambda document: document["packages"].update({"com.Example.x": document["packages"][OTHER]})),
    ("an id of a folder above", lambda document: document["packages"].update({"..": document["packages"][OTHER]})),
    ("active is not there", of(f"{H}/active", "c" * 64)),
    ("active in another form", of(f"{H}/active", "B" * 64)),
    ("no mark", of(f"{H}/mark", None)),
    ("a lower mark", of(f"{H}/mark", "0.1.0")),
    ("a mark that is no version", of(f"{H}/mark", "newest")),
    ("a version that is a path", of(f"{H}/versions/0/version", "../../1.0.0")),
    ("a version with a line break", of(f"{H}/versions/0/version", "0.1.0\n")),
    ("a hash of other digits", of(f"{H}/versions/0/file_hash", "F" * 64)),
    ("a hash that is too short", of(f"{H}/versions/0/content_hash", "a")),
    ("no size", of(f"{H}/versions/0/size", 0)),
    ("a size as a text", of(f"{H}/versions/0/size", "9")),
    ("a time before 1970", of(f"{H}/versions/0/installed", -1)),
    ("a source with a line break", of(f"{H}/versions/0/source", "/a\n/b")),
    ("no alias", of(f"{H}/alias", "")),
    ("an alias that parts elsewhere", of(f"{H}/alias", "a__b")),
    ("an alias and nothing installed", of(f"packages/{OTHER}/alias", "other")),
    ("one alias for two", both_of_one_alias),
    ("two aliases that look alike", both_of_alike_alias),
    ("one content twice", twice),
    ("two of one file name", of_one_file),
    ("too many", too_many),
]


@pytest.mark.parametrize("change", [change for _, change in WRONG], ids=[name for name, _ in WRONG])
def test_what_is_no_lockfile(change: Change) -> None:
    document = copy.deepcopy(SOUND)
    change(document)
    with pytest.raises(HostFailed) as fault:
        read_lock(json.dumps(document).encode(), where="mpp.lock")
    assert fault.value.code == "host.lockfile"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"mpp_lock":1,"mpp_lock":1,"packages":{}}'], ids=["empty", "half", "list", "bytes", "twice"])
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(HostFailed, match="damaged"):
        read_lock(data, where="mpp.lock")


def test_what_could_not_be_read_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostFailed, match="names an active version"):
        write_lock(Lock(packages={HELLO: entry(versions=(version(),), active="c" * 64)}), where="x")
    monkeypatch.setattr("mpp.host.store.lockfile.LOCK_BYTES_MAX", 10)
    with pytest.raises(HostFailed, match="more than 10 bytes"):
        write_lock(TWO, where="x")


def test_what_is_no_version_has_no_order() -> None:
    with pytest.raises(MppError):
        order("newest")
