"""What ``mpp run`` shows: the answer, and on request how it came about."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from mpp.cli.screen import complain, error_json, note, put_json, safe, say
from mpp.errors import ToolFailed
from mpp.host.judging import Judged
from mpp.host.oncall import Reply
from mpp.host.sandbox import Ready
from mpp.model.events import EntryRef
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy import Report as Redactions, UNFILTERED
from mpp.stages.sandbox import Used
from mpp.stages.sandbox import InputRequired, TextContent, ToolReply, ToolResult

STDERR_LINES_MAX = 200
"""Lines of a tool's standard error that are shown. Reason: what a person scrolls through; all of them are in --json."""


@value
class Stage:
    name: str
    seconds: float
    note: str


class Report:
    """The stages of one command with their times."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.stages.append(Stage(name=name, seconds=time.perf_counter() - begun, note=""))


@value
class Shown:
    """What stands beside the answer."""

    package: str
    version: str
    development: bool
    judged: Judged
    receipt: bytes
    """The host's signed word on an approved call; empty where nobody was asked."""
    entry: EntryRef
    """Where the result is in the record."""
    because: str
    fresh: bool


def show(report: Report, shown: Shown, ready: Ready, reply: Reply, *, as_json: bool, explain: bool) -> int:
    """Print the answer; the exit code says whether the tool did what it was asked for."""
    fault = reply.clean.fault or _said_no(reply.clean.reply)
    if as_json:
        put_json(_whole(report, shown, ready, reply))
        return fault.exit_code if fault is not None else 0
    if shown.development:
        note("development build: unsigned, for this project only")
    for line in _lines(reply.clean.stderr):
        note(f"tool: {line}")
    if reply.clean.reply is not None:
        _answer(reply.clean.reply)
    _tell_privacy(reply.privacy)
    if explain:
        _explain(report, shown, ready, reply)
    if fault is not None:
        complain(fault, as_json=False)
        return fault.exit_code
    return 0


def _said_no(reply: ToolReply | None) -> ToolFailed | None:
    if isinstance(reply, ToolResult) and reply.is_error:
        return ToolFailed("tool.said_no", "the tool says that it could not do it", hint="its answer says why")
    if isinstance(reply, InputRequired):
        return ToolFailed("tool.asks", "the tool asks for more before it can answer", hint="call it again with what it asks for")
    return None


def _tell_privacy(report: Redactions) -> None:
    """Spec: 6-privacy. Whoever reads the answer learns that something was taken out, and of what kind."""
    if report.engine == UNFILTERED:
        note("warning: this machine has no engine to filter with, and policy lets it run tools without: nothing was taken out")
    if report.counts:
        note("privacy filter: took out " + ", ".join(f"{count} {kind}" for kind, count in report.counts))
    if report.let_through:
        note("privacy filter: let through by policy: " + ", ".join(f"{count} {kind}" for kind, count in report.let_through))
    if report.outgoing:
        note("privacy filter: kept from leaving: " + ", ".join(f"{count} {kind}" for kind, count in report.outgoing))
    if report.stripped:
        note(f"privacy filter: took out {report.stripped} invisible characters")


def _lines(text: str) -> list[str]:
    lines = text.splitlines()
    more = [f"… {len(lines) - STDERR_LINES_MAX} more lines"] if len(lines) > STDERR_LINES_MAX else []
    return [safe(line) for line in lines[:STDERR_LINES_MAX]] + more


def _answer(reply: ToolReply) -> None:
    if not isinstance(reply, ToolResult):
        for line in json.dumps(reply.to_json(), indent=2, ensure_ascii=False).splitlines():
            say(f"tool asks: {line}")
        return
    texts = [item for item in reply.content if isinstance(item, TextContent)]
    for item in reply.content:
        if isinstance(item, TextContent):
            # Attack: an answer that moves the cursor and shows a verdict of its own. Line ends are its own, nothing else is.
            for line in item.text.split("\n"):
                say(line)
        else:
            say(f"[{item.kind}]")
    if not texts and reply.structured is not None:
        for line in json.dumps(json.loads(reply.structured), indent=2, ensure_ascii=False).splitlines():
            say(line)


def _explain(report: Report, shown: Shown, ready: Ready, reply: Reply) -> None:
    note("")
    note(f"package      {shown.package} {shown.version}, content {ready.rights.content_hash[:16]} ({shown.because})")
    for stage in report.stages:
        note(f"{stage.name:<20} {stage.seconds * 1000:9.3f} ms")
    note(f"{'of that, in the guest':<20} {reply.run.seconds * 1000:8.3f} ms")
    note(f"compiled     {'now' if shown.fresh else 'before'}, {ready.compiled.size} bytes of native code")
    for line in _decision_lines(shown.judged):
        note(line)
    note(f"arguments    sha256 {reply.argument_hash}")
    note(f"record       entry {shown.entry.seq}, {shown.entry.leaf}")
    for name, listed in _used(reply.run.used).items():
        if listed:
            note(f"used         {name}: {json.dumps(listed)}")


def _decision_lines(judged: Judged) -> list[str]:
    grant, verdict = judged.grant, judged.verdict
    who = f" by {', '.join(grant.approvers)} ({grant.amr})" if grant.approvers else ""
    lines = [f"allowed      by {grant.because}{who}; deciding rule {grant.rule}", f"risk         {verdict.risk.score} of 100, {verdict.risk.band}"]
    return lines + [f"             {reason.points:+d} {reason.words}" for reason in verdict.risk.reasons]


def _decision_json(judged: Judged) -> Json:
    grant, verdict = judged.grant, judged.verdict
    layers: list[Json] = [{"layer": one.layer, "policy": one.policy, "rule": one.rule, "effect": one.effect} for one in verdict.decided]
    reasons: list[Json] = [{"points": one.points, "words": one.words} for one in verdict.risk.reasons]
    return {
        "because": grant.because,
        "rule": grant.rule,
        "approvers": [*grant.approvers],
        "amr": grant.amr,
        "jti": grant.jti,
        "agent": grant.agent.shown(),
        "origin": judged.asked.origin,
        "layers": layers,
        "policy_sha256": verdict.policy_digest,
        "risk": {"score": verdict.risk.score, "band": verdict.risk.band, "reasons": reasons},
    }


def _used(used: Used) -> dict[str, Json]:
    return {
        "hosts": [*used.hosts],
        "kv": dict(used.kv),
        "secrets": [*used.secrets],
        "secrets_echoed": [*used.echoed],
        "files_read": [*used.files_read],
        "files_written": [*used.files_written],
        "host_calls": used.host_calls,
    }


def _whole(report: Report, shown: Shown, ready: Ready, reply: Reply) -> dict[str, Json]:
    fault = reply.clean.fault or _said_no(reply.clean.reply)
    stages: list[Json] = [{"name": stage.name, "ms": round(stage.seconds * 1000, 3)} for stage in report.stages]
    return {
        "ok": fault is None,
        "result": reply.clean.reply.to_json() if reply.clean.reply is not None else None,
        "package": {"id": shown.package, "version": shown.version, "sha256": ready.rights.content_hash, "publisher": ready.rights.publisher_id},
        "tool": reply.context.tool,
        "invocation": reply.context.invocation,
        "development": shown.development,
        "decision": _decision_json(shown.judged),
        "receipt": json.loads(shown.receipt) if shown.receipt else None,
        "argument_sha256": reply.argument_hash,
        "audit": {"entry": shown.entry.seq, "leaf": shown.entry.leaf},
        "stages": stages,
        "guest_ms": round(reply.run.seconds * 1000, 3),
        "used": _used(reply.run.used),
        "stderr": reply.clean.stderr,
        "stderr_dropped": reply.run.stderr_cut,
        "filtered": reply.privacy.engine != UNFILTERED,
        "privacy": {"counts": dict(reply.privacy.counts), **reply.privacy.to_json()},
        "error": None if fault is None else error_json(fault),
    }
