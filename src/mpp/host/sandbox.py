"""The sandbox as a service of the host: packages made ready once, then called many times.

It joins what the stage leaves to its host: processes, the pool, the cache of native code, the services behind host calls.
Nothing is opened without a token that covers it, and nothing runs without a warrant for exactly this call.
"""

from __future__ import annotations

from contextlib import ExitStack
import hashlib
import os
import stat
import threading
import time
from collections.abc import Mapping

from mpp.errors import HostFailed, Refused
from mpp.host.demands import judge_call, judge_opening, judge_values
from mpp.host.granting import Opened, open_rights
from mpp.host.home import Home
from mpp.host.layers import Layered, Layers, layers_of
from mpp.host.pool import Make, WorkerKey, WorkerPool
from mpp.model.agents import ANONYMOUS, AgentIdentity
from mpp.model.calls import CallContext
from mpp.model.installed import installed_version
from mpp.model.jsontext import Json
from mpp.model.manifest import INTERPRETED_TYPES, LAYER_TYPE, WASM_TYPES
from mpp.model.rights import Rights
from mpp.model.scope import Scope
from mpp.model.value import value
from mpp.ports import Steps
from mpp.stages.approval import Warrant, use
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import CapabilityToken
from mpp.stages.sandbox import (
    Border,
    CallScope,
    CLOSED_BORDER,
    Compiled,
    ENGINE_MAJOR,
    HostCalls,
    Live,
    NativeCache,
    Order,
    Run,
    Worker,
    Zygote,
    compile_wasm,
    image_spec,
    run_call,
)

SEED_LABEL = b"mpp-deterministic-seed\n"
NO_LAYER = ""
RUNS = (*WASM_TYPES, *INTERPRETED_TYPES)
"""Runtime types whose packages are called."""
NANOSECONDS = 10**9


@value
class Ready:
    """A package that can be called: compiled, its grants opened. ``Sandbox.prepare`` makes it, ``Sandbox.release`` closes it."""

    package: VerifiedPackage
    compiled: Compiled
    opened: Opened
    scope: Scope
    """What the token stood for with which it was opened."""
    layered: Layered | None = None
    """Its layer and image, if it stands on a layer; ``compiled`` is then that of the layer."""

    @property
    def rights(self) -> Rights:
        return self.opened.rights

    @property
    def memory_bytes(self) -> int:
        return self.package.manifest.runtime.memory_limit_mb << 20


@value
class CallInput:
    """One judged call."""

    context: CallContext
    line: bytes
    """The request line, exactly as the guest gets it."""
    argument_sha256: str
    seconds: float
    env: tuple[tuple[str, str], ...] = ()
    now_ns: int
    live: Live
    border: Border = CLOSED_BORDER
    """What searches the requests of the call before they leave."""
    memory_bytes: int = 0
    """Less memory than the manifest says; 0: as it says."""


class Sandbox:
    """One per host. ``cache_folder`` empty: nothing compiled is kept. ``layers``: where tools find what they stand on; None: no such tool is run.

    ``zygote``: one that starts already; it is closed with the sandbox.
    """

    def __init__(
        self, cache_folder: str, calls: HostCalls, *, pool: WorkerPool | None = None, layers: Layers | None = None, zygote: Zygote | None = None
    ) -> None:
        self._calls, self._layers = calls, layers
        self._cache_folder = cache_folder
        self._zygote = zygote or Zygote()
        self._pool = pool or WorkerPool()
        self._lock = threading.Lock()
        self._ready: dict[int, Ready] = {}
        """What is prepared and not released, by identity."""
        self._keys: dict[int, tuple[Ready, WorkerKey]] = {}
        """Of each of them, the key of the worker that was asked for last."""

    def start(self) -> None:
        """Start the zygote now, while other work goes on."""
        self._zygote.start()

    def ahead(self, package: VerifiedPackage) -> None:
        """Load what ``prepare`` will need, while other work goes on. Nothing runs before that."""
        if self._layers is not None:
            self._layers.ahead(package)

    def prepare(self, package: VerifiedPackage, token: CapabilityToken, rights: Rights) -> Ready:
        """Compile, or take from the cache, and open what the rights name, which must lie within what the token stands for. Spec: S-71."""
        held = judge_opening(token, package, rights)
        with ExitStack() as undo:
            compiled, layered = self._code(package, undo)
            ready = Ready(package=package, compiled=compiled, opened=open_rights(rights), scope=held.scope, layered=layered)
            undo.pop_all()
        with self._lock:
            self._ready[id(ready)] = ready
        return ready

    def _code(self, package: VerifiedPackage, undo: ExitStack) -> tuple[Compiled, Layered | None]:
        """Its own code, or that of its layer with its image."""
        judge_runtime(package)
        if package.manifest.runtime.layer is None:
            compiled = compile_wasm(entrypoint(package), native_cache(self._cache_folder) if self._cache_folder else None)
            undo.callback(os.close, compiled.fd)
            return compiled, None
        if self._layers is None:
            raise Refused("call.runtime", "this host runs no tools that stand on a layer", where="runtime.type", hint="call it with `mpp run` or `mpp serve`")
        layered = self._layers.prepare(package, self._zygote)
        undo.callback(self._layers.release, layered, package)
        return layered.compiled, layered

    def warm(self, ready: Ready, agent: AgentIdentity = ANONYMOUS) -> Steps[None]:
        """Have one worker waiting before the first call."""
        yield from self._pool.add(self._key(ready, agent), self._make(ready))

    def call(self, ready: Ready, warrant: Warrant, given: CallInput) -> Steps[Run]:
        """One run in a worker of its own kind. Failures of the guest are in the ``Run``. The warrant is used up, whatever comes. Spec: S-72."""
        begun = time.monotonic()
        if not self._is_ready(ready):
            # Attack: something put together by hand that names a worker which waits for others.
            raise _released()
        grant, rights, manifest = use(warrant), ready.opened.rights, ready.package.manifest
        held = judge_call(grant, rights, given.context, given.argument_sha256, given.now_ns // NANOSECONDS, ready.scope)
        judge_values(given.env, rights)
        if ready.layered is not None and self._layers is not None:
            self._layers.judge_again(ready.layered)
        seconds = min(given.seconds, held.timeout_ms / 1000) if held.timeout_ms else given.seconds
        # Whose grant it is was just found to be who calls.
        key, make = self._key(ready, grant.agent), self._make(ready)
        worker = yield from self._pool.take(key, make, begun + seconds)
        reusable = False
        try:
            deterministic, memory = manifest.runtime.deterministic, ready.memory_bytes
            order = Order(
                # The guest's time begins when it can begin: waiting for a worker is not its fault.
                deadline=time.monotonic() + seconds,
                deterministic=deterministic,
                now_ns=given.now_ns,
                seed=seed_of(ready, given) if deterministic else bytes(32),
                env=tuple([(name.encode(), text.encode()) for name, text in given.env]) if given.env else (),
                stdin=given.line,
                memory_bytes=min(given.memory_bytes or memory, memory),
            )
            declared = manifest.capabilities.network
            scope = CallScope(rights=rights, context=given.context, live=given.live, declared=declared, border=given.border)
            run = yield from run_call(worker, order, self._calls, scope)
            reusable = run.reusable and self._is_ready(ready)
        finally:
            # Also when the caller gives up in the middle: the process ends with its call.
            self._pool.give(key, worker, reusable=reusable)
        return run

    def release(self, ready: Ready) -> None:
        """Forget a package: its waiting workers end, its descriptors close. To release it again does nothing."""
        with self._lock:
            if self._ready.pop(id(ready), None) is None:
                return
            self._keys.pop(id(ready), None)
        # Nobody takes a descriptor of it any more.
        ready.opened.close()
        if ready.layered is None:
            os.close(ready.compiled.fd)
        elif self._layers is not None:
            self._layers.release(ready.layered, ready.package)
        digest, tenant = ready.rights.digest, ready.rights.tenant
        self._pool.drop(lambda key: key.rights == digest and key.tenant == tenant)

    def close(self) -> None:
        self._pool.close()
        self._zygote.close()
        if self._layers is not None:
            self._layers.close()

    def _key(self, ready: Ready, agent: AgentIdentity) -> WorkerKey:
        last = self._keys.get(id(ready))
        # Attack: a package that is released, and another one in its place in memory. What is kept is of this very one, or it does not count.
        if last is not None and last[0] is ready and last[1].agent is agent:
            return last[1]
        rights = ready.rights
        layer = NO_LAYER if ready.layered is None else ready.layered.judged.ref.sha256
        key = WorkerKey(content_hash=rights.content_hash, layer=layer, rights=rights.digest, tenant=rights.tenant, agent=agent)
        with self._lock:
            if self._is_ready(ready):
                self._keys[id(ready)] = (ready, key)
        return key

    def _make(self, ready: Ready) -> Make:
        return lambda: self._spawn(ready)

    def _is_ready(self, ready: Ready) -> bool:
        return id(ready) in self._ready

    def _spawn(self, ready: Ready) -> Steps[Worker]:
        """Attack: a package that is released while a call waits, so that the numbers of its descriptors stand for another package's folder."""
        fds: list[int] = []
        try:
            with self._lock:
                if not self._is_ready(ready):
                    raise _released()
                code = code_fds(ready.compiled, ready.layered)
                fds.extend(map(_again, (*code, *ready.opened.fds())))
            return (yield from self._zygote.spawn(_spec(ready, fds[len(code) :]), tuple(fds)))
        finally:
            for fd in fds:
                os.close(fd)


def _released() -> HostFailed:
    return HostFailed("host.closed", "the package was released before its call began", hint="prepare it again")


def _again(fd: int) -> int:
    try:
        return os.dup(fd)
    except OSError as fault:
        raise HostFailed("host.sandbox", f"a sandbox process cannot be given its grants: {fault.strerror}", hint="raise the limit of open files") from None


def seed_of(ready: Ready, given: CallInput) -> bytes:
    """Where a deterministic call's randomness begins: the package, the tool and the arguments, and nothing that is new in each call. Spec: call-contract C-81."""
    return seed_for(ready.rights.content_hash, given.context.tool, given.argument_sha256)


def seed_for(content_hash: str, tool: str, argument_sha256: str) -> bytes:
    named = f"{content_hash}\n{tool}\n{argument_sha256}\n"
    return hashlib.sha256(SEED_LABEL + named.encode()).digest()


def _spec(ready: Ready, fds: list[int]) -> Mapping[str, Json]:
    """What a worker is told at its start. It names no path of this machine."""
    rights = ready.rights
    folders: list[Json] = [[folder.guest, folder.write, stat.S_ISDIR(os.fstat(fd).st_mode)] for folder, fd in zip(rights.folders, fds, strict=False)]
    devices: list[Json] = [[device.guest, device.mode] for device in rights.devices]
    return {
        "memory_bytes": ready.memory_bytes, "component": ready.compiled.component, "folders": folders, "devices": devices,
        **layer_spec(ready.layered),
    }  # fmt: skip


def code_fds(compiled: Compiled, layered: Layered | None) -> tuple[int, ...]:
    """What a worker gets first: the code, and the image behind it."""
    return (compiled.fd,) if layered is None else (layered.compiled.fd, layered.image.fd)


def layer_spec(layered: Layered | None) -> Mapping[str, Json]:
    """What a worker is told of its image, if it has one."""
    return {} if layered is None else {"image": dict(image_spec(layered.image))}


@value
class CompiledPackage:
    """What compiling a package ahead of its first call did."""

    wasm_sha256: str
    size: int
    """Bytes of native code; of a tool that stands on a layer, of the memory of its image."""
    fresh: bool
    seconds: float
    note: str = ""
    """Why the tool is not imported in its image; raw. Empty: it is, or it has none."""


def compile_package(package: VerifiedPackage, cache_folder: str) -> CompiledPackage:
    """Compile into the cache, as an install does, so that no call has to wait for it."""
    begun = time.monotonic()
    compiled = compile_wasm(entrypoint(package), native_cache(cache_folder))
    os.close(compiled.fd)
    return CompiledPackage(wasm_sha256=compiled.wasm_sha256, size=compiled.size, fresh=compiled.fresh, seconds=time.monotonic() - begun)


def prepare_package(package: VerifiedPackage, home: Home) -> CompiledPackage:
    """All that an install does so that no call has to wait for it: compile, or for a tool that stands on a layer, make its image.

    For such a tool this runs code of its publisher, without rights: only after somebody agreed to it.
    """
    if package.manifest.runtime.layer is None:
        return compile_package(package, home.cache)
    begun = time.monotonic()
    layers, zygote = layers_of(home, lambda: native_cache(home.cache)), Zygote()
    try:
        layers.keep_carried(package)
        layered = layers.prepare(package, zygote)
        seconds = time.monotonic() - begun
        done = CompiledPackage(wasm_sha256=layered.compiled.wasm_sha256, size=layered.image.size, fresh=layered.fresh, seconds=seconds, note=layered.image.note)
        layers.release(layered, package)
    finally:
        zygote.close()
    return done


def entrypoint(package: VerifiedPackage) -> bytes:
    """The code of a package that this version can run."""
    judge_runtime(package)
    if package.manifest.runtime.layer is not None:
        raise HostFailed("host.native", "the package has no code of its own", where=package.package_id, hint="report this as a fault of the host")
    code = package.read(package.manifest.runtime.entrypoint)
    if code is None:
        raise HostFailed("host.native", "the package has lost its entrypoint", hint="verify the package again")
    return code


def judge_runtime(package: VerifiedPackage) -> None:
    """Refuse what this version cannot run, before anything is compiled."""
    runtime, declared = package.manifest.runtime, package.manifest.capabilities
    if runtime.type == LAYER_TYPE:
        message = "a layer is no tool: tools stand on it"
        raise Refused("call.runtime", message, where="runtime.type", hint="install it with `mpp layer install`")
    if runtime.type not in RUNS:
        message = f"this version does not run packages of type {runtime.type}"
        raise Refused("call.runtime", message, where="runtime.type", hint=f"take a package of type {', '.join(RUNS)}")
    if runtime.type == "wasi-component" and (declared.read or declared.write or declared.hardware or runtime.deterministic):
        message = "components get no folders, no devices and no deterministic mode in this version"
        raise Refused("call.component", message, where="capabilities", hint="build the tool for wasm32-wasip1, or without these")


def engine_version() -> str:
    """The installed engine's version; refuses another major than the one whose interface we know."""
    version = installed_version("wasmtime")
    if version.partition(".")[0] != str(ENGINE_MAJOR):
        found = f"version {version}" if version else "nothing"
        message = f"the WebAssembly engine must be wasmtime {ENGINE_MAJOR}, {found} is installed"
        raise HostFailed("host.engine", message, hint=f"pip install 'wasmtime=={ENGINE_MAJOR}.*'")
    return version


def native_cache(folder: str) -> NativeCache:
    """The cache of native code for the engine that is installed."""
    return NativeCache(os.path.join(folder, "native"), engine_version())


def sandbox_of(home: Home, calls: HostCalls, zygote: Zygote | None = None) -> Sandbox:
    """The sandbox of a home, with its cache and its layers."""
    return Sandbox(home.cache, calls, layers=layers_of(home, lambda: native_cache(home.cache)), zygote=zygote)
