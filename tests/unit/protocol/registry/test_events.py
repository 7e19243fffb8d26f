"""Leaves of a registry's log: one form each, and what is none is refused."""

from __future__ import annotations

import json

import pytest

from mpp.errors import Refused
from mpp.protocol.registry import events
from mpp.protocol.registry.events import (
    AdvisoryPublished,
    Change,
    FleetChanged,
    Leaf,
    NamespaceLapsed,
    NamespaceProven,
    Owner,
    PackageOwners,
    PeersChanged,
    PublisherRecovery,
    PublisherRegistered,
    PublisherRoot,
    PublisherStatusChanged,
    RegistryOpened,
    VersionPublished,
    VersionStaged,
    VersionStatusChanged,
)
from mpp.protocol.registry.limits import LEAF_BYTES_MAX
from mpp.testing.registries import digest

A, B = sorted((digest("a"), digest("b")))
PACKAGE = "com.example.hello"
OWNERS = (Owner(publisher_id=A, role="owner"), Owner(publisher_id=B, role="maintainer"))

CHANGES: dict[str, tuple[Change, str | None, str | None]] = {
    "registry.opened": (RegistryOpened(registry_id=A, name="Example Registry"), None, None),
    "publisher.registered": (PublisherRegistered(publisher_id=A, name="Example", root_version=1, root_sha256=B), None, A),
    "publisher.root": (PublisherRoot(publisher_id=A, name="Example", root_version=2, root_sha256=B), None, A),
    "publisher.status": (PublisherStatusChanged(publisher_id=A, status="suspended", reason="stolen keys"), None, A),
    "publisher.recovery": (PublisherRecovery(publisher_id=A, successor=B, state="asked", due=1_800_000_000, reason="lost keys"), None, A),
    "namespace.proven": (NamespaceProven(namespace="com.example", publisher_id=A, method="dns"), None, A),
    "namespace.lapsed": (NamespaceLapsed(namespace="com.example", publisher_id=A, method="well-known"), None, A),
    "package.owners": (PackageOwners(package_id=PACKAGE, owners=OWNERS, by=A), PACKAGE, A),
    "version.staged": (VersionStaged(package_id=PACKAGE, version="1.0.0", publisher_id=A, content_hash=B), PACKAGE, A),
    "version.published": (
        VersionPublished(package_id=PACKAGE, version="1.0.0", publisher_id=A, content_hash=B, file_hash=A, size=1234), PACKAGE, A,
    ),
    "version.status": (VersionStatusChanged(package_id=PACKAGE, version="1.0.0", status="yanked", reason="", by="admin"), PACKAGE, None),
    "advisory.published": (
        AdvisoryPublished(advisory_id="CVE-2026-1234", package_id=PACKAGE, versions=("1.0.0",), severity="high", sha256=A), PACKAGE, None,
    ),
    "peers.changed": (PeersChanged(sha256=A), None, None),
    "fleet.changed": (FleetChanged(name="head-office", sha256=A), None, None),
}  # fmt: skip


def leaf_of(kind: str) -> Leaf:
    return Leaf(index=7, at=1_767_225_600, change=CHANGES[kind][0])


def test_every_kind_has_an_example() -> None:
    assert tuple(CHANGES) == events.KINDS


@pytest.mark.parametrize("kind", CHANGES)
def test_a_leaf_is_read_as_it_was_written(kind: str) -> None:
    change, package_id, publisher_id = CHANGES[kind]
    leaf = leaf_of(kind)
    data = events.write_leaf(leaf)
    found = json.loads(data)
    assert (found["mpp_registry_event"], found["index"], found["at"], found["kind"]) == (1, 7, 1_767_225_600, kind)
    assert events.read_leaf(data, where="leaf") == leaf
    assert events.kind_of(change) == kind
    assert events.package_of(change) == package_id
    assert events.publisher_of(change) == publisher_id


def written(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", CHANGES)
def test_a_leaf_has_exactly_its_keys(kind: str) -> None:
    good = json.loads(events.write_leaf(leaf_of(kind)))
    for key in good:
        lacking = {name: item for name, item in good.items() if name != key}
        with pytest.raises(Refused):
            events.read_leaf(written(lacking), where="leaf")
        wrongs: tuple[object, ...] = (None, [], {}, "", -1, 2**53, "x" * 600, "a\x1bb", "evil\u202eline", True)
        for wrong in wrongs:
            if (key, wrong) == ("reason", ""):
                continue
            with pytest.raises(Refused) as caught:
                events.read_leaf(written({**good, key: wrong}), where="leaf")
            assert caught.value.code.startswith("registry.")
    with pytest.raises(Refused) as caught:
        events.read_leaf(written({**good, "more": 1}), where="leaf")
    assert caught.value.code == "registry.unknown_key"


def refused(change: Change, **other: int) -> str:
    with pytest.raises(Refused) as caught:
        events.write_leaf(Leaf(index=other.get("index", 0), at=other.get("at", 0), change=change))
    return caught.value.code


def test_what_no_reader_takes_is_not_written() -> None:
    name = CHANGES["registry.opened"][0]
    assert refused(name, index=2**53) == "registry.range"
    assert refused(name, index=-1) == "registry.range"
    assert refused(name, at=253_402_300_800) == "registry.range"
    assert refused(RegistryOpened(registry_id=A, name="half \ud800")) == "registry.range"
    assert refused(RegistryOpened(registry_id=A, name="two  spaces")) == "registry.form"
    assert refused(RegistryOpened(registry_id=A.upper(), name="x")) == "registry.form"
    assert refused(PackageOwners(package_id=PACKAGE, owners=OWNERS[::-1], by=A)) == "registry.duplicate"
    assert refused(PackageOwners(package_id=PACKAGE, owners=(OWNERS[0], OWNERS[0]), by=A)) == "registry.duplicate"
    assert refused(PackageOwners(package_id=PACKAGE, owners=(), by=A)) == "registry.length"
    assert refused(PackageOwners(package_id="Com.Example", owners=OWNERS, by=A)) == "registry.form"
    assert refused(PackageOwners(package_id=PACKAGE, owners=OWNERS, by="root")) == "registry.form"
    lists = AdvisoryPublished(advisory_id="A-1", package_id=PACKAGE, versions=["1.0.0"], severity="low", sha256=A)  # type: ignore[arg-type]
    assert refused(lists) == "registry.form"
    twice = AdvisoryPublished(advisory_id="A-1", package_id=PACKAGE, versions=("1.0.0", "1.0.0"), severity="low", sha256=A)
    assert refused(twice) == "registry.duplicate"


@pytest.mark.parametrize("bad", [b"", b"{}", b"[]", b"null", b'{"a":1}', b'{"kind":"version.published"}', b"\xff", b" {}", b'{"a":1,"a":1}'])
def test_what_is_no_leaf(bad: bytes) -> None:
    with pytest.raises(Refused) as caught:
        events.read_leaf(bad, where="leaf")
    assert caught.value.code.startswith("registry.")


def test_a_leaf_is_canonical_and_bounded() -> None:
    data = events.write_leaf(leaf_of("version.published"))
    for bad in (data + b"\n", data.replace(b'":', b'": ', 1), data.replace(b"1.0.0", rb"1\u002e0.0")):
        with pytest.raises(Refused) as caught:
            events.read_leaf(bad, where="leaf")
        assert caught.value.code == "registry.json"
    with pytest.raises(Refused) as caught:
        events.read_leaf(b" " * (LEAF_BYTES_MAX + 1), where="leaf")
    assert caught.value.code == "registry.length"


def test_a_kind_of_a_later_version() -> None:
    good = json.loads(events.write_leaf(leaf_of("peers.changed")))
    with pytest.raises(Refused) as caught:
        events.read_leaf(written({**good, "kind": "version.renamed"}), where="leaf")
    assert caught.value.code == "registry.choice"
    with pytest.raises(Refused) as caught:
        events.read_leaf(written({**good, "mpp_registry_event": 2}), where="leaf")
    assert caught.value.code == "registry.range"
