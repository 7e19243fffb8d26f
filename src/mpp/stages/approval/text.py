"""The text of a question: what a person reads before saying yes, the same on every channel. Spec: spec/4-approval.md section 3.

Its fields stand in a fixed order and are always there. Attack: words of a publisher, an agent or an argument that pass for ours.
They stand in quotation marks or behind a mark, never at the beginning of a line, and no line is longer than a screen is wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, UTC
from typing import NamedTuple

from mpp.crypto.ed25519 import fingerprint
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.approval.leaves import count_leaves, Leaf, leaves
from mpp.stages.approval.limits import (
    ARGUMENTS_SHOWN_MAX,
    DETAILS_BYTES_MAX,
    REASONS_SHOWN_MAX,
    TEXT_BYTES_MAX,
    USES_SHOWN_MAX,
    VALUE_COLUMNS_MAX,
)
from mpp.stages.approval.quoting import name, quoted, sentence, wrapped
from mpp.stages.approval.sections import fit, fit_all, Fitted, IN_DETAILS, NOWHERE, Section, size
from mpp.stages.approval.types import Action, Offer
from mpp.stages.policy.types import Decided, Risk

BEHIND_SHOWN_MAX = 3
"""Users and agents behind an agent that are named in the text. Reason: chains are short; the details have all of them."""

BEHIND_MAX = 100
"""Users and agents behind an agent that are named in the details. Reason: longer chains are refused long before."""

DETAIL_COLUMNS = (DETAILS_BYTES_MAX, 16_000, 4000)
"""Columns of one value in the details. The first at which the fewest are left out; of a longer value head and tail are shown."""

_IDEAS = {"model": "a model", "human": "a person", "automation": "a program"}
_STRENGTHS = {
    "flag": "any yes counts, an option of a command too",
    "elicitation": "answering in a form, at the terminal, or with a passphrase or a security key",
    "tty": "answering at the terminal, or with a passphrase or a security key",
    "passphrase": "answering with a passphrase or a security key",
}


@value
class Facts:
    """All that a text says, in one value, so that the text follows from it and from nothing else."""

    action: Action
    publisher_name: str
    version: str
    security_level: str
    risk: Risk
    origin: str
    decided: Decided
    strength: str
    approvers: int
    answer_seconds: int
    uses: tuple[str, ...]
    includes_consent: bool
    growth: tuple[str, ...]
    offer: Offer | None
    arguments: Json
    argument_bytes: int
    created: int
    expires: int
    left_out: int = 0
    """Of how many lines the details do not have all."""


class Text(NamedTuple):
    """What is shown, and whether something had to be left out."""

    text: str
    cut: bool
    arguments: tuple[str, ...]


class Details(NamedTuple):
    """What is shown on request, and what it lacks."""

    text: str
    hidden: int
    """Lines that are not there at all."""
    left_out: int
    """Those, and the ones of which only the ends are."""


def compose(facts: Facts) -> Text:
    """The text: at most 4 KiB, whatever the facts are."""
    reasons = _sentences(_reasons(facts.risk), REASONS_SHOWN_MAX)
    uses = _sentences(facts.uses, USES_SHOWN_MAX)
    growth = _sentences(facts.growth, REASONS_SHOWN_MAX)
    arguments = _arguments(facts.arguments, VALUE_COLUMNS_MAX, ARGUMENTS_SHOWN_MAX)
    head, behind_cut = _head(facts)
    fixed = sum(size(part) for part in (head, *_between(facts), _tail(facts)))
    room = TEXT_BYTES_MAX - fixed
    # What is asked for comes first: each section may take a share of what those before it have left.
    shown: list[Fitted] = []
    for place, section in enumerate((arguments, uses, growth, reasons)):
        shown.append(fit(section, room // 2 if place < 3 else room, IN_DETAILS))
        room -= size(shown[-1].lines)
    of_arguments, of_uses, of_growth, of_reasons = (one.lines for one in shown)
    may, given, new = _between(facts)
    lines = [*head, *of_reasons, *may, *of_uses, *given, *of_arguments, *new, *of_growth, *_tail(facts)]
    cut = behind_cut or facts.left_out > 0 or any(one.left_out for one in shown)
    return Text("\n".join(lines) + "\n", cut=cut, arguments=tuple(of_arguments))


def compose_details(facts: Facts) -> Details:
    """All that there is to know, as far as 64 KiB hold it; what is left out is counted."""
    widest, *narrower = DETAIL_COLUMNS
    found = _details(facts, widest)
    for columns in narrower if found.left_out else ():
        other = _details(facts, columns)
        # As many items as can be, then as many whole as can be.
        if (other.hidden, other.left_out) < (found.hidden, found.left_out):
            found = other
    return found


def _details(facts: Facts, widest: int) -> Details:
    action = facts.action
    behind = action.agent.behind
    digests = {"content": action.content_hash, "publisher": action.publisher_id, "rights": action.rights_digest, "policy": action.policy_digest}
    if action.agent.key:
        digests["key of the agent"] = action.agent.key
    head = [line for what, digest in digests.items() for line in (what, f"    {digest}")]
    head += [f"tenant        {name(action.tenant)}", *(f"acting for    {one.kind} {name(one.name)} ({one.level})" for one in behind[:BEHIND_MAX])]
    many = DETAILS_BYTES_MAX
    sections = {
        "risk": _sentences(_reasons(facts.risk), many, widest),
        "it may": _sentences(facts.uses, many, widest),
        "new": _sentences(facts.growth, many, widest),
        "arguments": _arguments(facts.arguments, widest, many, whole_paths=True),
    }
    lines = wrapped(head)
    shown = fit_all([*sections.values()], DETAILS_BYTES_MAX - size(lines) - size([*sections]), NOWHERE)
    for title, one in zip(sections, shown, strict=True):
        lines += [title, *one.lines]
    hidden = sum(one.hidden for one in shown) + max(0, len(behind) - BEHIND_MAX)
    return Details("\n".join(lines) + "\n", hidden, hidden + sum(one.cut for one in shown))


def moment(at: int) -> str:
    """A time as people write it, without a doubt about its zone."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _span(seconds: int) -> str:
    return f"{seconds // 60} minutes" if seconds % 60 == 0 and seconds > 60 else f"{seconds} seconds"


def offer_words(offer: Offer) -> str:
    """What "always" means: the scope that the answer is held to."""
    return (
        f"up to {offer.calls} calls of this tool by this agent, with any arguments, until {moment(offer.until)}, "
        "while rights, capabilities and tool definitions stay as they are and the risk is no higher"
    )


def _head(facts: Facts) -> tuple[list[str], bool]:
    action = facts.action
    behind = action.agent.behind
    cut = len(behind) > BEHIND_SHOWN_MAX
    lines = [
        "MPP asks a person: may this call run?",
        f"tool          {name(action.tool)} of {name(action.package_id, 130)} {name(facts.version)}",
        f"publisher     {fingerprint(action.publisher_id)[:39]}, calls itself {name(facts.publisher_name, 60)}",
        f"content       {fingerprint(action.content_hash)[:39]}",
        f"asked by      {_agent(action.agent)}",
        f"idea of       {_IDEAS.get(facts.origin, 'nobody named')}; for {f'user {name(action.user)}' if action.user else 'no named user'}",
        f"level         {name(facts.security_level)}; risk {facts.risk.score} of 100 ({name(facts.risk.band)})",
    ]
    return wrapped(lines), cut


def _agent(agent: AgentIdentity) -> str:
    whom = name(agent.name) if agent.name else "nobody named"
    issuer = f", vouched for by {name(agent.issuer, 100)}" if agent.issuer else ""
    behind = "".join(f", for {one.kind} {name(one.name)} ({one.level})" for one in agent.behind[:BEHIND_SHOWN_MAX])
    more = f" and {len(agent.behind) - BEHIND_SHOWN_MAX} more" if len(agent.behind) > BEHIND_SHOWN_MAX else ""
    return f"{whom} ({agent.level}){issuer}{behind}{more}"


def _between(facts: Facts) -> tuple[list[str], list[str], list[str]]:
    """The lines above rights, arguments and news."""
    may = "it may        " + ("use nothing outside its own computation" if not facts.uses else "do this:")
    given = f"arguments     {facts.argument_bytes:,} bytes, sha256"
    agrees = "a yes is also a yes to what the package declares" if facts.includes_consent else "somebody agreed before to what the package declares"
    new = f"consent       {agrees}" + ("; new:" if facts.growth else "")
    return wrapped([may]), wrapped([given, f"    {facts.action.argument_sha256}"]), wrapped([new])


def _tail(facts: Facts) -> list[str]:
    decided = facts.decided
    people = "one person" if facts.approvers == 1 else f"{facts.approvers} different persons"
    missing = f"; the details leave out {facts.left_out:,} lines of rights, arguments, news or reasons, whole or in part" if facts.left_out else ""
    always = "is no answer here" if facts.offer is None else f"means {offer_words(facts.offer)}"
    return wrapped(
        [
            f"why asked     {name(decided.layer)} policy {name(decided.policy)}, rule {name(decided.rule)}: {quoted(decided.why, 150).noted}",
            f"who           {people}, {_STRENGTHS[facts.strength]}{missing}",
            f"yes           lets this one call run once, within {_span(facts.answer_seconds)} of the answer",
            f"always        {always}",
            f"asked at      {moment(facts.created)}; the last moment to answer is {moment(facts.expires)}",
        ]
    )


def _sentences(lines: Sequence[str], most: int, widest: int = 2 * VALUE_COLUMNS_MAX) -> Section:
    return Section(lambda: (_sentence(line, widest) for line in lines), len(lines), most)


def _sentence(line: str, widest: int) -> Leaf:
    shown = sentence(line, widest)
    return Leaf(f"- {shown.noted}", shown.cut)


def _reasons(risk: Risk) -> list[str]:
    return [f"{one.points:+d} {one.words}" for one in risk.reasons]


def _arguments(document: Json, widest: int, most: int, *, whole_paths: bool = False) -> Section:
    # Attack: a hundred thousand arguments. Only those that have room are written; the others are counted.
    return Section(lambda: leaves(document, widest, whole_paths=whole_paths) if document else (), count_leaves(document) if document else 0, most)
