"""One ``tools/call`` or ``prompts/get``, with what the client is asked on the way. Spec: mcp-front J-40 to J-55.

A call is never resumed: after each answer the host judges it anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from itertools import count
from typing import NamedTuple, TypeAlias

from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.ports import Steps, Wait
from mpp.protocol.mcp.asking import APPROVAL, ELICIT, Question, approval_form, asked_questions, elicits, says_yes
from mpp.protocol.mcp.limits import ELICIT_SECONDS, NAME_CHARS_MAX, ROUNDS_MAX, STATE_CHARS_MAX, TIMEOUT_MS_MAX
from mpp.protocol.mcp.ports import Backend, Caller, CARRIED, Live, Outcome, Pending, ToolCall
from mpp.protocol.mcp.reading import write_json
from mpp.protocol.mcp.sealing import Seals, State, binding
from mpp.protocol.mcp.telling import Job
from mpp.protocol.mcp.versions import NO_CAPABILITY, TIMEOUT_KEY
from mpp.protocol.mcp.writing import BAD_REQUEST, FaultError, notification, question, refuse

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

NO_INPUT = "It needs an answer that this client cannot give."
NO_ANSWER = "It asked for something and got no answer."
TOO_LONG = "The answers to its questions are too long."
TOO_MANY = f"It asked {ROUNDS_MAX} times and was not done."


class Ask(NamedTuple):
    """A request to the client in the old eras. Whoever runs the call sends it, and goes on with the answer or with None."""

    id: str
    data: bytes
    withdraw: bytes
    """What is sent when nobody waits for the answer any more."""
    seconds: int


Answers: TypeAlias = "Generator[Wait | Ask, dict[str, Json] | None, dict[str, Json]]"


@value
class Asker:
    """Where a request comes from, and how its client is asked."""

    backend: Backend
    seals: Seals
    who: Caller
    job: Job
    live: Live
    ids: count[int]


@value
class Task:
    """What is done with the answers of the client, once or more often."""

    kind: str
    """``tool`` or ``prompt``."""
    name: str
    arguments: bytes
    run: Callable[[Mapping[str, Json]], Steps[Outcome]]
    """Do it with the answers that are there."""

    @property
    def shown(self) -> str:
        return f"{self.kind} {shown(self.name)}"


def tool_call(job: Job) -> ToolCall:
    """The call as the client wrote it. Raises FaultError."""
    name, arguments = job.params.get("name"), job.params.get("arguments")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARS_MAX:
        raise refuse("name must be the name of a tool")
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise refuse("arguments must be an object")
    trace, wait = job.meta.get("traceparent"), job.meta.get(TIMEOUT_KEY, 0)
    if not isinstance(wait, int) or isinstance(wait, bool) or not 0 <= wait <= TIMEOUT_MS_MAX:
        raise refuse(f"{TIMEOUT_KEY} must be an integer up to {TIMEOUT_MS_MAX}")
    traced = trace if isinstance(trace, str) and _TRACE.fullmatch(trace) else ""
    return ToolCall(name=name, arguments=write_json(arguments), timeout_ms=wait, traceparent=traced, level=job.level)


def called(at: Asker) -> Answers:
    """The result of a tool's call, finished or asking for more."""
    call, outcome = tool_call(at.job), None
    if not at.job.modern:
        outcome = yield from at.backend.steps(at.who, call, at.live)
        if outcome.pending is None and not outcome.wants_input:
            # Nobody is asked anything, as in most calls.
            return dict(outcome.result)

    def run(inputs: Mapping[str, Json]) -> Steps[Outcome]:
        given = ToolCall(name=call.name, arguments=call.arguments, timeout_ms=call.timeout_ms, traceparent=call.traceparent, inputs=inputs, level=call.level)
        return at.backend.steps(at.who, given, at.live)

    return (yield from performed(at, Task(kind="tool", name=call.name, arguments=call.arguments, run=run), outcome))


def performed(at: Asker, task: Task, first: Outcome | None = None) -> Answers:
    """The result of a task, in the way of the era in which it was asked for. ``first``: what it came to, if it was done once already."""
    if at.job.modern:
        return (yield from _modern(at, task))
    return (yield from _old(at, task, first))


def _modern(at: Asker, task: Task) -> Answers:
    """One round: what the client must be asked goes out in the result, and comes back with the next request."""
    state, answered = State(inputs=_volunteered(at)), False
    if "requestState" in at.job.params:
        opened = at.seals.open(at.job.params["requestState"], _bound(at, task))
        if opened is None:
            # Attack: a word about what is wrong helps whoever tries states out.
            raise refuse("invalid requestState")
        state, answered = _answered(at, opened)
    outcome = yield from task.run(state.inputs)
    if outcome.pending is not None and not answered:
        return _ask_approval(at, task, outcome, outcome.pending, state)
    if outcome.wants_input:
        return _ask_input(at, task, outcome, state)
    return dict(outcome.result)


def _bound(at: Asker, task: Task) -> bytes:
    return binding(at.who, task.kind, task.name, task.arguments)


def _responses(at: Asker) -> dict[str, Json]:
    found = at.job.params.get("inputResponses", {})
    if not isinstance(found, dict):
        raise refuse("inputResponses must be an object")
    return found


def _volunteered(at: Asker) -> dict[str, Json]:
    """Answers to a tool's questions that came without a state: no more than arguments by another way, and judged as such. A person's answer never comes so."""
    return {name: answer for name, answer in _responses(at).items() if name not in {APPROVAL, CARRIED} and isinstance(answer, dict)}


def _answered(at: Asker, state: State) -> tuple[State, bool]:
    """Take what came back: a person's answer goes to the host, answers to a tool's questions to the tool. Also: did a person answer?"""
    found = _responses(at)
    if state.question:
        answer = found.get(APPROVAL)
        if isinstance(answer, dict):
            at.backend.answer(at.who, state.question, yes=says_yes(answer))
        return State(inputs=state.inputs, rounds=state.rounds), isinstance(answer, dict)
    given = {name: answer for name, answer in found.items() if name in state.asked and isinstance(answer, dict)}
    return State(inputs={**state.inputs, **given}, rounds=state.rounds), False


def _ask_approval(at: Asker, task: Task, outcome: Outcome, pending: Pending, state: State) -> dict[str, Json]:
    if not pending.may_elicit or not elicits(at.job.capabilities, at.job.version) or state.rounds >= ROUNDS_MAX:
        return dict(outcome.result)
    form: Json = {"method": ELICIT, "params": approval_form(pending, at.job.version)}
    return _required(at, task, {APPROVAL: form}, State(question=pending.question, inputs=state.inputs, rounds=state.rounds + 1))


def _ask_input(at: Asker, task: Task, outcome: Outcome, state: State) -> dict[str, Json]:
    questions, lacking = asked_questions(task.shown, outcome.result.get("inputRequests"), at.job.capabilities, at.job.version)
    if not questions and lacking:
        needed: Json = {"requiredCapabilities": {name: {} for name in lacking}}
        raise FaultError(NO_CAPABILITY, "Missing required client capability", data=needed, status=BAD_REQUEST)
    if not questions or state.rounds >= ROUNDS_MAX:
        return failed(task, TOO_MANY if questions else NO_INPUT)
    asked: dict[str, Json] = {one.name: {"method": one.method, "params": one.params} for one in questions}
    return _required(at, task, asked, State(asked=tuple(asked), inputs=_carrying(state.inputs, outcome), rounds=state.rounds + 1))


def _carrying(inputs: Mapping[str, Json], outcome: Outcome) -> dict[str, Json]:
    """The answers so far, with what a server behind the host wants back. It goes out sealed: no client reads it or gives another one."""
    state = outcome.result.get("requestState")
    others = {name: answer for name, answer in inputs.items() if name != CARRIED}
    return {**others, CARRIED: {"state": state}} if isinstance(state, str) and state else others


def _required(at: Asker, task: Task, requests: dict[str, Json], state: State) -> dict[str, Json]:
    sealed = at.seals.seal(state, _bound(at, task))
    if len(sealed) > STATE_CHARS_MAX:
        return failed(task, TOO_LONG)
    return {"resultType": "input_required", "inputRequests": requests, "requestState": sealed}


def _old(at: Asker, task: Task, first: Outcome | None) -> Answers:
    """The client is asked while the request waits. An approval is asked for once: where a yes did not count, another way is needed."""
    inputs: dict[str, Json] = {}
    asked = False
    for _ in range(ROUNDS_MAX):
        outcome, first = (yield from task.run(inputs)) if first is None else first, None
        if outcome.pending is not None:
            if asked or not outcome.pending.may_elicit or not elicits(at.job.capabilities, at.job.version):
                return dict(outcome.result)
            answer = yield _ask(at, Question(APPROVAL, ELICIT, approval_form(outcome.pending, at.job.version)))
            if answer is None:
                # Nobody answered here. The question still waits for another channel.
                return dict(outcome.result)
            at.backend.answer(at.who, outcome.pending.question, yes=says_yes(answer))
            asked = True
        elif outcome.wants_input:
            found = yield from _live_input(at, task, outcome)
            if isinstance(found, str):
                return failed(task, found)
            inputs = {**_carrying(inputs, outcome), **found}
        else:
            return dict(outcome.result)
    return failed(task, TOO_MANY)


def _live_input(at: Asker, task: Task, outcome: Outcome) -> Generator[Ask, dict[str, Json] | None, dict[str, Json] | str]:
    """The answers by the names of the questions, or a word why there are none."""
    questions, _ = asked_questions(task.shown, outcome.result.get("inputRequests"), at.job.capabilities, at.job.version)
    if not questions:
        return NO_INPUT
    found: dict[str, Json] = {}
    for one in questions:
        answer = yield _ask(at, one)
        if answer is None:
            return NO_ANSWER
        found[one.name] = answer
    return found


def _ask(at: Asker, one: Question) -> Ask:
    name = f"mpp-{next(at.ids)}"
    withdraw = notification("notifications/cancelled", {"requestId": name, "reason": "nobody waits for the answer any more"})
    return Ask(name, question(name, one.method, one.params), withdraw, ELICIT_SECONDS)


def failed(task: Task, words: str) -> dict[str, Json]:
    """A request that ended without being done. Only a tool has a result that says so."""
    if task.kind != "tool":
        raise refuse(words)
    return {"content": [{"type": "text", "text": words}], "isError": True}
