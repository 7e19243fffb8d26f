"""``mpp audit upload`` against storages that break, lie, or hold what somebody else put there."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.tending import compress, prune
from mpp.host.audit.upload_pieces import LogPieces
from mpp.host.audit.uploading import cursor_path, load_cursor
from mpp.host.home import Home
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import read_note, write_note
from mpp.testing.packages import NOW, TestClock
from tests.auditlogs import runs, some_days, Story, write
from tests.cli.conftest import Answer, Mpp
from tests.s3store import error, KEY_ID, running, SECRET, send, Store, TOKEN

TO = "s3://records/a"
FIRST = "0000000000000000"


@pytest.fixture
def store():
    with running(Store()) as found:
        yield found


@pytest.fixture(autouse=True)
def _known(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def small_home(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("small")
    write(found, some_days(days=2, calls=4), seal_every=50)
    with AuditLog(Home(path=str(found)), clock=TestClock(NOW)) as log:
        log.record_all(runs(Story(number=77)), durable=True)
    return found


@pytest.fixture(scope="module")
def large_home(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("large")
    write(found, some_days(days=8, calls=8), seal_every=300)
    return found


@pytest.fixture
def places(home: Path, small_home: Path) -> LogPlaces:
    """A record of a few small segments, and an end that is not sealed."""
    shutil.copytree(small_home, home)
    return Home(path=str(home)).log


@pytest.fixture
def tiled(home: Path, large_home: Path) -> LogPlaces:
    """A record with full tiles."""
    shutil.copytree(large_home, home)
    return Home(path=str(home)).log


def upload(mpp: Mpp, store: Store, *words: str) -> Answer:
    answer = mpp("audit", "upload", "--to", TO, "--endpoint", store.url, *words)
    for secret in (SECRET, TOKEN):
        assert secret not in answer.out + answer.err
    return answer


def folder(places: LogPlaces) -> str:
    return f"/records/a/{LogPieces(places).folder}"


def packed_of(places: LogPlaces, first: str = FIRST) -> bytes:
    return Path(places.segments, f"{first}.jsonl").read_bytes()


# -- the plain case


def test_what_is_sealed_goes_there_once(mpp: Mpp, store: Store, places: LogPlaces):
    answer = upload(mpp, store)
    assert (answer.code, "uploaded a/" in answer.err, "lock    none" in answer.out) == (0, True, True)
    base, seals = folder(places), sorted(name for name in os.listdir(places.segments) if name.endswith(".seal"))
    size = read_checkpoint(read_note(Path(places.checkpoint).read_bytes(), where="").text, where="").size
    expected = [f"{base}/checkpoint-{size}"] + [f"{base}/segments/{name}" for seal in seals for name in (seal.replace("seal", "jsonl.gz"), seal)]
    assert sorted(store.objects) == sorted(expected)
    data, told = store.objects[f"{base}/segments/{FIRST}.jsonl.gz"]
    assert gzip.decompress(data) == packed_of(places)
    assert data[4:8] == bytes(4)
    assert told["x-amz-meta-sha256"]
    assert store.objects[f"{base}/segments/{FIRST}.seal"][0] == Path(places.seal(0)).read_bytes()
    # What is not sealed yet stays here.
    assert (
        len([path for path in store.objects if path.endswith(".gz")])
        == len(seals)
        == len([name for name in os.listdir(places.segments) if name.endswith("jsonl")]) - 1
    )

    before = dict(store.objects)
    second = upload(mpp, store, "--json").json
    assert (second["ok"], second["uploaded"], second["segments"], second["segments_passed"]) == (True, [], 0, len(seals))
    third = upload(mpp, store, "--again", "--json").json
    assert (third["uploaded"], third["already_there"], store.objects == before) == ([], len(expected), True)


def test_segments_that_were_compressed_since_are_the_same(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store).code == 0
    assert compress(places)[0]
    found = upload(mpp, store, "--again", "--json").json
    assert (found["ok"], found["uploaded"]) == (True, [])
    with running(Store()) as other:
        assert upload(mpp, other).code == 0
        assert other.objects.keys() == store.objects.keys()
        assert [one[0] for one in other.objects.values()] == [one[0] for one in store.objects.values()]


def test_the_same_segment_compressed_otherwise_is_no_alarm(mpp: Mpp, store: Store, places: LogPlaces):
    """Another version of the compressor gives other bytes."""
    store.plant(f"{folder(places)}/segments/{FIRST}.jsonl.gz", gzip.compress(packed_of(places), 1))
    found = upload(mpp, store, "--json").json
    assert (found["ok"], found["already_there"]) == (True, 1)


def test_the_command_carries_on_where_it_was(mpp: Mpp, store: Store, places: LogPlaces, home: Path):
    assert upload(mpp, store).code == 0
    cursor = load_cursor(places)
    assert (cursor.target, cursor.lock, cursor.tiles) == (f"{store.url} {TO}", "", False)
    write(home, runs(Story(number=501)), seal_every=50)
    store.seen.clear()
    found = upload(mpp, store, "--json").json
    assert (found["segments"], len(found["uploaded"])) == (1, 3)
    assert len([path for path in store.paths("HEAD") if path.endswith(".seal")]) == 1


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"mpp_upload":1,"target":"x","log":"y","lock":"","tiles":false,"last":-1}', "x" * 5000])
def test_a_cursor_that_cannot_be_read_only_costs_time(mpp: Mpp, store: Store, places: LogPlaces, text):
    assert upload(mpp, store).code == 0
    Path(cursor_path(places)).write_text(text)
    found = upload(mpp, store, "--json").json
    assert (found["ok"], found["uploaded"], found["segments_passed"]) == (True, [], 0)


def test_a_cursor_that_somebody_moved_on_is_not_believed(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store).code == 0
    store.objects = {path: one for path, one in store.objects.items() if "checkpoint" in path}
    assert len(upload(mpp, store, "--json").json["uploaded"]) == len([name for name in os.listdir(places.segments) if name.endswith("seal")]) * 2


def test_another_target_another_lock_and_tiles_are_looked_at_anew(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store, "--lock-days", "10").code == 0
    assert upload(mpp, store, "--lock-days", "10", "--json").json["segments"] == 0
    assert upload(mpp, store, "--lock-days", "10", "--tiles", "--json").json["segments"] > 0
    assert mpp("audit", "upload", "--to", "s3://records/b", "--endpoint", store.url, "--json").json["segments"] > 0


def test_tiles_go_there_when_they_are_asked_for(mpp: Mpp, store: Store, tiled: LogPlaces):
    assert upload(mpp, store, "--tiles").code == 0
    base, tiles = folder(tiled), Path(tiled.folder, "tile")
    there = {path.removeprefix(f"{base}/tile/"): one[0] for path, one in store.objects.items() if "/tile/" in path}
    assert {"0/000", "0/001"} <= there.keys()
    assert all((tiles / name).read_bytes() == data for name, data in there.items())
    os.unlink(tiles / "0" / "001")
    with running(Store()) as other:
        assert upload(mpp, other, "--tiles").code == 0
        assert other.objects[f"{base}/tile/0/001"] == store.objects[f"{base}/tile/0/001"]


@pytest.mark.parametrize("name", ["0/000", "0/001", "1/000.p"])
def test_a_tile_that_was_changed_does_not_leave(mpp: Mpp, store: Store, tiled: LogPlaces, name):
    path = Path(tiled.folder, "tile", name)
    for one in path.iterdir() if path.is_dir() else [path]:
        one.write_bytes(bytes(one.stat().st_size))
    found = upload(mpp, store, "--tiles", "--json").json
    assert {one["code"] for one in found["faults"]} == {"audit.tile"}
    assert not [path for path, one in store.objects.items() if "/tile/" in path and not one[0].strip(b"\0")]


def test_what_was_witnessed_goes_there_under_a_name_of_its_own(mpp: Mpp, store: Store, places: LogPlaces):
    Path(places.witnessed).write_bytes(Path(places.checkpoint).read_bytes())
    assert upload(mpp, store).code == 0
    assert len([path for path in store.objects if re.search(r"/witnessed-[0-9]+-[0-9a-f]{16}$", path)]) == 1


def test_dry_run_asks_nobody(mpp: Mpp, store: Store, places: LogPlaces, monkeypatch):
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    found = upload(mpp, store, "--dry-run", "--json").json
    assert (len(found["objects"]), store.seen) == (len([name for name in os.listdir(places.segments) if name.endswith("seal")]) * 2 + 1, [])
    answer = upload(mpp, store, "--dry-run")
    assert (answer.code, f"segments/{FIRST}.seal" in answer.out, "nobody" in answer.err) == (0, True, True)
    assert not os.path.exists(cursor_path(places))


def test_a_region_of_the_surroundings(mpp: Mpp, store: Store, places: LogPlaces, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-south-2")
    assert upload(mpp, store).code == 0
    assert all("/eu-south-2/s3/" in one.headers["authorization"] for one in store.seen)


def test_credentials_from_a_file(mpp: Mpp, store: Store, places: LogPlaces, monkeypatch, tmp_path: Path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert upload(mpp, store, "--json").json["error"]["code"] == "audit.credentials"
    path = tmp_path / "s3"
    path.write_text(f"aws_access_key_id = OTHER\naws_secret_access_key = {SECRET}\n")
    assert upload(mpp, store, "--credentials-file", str(path), "--json").json["error"]["code"] == "audit.credentials"
    path.chmod(0o600)
    assert upload(mpp, store, "--credentials-file", str(path)).code == 0
    assert all("Credential=OTHER/" in one.headers["authorization"] for one in store.seen)


def test_a_record_without_its_beginning(mpp: Mpp, store: Store, places: LogPlaces):
    Path(places.segments, f"{FIRST}.jsonl").write_bytes(b"")
    answer = upload(mpp, store, "--json")
    assert (answer.code, answer.json["ok"], store.seen) == (27, False, [])


def test_there_is_no_record(mpp: Mpp, store: Store):
    assert upload(mpp, store, "--json").json["error"]["code"] == "audit.empty"


def test_a_record_that_nobody_signed_yet(mpp: Mpp, store: Store, places: LogPlaces):
    os.unlink(places.checkpoint)
    assert upload(mpp, store).code == 0
    assert os.path.exists(places.checkpoint)


def test_what_the_storage_hashed_itself_need_not_be_read_back(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store).code == 0
    store.hashes = True
    assert upload(mpp, store, "--again").code == 0
    assert not store.paths("GET")
    store.hashes = False
    assert upload(mpp, store, "--again").code == 0
    assert len(store.paths("GET")) == len(store.objects)


# -- locks


def test_each_object_is_locked(mpp: Mpp, store: Store, places: LogPlaces):
    answer = upload(mpp, store, "--lock-days", "30", "--lock-mode", "governance")
    assert (answer.code, "governance, until" in answer.out) == (0, True)
    assert {one[1]["x-amz-object-lock-mode"] for one in store.objects.values()} == {"GOVERNANCE"}
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", one[1]["x-amz-object-lock-retain-until-date"]) for one in store.objects.values())


@pytest.mark.parametrize(("how", "left"), [("refuses", 0), ("forgets", 1), ("weakens", 1), ("shortens", 1)])
def test_a_storage_that_does_not_lock_gets_nothing_more(mpp: Mpp, store: Store, places: LogPlaces, how, left):
    store.locks = how
    answer = upload(mpp, store, "--lock-days", "30", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (27, "audit.upload_lock")
    assert [path.rpartition("/")[2].partition("-")[0] for path in store.objects] == ["checkpoint"] * left


def test_what_was_there_before_without_a_lock_is_said(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store).code == 0
    answer = upload(mpp, store, "--lock-days", "30", "--json")
    assert (answer.code, {one["code"] for one in answer.json["faults"]}) == (27, {"audit.upload_unlocked"})
    assert load_cursor(places).lock == ""


def test_a_stronger_lock_is_as_good(mpp: Mpp, store: Store, places: LogPlaces):
    assert upload(mpp, store, "--lock-days", "30").code == 0
    assert upload(mpp, store, "--lock-days", "30", "--lock-mode", "governance").code == 0
    with running(Store()) as other:
        assert upload(mpp, other, "--lock-days", "30", "--lock-mode", "governance").code == 0
        assert upload(mpp, other, "--lock-days", "30").code == 27


# -- somebody else was there


@pytest.mark.parametrize("hashes", [False, True])
@pytest.mark.parametrize("lies", [False, True])
def test_another_object_in_our_place_is_the_alarm(mpp: Mpp, store: Store, places: LogPlaces, hashes, lies):
    """Also when it says of itself that it is ours: what its writer says is not believed."""
    with running(Store()) as honest:
        assert upload(mpp, honest).code == 0
    store.hashes = hashes
    path = f"{folder(places)}/segments/{FIRST}.jsonl.gz"
    _, told = honest.objects[path]
    fake = gzip.compress(packed_of(places).replace(b"greet", b"GREET"), 6, mtime=0)
    store.plant(path, fake, told["x-amz-meta-sha256"] if lies else "00")
    answer = upload(mpp, store, "--json")
    assert (answer.code, [one["code"] for one in answer.json["faults"]]) == (27, ["audit.upload"])
    assert answer.json["faults"][0]["where"].endswith(f"segments/{FIRST}.jsonl.gz")
    assert store.objects[path][0] == fake
    # The others are there, and the seal of the one that is not stays away. The next run looks again.
    assert f"{folder(places)}/segments/{FIRST}.seal" not in store.objects
    assert len(store.objects) == len(honest.objects) - 1
    assert load_cursor(places).target.startswith(honest.url)
    plain = upload(mpp, store)
    assert (plain.code, "[audit.upload]" in plain.err) == (27, True)


@pytest.mark.parametrize("data", [b"", b"x", gzip.compress(b""), gzip.compress(bytes(1 << 26)), b"\x1f\x8b\x08" + bytes(60)])
def test_what_stands_there_may_be_anything(mpp: Mpp, store: Store, places: LogPlaces, data):
    store.plant(f"{folder(places)}/segments/{FIRST}.jsonl.gz", data)
    assert upload(mpp, store, "--json").json["faults"][0]["code"] == "audit.upload"


def test_bytes_behind_the_end_are_not_ours(mpp: Mpp, store: Store, places: LogPlaces):
    store.plant(f"{folder(places)}/segments/{FIRST}.jsonl.gz", gzip.compress(packed_of(places)) + b"more")
    assert upload(mpp, store, "--json").json["faults"][0]["code"] == "audit.upload"


def test_more_than_could_be_ours_is_not_read(mpp: Mpp, store: Store, places: LogPlaces):
    store.plant(f"{folder(places)}/segments/{FIRST}.seal", b"x" * 1_000_000)
    assert upload(mpp, store, "--json").json["faults"][0]["code"] == "audit.upload"
    assert not store.paths("GET")


def test_another_checkpoint_of_the_same_size_is_a_fork(mpp: Mpp, store: Store, places: LogPlaces):
    note = read_note(Path(places.checkpoint).read_bytes(), where="")
    size = read_checkpoint(note.text, where="").size
    path = f"{folder(places)}/checkpoint-{size}"
    lines = note.text.split("\n")
    store.plant(path, write_note("\n".join([*lines[:2], "A" * 43 + "=", *lines[3:]]), note.signatures))
    found = upload(mpp, store, "--json").json
    assert [one["where"].rpartition("/")[2] for one in found["faults"]] == [f"checkpoint-{size}"]
    # It keeps nobody from uploading the rest.
    assert f"{folder(places)}/segments/{FIRST}.seal" in store.objects
    store.objects.clear()
    store.plant(path, b"no note at all")
    assert upload(mpp, store, "--json").json["faults"][0]["code"] == "audit.upload"


def test_the_same_checkpoint_signed_anew_is_no_alarm(mpp: Mpp, store: Store, places: LogPlaces):
    note = read_note(Path(places.checkpoint).read_bytes(), where="")
    size = read_checkpoint(note.text, where="").size
    store.plant(f"{folder(places)}/checkpoint-{size}", write_note(note.text, note.signatures[:1]))
    assert upload(mpp, store).code == 0


def test_a_storage_that_writes_over_what_is_there(mpp: Mpp, store: Store, places: LogPlaces):
    store.overwrites = True
    answer = upload(mpp, store, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (27, "audit.upload_storage")
    assert len(store.objects) == 1


# -- here it is not what was sealed


def test_a_changed_segment_does_not_leave(mpp: Mpp, store: Store, places: LogPlaces):
    path = Path(places.segments, f"{FIRST}.jsonl")
    data = packed_of(places)
    path.write_bytes(data.replace(b"greet", b"GREET"))
    answer = upload(mpp, store, "--json")
    assert (answer.code, [one["code"] for one in answer.json["faults"]]) == (27, ["audit.seal"])
    assert not [key for key in store.objects if FIRST in key]
    assert [key for key in store.objects if key.endswith(".seal")]
    path.write_bytes(data)
    assert upload(mpp, store).code == 0


def test_a_changed_compressed_segment_does_not_leave(mpp: Mpp, store: Store, places: LogPlaces):
    compress(places)
    path = max(Path(places.segments).glob("*.jsonl.gz"))
    data = path.read_bytes()
    # Behind it stands what its own program would never read.
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert [one["code"] for one in upload(mpp, store, "--json").json["faults"]] == ["audit.seal"]
    path.write_bytes(data + gzip.compress(b""))
    assert [one["code"] for one in upload(mpp, store, "--json").json["faults"]] == ["audit.seal"]


def test_a_seal_that_this_host_did_not_sign_does_not_leave(mpp: Mpp, store: Store, places: LogPlaces):
    note = read_note(Path(places.seal(0)).read_bytes(), where="")
    Path(places.seal(0)).write_bytes(write_note(note.text, note.signatures[1:]))
    assert upload(mpp, store, "--json").json["faults"][0]["code"] == "audit.signature"
    assert not [key for key in store.objects if FIRST in key]


def test_a_segment_that_is_compressed_at_this_very_moment(mpp: Mpp, store: Store, places: LogPlaces, monkeypatch):
    from mpp.host.audit import upload_pieces

    real = upload_pieces.read_bounded

    def read_late(path: str, most: int) -> bytes:
        if path.endswith(".jsonl") and os.path.exists(path):
            compress(places)
        return real(path, most)

    monkeypatch.setattr(upload_pieces, "read_bounded", read_late)
    assert upload(mpp, store).code == 0
    assert gzip.decompress(store.objects[f"{folder(places)}/segments/{FIRST}.jsonl.gz"][0]).endswith(b"\n")


def test_pruned_before_it_was_uploaded(mpp: Mpp, store: Store, places: LogPlaces, home: Path):
    with AuditLog(Home(path=str(home)), clock=TestClock(NOW)) as log:
        assert prune(log, NOW + 10, "test", "ada", NOW)[0]
    answer = upload(mpp, store)
    assert (answer.code, "pruned here, and is not there" in answer.err) == (0, True)
    assert [path for path in store.objects if path.endswith(".gz")] == []
    assert {f"{folder(places)}/segments/{FIRST}.{kind}" for kind in ("kept", "seal")} < store.objects.keys()


def test_pruned_after_it_was_uploaded(mpp: Mpp, store: Store, places: LogPlaces, home: Path):
    assert upload(mpp, store).code == 0
    with AuditLog(Home(path=str(home)), clock=TestClock(NOW)) as log:
        prune(log, NOW + 10, "test", "ada", NOW)
    found = upload(mpp, store, "--again", "--json").json
    assert (found["ok"], found["pruned_before"]) == (True, [])


# -- storages out of order


def test_who_may_only_write_can_upload(mpp: Mpp, store: Store, places: LogPlaces):
    store.blind = True
    assert upload(mpp, store).code == 0
    assert upload(mpp, store, "--json").json["error"]["code"] == "remote.s3_refused"
    assert len(store.objects) > 3


@pytest.mark.parametrize(
    "step",
    [
        lambda handler: send(handler, 403, b"<!DOCTYPE x [<!ENTITY a 'b'>]><Error><Code>AccessDenied</Code></Error>"), lambda handler: send(handler, 403, b"x" * 100_000),
        lambda handler: send(handler, 200, b"x" * 100_000), lambda handler: send(handler, 302, error("Moved"), Location="http://127.0.0.1:1/"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none(mpp: Mpp, store: Store, places: LogPlaces, step):
    store.steps = [step]
    answer = upload(mpp, store, "--json")
    assert (answer.code, answer.json["error"]["code"].startswith("remote.s3"), len(store.seen), len(store.objects)) == (40, True, 1, 0)


def test_a_storage_that_is_down(mpp: Mpp, places: LogPlaces, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with running(Store()) as store:
        pass
    answer = mpp("audit", "upload", "--to", TO, "--endpoint", store.url, "--json")
    assert (answer.code, answer.json["error"]["code"]) == (40, "remote.s3")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--to", "records"), "audit.upload_target"), (("--to", TO, "--endpoint", "http://example.com"), "audit.upload_target"), (("--to", TO, "--region", "A"), "audit.upload_target"),
        ((), "usage.syntax"), (("--to", TO, "--lock-days", "0"), "usage.syntax"), (("--to", TO, "--lock-mode", "none"), "usage.syntax"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(mpp: Mpp, places: LogPlaces, words, code):
    assert mpp("audit", "upload", *words, "--json").json["error"]["code"] == code


def test_help_is_for_newcomers(mpp: Mpp):
    answer = mpp("audit", "upload", "--help")
    assert (answer.code, "Examples:" in answer.out, "s3://" in answer.out) == (0, True, True)
    assert json.loads(mpp("audit", "upload", "--to", "x", "--json").out)["ok"] is False
