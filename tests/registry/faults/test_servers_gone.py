"""What a registry stands on goes away and comes back while clients publish and read. Each registry is a process, as an operator starts it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from mpp.host.system import SystemClock, SystemRandom
from mpp.testing.keys import publisher
from mpp_registry.opening import open_services, Options
from tests.registry.faults.judging import all_consistent, judged
from tests.registry.faults.world import Client, package, PACKAGE, Registry
from tests.registry.servers import Objects, Postgres
from tests.servers import wait_for

WRITERS = 3
CLIENTS = 16
WHO = publisher("Faults")


class Load:
    """Writers that publish one version after the other until they are told to stop. What was answered with 201 is written down, and so is what was not."""

    def __init__(self, ports: list[int], registry_id: str, filler: int = 0) -> None:
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
            version = f"{number + 1}.0.{count}"
            answer = client.publish(package(WHO, version, self.filler))
            with self.guard:
                if answer.status == 201:
                    self.accepted.append(version)
                else:
                    self.refused[version] = answer.status

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


def consistent(options: Options, environment: dict[str, str], versions: list[str]) -> None:
    """Opened again, in this process: the map is that of the checkpoint, each checkpoint continues each earlier one, each version is proven."""
    on = open_services(options, clock=SystemClock(), random=SystemRandom(), environment=environment)
    try:
        assert all_consistent(on) > 0
        for version in versions:
            told = judged(on, PACKAGE, version)
            assert (told["leaf"], told["blob"], told["agree"], told["proven"], told["leaves_whole"]) == (1, True, True, True, True)
    finally:
        on.close()


@pytest.fixture
def replicas(tmp_path: Path, postgres_url: str, objects: Objects, bucket: str) -> Iterator[tuple[list[Registry], Options]]:
    """Two processes over one PostgreSQL and one bucket, with the same keys."""
    blobs = f"s3://{bucket}/blobs"
    made = [Registry(tmp_path, "--database-url", postgres_url, "--blobs", blobs, environment=objects.environment) for _ in range(2)]
    try:
        for one in made:
            one.start()
        assert made[0].client().register().status in {200, 201}
        assert made[0].client().publish(package(WHO, "0.0.1")).status == 201
        yield made, Options(data=str(tmp_path / "data"), database_url=postgres_url, blobs=blobs, require_namespace=False)
    finally:
        for one in made:
            one.stop()


def test_one_of_sixteen_publishes_a_version(replicas: tuple[list[Registry], Options], objects: Objects) -> None:
    """Sixteen clients, two replicas, one version number, sixteen contents: one is published, fifteen are told that it is taken."""
    made, options = replicas
    for number in range(2):
        version, start = f"5.{number}.0", threading.Barrier(CLIENTS)
        files = [package(WHO, version, description=f"Greets in the way of {client}") for client in range(CLIENTS)]

        def send(client: int, files: list[bytes] = files, start: threading.Barrier = start) -> int:
            start.wait()
            return made[client % 2].client().publish(files[client]).status

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(send, range(CLIENTS)))
        assert answers.count(201) == 1, answers
        assert set(answers) - {201} <= {409, 429, 503}, answers
        for one in made:
            assert one.client().download(version).body == files[answers.index(201)]
        # The same bytes again are the same version.
        assert made[1].client().publish(files[answers.index(201)]).status == 200
    consistent(options, objects.environment, ["5.0.0", "5.1.0"])


def test_the_database_starts_again_under_load(replicas: tuple[list[Registry], Options], postgres: Postgres, objects: Objects) -> None:
    made, options = replicas
    with Load([one.port for one in made], made[0].told["registry_id"]) as load:
        load.wait_for_more(4, "versions before the database went away")
        # As a crash: all connections are dropped, and what was committed comes back from the log of the database.
        postgres.stop(signal.SIGQUIT)
        try:
            wait_for(lambda: made[0].client().ask("GET", "/health").status == 503, "the registry to say that it is not well")
        finally:
            postgres.start()
        wait_for(lambda: all(one.client().ask("GET", "/health").status == 200 for one in made), "the registry to be well again")
        load.wait_for_more(4, "versions after the database came back")
    for one in made:
        whole(one.client(), load)
    assert 429 not in load.refused.values()
    consistent(options, objects.environment, load.accepted)


def test_the_object_storage_goes_and_comes_back(replicas: tuple[list[Registry], Options], objects: Objects) -> None:
    made, options = replicas
    client = made[0].client()
    with Load([one.port for one in made], made[0].told["registry_id"]) as load:
        load.wait_for_more(3, "versions before the storage went away")
        objects.stop(signal.SIGKILL)
        try:
            # What needs no file is still answered.
            assert client.version("0.0.1").status == 200
            assert client.ask("GET", "/v1/log/checkpoint").status == 200
            wait_for(lambda: client.ask("GET", "/health").status == 503, "the registry to say that it is not well")
        finally:
            objects.start()
        wait_for(lambda: client.ask("GET", "/health").status == 200, "the registry to be well again")
        load.wait_for_more(3, "versions after the storage came back")
    whole(client, load)
    consistent(options, objects.environment, load.accepted)


def test_a_killed_replica_harms_nobody(replicas: tuple[list[Registry], Options], objects: Objects) -> None:
    """SIGKILL while three writers are at it: the other replica goes on, and what the killed one had accepted is there."""
    made, options = replicas
    with Load([one.port for one in made], made[0].told["registry_id"]) as load:
        load.wait_for_more(4, "versions")
        made[0].stop(signal.SIGKILL)
        load.wait_for_more(3, "versions by the other replica")
        made[0].start()
        load.wait_for_more(3, "versions by both")
    whole(made[0].client(), load)
    consistent(options, objects.environment, load.accepted)
