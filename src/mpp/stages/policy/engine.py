"""Policies in force: compiled once, asked for each call. Pure: equal questions get equal answers. Spec: spec/3-policy.md section 4.

In each layer deny > ask > allow > default deny, whatever the order of its rules. Over the layers the strictest effect holds, and
the limits of all rules that match are intersected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from operator import attrgetter
from types import MappingProxyType

from mpp.errors import Refused
from mpp.model.fields import near
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import Json, canonical, shown
from mpp.stages.policy.compiled import RANKS, CompiledRule, compile_layer, default_of
from mpp.stages.policy.document import Policy, policy_json
from mpp.stages.policy.index import Group, Node, build, find
from mpp.stages.policy.limits import KNOWN_MAX
from mpp.stages.policy.narrowing import NO_LIMITS, together
from mpp.stages.policy.patterns import NO, UNCLEAR, YES, forget
from mpp.stages.policy.presets import preset
from mpp.stages.policy.privacy_layers import strictest
from mpp.stages.policy.types import EFFECTS, LAYERS, Asked, Decided, Limits, Verdict

_DEFAULT_RANK = len(EFFECTS) * RANKS
_BY_STRICTNESS = tuple(reversed(EFFECTS))

_FACTS = attrgetter(*(row.name for row in fields(Asked) if row.name not in {"arguments", "now"}))
"""A call without its arguments and its moment: they are in no rule of policies that are steady. A field that is added one day is among them."""


class Policies:
    """The layers of one host, in the order of LAYERS. Frozen: a change makes new ones."""

    __slots__ = (
        "_before_call",
        "_defaults",
        "_for_calls",
        "_is_steady",
        "_known",
        "_ranks",
        "digest",
        "layers",
        "mappings",
        "privacy",
        "private_hosts",
        "rules",
    )

    def __init__(self, layers: tuple[tuple[str, Policy], ...]) -> None:
        self.layers = layers
        self.rules: tuple[tuple[CompiledRule, ...], ...] = tuple(tuple(compile_layer(policy, name, at)) for at, (name, policy) in enumerate(layers))
        """Of each layer, those that decide first first."""
        everything = [rule for rules in self.rules for rule in rules]
        self._for_calls: Node = build(everything)
        self._before_call: Node = build(rule for rule in everything if not rule.about_call)
        self._defaults = tuple(default_of(policy, name) for name, policy in layers)
        self._ranks = [_DEFAULT_RANK] * len(layers)
        self._is_steady = not any(rule.rule.arguments or rule.rule.when is not None for rule in everything)
        """Does no rule look at what is another in each call? Then equal calls are judged once."""
        self._known: dict[tuple[str, ...], tuple[object, Verdict]] = {}
        self.digest = _digest(layers)
        self.private_hosts = _private_hosts(policy for _, policy in layers)
        self.privacy = strictest([policy.privacy for _, policy in layers])
        """For the privacy filter: what all layers that speak of it say together."""
        placed = {path: place for _, policy in reversed(layers) for path, place in policy.mappings.items()}
        self.mappings: Mapping[str, str] = MappingProxyType(placed)
        """Declared path to the path in its place. Where layers differ, the first in the order of LAYERS holds."""

    def evaluate(self, asked: Asked) -> Verdict:
        """What all layers say of a call; or of a package, where no tool is named."""
        if not self._is_steady:
            return self._evaluate(asked)
        # All that a rule here can look at. What has been judged stands in it itself, so that it is compared and not only its number.
        facts = _FACTS(asked)
        name = (asked.package_id, asked.tool, asked.agent.name, asked.user)
        known = self._known.get(name)
        if known is not None and known[0] == facts:
            return known[1]
        verdict = self._evaluate(asked)
        if len(self._known) >= KNOWN_MAX:
            # Attack: an agent with ever new names. Threads that clear it at once do no harm: it is only remembered.
            self._known.clear()
        self._known[name] = (facts, verdict)
        return verdict

    def _evaluate(self, asked: Asked) -> Verdict:
        groups: list[Group] = []
        find(self._for_calls if asked.tool else self._before_call, asked, groups)
        ranks, decided = self._ranks.copy(), [*self._defaults]
        limiting = _judge(groups, asked, ranks, decided)
        forget()
        strictest = 0 if _DEFAULT_RANK in ranks else min(ranks)
        effect = _BY_STRICTNESS[strictest // RANKS]
        return Verdict(
            effect=effect,
            limits=_limits(limiting, asked) if limiting and strictest >= RANKS else NO_LIMITS,
            decided=tuple(decided),
            risk=asked.risk,
            policy_digest=self.digest,
        )


def _judge(groups: list[Group], asked: Asked, ranks: list[int], decided: list[Decided]) -> list[CompiledRule]:
    """Note in ``ranks`` and ``decided`` what decides each layer; give the matching rules that limit."""
    doubtful: list[CompiledRule] = []
    limiting: list[tuple[CompiledRule, int]] = []
    for layer, in_doubt, plain, limited in groups:
        for rule in plain:
            if rule.rank >= ranks[layer]:
                break
            said = rule.says(asked)
            if said == YES or (said == UNCLEAR and rule.rank < RANKS):
                ranks[layer], decided[layer] = rule.rank, rule.decided
                break
            if said == UNCLEAR:
                doubtful.append(rule)
                if in_doubt:
                    break
        # Limits count whichever rule decides, but only where nobody denies.
        if limited and ranks[layer] >= RANKS:
            limiting += [(rule, said) for rule in limited if (said := rule.says(asked)) != NO]
    _settle([rule for rule, said in limiting if said == YES], ranks, decided, most=_DEFAULT_RANK)
    # In doubt it is asked where it would be allowed (P-31). Attack: an argument that is odd on purpose, to be asked instead of denied.
    _settle([*doubtful, *(rule for rule, said in limiting if said == UNCLEAR)], ranks, decided, most=_DEFAULT_RANK - 1)
    return [rule for rule, _ in limiting]


def _settle(matching: list[CompiledRule], ranks: list[int], decided: list[Decided], *, most: int) -> None:
    for rule in matching:
        if rule.rank < ranks[rule.layer] <= most:
            ranks[rule.layer], decided[rule.layer] = rule.rank, rule.decided


def _limits(limiting: list[CompiledRule], asked: Asked) -> Limits:
    # A rule can be found in two ways, and the order of finding depends on the index: neither may show.
    found = {(rule.layer, rule.rank): rule.limits for rule in limiting}
    return together([limits for _, limits in sorted(found.items(), key=lambda item: item[0]) if limits is not None], asked.scope)


def compile_policies(layers: Mapping[str, Policy]) -> Policies:
    """Policies of the layers that are there. Without any, the preset ``developer`` stands in (P-10)."""
    for name in layers:
        if name not in LAYERS:
            hint = near(name, LAYERS) or f"take one of {', '.join(LAYERS)}"
            raise Refused("policy.layer", f"there is no layer {shown(name)!r}", where=shown(name), hint=hint)
    given = tuple((name, layers[name]) for name in LAYERS if name in layers)
    return Policies(given or (("user", preset("developer")),))


def _digest(layers: tuple[tuple[str, Policy], ...]) -> str:
    """Over what the documents mean: the order of rules means nothing. Spec: 3-policy P-9."""
    whole: dict[str, Json] = {}
    for name, policy in layers:
        in_order = tuple(sorted(policy.rules, key=lambda rule: rule.id))
        whole[name] = policy_json(replace(policy, rules=in_order))
    return hashlib.sha256(canonical(whole)).hexdigest()


def _private_hosts(policies: Iterable[Policy]) -> tuple[str, ...]:
    """What all layers that speak of private hosts name, as ``host:port``. Spec: 3-policy P-58."""
    found: tuple[str, ...] | None = None
    for policy in policies:
        if policy.private_hosts is not None:
            named = tuple(dict.fromkeys(_with_port(host) for host in policy.private_hosts))
            found = named if found is None else tuple(one for one in found if one in named)
    return found or ()


def _with_port(host: str) -> str:
    name = host.rpartition("]")[2] if host.startswith("[") else host
    return host if ":" in name else f"{host}:{WEB_PORTS['https']}"
