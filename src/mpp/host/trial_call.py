"""One real call of the smallest tool, from the compiler to the answer: what no list of barriers can promise."""

from __future__ import annotations

import os
import time

from mpp.errors import MppError
from mpp.host.drive import drive
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.ports import Steps
from mpp.stages.sandbox import CallScope, compile_wasm, Order, run_call, Scope, Zygote

SECONDS = 10.0
MEMORY_BYTES = 1 << 20

# A module whose ``_start`` returns at once.
_SMALLEST = bytes.fromhex("0061736d01000000010401600000030201000503010001071302065f73746172740000066d656d6f727902000a040102000b")


class _Silent:
    """Answers nothing and hears nothing."""

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - nobody asks
        yield from ()
        return HostAnswer(result=None, error="unavailable", message="")

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


def try_call() -> MppError | None:
    """Why no tool can be called here; None when the smallest one was."""
    silent, zygote = _Silent(), Zygote()
    rights = Rights(tenant="doctor", publisher_id="", package_id="", content_hash="")
    context = CallContext(
        invocation="", tenant="doctor", agent="", agent_proof="anonymous", user="", package_id="", version="", content_hash="", publisher_id="", tool=""
    )  # fmt: skip
    try:
        compiled = compile_wasm(_SMALLEST, None)
        try:
            worker = drive(zygote.spawn({"memory_bytes": MEMORY_BYTES, "component": False, "folders": [], "devices": []}, (compiled.fd,)))
        finally:
            os.close(compiled.fd)
        order = Order(deadline=time.monotonic() + SECONDS, deterministic=False, now_ns=0, seed=bytes(32), env=(), stdin=b"", memory_bytes=MEMORY_BYTES)
        run = drive(run_call(worker, order, silent, CallScope(rights=rights, context=context, live=silent)))
        worker.kill()
    except MppError as fault:
        return fault
    else:
        return run.fault
    finally:
        zygote.close()
