"""One call for an agent, from its arguments to what it is told: judge, warrant, run, filter, record. The order is that of spec/call-contract.md.

Whatever ends the call, the record knows it before the agent does. If the record itself fails, the agent gets one constant text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache

from mpp.errors import MppError, Refused
from mpp.host.audit.vault import vault_for
from mpp.host.drive import drive
from mpp.host.filtering import NAMES_MAX, Whose
from mpp.host.finishing import finishing, refused
from mpp.host.gathering import alone, Gathered, Record
from mpp.host.home import Home
from mpp.host.judging import Judged, judge, privacy_of, Request, Services, Setting
from mpp.host.known import known
from mpp.host.lane import in_turn, Lane
from mpp.host.leaving import again, reveal_event, send, Sent
from mpp.host.oncall import call_tool, new_invocation, Reply, result_event, Surroundings
from mpp.host.ready import ReadyPackages
from mpp.host.sandbox import Sandbox
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import judge_stored
from mpp.host.services.transcript import Recorder
from mpp.model.events import Event
from mpp.model.jsontext import Json
from mpp.model.manifest import ToolDefinition
from mpp.model.value import value
from mpp.ports import Steps
from mpp.protocol.mcp.ports import Caller, Live, Outcome, Pending, ToolCall
from mpp.stages.approval import Grant, Question, Warrant, enough, required, warranting
from mpp.stages.gatekeeper import VerifiedPackage
from mpp.stages.policy import agent_event
from mpp.stages.privacy import Report
from mpp.stages.sandbox import Arguments, InputRequired, read_arguments, Run, Used

META = "org.modelpackageprotocol/"
"""Before our keys in ``_meta``, so that they meet no other's."""

ORIGIN = "model"
"""Who had the idea of a call that comes through a front: an agent, as far as anybody can know."""

ELICITATION = "elicitation"
"""The strength of an answer that comes through the client: it may have given it by itself."""

FAILED = "this host could not record the call, so there is no answer"
"""What an agent is told when the record fails. It is constant: nothing that was not recorded gets out."""


@value
class Room:
    """All that calls of one host share."""

    home: Home
    on: Services
    log: Record
    sandbox: Sandbox
    ready: ReadyPackages
    secrets: SecretStore
    recorder: Recorder
    environment: Mapping[str, str]
    clock_ns: Callable[[], int]
    setting: Callable[[], Setting]
    """What the next call is judged by."""
    lane: Lane


@value
class PackageTool:
    """A tool of an installed package, as it can be called now."""

    package: VerifiedPackage
    tool: ToolDefinition
    development: bool = False
    """An unsigned build of the project that is being worked on: no publisher stands for it."""
    watch: Callable[[Reply], None] | None = None
    """Told of each answer of such a build, for the person who works on it."""


def call_package(one: PackageTool, who: Caller, call: ToolCall, live: Live, room: Room) -> Outcome:
    """Never raises for what a tool, a policy or a person says; the outcome says so."""
    return drive(calling_package(one, who, call, live, room), live.gone_fd)


def calling_package(one: PackageTool, who: Caller, call: ToolCall, live: Live, room: Room) -> Steps[Outcome]:
    """The same for whoever has several calls under way in one thread."""
    return in_turn(room.lane, _called(one, who, call, live, room))


def _called(one: PackageTool, who: Caller, call: ToolCall, live: Live, room: Room) -> Steps[Outcome]:
    gathered = Gathered(room.log)
    on = room.on.telling(gathered)
    invocation = new_invocation(on.random)
    labels = _labels(one)
    try:
        try:
            found = _judged(one, who, call, invocation, room, on)
            if isinstance(found, Question):
                _refused(required(found), one, who, invocation, on)
                return pending(found, labels)
            return (yield from _ran(one, found, call, live, room, on, gathered, labels))
        except MppError as fault:
            # What went wrong after the intent is recorded where it went wrong; then it comes as an outcome.
            _refused(fault, one, who, invocation, on)
            return failure(fault, {**labels, "invocation": invocation})
        finally:
            gathered.flush()
    except MppError:
        return Outcome(result=error_result(FAILED, "audit.failed", labels))


def _refused(fault: MppError, one: PackageTool, who: Caller, invocation: str, on: Services) -> None:
    refused(
        fault, on, tenant=who.tenant, invocation=invocation, package_id=one.package.package_id, tool=one.tool.name, agent=who.agent, user=who.user
    )  # fmt: skip


@value
class _Ready:
    """A judged call with the setting that it keeps."""

    judged: Judged
    at: Setting
    sent: Sent


def _judged(one: PackageTool, who: Caller, call: ToolCall, invocation: str, room: Room, on: Services) -> _Ready | Question:
    at = room.setting()
    arguments = with_inputs(read_arguments(call.arguments), call.inputs, one.tool)
    sent = send(arguments, one.tool, one.package, at.privacy, _whose(who), on.filters)
    request = Request(
        invocation=invocation, package=one.package, tool=one.tool, arguments=sent.given, agent=who.agent, shown=sent.shown if sent.differs else None,
        user=who.user, origin=ORIGIN, tenant=who.tenant, development=one.development,
    )  # fmt: skip
    if who.proof:
        on.events.record(agent_event(who.agent, at=on.clock.now(), tenant=who.tenant, invocation=invocation, proof_jti=who.proof, roles=()))
    found = judge(request, at, on)
    return found if isinstance(found, Question) else _Ready(judged=found, at=at, sent=sent)


def _ran(
    one: PackageTool, found: _Ready, call: ToolCall, live: Live, room: Room, on: Services, gathered: Gathered, labels: Mapping[str, Json]
) -> Steps[Outcome]:  # fmt: skip
    judged, package = found.judged, one.package
    vault = vault_for(room.home.log, on.random, room.recorder, on.events, judged.grant.invocation)
    # Attack: a host that cannot filter, or that lacks a secret. It says so before anything runs.
    through = on.filters.bind(privacy_of(judged, found.at), package.manifest.privacy_filters, _whose_of(judged))
    judge_stored(judged.rights.env, judged.rights.secrets, judged.rights.package_id, room.secrets)
    issued: list[Warrant] = []

    def issue(grant: Grant) -> Steps[Warrant]:
        intend = gathered.intend if vault is None else alone(vault)
        issued.append((yield from warranting(grant, on.approvals, on.events, on.clock.now(), on.approvals.use_standing, intend)))
        return issued[0]

    if found.sent.differs:
        on.events.record(_revealed(found, one, on))
    about = Surroundings(environment=room.environment, clock_ns=room.clock_ns, live=live, through=through, issue=issue, vault=vault)
    with room.ready.use(package, judged.grant.token, judged.rights) as ready:
        steps = call_tool(
            room.sandbox, ready, one.tool, found.sent, judged.grant, judged.asked.user, about, secrets=room.secrets, timeout_ms=call.timeout_ms
        )  # fmt: skip
        try:
            reply = yield from steps
        except MppError as fault:
            if not issued:
                raise
            return _broken(fault, judged, on, labels)
    finished = yield from finishing(judged, reply, on, gathered.together)
    if one.watch is not None:
        one.watch(reply)
    return outcome(reply, {**labels, "entry": finished.entry.seq, "invocation": judged.grant.invocation}, finished.document)


def _broken(fault: MppError, judged: Judged, on: Services, labels: Mapping[str, Json]) -> Outcome:
    """It was about to run, and could not: no process, no room. The intent gets its end."""
    run = Run(fault=fault, exit_code=-1, stdout=b"", stderr=b"", stderr_cut=0, used=Used(), seconds=0.0, reusable=False)
    grant = judged.grant
    entry = on.events.record(result_event(judged.asked.tenant, grant.invocation, fault.code, run, "", Report(rules="", engine=""), on.clock.now()))
    return failure(fault, {**labels, "entry": entry.seq, "invocation": grant.invocation})


# -- what is told


def outcome(reply: Reply, labels: Mapping[str, Json], document: Mapping[str, Json] | None = None) -> Outcome:
    """The filtered answer with our labels beside its own. ``document``: that answer as JSON, where whoever calls has it."""
    clean = reply.clean
    counts: dict[str, Json] = {**dict(reply.privacy.counts)}
    told: dict[str, Json] = {**labels, "redactions": counts}
    if clean.reply is None:
        fault = clean.fault or Refused("privacy.withheld", "there is no answer", hint="the record has the reason")
        return failure(fault, told)
    result = clean.reply.to_json() if document is None else document
    if isinstance(clean.reply, InputRequired):
        return Outcome(result={**result, "_meta": _meta(told)})
    own = result.get("_meta")
    return Outcome(result={**result, "_meta": {**(own if isinstance(own, dict) else {}), **_meta(told)}})


def pending(question: Question, labels: Mapping[str, Json]) -> Outcome:
    """Attack: an agent that learns here how to approve, or what to change until nobody is asked. It learns a reference."""
    asked = Pending(question=question.ref, ref=question.ref, text=question.text, may_elicit=may_elicit(question))
    fault = required(question)
    return Outcome(result=error_result(fault.message, fault.code, labels), pending=asked)


def may_elicit(question: Question) -> bool:
    """Spec: mcp-front. A client that answers by itself is no person: what needs a stronger yes, two of them, or a look at details, is not asked through it."""
    return enough(ELICITATION, question.strength) and question.approvers == 1 and not question.must_open_details


def failure(fault: MppError, labels: Mapping[str, Json]) -> Outcome:
    """In the words of the fault. What only the owner of the host can do about it is not for the agent, and neither are places on this machine."""
    is_mendable = fault.stage in _AGENT_CAN_MEND
    words = fault.message + (f" ({fault.where})" if is_mendable and fault.where else "")
    if is_mendable and fault.hint:
        words += f"; {fault.hint}"
    more = [one.message + (f" ({one.where})" if is_mendable else "") for one in fault.faults[1:MORE_FAULTS_MAX]]
    return Outcome(result=error_result("\n".join([words, *more]), fault.code, labels))


_AGENT_CAN_MEND = frozenset(("sandbox", "privacy"))
"""Stages whose places and hints are of arguments and answers. Those of policy and approval would tell an agent how to get its way, those of the host who its owner is."""

MORE_FAULTS_MAX = 8
"""Faults of one call that are told. Reason: a model mends a few at a time."""


def error_result(words: str, code: str, labels: Mapping[str, Json]) -> Mapping[str, Json]:
    content: list[Json] = [{"type": "text", "text": f"{words} [{code}]"}]
    return {"content": content, "isError": True, "_meta": _meta({**labels, "code": code})}


def _meta(labels: Mapping[str, Json]) -> dict[str, Json]:
    return {META + name: item for name, item in labels.items()}


def _labels(one: PackageTool) -> dict[str, Json]:
    """What a client may know of whose answer it is."""
    return {**known(one.package).labels, "verified": not one.development}


def _revealed(found: _Ready, one: PackageTool, on: Services) -> Event:
    judged = found.judged
    return reveal_event(
        found.sent, tenant=judged.asked.tenant, invocation=judged.grant.invocation, package_id=judged.asked.package_id, tool=one.tool.name, at=on.clock.now()
    )


def _whose(who: Caller) -> Whose:
    return _one_whose(who.tenant, who.agent.name)


def _whose_of(judged: Judged) -> Whose:
    return _one_whose(judged.asked.tenant, judged.grant.agent.name)


@lru_cache(NAMES_MAX)
def _one_whose(tenant: str, agent: str) -> Whose:
    return Whose(tenant=tenant, agent=agent)


def with_inputs(arguments: Arguments, inputs: Mapping[str, Json], tool: ToolDefinition) -> Arguments:
    """Spec: call-contract C-40. Each answer to a question of the tool becomes the argument of that name, if the tool declares one.

    What is there already stays as it is, so that no answer changes what was asked.
    """
    if not inputs:
        return arguments
    declared, given = json.loads(tool.parameters).get("properties", {}), json.loads(arguments.data)
    fields = {name: answer for name, answer in inputs.items() if name in declared and name not in given}
    return again({**given, **fields}) if fields else arguments
