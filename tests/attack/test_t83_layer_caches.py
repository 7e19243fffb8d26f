"""T83, layers and images that were exchanged: flipped bytes, other hashes, links, a carried layer that is not the named one, a revoked one.

Whatever somebody does to the files: what runs is what the manifest names, made from what its publisher signed, or nothing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.layers import LayerStore
from mpp.host.sandbox import Ready, Sandbox, sandbox_of
from mpp.host.trust_store import TrustStore
from mpp.stages.archive import LAYER_NAME
from mpp.stages.gatekeeper import verify, VerifiedPackage
from mpp.stages.sandbox import ImageCache, Run
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.tokens import token_for
from tests import layered
from tests.attack.sandboxed import Host
from tests.unit.host.test_sandbox_service import call, given, rights

WHO = publisher()
EVIL = layered.wasm(layered.KEEP, "(call $say (i32.const 1) (i32.const 2048) (i32.const 4))", '(data (i32.const 2048) "evil")')
HASH = sha256(layered.layer_body()).hexdigest()
NAMED = layered.ref(layered.layer_body())


def tool(source: bytes = b"mine", **more: object) -> VerifiedPackage:
    return verify(layered.tool(NAMED, source, **more), packages.trusting(WHO), packages.NOW)  # type: ignore[arg-type]


class Machine:
    """One home, and a new host for each run: all that it knows it has from the files."""

    def __init__(self, home: Home) -> None:
        self.home, self.store, self.cache = home, LayerStore(home), ImageCache(home.cache)

    def run(self, found: VerifiedPackage) -> bytes:
        sandbox = sandbox_of(self.home, Host())
        try:
            wanted = rights(found)
            ready: Ready = sandbox.prepare(found, token_for(found, wanted), wanted)
            run = self.called(sandbox, ready)
            assert run.fault is None
            return run.stdout
        finally:
            sandbox.close()

    def called(self, sandbox: Sandbox, ready: Ready) -> Run:
        return drive(call(sandbox, ready, given(b"{}")))

    def refused(self, found: VerifiedPackage) -> str:
        with pytest.raises(MppError) as fault:
            self.run(found)
        assert fault.value.hint
        return fault.value.code

    def files(self, ending: str) -> list[Path]:
        found = sorted(Path(self.home.cache).rglob(f"*.{ending}"))
        assert found
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """With the layer in its store and all caches filled. Afterwards an honest tool runs."""
    made = Machine(Home(path=str(tmp_path / "home")))
    made.store.put(HASH, layered.layer())
    good = made.run(tool())
    assert good.endswith(b"mine{}")
    yield made
    if not made.store.path(HASH).endswith("none"):
        assert made.run(tool(b"other")).endswith(b"other{}")


@pytest.mark.parametrize("ending", ["image", "native", "layer"])
@pytest.mark.parametrize("place", [0, 20, 60, 4096, -1])
def test_a_flipped_byte_in_the_cache_is_made_anew_and_never_used(ending: str, place: int, machine: Machine) -> None:
    before = machine.run(tool())
    for path in machine.files(ending):
        data = bytearray(path.read_bytes())
        data[place % len(data)] ^= 0x40
        path.write_bytes(data)
    assert machine.run(tool()) == before


@pytest.mark.parametrize("ending", ["image", "native", "layer"])
def test_a_file_that_is_cut_or_a_link_or_a_pipe_is_made_anew(ending: str, machine: Machine) -> None:
    before = machine.run(tool())
    for number, path in enumerate(machine.files(ending) * 3):
        if path.is_symlink() or path.is_file():
            whole = path.read_bytes()
        path.unlink(missing_ok=True)
        if number % 3 == 0:
            path.write_bytes(whole[: len(whole) // 2])
        elif number % 3 == 1:
            elsewhere = machine.home.path + ".elsewhere"
            Path(elsewhere).write_bytes(whole)
            path.symlink_to(elsewhere)
        else:
            os.mkfifo(path)
        assert machine.run(tool()) == before
        path.unlink(missing_ok=True)


def test_the_sound_image_of_one_tool_under_the_name_of_another(machine: Machine) -> None:
    machine.run(tool(b"theirs"))
    one, other = machine.files("image")
    shutil.copyfile(one, other.with_suffix(".kept"))
    shutil.copyfile(other, one)
    shutil.copyfile(other.with_suffix(".kept"), other)
    assert machine.run(tool()).endswith(b"mine{}")
    assert machine.run(tool(b"theirs")).endswith(b"theirs{}")


def test_the_compiled_code_of_another_layer_under_the_name_of_this_one(machine: Machine) -> None:
    evil = layered.layer_body(EVIL)
    machine.store.put(sha256(evil).hexdigest(), layered.layer(code=EVIL))
    bad = verify(layered.tool(layered.ref(evil)), packages.trusting(WHO), packages.NOW)
    assert machine.run(bad) == b"evil"
    mine = next(path for path in machine.files("native") if path.name.startswith(sha256(layered.wasm()).hexdigest()))
    theirs = next(path for path in machine.files("native") if path.name.startswith(sha256(EVIL).hexdigest()))
    shutil.copyfile(theirs, mine)
    assert machine.run(tool()).endswith(b"mine{}")


def test_a_verdict_that_was_moved_makes_no_other_layer_sound(machine: Machine) -> None:
    unsound = layered.wasm(more="(global $hidden (mut i32) (i32.const 0))")
    body = layered.layer_body(unsound)
    digest = sha256(body).hexdigest()
    machine.store.put(digest, layered.layer_unjudged(unsound))
    shutil.copyfile(machine.files("layer")[0], Path(machine.cache.folder, f"{digest}.layer"))
    bad = verify(layered.tool(layered.ref(body)), packages.trusting(WHO), packages.NOW)
    assert machine.refused(bad) == "wasm.layer_global"


def test_a_key_that_others_can_read_ends_it(machine: Machine) -> None:
    key = Path(machine.home.cache, "native", "key")
    key.chmod(0o644)
    assert machine.refused(tool()) == "host.cache_key"
    key.chmod(0o600)


def changed(data: bytes, at: int) -> bytes:
    out = bytearray(data)
    out[at % len(out)] ^= 1
    return bytes(out)


@pytest.mark.parametrize(
    "other",
    [
        lambda: layered.layer(code=EVIL),
        lambda: changed(layered.layer(), 300),
        lambda: changed(layered.layer(), -600),
        lambda: layered.layer()[:-40],
        layered.layer_body,
        lambda: b"",
        packages.signed,
    ],
    ids=["another layer", "content", "seal", "cut", "without its seal", "empty", "a tool"],
)
def test_a_stored_file_that_was_exchanged_stops_its_tools(other: Callable[[], bytes], machine: Machine) -> None:
    path = Path(machine.store.path(HASH))
    path.write_bytes(other())
    family = machine.refused(tool()).partition(".")[0]
    assert family in {"layer", "archive", "signature", "content", "size"}
    path.write_bytes(layered.layer())


def test_a_store_that_leads_elsewhere_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    path, elsewhere = Path(machine.store.path(HASH)), tmp_path / "elsewhere.mpp"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert machine.refused(tool()) == "host.layer"
    path.unlink()
    elsewhere.rename(path)


def test_a_carried_layer_does_not_take_the_place_of_the_named_one(machine: Machine) -> None:
    """It would be agreed to with the digest of the one, and run the other."""
    with pytest.raises(MppError) as fault:
        tool(extra={LAYER_NAME: layered.layer(code=EVIL)})
    assert fault.value.code == "wasm.layer"
    machine.store.remove(HASH)
    assert machine.refused(tool()) == "layer.missing"
    assert machine.run(tool(extra={LAYER_NAME: layered.layer(publisher("Somebody Else"))})).endswith(b"mine{}")
    machine.store.put(HASH, layered.layer())


def test_names_of_a_known_layer_with_the_hash_of_another(machine: Machine) -> None:
    evil = layered.layer_body(EVIL, {"package_id": "com.example.evil"})
    machine.store.put(sha256(evil).hexdigest(), layered.layer(code=EVIL, changes={"package_id": "com.example.evil"}))
    bad = verify(layered.tool(layered.ref(evil)), packages.trusting(WHO), packages.NOW)
    assert machine.refused(bad) == "layer.named"


def test_a_revoked_layer_stops_its_tools_in_a_host_that_runs(machine: Machine) -> None:
    sandbox = sandbox_of(machine.home, Host())
    found = tool()
    ready = sandbox.prepare(found, token_for(found, rights(found)), rights(found))
    assert machine.called(sandbox, ready).fault is None
    trust = TrustStore(machine.home.trust)
    trust.change(lambda state: replace(state, revoked_publishers=frozenset((WHO.id,))))
    with pytest.raises(MppError) as fault:
        machine.called(sandbox, ready)
    assert fault.value.code == "layer.revoked"
    sandbox.close()
    assert machine.refused(found) == "publisher.revoked"
    trust.change(lambda state: replace(state, revoked_publishers=frozenset()))
