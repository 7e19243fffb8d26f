"""The worker: one hardened process for one package, one set of rights, one tenant and one agent. A fresh instance for each call.

Everything is loaded and linked before the barriers go up, and nothing is imported after: what a guest could reach from inside is one
socket and the descriptors of its grants. Spec: 5-sandbox S-32 to S-39.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from mpp.errors import MppError
from mpp.jail import landlock, process, seccomp, syscalls
from mpp.jail import enter, isolate, open_descriptors, open_sealed, Rule, worker_plan
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.sandbox import frames, limits
from mpp.stages.sandbox.capi import Api
from mpp.stages.sandbox.component import component_engine, ComponentGuest, ComponentRunner
from mpp.stages.sandbox.core import CoreRunner, Linked, rehearse_store
from mpp.stages.sandbox.engine import Engine
from mpp.stages.sandbox.guest import CallGuest, Grants, INITIALISING, InitialGuest
from mpp.stages.sandbox.image import judged_size, read_globals
from mpp.stages.sandbox.keeping import open_pagemap
from mpp.stages.sandbox.placing import Restoring, Taking
from mpp.stages.sandbox.timer import DeadlineTimer
from mpp.stages.sandbox.types import Ending, EXITED

_REHEARSED_BYTES = 64


@value
class Shared:
    """What all workers have from the zygote."""

    api: Api
    engine: Engine
    linked: Linked
    root: int | None
    """A folder that is empty and gone, made while that was possible."""
    bounds: bool
    """Are there capabilities left that a program could be started with? The zygote gives them up for all of its workers, where it may."""
    network: str
    """"holds", or why the zygote has the host's network. Its workers can open no socket in either case."""


def prepare(library: str) -> Shared:
    """Load the engine once, before any fork."""
    network = "holds"
    try:
        # A barrier more where the kernel allows it; workers do not depend on it.
        isolate()
    except OSError as fault:
        network = fault.strerror or "the kernel refused"
    api = Api(library, holding=True)
    engine = Engine(api, pooled=True)
    shared = Shared(api=api, engine=engine, linked=Linked(engine), root=_gone_folder(), network=network, bounds=not process.drop_bounds())
    gc.collect()
    gc.freeze()
    return shared


def _gone_folder() -> int | None:
    try:
        return process.gone_folder()
    except OSError:
        return None


def rehearse(shared: Shared) -> None:
    """Walk the way of a start and a call that change nothing: each page of memory that is touched now is not fetched later, when somebody waits."""
    plan = worker_plan(data_bytes=0, files=0, file_bytes=0, has_files=True)
    seccomp.program(plan.profile, machine=syscalls.machine(), pid=os.getpid())
    if landlock.version():
        os.close(landlock.prepare((Rule(at="/proc/self", write=True),), abi=landlock.version()))
    open_descriptors()
    order = frames.Order(deadline=0.0, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=b"", memory_bytes=0)
    _rehearse_call(shared, frames.read_order(frames.pack_order(order)[frames.HEADER.size :]), Grants.read({"folders": [], "devices": []}, []))
    gc.collect()


def _rehearse_call(shared: Shared, order: frames.Order, grants: Grants) -> None:
    """Without a module: a store that holds nothing, and a guest that reads and writes nothing."""
    rehearse_store(shared.engine, shared.linked)
    guest = CallGuest(order, grants, None)
    memory = memoryview(bytearray(_REHEARSED_BYTES))
    guest.attach(lambda: memory)
    for work in (guest.fd_read, guest.fd_write):
        work(0, 0, 1, 8)
    frames.whole(frames.pack_finished(EXITED, guest.stdout, guest.stderr, guest.stderr_cut, guest.finish()))
    frames.frame(frames.READY, json.dumps({"": ""}).encode())


def main(shared: Shared, spec: Mapping[str, Json], fds: list[int]) -> None:
    """Become one worker and serve until the host closes the channel. ``fds``: the channel, the code, the grants."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    channel = socket.socket(fileno=fds[0])
    try:
        serve = _start(shared, spec, fds, channel)
    except MppError as fault:
        channel.sendall(frames.frame(frames.FAILED, json.dumps({"code": fault.code, "message": fault.message, "hint": fault.hint}).encode()))
        return
    except OSError as fault:
        report = {"code": "host.barrier", "message": f"a barrier cannot be set up: {fault.strerror}", "hint": "run `mpp doctor`"}
        channel.sendall(frames.frame(frames.FAILED, json.dumps(report).encode()))
        return
    serve.run()


def _start(shared: Shared, spec: Mapping[str, Json], fds: list[int], channel: socket.socket) -> _Server[CallGuest] | _Server[ComponentGuest]:
    if spec.get("layer") == INITIALISING:
        return _initialising(shared, spec, fds, channel)
    is_component = spec["component"] is True
    image = spec.get("image")
    if isinstance(image, dict):
        return _layered(shared, spec, image, fds, channel)
    grants = Grants.read(spec, fds[2:])
    _narrow(grants)
    engine = component_engine(shared.api.path) if is_component else shared.engine
    code, mapped = _load(engine, fds[1], component=is_component)
    runner = ComponentRunner(engine, code) if is_component else CoreRunner(engine, code, shared.linked, memory_bytes=_memory(spec))
    timer = _held(shared, spec, engine, channel, grants, (fds[0], *mapped, *grants.fds()))
    if isinstance(runner, ComponentRunner):
        return _Server(channel, runner, timer, ComponentGuest)
    return _Server[CallGuest](channel, runner, timer, lambda order, ask: CallGuest(order, grants, ask))


def _layered(shared: Shared, spec: Mapping[str, Json], image: Mapping[str, Json], fds: list[int], channel: socket.socket) -> _Server[CallGuest]:
    """A worker whose module is a layer. ``fds``: the channel, the code, the image, the grants."""
    grants = Grants.read(spec, fds[3:])
    _narrow(grants)
    engine, module, mapped = _layer_code(shared, fds[1])
    open_sealed(fds[2])
    pagemap = open_pagemap()
    placed = Restoring(shared.api, fds[2], judged_size(image["size"]), read_globals(image["globals"]), pagemap)
    runner = CoreRunner(engine, module, Linked(engine), placed, _memory(spec))
    kept = (fds[0], fds[2], *mapped, *grants.fds())
    timer = _held(shared, spec, engine, channel, grants, kept if pagemap < 0 else (*kept, pagemap))
    return _Server[CallGuest](channel, runner, timer, lambda order, ask: CallGuest(order, grants, ask))


def _initialising(shared: Shared, spec: Mapping[str, Json], fds: list[int], channel: socket.socket) -> _Server[CallGuest]:
    """A worker that makes an image and holds no right. ``fds``: the channel, the code, the bundle, an empty memory file for the memory."""
    grants = Grants((), ())
    _narrow(grants)
    engine, module, mapped = _layer_code(shared, fds[1])
    bundle = memoryview(mmap.mmap(fds[2], open_sealed(fds[2]), flags=mmap.MAP_SHARED, prot=mmap.PROT_READ))
    taking = Taking(shared.api, fds[3])
    runner = CoreRunner(engine, module, Linked(engine), taking, _memory(spec))
    timer = _held(shared, spec, engine, channel, grants, (fds[0], fds[3], *mapped), file_bytes=limits.IMAGE_BYTES_MAX)
    return _Server[CallGuest](channel, runner, timer, lambda order, _ask: InitialGuest(order, bundle, taking))


def _layer_code(shared: Shared, fd: int) -> tuple[Engine, int, tuple[int, ...]]:
    """The one strict configuration without the pool, because of what images do to an instance's memory: see ``Restoring``."""
    engine = Engine(shared.api, pooled=False)
    module, mapped = _load(engine, fd, component=False)
    return engine, module, mapped


def _held(
    shared: Shared, spec: Mapping[str, Json], engine: Engine, channel: socket.socket, grants: Grants, keep: tuple[int, ...], *, file_bytes: int = 0
) -> DeadlineTimer:
    """Put up all barriers and say so. ``file_bytes`` is for the one file of a worker that makes an image."""
    plan = worker_plan(
        data_bytes=limits.WORKER_DATA_BYTES + _memory(spec),
        files=limits.FILES_OPEN_MAX if grants.folders else limits.WORKER_FILES_MAX,
        file_bytes=limits.WORKER_FILE_BYTES if grants.writes else file_bytes,
        has_files=bool(grants.folders),
        is_component=spec["component"] is True,
    )
    # The zygote has given up the network for all of its workers; once more for each would cost a start four milliseconds.
    entered = enter(plan._replace(own_network=False), keep=keep, rules=grants.rules(), parent=os.getppid(), root=shared.root, bounds=shared.bounds)
    # The timer brings a thread, and only a process without threads can be confined.
    timer = DeadlineTimer(engine.api, engine)
    channel.sendall(frames.frame(frames.READY, json.dumps({**entered.shown(), "own network": shared.network}).encode()))
    return timer


def _memory(spec: Mapping[str, Json]) -> int:
    found = spec["memory_bytes"]
    return found if isinstance(found, int) else 0


def _narrow(grants: Grants) -> None:
    """The first barriers, before the code is looked at: its compiler read hostile input, and may have been taken over by it.

    What can fail here is judged by ``enter``, which does it all again.
    """
    abi = landlock.version()
    if abi:
        with suppress(OSError):
            process.no_new_privileges()
            # Its own entry in /proc is still needed on the way; the last barriers close that too.
            landlock.restrict((*grants.rules(), Rule(at="/proc/self", write=True)), abi=abi)


def _load(engine: Engine, fd: int, *, component: bool) -> tuple[int, tuple[int, ...]]:
    """The code, mapped from its sealed memory, and the descriptors that the engine keeps of it.

    Attack: were one of them closed, its number would go to a file that a guest opens, and the next instance's memory would be mapped from there.
    """
    open_sealed(fd)
    before = set(open_descriptors())
    module = engine.load(f"/proc/self/fd/{fd}", component=component)
    mapped = tuple(sorted(set(open_descriptors()) - before))
    os.close(fd)
    return module, mapped


class _Guest(Protocol):
    """What is left when a guest has run."""

    stdout: bytearray
    stderr: bytearray
    stderr_cut: int

    def finish(self) -> bytes:
        """The report on used files."""
        ...


_G = TypeVar("_G", bound=_Guest)
_In_contra = TypeVar("_In_contra", bound=_Guest, contravariant=True)
_Begin = Callable[[frames.Order, Callable[[bytes], bytes]], _G]


class _Runner(Protocol[_In_contra]):
    def run(self, guest: _In_contra, memory_bytes: int, deadline: float, timer: DeadlineTimer) -> Ending:
        """Run one guest to its end."""
        ...

    def ahead(self) -> None:
        """Throw away what it left, and have ready what the next one needs."""
        ...


class _Server(Generic[_G]):
    """The loop: an order comes, a guest runs, an answer goes."""

    def __init__(self, channel: socket.socket, runner: _Runner[_G], timer: DeadlineTimer, begin: _Begin[_G]) -> None:
        self._channel, self._runner, self._timer, self._begin = channel, runner, timer, begin
        self._buffer = bytearray()

    def run(self) -> None:
        while True:
            # Here nobody waits for us.
            self._runner.ahead()
            kind, body = self._next()
            if kind != frames.CALL:
                return
            self._channel.sendall(self._serve(frames.read_order(body)))

    def _serve(self, order: frames.Order) -> bytes:
        guest = self._begin(order, self._ask)
        try:
            ending = self._runner.run(guest, order.memory_bytes, order.deadline, self._timer)
        except MppError as fault:
            ending = Ending(kind="host", detail=fault.message)
        return frames.pack_finished(ending, guest.stdout, guest.stderr, guest.stderr_cut, guest.finish())

    def _ask(self, request: bytes) -> bytes:
        """A host call: the guest waits while the host answers."""
        self._channel.sendall(frames.frame(frames.ASK, request))
        kind, body = self._next()
        if kind != frames.ANSWER:
            os._exit(1)
        return body

    def _next(self) -> tuple[int, bytes]:
        while True:
            piece = self._channel.recv(frames.RECEIVE_BYTES)
            if not piece:
                os._exit(0)
            if not self._buffer and (one := frames.whole(piece)) is not None:
                return one
            self._buffer += piece
            for kind, body in frames.split(self._buffer):
                return kind, body
