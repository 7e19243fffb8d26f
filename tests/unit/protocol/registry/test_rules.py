"""What holds for each leaf, whatever it is about."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.events import Change, Leaf, NamespaceProven, PeersChanged, PublisherRegistered, PublisherRoot, RegistryOpened
from mpp.protocol.registry.rules import judge_leaf
from mpp.testing.registries import digest

ALICE, NOBODY = digest("alice"), digest("nobody")
OPENED = RegistryOpened(registry_id=digest("r"), name="Registry")
PEERS = PeersChanged(sha256=digest("p"))


def judge(change: Change, index: int, *, says: int | None = None, at: int = 50) -> None:
    leaf = Leaf(index=index if says is None else says, at=at, change=change)
    judge_leaf(leaf, index, at_least=10, at_most=100, root_version=lambda who: 3 if who == ALICE else 0)


def registered(who: str, version: int = 1) -> PublisherRegistered:
    return PublisherRegistered(publisher_id=who, name="x", root_version=version, root_sha256=digest("x"))


def root(who: str, version: int) -> PublisherRoot:
    return PublisherRoot(publisher_id=who, name="x", root_version=version, root_sha256=digest("x"))


def test_what_holds() -> None:
    judge(OPENED, 0)
    judge(PEERS, 1)
    for at in (10, 100):
        judge(PEERS, 1, at=at)
    judge(registered(NOBODY, 2), 1)
    judge(root(ALICE, 4), 1)
    judge(NamespaceProven(namespace="com.example", publisher_id=ALICE, method="dns"), 1)


@pytest.mark.parametrize(
    ("change", "index", "says", "at"),
    [
        (PEERS, 1, 2, 50),
        (PEERS, 1, None, 9),
        (PEERS, 1, None, 101),
        (PEERS, 0, None, 50),
        (OPENED, 1, None, 50),
        (registered(ALICE, 4), 1, None, 50),
        (root(ALICE, 3), 1, None, 50),
        (root(NOBODY, 4), 1, None, 50),
        (NamespaceProven(namespace="com.example", publisher_id=NOBODY, method="dns"), 1, None, 50),
    ],
)
def test_what_does_not(change: Change, index: int, says: int | None, at: int) -> None:
    with pytest.raises(Refused) as caught:
        judge(change, index, says=says, at=at)
    assert caught.value.code == "registry.rule"
    assert f"leaf {index}" in caught.value.where
