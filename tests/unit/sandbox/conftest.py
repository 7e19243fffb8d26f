"""One zygote for all tests of the sandbox, and calls in one line."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from mpp.host.drive import drive
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.rights import Rights
from mpp.stages.sandbox import CallScope, Order, Run, Worker, Zygote, compile_wasm, run_call

CONTEXT = CallContext(
    invocation="0" * 32, tenant="local", agent="", agent_proof="anonymous", user="ada", package_id="com.example.hello", version="1.0.0",
    content_hash="c" * 64, publisher_id="p" * 64, tool="greet",
)  # fmt: skip
RIGHTS = Rights(tenant="local", publisher_id="p" * 64, package_id="com.example.hello", content_hash="c" * 64)

PATIENCE = 60.0
"""Seconds for what takes milliseconds on a machine that does nothing else. Only what must end at its time is given less."""


class Listener:
    """Keeps what a tool says while it runs."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def log(self, level: str, message: str) -> None:
        self.said.append((level, message))

    def progress(self, progress: float, total: float | None, message: str) -> None:
        self.said.append((progress, total, message))


class Answers:
    """Answers each host call with its own method."""

    def answer(self, method, params, scope, until):
        yield from ()
        return HostAnswer(result={"method": method, "params": params}, error="", message="")


class OpenBorder:
    """Lets everything leave, and keeps what a host said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, bytes]] = []

    def leave(self, params):
        return params

    def returned(self, url, data):
        self.said.append((url, data))


def scope(rights: Rights = RIGHTS, **changes: str) -> CallScope:
    return CallScope(rights=rights, context=replace(CONTEXT, **changes), live=Listener(), border=OpenBorder())


def order(stdin: bytes = b"", *, seconds: float = PATIENCE, memory: int = 16 << 20, deterministic: bool = False, env=(), now_ns: int = 0) -> Order:
    return Order(
        deadline=time.monotonic() + seconds, deterministic=deterministic, now_ns=now_ns, seed=b"s" * 32, env=env, stdin=stdin, memory_bytes=memory
    )  # fmt: skip


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def worker(zygote: Zygote) -> Iterator[Callable[[bytes], Worker]]:
    made: list[Worker] = []

    def make(wasm: bytes, memory: int = 16 << 20) -> Worker:
        compiled = compile_wasm(wasm, None)
        try:
            made.append(drive(zygote.spawn({"memory_bytes": memory, "component": False, "folders": [], "devices": []}, (compiled.fd,))))
        finally:
            os.close(compiled.fd)
        return made[-1]

    yield make
    for one in made:
        one.kill()


def call(worker: Worker, given: Order, calls: object = None) -> Run:
    return drive(run_call(worker, given, calls or Answers(), scope()))
