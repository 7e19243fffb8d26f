"""Tools in JavaScript for tests: their files, an image of them on the real layer, and calls in a real worker."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from mpp.author.vendoring.sdk_javascript import sdk_members
from mpp.host.drive import drive
from mpp.jail import sealed_memory
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.ports import Steps
from mpp.stages.archive import read_archive, read_member
from mpp.stages.sandbox import CallScope, Compiled, HostCalls, Making, Order, Run, Scope, Worker, Zygote, image_spec, make_image, run_call
from tests.attack.sandboxed import CONTEXT, engine, Silent

MIB = 1 << 20
SECONDS = 20.0
"""Seconds for one call that should end by itself, on a machine under load."""


@functools.cache
def module(layer: Path) -> bytes:
    """The interpreter inside of an unsigned layer."""
    archive = read_archive(layer.read_bytes())
    return read_member(archive, next(member for member in archive.members if member.name == "layer.wasm"))


@functools.cache
def native(layer: Path) -> bytes:
    """Compiled once for all tests of a process."""
    return engine().compile(module(layer))


class NoHost:
    """Refuses all host calls, or answers them from a table."""

    def __init__(self, answers: Mapping[str, Json] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[tuple[str, Json]] = []

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        yield from ()
        self.asked.append((method, params))
        if method in self.answers:
            return HostAnswer(result=self.answers[method], error="", message="")
        return HostAnswer(result=None, error="not_declared", message="the manifest does not declare it")


class Loaded:
    """One tool in one worker."""

    def __init__(self, worker: Worker, calls: HostCalls, memory: int) -> None:
        self.worker, self.calls, self.memory = worker, calls, memory
        self.scope = CallScope(rights=Rights(tenant="t", publisher_id="p", package_id="i", content_hash="h"), context=CONTEXT, live=Silent())

    def line(self, line: bytes, seconds: float = SECONDS, env: tuple[tuple[bytes, bytes], ...] = ()) -> Run:
        order = Order(
            deadline=time.monotonic() + seconds, deterministic=False, now_ns=0, seed=os.urandom(32), env=env, stdin=line, memory_bytes=self.memory
        )  # fmt: skip
        return drive(run_call(self.worker, order, self.calls, self.scope))

    def call(self, tool: str = "go", given: Mapping[str, Json] | None = None, seconds: float = SECONDS, env: tuple[tuple[bytes, bytes], ...] = ()) -> Run:
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": dict(given or {})}}
        return self.line(json.dumps(request).encode() + b"\n", seconds, env)

    def said(self, line: str = "") -> str:
        """What a tool without the SDK writes."""
        run = self.line(line.encode() + b"\n")
        assert run.fault is None, (run.fault, run.stderr)
        return run.stdout.decode()


def with_sdk(body: str) -> dict[str, bytes]:
    """A tool ``go`` with this body."""
    source = f'import {{ tool, ToolError, t }} from "mpp-sdk"; tool({{ name: "go", description: "x", parameters: {{}} }}, async () => {{ {body} }});'
    return {"app/main.js": source.encode(), **sdk_members()}


def bare(body: str) -> dict[str, bytes]:
    """A tool without the SDK: what ``body`` returns is what it writes."""
    return {"app/main.js": f"export async function mppMain(line) {{ {body} }}".encode()}


def reply(run: Run) -> dict[str, Json]:
    """The reply of a run, which is one line of JSON."""
    assert run.fault is None, (run.fault, run.stderr)
    assert run.exit_code == 0
    assert run.stdout.endswith(b"\n")
    assert run.stdout.count(b"\n") == 1
    found = json.loads(run.stdout)
    assert isinstance(found, dict)
    return found


class Engine:
    """A zygote with the compiled layer; makes a worker for each tool."""

    def __init__(self, layer: Path) -> None:
        self.zygote = Zygote()
        wasm = module(layer)
        self.fd = sealed_memory(native(layer))
        self.compiled = Compiled(fd=self.fd, size=0, wasm_sha256=sha256(wasm).hexdigest(), component=False, fresh=True)

    @contextmanager
    def tool(
        self, files: Mapping[str, bytes], *, memory: int = 64 * MIB, calls: HostCalls | None = None, entrypoint: str = "app/main.js", seconds: float = SECONDS
    ) -> Iterator[Loaded]:
        making = Making(compiled=self.compiled, files=tuple(sorted(files.items())), entrypoint=entrypoint, hash_seed=1, memory_bytes=memory, seconds=seconds)
        image = drive(make_image(self.zygote, making))
        try:
            spec: dict[str, Json] = {"memory_bytes": memory, "component": False, "folders": [], "devices": [], "image": image_spec(image)}
            worker = drive(self.zygote.spawn(spec, (self.fd, image.fd)))
            try:
                yield Loaded(worker, calls or NoHost(), memory)
            finally:
                worker.kill()
        finally:
            os.close(image.fd)

    def close(self) -> None:
        self.zygote.close()
        os.close(self.fd)
