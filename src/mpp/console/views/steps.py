"""The stages of one call, each with what it said and how long it took. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mpp.console.charts import Fall, waterfall
from mpp.console.charts_scale import short
from mpp.pages.texts import many
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.audit import dict_of, Line, redactions_of, STAGES, text_of, texts_of

GOOD, CAREFUL, BAD, PLAIN = "good", "careful", "bad", "plainly"

LISTED_MAX = 64
"""Rows of one list. Reason: a call has a handful; a hostile entry must not make a page of megabytes."""


@value
class Step:
    """One stage of the call."""

    name: str
    verdict: str
    tone: str
    words: tuple[str, ...]
    entry: int | None
    fall: Fall


@value
class Rule:
    """What one layer of policy said."""

    layer: str
    policy: str
    rule: str
    effect: str
    decided: bool
    """Is it the one whose effect held?"""


class Told:
    """The entries of one call by kind: the last of each, because a call that was asked about judges anew."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        self.by = {line.kind: line for line in lines}

    def body(self, kind: str) -> dict[str, Json]:
        line = self.by.get(kind)
        return line.body if line is not None else {}

    def seq(self, kind: str) -> int | None:
        line = self.by.get(kind)
        return line.seq if line is not None else None


def ending_of(told: Told) -> tuple[str, str, str]:
    """In words, with its tone and its code."""
    if "result" in told.by:
        outcome = text_of(told.body("result"), "outcome")
        return ("ran", GOOD, "") if outcome == "ok" else ("failed", BAD, outcome)
    if "interrupted" in told.by:
        return "interrupted: its host ended before it did", BAD, ""
    code = text_of(told.body("refused"), "code")
    if code == "policy.denied" or text_of(told.body("decision"), "effect") == "deny":
        return "denied by policy", CAREFUL, code or "policy.denied"
    if code.startswith("approval."):
        return "a person was asked", CAREFUL, code
    if code:
        return "refused", CAREFUL, code
    return "has not ended", PLAIN, ""


def steps_of(told: Told, facts: dict[str, Json], times: dict[str, int]) -> tuple[Step, ...]:
    made = (_verified(told, facts), _policy(told), _asked(told), _kept(told), _ran(told), _filtered(told), _recorded(told))
    measured = [("", times.get(stage)) if stage else ("", None) for _, stage, *_ in made]
    tones = ["failed" if tone == BAD else "asked" if tone == CAREFUL else "ok" for *_, tone, _, _ in made]
    falls = waterfall(measured, tones)
    return tuple(
        Step(name=name, verdict=verdict, tone=tone, words=words, entry=entry, fall=fall)
        for (name, _, verdict, tone, words, entry), fall in zip(made, falls, strict=True)
    )


_Made = tuple[str, str, str, str, tuple[str, ...], int | None]
"""Name, measured stage, verdict, tone, words, entry."""

_POLICY, _APPROVAL, _AUDIT, _SANDBOX, _PRIVACY = STAGES


def _verified(told: Told, facts: dict[str, Json]) -> _Made:
    name = "Verified"
    if any(line.body.get("verified") is False for line in told.lines):
        return name, "", "no", CAREFUL, ("An older server: nobody signed what it does.", _missing(told)), told.seq("decision")
    if not facts:
        return name, "", "not reached", PLAIN, ("The call was refused before policy saw it, and the record does not say how the package was verified.",), None
    bound = "bound to this publisher" if facts.get("bound") is True else "of a publisher who is not bound to this name"
    return name, "", "yes", GOOD, (f"Exactly these bytes, {bound}.",), told.seq("decision")


def _missing(told: Told) -> str:
    missing = next((texts_of(line.body, "missing_barriers") for line in told.lines if line.body.get("missing_barriers")), ())
    return f"Barriers that were missing: {', '.join(missing[:LISTED_MAX])}." if missing else ""


def _policy(told: Told) -> _Made:
    effect, decided = text_of(told.body("decision"), "effect"), next((one for one in rules_of(told.body("decision")) if one.decided), None)
    if not effect:
        return "Policy", _POLICY, "not reached", PLAIN, (), None
    words = (f"By the rule {decided.rule} of {decided.policy}, in the layer {decided.layer}.",) if decided is not None else ("No rule is named.",)
    verdict = {"allow": "allowed", "ask": "asks a person", "deny": "denied"}.get(effect, effect)
    return "Policy", _POLICY, verdict, {"allow": GOOD, "ask": CAREFUL}.get(effect, BAD), words, told.seq("decision")


def _asked(told: Told) -> _Made:
    name = "Approval"
    if "approval-spent" in told.by:
        body = told.body("approval-spent")
        return (
            name,
            _APPROVAL,
            "approved",
            GOOD,
            (f"By {', '.join(texts_of(body, 'approvers')[:LISTED_MAX])}, {text_of(body, 'amr')}; used up by this call.",),
            told.seq("approval-spent"),
        )
    if "standing-used" in told.by:
        return name, _APPROVAL, "approved before", GOOD, ("An approval that lasts was used.",), told.seq("standing-used")
    if "approval-refused" in told.by:
        return name, _APPROVAL, "did not hold", BAD, (text_of(told.body("approval-refused"), "code"),), told.seq("approval-refused")
    if text_of(told.body("refused"), "code").startswith("approval."):
        return (
            name,
            _APPROVAL,
            "not given",
            CAREFUL,
            ("The call ended here with a question. If it is asked again after a yes, it is judged anew.",),
            told.seq("refused"),
        )
    if "intent" in told.by:
        return name, _APPROVAL, "not needed", PLAIN, ("No rule asked for a person.",), None
    return name, _APPROVAL, "not reached", PLAIN, (), None


def _kept(told: Told) -> _Made:
    seq = told.seq("intent")
    if seq is None:
        return "Intent in the record", _AUDIT, "not reached", PLAIN, ("Nothing ran.",), None
    return "Intent in the record", _AUDIT, "durable", GOOD, ("It was on the disk before the tool began.",), seq


def _ran(told: Told) -> _Made:
    name, body = "Sandbox", told.body("result")
    if "result" in told.by:
        outcome, raw = text_of(body, "outcome"), dict_of(body, "measured").get("raw_bytes")
        large = f"It answered with about {short(raw)} bytes." if isinstance(raw, int) else "The record does not say how large its answer was."
        calls = body.get("host_calls")
        host = f"It asked the host {many(calls, 'time')}." if isinstance(calls, int) and calls else ""
        return (
            name,
            _SANDBOX,
            "ran" if outcome == "ok" else "failed",
            GOOD if outcome == "ok" else BAD,
            (outcome if outcome != "ok" else "", large, host),
            told.seq("result"),
        )
    if "interrupted" in told.by:
        return name, _SANDBOX, "interrupted", BAD, ("The process that ran it is gone. What it did until then is not known.",), told.seq("interrupted")
    if "intent" in told.by:
        return name, _SANDBOX, "has not ended", PLAIN, ("It runs still, or its host has just ended.",), None
    return name, _SANDBOX, "not reached", PLAIN, (), None


def _filtered(told: Told) -> _Made:
    result = told.by.get("result")
    if result is None:
        return "Privacy", _PRIVACY, "not reached", PLAIN, (), None
    taken = sum(count for _, count in redactions_of(result))
    if dict_of(result.body, "privacy").get("withheld"):
        return "Privacy", _PRIVACY, "withheld", CAREFUL, ("The answer was kept back: it could not be filtered.",), result.seq
    if taken:
        return "Privacy", _PRIVACY, f"{taken:,} taken out", CAREFUL, ("By kind below; the record has no value of them.",), result.seq
    return "Privacy", _PRIVACY, "nothing taken out", GOOD, (), result.seq


def _recorded(told: Told) -> _Made:
    first, last = told.lines[0].seq, told.lines[-1].seq
    return "Audit", "", "recorded", GOOD, (f"{len(told.lines)} entries, from {first:,} to {last:,}.",), last


def rules_of(decision: dict[str, Json]) -> tuple[Rule, ...]:
    found = decision.get("rules")
    effect, rows = text_of(decision, "effect"), [dict_of(one) for one in found[:LISTED_MAX]] if isinstance(found, list) else []
    # The strictest layer decides, and of equals the first.
    decisive = next((place for place, one in enumerate(rows) if text_of(one, "effect") == effect), None)
    return tuple(
        Rule(layer=text_of(one, "layer"), policy=text_of(one, "policy"), rule=text_of(one, "rule"), effect=text_of(one, "effect"), decided=place == decisive)
        for place, one in enumerate(rows)
    )
