"""T98: who publishes at the same moment, pulls a plug, or restores an old copy gets a registry to say two things."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.protocol.registry.checkpoint import followed, RegistryCheckpoint, Seen
from mpp.testing.keys import publisher
from mpp.testing.packages import TestClock, TestRandom
from mpp_registry.log.ledger import Ledger
from mpp_registry.opening import open_services, Options
from mpp_registry.operations.backup import back_up
from mpp_registry.publishers.registering import register
from mpp_registry.publishing import publish
from mpp_registry.services import Services
from tests.registry.faults.judging import judged
from tests.registry.faults.world import actor_of, CREATED, package, PACKAGE

CLIENTS = 16
NAME = "Faulty"
WHO = publisher(NAME)


def opened(folder: Path) -> Services:
    return open_services(Options(data=str(folder), require_namespace=False), clock=TestClock(CREATED + 60), random=TestRandom(), environment={})


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Services]:
    services = opened(tmp_path / "data")
    register(services, WHO.chain.data, actor_of(NAME))
    yield services
    services.close()


def test_sixteen_contents_of_one_version(on: Services, tmp_path: Path) -> None:
    """Through two openings of one registry, as two processes have them."""
    other, start = opened(tmp_path / "data"), threading.Barrier(CLIENTS)
    files = [package(WHO, "1.0.0", description=f"Greets in the way of {client}") for client in range(CLIENTS)]

    def send(client: int) -> str:
        start.wait()
        try:
            return "won" if publish((on, other)[client % 2], files[client], actor_of(NAME)).is_new else "same"
        except Refused as fault:
            return fault.code

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, range(CLIENTS)))
    assert sorted(answers) == ["registry.exists"] * (CLIENTS - 1) + ["won"]
    told = judged(other, PACKAGE, "1.0.0")
    assert (told["leaf"], told["blob"], told["agree"], told["proven"], told["listed"]) == (1, True, True, True, 1)
    other.close()


def test_a_plug_between_file_and_row(on: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is kept, the transaction is not: nobody sees the version, no leaf speaks of it, and it can be published again."""
    before = checkpoint(on)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", gone)
        with pytest.raises(HostFailed):
            publish(on, package(WHO, "1.0.0"), actor_of(NAME))
    told = judged(on, PACKAGE, "1.0.0")
    assert (told["row"], told["leaf"], told["listed"]) == (False, 0, 0)
    assert checkpoint(on) == before
    assert publish(on, package(WHO, "1.0.0"), actor_of(NAME)).is_new
    assert judged(on, PACKAGE, "1.0.0")["proven"]


def gone(*_: object) -> None:
    raise HostFailed("registry.database", "the plug was pulled", where="here", hint="put it in again")


def checkpoint(on: Services) -> RegistryCheckpoint:
    with on.database.read() as rows:
        return on.ledger.checkpoint(rows)


def seen(one: RegistryCheckpoint) -> Seen:
    return Seen(origin=one.origin, size=one.size, root=one.root, at=one.at)


def test_an_old_copy_in_the_place_of_the_registry(on: Services, tmp_path: Path) -> None:
    """A version that was published, perhaps revoked, is gone in the copy. Whoever saw the newer checkpoint refuses the older one."""
    publish(on, package(WHO, "1.0.0"), actor_of(NAME))
    back_up(on, str(tmp_path / "data"), str(tmp_path / "copy"))
    publish(on, package(WHO, "1.1.0"), actor_of(NAME))
    known, old = seen(checkpoint(on)), opened(tmp_path / "copy")
    with pytest.raises(Refused) as caught:
        followed(known, checkpoint(old), ())
    assert caught.value.code == "registry.rollback"

    # It goes on, with another history of the same length and then a longer one: the log has forked, and no proof joins them.
    publish(old, package(WHO, "1.2.0"), actor_of(NAME))
    with pytest.raises(Refused) as caught:
        followed(known, checkpoint(old), ())
    assert caught.value.code == "registry.fork"
    publish(old, package(WHO, "1.3.0"), actor_of(NAME))
    with old.database.read() as rows:
        path = old.ledger.consistency(rows, known.size)
    with pytest.raises(Refused) as caught:
        followed(known, checkpoint(old), path)
    assert caught.value.code == "registry.fork"
    old.close()
