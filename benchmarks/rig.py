"""Our side of the comparison: workers with real barriers, the whole service, and the mode inside the host's process."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import content
from guests import FOLDER, guest

from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.sandbox import CallInput, Ready, Sandbox
from mpp.host.services.standard import standard_calls
from mpp.limits import MIB
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Folder, Rights
from mpp.ports import Steps, Wait
from mpp.stages.gatekeeper import verify
from mpp.stages.policy.token import CapabilityToken
from mpp.stages.sandbox import CallScope, Compiled, HostCalls, Order, Run, Scope, Worker, Zygote, compile_wasm, run_call
from mpp.stages.sandbox.inprocess import InProcess
from mpp.testing.packages import ENTRYPOINT, NOW
from mpp.testing.tokens import meant_for, token_for, warrant_for

MEMORY = 16 * MIB
SECONDS = 5.0
CONTEXT = CallContext(
    invocation="0" * 32, tenant="local", agent="", agent_proof="anonymous", user="", package_id="com.example.hello", version="0.1.0",
    content_hash="0" * 64, publisher_id="0" * 64, tool="greet",
)  # fmt: skip
RIGHTS = Rights(tenant="local", publisher_id="0" * 64, package_id="com.example.hello", content_hash="0" * 64, kv_max_bytes=MIB)


class Quiet:
    """Nobody listens."""

    def log(self, level: str, message: str) -> None:
        pass

    def progress(self, progress: float, total: float | None, message: str) -> None:
        pass


class Sleeping:
    """A host whose answers come only when the time is over, as of a server that never replies."""

    def __init__(self) -> None:
        self._never = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - the protocol's
        while time.monotonic() < until:
            yield Wait(self._never, until)
        return HostAnswer(result=None, error="deadline", message="too late")

    def close(self) -> None:
        os.close(self._never)


SCOPE = CallScope(rights=RIGHTS, context=CONTEXT, live=Quiet())


def order(stdin: bytes, seconds: float = SECONDS) -> Order:
    deadline = time.monotonic() + seconds
    return Order(deadline=deadline, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=stdin, memory_bytes=MEMORY)


class Rig:
    """A running zygote and compiled guests; what it made ends with it."""

    def __init__(self) -> None:
        self.zygote = Zygote()
        self.zygote.start()
        self._stack = ExitStack()
        sleeping = Sleeping()
        self._stack.callback(sleeping.close)
        self.calls: HostCalls = sleeping
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, name: str) -> Compiled:
        if name not in self._compiled:
            self._compiled[name] = compile_wasm(guest(name), None)
            self._stack.callback(os.close, self._compiled[name].fd)
        return self._compiled[name]

    def spawn(self, name: str) -> Worker:
        """A new worker, ready for its first call. The caller ends it."""
        return drive(self.zygote.spawn({"memory_bytes": MEMORY, "component": False, "folders": [], "devices": []}, (self.compiled(name).fd,)))

    def worker_and_pid(self, name: str) -> tuple[Worker, int]:
        """With its process, for what is bound to a core. The zygote has the next worker forked before anybody asks: the newest of its children."""
        until = time.monotonic() + SECONDS
        while not (found := _children(self.zygote.pid)) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)
        pid = max(_children(self.zygote.pid) or found)[1]
        return self.worker(name), pid

    def worker(self, name: str) -> Worker:
        found = self.spawn(name)
        self._stack.callback(found.kill)
        return found

    def worker_with(self, name: str, folder: str) -> Worker:
        """One that may read below ``folder``."""
        fd = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        spec: dict[str, Json] = {"memory_bytes": MEMORY, "component": False, "folders": [[FOLDER, False, True]], "devices": []}
        try:
            found = drive(self.zygote.spawn(spec, (self.compiled(name).fd, fd)))
        finally:
            os.close(fd)
        self._stack.callback(found.kill)
        return found

    def in_process(self, name: str) -> InProcess:
        found = InProcess(self.compiled(name))
        self._stack.callback(found.close)
        return found

    def call(self, worker: Worker, given: Order) -> Steps[Run]:
        return run_call(worker, given, self.calls, SCOPE)

    def run(self, worker: Worker, stdin: bytes) -> Run:
        return drive(self.call(worker, order(stdin)))

    def close(self) -> None:
        self._stack.close()
        self.zygote.close()


def _children(parent: int) -> list[tuple[int, int]]:
    """When they began, and their numbers."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent:
            found.append((int(fields[19]), int(folder.name)))
    return found


def done(run: Run) -> bytes:
    """What a guest wrote. A figure of a call that failed would mean nothing."""
    if run.fault is not None:
        raise run.fault
    return run.stdout


class Whole:
    """The service as a host has it: verified package, pool, standard host calls."""

    def __init__(self, sandbox: Sandbox, ready: Ready, token: CapabilityToken) -> None:
        self.sandbox, self.ready, self.token = sandbox, ready, token
        self.context = meant_for(ready, CallInput(context=CONTEXT, line=b"", seconds=SECONDS, now_ns=0, live=Quiet(), argument_sha256="0" * 64)).context

    def call(self, line: bytes) -> Run:
        given = CallInput(context=self.context, line=line, seconds=SECONDS, now_ns=0, live=Quiet(), argument_sha256="0" * 64)
        return drive(self.sandbox.call(self.ready, warrant_for(self.ready, given, self.token), given))


@contextmanager
def whole(folder: str, name: str, read: str = "") -> Iterator[Whole]:
    """``read``: a folder that the guest may read."""
    package = verify(content.package({ENTRYPOINT: guest(name)}), content.TRUST, NOW)
    folders = (Folder(guest=FOLDER, host=os.path.realpath(read), write=False),) if read else ()
    rights = Rights(
        tenant="local", publisher_id=package.publisher_id, package_id=package.package_id, content_hash=package.content_hash,
        folders=folders, kv_max_bytes=MIB,
    )  # fmt: skip
    with standard_calls(Home(path=folder), None) as calls:
        sandbox = Sandbox(os.path.join(folder, "cache"), calls)
        token = token_for(package, rights)
        ready = sandbox.prepare(package, token, rights)
        try:
            yield Whole(sandbox, ready, token)
        finally:
            sandbox.release(ready)
            sandbox.close()
