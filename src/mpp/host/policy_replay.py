"""Past calls under a proposed policy: which would end otherwise. Reads a record as a stream, and believes nothing of it.

A record holds no arguments and no user. So each call is judged as strictly and as mildly as what is unknown allows. Where these
agree the answer is sure; where not, it is said so.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO, NamedTuple, TypeAlias

from mpp.errors import HostFailed, Refused
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.model.events import Event
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.stages.audit import read_entry
from mpp.stages.audit.limits import LINE_BYTES_MAX
from mpp.stages.policy import EFFECTS, Asked, Decided, Policies, Policy, Rule, Verdict, compile_policies, read_facts

CALLS_KEPT_MAX = 10_000
"""Calls that are listed at all. Reason: bounds memory for a record of any length."""

PROGRESS_SECONDS = 2
"""Seconds between two words about the progress. Reason: a person sees that it goes on."""

Progress: TypeAlias = Callable[[int, int | None], None]
"""Told how many entries were read, and how many per cent of all that is where one knows."""


class Change(NamedTuple):
    """One past call that would end otherwise."""

    at: int
    invocation: str
    package: str
    tool: str
    before: str
    after: str
    decided: Decided


@value
class Replayed:
    """What a record says about a proposed policy."""

    judged: int
    same: int
    counts: Counter[tuple[str, str]]
    """How many calls change, by effect then and effect now."""
    changes: list[Change]
    unsure: int
    unsure_why: Counter[str]
    torn: bool


class Judges:
    """The proposed policies, and the mildest that they could turn out to be where something is not on record."""

    def __init__(self, policies: Policies) -> None:
        self._strict = policies
        self._mild: dict[tuple[str, ...], tuple[Policies, Policies]] = {}
        self._rules = {(layer, rule.id): rule for layer, policy in policies.layers for rule in policy.rules}

    def strictest(self, asked: Asked) -> Verdict:
        return self._strict.evaluate(asked)

    def mildest(self, asked: Asked) -> str:
        """Each layer by itself. A question on something unknown can be the milder end: where otherwise nothing is allowed (P-31)."""
        unknown = asked.unknown
        if unknown not in self._mild:
            self._mild[unknown] = (self._without(unknown, ("allow",)), self._without(unknown, ("allow", "ask")))
        unasked, questions = (policies.evaluate(asked).decided for policies in self._mild[unknown])
        milder = (min(EFFECTS.index(one.effect), EFFECTS.index(other.effect)) for one, other in zip(unasked, questions, strict=True))
        return EFFECTS[max(milder)]

    def _without(self, unknown: tuple[str, ...], freed: tuple[str, ...]) -> Policies:
        return compile_policies({layer: _mild(policy, unknown, freed) for layer, policy in self._strict.layers})

    def because(self, verdict: Verdict, unknown: tuple[str, ...]) -> list[str]:
        """Which rules leave it open: those that decided by something unknown, else those that would have allowed or asked."""
        deciding = [(one.layer, one.rule) for one in verdict.decided if (one.layer, one.rule) in self._rules]
        milder = [key for key, rule in self._rules.items() if rule.effect != "deny"]
        return self._open(deciding, unknown) or self._open(milder, unknown)

    def _open(self, keys: list[tuple[str, str]], unknown: tuple[str, ...]) -> list[str]:
        return [f"{layer} rule {name} looks at {' and '.join(found)}" for layer, name in keys if (found := _looks_at(self._rules[layer, name], unknown))]


def _mild(policy: Policy, unknown: tuple[str, ...], freed: tuple[str, ...]) -> Policy:
    """As if conditions on something unknown held in rules with these effects, and failed in the others."""
    return replace(policy, rules=tuple(kept for rule in policy.rules if (kept := _mild_rule(rule, unknown, freed)) is not None))


def _mild_rule(rule: Rule, unknown: tuple[str, ...], freed: tuple[str, ...]) -> Rule | None:
    if not _looks_at(rule, unknown):
        return rule
    if rule.effect not in freed:
        return None
    free = replace(rule, arguments=() if "arguments" in unknown else rule.arguments, users=None if "user" in unknown else rule.users)
    return replace(free, capabilities=None, kv=None, asks=None, internal=None) if "scope" in unknown else free


def _looks_at(rule: Rule, unknown: tuple[str, ...]) -> list[str]:
    """What of the unknown a rule looks at, in words."""
    scope = (rule.capabilities, rule.kv, rule.asks, rule.internal)
    looked = {"arguments": bool(rule.arguments), "user": rule.users is not None, "scope": any(one is not None for one in scope)}
    words = {"arguments": "the arguments", "user": "the user", "scope": "all that the package declares"}
    return [words[one] for one in unknown if looked.get(one)]


def replay(path: str, policies: Policies, *, told: Progress = lambda _entries, _percent: None) -> Replayed:
    """Judge each decision of a record again: that of a folder, or of a file with entries."""
    reading = _Reading(path, told)
    found = judge_again(reading.events(), policies)
    return replace(found, torn=reading.torn)


def judge_again(events: Iterable[tuple[str, Event]], policies: Policies) -> Replayed:
    """Judge decisions again, each with where it stands."""
    judges, why = Judges(policies), Counter[str]()
    counts, changes, judged, same, unsure = Counter[tuple[str, str]](), list[Change](), 0, 0, 0
    for where, event in events:
        before, asked = _decision(event, where)
        verdict = judges.strictest(asked)
        judged += 1
        if verdict.effect != judges.mildest(asked):
            unsure += 1
            why.update(judges.because(verdict, asked.unknown))
        elif verdict.effect == before:
            same += 1
        else:
            counts[before, verdict.effect] += 1
            if len(changes) < CALLS_KEPT_MAX:
                changes.append(Change(event.at, event.invocation, asked.package_id, asked.tool, before, verdict.effect, verdict.decisive))
    return Replayed(judged=judged, same=same, counts=counts, changes=changes, unsure=unsure, unsure_why=why, torn=False)


def _decision(event: Event, where: str) -> tuple[str, Asked]:
    faults = Faults("policy")
    body = Fields(event.body, where, faults)
    effect, facts = body.one_of("effect", EFFECTS), body.raw("facts")
    faults.stop()
    return effect, read_facts(facts, f"{where}/facts")


class _Reading:
    """The decisions of a record, line by line. What a crash left of its last line was never acknowledged, and is left out."""

    def __init__(self, path: str, told: Progress) -> None:
        self._path, self._told, self.torn = path, told, False

    def events(self) -> Iterator[tuple[str, Event]]:
        if os.path.isdir(self._path):
            for entry in LogReader(LogPlaces(folder=self._path, keys="")).entries():
                if entry.event.kind == "decision":
                    yield f"entry {entry.seq}", entry.event
            return
        try:
            with open(self._path, "rb") as stream:
                yield from self._lines(stream)
        except OSError as fault:
            raise HostFailed(
                "host.file", f"cannot read the record: {fault.strerror}", where=self._path, hint="give the folder of a record, or a file of its entries"
            ) from None

    def _lines(self, stream: BinaryIO) -> Iterator[tuple[str, Event]]:
        found = os.fstat(stream.fileno())
        size, seen, told = found.st_size if stat.S_ISREG(found.st_mode) else 0, 0, time.monotonic()
        for number, line in enumerate(iter(lambda: stream.readline(LINE_BYTES_MAX + 2), b""), 1):
            seen += len(line)
            where = f"{shown(self._path)}: line {number}"
            if not line.endswith(b"\n"):
                if len(line) > LINE_BYTES_MAX:
                    raise Refused("audit.entry", f"an entry has more than {LINE_BYTES_MAX} bytes", where=where, hint="give a record that MPP wrote")
                self.torn = True
                return
            event = read_entry(line[:-1], where=where).event
            if event.kind == "decision":
                yield where, event
            if time.monotonic() - told >= PROGRESS_SECONDS:
                told = time.monotonic()
                self._told(number, min(100, 100 * seen // size) if size else None)
