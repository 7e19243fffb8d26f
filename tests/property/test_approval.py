"""Approval on generated inputs: texts that cannot deceive, documents that are read as they were written, and no state in which one yes runs twice."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mpp.errors import Refused
from mpp.model.agents import AgentIdentity, Delegation
from mpp.stages.approval import (
    Action,
    Answer,
    Call,
    Grant,
    Question,
    accept,
    judge,
    make_question,
    read_answer,
    read_question,
    sign_answer,
    vouch,
    warrant,
    write_question,
)
from mpp.stages.approval.consent import changed_words
from mpp.stages.approval.leaves import count_leaves, leaves
from mpp.stages.approval.limits import DETAILS_BYTES_MAX, LINE_COLUMNS_MAX, PROOF_SECONDS_MAX, TEXT_BYTES_MAX
from mpp.stages.approval.quoting import GOES_ON, columns, name, quoted, sentence, wrapped
from mpp.stages.policy.types import Limits, Reason, Risk
from mpp.testing.approvals import MemoryApprovals
from mpp.testing.packages import NOW, TestRandom
from mpp.testing.questions import approver, approver_key, approvers, asked, desk, need, token_for
from mpp.testing.questions import given as particulars

LABELS = ["tool", "publisher", "content", "asked by", "idea of", "level", "it may", "arguments", "consent", "why asked", "who", "yes", "always", "asked at"]
ODD = st.sampled_from(
    ["\n", "\r", "\x1b[2J", "\u202e", "\u200b", "\u0430", "\xa0", "  ", '"', "\\", "\u2026", "日", "\U0001f600", "[", "- ", "  - ", "level         ", " | "]
)
TEXTS = st.lists(st.one_of(ODD, st.text(st.characters(exclude_categories=("Cs",)), max_size=12)), max_size=30).map("".join)
LONG = st.one_of(TEXTS, st.builds(lambda one, times: one * times, TEXTS, st.integers(1, 200)))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), LONG),
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(TEXTS, inner, max_size=6)),
    max_leaves=30,
)
AGENTS = st.builds(
    AgentIdentity,
    name=LONG,
    level=st.sampled_from(("anonymous", "launched", "token", "signed")),
    issuer=LONG,
    behind=st.lists(st.builds(Delegation, kind=st.sampled_from(("user", "agent")), name=LONG, level=st.just("token")), max_size=8).map(tuple),
)


EACH_SLOW = 20
"""Questions of which one takes half a second to make, read and measure."""


@st.composite
def questions(draw: st.DrawFn) -> Question:
    one = asked(
        publisher_name=draw(LONG), package_id=draw(LONG), version=draw(LONG), tool=draw(LONG), user=draw(LONG), tenant=draw(LONG), origin=draw(TEXTS),
        agent=draw(AGENTS), consented=draw(st.booleans()),
    )  # fmt: skip
    risk = Risk(score=draw(st.integers(0, 100)), band=draw(TEXTS), reasons=tuple(Reason(points=1, words=text) for text in draw(st.lists(LONG, max_size=9))))
    limits = Limits(approvers=draw(st.integers(1, 2)), answer_seconds=draw(st.integers(0, 2000)))
    what = need(draw(st.sampled_from(("low", "high", "critical", ""))), risk=risk, limits=limits)
    decided = replace(what.verdict.decisive, layer=draw(LONG), policy=draw(LONG), rule=draw(LONG), why=draw(LONG))
    what = replace(what, verdict=replace(what.verdict, decided=(decided,)))
    lines = st.lists(LONG, max_size=20).map(tuple)
    more = particulars(draw(st.dictionaries(TEXTS, VALUES, max_size=8)), uses=draw(lines), growth=draw(lines), includes_consent=draw(st.booleans()))
    return make_question(one, what, more, TestRandom())


@settings(max_examples=EACH_SLOW)
@given(questions())
def test_a_text_is_whole_short_and_ours(one: Question) -> None:
    assert len(one.text.encode()) <= TEXT_BYTES_MAX
    assert len(one.details.encode()) <= DETAILS_BYTES_MAX
    lines = one.text.splitlines()
    assert [re.split(r"  +", line)[0] for line in lines[1:] if not line.startswith("  ")] == LABELS
    for line in [*lines, *one.details.splitlines()]:
        assert line.isprintable()
        assert sum(map(columns, line)) <= LINE_COLUMNS_MAX


@settings(max_examples=EACH_SLOW)
@given(questions())
def test_what_was_written_is_read_or_was_never_written(one: Question) -> None:
    try:
        data = write_question(one)
    except Refused as fault:
        assert fault.code.startswith("approval.")
        return
    assert read_question(data, where="here") == one


@given(LONG, st.integers(10, 200))
def test_a_quotation_says_what_it_quotes(text: str, most: int) -> None:
    shown = quoted(text, most)
    assert shown.text.isprintable()
    if not shown.cut:
        # The escapes are those of Python, so the text can be read back from what a person sees.
        assert json.loads(re.sub(r"\\U([0-9a-f]{8})", lambda found: json.dumps(chr(int(found[1], 16)))[1:-1], shown.text)) == text
        assert sum(map(columns, shown.text)) <= most + 2


@given(LONG, LONG)
def test_different_texts_are_shown_differently(one: str, other: str) -> None:
    if one != other:
        assert quoted(one, 100).noted != quoted(other, 100).noted


@given(st.text(st.one_of(st.characters(), st.characters(categories=("Cs",))), max_size=400), st.integers(1, 80_000))
def test_no_text_makes_the_showing_fail(text: str, most: int) -> None:
    """Attack: half of a character, at which a question cannot be made."""
    shown = [
        name(text, min(most, 64)),
        quoted(text, most).noted,
        sentence(text, most).noted,
        *(leaf.line for leaf in leaves({text: [text, {text: 1}]}, most, whole_paths=True)),
    ]
    assert all(line.isprintable() for line in shown)
    assert "\n".join(wrapped(shown)).encode("utf-8")


@given(LONG, st.integers(20, 100))
def test_lines_lose_nothing_when_they_are_broken(text: str, most: int) -> None:
    line = sentence(text, 500).text
    pieces = wrapped([line], most=most)
    assert all(sum(map(columns, piece)) <= most for piece in pieces)
    joined = "".join(piece.removeprefix(GOES_ON) if i else piece for i, piece in enumerate(pieces))
    assert joined.replace(" ", "") == line.replace(" ", "") or GOES_ON in line


@given(VALUES)
def test_each_value_is_counted_as_it_is_shown(document: object) -> None:
    assert len(list(leaves(document, 50))) == count_leaves(document)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_changed_words_are_what_is_changed(old: list[str], new: list[str]) -> None:
    was, now = (one.split() for one in changed_words(" ".join(old), " ".join(new)))
    head = next((i for i in range(len(old) + 1) if old[i : i + len(was)] == was and [*old[:i], *now, *old[i + len(was) :]] == new), None)
    assert head is not None
    assert (old == new) == (not was and not now)


FIELDS = ["tenant", "publisher_id", "package_id", "content_hash", "tool", "argument_sha256", "rights_digest", "user", "policy_digest"]


@given(st.lists(TEXTS, min_size=9, max_size=9), st.lists(TEXTS, min_size=9, max_size=9), AGENTS, AGENTS)
def test_a_binding_is_one_to_one(one: list[str], other: list[str], agent: AgentIdentity, second: AgentIdentity) -> None:
    """Names that contain each other's separators make no equal bindings."""
    left, right = (Action(agent=who, **dict(zip(FIELDS, values, strict=True))) for who, values in ((agent, one), (second, other)))
    assert (left.binding == right.binding) == (left.shown() == right.shown())


KNOWN = approvers(approver("ada"))
PLAIN = make_question(asked(), need(), particulars(), TestRandom())


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_no_changed_byte_is_an_answer(noise: bytes, at: int) -> None:
    whole = sign_answer(PLAIN, approver_key("ada"), yes=True, approver="ada", amr="passphrase", now=NOW).envelope
    place = at % len(whole)
    changed = whole[:place] + noise + whole[place + len(noise) :]
    try:
        found: Answer | None = read_answer(changed, KNOWN, where="here")
    except Refused as fault:
        assert fault.code.startswith("approval.")
        return
    assert changed == whole
    assert found is not None


class OneCall(RuleBasedStateMachine):
    """People, agents and clocks in any order: no yes is ever used for two runs, and none without being given."""

    @initialize()
    def begin(self) -> None:
        self.desk = desk(KNOWN)
        self.now = NOW
        self.grants: list[tuple[Grant, int]] = []
        self.given: dict[str, int] = {}
        self.runs: list[str] = []

    def call(self, number: int) -> Call:
        one = asked(now=self.now)
        return Call(asked=one, need=need(), given=particulars({"n": number}), token=token_for(one), invocation=f"{len(self.runs):032x}")

    @rule(number=st.integers(0, 2))
    def judge(self, number: int) -> None:
        try:
            found = judge(self.call(number), self.desk)
        except Refused as fault:
            assert fault.code == "approval.denied"
            return
        if isinstance(found, Grant):
            assert found.jti in self.given
            assert self.now <= self.given[found.jti] + 900
            self.grants.append((found, self.now))

    @rule(pick=st.integers(0, 5), says=st.booleans(), signs=st.booleans())
    def answer(self, pick: int, says: bool, signs: bool) -> None:
        pending = self.desk.approvals.pending("local", self.now)
        if not pending:
            return
        one = pending[pick % len(pending)]
        if signs:
            answer = sign_answer(one, approver_key("ada"), yes=says, approver="ada", amr="passphrase", now=self.now)
        else:
            answer = vouch(one, yes=says, user="ada", amr="tty", now=self.now)
        accept(one, answer, self.desk, self.now)
        if says:
            self.given[one.jti] = self.now

    @rule(pick=st.integers(0, 50))
    def use(self, pick: int) -> None:
        if not self.grants:
            return
        grant, made = self.grants[pick % len(self.grants)]
        assert isinstance(self.desk.approvals, MemoryApprovals)
        try:
            warrant(grant, self.desk.approvals, self.desk.events, self.now)
        except Refused as fault:
            assert fault.code in {"approval.spent", "approval.expired"}
            return
        assert self.now <= made + PROOF_SECONDS_MAX
        self.runs.append(grant.jti)

    @rule(seconds=st.sampled_from([1, 10, 119, 121, 600, 901, 90_000]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(pick=st.integers(0, 5))
    def withdraw(self, pick: int) -> None:
        pending = self.desk.approvals.pending("local", self.now)
        if pending:
            self.desk.approvals.withdraw("local", pending[pick % len(pending)].id)

    @invariant()
    def each_yes_ran_at_most_once(self) -> None:
        runs = getattr(self, "runs", [])
        assert len(runs) == len(set(runs))
        assert set(runs) <= set(getattr(self, "given", {}))


TestOneCall = OneCall.TestCase
TestOneCall.settings = settings(max_examples=60, stateful_step_count=40)
