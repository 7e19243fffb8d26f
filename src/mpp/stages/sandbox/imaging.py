"""Making an image, seen from the host: a worker without rights initialises the layer with the files of one tool, and hands over its memory.

Takes: a compiled layer and a bundle. Gives: ``Image``. Refuses: ``layer.initialise`` for a layer or tool that cannot be initialised.
It runs code of the publisher, so it happens after somebody agreed to the package. Spec: layers Y-10 to Y-27.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from mpp.errors import HostFailed, MppError, Refused
from mpp.jail import seal_memory, sealed_memory
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value
from mpp.ports import Steps
from mpp.stages.sandbox import frames, limits
from mpp.stages.sandbox.client import Worker, Zygote
from mpp.stages.sandbox.guest import INITIALISING
from mpp.stages.sandbox.image import judged_size, no_image, read_globals, read_image, trailer
from mpp.stages.sandbox.run import REQUEST_FAMILY
from mpp.stages.sandbox.types import Compiled, GlobalValue, Image

INITIAL_NOW_NS = 1_767_225_600 * 10**9
"""Nanoseconds since 1970: what a layer takes for the time while it initialises itself, 2026-01-01. Reason: an image must not hold when it was made."""

INITIAL_SEED = b"mpp-layer-initialising-randomnes"
"""32 bytes: where its randomness begins. Reason: the same files give the same image; what must be new, a call asks for itself."""

_WORDS_MAX = 600
"""Characters of the guest's own words in a refusal. Reason: the last lines of a traceback."""


@value
class Making:
    """What an image is made of."""

    compiled: Compiled
    """The layer."""
    files: tuple[tuple[str, bytes], ...]
    """The tool's files, in the order of the package."""
    entrypoint: str
    hash_seed: int
    memory_bytes: int
    """The memory limit of the tool: what is in the image counts."""
    seconds: float = limits.INITIALISE_SECONDS


def bundle(files: Iterable[tuple[str, bytes]], entrypoint: str, hash_seed: int, *, imports: bool) -> bytes:
    """The files of a tool as its layer reads them. Spec: layers Y-11."""
    held = [*files]
    rows: list[Json] = [[name, len(data)] for name, data in held]
    index = json.dumps({"entrypoint": entrypoint, "files": rows}, separators=(",", ":")).encode()
    head = f"MPPB1 {hash_seed:08x} {int(imports)} {len(index)}\n".encode()
    whole = b"".join((head, index, *(data for _, data in held)))
    if len(whole) > limits.BUNDLE_BYTES_MAX:
        message = f"the files of the tool have {len(whole)} bytes, its interpreter takes at most {limits.BUNDLE_BYTES_MAX}"
        raise Refused("layer.bundle", message, hint="leave out what the tool does not need")
    return whole


def make_image(zygote: Zygote, making: Making) -> Steps[Image]:
    """The image, with the tool imported; without, where it cannot be imported without its run. The caller closes the descriptor."""
    try:
        return (yield from _made(zygote, making, imports=True, note=""))
    except Refused as fault:
        first = fault
    try:
        # Spec: Y-14. What needs its call to be imported fails here and works there: a variable, a folder, the host.
        return (yield from _made(zygote, making, imports=False, note=shown(first.message, _WORDS_MAX)))
    except Refused:
        raise first from None


def _made(zygote: Zygote, making: Making, *, imports: bool, note: str) -> Steps[Image]:
    with ExitStack() as mine:
        try:
            data = sealed_memory(bundle(making.files, making.entrypoint, making.hash_seed, imports=imports), "mpp-bundle")
            mine.callback(os.close, data)
            target = os.memfd_create("mpp-image", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        except OSError as fault:
            raise HostFailed("host.image", f"an image cannot be begun: {fault.strerror}", hint="free memory, or raise the limit of open files") from None
        undo = mine.enter_context(ExitStack())
        undo.callback(os.close, target)
        spec: Mapping[str, Json] = {"layer": INITIALISING, "memory_bytes": making.memory_bytes, "component": False, "folders": [], "devices": []}
        worker = yield from zygote.spawn(spec, (making.compiled.fd, data, target))
        try:
            finished = yield from _run(worker, making)
        except MppError as fault:
            if fault.code in {"tool.deadline", "tool.crashed", "tool.protocol"}:
                raise _refused(fault.message, b"") from None
            raise
        finally:
            # Whatever it is now, it serves nobody else.
            worker.kill()
        size, globals_ = _report(finished)
        image = _closed(target, size, globals_, imports=imports, note=note)
        undo.pop_all()
        return image


def _run(worker: Worker, making: Making) -> Steps[frames.Finished]:
    order = frames.Order(
        deadline=time.monotonic() + making.seconds, deterministic=True, now_ns=INITIAL_NOW_NS, seed=INITIAL_SEED, env=(), stdin=b"",
        memory_bytes=min(making.memory_bytes, limits.IMAGE_BYTES_MAX),
    )  # fmt: skip
    # Writing the memory out is no longer the guest's time.
    until = order.deadline + limits.IMAGE_WRITE_SECONDS
    yield from worker.order(order)
    kind, body = yield from worker.message(until)
    if kind != frames.DONE:
        # It has no host, so it has nothing to ask.
        raise frames.broken(f"a message of kind {kind}")
    return frames.read_finished(body)


def _report(finished: frames.Finished) -> tuple[int, tuple[GlobalValue, ...]]:
    """What the worker says of the memory it wrote, read as from a stranger: it has run code of the publisher."""
    if finished.ending.kind == "host":
        raise HostFailed(
            "host.image", f"no image could be taken: {shown(finished.ending.detail, _WORDS_MAX)}", hint="import less in the tool; run `mpp doctor`"
        )
    if not finished.talk:
        raise _refused(_words(finished), finished.stderr)
    try:
        report = read(finished.talk, family=REQUEST_FAMILY, where="report")
    except Refused:
        raise no_image("the report on it") from None
    if finished.ending.kind != "exit" or not isinstance(report, dict):
        raise no_image("the report on it")
    return judged_size(report.get("size")), read_globals(report.get("globals"))


def _words(finished: frames.Finished) -> str:
    ending = finished.ending
    if ending.kind == "deadline":
        return "it did not end in time"
    if ending.kind == "exit":
        return f"it ended with code {ending.code} instead of returning"
    return f"{ending.kind}: {ending.detail}" if ending.detail else ending.kind


def _refused(what: str, stderr: bytes) -> Refused:
    """With the last words of the guest, which has seen nothing but its own package."""
    said = stderr.decode("utf-8", "replace").strip()[-_WORDS_MAX:]
    message = f"the tool cannot be initialised: {shown(what, 200)}" + (f"; it says: {shown(said, _WORDS_MAX)}" if said else "")
    return Refused("layer.initialise", message, where="runtime.layer", hint="report it to the publisher; `mpp run` in the project shows all of it")


def _closed(target: int, size: int, globals_: tuple[GlobalValue, ...], *, imports: bool, note: str) -> Image:
    """The file with its trailer, sealed. Attack: a worker that goes on writing: it is dead, and seals stand for the rest."""
    try:
        if os.fstat(target).st_size > size:
            raise no_image("its size")
        # A memory that ends with untouched pages was written without them.
        os.ftruncate(target, size)
        end = trailer(size, globals_, imported=imports, note=note)
        os.pwrite(target, end, size)
        seal_memory(target)
    except OSError as fault:
        raise HostFailed("host.image", f"an image cannot be sealed: {fault.strerror}", hint="free memory") from None
    return read_image(target)
