"""What the rules for the privacy filter come to for one call. Spec: spec/3-policy.md section 10."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from mpp.model.manifest import PrivacyFilters
from mpp.model.value import value
from mpp.stages.policy.arguments import steps_of
from mpp.stages.policy.limits import UNFILTERED_LINES_MAX
from mpp.stages.policy.privacy_layers import allows, package_fits
from mpp.stages.policy.privacy_rules import Exempt, PrivacyRules, Reveal, TypeAction

ANY_STEP = "*"


class Callee(Protocol):
    """Whose tool is called: all that grants of the filter depend on. ``Asked`` is one."""

    @property
    def publisher_id(self) -> str: ...

    @property
    def package_id(self) -> str: ...

    @property
    def bound(self) -> bool: ...

    @property
    def tool(self) -> str: ...


@value
class CallPrivacy:
    """The rules for one call: only those exemptions that are for this package and tool are left."""

    rules: PrivacyRules
    exempt: tuple[Exempt, ...] = ()
    reveal: tuple[Reveal, ...] = ()
    accepts_disabled: bool = False
    """Does it count here that the publisher turns the filter off?"""
    demanded: tuple[str, ...] = ()
    """Types, or groups of them, that a rule of policy demands in this call. They overrule all that is turned off."""

    def demands(self, type_id: str, *groups: str) -> bool:
        """Spec: 3-policy P-95."""
        return not {type_id, *groups}.isdisjoint(self.demanded)

    def is_off(self, type_id: str, *groups: str) -> bool:
        """Is the type searched for nowhere?"""
        names = {type_id, *groups}
        return names.isdisjoint(self.demanded) and names.isdisjoint(self.rules.on) and not names.isdisjoint(self.rules.off)

    def is_exempt(self, steps: Sequence[str], type_id: str, *groups: str) -> bool:
        """Is the type let through at this place of what the tool returned?"""
        if self.demands(type_id, *groups):
            return False
        return any(_reaches(one.pointer, steps) and not {type_id, *groups}.isdisjoint(one.types) for one in self.exempt)

    def is_allowed(self, type_id: str, text: str) -> bool:
        """Is this very value nobody's personal data?"""
        return any(allows(one, type_id, text) for one in self.rules.allow)

    def reveals(self, steps: Sequence[str], type_id: str, *groups: str) -> bool:
        """May a pseudonym of the type at this place of the arguments be turned back?"""
        return any(_reaches(one.pointer, steps) and not {type_id, *groups}.isdisjoint(one.types) for one in self.reveal)

    def action_for(self, type_id: str, *groups: str) -> TypeAction:
        return self.rules.action_for(type_id, *groups)


def privacy_for(rules: PrivacyRules, asked: Callee, demanded: Sequence[str] = ()) -> CallPrivacy:
    """Of all rules those for this call. Without a tool: those for any tool of the package. Spec: 3-policy P-91."""
    if not (rules.exempt or rules.reveal or rules.accept_disabled or demanded):
        # As is most often so: each call has the same.
        known = _Newest.said
        return known if known.rules is rules else _same_for_all(rules)
    return CallPrivacy(
        rules=rules,
        exempt=tuple(one for one in rules.exempt if _is_for(one, asked)),
        # Attack: anybody may call a package by this id. Only one that is bound to its publisher has the rights of its name.
        reveal=tuple(one for one in rules.reveal if asked.bound and one.package == asked.package_id and _tool_fits(one.tool, asked)),
        accepts_disabled=asked.bound and asked.package_id in rules.accept_disabled,
        demanded=tuple(demanded),
    )


class _Newest:
    """The rules that were asked for last, as one value for all calls."""

    said = CallPrivacy(rules=PrivacyRules())


def _same_for_all(rules: PrivacyRules) -> CallPrivacy:
    """Threads with other rules make their own, and no harm is done."""
    known = _Newest.said = CallPrivacy(rules=rules)
    return known


def _is_for(one: Exempt, asked: Callee) -> bool:
    by_publisher = not one.publisher or one.publisher == asked.publisher_id
    by_package = not one.package or (asked.bound and package_fits(one.package, asked.package_id))
    return by_publisher and by_package and _tool_fits(one.tool, asked)


def _tool_fits(tool: str, asked: Callee) -> bool:
    return not tool or not asked.tool or tool == asked.tool


def _reaches(pointer: str, steps: Sequence[str]) -> bool:
    """The place itself and all below it."""
    wanted = steps_of(pointer)
    return len(wanted) <= len(steps) and all(one in (ANY_STEP, step) for one, step in zip(wanted, steps, strict=False))


def unfiltered(privacy: CallPrivacy, filters: PrivacyFilters) -> tuple[str, ...]:
    """What is not filtered for one package, in words, for whoever is asked to agree. Nothing where everything is. Spec: 3-policy P-97."""
    found = tuple(_lines(privacy, filters))
    if len(found) <= UNFILTERED_LINES_MAX:
        return found
    kept = UNFILTERED_LINES_MAX - 1
    return (*found[:kept], f"not filtered here: {len(found) - kept} more exemptions (by policy)")


def _lines(privacy: CallPrivacy, filters: PrivacyFilters) -> Iterator[str]:
    if privacy.accepts_disabled and not filters.enabled:
        still = f", but for {', '.join(privacy.demanded)}" if privacy.demanded else ""
        yield f"not filtered here: all of its answers{still} (as its publisher asks, by policy)"
    for one in privacy.exempt:
        # A group that a rule demands takes its types with it: only the filter knows which, so the line may say too much and never too little.
        types = [name for name in one.types if name not in privacy.demanded]
        if types:
            yield f"not filtered here: {', '.join(types)}{_place(one.pointer)}{_of_tool(one.tool)} (by policy)"
    for told in privacy.reveal:
        yield f"told who stands behind pseudonyms: {', '.join(told.types)}{_place(told.pointer)}{_of_tool(told.tool)} (by policy)"


def _place(pointer: str) -> str:
    return f" at {pointer}" if pointer else ""


def _of_tool(tool: str) -> str:
    return f" of {tool}" if tool else ""
