"""One ``tools/call``, with what the client is asked on the way. Spec: mcp-front J-40 to J-55.

A call is never resumed: after each answer the host judges it anew.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from itertools import count
from typing import NamedTuple, TypeAlias

from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.protocol.mcp.asking import APPROVAL, ELICIT, Question, approval_form, elicits, says_yes, tool_questions
from mpp.protocol.mcp.limits import ELICIT_SECONDS, NAME_CHARS_MAX, ROUNDS_MAX, STATE_CHARS_MAX, TIMEOUT_MS_MAX
from mpp.protocol.mcp.ports import Backend, Caller, Live, Outcome, Pending, ToolCall
from mpp.protocol.mcp.reading import write_json
from mpp.protocol.mcp.sealing import Seals, State, binding
from mpp.protocol.mcp.telling import Job
from mpp.protocol.mcp.versions import NO_CAPABILITY, TIMEOUT_KEY
from mpp.protocol.mcp.writing import BAD_REQUEST, FaultError, notification, question, refuse

_TRACE = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

NO_INPUT = "The tool needs an answer that this client cannot give."
NO_ANSWER = "The tool asked for something and got no answer."
TOO_LONG = "The answers to the tool's questions are too long."
TOO_MANY = f"The tool asked {ROUNDS_MAX} times and was not done."


class Ask(NamedTuple):
    """A request to the client in the old eras. Whoever runs the call sends it, and goes on with the answer or with None."""

    id: str
    data: bytes
    withdraw: bytes
    """What is sent when nobody waits for the answer any more."""
    seconds: int


Answers: TypeAlias = "Generator[Ask, dict[str, Json] | None, dict[str, Json]]"


@value
class Asker:
    """Where a call comes from, and how its client is asked."""

    backend: Backend
    seals: Seals
    who: Caller
    job: Job
    live: Live
    ids: count[int]

    def call(self, call: ToolCall) -> Outcome:
        return self.backend.call(self.who, call, self.live)


def tool_call(job: Job) -> ToolCall:
    """The call as the client wrote it. Raises FaultError."""
    params = job.params
    name, arguments = params.get("name"), params.get("arguments")
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
    return ToolCall(name=name, arguments=write_json(arguments), timeout_ms=wait, traceparent=traced)


def called(at: Asker) -> Answers:
    """The result of a call, finished or asking for more."""
    call = tool_call(at.job)
    if at.job.modern:
        return _modern(at, call)
    return (yield from _old(at, call))


def _with(call: ToolCall, inputs: Mapping[str, Json]) -> ToolCall:
    return ToolCall(name=call.name, arguments=call.arguments, timeout_ms=call.timeout_ms, traceparent=call.traceparent, inputs=inputs)


def _modern(at: Asker, call: ToolCall) -> dict[str, Json]:
    """One round: what the client must be asked goes out in the result, and comes back with the next request."""
    state, answered = State(), False
    if "requestState" in at.job.params:
        opened = at.seals.open(at.job.params["requestState"], binding(at.who, call.name, call.arguments))
        if opened is None:
            # Attack: a word about what is wrong helps whoever tries states out.
            raise refuse("invalid requestState")
        state, answered = _answered(at, opened)
        call = _with(call, state.inputs)
    outcome = at.call(call)
    if outcome.pending is not None and not answered:
        return _ask_approval(at, call, outcome, outcome.pending, state)
    if outcome.wants_input:
        return _ask_input(at, call, outcome, state)
    return dict(outcome.result)


def _answered(at: Asker, state: State) -> tuple[State, bool]:
    """Take what came back: a person's answer goes to the host, answers to a tool's questions to the tool. Also: did a person answer?"""
    # Answers without a state were asked by nobody; they are not looked at.
    found = at.job.params.get("inputResponses", {})
    if not isinstance(found, dict):
        raise refuse("inputResponses must be an object")
    if state.question:
        answer = found.get(APPROVAL)
        if isinstance(answer, dict):
            at.backend.answer(at.who, state.question, yes=says_yes(answer))
        return State(inputs=state.inputs, rounds=state.rounds), isinstance(answer, dict)
    given = {name: answer for name, answer in found.items() if name in state.asked and isinstance(answer, dict)}
    return State(inputs={**state.inputs, **given}, rounds=state.rounds), False


def _ask_approval(at: Asker, call: ToolCall, outcome: Outcome, pending: Pending, state: State) -> dict[str, Json]:
    if not pending.may_elicit or not elicits(at.job.capabilities, at.job.version) or state.rounds >= ROUNDS_MAX:
        return dict(outcome.result)
    form: Json = {"method": ELICIT, "params": approval_form(pending, at.job.version)}
    return _required(at, call, {APPROVAL: form}, State(question=pending.question, inputs=state.inputs, rounds=state.rounds + 1))


def _ask_input(at: Asker, call: ToolCall, outcome: Outcome, state: State) -> dict[str, Json]:
    questions, lacking = tool_questions(shown(call.name), outcome.result.get("inputRequests"), at.job.capabilities, at.job.version)
    if not questions and lacking:
        needed: Json = {"requiredCapabilities": {name: {} for name in lacking}}
        raise FaultError(NO_CAPABILITY, "Missing required client capability", data=needed, status=BAD_REQUEST)
    if not questions or state.rounds >= ROUNDS_MAX:
        return failed(TOO_MANY if questions else NO_INPUT)
    asked: dict[str, Json] = {one.name: {"method": one.method, "params": one.params} for one in questions}
    return _required(at, call, asked, State(asked=tuple(asked), inputs=state.inputs, rounds=state.rounds + 1))


def _required(at: Asker, call: ToolCall, requests: dict[str, Json], state: State) -> dict[str, Json]:
    sealed = at.seals.seal(state, binding(at.who, call.name, call.arguments))
    if len(sealed) > STATE_CHARS_MAX:
        return failed(TOO_LONG)
    return {"resultType": "input_required", "inputRequests": requests, "requestState": sealed}


def _old(at: Asker, call: ToolCall) -> Answers:
    """The client is asked while the call waits. An approval is asked for once: where a yes did not count, another way is needed."""
    asked = False
    for _ in range(ROUNDS_MAX):
        outcome = at.call(call)
        if outcome.pending is not None:
            if asked or not outcome.pending.may_elicit or not elicits(at.job.capabilities, at.job.version):
                return dict(outcome.result)
            answer = yield ask(at, Question(APPROVAL, ELICIT, approval_form(outcome.pending, at.job.version)))
            if answer is None:
                # Nobody answered here. The question still waits for another channel.
                return dict(outcome.result)
            at.backend.answer(at.who, outcome.pending.question, yes=says_yes(answer))
            asked = True
        elif outcome.wants_input:
            found = yield from _live_input(at, call.name, outcome)
            if "isError" in found:
                return found
            call = _with(call, {**call.inputs, **found})
        else:
            return dict(outcome.result)
    return failed(TOO_MANY)


def _live_input(at: Asker, tool: str, outcome: Outcome) -> Answers:
    """The answers by the names of the questions, or a result that says why there are none."""
    questions, _ = tool_questions(shown(tool), outcome.result.get("inputRequests"), at.job.capabilities, at.job.version)
    if not questions:
        return failed(NO_INPUT)
    found: dict[str, Json] = {}
    for one in questions:
        answer = yield ask(at, one)
        if answer is None:
            return failed(NO_ANSWER)
        found[one.name] = answer
    return found


def ask(at: Asker, one: Question) -> Ask:
    name = f"mpp-{next(at.ids)}"
    withdraw = notification("notifications/cancelled", {"requestId": name, "reason": "nobody waits for the answer any more"})
    return Ask(name, question(name, one.method, one.params), withdraw, ELICIT_SECONDS)


def failed(words: str) -> dict[str, Json]:
    """A call that ended without the tool being done."""
    return {"content": [{"type": "text", "text": words}], "isError": True}
