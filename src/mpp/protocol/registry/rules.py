"""What holds for each leaf, whatever it is about: its place, its time, and that publishers are registered before they act. Pure.

What holds for packages is in state.py. Spec: registry Z-11 to Z-13.
"""

from __future__ import annotations

from collections.abc import Callable

from mpp.errors import Refused
from mpp.protocol.registry.events import Leaf, PublisherRegistered, PublisherRoot, RegistryOpened, publisher_of

RootVersion = Callable[[str], int]
"""Gives the version of a publisher's root document that the log named last; 0: it knows no such publisher."""


def judge_leaf(leaf: Leaf, index: int, *, at_least: int, at_most: int, root_version: RootVersion) -> None:
    """``at_least``: the time of the leaf before it. ``at_most``: that of the checkpoint that covers it."""
    change = leaf.change
    if leaf.index != index or not at_least <= leaf.at <= at_most:
        raise _forbidden("it names another place, or its time lies before that of the leaf before it or after the checkpoint's", index)
    if isinstance(change, RegistryOpened) != (index == 0):
        raise _forbidden("a log is opened once, by its first leaf", index)
    if isinstance(change, PublisherRegistered | PublisherRoot):
        known = root_version(change.publisher_id)
        if isinstance(change, PublisherRegistered) != (known == 0) or change.root_version <= known:
            raise _forbidden("a publisher is registered once, and its root document only gets longer", index)
        return
    who = publisher_of(change)
    if who is not None and root_version(who) == 0:
        raise _forbidden("it is by a publisher who was never registered", index)


def _forbidden(why: str, index: int) -> Refused:
    return Refused("registry.rule", why, where=f"leaf {index}", hint="see section 3 of the specification of registries")
