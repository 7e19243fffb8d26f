"""Host calls kept while they are answered, and answered again from what was kept. Spec: audit L-42.

Both stand where the guest's own words come in and the host's words go out, so what is kept is what the guest saw: names of secrets, never values.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from mpp.errors import Refused
from mpp.model.calls import HostAnswer
from mpp.model.jsontext import Json, shown
from mpp.ports import Steps, Wait
from mpp.stages.audit import Recorded, Transcript, Writer, asked_of
from mpp.stages.sandbox import HostCalls, Scope


CALLS_KEPT_MAX = 4096
"""Calls whose host calls are kept at a time. Reason: more than a host runs; one that failed to start must not be kept for good."""


class Recorder:
    """Stands before the services of a host. What it was not told to keep goes through untouched."""

    def __init__(self, calls: HostCalls) -> None:
        self._calls = calls
        self._kept: dict[str, Writer] = {}
        self.watch: Callable[[str, Json, HostAnswer], None] | None = None
        """Told of each answer where somebody develops a tool: which right it lacked."""

    def begin(self, invocation: str) -> None:
        """Keep the host calls of this call from now on."""
        self._kept[invocation] = Writer()
        while len(self._kept) > CALLS_KEPT_MAX:
            self._kept.pop(next(iter(self._kept)), None)

    def end(self, invocation: str) -> Transcript:
        """What was kept; it is forgotten here."""
        writer = self._kept.pop(invocation, None)
        return writer.end() if writer is not None else Transcript(data=b"")

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        steps = self._calls.answer(method, params, scope, until)
        if self.watch is not None:
            steps = _watched(steps, self.watch, method, params)
        writer = self._kept.get(scope.context.invocation) if self._kept else None
        return steps if writer is None else _noted(steps, writer, method, params)


def _watched(steps: Steps[HostAnswer], watch: Callable[[str, Json, HostAnswer], None], method: str, params: Json) -> Generator[Wait, None, HostAnswer]:
    answer = yield from steps
    watch(method, params, answer)
    return answer


def _noted(steps: Steps[HostAnswer], writer: Writer, method: str, params: Json) -> Generator[Wait, None, HostAnswer]:
    try:
        answer = yield from steps
    except GeneratorExit:
        # The time of the call was over while the service worked: nobody knows any more what it would have said.
        writer.cut("unanswered")
        raise
    if method == "context.get" and params and not answer.error:
        # Attack: a signed context is a credential for another machine. It is not kept, nor what the guest does with it.
        writer.cut("signed")
    writer.add(method, params, answer)
    return answer


class Replayer:
    """Answers from a transcript, in its order, and touches nothing else. The first host call that differs ends the run."""

    def __init__(self, lines: tuple[Recorded, ...]) -> None:
        self._lines = lines
        self._at = 0

    @property
    def left(self) -> int:
        """Host calls that nobody made again."""
        return len(self._lines) - self._at

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:  # noqa: ARG002 - nothing is opened, nothing waits
        yield from ()
        if not self.left or self._lines[self._at].asked != asked_of(method, params):
            what = f"host call {self._at + 1} ({shown(method)}) is not the one that was recorded"
            raise Refused("audit.replay", what, where="host calls", hint="the tool is not deterministic, or another one, or the transcript was changed")
        self._at += 1
        return self._lines[self._at - 1].answer
