"""What the commands of forwarding share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mpp.cli.options import home
from mpp.host.audit.forwarding.places import forward_places, ForwardPlaces
from mpp.host.audit.forwarding.source import LogSource
from mpp.host.audit.forwarding.targets import Target, TargetStore
from mpp.host.audit.log import AuditLog


def places() -> ForwardPlaces:
    return forward_places(home().log)


def store() -> TargetStore:
    return TargetStore(places())


def chosen(names: tuple[str, ...]) -> list[Target]:
    """The targets of these names; all where none is named."""
    found = store()
    return [found.get(name) for name in names] if names else list(found.load().values())


@contextmanager
def source() -> Iterator[LogSource]:
    with AuditLog(home()) as log:
        yield LogSource(log)


def agreed_to(what: str, name: str, *, yes: bool) -> str:
    """How somebody agreed to a change of what is forwarded."""
    from mpp.cli.agreeing import agreed  # noqa: PLC0415 - brings all of policy and approval, which a forwarder does without

    return agreed(what, name, yes=yes or None)


def told_of(name: str, change: str, how: str) -> None:
    """The record itself says to whom it went."""
    from mpp.cli.agreeing import told  # noqa: PLC0415 - as above

    told("forward", name, change, how)
