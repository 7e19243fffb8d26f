"""Tools that stand on a layer, made ready: the layer found, judged and compiled, and the image of each tool made or taken from the cache.

Compiled layers are shared by all tools of a host, and images by all agents and tenants of a tool: they are only read. Spec: layers Y-10 to Y-36.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Generic, TypeVar

from mpp.errors import Fault, HostFailed, Refused
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.layers.early import Early
from mpp.host.layers.judging import is_revoked, judge_named, JudgedLayer, known_module
from mpp.host.layers.store import LayerStore
from mpp.host.system import SystemClock
from mpp.host.trust_store import TrustStore
from mpp.host.watched import watched_trust
from mpp.model.manifest import LayerRef
from mpp.model.value import value
from mpp.ports import Clock
from mpp.stages.archive import Buffer, LAYER_NAME, MANIFEST_NAME
from mpp.stages.gatekeeper import TrustState, VerifiedPackage
from mpp.stages.sandbox import compile_known, Compiled, Image, ImageCache, ImageName, make_image, Making, NativeCache, Zygote

_RESERVED = "_mpp/"


@value
class Layered:
    """What a tool that stands on a layer needs beside its own files. ``Layers.prepare`` makes one, ``Layers.release`` gives it back."""

    judged: JudgedLayer
    compiled: Compiled
    """Its descriptor belongs to whoever keeps this, as that of the image does."""
    image: Image
    fresh: bool
    """Was the image made just now?"""


_T = TypeVar("_T")


class _Kept(Generic[_T]):
    """What several use at once, made once and let go with the last of them. ``close`` ends one. Safe for threads."""

    def __init__(self, close: Callable[[_T], None]) -> None:
        self._close = close
        self._lock = threading.Lock()
        self._held: dict[str, tuple[_T, int]] = {}
        self._gates: dict[str, threading.Lock] = {}

    def take(self, name: str, make: Callable[[], _T]) -> _T:
        """The one of this name. Who asks while it is made waits; who asks for another one does not."""
        with self._lock:
            gate = self._gates.setdefault(name, threading.Lock())
        with gate:
            found = self._again(name)
            if found is None:
                found = make()
                with self._lock:
                    self._held[name] = (found, 1)
            return found

    def _again(self, name: str) -> _T | None:
        with self._lock:
            held = self._held.get(name)
            if held is not None:
                self._held[name] = (held[0], held[1] + 1)
            return None if held is None else held[0]

    def give(self, name: str) -> None:
        with self._lock:
            found, count = self._held[name]
            if count > 1:
                self._held[name] = (found, count - 1)
                return
            del self._held[name]
        self._close(found)


class Layers:
    """The layers of one host. Safe to use from several threads: a tool that takes long to initialise keeps no other one waiting."""

    def __init__(self, store: LayerStore, trust: Callable[[], TrustState], clock: Clock, cache_folder: str, native: Callable[[], NativeCache | None]) -> None:
        """``trust`` gives the trust of this moment. ``cache_folder`` empty: nothing is kept."""
        self._store, self._trust, self._clock, self._native = store, trust, clock, native
        self._cache = ImageCache(cache_folder) if cache_folder else None
        self._compiled: _Kept[Compiled] = _Kept(lambda one: os.close(one.fd))
        self._images: _Kept[tuple[Image, bool]] = _Kept(lambda one: os.close(one[0].fd))
        self._failed: dict[str, tuple[Fault, ...]] = {}
        """Tools that could not be initialised, and why. Attack: a tool that takes its whole time to fail, called again and again."""
        self._random = os.urandom(4)
        self._early: Early | None = None

    def ahead(self, package: VerifiedPackage) -> None:
        """Begin to load the compiled layer of a tool, where it is in the cache: it takes longer than most of what is judged meanwhile."""
        layer = package.manifest.runtime.layer
        module = None if layer is None or self._early is not None else known_module(self._cache, layer.sha256)
        if module is not None:
            self._early = Early(module, self._native)

    def close(self) -> None:
        if self._early is not None:
            self._early.close()

    def prepare(self, package: VerifiedPackage, zygote: Zygote) -> Layered:
        """Judge, compile and initialise, or take from the cache. Raises Refused ``layer.*`` or what speaks against the layer."""
        named = named_layer(package)
        judged = judge_named(self._found(package, named), named, self._trust(), self._clock.now(), self._cache)
        name = ImageName(layer=named.sha256, package=package.content_hash, hash_seed=self._hash_seed(package))
        with ExitStack() as undo:
            compiled = self._compiled.take(judged.wasm_sha256, lambda: self._compile(judged))
            undo.callback(self._compiled.give, judged.wasm_sha256)
            image, fresh = self._images.take(name.digest, lambda: self._image(name, package, compiled, zygote))
            undo.pop_all()
        return Layered(judged=judged, compiled=compiled, image=image, fresh=fresh)

    def _compile(self, judged: JudgedLayer) -> Compiled:
        """From the cache, or in the compile jail."""
        early = None if self._early is None else self._early.take(judged.wasm_sha256)
        if early is not None:
            return Compiled(fd=early, size=os.fstat(early).st_size, wasm_sha256=judged.wasm_sha256, component=False, fresh=False)
        return compile_known(judged.wasm_sha256, judged.code, self._native())

    def release(self, layered: Layered, package: VerifiedPackage) -> None:
        """Nobody begins a call with it any more. Workers hold descriptors of their own."""
        name = ImageName(layer=layered.judged.ref.sha256, package=package.content_hash, hash_seed=self._hash_seed(package))
        self._images.give(name.digest)
        self._compiled.give(layered.judged.wasm_sha256)

    def judge_again(self, layered: Layered) -> None:
        """Before each call: a layer that was revoked meanwhile stops its tools. Spec: Y-35."""
        if is_revoked(layered.judged, self._trust()):
            ref = layered.judged.ref
            message = f"the layer {ref.id} {ref.version} of this tool was revoked on this host"
            raise Refused("layer.revoked", message, where=ref.sha256, hint="see `mpp trust list`; its publisher builds the tool for a newer layer")

    def judge(self, package: VerifiedPackage) -> JudgedLayer:
        """Find and judge the layer of a tool, and nothing more: quick where it was judged before."""
        named = named_layer(package)
        return judge_named(self._found(package, named), named, self._trust(), self._clock.now(), self._cache)

    def keep_carried(self, package: VerifiedPackage) -> bool:
        """Put the layer that a package carries into the store, once it was judged; False if it was there, or none is carried. Spec: Y-34."""
        data = package.read(LAYER_NAME)
        if data is None:
            return False
        named = named_layer(package)
        judge_named(data, named, self._trust(), self._clock.now(), None)
        return self._store.put(named.sha256, data)

    def _found(self, package: VerifiedPackage, named: LayerRef) -> Buffer:
        """From the store; else out of the package, for a tool that is run from its file. What is damaged in the store counts as absent there."""
        data = self._store.read(named.sha256)
        carried = package.read(LAYER_NAME) if data is None else None
        found = data if data is not None else carried
        if found is None:
            message = f"the tool stands on the layer {named.id} {named.version}, which is not on this machine"
            raise Refused(
                "layer.missing", message, where=named.sha256, hint="install it: `mpp layer install FILE`, or build it: `mpp layer build python|javascript`"
            )
        return found

    def _image(self, name: ImageName, package: VerifiedPackage, compiled: Compiled, zygote: Zygote) -> tuple[Image, bool]:
        found = self._cache.load(name) if self._cache is not None else None
        if found is not None:
            return found, False
        known = self._failed.get(name.digest)
        if known is not None:
            raise Refused.of(known)
        try:
            image = drive(make_image(zygote, _making(package, compiled, name.hash_seed)))
        except Refused as fault:
            # Not the error itself: it would hold the package in memory.
            self._failed[name.digest] = fault.faults
            raise
        if self._cache is not None:
            self._cache.store(name, image)
        return image, True

    def _hash_seed(self, package: VerifiedPackage) -> int:
        """Spec: Y-15. Attack: inputs chosen so that all of them meet in one place of a hash table, found once and used against every host."""
        if package.manifest.runtime.deterministic:
            return 0
        label = f"hash seed\n{package.content_hash}".encode()
        return max(int.from_bytes(self._cache.key.derived(label)[:4] if self._cache is not None else self._random, "big"), 1)


def named_layer(package: VerifiedPackage) -> LayerRef:
    named = package.manifest.runtime.layer
    if named is None:
        raise HostFailed("host.layer", "the package stands on no layer", where=package.package_id, hint="report this as a fault of the host")
    return named


def _making(package: VerifiedPackage, compiled: Compiled, hash_seed: int) -> Making:
    names = [member.name for member in package.archive.content_members if member.name != MANIFEST_NAME and not member.name.startswith(_RESERVED)]
    runtime = package.manifest.runtime
    return Making(
        compiled=compiled,
        files=tuple((name, package.read(name) or b"") for name in names),
        entrypoint=runtime.entrypoint,
        hash_seed=hash_seed,
        memory_bytes=runtime.memory_limit_mb << 20,
    )


def layers_of(home: Home, native: Callable[[], NativeCache | None], clock: Clock | None = None) -> Layers:
    """The layers of a home, with its cache and its trust."""
    watch = watched_trust(TrustStore(home.trust))
    return Layers(LayerStore(home), watch.current, clock or SystemClock(), home.cache, native)
