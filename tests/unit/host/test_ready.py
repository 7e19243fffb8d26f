"""Packages kept ready: made once, let go when there are too many, never while somebody uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from mpp.errors import HostFailed
from mpp.host.ready import ReadyPackages


@dataclass(frozen=True)
class Thing:
    content_hash: str
    digest: str = "rights"


class Box:
    """Counts what is prepared and released."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.gone: list[str] = []

    def prepare(self, package: Thing, token: object, rights: object) -> str:
        if package.content_hash == "bad":
            raise HostFailed("host.native", "cannot compile")
        self.made.append(package.content_hash)
        return package.content_hash

    def release(self, ready: str) -> None:
        self.gone.append(ready)


def ready_in(box: Box, most: int = 2) -> ReadyPackages:
    return ReadyPackages(box, most=most)  # type: ignore[arg-type]


def use(ready: ReadyPackages, name: str) -> Any:
    return ready.use(Thing(name), object(), Thing(name))  # type: ignore[arg-type]


def test_it_is_made_once_and_the_least_used_goes() -> None:
    box = Box()
    ready = ready_in(box)
    for name in ("a", "b", "a", "c"):
        with use(ready, name) as found:
            assert found == name
    assert (box.made, box.gone, ready.kept, ready.used) == (["a", "b", "c"], ["b"], ("a", "c"), 0)


def test_what_is_in_use_stays() -> None:
    box = Box()
    ready = ready_in(box, most=1)
    with use(ready, "a"), use(ready, "b"):
        ready.forget(frozenset())
        assert (box.gone, ready.used) == ([], 2)
    assert len(ready.kept) == 1
    ready.forget(frozenset(("a", "b")))
    assert len(ready.kept) == 1
    ready.forget(frozenset())
    assert ready.kept == ()
    assert sorted(box.gone) == ["a", "b"]


def test_what_cannot_be_made_leaves_nothing_behind() -> None:
    ready = ready_in(Box())
    with pytest.raises(HostFailed), use(ready, "bad"):
        pass
    assert (ready.kept, ready.used) == ((), 0)


def test_closing_lets_go_of_all() -> None:
    box = Box()
    ready = ready_in(box)
    with use(ready, "a"):
        pass
    ready.close()
    ready.close()
    assert (box.gone, ready.kept) == (["a"], ())
