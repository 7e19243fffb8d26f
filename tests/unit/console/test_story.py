"""The story of one call: every stage says what its entries say, and never more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpp.console.views.capabilities import capabilities, NAMES_MAX
from mpp.console.views.steps import LISTED_MAX
from mpp.console.views.story import in_short, Story as Page, story_of
from mpp.model.events import Event
from mpp.stages.audit import glance, Line
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import Story
from tests.records import entry_line

TIMES = {"policy_us": 400, "approval_us": 10, "audit_us": 900, "sandbox_us": 25_000, "privacy_us": 70, "raw_bytes": 1200}
FULL = Story(
    number=5, approver="ada", hosts=("api.example.com",), secrets=("KEY",), files_read=2, user="ab" * 16,
    more={"measured": TIMES, "redactions": [{"type": "email", "count": 3}, {"type": "iban", "count": 1}], "kv": {"get": 2},
          "privacy": {"rules": "r", "engine": "e", "let_through": {"phone": 2}, "stripped": 4}},
)  # fmt: skip


def lines(events: list[Event]) -> list[Line]:
    found = [glance(entry_line(event, seq)[:-1]) for seq, event in enumerate(events)]
    assert all(found)
    return found  # type: ignore[return-value]


def page(events: list[Event], story: Story = FULL) -> Page:
    """As the host gives them: those of the call, and the question and answers before it."""
    found = [line for line in lines(events) if line.invocation == story.invocation or line.kind in {"question", "answer"}]
    return story_of(found, story.invocation)


def verdicts(found: Page) -> dict[str, tuple[str, str]]:
    return {one.name: (one.verdict, one.tone) for one in found.steps}


def test_a_call_that_a_person_approved_and_that_ran() -> None:
    found = page(auditlogs.runs(FULL))
    assert (found.ending, found.tone, found.code) == ("ran", "good", "")
    assert (found.agent, found.level, found.package, found.version, found.tool, found.risk) == ("claude", "launched", "com.example.hello", "0.1.0", "greet", 12)
    assert found.users == ("ab" * 16,)
    assert verdicts(found) == {
        "Verified": ("yes", "good"), "Policy": ("asks a person", "careful"), "Approval": ("approved", "good"), "Intent in the record": ("durable", "good"),
        "Sandbox": ("ran", "good"), "Privacy": ("4 taken out", "careful"), "Audit": ("recorded", "good"),
    }  # fmt: skip
    assert [one.fall.took for one in found.steps] == ["", "400 µs", "10 µs", "900 µs", "25 ms", "70 µs", ""]
    assert found.total == "26 ms"
    assert [(one.layer, one.policy, one.rule, one.decided) for one in found.rules] == [("user", "developer", "default", True)]
    assert [(one.words, one.number) for one in found.redactions] == [("email", "3"), ("iban", "1")]
    assert found.privacy_notes == ("Let through by a rule: phone 2.", "Hidden characters stripped: 4.")
    assert any("1.2k bytes" in words for one in found.steps for words in one.words)
    approval = found.approval
    assert approval is not None
    assert (approval.because, approval.needs, [(one.said, one.who, one.how, one.is_signed) for one in approval.answers]) == (
        "user/developer/default", "flag", [("yes", "user:ada", "tty", False)],
    )  # fmt: skip
    assert approval.spent is not None
    assert approval.receipt == auditlogs.sha("receipt")
    assert [one.what for one in found.commitments if one.entry >= approval.spent] == ["what went in", "what came out", "what was passed on"]
    assert found.entries[-1].kind == "receipt"
    assert next(one for one in found.entries if one.seq == found.proven).kind == "result"


def test_capabilities_stand_side_by_side() -> None:
    found = {one.name: one for one in page(auditlogs.runs(FULL)).capabilities}
    assert (found["Folders to read"].declared, found["Folders to read"].granted, found["Folders to read"].used) == (("/data",), "all of it", ("2 files",))
    assert (found["Hosts"].declared, found["Hosts"].granted, found["Hosts"].used) == ((), "nothing", ("api.example.com",))
    assert found["Secrets"].used == ("KEY",)
    assert found["Stored state"].used == ("get 2",)
    assert "Variables" not in found


def test_what_was_denied_asked_refused_or_broke_says_where_it_ended() -> None:
    denied = page(auditlogs.denied(FULL))
    assert (denied.ending, denied.tone, denied.code) == ("denied by policy", "careful", "policy.denied")
    assert (verdicts(denied)["Policy"], verdicts(denied)["Sandbox"]) == (("denied", "bad"), ("not reached", "plainly"))
    assert denied.rules[0].rule == "no-strangers"
    assert denied.capabilities[0].granted == ""
    asked = page(auditlogs.asks(FULL))
    assert (asked.ending, verdicts(asked)["Approval"]) == ("a person was asked", ("not given", "careful"))
    assert asked.approval is not None
    assert asked.approval.answers == ()
    refused = page(auditlogs.refused(FULL))
    assert (refused.ending, refused.code, verdicts(refused)["Verified"][0], refused.package) == (
        "refused",
        "signature.invalid",
        "not reached",
        "com.example.hello",
    )
    failed = page(auditlogs.runs(replace(FULL, outcome="sandbox.timeout", approver="")))
    assert (failed.ending, failed.tone, failed.code, verdicts(failed)["Sandbox"]) == ("failed", "bad", "sandbox.timeout", ("failed", "bad"))
    assert verdicts(failed)["Approval"] == ("not needed", "plainly")
    assert failed.approval is None


def test_a_call_that_runs_still_or_whose_host_died() -> None:
    begun = [event for event in auditlogs.runs(replace(FULL, approver="")) if event.kind not in {"result", "token-used"}]
    running = page(begun)
    assert (running.ending, verdicts(running)["Sandbox"], running.total, running.redactions) == ("has not ended", ("has not ended", "plainly"), "", ())
    died = page([*begun, FULL.event("interrupted", {"entry": 3})])
    assert (died.tone, verdicts(died)["Sandbox"]) == ("bad", ("interrupted", "bad"))


def test_an_older_server_is_never_called_verified() -> None:
    events = [replace(event, body={**event.body, "verified": False, "missing_barriers": ["Landlock"]}) for event in auditlogs.runs(replace(FULL, approver=""))]
    found = page(events)
    assert not found.is_verified
    assert verdicts(found)["Verified"] == ("no", "careful")
    assert any("Landlock" in words for words in found.steps[0].words)


@pytest.mark.parametrize(
    ("kind", "body", "verdict"), [("standing-used", {}, "approved before"), ("approval-refused", {"code": "approval.stale"}, "did not hold")]
)
def test_other_ends_of_an_approval(kind: str, body: dict, verdict: str) -> None:
    events = auditlogs.asks(FULL)
    assert verdicts(page([*events[:2], FULL.event(kind, body)]))["Approval"][0] == verdict


def test_a_withheld_answer_is_said() -> None:
    events = auditlogs.runs(replace(FULL, more={"privacy": {"withheld": True}}, approver=""))
    assert verdicts(page(events))["Privacy"] == ("withheld", "careful")


def test_old_records_do_not_say_how_long_it_took() -> None:
    found = page(auditlogs.runs(replace(FULL, more={})))
    assert found.total == ""
    assert all(one.fall.took == "" for one in found.steps)
    assert any("does not say how large" in words for one in found.steps for words in one.words)


def test_hostile_entries_are_cut_and_never_break_a_page() -> None:
    """Attack: lists of thousands, objects where names should be, numbers that are none, names of a megabyte."""
    odd = {
        "facts": {"scope": {"network": [{"host": "x" * 5000, "ports": [1] * 400, "schemes": 3}] * 200, "read": "all", "secrets": [{"name": 5, "host": "h"}, 7, {"z": [1]}],
                            "kv_max_bytes": "much"}, "agent": 3, "package_id": 9},
        "effect": "maybe", "rules": [{"layer": 1, "effect": "maybe"}, "x"] * 400, "risk": -1,
    }  # fmt: skip
    result = {"outcome": 5, "hosts": ["h"] * 900, "kv": [1], "files_read": "many", "redactions": [{"type": f"t{n}", "count": 1} for n in range(200)], "measured": [1],
              "privacy": {"let_through": {"a": "b"}, "stripped": -3.5}, "host_calls": True}  # fmt: skip
    events = [FULL.event("decision", odd), FULL.event("token-granted", {"opens": {"network": 900, "read": "x"}}), FULL.event("question", {"expires": -4}),
              FULL.event("reveal", {"count": 2}), FULL.event("result", result)]  # fmt: skip
    found = story_of([Line(seq, 1, event.kind, "t", FULL.invocation, event.body, {"in": 5, "x": "y"}) for seq, event in enumerate(events)], FULL.invocation)
    assert len(found.rules) <= LISTED_MAX
    assert all(len(one.declared) <= NAMES_MAX + 1 and all(len(name) <= 200 for name in one.declared) for one in found.capabilities)
    assert found.capabilities[0].granted == "900"
    assert found.commitments == ()
    assert found.approval is not None
    assert found.approval.expires is None
    assert len(found.redactions) <= LISTED_MAX
    assert "Placeholders that the tool was told the values of: 2." in found.privacy_notes


def test_network_rules_are_said_in_words() -> None:
    scope = {
        "network": [{"host": "*.example.com", "schemes": ["https"], "ports": [443], "methods": ["GET"], "paths": []}],
        "secrets": [{"name": "KEY", "host": "a.example"}],
    }
    decision = Line(0, NOW, "decision", "t", "", {"facts": {"scope": {**scope, "kv_max_bytes": 2048}}}, {})
    token = Line(1, NOW, "token-granted", "t", "", {"opens": {"network": 1, "kv_max_bytes": 1024}}, {})
    found = {one.name: one for one in capabilities(decision, token, None)}
    assert found["Hosts"].declared == ("*.example.com (https; GET; 443)",)
    assert found["Secrets"].declared == ("KEY, for a.example only",)
    assert (found["Secrets"].granted, found["Stored state"].declared, found["Stored state"].granted) == ("nothing", ("up to 2.0 KiB",), "up to 1.0 KiB")
    assert capabilities(None, None, None) == ()


def test_an_entry_in_one_line() -> None:
    found = lines(auditlogs.runs(FULL))
    assert in_short(found[-2]) == "ok, hosts api.example.com"
