"""What every store of approvals keeps to: the one in memory and the one on disk run the same tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.stores.approvals import ApprovalsStore
from mpp.model.agents import AgentIdentity
from mpp.model.manifest import parse_manifest
from mpp.stages.approval import Answer, Consent, Question, Standing, consent_of, make_question, standing_of, vouch
from mpp.stages.approval.limits import ANSWER_SECONDS_MAX, PENDING_AGENT_MAX, PENDING_MAX, QUESTION_SECONDS_MAX, STANDING_MAX
from mpp.testing.approvals import MemoryApprovals
from mpp.testing.packages import NOW, TestRandom, files
from mpp.testing.questions import asked, given, need

Store = MemoryApprovals | ApprovalsStore


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "memory":
        yield MemoryApprovals()
        return
    found = ApprovalsStore(str(tmp_path / "home" / "approvals" / "approvals.sqlite"))
    yield found
    found.close()


class Counted:
    """Identities that begin alike and differ at the end, or that are wholly different."""

    def __init__(self, *, alike: bool = False) -> None:
        self._next, self._alike = 0, alike

    def bytes(self, count: int) -> bytes:
        self._next += 1
        number = self._next.to_bytes(4, "big")
        return bytes(count - 4) + number if self._alike else number[::-1] + bytes(count - 4)


RANDOM = Counted()


def question(number: int = 0, *, agent: str = "claude", tenant: str = "local", now: int = NOW, random: Counted | None = None, level: str = "token") -> Question:
    one = asked(tenant=tenant, agent=AgentIdentity(name=agent, level=level), now=now)
    return make_question(one, need(), given({"number": number}), random or RANDOM)


def yes(one: Question, *, user: str = "ada", at: int = NOW, scope: str = "once") -> Answer:
    return vouch(one, yes=True, user=user, amr="tty", now=at, scope=scope)


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        work()
    return caught.value.code


def test_a_question_is_found_as_it_was_asked(store: Store) -> None:
    one = question()
    assert store.ask(one, NOW) == (one, True)
    assert store.pending("local", NOW) == (one,)
    assert store.question("local", one.ref, NOW) == store.question("local", one.id, NOW) == one
    assert store.find("local", one.binding, NOW) == (one, ())


def test_one_action_is_asked_once(store: Store) -> None:
    one = question(7)
    store.ask(one, NOW)
    again = question(7)
    assert again.id != one.id
    assert store.ask(again, NOW + 5) == (one, False)
    assert store.pending("local", NOW + 5) == (one,)


def test_another_tenant_sees_nothing(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    other = question(tenant="other")
    assert store.ask(other, NOW) == (other, True)
    assert store.question("other", one.ref, NOW) is None
    assert store.question("local", other.ref, NOW) is None
    assert store.pending("other", NOW) == (other,)
    assert store.find("other", one.binding, NOW) is None
    assert store.withdraw("other", one.id) is False
    assert store.pending("local", NOW) == (one,)


def test_a_ref_is_as_long_as_it_takes(store: Store) -> None:
    random = Counted(alike=True)
    found = [store.ask(question(i, random=random), NOW)[0] for i in range(3)]
    # The ids have the numbers 1, 3 and 5: each question takes a second number for its jti.
    assert [one.ref for one in found] == ["0000", "00000", "000000"]
    assert [store.question("local", one.ref, NOW) for one in found] == found


def test_a_ref_can_be_the_whole_id(store: Store) -> None:
    random = Counted(alike=True)
    # Twenty for each agent; twenty-eight refs of 4 to 31 digits are taken, then only a whole id is left.
    found = [store.ask(question(i, agent=f"agent {i // 20}", random=random), NOW)[0] for i in range(30)]
    assert [len(one.ref) for one in found[-3:]] == [31, 32, 32]
    assert len({one.ref for one in found}) == 30


def test_a_question_runs_out(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    end = NOW + QUESTION_SECONDS_MAX
    assert store.pending("local", end) == (one,)
    assert store.pending("local", end + 1) == ()
    assert store.question("local", one.ref, end + 1) is None
    assert code_of(lambda: store.answer(one.id, yes(one), end + 1)) == "approval.unknown"
    new = question(now=end + 1)
    assert store.ask(new, end + 1) == (new, True)


def test_an_answer_that_came_at_the_end_is_still_found(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    end = NOW + QUESTION_SECONDS_MAX
    store.answer(one.id, yes(one, at=end), end)
    assert store.find("local", one.binding, end + ANSWER_SECONDS_MAX) == (one, (yes(one, at=end),))
    assert store.find("local", one.binding, end + ANSWER_SECONDS_MAX + 1) is None


def test_old_questions_go(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    store.answer(one.id, yes(one), NOW)
    late = NOW + QUESTION_SECONDS_MAX + ANSWER_SECONDS_MAX + 1
    store.ask(question(1, now=late), late)
    assert store.find("local", one.binding, late) is None
    assert len(store.pending("local", late)) == 1
    if isinstance(store, ApprovalsStore):
        assert store.answers(one.id) == ()


def test_answers_are_kept_by_approver(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    first, second, later = yes(one), yes(one, user="bob"), yes(one, at=NOW + 9)
    assert store.answers(one.id) == ()
    assert store.answer(one.id, first, NOW) == (first,)
    assert store.answer(one.id, second, NOW) == (first, second)
    assert store.answer(one.id, later, NOW) == (later, second) == store.answers(one.id)


def test_tenants_are_those_of_whom_something_waits_lasts_or_was_agreed_to(store: Store) -> None:
    assert store.tenants(NOW) == ()
    waits, closed, lasts = question(tenant="waits"), question(tenant="closed"), question(tenant="lasts")
    store.ask(waits, NOW)
    store.ask(closed, NOW)
    store.close_question(closed.id)
    standing = standing_of(lasts, yes(lasts, scope="always"), "tty", RANDOM)
    store.add_standing(standing, NOW)
    data = files()["manifest.json"]
    store.put_consent(consent_of(parse_manifest(data), data, tenant="agreed", publisher_id="ab" * 32, by="user:ada", amr="tty", now=NOW))
    assert store.tenants(NOW) == ("agreed", "lasts", "waits")
    assert store.tenants(waits.expires + 1) == ("agreed", "lasts"), "what is too old to be answered waits no more"
    assert store.tenants(standing.until + 1) == ("agreed",)


def test_a_closed_question_takes_no_answer_and_is_not_pending(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    store.answer(one.id, yes(one), NOW)
    store.close_question(one.id)
    assert code_of(lambda: store.answer(one.id, yes(one), NOW)) == "approval.answered"
    assert store.pending("local", NOW) == ()
    assert store.find("local", one.binding, NOW) == (one, (yes(one),))
    again = question()
    assert store.ask(again, NOW) == (again, True)
    # The newest counts.
    found = store.find("local", one.binding, NOW)
    assert found is not None
    assert found.question == again


def test_an_answer_can_close_its_question_in_the_same_step(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    assert store.answer(one.id, yes(one), NOW, closing=True) == (yes(one),)
    assert code_of(lambda: store.answer(one.id, yes(one, user="bob"), NOW)) == "approval.answered"
    assert (store.pending("local", NOW), store.answers(one.id)) == ((), (yes(one),))


def test_a_spent_approval_is_not_found(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    assert store.spend("approval", one.jti, NOW + 120, NOW) is True
    assert store.find("local", one.binding, NOW) is None
    assert store.pending("local", NOW) == ()
    assert store.question("local", one.ref, NOW) is None
    again = question()
    assert store.ask(again, NOW)[1] is True


def test_an_unknown_question_takes_no_answer(store: Store) -> None:
    assert code_of(lambda: store.answer("ab" * 16, yes(question()), NOW)) == "approval.unknown"


def test_a_withdrawn_question_is_gone(store: Store) -> None:
    one = question()
    store.ask(one, NOW)
    store.answer(one.id, yes(one), NOW)
    assert store.withdraw("local", one.id) is True
    assert store.withdraw("local", one.id) is False
    assert store.find("local", one.binding, NOW) is None
    assert store.answers(one.id) == ()


def test_one_agent_cannot_flood(store: Store) -> None:
    for i in range(PENDING_AGENT_MAX):
        store.ask(question(i), NOW)
    assert code_of(lambda: store.ask(question(-1), NOW)) == "approval.too_many"
    assert store.ask(question(0), NOW)[1] is False, "what waits already is no new question"
    assert store.ask(question(-1, agent="another"), NOW)[1] is True
    store.close_question(store.pending("local", NOW)[0].id)
    assert store.ask(question(-2), NOW)[1] is True


def test_names_that_nobody_vouches_for_are_one_agent(store: Store) -> None:
    """Attack: ten invented names, each with its twenty questions, that leave no room for anybody else."""
    for i in range(PENDING_AGENT_MAX):
        store.ask(question(i, agent=f"name {i}", level=("launched", "anonymous")[i % 2]), NOW)
    assert code_of(lambda: store.ask(question(-1, agent="one more", level="launched"), NOW)) == "approval.too_many"
    assert store.ask(question(-1, agent="one more", level="token"), NOW)[1] is True
    assert store.ask(question(-1, agent="name 1", level="signed"), NOW)[1] is True


def test_a_question_is_untold_until_it_was_told(store: Store) -> None:
    one, other = question(1), question(2)
    assert not store.untold(one.id)
    store.ask(one, NOW)
    store.ask(other, NOW)
    assert store.untold(one.id)
    store.told(one.id)
    store.told("ab" * 16)
    assert not store.untold(one.id)
    assert store.untold(other.id)
    store.withdraw("local", other.id)
    assert not store.untold(other.id)
    assert not store.untold("ab" * 16)


STRANGE = ["\ud800", "\udcff" * 32, "", "x", "AB" * 16, "%", "\x00", "ab" * 16 + "\n", "*", "' OR 1 --"]


@pytest.mark.parametrize("text", STRANGE, ids=ascii)
def test_of_what_cannot_exist_there_is_nothing(store: Store, text: str) -> None:
    """Attack: a ref or a name that makes the database fail, or that it takes for another."""
    one, lasts = question(), standing()
    store.ask(one, NOW)
    store.answer(one.id, yes(one), NOW)
    store.add_standing(lasts, NOW)
    store.put_consent(consent())
    assert store.question("local", text, NOW) is None
    assert store.question(text, one.ref, NOW) is None
    assert store.find(text, one.binding, NOW) is store.find("local", text, NOW) is None
    assert store.pending(text, NOW) == store.answers(text) == store.standing(text, NOW) == store.consents(text) == ()
    assert code_of(lambda: store.answer(text, yes(one), NOW)) == "approval.unknown"
    store.close_question(text)
    store.told(text)
    assert not any((store.untold(text), store.withdraw("local", text), store.withdraw(text, one.id), store.revoke("local", text), store.revoke(text, lasts.id)))
    good = ("local", "com.example.hello", "greet", "claude")
    assert all(store.standing_for(*good[:i], text, *good[i + 1 :], NOW) == () for i in range(4))
    assert store.use_standing(text, NOW) is None
    of = ("local", "ab" * 32, "com.example.hello")
    assert not any(store.consent(*of[:i], text, *of[i + 1 :]) or store.drop_consent(*of[:i], text, *of[i + 1 :]) for i in range(3))
    assert (store.pending("local", NOW), store.standing("local", NOW), store.consents("local")) == ((one,), (lasts,), (consent(),))
    assert store.untold(one.id)


def test_many_agents_cannot_flood(store: Store) -> None:
    for i in range(PENDING_MAX):
        store.ask(question(i, agent=f"agent {i // PENDING_AGENT_MAX}"), NOW)
    assert code_of(lambda: store.ask(question(-1, agent="new"), NOW)) == "approval.too_many"
    assert store.ask(question(tenant="other"), NOW)[1] is True


def test_what_cannot_be_read_again_is_not_kept(store: Store) -> None:
    bad = make_question(asked(agent=AgentIdentity(name="a\x01b", level="launched")), need(), given(), TestRandom())
    assert code_of(lambda: store.ask(bad, NOW)) == "approval.form"
    assert store.pending("local", NOW) == ()


# --- what lasts


def standing(number: int = 0, *, calls: int = 3, until: int = NOW + 1000, tenant: str = "local") -> Standing:
    one = question(number, tenant=tenant)
    return standing_of(one, yes(one, scope="always"), "tty", RANDOM, calls=calls, until=until)


def test_a_budget_is_used_up(store: Store) -> None:
    one = standing(calls=2)
    store.add_standing(one, NOW)
    assert store.standing("local", NOW) == (one,) == store.standing_for("local", "com.example.hello", "greet", "claude", NOW)
    assert store.use_standing(one.id, NOW) == 1
    assert store.standing("local", NOW) == (replace(one, calls=1),)
    assert store.use_standing(one.id, NOW) == 0
    assert store.use_standing(one.id, NOW) is None
    assert store.standing("local", NOW) == ()
    assert store.standing_for("local", "com.example.hello", "greet", "claude", NOW) == ()


def test_what_lasts_ends(store: Store) -> None:
    one = standing(until=NOW + 10)
    store.add_standing(one, NOW)
    assert store.use_standing(one.id, NOW + 10) == 2
    assert store.use_standing(one.id, NOW + 11) is None
    assert store.standing("local", NOW + 11) == ()
    store.add_standing(standing(until=NOW + 50), NOW + 11)
    assert len(store.standing("local", NOW + 11)) == 1


def test_what_lasts_is_found_newest_first_and_by_its_place(store: Store) -> None:
    first, second, other = standing(1), standing(2), standing(3, tenant="other")
    for one in (first, second, other):
        store.add_standing(one, NOW)
    assert store.standing_for("local", "com.example.hello", "greet", "claude", NOW) == (second, first)
    assert store.standing("local", NOW) == (first, second)
    assert store.standing_for("local", "com.example.hello", "other", "claude", NOW) == ()
    assert store.standing_for("local", "com.example.hello", "greet", "other", NOW) == ()
    assert store.standing_for("local", "com.example.other", "greet", "claude", NOW) == ()
    assert store.standing("other", NOW) == (other,)


def test_what_lasts_can_be_taken_back(store: Store) -> None:
    one = standing()
    store.add_standing(one, NOW)
    assert store.revoke("other", one.id) is False
    assert store.revoke("local", one.id) is True
    assert store.revoke("local", one.id) is False
    assert store.use_standing(one.id, NOW) is None


def test_what_lasts_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("mpp.host.stores.approvals", "mpp.testing.approvals"):
        monkeypatch.setattr(f"{module}.STANDING_MAX", 3)
    assert STANDING_MAX > 3
    for i in range(3):
        store.add_standing(standing(i), NOW)
    assert code_of(lambda: store.add_standing(standing(4), NOW)) == "approval.too_many"
    store.add_standing(standing(4, tenant="other"), NOW)


# --- consents


def consent(package: str = "com.example.hello", *, tenant: str = "local", at: int = NOW) -> Consent:
    data = files({"package_id": package})["manifest.json"]
    return consent_of(parse_manifest(data), data, tenant=tenant, publisher_id="ab" * 32, by="user:ada", amr="tty", now=at)


def test_consents(store: Store) -> None:
    one, two = consent(), consent("com.example.a")
    assert store.consent("local", "ab" * 32, "com.example.hello") is None
    for each in (one, two, consent(tenant="other")):
        store.put_consent(each)
    assert store.consent("local", "ab" * 32, "com.example.hello") == one
    assert store.consents("local") == (two, one)
    store.put_consent(consent(at=NOW + 1))
    assert store.consent("local", "ab" * 32, "com.example.hello") == consent(at=NOW + 1)
    assert store.drop_consent("local", "cd" * 32, "com.example.hello") is False
    assert store.drop_consent("local", "ab" * 32, "com.example.hello") is True
    assert store.drop_consent("local", "ab" * 32, "com.example.hello") is False
    assert store.consents("local") == (two,)
    assert store.consents("other") == (consent(tenant="other"),)


# --- once, and how often


def test_a_name_is_spent_once(store: Store) -> None:
    assert store.spend("approval", "a", NOW + 10, NOW) is True
    assert store.spend("approval", "a", NOW + 10, NOW) is False
    assert store.spend("approval", "a", NOW + 99, NOW + 1) is False
    assert store.spend("agent", "a", NOW + 10, NOW) is True
    assert store.spend("approval", "b", NOW + 10, NOW) is True


def test_a_spent_name_is_kept_beyond_the_time_that_was_asked(store: Store) -> None:
    """An answer outlives its proof: it must not become a second one when the first is forgotten."""
    store.spend("approval", "a", NOW + 1, NOW)
    late = NOW + QUESTION_SECONDS_MAX + ANSWER_SECONDS_MAX
    for i in range(300):
        store.spend("approval", f"other {i}", late, late)
    assert store.spend("approval", "a", late, late) is False


def test_calls_are_counted_over_sixty_seconds(store: Store) -> None:
    assert [store.take("k", 3, NOW + i) for i in (0, 0, 30, 31)] == [True, True, True, False]
    assert store.take("other", 3, NOW + 31) is True
    assert store.take("k", 3, NOW + 59) is False
    assert [store.take("k", 3, NOW + 60) for _ in range(3)] == [True, True, False]
    assert store.take("k", 3, NOW + 90) is True
    assert store.take("k", 0, NOW + 1000) is False


def test_a_count_of_the_future_is_forgotten(store: Store) -> None:
    assert store.take("k", 1, NOW + 5000) is True
    assert store.take("k", 1, NOW) is True
    assert store.take("k", 1, NOW) is False
