"""A registry comes up the same each time, and not at all where keys and database do not belong together."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp_registry.keys import LOG_KEY, ROOT_KEY, ROOTS, open_keys
from mpp_registry.opening import Options, open_services, opened
from mpp_registry.services import Services
from tests.registry.worlds import ALICE, NOW, SameRandom, SetClock, owned


def start(options: Options, seed: str = "registry") -> Services:
    return open_services(options, clock=SetClock(), random=SameRandom(seed), environment={})


def test_it_is_the_same_registry_after_a_restart(options: Options) -> None:
    with opened(options, clock=SetClock(), random=SameRandom(), environment={}) as services:
        settings = services.settings
        with services.database.write() as rows:
            services.ledger.append(rows, [owned("com.example.one", ALICE)], NOW)
    with opened(options, clock=SetClock(), random=SameRandom("other"), environment={}) as services:
        assert services.settings == settings
        with services.database.read() as rows:
            assert services.ledger.size(rows) == 2
    assert (settings.name, settings.url, settings.is_public, settings.require_namespace) == ("Test Registry", "https://registry.example", True, True)


def test_keys_are_their_owners_alone(options: Options) -> None:
    start(options).close()
    folder = Path(options.data) / "keys"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {name: stat.S_IMODE((folder / name).stat().st_mode) for name in (ROOT_KEY, LOG_KEY)} == {ROOT_KEY: 0o600, LOG_KEY: 0o600}


def test_the_root_key_may_be_taken_away(options: Options) -> None:
    start(options).close()
    (Path(options.data) / "keys" / ROOT_KEY).unlink()
    start(options).close()


def test_a_database_of_other_keys_is_refused(options: Options) -> None:
    start(options).close()
    shutil.rmtree(Path(options.data) / "keys")
    with pytest.raises(HostFailed) as caught:
        start(options, "other")
    assert caught.value.code == "registry.keys"


def test_a_log_that_is_not_what_was_signed_is_refused(options: Options) -> None:
    with opened(options, clock=SetClock(), random=SameRandom(), environment={}) as services, services.database.write() as rows:
        services.ledger.append(rows, [owned("com.example.one", ALICE)], NOW)
        rows.run("DELETE FROM map_nodes")
    with pytest.raises(HostFailed) as caught:
        start(options)
    assert caught.value.code == "registry.map"


def test_blobs_of_killed_uploads_are_removed(options: Options) -> None:
    start(options).close()
    left = Path(options.data) / "blobs" / "incoming" / "half"
    left.write_bytes(b"x")
    os.utime(left, (NOW - 100_000, NOW - 100_000))
    start(options).close()
    assert not left.exists()


def test_blobs_in_an_object_storage(tmp_path: Path) -> None:
    options = Options(data=str(tmp_path / "registry"), blobs="s3://bucket?endpoint=http://127.0.0.1:1")
    services = open_services(options, clock=SetClock(), random=SameRandom(), environment={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    assert services.blobs.path("0" * 64) is None
    services.close()
    with pytest.raises(Refused):
        start(Options(data=str(tmp_path / "registry"), blobs="ftp://nowhere"))


# ------------------------------------------------------------ keys


def test_an_interrupted_first_start_goes_on_with_the_keys_that_are_there(tmp_path: Path) -> None:
    folder = str(tmp_path / "keys")
    first = open_keys(folder, "Name", SameRandom())
    os.unlink(os.path.join(folder, ROOTS))
    again = open_keys(folder, "Name", SameRandom("other"))
    assert again.roots == first.roots
    os.unlink(os.path.join(folder, ROOTS))
    os.unlink(os.path.join(folder, LOG_KEY))
    assert open_keys(folder, "Name", SameRandom("third")).log.public_key != first.log.public_key


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    open_keys(str(folder), "Name", SameRandom())
    (folder / LOG_KEY).chmod(0o644)
    with pytest.raises(HostFailed, match="others can read") as caught:
        open_keys(str(folder), "Name", SameRandom())
    assert caught.value.code == "registry.keys"


@pytest.mark.parametrize("which", ["data", "data/keys"])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, which: str) -> None:
    keys = tmp_path / "data" / "keys"
    open_keys(str(keys), "Name", SameRandom())
    (tmp_path / which).chmod(0o770)
    with pytest.raises(HostFailed) as found:
        open_keys(str(keys), "Name", SameRandom())
    assert (found.value.code, "chmod" in found.value.faults[0].hint) == ("registry.keys", True)
    (tmp_path / which).chmod(0o750)
    open_keys(str(keys), "Name", SameRandom())


def test_keys_of_another_role_or_registry_are_refused(tmp_path: Path) -> None:
    folder, other = tmp_path / "keys", tmp_path / "other"
    open_keys(str(folder), "Name", SameRandom())
    open_keys(str(other), "Name", SameRandom("other"))
    kept = (folder / LOG_KEY).read_bytes()
    for wrong, why in (((folder / ROOT_KEY).read_bytes(), "this is a root key"), ((other / LOG_KEY).read_bytes(), "does not name this log key")):
        (folder / LOG_KEY).write_bytes(wrong)
        with pytest.raises(HostFailed, match=why):
            open_keys(str(folder), "Name", SameRandom())
    (folder / LOG_KEY).write_bytes(kept)
    (folder / ROOTS).write_bytes(b"{}\n")
    with pytest.raises(Refused) as caught:
        open_keys(str(folder), "Name", SameRandom())
    assert caught.value.code == "trust.roots"
