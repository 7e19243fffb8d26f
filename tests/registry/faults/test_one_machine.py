"""What happens to a registry of one machine: its disk is full, it is killed under load, it is restored from a copy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp_registry.opening import Options
from tests.registry.faults.load import consistent, Load, whole, WHO
from tests.registry.faults.world import mpp, package, Registry
from tests.registry.servers import Objects, Postgres, postgres_programs

MIB = 1 << 20
DISK = 24 * MIB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small one."""
    place = tmp_path / "disk"
    place.mkdir(mode=0o700)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"only root may make a small disk: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)


def served(folder: Path, *words: str, environment: dict[str, str] | None = None) -> Registry:
    made = Registry(folder, *words, environment=environment)
    made.start()
    made.client().register()
    return made


def test_a_full_disk(disk: Path) -> None:
    """Publishing is refused and leaves nothing behind; reading goes on; with room again, publishing does too."""
    registry = served(disk)
    client = registry.client()
    try:
        accepted, refused = [], []
        for number in range(1, 20):
            answer = client.publish(package(WHO, f"1.0.{number}", 2 * MIB))
            (accepted if answer.status == 201 else refused).append((number, answer.status))
            if len(refused) == 3:
                break
        assert accepted
        assert {status for _, status in refused} <= {500, 503, 507}, refused
        assert client.ask("GET", "/v1/log/checkpoint").status == 200
        for number, _ in accepted:
            assert client.download(f"1.0.{number}").body == package(WHO, f"1.0.{number}", 2 * MIB)
        for number, _ in refused:
            assert client.version(f"1.0.{number}").status == 404
        subprocess.run(["mount", "-o", f"remount,size={4 * DISK}", str(disk)], check=True)
        number = refused[0][0]
        assert client.publish(package(WHO, f"1.0.{number}", 2 * MIB)).status == 201
        assert client.download(f"1.0.{number}").status == 200
    finally:
        registry.stop()
    consistent(Options(data=str(disk / "data"), require_namespace=False), {}, [f"1.0.{number}" for number, _ in accepted])


def test_a_killed_registry_has_what_it_accepted(tmp_path: Path) -> None:
    registry = served(tmp_path)
    try:
        with Load([registry.port], registry.told["registry_id"], 1) as load:
            for _ in range(3):
                load.wait_for_more(3, "versions")
                registry.stop(signal.SIGKILL)
                registry.start()
            load.wait_for_more(3, "versions at the end")
        whole(registry.client(), load)
        # Ended in order, it says so.
        assert registry.stop() == 0
    finally:
        registry.stop(signal.SIGKILL)
    consistent(Options(data=str(tmp_path / "data"), require_namespace=False), {}, load.accepted)


def test_a_copy_made_under_load_is_a_registry(tmp_path: Path) -> None:
    """As docs/how-to/run-a-registry.md says it: copy, start, the same checkpoint."""
    registry = served(tmp_path / "first")
    try:
        with Load([registry.port], registry.told["registry_id"], 1) as load:
            load.wait_for_more(4, "versions")
            done = mpp("registry", "backup", "--data", tmp_path / "first" / "data", "--to", tmp_path / "second" / "data", "--json", home=tmp_path)
            assert done.returncode == 0, done.stderr
            load.wait_for_more(2, "versions while and after it was copied")
        told = json.loads(done.stdout)
        newest = registry.client().ask("GET", "/v1/log/checkpoint").body.splitlines()
        path = registry.client().ask("GET", f"/v1/log/consistency?from={told['size']}&to={int(newest[1])}")
        assert path.status == 200
    finally:
        registry.stop()
    assert mpp("registry", "backup", "--data", tmp_path / "second" / "data", "--check", home=tmp_path).returncode == 0
    second = Registry(tmp_path / "second")
    second.start()
    try:
        lines = second.client().ask("GET", "/v1/log/checkpoint").body.splitlines()
        assert int(lines[1]) == told["size"] < int(newest[1])
        there = [version for version in load.accepted if second.client().download(version).body == package(WHO, version)]
        assert len(there) >= 4
        assert second.told["registry_id"] == registry.told["registry_id"]
    finally:
        second.stop()


def test_a_dump_of_the_database_is_the_registry(tmp_path: Path, postgres: Postgres, objects: Objects, bucket: str) -> None:
    """pg_dump and pg_restore, the same bucket, the same keys: the same checkpoint."""
    blobs, programs = f"s3://{bucket}/blobs", postgres_programs()
    with postgres.database() as url, postgres.database() as other:
        registry = served(tmp_path / "first", "--database-url", url, "--blobs", blobs, environment=objects.environment)
        try:
            assert registry.client().publish(package(WHO, "3.0.0")).status == 201
            before = registry.client().ask("GET", "/v1/log/checkpoint").body
            subprocess.run([str(programs / "pg_dump"), "--format=custom", f"--file={tmp_path}/dump", url], check=True, timeout=60)
        finally:
            registry.stop()
        subprocess.run([str(programs / "pg_restore"), "--exit-on-error", "--no-owner", f"--dbname={other}", f"{tmp_path}/dump"], check=True, timeout=60)
        shutil.copytree(tmp_path / "first" / "data" / "keys", tmp_path / "second" / "data" / "keys")
        os.chmod(tmp_path / "second" / "data", 0o700)
        second = Registry(tmp_path / "second", "--database-url", other, "--blobs", blobs, environment=objects.environment)
        second.start()
        try:
            after = second.client().ask("GET", "/v1/log/checkpoint").body
            assert after.splitlines()[:4] == before.splitlines()[:4]
            assert second.client().download("3.0.0").body == package(WHO, "3.0.0")
            assert second.client().publish(package(WHO, "3.1.0")).status == 201
        finally:
            second.stop()
        consistent(
            Options(data=str(tmp_path / "second" / "data"), database_url=other, blobs=blobs, require_namespace=False), objects.environment, ["3.0.0", "3.1.0"]
        )
