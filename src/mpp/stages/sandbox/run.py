"""One call in one worker, seen from the host: the order goes out, host calls are answered, the end comes back.

Every way in which a guest or its process can fail ends as a ``Run``. Spec: 5-sandbox S-40 to S-50.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from mpp.errors import HostFailed, MppError, Refused, ToolFailed
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.capabilities import NetworkRule
from mpp.model.jsonquick import read
from mpp.model.jsontext import Json, shown
from mpp.model.rights import Rights
from mpp.model.value import value
from mpp.ports import Steps, Wait
from mpp.stages.sandbox import frames, limits
from mpp.stages.sandbox.client import Worker
from mpp.stages.sandbox.ports import Border, HostCalls, Live
from mpp.stages.sandbox.types import Ending, Run, Used

REQUEST_FAMILY = "call"
"""Its refusals never leave this module: they become the words of an answer."""

REQUEST_KEYS = {"method", "params"}
NOTHING_USED = Used()
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_PATH_CHARS_MAX = 1024


class ClosedBorder:
    """Nobody said what may leave, so nothing does."""

    def leave(self, params: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG002 - whatever it is
        raise Refused("privacy.outgoing", "this host does not search what leaves, so nothing does", where="request", hint="report this as a defect")

    def returned(self, url: str, data: bytes) -> None: ...


CLOSED_BORDER = ClosedBorder()


@value
class CallScope:
    """Who is calling; made by the host when the call begins."""

    rights: Rights
    context: CallContext
    live: Live
    declared: tuple[NetworkRule, ...] = ()
    border: Border = CLOSED_BORDER


def run_call(worker: Worker, order: frames.Order, calls: HostCalls, scope: CallScope) -> Steps[Run]:
    """Run one call. Never raises for what a guest does."""
    begun = time.monotonic()
    notes = Notes()
    try:
        finished = yield from _converse(worker, order, calls, scope, notes)
        return finished_run(finished, notes, begun)
    except MppError as failed:
        return _failed(failed, notes, begun)


def finished_run(finished: frames.Finished, notes: Notes, begun: float) -> Run:
    """What a guest left, with what the host saw of it."""
    used = notes.used(finished.talk)
    fault = _fault_of(finished.ending)
    return Run(
        fault=fault,
        exit_code=finished.ending.code,
        stdout=finished.stdout if fault is None else b"",
        stderr=finished.stderr,
        stderr_cut=finished.stderr_cut,
        used=used,
        seconds=time.monotonic() - begun,
        reusable=finished.ending.kind in {"exit", "trap", "output", "start"},
    )


def _converse(worker: Worker, order: frames.Order, calls: HostCalls, scope: CallScope, notes: Notes) -> Steps[frames.Finished]:
    until = order.deadline + limits.KILL_AFTER_SECONDS
    yield from worker.order(order)
    while True:
        kind, body = yield from worker.message(until)
        if kind == frames.DONE:
            return frames.read_finished(body)
        if kind != frames.ASK:
            raise frames.broken(f"a message of kind {kind}")
        answer = yield from answer_request(body, calls, scope, order.deadline, notes)
        yield from worker.answer(answer, until)


def answer_request(body: bytes, calls: HostCalls, scope: CallScope, until: float, notes: Notes) -> Steps[bytes]:
    """The bytes that answer one host call."""
    notes.host_calls += 1
    if notes.host_calls > 2 * limits.HOST_CALLS_MAX:
        raise frames.broken("host calls without end")
    if notes.host_calls > limits.HOST_CALLS_MAX:
        answer = refusal("quota", f"one call makes at most {limits.HOST_CALLS_MAX} host calls")
    else:
        answer = yield from _answer(body, calls, scope, until)
    notes.take(answer)
    return _rendered(answer)


def _answer(body: bytes, calls: HostCalls, scope: CallScope, until: float) -> Steps[HostAnswer]:
    """Spec: call-contract, host calls. The request is the guest's own text, passed on by a worker that may be the guest's."""
    if len(body) > limits.HOST_REQUEST_BYTES_MAX:
        return refusal("too_large", "the request of a host call is too long")
    try:
        request = read(body, family=REQUEST_FAMILY, where="host call")
    except Refused as fault:
        return refusal("bad_request", fault.message)
    if not isinstance(request, dict) or not isinstance(request.get("method"), str) or not request.keys() <= REQUEST_KEYS:
        return refusal("bad_request", 'a host call is {"method": name, "params": object}')
    params = request.get("params", {})
    method = request["method"]
    if not isinstance(params, dict) or not isinstance(method, str):
        return refusal("bad_request", '"params" is an object')
    return (yield from _within(calls.answer(method, params, scope, until), until))


def _within(steps: Steps[HostAnswer], until: float) -> Steps[HostAnswer]:
    """A service that waits longer than the call may last is left alone with its waiting."""
    try:
        wait = next(steps)
        while time.monotonic() < until:
            yield Wait(wait.fd, min(wait.until, until), wait.writing)
            wait = next(steps)
    except StopIteration as done:
        answer: HostAnswer = done.value
        return answer
    finally:
        steps.close()
    return refusal("deadline", "the time of the call is over")


def refusal(code: str, message: str) -> HostAnswer:
    """An answer that says no."""
    return HostAnswer(result=None, error=code, message=message)


def _rendered(answer: HostAnswer) -> bytes:
    body: dict[str, Json] = {"error": {"code": answer.error, "message": answer.message}} if answer.error else {"result": answer.result}
    return _ENCODER.encode(body).encode()


def _fault_of(ending: Ending) -> MppError | None:
    if ending.kind == "exit":
        return None
    detail = shown(ending.detail, 200)
    if ending.kind == "deadline":
        return ToolFailed("tool.deadline", "the tool did not end in time", hint="ask the tool for less, or give it more time, up to the limit of its manifest")
    if ending.kind == "output":
        return ToolFailed("tool.output", f"the tool wrote too much: {detail}", hint="answer with less, or in a file")
    if ending.kind == "start":
        return ToolFailed("tool.start", f"the tool could not be started: {detail}", hint="its memory limit may be too small; see runtime.memory_limit_mb")
    if ending.kind == "trap":
        return ToolFailed("tool.trap", f"the tool crashed: {detail}", hint="report it to the publisher, with the arguments of the call")
    return HostFailed("host.sandbox", f"the sandbox failed: {detail}", hint="report this as a fault of the host")


def _failed(fault: MppError, notes: Notes, begun: float) -> Run:
    return Run(
        fault=fault, exit_code=-1, stdout=b"", stderr=b"", stderr_cut=0, used=notes.used(b"{}"), seconds=time.monotonic() - begun, reusable=False
    )  # fmt: skip


class Notes:
    """What the host saw of a call."""

    def __init__(self) -> None:
        self.host_calls = 0
        self._hosts: dict[str, None] = {}
        self._secrets: dict[str, None] = {}
        self._echoed: dict[str, None] = {}
        self._kv: dict[str, int] = {}
        self._more = False

    def take(self, answer: HostAnswer) -> None:
        for name in answer.hosts:
            self._keep(self._hosts, name)
        for name in answer.secrets:
            self._keep(self._secrets, name)
        for name in answer.echoed:
            self._keep(self._echoed, name)
        if answer.kv:
            self._kv[answer.kv] = self._kv.get(answer.kv, 0) + 1

    def _keep(self, where: dict[str, None], name: str) -> None:
        if name in where or len(where) < limits.USED_MAX:
            where[name] = None
        else:
            self._more = True

    def used(self, talk: bytes) -> Used:
        """With what the worker says of files, which is judged only for its form."""
        if not talk and not self.host_calls:
            return NOTHING_USED
        report: object = {}
        if talk:
            try:
                report = read(talk, family=REQUEST_FAMILY, where="report")
            except Refused:
                raise frames.broken("a report that is no JSON") from None
        if not isinstance(report, dict):
            raise frames.broken("a report that is no object")
        read_names, more_read = _names(report, "read")
        written, more_written = _names(report, "written")
        return Used(
            hosts=tuple(self._hosts),
            kv=tuple(sorted(self._kv.items())),
            secrets=tuple(self._secrets),
            echoed=tuple(self._echoed),
            files_read=read_names,
            files_written=written,
            host_calls=self.host_calls,
            more=self._more or more_read or more_written or report.get("more") is True,
        )


def _names(report: Mapping[str, object], key: str) -> tuple[tuple[str, ...], bool]:
    found = report.get(key, [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise frames.broken("a report of files that is none")
    # A path may be longer than what is kept of it: that is no fault of the tool.
    kept = tuple(name for name in found if len(name) <= _PATH_CHARS_MAX)[: limits.USED_MAX]
    return kept, len(kept) < len(found)
