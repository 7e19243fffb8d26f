"""Real signed packages through the sandbox of a host: made ready, called, warmed and forgotten."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host import sandbox as subject
from mpp.host.drive import drive
from mpp.host.pool import WorkerPool
from mpp.host.sandbox import CallInput, Ready, Sandbox, compile_package, engine_version, entrypoint, judge_runtime, native_cache, seed_of
from mpp.model.agents import ANONYMOUS
from mpp.model.jsontext import Json
from mpp.model.rights import Folder, Rights
from mpp.ports import Steps
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.stages.sandbox import Run
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import meant_for, scope_of_rights, token_for, warrant_for
from mpp.testing.wasm import component, module
from tests.unit.sandbox import guests
from tests.unit.sandbox.conftest import CONTEXT, Answers, Listener

WHO = publisher()


def package(wasm: bytes, changes: Mapping[str, Json] | None = None) -> VerifiedPackage:
    data = packages.signed(WHO, changes, {packages.ENTRYPOINT: wasm})
    return verify(data, packages.trusting(WHO), packages.NOW)


def rights(found: VerifiedPackage, **more: object) -> Rights:
    given: dict[str, object] = {"tenant": "local", "publisher_id": WHO.id, "package_id": found.manifest.package_id, "content_hash": found.content_hash}
    return Rights(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    made = Sandbox(str(tmp_path_factory.mktemp("cache")), Answers(), pool=WorkerPool(most=4, per_key=2))
    made.start()
    yield made
    made.close()


@pytest.fixture
def sandbox(shared: Sandbox) -> Iterator[Sandbox]:
    """Afterwards no worker and no descriptor of a package is left over."""
    before = sorted(os.listdir("/proc/self/fd"))
    yield shared
    assert shared._pool.size == 0
    assert sorted(os.listdir("/proc/self/fd")) == before


def given(line: bytes = b"{}\n", *, seconds: float = 60.0, agent: str = "", **more: object) -> CallInput:
    return CallInput(
        context=replace(CONTEXT, agent=agent), line=line, argument_sha256="0" * 64, seconds=seconds, now_ns=1_000, live=Listener(), **more
    )  # type: ignore[arg-type] # fmt: skip


def opened(sandbox: Sandbox, found: VerifiedPackage, wanted: Rights) -> Ready:
    return sandbox.prepare(found, token_for(found, wanted), wanted)


def call(sandbox: Sandbox, ready: Ready, asked: CallInput) -> Steps[Run]:
    """With leave for exactly this call."""
    meant = meant_for(ready, asked)
    return sandbox.call(ready, warrant_for(ready, meant), meant)


def test_a_package_is_called_many_times_in_one_worker(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))
    assert ready.memory_bytes == 16 << 20
    for text in (b"first\n", b"second\n"):
        run = drive(call(sandbox, ready, given(text)))
        assert (run.fault, run.stdout) == (None, text)
    assert sandbox._pool.size == 1
    sandbox.release(ready)


def test_another_agent_never_meets_the_same_worker(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))
    for agent in ("a", "b", "a"):
        drive(call(sandbox, ready, given(agent=agent)))
    assert sandbox._pool.size == 2
    sandbox.release(ready)


def test_the_second_time_nothing_is_compiled(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO, more="(func $once)"))
    for fresh in (True, False):
        ready = opened(sandbox, found, rights(found))
        assert ready.compiled.fresh is fresh
        sandbox.release(ready)


def test_one_is_warm_before_the_first_call(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))
    drive(sandbox.warm(ready))
    assert sandbox._pool.size == 1
    assert drive(call(sandbox, ready, given(b"x"))).stdout == b"x"
    assert sandbox._pool.size == 1
    sandbox.release(ready)


@pytest.mark.parametrize(("body", "code", "kept"), [(guests.TRAP, "tool.trap", 1), (guests.LOOP, "tool.deadline", 0)])
def test_a_failed_call_is_a_run_and_the_worker_is_judged(sandbox: Sandbox, body: str, code: str, kept: int) -> None:
    found = package(guests.guest(body))
    ready = opened(sandbox, found, rights(found))
    run = drive(call(sandbox, ready, given(seconds=0.1 if not kept else 60)))
    assert run.fault is not None
    assert (run.fault.code, sandbox._pool.size) == (code, kept)
    sandbox.release(ready)


def test_a_token_shortens_a_call(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.LOOP))
    ready = opened(sandbox, found, rights(found))
    asked = meant_for(ready, given(seconds=600.0))
    short = token_for(found, rights(found)).attenuate(scope_of_rights(rights(found), ("greet",)), timeout_ms=50)
    run = drive(sandbox.call(ready, warrant_for(ready, asked, short), asked))
    assert run.fault is not None
    assert (run.fault.code, run.seconds < 60) == ("tool.deadline", True)
    sandbox.release(ready)


def test_a_call_may_have_less_memory_and_never_more(sandbox: Sandbox) -> None:
    found = package(module(memory=(40, None)))
    ready = opened(sandbox, found, rights(found))
    for mebibytes, code in ((1, "tool.start"), (3, ""), (0, ""), (4000, "")):
        fault = drive(call(sandbox, ready, given(memory_bytes=mebibytes << 20))).fault
        assert ("" if fault is None else fault.code) == code
    sandbox.release(ready)


def test_what_the_token_does_not_cover_is_not_compiled(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    found = package(guests.guest(guests.ECHO))
    monkeypatch.setattr(subject, "compile_wasm", lambda *_: pytest.fail("compiled"))
    for token in (token_for(found, rights(found, tenant="other")), token_for(found, rights(found))):
        with pytest.raises(Refused):
            sandbox.prepare(found, token, rights(found, env=("A",)))


def test_a_caller_that_gives_up_ends_the_worker(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.LOOP))
    ready = opened(sandbox, found, rights(found))
    drive(sandbox.warm(ready))
    steps = call(sandbox, ready, given())
    next(steps)
    steps.close()
    assert sandbox._pool.size == 0
    sandbox.release(ready)


def test_an_order_that_cannot_be_written_gives_the_worker_back(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found, env=("A",)))
    with pytest.raises(UnicodeEncodeError):
        drive(call(sandbox, ready, given(env=(("A", "\ud800"),))))
    assert sandbox._pool.size == 0
    sandbox.release(ready)


def test_variables_and_host_calls_reach_the_guest(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ENVIRON))
    ready = opened(sandbox, found, rights(found, env=("KEY",)))
    assert drive(call(sandbox, ready, given(env=(("KEY", "välue"),)))).stdout == "KEY=välue\0".encode()
    sandbox.release(ready)
    found = package(guests.guest(guests.HOST_CALL))
    ready = opened(sandbox, found, rights(found))
    run = drive(call(sandbox, ready, given(b'{"method": "m"}')))
    assert json.loads(run.stdout) == {"result": {"method": "m", "params": {}}}
    sandbox.release(ready)


def test_a_deterministic_package_gives_the_same_each_time(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.RANDOM_AND_TIME), {"runtime/deterministic": True})
    ready = opened(sandbox, found, rights(found))
    first, second = (drive(call(sandbox, ready, given())).stdout for _ in range(2))
    other = drive(call(sandbox, ready, replace(given(), argument_sha256="1" * 64))).stdout
    assert first == second
    assert first[:16] != other[:16]
    assert int.from_bytes(first[16:24], "little") == 1_000
    sandbox.release(ready)


def test_the_seed_follows_from_package_tool_and_arguments(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))
    seed = seed_of(ready, given())
    assert seed == hashlib.sha256(b"mpp-deterministic-seed\n" + f"{found.content_hash}\ngreet\n{'0' * 64}\n".encode()).digest()
    assert seed_of(ready, replace(given(), context=replace(CONTEXT, invocation="f" * 32, agent="x", user="y"))) == seed
    assert seed_of(ready, replace(given(), context=replace(CONTEXT, tool="other"))) != seed
    sandbox.release(ready)


def test_grants_reach_the_worker_and_no_path_does(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    found = package(guests.guest(guests.ECHO))
    where = str(tmp_path.resolve())
    ready = opened(
        sandbox, found, rights(found, folders=(Folder(guest="/data", host=where, write=True), Folder(guest="/f/one", host=f"{where}/file", write=False)))
    )  # fmt: skip
    spec = subject._spec(ready, [*ready.opened.fds()])
    assert (spec["folders"], spec["devices"]) == ([["/data", True, True], ["/f/one", False, False]], [])
    assert where not in json.dumps(spec)
    run = drive(call(sandbox, ready, given(b"with folders")))
    assert (run.fault, run.stdout) == (None, b"with folders")
    sandbox.release(ready)


def test_a_grant_that_cannot_be_opened_leaves_nothing(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    with pytest.raises(HostFailed):
        opened(sandbox, found, rights(found, folders=(Folder(guest="/x", host="/no/such", write=False),)))


def test_a_released_package_takes_only_its_own_workers_along(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ones = [opened(sandbox, found, rights(found)), opened(sandbox, found, replace(rights(found), tenant="other"))]
    for ready in ones:
        drive(call(sandbox, ready, given()))
    assert sandbox._pool.size == 2
    sandbox.release(ones[0])
    assert sandbox._pool.size == 1
    sandbox.release(ones[1])


def test_a_package_is_released_once(sandbox: Sandbox) -> None:
    """Attack: a second release closes descriptors whose numbers belong to another package by now."""
    found = package(guests.guest(guests.ECHO))
    first = opened(sandbox, found, rights(found))
    sandbox.release(first)
    second = opened(sandbox, found, rights(found))
    sandbox.release(first)
    assert drive(call(sandbox, second, given(b"x"))).stdout == b"x"
    sandbox.release(second)


def test_a_package_that_is_released_begins_no_call(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))
    waiting = call(sandbox, ready, given())
    sandbox.release(ready)
    with pytest.raises(HostFailed, match="released"):
        drive(waiting)
    assert sandbox._pool.size == 0


def test_a_package_that_is_released_in_a_call_keeps_no_worker(sandbox: Sandbox) -> None:
    found = package(guests.guest(guests.HOST_CALL))
    ready = opened(sandbox, found, rights(found))
    drive(sandbox.warm(ready))
    for _ in range(50):
        steps = call(sandbox, ready, given(b'{"method": "m"}'))
        wait = next(steps, None)
        if wait is not None:  # On a busy machine the worker may have ended before it is asked.
            break
    assert wait is not None
    sandbox.release(ready)

    def rest():
        yield wait
        return (yield from steps)

    assert drive(rest()).fault is None
    assert sandbox._pool.size == 0


def test_a_host_without_descriptors_says_so(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    found = package(guests.guest(guests.ECHO))
    ready = opened(sandbox, found, rights(found))

    def full(_: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(subject.os, "dup", full)
    with pytest.raises(HostFailed) as fault:
        drive(call(sandbox, ready, given()))
    monkeypatch.undo()
    assert fault.value.code == "host.sandbox"
    sandbox.release(ready)


def test_without_a_cache_nothing_is_kept(tmp_path: Path) -> None:
    made = Sandbox("", Answers())
    found = package(guests.guest(guests.ECHO))
    for _ in range(2):
        ready: Ready = opened(made, found, rights(found))
        assert ready.compiled.fresh
        made.release(ready)
    with pytest.raises(HostFailed, match="released"):
        drive(call(made, ready, given()))
    last = opened(made, found, rights(found))
    made.close()
    with pytest.raises(HostFailed, match="closing"):
        drive(call(made, last, given()))
    made.release(last)


def test_a_package_is_compiled_ahead(tmp_path: Path) -> None:
    found = package(guests.guest(guests.ECHO))
    first, second = compile_package(found, str(tmp_path)), compile_package(found, str(tmp_path))
    assert (first.fresh, second.fresh, first.size) == (True, False, second.size)
    assert first.wasm_sha256 == hashlib.sha256(guests.guest(guests.ECHO)).hexdigest()
    assert [one.wasm_sha256 for one in native_cache(str(tmp_path)).entries()] == [first.wasm_sha256]


# --- what this version does not run


def changed(found: VerifiedPackage, **runtime: object) -> VerifiedPackage:
    return replace(found, manifest=replace(found.manifest, runtime=replace(found.manifest.runtime, **runtime)))  # type: ignore[arg-type]


def test_other_types_are_refused_before_anything_is_compiled() -> None:
    found = package(guests.guest(guests.ECHO))
    for kind in ("python-layer", "native", ""):
        with pytest.raises(Refused) as fault:
            judge_runtime(changed(found, type=kind))
        assert fault.value.code == "call.runtime"


def test_a_component_gets_no_folders_and_is_never_deterministic() -> None:
    found = changed(package(guests.guest(guests.ECHO)), type="wasi-component")
    judge_runtime(found)
    capabilities = found.manifest.capabilities
    for more in ({"read": ("/a",)}, {"write": ("/a",)}, {"hardware": ("x",)}):
        other = replace(found, manifest=replace(found.manifest, capabilities=replace(capabilities, **more)))  # type: ignore[arg-type]
        with pytest.raises(Refused) as fault:
            judge_runtime(other)
        assert fault.value.code == "call.component"
    with pytest.raises(Refused):
        judge_runtime(changed(found, deterministic=True))
    assert component()


def test_a_package_that_lost_its_code_does_not_run() -> None:
    found = changed(package(guests.guest(guests.ECHO)), entrypoint="bin/absent.wasm")
    with pytest.raises(HostFailed, match="lost its entrypoint"):
        entrypoint(found)


def test_another_engine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert engine_version().startswith("50.")
    for version in ("49.0.0", "51.0.0", "5.0", ""):

        def found(_: str, version: str = version) -> str:
            return version

        monkeypatch.setattr(subject, "installed_version", found)
        with pytest.raises(HostFailed, match=version or "nothing"):
            engine_version()


def test_a_key_of_a_package_that_is_released_is_no_other_packages(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a package at the place in memory of one that was released, which would be given the worker of that one."""
    one, other = package(guests.guest(guests.ECHO)), package(guests.guest(guests.ECHO), {"version": "9.9.9"})
    first, second = (opened(sandbox, found, rights(found)) for found in (one, other))
    monkeypatch.setitem(sandbox._keys, id(second), (first, sandbox._key(first, ANONYMOUS)))
    assert sandbox._key(second, ANONYMOUS).content_hash == other.content_hash
    sandbox.release(first)
    sandbox.release(second)
    assert not sandbox._keys
    sandbox._key(first, ANONYMOUS)
    assert not sandbox._keys, "of what was released nothing is kept"
