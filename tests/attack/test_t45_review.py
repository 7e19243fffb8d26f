"""T45, what a review found: turns in the pool, descriptors after their end, handles, forks, secrets, places, questions."""

from __future__ import annotations

import array
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpp.cli import packages as taking
from mpp.errors import HostFailed, MppError, Refused
from mpp.host import aio
from mpp.host.drive import drive
from mpp.host.granting import Places, rights_for
from mpp.host.pool import WorkerKey, WorkerPool
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.host.secret_entry import make_entry
from mpp.host.services.standard import HttpAnswers
from mpp.model import jsontext
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.model.rights import Folder, Rights
from mpp.model.rights_words import asked_for
from mpp.ports import Steps, Wait
from mpp.stages.gatekeeper import verify
from mpp.stages.sandbox import Run, Worker, Zygote, frames
from mpp.stages.sandbox.sealed_files import CacheKey
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import meant_for, token_for, warrant_for
from tests.attack.sandboxed import CONTEXT, Box, Host, Silent, wat

A, B = (WorkerKey(name, "", name, "t", "") for name in "ab")


class Fake:
    calls = 0

    def is_idle(self) -> bool:
        return True

    def kill(self) -> None:
        pass


def make() -> Steps[Worker]:
    yield from ()
    return Fake()  # type: ignore[return-value]


def test_who_comes_again_at_once_does_not_pass_those_who_wait() -> None:
    async def race() -> tuple[float, int]:
        pool, served, ended = WorkerPool(most=1, per_key=1), 0, False

        async def busy() -> None:
            nonlocal served
            while not ended:
                worker = await aio.drive(pool.take(A, make, time.monotonic() + 10))
                await asyncio.sleep(0.001)
                pool.give(A, worker, reusable=True)
                served += not_yet

        not_yet = 0
        task = asyncio.create_task(busy())
        await asyncio.sleep(0.02)
        not_yet, begun = 1, time.monotonic()
        worker = await aio.drive(pool.take(B, make, begun + 10))
        waited, ended, before = time.monotonic() - begun, True, served
        pool.give(B, worker, reusable=True)
        await task
        pool.close()
        return waited, before

    waited, served = asyncio.run(race())
    assert (waited < 10, served <= 2) == (True, True)


def test_a_turn_that_is_not_used_goes_on_to_the_next() -> None:
    pool = WorkerPool(most=1, per_key=1)
    held = drive(pool.take(A, make, time.monotonic() + 1))
    waits = [pool.take(B, make, time.monotonic() + 60) for _ in range(3)]
    for one in waits:
        next(one)
    pool.give(A, held, reusable=True)
    # The first was called and goes away; a newcomer still stands behind the others.
    waits[0].close()
    newcomer = pool.take(A, make, time.monotonic() + 60)
    next(newcomer)
    worker = drive(waits[1])
    waits[2].close()
    pool.give(B, worker, reusable=True)
    assert drive(newcomer) is not None
    pool.close()


def test_no_descriptors_left_is_a_busy_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> int:
        raise OSError(24, "Too many open files")

    pool, zygote = WorkerPool(most=1, per_key=1), Zygote()
    drive(pool.take(A, make, time.monotonic() + 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "eventfd", none_left)
        with pytest.raises(HostFailed) as busy:
            drive(pool.take(B, make, time.monotonic() + 1))
    with monkeypatch.context() as patch:
        patch.setattr(socket, "socketpair", none_left)
        with pytest.raises(HostFailed) as failed:
            drive(zygote.spawn({}, ()))
    assert (busy.value.code, failed.value.code, pool.size) == ("host.busy", "host.sandbox", 1)


def test_a_closed_zygote_starts_no_process() -> None:
    zygote = Zygote()
    zygote.close()
    for late in (zygote.start, lambda: drive(zygote.spawn({}, ()))):
        with pytest.raises(HostFailed) as fault:
            late()
        assert fault.value.code == "host.closed"
    assert zygote.pid == 0


def test_a_copy_of_the_host_gets_no_worker_and_ends_none(box: Box) -> None:
    box.well()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = b"served"
        try:
            box.run(box.echo, b"copy")
        except MppError as fault:
            said = fault.code.encode()
        box.pool.close()
        box.zygote.close()
        os.write(write_end, said)
        os._exit(0)
    os.waitpid(pid, 0)
    said = os.read(read_end, 100)
    os.close(read_end)
    os.close(write_end)
    assert said == b"host.closed"
    box.well()


def test_the_handle_of_another_process_is_not_taken() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    bystander, hostile = (subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]) for _ in range(2))
    handle, real = os.pidfd_open(bystander.pid), os.pidfd_open(hostile.pid)
    started = frames.frame(frames.STARTED)
    theirs.sendmsg([started, frames.frame(frames.READY, b"{}")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))])
    teller = os.fork()
    if teller == 0:
        theirs.sendmsg([started], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [real]))])
        os._exit(0)
    os.waitpid(teller, 0)
    worker = Worker(ours, sender=teller)
    try:
        with pytest.raises(MppError) as fault:
            drive(worker.starting(time.monotonic() + 10))
        worker.kill()
        assert (fault.value.code, hostile.wait(10), bystander.poll()) == ("tool.protocol", -signal.SIGKILL, None)
    finally:
        for one in (bystander, hostile):
            one.kill()
            one.wait()
        for fd in (handle, real):
            os.close(fd)
        theirs.close()


FAILING = """
import os, sys
sys.path.append(PLACE)
import zygote_main
turns, fork = [], os.fork
def failing():
    turns.append(1)
    if len(turns) == 3:
        raise BlockingIOError(11, "no process left")
    return fork()
os.fork = failing
zygote_main.main(sys.argv[1:])
"""


def test_a_fork_that_fails_ends_nobody(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.stages.sandbox import client

    program = tmp_path / "failing.py"
    program.write_text(FAILING.replace("PLACE", repr(os.path.dirname(client.__file__))))
    monkeypatch.setattr(client, "_ZYGOTE", str(program))
    zygote = Zygote()
    spec: dict[str, Json] = {"memory_bytes": 1 << 24, "component": False, "folders": [], "devices": []}
    workers = []
    pids = set()
    for _ in range(3):
        workers.append(drive(zygote.spawn(spec, (box.native(box.echo),))))
        pids.add(zygote.pid)
    try:
        assert len(pids) == 1
        assert all(one.is_idle() for one in workers)
    finally:
        for one in workers:
            one.kill()
        zygote.close()


READ_SECRET = """(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2) (data (i32.const 512) "file")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 512) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 600)))
    (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 1000))
    (drop (call $read (i32.load (i32.const 600)) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""


def prepared(sandbox: Sandbox, folder: Path) -> Ready:
    package = verify(packages.signed(extra={packages.ENTRYPOINT: wat(READ_SECRET)}), packages.trusting(publisher()), packages.NOW)
    folders = (Folder(guest="/data", host=os.path.realpath(folder), write=False),)
    rights = Rights(
        tenant="t", publisher_id=package.publisher_id, package_id="com.example.hello", content_hash=package.content_hash, folders=folders, env=("A",)
    )
    return sandbox.prepare(package, token_for(package, rights), rights)


def calling(sandbox: Sandbox, ready: Ready, **more: object) -> Steps[Run]:
    given = meant_for(ready, CallInput(**{**GIVEN, **more}))  # type: ignore[arg-type]
    return sandbox.call(ready, warrant_for(ready, given), given)


GIVEN = {"context": CONTEXT, "line": b"", "argument_sha256": "0" * 64, "seconds": 60.0, "now_ns": 0, "live": Silent()}


def test_a_released_package_starts_no_worker_with_what_its_descriptors_mean_now(tmp_path: Path) -> None:
    own, foreign = tmp_path / "own", tmp_path / "foreign"
    for folder in (own, foreign):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    pool = WorkerPool(most=1, per_key=1)
    sandbox = Sandbox("", Host(), pool=pool)
    ready = prepared(sandbox, own)
    assert drive(calling(sandbox, ready)).stdout == b"own"
    pool.drop(lambda _: True)
    held = drive(pool.take(A, make, time.monotonic() + 1))
    waiting = calling(sandbox, ready)
    next(waiting)
    code, number = ready.compiled.fd, ready.opened.folder_fds[0]
    kept = os.dup(code)
    sandbox.release(ready)
    # The numbers are used again, for another package.
    later = os.open(foreign, os.O_PATH)
    os.dup2(kept, code)
    os.dup2(later, number)
    pool.give(A, held, reusable=False)
    with pytest.raises(HostFailed) as fault:
        drive(waiting)
    # A second release must not close what is another's by now.
    sandbox.release(ready)
    assert (fault.value.code, os.fstat(number).st_ino) == ("host.closed", foreign.stat().st_ino)
    for fd in {kept, later, code, number}:
        os.close(fd)
    sandbox.close()


def test_a_variable_that_cannot_be_written_leaves_no_worker_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    pool = WorkerPool(most=1, per_key=1)
    sandbox = Sandbox("", Host(), pool=pool)
    ready = prepared(sandbox, tmp_path)
    with pytest.raises(UnicodeEncodeError):
        drive(calling(sandbox, ready, env=(("A", "\ud800"),)))
    assert pool.size == 0
    sandbox.release(ready)
    sandbox.close()


NETWORK = (NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=(), paths=()),)
SECRETS = (Secret(name="TOK", host="api.example.com", header="Authorization", format="{secret}"),)


@pytest.mark.parametrize("left", [60.0, -1.0])
def test_a_command_of_a_secret_that_fails_runs_once_in_a_call_and_not_after_its_end(tmp_path: Path, left: float) -> None:
    ran = tmp_path / "ran"
    command = f"sh -c 'sleep 0.05; echo x >> {ran}; exit 1'"
    entry = make_entry("TOK", command, created=1, kind="command", host="api.example.com", header="Authorization")
    answers = HttpAnswers(SimpleNamespace(), SimpleNamespace(load=lambda: {"TOK": entry}), os.environ)  # type: ignore[arg-type]
    rights = Rights(tenant="t", publisher_id="p", package_id="com.example.hello", content_hash="c", network=NETWORK, secrets=SECRETS)
    live = Silent()
    scope = SimpleNamespace(rights=rights, context=CONTEXT, live=live)
    for _ in range(20):
        answer = drive(answers.answer("http.fetch", {"method": "GET", "url": "https://api.example.com/"}, scope, time.monotonic() + left))  # type: ignore[arg-type]
        assert answer.error == "unavailable"
    assert len(live.logs) == 1
    assert (ran.read_text() if ran.exists() else "") == ("x\n" if left > 0 else "")


def test_host_calls_full_of_escapes_are_read_in_one_step() -> None:
    for piece in (b"\\ud83d\\ude00", b"\\\\"):
        text = b'"\\ud83d\\ude00' + piece * 1000 + b'"'
        assert len(str(jsontext.read(text, family="call", where="x"))) == 1001
    for lone in (b'"\\ud83d"', b'"\\ude00"', b'"\\ude00\\ud83d"', b'"\\\\\\ud83d\\\\ude00"', b'"\\ud83d\\n\\ude00"'):
        with pytest.raises(Refused) as fault:
            jsontext.read(lone, family="call", where="x")
        assert "half" in fault.value.message
    assert jsontext.read(b'"\\\\ud83d \\\\\\\\ude00"', family="call", where="x") == "\\ud83d \\\\ude00"


def asked(places: Places, path: str) -> Rights:
    changes: Mapping[str, Json] = {"capabilities/filesystem": {"read": [path], "write": []}}
    manifest = parse_manifest(json.dumps(packages.manifest(changes)).encode())
    return rights_for(manifest, tenant="t", publisher_id="p", content_hash="c", places=places)


def test_a_link_in_the_workspace_does_not_lead_out_of_it(tmp_path: Path) -> None:
    workspace, keys = tmp_path / "work", tmp_path / "keys"
    for one in (workspace, keys, workspace / "inner"):
        one.mkdir()
    (workspace / "out").symlink_to(keys)
    (workspace / "in").symlink_to("inner")
    home = str(tmp_path / "home")
    places = Places(home=home, workspace=str(workspace), mappings={})
    with pytest.raises(Refused) as fault:
        asked(places, "${workspace}/out")
    assert fault.value.code == "call.workspace"
    assert asked(places, "${workspace}/in").folders[0].host == str(workspace / "inner")
    assert asked(places, "${workspace}").folders[0].host == str(workspace)
    # Whoever says so on the command line means it.
    mapped = Places(home=home, workspace=str(workspace), mappings={"${workspace}/out": str(keys)})
    assert asked(mapped, "${workspace}/out").folders[0].host == str(keys)


def test_the_home_under_another_name_is_still_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, other = tmp_path / "home", tmp_path / "mounted"
    for one in (home / "cache", other / "below"):
        one.mkdir(parents=True)
    stat = os.stat

    def same(path: object, *more: object, **named: object) -> os.stat_result:
        # As a mount shows it: the same folder at two places.
        return stat(home if path == str(other) else path, *more, **named)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "stat", same)
    for place in (other, other / "below"):
        with pytest.raises(Refused) as fault:
            asked(Places(home=str(home), mappings={"/data": str(place)}), "/data")
        assert fault.value.code == "call.path_never"


def test_a_place_that_is_never_granted_is_not_granted_through_its_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mpp.host import granting

    (tmp_path / "true").mkdir()
    (tmp_path / "config").symlink_to("true")
    monkeypatch.setattr(granting, "CONFIG_FOLDER", str(tmp_path / "config"))
    with pytest.raises(Refused) as fault:
        asked(Places(home=str(tmp_path / "home"), mappings={"/data": str(tmp_path / "true")}), "/data")
    assert fault.value.code == "call.path_never"


def rights(*folders: Folder, env: tuple[str, ...] = ()) -> Rights:
    return Rights(tenant="t", publisher_id="p", package_id="com.example.hello", content_hash="c", folders=folders, env=env)


def test_a_path_does_not_go_on_as_our_own_words() -> None:
    told = asked_for(rights(Folder(guest="/data, which is /srv/harmless here", host="/etc/ssl", write=True)))
    assert told == ['read and change "/data, which is /srv/harmless here", which is /etc/ssl here']
    wide = asked_for(rights(Folder(guest="/d" + " " * 80 + "store nothing", host="/x", write=False)))[0]
    assert "  " not in wide
    assert asked_for(rights(Folder(guest="/data/a-b_c.d", host="/data/a-b_c.d", write=False))) == ["read /data/a-b_c.d"]


def test_what_changes_things_stands_first() -> None:
    many = rights(Folder(guest="/a", host="/a", write=False), Folder(guest="/b", host="/b", write=True), env=tuple(f"A{i}" for i in range(64)))
    assert asked_for(many)[0] == "read and change /b"
    assert asked_for(many)[-1] == "read /a"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "manifest.json").write_text(json.dumps(packages.manifest()))
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    return tmp_path


def test_only_the_build_of_the_project_is_its_own(project: Path) -> None:
    data = packages.unsigned()
    own = taking._is_own_unsigned
    assert own("hello-0.1.0.mpp", data)
    assert not own("evil-9.9.9.mpp", data)
    assert not own("hello-0.1.0.mpp", packages.signed())
    project.chmod(0o777)
    assert not own("hello-0.1.0.mpp", data)


def test_the_key_of_the_cache_is_the_file_that_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CacheKey(str(tmp_path / "native"))
    key = cache._key()
    known = tmp_path / "known"
    known.write_bytes(b"A" * 32)
    known.chmod(0o600)
    lstat, path = os.lstat, tmp_path / "native" / "key"

    def exchange(where: str) -> os.stat_result:
        found = lstat(where)
        path.unlink()
        path.symlink_to(known)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(os, "lstat", exchange)
        with pytest.raises(HostFailed):
            cache._key()
    path.unlink()
    path.write_bytes(key)
    path.chmod(0o600)
    (tmp_path / "native").chmod(0o777)
    with pytest.raises(HostFailed) as fault:
        cache._key()
    assert fault.value.code == "host.cache_key"


def test_a_guest_that_asks_without_pause_does_not_hold_the_host(box: Box) -> None:
    request = b'{"method":"any"}'
    data = "".join(f"\\{byte:02x}" for byte in request)
    loop = f"""(module (import "mpp_host" "call" (func $call (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 2) (data (i32.const 1024) "{data}")
      (func (export "_start") (local $n i32) (loop $again
        (drop (call $call (i32.const 1024) (i32.const {len(request)}) (i32.const 4096) (i32.const 1000)))
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $again (i32.lt_s (local.get $n) (i32.const 3000))))))"""
    host = Host()
    # Each answer takes a millisecond: without pauses, the others would wait for seconds.
    host.during = lambda: time.sleep(0.001)
    steps, gaps = box.calling(wat(loop), seconds=300, host=host), []
    for wait in steps:
        gaps.append(len(host.asked))
        drive(_once(wait))
        if len(host.asked) > 1000:
            break
    steps.close()
    # An answer more than there is room for in a turn would mean that nobody pauses.
    assert max(later - earlier for earlier, later in zip(gaps, gaps[1:], strict=False)) <= 20


def _once(wait: Wait) -> Steps[None]:
    yield wait
