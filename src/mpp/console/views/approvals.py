"""What the pages about approvals show: of questions, of approvals that last, and of what the record says about earlier ones."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256

from mpp.console.desk import OWN_TENANTS
from mpp.model.value import value
from mpp.stages.approval import Answer, Question, Standing, enough
from mpp.stages.audit import Line, dict_of, text_of

BY_FORM = "elicitation"
"""What a click counts for: a form that this process saw, and no more. Spec: approval H-97."""


@value
class Waiting:
    """One call that waits, as a row of the inbox and as the head of its page."""

    id: str
    ref: str
    package: str
    version: str
    publisher: str
    """What it calls itself."""
    publisher_id: str
    tool: str
    agent: str
    agent_level: str
    behind: tuple[str, ...]
    """For whom the agent acts."""
    tenant: str
    is_own: bool
    """Is it a call of this host's own tenants?"""
    user: str
    level: str
    score: int
    band: str
    reasons: tuple[str, ...]
    arguments: tuple[str, ...]
    """As the text shows them."""
    rule: str
    origin: str
    includes_consent: bool
    asked: int
    expires: int
    left: int
    """Seconds for which it still waits."""
    answers: tuple[str, ...]
    """Who said yes so far, where two must."""
    needs_key: bool
    """Does a yes need the passphrase of an approver's key?"""
    approvers: int
    always: bool
    """Can it be answered for always?"""
    must_open: bool
    text: str
    text_sha256: str
    details: str


def waiting(question: Question, answers: Iterable[Answer], now: int) -> Waiting:
    action, agent = question.action, question.action.agent
    return Waiting(
        id=question.id, ref=question.ref, package=action.package_id, version=question.version, publisher=question.publisher_name,
        publisher_id=action.publisher_id, tool=action.tool, agent=agent.name, agent_level=agent.level,
        behind=tuple(f"{one.kind} {one.name} ({one.level})" for one in agent.behind), tenant=action.tenant, is_own=action.tenant in OWN_TENANTS, user=action.user, level=question.security_level,
        score=question.risk.score, band=question.risk.band, reasons=tuple(one.words for one in question.risk.reasons), arguments=question.arguments_shown,
        rule=question.rule, origin=question.origin, includes_consent=question.includes_consent, asked=question.created, expires=question.expires,
        left=max(question.expires - now, 0), answers=tuple(one.approver for one in answers if one.yes), needs_key=needs_key(question),
        approvers=question.approvers, always=question.offer is not None, must_open=question.must_open_details, text=question.text,
        text_sha256=question.text_sha256, details=question.details,
    )  # fmt: skip


def needs_key(question: Question) -> bool:
    """Is a click too little for a yes? Spec: approval H-97, H-98."""
    return question.approvers > 1 or question.tenant not in OWN_TENANTS or not enough(BY_FORM, question.strength)


def opened_proof(form_token: str, question: Question) -> str:
    """What a form carries that stands below the details. Attack: a yes to what was never shown, sent by a page that left the details out.

    Spec: approval H-29, H-97. Only a page that showed these details to this session has it.
    """
    shown = f"details:{question.id}:{question.text_sha256}:{sha256(question.details.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return hmac.new(form_token.encode(), shown.encode(), sha256).hexdigest()


def is_opened(form_token: str, question: Question, given: str) -> bool:
    return hmac.compare_digest(opened_proof(form_token, question).encode(), given.encode("utf-8", "replace"))


def fingerprint_of(questions: Iterable[Question], answers: Iterable[Answer]) -> str:
    """Changes whenever the inbox would show something else than time."""
    parts = [one.id for one in questions] + [f"{one.question}:{one.approver}:{one.yes}" for one in answers]
    return sha256("\n".join(parts).encode()).hexdigest()


@value
class Lasting:
    """One approval that lasts."""

    id: str
    package: str
    tool: str
    agent: str
    user: str
    calls: int
    until: int
    score: int
    exact: bool
    approver: str
    amr: str
    created: int
    tenant: str


def lasting(one: Standing) -> Lasting:
    return Lasting(
        id=one.id, package=one.package_id, tool=one.tool, agent=one.agent.name, user=one.user, calls=one.calls, until=one.until, score=one.score,
        exact=bool(one.argument_sha256), approver=one.approver, amr=one.amr, created=one.created, tenant=one.tenant,
    )  # fmt: skip


@value
class Past:
    """One question as the record tells of it."""

    id: str
    ref: str
    at: int
    package: str
    tool: str
    agent: str
    level: str
    state: str
    """``yes``, ``no``, ``waiting`` or ``expired``."""
    by: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    """How sure it is that it was a person, and the channel, of each answer."""
    why: str = ""
    answered: int = 0
    always: bool = False
    spent: int = 0
    """When the call ran that used it; 0 if none did."""


def past(lines: Iterable[Line], now: int, most: int) -> tuple[Past, ...]:
    """The newest ``most`` questions of ``lines``, which are entries of the record in any order; an answer alone tells too little and is left out."""
    questions: dict[str, Line] = {}
    answers: dict[str, list[Line]] = {}
    spent: dict[str, int] = {}
    for line in sorted(lines, key=lambda one: one.seq):
        name = text_of(line.body, "question")
        if line.kind == "question":
            questions[name] = line
        elif line.kind == "answer":
            answers.setdefault(name, []).append(line)
        elif line.kind == "approval-spent":
            spent[text_of(line.body, "jti")] = line.at
    newest = sorted(questions.values(), key=lambda one: one.seq, reverse=True)[:most]
    return tuple(_past(one, answers.get(text_of(one.body, "question"), []), spent, now) for one in newest)


def _past(line: Line, answers: list[Line], spent: dict[str, int], now: int) -> Past:
    body = line.body
    said = [text_of(one.body, "answer") for one in answers]
    needed = body.get("approvers")
    settled = "no" if "no" in said else "yes" if len(said) >= (needed if isinstance(needed, int) else 1) else ""
    expires = body.get("expires")
    is_over = not isinstance(expires, int) or expires < now
    return Past(
        id=text_of(body, "question"),
        ref=text_of(body, "ref"),
        at=line.at,
        package=text_of(body, "package"),
        tool=text_of(body, "tool"),
        agent=text_of(dict_of(body, "agent"), "name"),
        level=text_of(body, "level"),
        state=settled or ("expired" if is_over else "waiting"),
        by=tuple(text_of(one.body, "approver") for one in answers),
        ways=tuple(_way(one) for one in answers),
        why=next((why for one in answers if (why := text_of(one.body, "why"))), ""),
        answered=max((one.at for one in answers), default=0),
        always=any(text_of(one.body, "scope") == "always" for one in answers),
        spent=spent.get(text_of(body, "jti"), 0),
    )


def _way(line: Line) -> str:
    channel = text_of(line.body, "channel")
    return text_of(line.body, "amr") + (f", {channel}" if channel else "")
