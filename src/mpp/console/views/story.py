"""The story of one call as a page tells it: its stages with verdicts and times, its approval, what was taken out, its commitments. Pure.

Everything comes from the entries of the record. What it does not hold, the page says it does not hold: arguments, answers, values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mpp.console.charts import Bar, bars
from mpp.console.charts_scale import duration
from mpp.console.views.capabilities import capabilities, Capability
from mpp.console.views.steps import ending_of, LISTED_MAX, Rule, rules_of, Step, steps_of, Told
from mpp.model.value import value
from mpp.stages.audit import dict_of, Line, redactions_of, text_of, times_of, told_of


@value
class Answer:
    """What somebody said to the question."""

    said: str
    who: str
    how: str
    channel: str
    at: int
    is_signed: bool
    entry: int


@value
class Approval:
    because: str
    """The rule that asked; empty where the question is not in the record."""
    needs: str
    expires: int | None
    answers: tuple[Answer, ...]
    spent: int | None
    """The entry that used it up."""
    receipt: str
    """The SHA-256 of the signed receipt."""
    receipt_entry: int | None
    link: str
    """The one-time name that binds question, answer and use."""


@value
class Commitment:
    what: str
    digest: str
    entry: int


@value
class EntryRow:
    seq: int
    at: int
    kind: str
    words: str


@value
class Story:
    invocation: str
    at: int
    tenant: str
    agent: str
    level: str
    users: tuple[str, ...]
    package: str
    version: str
    publisher: str
    publisher_id: str
    content: str
    tool: str
    risk: int | None
    ending: str
    tone: str
    code: str
    is_verified: bool
    steps: tuple[Step, ...]
    rules: tuple[Rule, ...]
    capabilities: tuple[Capability, ...]
    redactions: tuple[Bar, ...]
    privacy_notes: tuple[str, ...]
    approval: Approval | None
    commitments: tuple[Commitment, ...]
    entries: tuple[EntryRow, ...]
    proven: int
    """The entry that is proven on the page: how it ended, or the last one."""
    total: str
    """How long the measured stages took together; empty where nothing was measured."""


def story_of(lines: Sequence[Line], invocation: str) -> Story:
    """``lines`` in order, at least one."""
    told = Told(lines)
    own = [line for line in lines if line.invocation == invocation] or [*lines]
    decision = told.body("decision")
    facts, said = dict_of(decision, "facts"), [told_of(line) for line in own]
    ending, tone, code = ending_of(told)
    result = told.by.get("result")
    times = times_of(result) if result is not None else {}
    agent = told.body("agent") or dict_of(facts, "agent") or dict_of(told.body("refused"), "agent") or dict_of(told.body("intent"), "agent")
    return Story(
        invocation=invocation, at=own[0].at, tenant=own[0].tenant, agent=text_of(agent, "name"), level=text_of(agent, "proof") or text_of(agent, "level"),
        users=tuple(dict.fromkeys(user for one in said for user in one.users))[:LISTED_MAX], package=_first(one.package for one in said), version=text_of(facts, "version"),
        publisher=text_of(facts, "publisher_name"), publisher_id=_first(one.publisher for one in said), content=_first(one.content for one in said),
        tool=_first(one.tool for one in said), risk=next((one.risk for one in said if one.risk is not None), None), ending=ending, tone=tone, code=code,
        is_verified=not any(line.body.get("verified") is False for line in own), steps=steps_of(told, facts, times), rules=rules_of(decision),
        capabilities=capabilities(told.by.get("decision"), told.by.get("token-narrowed") or told.by.get("token-granted"), result),
        redactions=bars([(kind, "", count) for kind, count in (redactions_of(result) if result is not None else ())[:LISTED_MAX]]),
        privacy_notes=_privacy_notes(told), approval=_approval(told, lines), commitments=_commitments(lines),
        entries=tuple(EntryRow(seq=line.seq, at=line.at, kind=line.kind, words=in_short(line)) for line in lines), proven=_proven(own),
        total=_total(times),
    )  # fmt: skip


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _total(times: dict[str, int]) -> str:
    return duration(sum(times.values())) if times else ""


def _proven(own: Sequence[Line]) -> int:
    return next((line.seq for line in reversed(own) if line.kind in {"result", "refused", "interrupted"}), own[-1].seq)


# -- parts


def _privacy_notes(told: Told) -> tuple[str, ...]:
    found = dict_of(told.body("result"), "privacy")
    let = [f"{key} {many}" for key, many in dict_of(found, "let_through").items() if isinstance(many, int)]
    revealed = told.body("reveal").get("count")
    return tuple(filter(None, (
        f"Let through by a rule: {', '.join(let[:LISTED_MAX])}." if let else "",
        f"Hidden characters stripped: {found['stripped']}." if isinstance(found.get("stripped"), int) and found["stripped"] else "",
        f"Placeholders that the tool was told the values of: {revealed}." if isinstance(revealed, int) and revealed else "",
    )))  # fmt: skip


def _approval(told: Told, lines: Sequence[Line]) -> Approval | None:
    question, spent, receipt = told.body("question"), told.body("approval-spent"), told.body("receipt")
    answers = tuple(_answer(line) for line in lines if line.kind == "answer")[:LISTED_MAX]
    if not (question or spent or answers):
        return None
    expires = question.get("expires")
    return Approval(
        because=text_of(question, "rule"), needs=text_of(question, "strength"), expires=expires if isinstance(expires, int) and expires >= 0 else None, answers=answers,
        spent=told.seq("approval-spent"), receipt=text_of(receipt, "sha256"), receipt_entry=told.seq("receipt"), link=text_of(question, "jti") or text_of(spent, "jti"),
    )  # fmt: skip


def _answer(line: Line) -> Answer:
    body = line.body
    return Answer(
        said=text_of(body, "answer"), who=text_of(body, "approver"), how=text_of(body, "amr"), channel=text_of(body, "channel"), at=line.at,
        is_signed=body.get("signed") is True, entry=line.seq,
    )  # fmt: skip


_JUDGED = "what went in, as policy judged it"
_COMMITS = {
    "in": "what went in",
    "out_raw": "what came out",
    "out_shown": "what was passed on",
    "binding": "the action that was asked about",
    "text": "the text of the question",
}


def _commitments(lines: Sequence[Line]) -> tuple[Commitment, ...]:
    found = (
        Commitment(what=_JUDGED if name == "in" and line.kind == "decision" else _COMMITS[name], digest=item[:64], entry=line.seq)
        for line in lines
        for name, item in line.commit.items()
        if name in _COMMITS and isinstance(item, str)
    )
    return tuple(found)[:LISTED_MAX]


def in_short(line: Line) -> str:
    """What an entry says, in one line."""
    said = told_of(line)
    end = said.outcome or said.code or said.effect
    parts = (
        "/".join(one for one in (said.package, said.tool) if one), f"agent {said.agent}" if said.agent else "", end,
        f"by {', '.join(said.approvers)}" if said.approvers else "", f"hosts {', '.join(said.hosts)}" if said.hosts else "",
    )  # fmt: skip
    return ", ".join(part for part in parts if part)[:_SHORT_CHARS]


_SHORT_CHARS = 300
