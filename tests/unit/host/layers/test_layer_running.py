"""Tools that stand on a layer, through the sandbox of a host: found, judged, initialised, called, shared, revoked."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import HostFailed, MppError, Refused
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.layers import layers_of, LayerStore, running as module
from mpp.host.layers.early import Early
from mpp.host.sandbox import entrypoint, native_cache, prepare_package, Ready, Sandbox, sandbox_of
from mpp.host.trust_store import TrustStore
from mpp.model.jsontext import Json
from mpp.stages.archive import LAYER_NAME
from mpp.stages.gatekeeper import verify, VerifiedPackage
from mpp.stages.sandbox import ImageCache, Run
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import token_for
from tests import layered
from tests.unit.host.test_sandbox_service import call, given, rights
from tests.unit.sandbox.conftest import Answers

WHO = publisher()
BODY, DATA = layered.layer_body(), layered.layer()
NAMED = layered.ref(BODY)
HASH = sha256(BODY).hexdigest()


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home that has the layer."""
    made = Home(path=str(tmp_path / "home"))
    LayerStore(made).put(HASH, DATA)
    return made


@pytest.fixture
def sandbox(place: Home) -> Iterator[Sandbox]:
    """Afterwards nothing is left over."""
    made = sandbox_of(place, Answers())
    made.start()
    gc.collect()
    before = len(os.listdir("/proc/self/fd"))
    yield made
    # An error in flight holds the frames in which it was raised.
    gc.collect()
    # Not equal: a thread of another test may end meanwhile.
    assert len(os.listdir("/proc/self/fd")) <= before
    made.close()


def package(named: Mapping[str, Json] = NAMED, source: bytes = b"print()\n", **more: object) -> VerifiedPackage:
    return verify(layered.tool(named, source, **more), packages.trusting(WHO), packages.NOW)  # type: ignore[arg-type]


def opened(sandbox: Sandbox, found: VerifiedPackage) -> Ready:
    wanted = rights(found)
    return sandbox.prepare(found, token_for(found, wanted), wanted)


def run(sandbox: Sandbox, ready: Ready, line: bytes = b"{}\n") -> Run:
    return drive(call(sandbox, ready, given(line)))


def refusal(sandbox: Sandbox, found: VerifiedPackage) -> MppError:
    with pytest.raises(MppError) as fault:
        opened(sandbox, found)
    assert fault.value.hint
    return fault.value


def test_a_tool_is_called_from_its_image(sandbox: Sandbox) -> None:
    ready = opened(sandbox, package())
    assert ready.layered is not None
    assert ready.layered.fresh
    for line in (b"one\n", b"two\n"):
        found = run(sandbox, ready, line)
        assert found.fault is None
        assert found.stdout.startswith(b"*MPPB1 ")
        assert found.stdout.endswith(b"print()\n" + line)
        # The manifest and what is below _mpp/ are no files of the tool.
        assert b'"files":[["README.md",25],["app/main.py",8]]' in found.stdout
    assert sandbox._pool.size == 1
    key = next(iter(sandbox._pool._idle))
    assert (key.layer, key.content_hash) == (HASH, ready.package.content_hash)
    sandbox.release(ready)
    sandbox.release(ready)


def test_the_image_is_made_once_and_shared(sandbox: Sandbox, place: Home) -> None:
    first, second = opened(sandbox, package()), opened(sandbox, package())
    assert first.layered is not None
    assert second.layered is not None
    assert first.layered.image is second.layered.image
    sandbox.release(first)
    assert run(sandbox, second).fault is None
    sandbox.release(second)
    again = opened(sandbox, package())
    assert again.layered is not None
    assert not again.layered.fresh
    sandbox.release(again)
    assert ImageCache(place.cache).sizes()[0] == 1


def test_two_tools_share_the_layer_and_nothing_else(sandbox: Sandbox, place: Home) -> None:
    one, other = opened(sandbox, package(source=b"one\n")), opened(sandbox, package(source=b"other\n"))
    assert one.layered is not None
    assert other.layered is not None
    assert one.layered.compiled is other.layered.compiled
    assert run(sandbox, one).stdout.endswith(b"one\n{}\n")
    assert run(sandbox, other).stdout.endswith(b"other\n{}\n")
    assert ImageCache(place.cache).sizes()[0] == 2
    for ready in (one, other):
        sandbox.release(ready)


def seed(found: Run) -> bytes:
    return found.stdout[7:15]


def test_the_hash_seed_is_of_host_and_package_and_zero_where_all_is_fixed(sandbox: Sandbox, tmp_path: Path) -> None:
    ready = opened(sandbox, package())
    first = seed(run(sandbox, ready))
    sandbox.release(ready)
    assert first != b"00000000"
    elsewhere = Home(path=str(tmp_path / "elsewhere"))
    LayerStore(elsewhere).put(HASH, DATA)
    layers = layers_of(elsewhere, lambda: None)
    assert f"{layers._hash_seed(package()):08x}".encode() != first
    assert f"{layers._hash_seed(package()):08x}" != f"{layers._hash_seed(package(source=b'other')):08x}"
    fixed = package(changes={"runtime/deterministic": True})
    assert layers._hash_seed(fixed) == 0
    ready = opened(sandbox, fixed)
    assert seed(run(sandbox, ready)) == b"00000000"
    sandbox.release(ready)


def test_a_layer_that_is_not_there_stops_its_tools(sandbox: Sandbox, place: Home) -> None:
    LayerStore(place).remove(HASH)
    fault = refusal(sandbox, package())
    assert (fault.code, fault.where) == ("layer.missing", HASH)
    assert "mpp layer install" in fault.hint


def test_a_package_that_carries_its_layer_needs_no_store(sandbox: Sandbox, place: Home) -> None:
    LayerStore(place).remove(HASH)
    ready = opened(sandbox, package(extra={LAYER_NAME: DATA}))
    found = run(sandbox, ready)
    assert found.fault is None
    assert b"_mpp" not in found.stdout
    sandbox.release(ready)
    assert LayerStore(place).read(HASH) is None


def test_installing_one_keeps_its_layer(place: Home) -> None:
    LayerStore(place).remove(HASH)
    done = prepare_package(package(extra={LAYER_NAME: DATA}), place)
    assert (done.fresh, done.note, done.wasm_sha256) == (True, "", sha256(layered.wasm()).hexdigest())
    assert bytes(LayerStore(place).read(HASH) or b"") == DATA
    assert not prepare_package(package(extra={LAYER_NAME: DATA}), place).fresh
    LayerStore(place).remove(HASH)
    with pytest.raises(Refused) as found:
        prepare_package(package(extra={LAYER_NAME: BODY}), place)
    # Whoever signed it does not matter; that somebody did, does.
    assert found.value.code == "signature.unsigned"
    assert LayerStore(place).read(HASH) is None


def test_a_layer_that_is_revoked_meanwhile_stops_the_next_call(sandbox: Sandbox, place: Home) -> None:
    ready = opened(sandbox, package())
    assert run(sandbox, ready).fault is None
    TrustStore(place.trust).change(lambda state: replace(state, revoked_content=frozenset((HASH,))))
    with pytest.raises(Refused) as found:
        run(sandbox, ready)
    assert found.value.code == "layer.revoked"
    sandbox.release(ready)
    assert refusal(sandbox, package()).code == "publisher.content_revoked"


def test_a_tool_that_cannot_be_initialised_is_tried_once(sandbox: Sandbox, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    body = layered.layer_body(code=layered.wasm("unreachable"))
    LayerStore(place).put(sha256(body).hexdigest(), layered.layer(code=layered.wasm("unreachable")))
    bad = package(layered.ref(body))
    assert refusal(sandbox, bad).code == "layer.initialise"
    monkeypatch.setattr(module, "make_image", lambda *_: pytest.fail("it was tried again"))
    assert refusal(sandbox, bad).code == "layer.initialise"
    ready = opened_fresh(sandbox, monkeypatch)
    assert run(sandbox, ready).fault is None
    sandbox.release(ready)


def opened_fresh(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Ready:
    monkeypatch.undo()
    return opened(sandbox, package())


def test_a_sandbox_without_layers_says_so() -> None:
    made = Sandbox("", Answers())
    assert refusal(made, package()).code == "call.runtime"
    made.close()


def test_without_a_cache_all_is_made_in_memory(place: Home) -> None:
    layers = module.Layers(LayerStore(place), lambda: packages.trusting(WHO), packages.TestClock(), "", lambda: None)
    sandbox = Sandbox("", Answers(), layers=layers)
    ready = opened(sandbox, package())
    assert run(sandbox, ready).fault is None
    assert seed(run(sandbox, ready)) != b"00000000"
    sandbox.release(ready)
    sandbox.close()
    assert not Path(place.cache).exists()


def test_a_layer_is_not_called_and_a_tool_has_no_code_of_its_own(sandbox: Sandbox, place: Home) -> None:
    found = verify(DATA, packages.trusting(WHO), packages.NOW)
    assert refusal(sandbox, found).code == "call.runtime"
    with pytest.raises(HostFailed):
        entrypoint(package())
    with pytest.raises(HostFailed):
        layers_of(place, lambda: None).judge(verify(packages.signed(), packages.trusting(WHO), packages.NOW))


def test_a_compiled_layer_is_taken_from_the_cache(place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_package(package(), place)
    monkeypatch.setattr(module.JudgedLayer, "code", lambda _: pytest.fail("the module was inflated"))
    assert not prepare_package(package(), place).fresh
    assert native_cache(place.cache).load(sha256(layered.wasm()).hexdigest()) is not None


def test_who_asks_for_another_one_does_not_wait() -> None:
    closed: list[str] = []
    kept: module._Kept[str] = module._Kept(closed.append)
    begun, go, got = threading.Event(), threading.Event(), []

    def slowly() -> str:
        begun.set()
        assert go.wait(10)
        return "slow"

    threads = [threading.Thread(target=lambda: got.append(kept.take("slow", slowly))) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    assert kept.take("quick", lambda: "quick") == "quick"
    go.set()
    for thread in threads:
        thread.join(10)
    assert got == ["slow", "slow"]
    kept.give("slow")
    assert closed == []
    kept.give("slow")
    kept.give("quick")
    assert closed == ["slow", "quick"]
    with pytest.raises(ZeroDivisionError):
        kept.take("fails", lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    assert kept.take("fails", lambda: "now") == "now"


def test_what_is_loaded_ahead_is_what_is_used(sandbox: Sandbox, place: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.release(opened(sandbox, package()))
    later = sandbox_of(place, Answers())
    later.ahead(package())
    later.ahead(package())
    # It is in memory by now: nothing is read or compiled once more.
    assert later._layers is not None
    assert later._layers._early is not None
    later._layers._early._thread.join()
    monkeypatch.setattr(module, "compile_known", None)
    ready = opened(later, package())
    assert run(later, ready).fault is None
    later.release(ready)
    later.close()


def test_what_is_loaded_ahead_and_not_used_is_closed(sandbox: Sandbox, place: Home) -> None:
    sandbox.release(opened(sandbox, package()))
    before = len(os.listdir("/proc/self/fd"))
    later = sandbox_of(place, Answers())
    later.ahead(package())
    later.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_another_layer_than_the_one_loaded_ahead_is_not_taken_for_it(sandbox: Sandbox, place: Home) -> None:
    sandbox.release(opened(sandbox, package()))
    early = Early(sha256(BODY).hexdigest(), lambda: native_cache(place.cache))
    assert early.take("0" * 64) is None
    early.close()


def test_nothing_is_loaded_ahead_that_is_not_there(place: Home, sandbox: Sandbox) -> None:
    sandbox.ahead(package())
    assert sandbox._layers is not None
    assert sandbox._layers._early is None
    without = Early("0" * 64, lambda: None)
    assert without.take("0" * 64) is None

    def failing() -> None:
        raise HostFailed("host.engine", "there is none", hint="install it")

    assert Early("0" * 64, failing).take("0" * 64) is None
    Sandbox("", Answers()).ahead(package())
