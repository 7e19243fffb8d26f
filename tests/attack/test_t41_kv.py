"""T41, stored state: a tool that reaches for another's keys, races its quota, or a host that dies while it writes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import unicodedata
from base64 import b64decode, b64encode
from pathlib import Path

import apsw
import pytest

from mpp.host.services.kv import answer_kv
from mpp.host.stores.kv import Expect, KvStore, Stored
from mpp.host.stores.kv_file import Space
from mpp.model.jsontext import Json
from mpp.model.rights import Rights

ADA = Space(tenant="t", publisher_id="ab" * 32, package_id="com.example.a")
RIGHTS = Rights(tenant="t", publisher_id="ab" * 32, package_id="com.example.a", content_hash="cd" * 32, kv_max_bytes=100_000)
KILLS = 12


@pytest.fixture
def store(tmp_path: Path) -> KvStore:
    return KvStore(str(tmp_path / "kv"))


def ask(store: KvStore, method: str, params: Json, tool: str = "count") -> Json:
    answer = answer_kv(store, method, params, RIGHTS, tool)
    assert answer.error == "", answer
    return answer.result


def judged(path: Path) -> int:
    """The bytes used, once the file is whole and its count is that of a recount."""
    connection = apsw.Connection(str(path))
    assert connection.pragma("integrity_check") == "ok"
    said = connection.execute("SELECT used, entries FROM about").fetchone()
    found = connection.execute("SELECT coalesce(sum(length(key) + length(value)), 0), count(*) FROM entry").fetchone()
    connection.close()
    assert said == found
    assert isinstance(said, tuple)
    return int(said[0])


# --- reaching out of the key space

STRANGE = [
    "/", "../", "../../etc/passwd", "a/../b", ".", "..", "count/a", "other\x1fa", "'; DROP TABLE entry; --", "%00", "%", "_", "a%", "*", "?", "\\", '"', "\n", "\r\n",
    "\x01", "\x7f", "\u202ea", "\ufeff", "\ufffd", "\uffff", "\U0010ffff", "é", "e\u0301", "Å", "\u212b", "ﬁ", "fi", "K", "\u212a", "k", "ß", "ss", "А", "A", "A ", " A", "sqlite_master",
]  # fmt: skip


def test_each_spelling_is_a_key_of_its_own(store: KvStore, tmp_path: Path) -> None:
    assert len({unicodedata.normalize("NFKC", key) for key in STRANGE}) < len(set(STRANGE)), "some are look-alikes"
    for i, key in enumerate(STRANGE):
        ask(store, "kv.set", {"key": key, "value": b64encode(str(i).encode()).decode()})
    for i, key in enumerate(STRANGE):
        found = ask(store, "kv.get", {"key": key})
        assert isinstance(found, dict)
        assert b64decode(str(found["value"])) == str(i).encode()
    assert ask(store, "kv.list", {}) == {"keys": sorted(STRANGE, key=str.encode), "more": False}
    assert ask(store, "kv.list", {"prefix": "%"}) == {"keys": ["%", "%00"], "more": False}
    # All of it is in the one file of the package.
    store.close()
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [".lock", ADA.file_name]


@pytest.mark.parametrize("key", STRANGE)
def test_no_key_reaches_another_tool(store: KvStore, key: str) -> None:
    ask(store, "kv.set", {"key": key, "value": "AA=="}, "other")
    assert ask(store, "kv.get", {"key": key}) == {"value": None}
    assert ask(store, "kv.delete", {"key": key}) == {"existed": False}
    assert ask(store, "kv.list", {}) == {"keys": [], "more": False}
    assert ask(store, "kv.get", {"key": key}, "other") == {"value": "AA=="}


@pytest.mark.parametrize(
    "params", [{"key": "a", "tool": "other"}, {"key": "a", "package": "b"}, {"key": "a", "tenant": "u"}, {"key": ["a"]}, {"key": {"$ne": 1}}]
)
def test_a_message_cannot_say_whose_state_it_means(store: KvStore, params: Json) -> None:
    store.set(ADA, "other", b"a", b"secret", quota=100)
    assert answer_kv(store, "kv.get", params, RIGHTS, "count").error == "bad_request"


SPACES = [
    Space(tenant=tenant, publisher_id=publisher, package_id=package)
    for tenant, publisher, package in (
        ("t", "p", "a"), ("tp", "", "a"), ("", "tp", "a"), ("t", "pa", ""), ("t\0p", "", "a"), ('t","p', "", "a"), ("../t", "p", "a"), ("T", "p", "a"), ("é", "p", "a"), ("e\u0301", "p", "a"),
    )
]  # fmt: skip


def test_no_two_spaces_share_a_file(store: KvStore, tmp_path: Path) -> None:
    for space in SPACES:
        assert store.set(space, "t", b"k", repr(space).encode(), quota=1000) is Stored.DONE
    assert [store.get(space, "t", b"k") for space in SPACES] == [repr(space).encode() for space in SPACES]
    store.close()
    assert len([*(tmp_path / "kv").glob("*.sqlite")]) == len(SPACES)
    assert {path.parent for path in tmp_path.rglob("*.sqlite")} == {tmp_path / "kv"}


# --- races


def in_threads(count: int, work: object) -> None:
    assert callable(work)
    failures: list[BaseException] = []

    def guarded(i: int) -> None:
        try:
            work(i)
        except BaseException as fault:  # noqa: BLE001 - shown below
            failures.append(fault)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_threads_cannot_race_past_the_quota(store: KvStore, tmp_path: Path) -> None:
    quota, done = 1000, []

    def work(i: int) -> None:
        done.extend(store.set(ADA, "t", b"%02d-%02d" % (i, j), b"x" * 45, quota=quota) for j in range(10))

    in_threads(8, work)
    store.close()
    assert done.count(Stored.DONE) == quota // 50
    assert judged(tmp_path / "kv" / ADA.file_name) == quota


def test_threads_lose_no_update_that_says_what_it_expects(store: KvStore) -> None:
    store.set(ADA, "t", b"n", b"0", quota=1000)

    def work(_: int) -> None:
        for _ in range(10):
            while True:
                now = store.get(ADA, "t", b"n")
                assert now is not None
                if store.set(ADA, "t", b"n", b"%d" % (int(now) + 1), quota=1000, expect=Expect(present=now)) is Stored.DONE:
                    break

    in_threads(6, work)
    assert store.get(ADA, "t", b"n") == b"60"


def test_threads_share_few_open_files(tmp_path: Path) -> None:
    store = KvStore(str(tmp_path / "kv"), open_most=2)
    spaces = [Space(tenant="t", publisher_id="p", package_id=f"com.example.p{i}") for i in range(6)]

    def work(i: int) -> None:
        for j in range(12):
            space = spaces[(i + j) % len(spaces)]
            store.set(space, "t", b"%d" % i, b"%d" % j, quota=1000)
            assert store.get(space, "t", b"%d" % i) == b"%d" % j

    in_threads(6, work)
    store.close()
    for space in spaces:
        judged(tmp_path / "kv" / space.file_name)


WRITER = """
import sys
from mpp.host.stores.kv import Expect, KvStore, Stored
from mpp.host.stores.kv_file import Space
folder, name, rounds = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
store = KvStore(folder)
space = Space(tenant="t", publisher_id="ab" * 32, package_id="com.example.a")
print("ready", flush=True)
sys.stdin.readline()
i = 0
while rounds == 0 or i < rounds:
    key = b"%s-%d" % (name, i % 7)
    if i % 5 == 0:
        store.delete(space, "t", key)
    store.set(space, "t", key, b"x" * (i * 37 % 5000), quota=40_000)
    if rounds:
        while True:
            now = store.get(space, "t", b"n")
            if store.set(space, "t", b"n", b"%d" % (int(now or 0) + 1), quota=80_000, expect=Expect(present=now)) is Stored.DONE:
                break
    else:
        print(i, flush=True)
    i += 1
"""


def writer(folder: Path, name: str, rounds: int) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name, str(rounds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def go(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.write(b"go\n")
    child.stdin.flush()


def test_two_hosts_on_one_home(tmp_path: Path) -> None:
    """Both begin without a file, so they race for its making too."""
    folder, rounds = tmp_path / "kv", 60
    children = [writer(folder, name, rounds) for name in ("one", "two")]
    for child in children:
        go(child)
    for child in children:
        child.communicate(timeout=60)
        assert child.returncode == 0
    assert KvStore(str(folder)).get(ADA, "t", b"n") == b"%d" % (2 * rounds)
    assert judged(folder / ADA.file_name) <= 40_000 + 4


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """What was acknowledged is there afterwards, the file is whole, and its count is right."""
    folder = tmp_path / "kv"
    for kill in range(KILLS):
        child = writer(folder, f"k{kill}", 0)
        go(child)
        assert child.stdout is not None
        last = 0
        for _ in range(3 + kill * 4):
            last = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        rest = child.communicate(timeout=60)[0].split()
        last = int(rest[-1]) if rest else last
        assert child.returncode == -signal.SIGKILL
        judged(folder / ADA.file_name)
        found = KvStore(str(folder)).get(ADA, "t", b"k%d-%d" % (kill, last % 7))
        # The write that was under way when it died is of another key.
        assert found == b"x" * (last * 37 % 5000)
        store = KvStore(str(folder))
        for key in store.keys(ADA, "t")[0]:
            store.delete(ADA, "t", key)
        store.close()
        assert judged(folder / ADA.file_name) == 0


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_killed_while_the_file_is_made(tmp_path: Path, after: int) -> None:
    """At each step of its making: the next host makes it, and nothing is taken for a file of state."""
    code = f"""
import os, signal, sys
from mpp.host.stores import kv_file
from mpp.host.stores.kv import KvStore
from mpp.host.stores.kv_file import Space
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
step = {after}
if step == 0: kv_file.apsw.Connection = die
if step == 1: kv_file._prepare = die
if step == 2: kv_file.os.rename = die
if step == 3: kv_file.sync_folder = die
KvStore({str(tmp_path / "kv")!r}).set(Space(tenant="t", publisher_id="ab" * 32, package_id="com.example.a"), "t", b"a", b"1", quota=100)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    store = KvStore(str(tmp_path / "kv"))
    assert store.get(ADA, "t", b"a") is None
    assert store.set(ADA, "t", b"a", b"2", quota=100) is Stored.DONE
    store.close()
    assert judged(tmp_path / "kv" / ADA.file_name) == 2
