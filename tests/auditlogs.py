"""Records as real calls leave them, for tests: each function gives the events of one story, in order; ``write`` makes a log of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mpp.host.audit.log import AuditLog
from mpp.host.home import Home
from mpp.model.agents import AgentIdentity
from mpp.model.events import EntryRef, Event
from mpp.model.scope import Scope
from mpp.stages.approval import answer_event, consent_event, consent_of, make_question, question_event, vouch
from mpp.model.manifest import parse_manifest
from mpp.stages.policy import agent_event, decision_event, token_event
from mpp.stages.policy.types import Decided, Limits, Risk, Verdict
from mpp.testing.packages import NOW, TestClock, TestRandom, files
from mpp.testing.questions import asked, given, need, POLICY_DIGEST, token_for

DAY = 86_400


def sha(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


@dataclass(frozen=True)
class Story:
    """One call. ``number`` makes its ids; the call that asked has the same one, less than zero, and so the same approval."""

    number: int = 1
    at: int = NOW
    package: str = "com.example.hello"
    publisher: str = "Example Publisher"
    version: str = "0.1.0"
    tool: str = "greet"
    agent: str = "claude"
    level: str = "launched"
    user: str = ""
    """A pseudonym."""
    approver: str = ""
    """Empty: policy alone let it run."""
    amr: str = "tty"
    outcome: str = "ok"
    hosts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    files_read: int = 0
    files_written: int = 0
    risk: int = 12
    arguments: bytes = b'{"name":"Ada"}'
    output: bytes = b'{"ok":true}'
    tenant: str = "local"
    more: dict[str, object] = field(default_factory=dict)
    """Put into the body of the result, as later versions may."""

    @property
    def invocation(self) -> str:
        return sha(f"call {self.number}")[:32]

    @property
    def jti(self) -> str:
        return sha(f"jti {abs(self.number)}")[:32]

    @property
    def publisher_id(self) -> str:
        return sha(self.publisher)

    @property
    def content(self) -> str:
        return sha(f"{self.package} {self.version}")

    @property
    def identity(self) -> AgentIdentity:
        return AgentIdentity(name=self.agent, level=self.level)

    def facts(self):
        risk = Risk(score=self.risk, band="low", reasons=())
        return asked(
            tenant=self.tenant, publisher_id=self.publisher_id, publisher_name=self.publisher, package_id=self.package, version=self.version,
            content_hash=self.content, tool=self.tool, agent=self.identity, now=self.at, risk=risk,
            scope=Scope(read=("/data",), tools=(self.tool, "another")),
        )  # fmt: skip

    def verdict(self, effect: str, rule: str = "default") -> Verdict:
        decided = Decided(layer="user", policy="developer", rule=rule, effect=effect, why="")
        return Verdict(effect=effect, limits=Limits(), decided=(decided,), risk=self.facts().risk, policy_digest=POLICY_DIGEST)

    def event(self, kind: str, body: dict, after: int = 0, **more) -> Event:
        return Event(kind=kind, at=self.at + after, tenant=self.tenant, invocation=self.invocation, body=body, **more)


def _judged(story: Story, effect: str, rule: str = "default") -> list[Event]:
    who = agent_event(story.identity, at=story.at, tenant=story.tenant, invocation=story.invocation)
    return [who, decision_event(story.facts(), story.verdict(effect, rule), story.invocation, sha(story.arguments), story.user)]


def _question(story: Story):
    facts = story.facts()
    question = make_question(facts, need(risk=facts.risk), given(), TestRandom())
    return replace(question, jti=story.jti, id=sha(f"question {abs(story.number)}")[:32])


def asks(story: Story) -> list[Event]:
    """Policy leaves it to a person: the call ends, and a question waits."""
    return [*_judged(story, "ask"), question_event(_question(story)), story.event("refused", _refusal(story, "approval.required", "approval"))]


def answers(story: Story, *, yes: bool = True, after: int = 30) -> list[Event]:
    question = _question(story)
    return [answer_event(question, vouch(question, yes=yes, user=story.approver or "ada", amr=story.amr, now=story.at + after), story.at + after)]


def runs(story: Story) -> list[Event]:
    """A call that runs, from its agent to its receipt; with question and answer before it where somebody approved it."""
    events = [*asks(replace(story, number=-story.number)), *answers(story)] if story.approver else []
    token = token_for(story.facts())
    events += [*_judged(story, "ask" if story.approver else "allow"), token_event("token-granted", token, story.invocation, story.at)]
    if story.approver:
        events.append(story.event("approval-spent", {"jti": story.jti, "approvers": [f"user:{story.approver}"], "amr": story.amr}))
    intent = {
        "publisher": story.publisher_id, "package": story.package, "content": story.content, "tool": story.tool, "agent": story.identity.shown(),
        "because": "approval" if story.approver else "policy", "rule": "developer/default", "jti": story.jti if story.approver else "", "token": sha("token"),
    }  # fmt: skip
    events.append(story.event("intent", intent, commit={"in": sha(story.arguments)}))
    return [*events, *_ends(story, token)]


def _ends(story: Story, token) -> list[Event]:
    used = {
        "outcome": story.outcome, "hosts": [*story.hosts], "kv": {}, "secrets": [*story.secrets], "secrets_echoed": [], "files_read": story.files_read,
        "files_written": story.files_written, "host_calls": len(story.hosts), "more": 0, **story.more,
    }  # fmt: skip
    commit = {"out_raw": sha(story.output)} | ({"out_shown": sha(story.output)} if story.outcome == "ok" else {})
    events = [token_event("token-used", token, story.invocation, story.at + 1), story.event("result", used, 1, commit=commit)]
    if story.approver:
        events.append(story.event("receipt", {"jti": story.jti, "outcome": story.outcome, "sha256": sha("receipt")}, 1))
    return events


def denied(story: Story, rule: str = "no-strangers") -> list[Event]:
    return [*_judged(story, "deny", rule), story.event("refused", _refusal(story, "policy.denied", "policy"))]


def refused(story: Story, code: str = "signature.invalid") -> list[Event]:
    """Refused before policy saw it."""
    return [story.event("refused", _refusal(story, code, "gatekeeper"))]


def _refusal(story: Story, code: str, stage: str) -> dict:
    return {"code": code, "stage": stage, "package": story.package, "tool": story.tool}


def consented(story: Story, by: str = "user:ada") -> list[Event]:
    manifest = files()["manifest.json"]
    consent = consent_of(parse_manifest(manifest), manifest, tenant=story.tenant, publisher_id=story.publisher_id, by=by, amr="tty", now=story.at)
    return [consent_event(replace(consent, package_id=story.package), invocation=story.invocation)]


def stopped(package: str, at: int = NOW, by: str = "ada", *, lifted: bool = False) -> list[Event]:
    body = {"what": "package", "name": package, "lifted": lifted, "why": "leaks", "by": by, "amr": "tty" if lifted else ""}
    return [Event(kind="stop", at=at, tenant="local", invocation="", body=body)]


def changed_trust(name: str = "planner", at: int = NOW, by: str = "ada") -> list[Event]:
    return [Event(kind="trust", at=at, tenant="local", invocation="", body={"what": "agent", "name": name, "change": "added", "by": by, "amr": "tty"})]


def some_days(days: int = 3, calls: int = 4) -> list[Event]:
    """A small varied record."""
    events: list[Event] = [*changed_trust(at=NOW), *consented(Story(number=9000))]
    number = 0
    for day in range(days):
        for call in range(calls):
            number += 1
            story = Story(
                number=number, at=NOW + day * DAY + call * 60, package=("com.example.hello", "com.example.crm")[call % 2], agent=("claude", "planner")[day % 2],
                tool=("greet", "export")[call % 2], approver="ada" if call % 2 else "", hosts=("api.example.com",) if call % 2 else (), user="ab" * 16,
            )  # fmt: skip
            events += runs(story)
        events += denied(Story(number=1000 + day, at=NOW + day * DAY + 1000, package="com.bad.tool", tool="steal", agent="intruder", risk=88))
    events += refused(Story(number=2000, at=NOW + days * DAY, package="com.bad.tool", tool="steal"))
    return [*events, *stopped("com.bad.tool", at=NOW + days * DAY)]


def write(folder: Path | str, events: Iterable[Event], *, seal_every: int = 0, now: int = NOW) -> Sequence[EntryRef]:
    """A log in the home ``folder`` with these events; ``seal_every`` ends a segment after so many."""
    found: list[EntryRef] = []
    events = list(events)
    step = seal_every or 1000
    with AuditLog(Home(path=str(folder)), clock=TestClock(now)) as log:
        for at in range(0, len(events), step):
            found += log.record_all(events[at : at + step], durable=False)
            if seal_every:
                log.seal()
    return found
