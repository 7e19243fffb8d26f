"""Writers that publish while something happens, and what must hold afterwards."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Self

from mpp.host.system import SystemClock, SystemRandom
from mpp.testing.keys import publisher
from mpp_registry.opening import open_services, Options
from tests.registry.faults.judging import all_consistent, judged
from tests.registry.faults.world import Client, package, PACKAGE
from tests.servers import wait_for

WRITERS = 3
AGAIN_SECONDS = 0.1
WHO = publisher("Faults")


class Load:
    """Writers that publish one version after the other until they are told to stop. What was answered with 201 is written down, and so is what was not."""

    def __init__(self, ports: list[int], registry_id: str, major: int, filler: int = 0) -> None:
        """``major``: each writer has one of its own, from this one on."""
        self.major = major
        self.clients = [Client(port, WHO, registry_id) for port in ports]
        self.filler = filler
        self.accepted: list[str] = []
        self.refused: dict[str, int] = {}
        self.halt, self.guard = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def _write(self, number: int) -> None:
        client, count = self.clients[number % len(self.clients)], 0
        while not self.halt.is_set():
            count += 1
            version = f"{self.major + number}.0.{count}"
            answer = client.publish(package(WHO, version, self.filler))
            with self.guard:
                if answer.status == 201:
                    self.accepted.append(version)
                else:
                    self.refused[version] = answer.status
            if answer.status == 0:
                # Nobody is there: whoever asks again at once asks a thousand times until somebody is.
                self.halt.wait(AGAIN_SECONDS)

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.halt.set()
        for thread in self.threads:
            thread.join()

    def wait_for_more(self, count: int, what: str) -> None:
        until = len(self.accepted) + count
        wait_for(lambda: len(self.accepted) >= until, what)


def whole(client: Client, load: Load) -> None:
    """All that was accepted is there with its bytes and its proof. Of the rest each is there whole, or not at all."""
    for version in load.accepted:
        got = client.download(version)
        assert (got.status, got.body) == (200, package(WHO, version, load.filler)), version
        assert client.ask("GET", f"/v1/packages/{PACKAGE}/versions/{version}/bundle").status == 200
    for version in load.refused:
        seen = client.version(version).status
        assert seen in {200, 404}
        assert client.download(version).status == seen


def consistent(options: Options, environment: Mapping[str, str], versions: list[str]) -> None:
    """Opened again, in this process: the map is that of the checkpoint, each checkpoint continues each earlier one, each version is proven."""
    on = open_services(options, clock=SystemClock(), random=SystemRandom(), environment=environment)
    try:
        assert all_consistent(on) > 0
        for version in versions:
            told = judged(on, PACKAGE, version)
            assert (told["leaf"], told["blob"], told["agree"], told["proven"], told["leaves_whole"]) == (1, True, True, True, True)
    finally:
        on.close()
