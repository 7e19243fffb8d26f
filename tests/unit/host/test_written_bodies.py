"""Events that bring their body written along: the same bytes as the log would write, for calls that are alike and for those that are nearly so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.errors import HostFailed
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.pseudonyms import without_names
from mpp.host.oncall import result_event
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import Json
from mpp.model.events import SALT_BYTES, Event, written_body
from mpp.model.jsontext import canonical
from mpp.stages.approval import Grant
from mpp.stages.approval.warrants import warrant
from mpp.stages.audit import encode_event
from mpp.stages.policy import Asked, decision_event, token_event
from mpp.stages.policy.events import _KNOWN
from mpp.stages.policy.token import CapabilityToken, mint
from mpp.stages.privacy import Report
from mpp.stages.sandbox import Run, Used
from tests.policies import CONTENT, PUBLISHER, call, layered, opening, policy

SALT = b"s" * SALT_BYTES
TOOL = "add"


class Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event, *, durable: bool = False) -> None:
        self.events.append(event)


def judge(event: Event) -> None:
    """The bytes are those of the body, and the line is as if they were not there."""
    assert event.written is not None
    assert event.written.body is event.body
    assert event.written.data == canonical(event.body)
    plain = replace(event, written=None)
    assert encode_event(event, SALT) == encode_event(plain, SALT)
    assert encode_event(event, SALT, 'w"1') == encode_event(plain, SALT, 'w"1')
    assert event == plain


def asked() -> list[Asked]:
    """Calls that differ in one thing from those before and after them."""
    odd = AgentIdentity(name='"now":7, \\"now\\":8', level="token")
    base = [call(), call(now=1), call(arguments={"a": 1}), call(), call(user="eve"), call(agent=odd), call(tool="list"), opening(), opening(now=-5), call()]
    return base + [replace(one, consented=True) for one in base] + [replace(one, internal_hosts=('a"now":9',), publisher_name="\u00e9") for one in base]


def test_decisions_are_written_as_they_are() -> None:
    policies = layered(user=policy({"effect": "allow", "limits": {"timeout_ms": 5}}, {"effect": "ask", "users": ["eve"]}))
    other = layered(user=policy({"effect": "deny"}))
    for one in asked():
        for by in (policies, other, policies):
            for user in ("", "ab" * 16):
                event = decision_event(one, by.evaluate(one), "i" * 32, "ab" * 32, user)
                judge(event)
                facts = event.body["facts"]
                assert isinstance(facts, dict)
                assert (facts["now"], facts["user"], facts["consented"], event.body["policy"]) == (one.now, user, one.consented, by.digest)


def test_few_decisions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.policy.events.KNOWN_MAX", 3)
    policies = layered(user=policy({"effect": "allow"}))
    for number in range(9):
        one = call(user=str(number))
        judge(decision_event(one, policies.evaluate(one), "i", "", str(number)))
        assert len(_KNOWN) <= 3


def token(tools: tuple[str, ...] = (TOOL,)) -> CapabilityToken:
    return mint(tenant="t", publisher_id=PUBLISHER, package_id="com.example.mail", content_hash=CONTENT, scope=replace(opening().scope, tools=tools))


def test_tokens_and_intents_are_written_as_they_are() -> None:
    kept = Kept()
    for agent in (AgentIdentity(), AgentIdentity(name='\u00e9 "x"', level="token", key="k"), AgentIdentity()):
        for rule, jti in (("a", ""), ("b", ""), ("b", "once"), ("b", "twice")):
            grant = Grant(token=token(), invocation="i" * 32, tool=TOOL, argument_sha256="ab" * 32, agent=agent, because="policy", rule=rule, jti=jti, until=99)
            warrant(grant, Spends(), kept, 1)
            judge(kept.events[-1])
            assert (kept.events[-1].body["rule"], kept.events[-1].body["jti"]) == (rule, jti)
    for kind, tools in (("token-granted", (TOOL,)), ("token-used", (TOOL, "list")), ("token-used", (TOOL,))):
        judge(token_event(kind, token(tools), "i", 1))


class Spends:
    def spend(self, kind: str, name: str, until: int, now: int) -> bool:
        return True


def test_results_are_written_as_they_are() -> None:
    for used in (Used(), Used(host_calls=3), Used(hosts=("a:1",), kv=(("get", 2),), secrets=("S",)), Used(files_read=("a",), more=True), Used()):
        for report in (Report(rules="r", engine="e"), Report(rules="r", engine="e", counts=(("email", 2),), digests=("d",), stripped=1)):
            run = Run(fault=None, exit_code=0, stdout=b"x", stderr=b"", stderr_cut=0, used=used, seconds=0.1, reusable=True)
            for vault in ("", "7"):
                event = result_event("t", "i" * 32, "ok", run, "ab" * 32, report, 5, vault)
                judge(event)
                assert event.body["host_calls"] == used.host_calls
                timed = result_event("t", "i" * 32, "ok", run, "ab" * 32, report, 5, vault, (("sandbox", 0.1), ("policy", 1e-4), ("audit", 0.0)))
                if timed.written is not None:
                    judge(timed)
                # What has a body that other calls have too comes with its bytes.
                assert (timed.written is not None) == (used in {Used(), Used(host_calls=3)} and not report.digests)
                assert timed.body == {**event.body, "measured": {"sandbox_us": 100_000, "policy_us": 100, "audit_us": 0, "raw_bytes": 1}}


def test_names_of_users_are_taken_out_of_the_bytes_too(tmp_path: object) -> None:
    """Attack: an event whose body is written along with the name of a user that the record must not have."""
    kept = Kept()
    agent = AgentIdentity(name="a", level="token", behind=(Delegation(kind="user", name="eve", level="token"),))
    warrant(Grant(token=token(), invocation="i", tool=TOOL, argument_sha256="ab" * 32, agent=agent, because="policy", until=0), Spends(), kept, 1)
    told = without_names(kept.events[-1], LogPlaces(folder=f"{tmp_path}/audit", keys=f"{tmp_path}/seal"))
    assert b'"eve"' not in encode_event(told, SALT)


def test_what_no_record_can_hold_is_refused_as_before() -> None:
    for body in ({"a": 1.5}, {"a": "\ud800"}, {"\u00e9": 1}, {"a": 2**60}):
        assert written_body(body) is None
        with pytest.raises(HostFailed):
            encode_event(Event(kind="result", at=1, tenant="t", invocation="i", body=body, written=written_body(body)), SALT)


def test_another_body_is_written_anew_whatever_was_written_before() -> None:
    """Attack: a wrapper that adds a label to the body of an event, and a record that holds the body from before."""
    body: dict[str, Json] = {"verified": True}
    event = Event(kind="result", at=1, tenant="t", invocation="i", body=body, written=written_body(body))
    changed = replace(event, body={**body, "verified": False})
    assert b'"verified":true' in encode_event(event, SALT)
    assert b'"verified":false' in encode_event(changed, SALT)
    assert b'"verified":true' not in encode_event(changed, SALT)
