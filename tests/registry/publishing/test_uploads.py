"""Races, quotas, look-alikes, and files that no row names."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from mpp.errors import HostFailed, Refused
from mpp_registry.publishing import publish, sweep
from mpp_registry.publishing import publishing as steps, uploads
from mpp_registry.publishing.jobs import clean, run_jobs
from mpp_registry.publishing.limits import PUBLISHER_BYTES_MAX, UPLOAD_SECONDS
from mpp_registry.publishing.owning import set_quota
from mpp_registry.publishing.uploads import keep_file
from mpp_registry.publishers import rotate_root, set_publisher_status
from mpp.testing.keys import rotated
from tests.registry.publishing.worlds import ALICE, BOB, World, package

CLIENTS = 16


def race(world: World, uploads: list[bytes]) -> list[str]:
    """What each of many clients at once is told."""
    actors = [world.actor(ALICE) for _ in uploads]

    def one(number: int) -> str:
        try:
            found = publish(world.services, uploads[number], actors[number])
        except Refused as fault:
            return fault.code
        return "new" if found.is_new else "known"

    with ThreadPoolExecutor(CLIENTS) as pool:
        return sorted(pool.map(one, range(len(uploads))))


def test_of_many_files_for_one_version_one_is_published(joined: World) -> None:
    uploads = [package(ALICE, description=f"Greets in way {number}") for number in range(CLIENTS)]
    assert race(joined, uploads) == ["new", *["registry.exists"] * (CLIENTS - 1)]
    assert joined.kinds().count("version.published") == 1
    joined.clock.moment += UPLOAD_SECONDS
    sweep(joined.services)
    left = joined.cell("SELECT file_hash FROM versions")
    there = [sha256(one).hexdigest() for one in uploads if joined.services.blobs.size(sha256(one).hexdigest()) is not None]
    assert there == [left], "what lost the race leaves nothing"


def test_of_many_equal_uploads_one_publishes_and_all_are_content(joined: World) -> None:
    assert race(joined, [package(ALICE)] * CLIENTS) == ["known"] * (CLIENTS - 1) + ["new"]
    assert joined.kinds().count("version.published") == 1


def test_an_upload_that_fails_late_leaves_no_row_and_a_file_for_the_sweeper(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise HostFailed("registry.data", "the disk is full", where="here", hint="none")

    monkeypatch.setattr(steps, "put_judged", fails)
    before = joined.kinds()
    with pytest.raises(HostFailed):
        joined.publish(ALICE)
    assert joined.kinds() == before
    assert joined.cell("SELECT COUNT(*) FROM packages") == 0
    name = sha256(package(ALICE)).hexdigest()
    assert joined.services.blobs.size(name) is not None
    assert sweep(joined.services).removed == 0, "it is too young"
    joined.clock.moment += UPLOAD_SECONDS
    assert sweep(joined.services).removed == 1
    assert joined.services.blobs.size(name) is None
    monkeypatch.undo()
    assert joined.publish(ALICE).is_new


def test_the_sweeper_leaves_what_a_version_names(joined: World) -> None:
    found = joined.publish(ALICE)
    keep_file(joined.services, found.file_hash, package(ALICE))
    joined.clock.moment += UPLOAD_SECONDS
    assert sweep(joined.services).kept == 1
    assert joined.services.blobs.size(found.file_hash) is not None


def test_an_upload_that_the_sweeper_overtook_is_asked_again(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that went between keeping and naming: the version is refused, not published without its file."""
    kept = uploads.keep_file

    def slow(*given: object) -> None:
        kept(*given)  # type: ignore[arg-type] # as it was called
        joined.clock.moment += UPLOAD_SECONDS
        sweep(joined.services)

    monkeypatch.setattr(steps, "keep_file", slow)
    with pytest.raises(Refused) as refused:
        joined.publish(ALICE)
    assert refused.value.code == "registry.changed"
    assert joined.cell("SELECT COUNT(*) FROM versions") == 0


def test_a_publisher_that_is_stopped_during_its_upload_publishes_nothing(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = uploads.keep_file

    def meanwhile(*given: object) -> None:
        kept(*given)  # type: ignore[arg-type] # as it was called
        set_publisher_status(joined.services, ALICE.id, "suspended", "odd")

    monkeypatch.setattr(steps, "keep_file", meanwhile)
    with pytest.raises(Refused) as refused:
        joined.publish(ALICE)
    assert refused.value.code == "registry.suspended"


def test_a_key_that_is_rotated_out_during_its_upload_publishes_nothing(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, newer = uploads.keep_file, rotated(ALICE, "two", revoke=True)

    def meanwhile(*given: object) -> None:
        kept(*given)  # type: ignore[arg-type] # as it was called
        rotate_root(joined.services, ALICE.id, newer.chain.data, joined.newcomer(newer))

    monkeypatch.setattr(steps, "keep_file", meanwhile)
    with pytest.raises(Refused) as refused:
        joined.publish(ALICE)
    assert refused.value.code == "registry.changed"


def test_quotas(joined: World) -> None:
    size = joined.publish(ALICE).size
    with joined.services.database.write() as rows:
        set_quota(rows, ALICE.id, most_bytes=2 * size + 10, most_versions=3, most_packages=1)
    with pytest.raises(Refused, match="packages"):
        joined.publish(ALICE, "com.example.other")
    joined.publish(ALICE, version="1.0.1")
    with pytest.raises(Refused, match="bytes") as refused:
        joined.publish(ALICE, version="1.0.2")
    assert refused.value.code == "registry.quota"
    with joined.services.database.write() as rows:
        set_quota(rows, ALICE.id, most_bytes=0, most_versions=2, most_packages=0)
    with pytest.raises(Refused, match="versions"):
        joined.publish(ALICE, version="1.0.2")
    with joined.services.database.write() as rows:
        set_quota(rows, ALICE.id, most_bytes=PUBLISHER_BYTES_MAX, most_versions=0, most_packages=0)
    assert joined.publish(ALICE, version="1.0.2").is_new
    assert joined.publish(BOB, "org.other.tool").is_new, "each has its own"


@pytest.mark.parametrize("taken_for", [
    "com.examp1e.hello", "com.example.hell0", "com.example.helo", "com.example.helloo", "com.example.ehllo", "com.example.hel-lo", "com.exam-ple.hello",
    "com.hello.example", "com.example.hallo", "cam.example.hello", "comexample.hello",
])  # fmt: skip
def test_look_alikes_are_refused(joined: World, taken_for: str) -> None:
    joined.publish(ALICE)
    with pytest.raises(Refused) as refused:
        joined.publish(BOB, taken_for)
    assert refused.value.code == "registry.lookalike"
    assert "com.example.hello" in refused.value.message
    assert joined.publish(ALICE, taken_for).is_new, "its own owner may"


def test_other_names_are_free(joined: World) -> None:
    joined.publish(ALICE)
    for other in ("com.example.goodbye", "org.elsewhere.hello2you", "com.bobworks.hello"):
        assert joined.publish(BOB, other).is_new
    same_below = joined.publish(BOB, "net.example.hello")
    assert "There is also com.example.hello, of another publisher." in same_below.notes


def test_an_administrator_lets_one_in(joined: World) -> None:
    joined.publish(ALICE)
    with joined.services.database.write() as rows:
        rows.run("INSERT INTO allowed_ids (package_id, publisher_id, reason, at) VALUES ('com.example.hallo', ?, 'German', 1)", BOB.id)
    assert joined.publish(BOB, "com.example.hallo").is_new
    with pytest.raises(Refused) as refused:
        joined.publish(BOB, "com.example.hullo")
    assert refused.value.code == "registry.lookalike"


def test_jobs_run_all_and_say_what_failed(joined: World, monkeypatch: pytest.MonkeyPatch) -> None:
    joined.actor(ALICE)
    joined.clock.moment += 10_000
    found = run_jobs(joined.services)
    assert dict(found.done)["once"] == 3, "two registrations and one request"
    assert not found.failed

    def fails(_: object) -> int:
        raise HostFailed("registry.data", "words", where="here", hint="none")

    monkeypatch.setattr("mpp_registry.publishing.jobs.sweep", fails)
    found = run_jobs(joined.services)
    assert found.failed == (("uploads", "registry.data"),)
    assert [name for name, _ in found.done] == ["namespaces", "recoveries", "staged", "once"]
    assert clean(joined.services) == 0
