"""A recorded call run again: the same package, the same request, the same answers of the host, and nothing else. Spec: audit L-42.

It opens no network, no storage, no secret and no folder, and spends nothing: what the tool asks is answered from the transcript, or ends it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping

from mpp.errors import MppError, Refused
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.vault import Opened, commits_to
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.layers import layers_of
from mpp.host.sandbox import code_fds, entrypoint, layer_spec, native_cache, seed_for
from mpp.host.services.transcript import Replayer
from mpp.model.calls import CallContext
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.model.value import value
from mpp.stages.audit import Recorded, Sent, read_transcript
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.sandbox import CallScope, Order, Run, Worker, Zygote, compile_wasm, run_call

_KEEP = "only a vault that keeps arguments and transcript lets calls be run again"


@value
class Replayed:
    """What came of it."""

    deterministic: bool
    """Whether the manifest says that the tool is: only then does a difference mean anything."""
    same: bool
    why: str
    """What is different; empty where nothing is."""
    stdout: bytes


class _Silent:
    """Nobody listens: what the tool says on the way is in the transcript."""

    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


@value
class _Plan:
    sent: Sent
    lines: tuple[Recorded, ...]


def replay(package: VerifiedPackage, opened: Opened, places: LogPlaces, home: Home | None) -> Replayed:
    """Run the call of an opened record again, and compare what the tool writes with what its result's entry commits to.

    ``home``: where compiled code and layers are; None: nothing is kept, and no tool that stands on a layer is run.
    """
    plan = _judged(package, opened)
    if commits_to(places, opened.call.result, "out_raw", "0" * 64) is None:
        message = "there is nothing to compare with: the call has no result, or its salt was erased"
        raise Refused("audit.replay", message, where=opened.call.intent.event.invocation, hint="choose a call that ended: mpp audit search")
    replayer = Replayer(plan.lines)
    run = _run(package, opened, plan.sent, replayer, home)
    why = _difference(run, replayer, opened, places)
    return Replayed(deterministic=package.manifest.runtime.deterministic, same=not why, why=why, stdout=run.stdout)


def _judged(package: VerifiedPackage, opened: Opened) -> _Plan:
    """Refuse what could not be the same call. Attack: another package, or changed input, whose result would seem to convict the tool."""
    payload, intent = opened.payload, opened.call.intent.event
    if package.content_hash != intent.body.get("content"):
        message = f"this is another package, or another version, than the one that ran: {intent.body.get('content')}"
        raise Refused("audit.replay", message, where=package.package_id, hint="give the very file: its content hash is in the entry")
    if not opened.holds or payload.tool != intent.body.get("tool"):
        raise Refused("audit.vault", "the record is not what the log says was kept", where=intent.invocation, hint="see: mpp audit vault open")
    if payload.sent is None or payload.transcript is None:
        raise Refused("audit.replay", "the record holds no arguments, or no transcript", where=intent.invocation, hint=_KEEP)
    if opened.checked["in"] is None:
        raise Refused("audit.replay", "nothing says that these were the arguments", where=intent.invocation, hint="the salt of the entry was erased")
    declared = package.manifest.capabilities
    has_files = payload.places is None or payload.places.folders
    if payload.variables or ((declared.read or declared.write or declared.hardware) and has_files):
        message = "the call had values of variables, folders or devices, which no record keeps"
        raise Refused("audit.replay", message, where=intent.invocation, hint="only calls that get all they need as arguments and host calls are run again")
    if payload.transcript.cut:
        message = f"the transcript of the host calls is not whole ({payload.transcript.cut})"
        raise Refused("audit.replay", message, where=intent.invocation, hint="a call with so much, or with a signed context, is not run again")
    return _Plan(sent=payload.sent, lines=read_transcript(payload.transcript.data, where="transcript"))


def _run(package: VerifiedPackage, opened: Opened, sent: Sent, replayer: Replayer, home: Home | None) -> Run:
    runtime, event, payload = package.manifest.runtime, opened.call.intent.event, opened.payload
    memory = min(payload.memory_bytes, runtime.memory_limit_mb << 20)
    rights = Rights(tenant=event.tenant, publisher_id=package.publisher_id, package_id=package.package_id, content_hash=package.content_hash)
    context = CallContext(
        invocation=event.invocation, tenant=event.tenant, agent="", agent_proof="anonymous", user="", package_id=package.package_id,
        version=package.version, content_hash=package.content_hash, publisher_id=package.publisher_id, tool=payload.tool,
    )  # fmt: skip
    argument_sha256 = hashlib.sha256(sent.arguments).hexdigest()
    zygote = Zygote()
    try:
        worker = _worker(package, zygote, home)
        order = Order(
            deadline=time.monotonic() + runtime.timeout_ms / 1000, deterministic=runtime.deterministic, now_ns=payload.now_ns,
            seed=seed_for(package.content_hash, payload.tool, argument_sha256) if runtime.deterministic else bytes(32),
            env=(), stdin=sent.line, memory_bytes=memory,
        )  # fmt: skip
        try:
            return drive(run_call(worker, order, replayer, CallScope(rights=rights, context=context, live=_Silent())))
        finally:
            worker.kill()
    finally:
        zygote.close()


def _worker(package: VerifiedPackage, zygote: Zygote, home: Home | None) -> Worker:
    """A worker of the package, without rights."""
    runtime = package.manifest.runtime
    cache = native_cache(home.cache) if home is not None else None
    layers = layers_of(home, lambda: cache) if home is not None and runtime.layer is not None else None
    layered = layers.prepare(package, zygote) if layers is not None else None
    compiled = layered.compiled if layered is not None else compile_wasm(entrypoint(package), cache)
    try:
        spec: Mapping[str, Json] = {
            "memory_bytes": runtime.memory_limit_mb << 20, "component": compiled.component, "folders": [], "devices": [], **layer_spec(layered),
        }  # fmt: skip
        return drive(zygote.spawn(spec, code_fds(compiled, layered)))
    finally:
        if layers is not None and layered is not None:
            layers.release(layered, package)
        else:
            os.close(compiled.fd)


def _difference(run: Run, replayer: Replayer, opened: Opened, places: LogPlaces) -> str:
    fault: MppError | None = run.fault
    if fault is not None and fault.code == "audit.replay":
        return fault.message
    ended, before = fault.code if fault is not None else "", opened.payload.ended
    if ended != before:
        return f"it ended with {ended or 'an answer'}, and then with {before or 'an answer'}"
    if replayer.left:
        return f"{replayer.left} of the recorded host calls were not made"
    if not commits_to(places, opened.call.result, "out_raw", hashlib.sha256(run.stdout).hexdigest()):
        return "the tool wrote something else"
    return ""
