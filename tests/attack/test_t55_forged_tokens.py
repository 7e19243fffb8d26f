"""T55, tokens forged, copied, mixed up or used twice: the sandbox opens nothing without a genuine token, and runs nothing without a warrant for this very call."""

from __future__ import annotations

import copy
import ctypes
import gc
import os
import pickle
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.drive import drive
from mpp.host.pool import WorkerPool
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.capabilities import NetworkRule, Secret
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import NOTHING, Scope, covers
from mpp.stages.approval.warrants import Grant, Warrant, warrant
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.stages.policy import token as tokens
from mpp.stages.policy.token import CapabilityToken, Held, held_by, mint
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import KeptEvents, SpentOnce, grant_for, meant_for, scope_of_rights, token_for, warrant_for
from mpp.testing.tools import greeting
from tests.attack.sandboxed import CONTEXT, Host, Silent

WHO, OTHER = publisher(), publisher("Other Publisher")
RULE = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=("/v1",))
SECRET = Secret(name="K", host="api.example.com", header="X-Key", format="{secret}")


def package(who: object = WHO, text: str = "Hello!") -> VerifiedPackage:
    return verify(packages.signed(who, extra={packages.ENTRYPOINT: greeting(text)}), packages.trusting(WHO, OTHER), packages.NOW)  # type: ignore[arg-type]


FOUND = package()


def rights(found: VerifiedPackage = FOUND, **more: object) -> Rights:
    return Rights(tenant="local", publisher_id=found.publisher_id, package_id=found.package_id, content_hash=found.content_hash, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox("", Host(), pool=WorkerPool(most=4, per_key=4))
    yield made
    made.close()


@pytest.fixture
def ready(sandbox: Sandbox) -> Iterator[Ready]:
    made = sandbox.prepare(FOUND, token_for(FOUND, rights()), rights())
    yield made
    sandbox.release(made)


def given(ready: Ready, **more: object) -> CallInput:
    fields: dict[str, object] = {
        "context": replace(CONTEXT, tool="greet"),
        "line": b"{}\n",
        "argument_sha256": "a" * 64,
        "seconds": 5.0,
        "now_ns": 10**18,
        "live": Silent(),
    }
    return meant_for(ready, CallInput(**{**fields, **more}))  # type: ignore[arg-type]


def code(attempt: Callable[[], object]) -> str:
    with pytest.raises(Refused) as fault:
        attempt()
    assert fault.value.hint
    return fault.value.code


# --- forged handles


class Disguised:
    """Looks like a token, says it is one, is equal to any."""

    scope = Scope(read=("/",), tools=("greet",))
    package_id, content_hash = FOUND.package_id, FOUND.content_hash

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return CapabilityToken

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(token_for(FOUND, rights()))


class Bare:
    __slots__ = ("__weakref__",)


def moulded() -> object:
    """An object of another class, given the class of tokens afterwards."""
    found = Bare()
    found.__class__ = CapabilityToken  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(
    "forge",
    [
        lambda: object.__new__(CapabilityToken),
        Disguised,
        moulded,
        lambda: held_by(token_for(FOUND, rights())),
        lambda: id(token_for(FOUND, rights())),
        lambda: None,
        lambda: "CapabilityToken",
        lambda: CapabilityToken,
    ],
    ids=["by object.__new__", "a disguise", "another class", "what a token stands for", "its address", "nothing", "its name", "the class"],
)
def test_no_forged_token_opens_anything(sandbox: Sandbox, forge: Callable[[], object]) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    forged = forge()
    assert code(lambda: sandbox.prepare(FOUND, forged, rights())) == "token.forged"  # type: ignore[arg-type]
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_a_token_is_not_copied_pickled_or_subclassed() -> None:
    token = token_for(FOUND, rights())
    for attempt in (
        CapabilityToken,
        lambda: copy.copy(token),
        lambda: copy.deepcopy(token),
        lambda: copy.deepcopy([{"token": token}]),
        lambda: type("Wider", (CapabilityToken,), {"scope": Scope(read=("/",))}),
        *((lambda protocol=protocol: pickle.dumps(token, protocol)) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)),
    ):
        assert code(attempt) == "token.forged"
    # Attack: a pickle written by hand, which asks for the class and an empty state.
    by_hand = b"\x80\x04\x8c\x17mpp.stages.policy.token\x8c\x0fCapabilityToken\x93)\x81."
    assert code(lambda: pickle.loads(by_hand)) == "token.forged"


def test_nothing_can_be_written_into_a_token() -> None:
    token = token_for(FOUND, rights())
    for name in ("scope", "package_id", "content_hash", "digest", "more", "__dict__"):
        with pytest.raises((AttributeError, TypeError)):
            object.__setattr__(token, name, Scope(read=("/",)))
        with pytest.raises((AttributeError, TypeError)):
            setattr(token, name, Scope(read=("/",)))
    assert token.scope == scope_of_rights(rights(), ("greet",))


def test_a_changed_copy_of_what_a_token_stands_for_changes_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    token = token_for(FOUND, rights())
    wider = replace(held_by(token), scope=Scope(read=("/",), tools=("greet",)))
    asked = rights(folders=(Folder(guest="/data", host=str(tmp_path.resolve()), write=False),))
    assert isinstance(wider, Held)
    assert code(lambda: sandbox.prepare(FOUND, wider, asked)) == "token.forged"  # type: ignore[arg-type]
    assert code(lambda: sandbox.prepare(FOUND, token, asked)) == "token.beyond"


def test_an_address_that_is_used_again_is_not_a_token() -> None:
    """A token dies, and another object gets its address; thousands of times."""
    hits = 0
    for _ in range(3000):
        dead = id(token_for(FOUND, rights()))
        forged = object.__new__(CapabilityToken)
        hits += id(forged) == dead
        assert code(lambda forged=forged: held_by(forged)) == "token.forged"
    assert hits, "no address came again, so this has shown nothing"


def test_a_token_that_comes_back_from_the_dead_is_none() -> None:
    """In the middle of its end, before the memory is free, somebody keeps a token."""
    kept: list[object] = []

    class Cycle:
        def __init__(self, token: CapabilityToken) -> None:
            self.token, self.me = token, self

        def __del__(self) -> None:
            kept.append(self.token)

    Cycle(token_for(FOUND, rights()))
    gc.collect()
    # It is the genuine one, brought back by its owner's finalizer, or it stands for nothing; never for something else.
    token = kept[0]
    assert isinstance(token, CapabilityToken)
    try:
        assert held_by(token).content_hash == FOUND.content_hash
    except Refused as fault:
        assert fault.code == "token.forged"


def test_the_collector_shows_no_way_to_a_second_handle() -> None:
    token = token_for(FOUND, rights())
    reach = gc.get_referents(token)
    assert [one for one in reach if one is not CapabilityToken] == []
    again = ctypes.cast(id(token), ctypes.py_object).value
    # An address that is read back is the same handle, not a second one.
    assert again is token


def test_equal_tokens_are_still_two() -> None:
    one, other = (token_for(FOUND, rights()) for _ in range(2))
    assert one != other
    assert one.digest == other.digest
    assert len({one, other}) == 2


# --- a token of something else


@pytest.mark.parametrize(
    "names",
    [
        {"tenant": "other"},
        {"publisher_id": OTHER.id},
        {"package_id": "com.example.other"},
        {"content_hash": package(text="Another build").content_hash},
    ],
    ids=["tenant", "publisher", "package", "content"],
)
def test_a_token_of_another_package_opens_nothing(sandbox: Sandbox, ready: Ready, names: dict[str, str]) -> None:
    held = held_by(token_for(FOUND, rights()))
    mine = {"tenant": held.tenant, "publisher_id": held.publisher_id, "package_id": held.package_id, "content_hash": held.content_hash}
    foreign = mint(**{**mine, **names}, scope=held.scope)
    assert code(lambda: sandbox.prepare(FOUND, foreign, rights())) == "token.package"
    asked = given(ready)
    issued = warrant_for(ready, asked, foreign)
    assert code(lambda: drive(sandbox.call(ready, issued, asked))) == "token.package"


def test_rights_of_another_package_are_not_opened(sandbox: Sandbox) -> None:
    other = package(OTHER)
    assert code(lambda: sandbox.prepare(FOUND, token_for(FOUND, rights()), rights(other))) == "token.package"
    assert code(lambda: sandbox.prepare(FOUND, token_for(other, rights(other)), rights(other))) == "token.package"
    assert code(lambda: sandbox.prepare(FOUND, token_for(FOUND, rights()), replace(rights(), tenant="other"))) == "token.package"


@pytest.mark.parametrize(
    ("more", "scope"),
    [
        ({"folders": (Folder(guest="/data", host="/srv", write=False),)}, Scope(read=("/data/in",))),
        ({"folders": (Folder(guest="/database", host="/srv", write=False),)}, Scope(read=("/data",))),
        ({"folders": (Folder(guest="/data", host="/srv", write=True),)}, Scope(read=("/data",))),
        ({"folders": (Folder(guest="/workspace/x", host="/srv", write=True),)}, Scope(write=("${workspace}/y",))),
        ({"folders": (Folder(guest="/workspace", host="/srv", write=False),)}, Scope(read=("${workspace}/x",))),
        ({"devices": (Device(guest="/dev/ttyUSB0", host="/dev/ttyUSB0", mode="rw"),)}, NOTHING),
        ({"network": (RULE,)}, Scope(network=(replace(RULE, methods=("POST",)),))),
        ({"network": (replace(RULE, wildcard=True, host="example.com"),)}, Scope(network=(replace(RULE, paths=(), methods=()),))),
        ({"env": ("A", "B")}, Scope(env=("A",))),
        ({"secrets": (SECRET,)}, Scope(secrets=(replace(SECRET, host="evil.example.com"),))),
        ({"kv_max_bytes": 11}, Scope(kv_max_bytes=10)),
    ],
)
def test_no_right_beyond_the_token_is_opened(sandbox: Sandbox, more: dict[str, object], scope: Scope) -> None:
    assert code(lambda: sandbox.prepare(FOUND, token_for(FOUND, replace(scope, tools=("greet",))), rights(**more))) == "token.beyond"


def test_a_call_with_a_narrower_token_does_not_use_what_was_opened_with_a_wider_one(sandbox: Sandbox, tmp_path: Path) -> None:
    wanted = rights(folders=(Folder(guest="/data", host=str(tmp_path.resolve()), write=True),))
    wide = token_for(FOUND, wanted)
    opened = sandbox.prepare(FOUND, wide, wanted)
    asked = given(opened)
    for limit in (Scope(read=("/data",), tools=("greet",)), Scope(write=("/data/in",), tools=("greet",))):
        issued = warrant_for(opened, asked, wide.attenuate(limit))
        assert code(lambda issued=issued: drive(sandbox.call(opened, issued, asked))) == "token.beyond"
    assert drive(sandbox.call(opened, warrant_for(opened, asked, wide), asked)).fault is None
    sandbox.release(opened)


def test_a_package_that_was_made_ready_by_hand_is_not_called(sandbox: Sandbox, tmp_path: Path) -> None:
    """Its worker waits already, and what was opened for it is passed off as opened with a narrower token."""
    wanted = rights(folders=(Folder(guest="/data", host=str(tmp_path.resolve()), write=True),))
    opened = sandbox.prepare(FOUND, token_for(FOUND, wanted), wanted)
    drive(sandbox.warm(opened, CONTEXT.identity))
    narrow = token_for(FOUND, rights())
    forged = replace(opened, scope=narrow.scope)
    asked = given(forged)
    with pytest.raises(HostFailed) as fault:
        drive(sandbox.call(forged, warrant_for(forged, asked, narrow), asked))
    assert fault.value.code == "host.closed"
    sandbox.release(opened)


def test_attenuating_never_widens() -> None:
    token = token_for(FOUND, Scope(read=("/data",), env=("A",), tools=("greet",), until=10))
    for limit in (Scope(read=("/",), write=("/",), env=("A", "B"), tools=("greet", "wipe"), until=None, kv_max_bytes=100), token.scope):
        narrow = token.attenuate(limit, timeout_ms=10**9)
        assert covers(token.scope, narrow.scope)
        assert (narrow.scope.write, narrow.scope.kv_max_bytes, narrow.scope.until) == ((), 0, 10)
    assert token.attenuate(NOTHING).scope.opens_nothing


# --- warrants


def test_a_warrant_is_used_once(sandbox: Sandbox, ready: Ready) -> None:
    asked = given(ready)
    issued = warrant_for(ready, asked)
    assert drive(sandbox.call(ready, issued, asked)).fault is None
    assert code(lambda: drive(sandbox.call(ready, issued, asked))) == "token.warrant"


def test_of_eight_threads_with_one_warrant_exactly_one_runs(sandbox: Sandbox, ready: Ready) -> None:
    for _ in range(5):
        asked, start = given(ready), threading.Barrier(8)
        issued = warrant_for(ready, asked)
        ran: list[bytes] = []
        refused: list[str] = []

        def attempt(
            issued: Warrant = issued, asked: CallInput = asked, start: threading.Barrier = start, ran: list[bytes] = ran, refused: list[str] = refused
        ) -> None:
            start.wait()
            try:
                ran.append(drive(sandbox.call(ready, issued, asked)).stdout)
            except Refused as fault:
                refused.append(fault.code)

        threads = [threading.Thread(target=attempt) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert (len(ran), refused) == (1, ["token.warrant"] * 7)


@pytest.mark.parametrize(
    "change",
    [
        {"tool": "wipe"},
        {"argument_sha256": "b" * 64},
        {"invocation": "1" * 32},
        {"agent": AgentIdentity(name="a", level="signed")},
        {"agent": AgentIdentity(name="other")},
        {"agent": AgentIdentity(name="a", behind=(Delegation(kind="user", name="ada", level="launched"),))},
    ],
    ids=["tool", "arguments", "invocation", "level", "agent", "on whose behalf"],
)
def test_a_warrant_for_another_call_runs_nothing_and_is_gone(sandbox: Sandbox, ready: Ready, change: dict[str, object]) -> None:
    asked = given(ready)
    token = token_for(FOUND, scope_of_rights(rights(), ("greet", "wipe")))
    issued = warrant(replace(grant_for(ready, asked, token), **change), SpentOnce(), KeptEvents(), 1)  # type: ignore[arg-type]
    assert code(lambda: drive(sandbox.call(ready, issued, asked))) == "token.call"
    assert code(lambda: drive(sandbox.call(ready, issued, asked))) == "token.warrant"


def test_a_warrant_is_not_forged_copied_or_replaced_by_its_grant(sandbox: Sandbox, ready: Ready) -> None:
    asked = given(ready)
    issued = warrant_for(ready, asked)
    for forged in (object.__new__(Warrant), grant_for(ready, asked), token_for(FOUND, rights()), None):
        assert code(lambda forged=forged: drive(sandbox.call(ready, forged, asked))) == "token.warrant"  # type: ignore[arg-type]
    for attempt in (lambda: copy.copy(issued), lambda: copy.deepcopy(issued), lambda: pickle.dumps(issued), Warrant):
        assert code(attempt) == "token.warrant"
    assert drive(sandbox.call(ready, issued, asked)).fault is None


def test_a_grant_of_a_forged_token_becomes_no_warrant(ready: Ready) -> None:
    forged: Grant = replace(grant_for(ready, given(ready)), token=object.__new__(CapabilityToken))
    once, events = SpentOnce(), KeptEvents()
    assert code(lambda: warrant(replace(forged, jti="j", until=9), once, events, 1)) == "token.forged"
    assert events.events == []
    assert once.spend("approval", "j", 9, 1)


def test_what_has_ended_neither_becomes_a_warrant_nor_runs(sandbox: Sandbox, ready: Ready) -> None:
    ended = token_for(FOUND, replace(scope_of_rights(rights(), ("greet",)), until=100))
    late = given(ready, now_ns=101 * 10**9)
    assert code(lambda: warrant_for(ready, late, ended)) == "token.expired"
    # Issued in time, used too late.
    issued = warrant(grant_for(ready, late, ended), SpentOnce(), KeptEvents(), 100)
    assert code(lambda: drive(sandbox.call(ready, issued, late))) == "token.expired"
    in_time = given(ready, now_ns=100 * 10**9)
    assert drive(sandbox.call(ready, warrant_for(ready, in_time, ended), in_time)).fault is None


def test_values_for_variables_that_were_not_opened_do_not_reach_the_guest(sandbox: Sandbox, ready: Ready) -> None:
    asked = given(ready, env=(("LD_PRELOAD", "/tmp/x.so"),))
    assert code(lambda: drive(sandbox.call(ready, warrant_for(ready, asked), asked))) == "token.beyond"


def test_the_registry_of_tokens_is_empty_of_the_dead() -> None:
    gc.collect()
    before = len(tokens._HELD)
    for _ in range(50):
        token_for(FOUND, rights()).attenuate(NOTHING)
    gc.collect()
    assert len(tokens._HELD) == before
