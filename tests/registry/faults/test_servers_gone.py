"""What a registry stands on goes away and comes back while clients publish and read. Each registry is a process, as an operator starts it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mpp_registry.opening import Options
from tests.registry.faults.load import consistent, Load, whole, WHO
from tests.registry.faults.world import package, Registry
from tests.registry.servers import Objects, Postgres
from tests.servers import wait_for

CLIENTS = 16


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, objects: Objects) -> Iterator[tuple[list[Registry], Options]]:
    """Two processes over one PostgreSQL and one bucket, with the same keys."""
    folder, blobs = tmp_path_factory.mktemp("replicas"), f"s3://{objects.bucket()}/blobs"
    with postgres.database() as url:
        made = [Registry(folder, "--database-url", url, "--blobs", blobs, environment=objects.environment) for _ in range(2)]
        try:
            for one in made:
                one.start()
            assert made[0].client().register().status in {200, 201}
            assert made[0].client().publish(package(WHO, "0.0.1")).status == 201
            yield made, Options(data=str(folder / "data"), database_url=url, blobs=blobs, require_namespace=False)
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
    with Load([one.port for one in made], made[0].told["registry_id"], 10) as load:
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
    with Load([one.port for one in made], made[0].told["registry_id"], 20) as load:
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
    with Load([one.port for one in made], made[0].told["registry_id"], 30) as load:
        load.wait_for_more(4, "versions")
        made[0].stop(signal.SIGKILL)
        load.wait_for_more(3, "versions by the other replica")
        made[0].start()
        load.wait_for_more(3, "versions by both")
    whole(made[0].client(), load)
    consistent(options, objects.environment, load.accepted)
