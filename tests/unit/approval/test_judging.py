"""One call after another, as a host judges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mpp.errors import HostFailed, Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.scope import Scope
from mpp.stages.approval import Answer, Approvers, Call, Desk, Grant, Question, State, accept, judge, sign_answer, verify_proof, vouch, warrant
from mpp.stages.policy.types import Limits, Reason, Risk
from mpp.testing.approvals import MemoryApprovals, MemoryEvents
from mpp.testing.packages import NOW
from mpp.testing.questions import approver, approver_key, approvers, asked, call, desk, given, need, token_for

KNOWN = approvers(approver("ada"), approver("bob", "second"))


def issue(on: Desk, grant: Grant, now: int) -> None:
    assert isinstance(on.approvals, MemoryApprovals)
    warrant(grant, on.approvals, on.events, now, on.approvals.use_standing)


def at(now: int, what: object = None, more: object = None, **changes: object) -> Call:
    return call(asked(now=now, **changes), what, more)  # type: ignore[arg-type]


def question(on: Desk, one: Call | None = None) -> Question:
    found = judge(one or call(), on)
    assert isinstance(found, Question)
    return found


def granted(on: Desk, one: Call) -> Grant:
    found = judge(one, on)
    assert isinstance(found, Grant)
    return found


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.code


def kinds(on: Desk) -> list[str]:
    assert isinstance(on.events, MemoryEvents)
    return on.events.kinds


def yes(one: Question, *, now: int = NOW + 10, scope: str = "once", amr: str = "tty") -> Answer:
    return vouch(one, yes=True, user="ada", amr=amr, now=now, scope=scope)


def signed(one: Question, who: str = "ada", *, now: int = NOW + 10, scope: str = "once", is_yes: bool = True) -> Answer:
    return sign_answer(one, approver_key(who), yes=is_yes, approver=who, amr="passphrase", now=now, scope=scope)


def test_asked_answered_asked_again_and_granted() -> None:
    on = desk()
    one = question(on)
    assert question(on, at(NOW + 5)) == one, "asking again asks nobody twice"
    assert accept(one, yes(one), on, NOW + 10).state is State.YES
    grant = granted(on, at(NOW + 20))
    assert (grant.because, grant.approvers, grant.amr, grant.jti, grant.until) == ("approval", ("user:ada",), "tty", one.jti, NOW + 140)
    assert kinds(on) == ["question", "answer"]


def test_an_approval_is_good_for_one_call() -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    grant = granted(on, at(NOW + 20))
    again = granted(on, at(NOW + 21))
    assert isinstance(on.approvals, MemoryApprovals)
    warrant(grant, on.approvals, on.events, NOW + 22)
    assert code_of(lambda: warrant(again, on.approvals, on.events, NOW + 22)) == "approval.spent"
    new = question(on, at(NOW + 23))
    assert new.jti != one.jti
    assert kinds(on) == ["question", "answer", "approval-spent", "intent", "question"]


def test_a_no_stands_as_long_as_a_yes_would() -> None:
    on = desk()
    one = question(on)
    no = vouch(one, yes=False, user="ada", amr="tty", now=NOW + 10)
    assert accept(one, no, on, NOW + 10).state is State.NO
    assert code_of(lambda: judge(at(NOW + 20), on)) == "approval.denied"
    assert code_of(lambda: judge(at(NOW + 910), on)) == "approval.denied"
    assert question(on, at(NOW + 911)).id != one.id


def test_a_yes_that_ran_out_is_asked_anew() -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    assert question(on, at(NOW + 911)).id != one.id


def test_a_question_is_answered_once() -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    assert code_of(lambda: accept(one, yes(one), on, NOW + 11)) == "approval.answered"


def test_no_second_answer_fits_between_the_first_and_the_end_of_its_question(monkeypatch) -> None:
    on = desk()
    one = question(on)
    monkeypatch.setattr(on.approvals, "close_question", lambda _id: None)
    accept(one, yes(one), on, NOW + 10)
    # Whoever said yes was told that it holds.
    no = replace(yes(one), yes=False, approver="user:bob")
    assert code_of(lambda: accept(one, no, on, NOW + 10)) == "approval.answered"


def test_an_answer_that_does_not_count_is_refused_recorded_and_not_kept() -> None:
    on = desk()
    one = question(on, at(NOW, need("high")))
    assert code_of(lambda: accept(one, yes(one), on, NOW + 10)) == "approval.weak"
    assert kinds(on) == ["question", "approval-refused"]
    assert on.approvals.answers(one.id) == ()
    assert isinstance(judge(at(NOW + 20, need("high")), on), Question)


def test_a_fleet_takes_no_option_of_a_command() -> None:
    on = desk(fleet=True)
    one = question(on)
    assert code_of(lambda: accept(one, yes(one, amr="flag"), on, NOW + 10)) == "approval.weak"
    accept(one, yes(one, amr="elicitation"), on, NOW + 10)
    granted(on, at(NOW + 20))


def test_a_host_can_ask_for_more() -> None:
    on = replace(desk(KNOWN), least="passphrase")
    one = question(on)
    assert code_of(lambda: accept(one, yes(one), on, NOW + 10)) == "approval.weak"
    accept(one, signed(one), on, NOW + 10)
    assert granted(on, at(NOW + 20)).amr == "passphrase"


def test_two_must_be_two() -> None:
    on = desk(KNOWN)
    what = need("critical", limits=Limits(approvers=2))
    one = question(on, at(NOW, what))
    assert accept(one, signed(one), on, NOW + 10).state is State.WAITING
    assert code_of(lambda: accept(one, signed(one, now=NOW + 12), on, NOW + 12)) == "approval.same_approver"
    assert question(on, at(NOW + 13, what)).id == one.id
    assert accept(one, signed(one, "bob", now=NOW + 14), on, NOW + 14).state is State.YES
    grant = granted(on, at(NOW + 20, what))
    assert (grant.approvers, grant.amr) == (("ada", "bob"), "passphrase")


def test_the_first_of_two_may_answer_anew_when_his_answer_has_run_out() -> None:
    on = desk(KNOWN)
    what = need("critical", limits=Limits(approvers=2))
    one = question(on, at(NOW, what))
    accept(one, signed(one), on, NOW + 10)
    later = NOW + 2000
    accept(one, signed(one, "bob", now=later), on, later)
    assert isinstance(judge(at(later + 1, what), on), Question)
    assert accept(one, signed(one, now=later + 2), on, later + 2).state is State.YES
    granted(on, at(later + 3, what))


def test_a_no_after_a_yes_of_two() -> None:
    on = desk(KNOWN)
    what = need("critical", limits=Limits(approvers=2))
    one = question(on, at(NOW, what))
    accept(one, signed(one), on, NOW + 10)
    assert accept(one, signed(one, "bob", is_yes=False), on, NOW + 10).state is State.NO
    assert code_of(lambda: judge(at(NOW + 20, what), on)) == "approval.denied"


def test_an_approver_who_was_removed_meanwhile_does_not_count() -> None:
    on = desk(KNOWN)
    one = question(on, at(NOW, need("high")))
    accept(one, signed(one), on, NOW + 10)
    granted(on, at(NOW + 20, need("high")))
    assert question(replace(on, approvers=Approvers(known={})), at(NOW + 20, need("high"))).id != one.id
    assert kinds(on) == ["question", "answer", "approval-refused", "question"]


WORSE: list[tuple[str, object, object, dict[str, object]]] = [
    ("a higher risk", need(risk=Risk(score=30, band="low", reasons=(Reason(points=30, words="x"),))), None, {}),
    ("a stricter policy", need(limits=Limits(strength="passphrase")), None, {}),
    ("two approvers", need(limits=Limits(approvers=2)), None, {}),
    ("less time", need(limits=Limits(answer_seconds=10)), None, {}),
    ("other capabilities", None, None, {"scope": Scope(tools=("greet",))}),
    ("other definitions", None, given(definitions="ab" * 32), {}),
    ("other words for its rights", None, given(uses=("read /etc",)), {}),
    ("a consent that was taken back", None, given(includes_consent=True), {}),
    ("something that is new", None, given(growth=("May more.",)), {}),
]


@pytest.mark.parametrize(("what", "more", "changes"), [row[1:] for row in WORSE], ids=[row[0] for row in WORSE])
def test_a_yes_to_a_milder_text_is_asked_anew(what: object, more: object, changes: dict[str, object]) -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    new = question(on, at(NOW + 20, what, more, **changes))
    assert new.id != one.id
    assert on.approvals.pending("local", NOW + 20) == (new,)


@pytest.mark.parametrize(("what", "more", "changes"), [row[1:] for row in WORSE], ids=[row[0] for row in WORSE])
def test_a_no_stands_whatever_the_terms(what: object, more: object, changes: dict[str, object]) -> None:
    """Attack: a no that is shaken off by a higher risk, one more right in words, or news, until somebody says yes."""
    on = desk()
    one = question(on)
    accept(one, vouch(one, yes=False, user="ada", amr="tty", now=NOW + 10), on, NOW + 10)
    for now in (NOW + 20, NOW + 910):
        assert code_of(lambda now=now: judge(at(now, what, more, **changes), on)) == "approval.denied"
        assert code_of(lambda now=now: judge(at(now), on)) == "approval.denied"
    assert question(on, at(NOW + 911, what, more, **changes)).id != one.id


@pytest.mark.parametrize(("what", "more", "changes"), [row[1:] for row in WORSE], ids=[row[0] for row in WORSE])
def test_a_milder_question_that_waits_is_asked_anew(what: object, more: object, changes: dict[str, object]) -> None:
    on = desk()
    one = question(on)
    assert question(on, at(NOW + 20, what, more, **changes)).id != one.id
    assert on.approvals.question("local", one.ref, NOW + 20) is None or one.ref == on.approvals.pending("local", NOW + 20)[0].ref


def test_a_yes_to_details_that_leave_something_out_is_used() -> None:
    on = desk(KNOWN)
    much = given({"a": "x" * 90_000})
    one = question(on, at(NOW, None, much))
    assert code_of(lambda: accept(one, yes(one), on, NOW + 10)) == "approval.weak"
    accept(one, signed(one), on, NOW + 10)
    assert granted(on, at(NOW + 20, None, much)).amr == "passphrase"


def test_a_milder_call_is_covered() -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    granted(on, at(NOW + 20, need(risk=Risk(score=1, band="low", reasons=()))))


def test_a_token_of_another_package_is_refused_first() -> None:
    on = desk()
    wrong = replace(call(), token=token_for(asked(content_hash="ab" * 32)))
    assert code_of(lambda: judge(wrong, on)) == "approval.mismatch"
    assert kinds(on) == []


# --- what lasts


def always(on: Desk) -> Question:
    one = question(on)
    settled = accept(one, yes(one, scope="always"), on, NOW + 10)
    assert (settled.state, settled.until) == (State.YES, NOW + 30 * 24 * 3600)
    return one


def test_always_is_asked_once() -> None:
    on = desk()
    always(on)
    for i in range(3):
        grant = granted(on, call(asked(now=NOW + 20 + i), more=given({"name": str(i)})))
        assert (grant.because, grant.approvers, grant.amr, grant.jti, grant.until) == ("standing", ("user:ada",), "tty", "", 0)
        issue(on, grant, NOW + 20 + i)
    assert on.approvals.standing("local", NOW + 30)[0].calls == 97
    assert kinds(on) == ["question", "answer", "standing", *["standing-used", "intent"] * 3]


def test_a_call_that_is_refused_after_its_grant_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a limit on calls a minute, or a secret that is missing, by which a budget goes without a single run."""
    on = desk()
    always(on)
    first, second = granted(on, at(NOW + 20)), granted(on, at(NOW + 21))
    assert on.approvals.standing("local", NOW + 30)[0].calls == 100
    issue(on, first, NOW + 22)
    assert on.approvals.standing("local", NOW + 30)[0].calls == 99
    on.approvals.revoke("local", first.standing)
    assert code_of(lambda: issue(on, second, NOW + 23)) == "approval.spent"


def test_always_that_was_taken_back_leaves_no_yes_behind() -> None:
    on = desk()
    one = always(on)
    on.approvals.revoke("local", on.approvals.standing("local", NOW + 20)[0].id)
    assert question(on, at(NOW + 20)).id != one.id


def test_always_ends_when_the_package_grows_and_does_not_come_back() -> None:
    on = desk()
    always(on)
    question(on, at(NOW + 20, scope=Scope(read=("/data", "/etc"), tools=("greet",))))
    assert kinds(on)[-2:] == ["standing", "question"]
    assert on.approvals.standing("local", NOW + 20) == ()
    assert isinstance(judge(at(NOW + 21), on), Question)


def test_always_does_not_cover_what_differs_and_stays() -> None:
    on = desk()
    always(on)
    question(on, at(NOW + 20, user="bob"))
    question(on, at(NOW + 20, publisher_id="ab" * 32))
    granted(on, at(NOW + 21))


def test_a_budget_that_another_process_used_up(monkeypatch: pytest.MonkeyPatch) -> None:
    on = desk()
    always(on)
    grant = granted(on, at(NOW + 20))
    monkeypatch.setattr(on.approvals, "use_standing", lambda *_: None)
    assert code_of(lambda: issue(on, grant, NOW + 20)) == "approval.spent"
    assert kinds(on)[-1] == "standing"


def test_growth_that_another_process_saw_first(monkeypatch: pytest.MonkeyPatch) -> None:
    on = desk()
    always(on)
    monkeypatch.setattr(on.approvals, "revoke", lambda *_: False)
    question(on, at(NOW + 20, scope=Scope(read=("/",), tools=("greet",))))
    assert kinds(on)[-1] == "question"
    assert kinds(on).count("standing") == 1


def test_always_of_an_approver_who_is_gone() -> None:
    on = desk(KNOWN)
    one = question(on, at(NOW, need("high")))
    accept(one, signed(one, scope="always"), on, NOW + 10)
    later = at(NOW + 20, need("high"))
    assert granted(on, later).amr == "passphrase"
    for known in (
        Approvers(known={}),
        approvers(approver("ada", "second")),
        approvers(approver("ada", until=NOW)),
        approvers(approver("ada", key=b"", issuer="https://x")),
    ):
        assert isinstance(judge(later, replace(on, approvers=known)), Question)


def test_a_key_that_counts_for_little_gives_little_for_always() -> None:
    on = desk(approvers(approver("ada", amr="tty")))
    one = question(on)
    accept(one, signed(one, scope="always"), on, NOW + 10)
    assert granted(on, at(NOW + 20)).amr == "tty"
    assert isinstance(judge(at(NOW + 20, need("high")), on), Question)


def test_a_proof_can_be_verified_again_by_whoever_knows_the_host() -> None:
    """What ``judge`` does inside, once more from outside."""
    from mpp.stages.approval import action_of, mint_proof, settle

    on = desk()
    one = question(on)
    settled = settle(one, (yes(one),), on.approvers, NOW + 10)
    data = mint_proof(one, settled, on.approvers, "ab" * 16, on.host, NOW + 10)
    assert verify_proof(data, action_of(asked(), need().verdict, given()), on.host.public_key, NOW + 11).jti == one.jti


# --- the record


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("fails", ["question", "told"])
def test_a_question_whose_event_was_lost_is_told_by_the_next_call(fails: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a kill between the store and the record, and a question that stands in no record for ever."""
    on = desk()

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as here:
        here.setattr(on.events if fails == "question" else on.approvals, "record" if fails == "question" else "told", kill)
        with pytest.raises(Killed):
            judge(call(), on)
    one = question(on, at(NOW + 1))
    assert kinds(on) == ["question"] * (1 if fails == "question" else 2)
    question(on, at(NOW + 2))
    accept(one, yes(one), on, NOW + 10)
    assert kinds(on)[-2:] == ["question", "answer"]


def test_a_question_whose_event_was_lost_is_told_before_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    on = desk()
    with monkeypatch.context() as here:
        here.setattr("mpp.stages.approval.judging._tell", lambda *_: None)
        one = question(on)
    assert kinds(on) == []
    accept(one, yes(one), on, NOW + 10)
    assert kinds(on) == ["question", "answer"]


def test_an_answer_is_told_before_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    on = desk()
    one = question(on)

    def full(*_: object, **__: object) -> None:
        raise HostFailed("audit.write", "the disk is full")

    monkeypatch.setattr(on.events, "record", full)
    with pytest.raises(HostFailed):
        accept(one, yes(one), on, NOW + 10)
    assert on.approvals.answers(one.id) == ()


def test_an_answer_that_came_too_late_is_told_as_refused() -> None:
    on = desk()
    one = question(on)
    accept(one, yes(one), on, NOW + 10)
    assert code_of(lambda: accept(one, yes(one), on, NOW + 11)) == "approval.answered"
    assert kinds(on) == ["question", "answer", "answer", "approval-refused"]


@pytest.mark.parametrize("count", [30, 40, 500])
def test_a_crowd_behind_an_agent_is_refused_before_anybody_is_asked(count: int) -> None:
    """Attack: a question to which a yes is accepted, and whose proof is refused for ever; or one of which no record can tell."""
    on = desk()
    crowd = tuple(Delegation(kind="agent", name=f"{i:0100}", level="launched") for i in range(count))
    one = at(NOW, agent=AgentIdentity(name="bot", level="launched", behind=crowd))
    assert code_of(lambda: judge(one, on)) == "approval.size"
    assert on.approvals.pending("local", NOW) == ()
    assert kinds(on) == []
