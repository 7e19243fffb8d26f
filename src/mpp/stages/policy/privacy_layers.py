"""What the privacy tables of all layers say together: the strictest of each. Spec: spec/3-policy.md section 10.

What turns the filter off somewhere counts only if every layer that has such a table grants it; what it must do counts if any wants it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeVar

from mpp.errors import Fault, Refused
from mpp.model.hostpattern import place_of
from mpp.model.jsontext import shown
from mpp.model.manifest import CustomPattern
from mpp.stages.policy.limits import GRANTS_TOGETHER_MAX
from mpp.stages.policy.privacy_rules import ADDRESS_TYPE, NO_PRIVACY, OUTGOING, OUTGOING_ACTIONS, Allowed, Exempt, PrivacyRules, Reveal, TypeAction

T = TypeVar("T")


def strictest(layers: Sequence[PrivacyRules | None]) -> PrivacyRules:
    """One set of rules for all layers, the highest first. None stands for a layer without a table: it has no say. Spec: 3-policy P-92 to P-94."""
    tables = [one for one in layers if one is not None]
    if not tables:
        return NO_PRIVACY
    on = _united(one.on for one in tables)
    return PrivacyRules(
        actions=_tables(tables),
        off=tuple(name for name in _met([one.off for one in tables], _same_text) if name not in on),
        on=on,
        allow=_met([one.allow for one in tables], _meet_allowed),
        exempt=_met([one.exempt for one in tables], _meet_exempt),
        accept_disabled=_met([one.accept_disabled for one in tables], _same_text),
        patterns=_patterns(tables),
        reveal=_met([one.reveal for one in tables], _meet_reveal),
        require=any(one.require for one in tables),
        outgoing=max((one.outgoing for one in tables), key=OUTGOING.index),
        outgoing_action=max((one.outgoing_action for one in tables), key=OUTGOING_ACTIONS.index),
        pseudonym_minutes=min(one.pseudonym_minutes for one in tables),
    )


def _tables(tables: Sequence[PrivacyRules]) -> tuple[Mapping[str, TypeAction], ...]:
    found: list[Mapping[str, TypeAction]] = []
    for table in (table for one in tables for table in one.actions):
        # Two layers that say the same are as one.
        found.extend([table] if table not in found else [])
    return tuple(found)


def pattern_fault(above: Iterable[PrivacyRules | None], lower: PrivacyRules | None, where: str) -> Fault | None:
    """What is wrong with the table of a lower layer beside those above it. Spec: 3-policy P-94."""
    known = {pattern.id: pattern.regex for one in above if one is not None for pattern in one.patterns}
    for pattern in lower.patterns if lower is not None else ():
        if known.get(pattern.id, pattern.regex) != pattern.regex:
            # Attack: a user's pattern that takes the name of the fleet's, and with it the place of it.
            message = f"a higher layer has another pattern {shown(pattern.id)!r}"
            return Fault("policy.privacy_pattern", where, message, "give it another id, or the same regular expression")
    return None


def _patterns(tables: Sequence[PrivacyRules]) -> tuple[CustomPattern, ...]:
    for i, one in enumerate(tables):
        fault = pattern_fault(tables[:i], one, f"privacy table {i + 1}")
        if fault is not None:
            raise Refused.of((fault,))
    # Where two layers have the same one, the words of the higher one stay.
    return tuple({one.id: one for table in reversed(tables) for one in table.patterns}.values())


def _united(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for one in lists for name in one))


def _met(lists: Sequence[tuple[T, ...]], meet: Callable[[T, T], T | None]) -> tuple[T, ...]:
    """What all grant. Of more than can be held the rest is not granted: that is the safe side."""
    return reduce(lambda some, others: _pairs(some, others, meet), lists)


def _pairs(some: tuple[T, ...], others: tuple[T, ...], meet: Callable[[T, T], T | None]) -> tuple[T, ...]:
    found: dict[T, None] = {}
    for one in some:
        for other in others:
            both = meet(one, other)
            if both is not None:
                found[both] = None
        if len(found) >= GRANTS_TOGETHER_MAX:
            break
    return tuple(found)[:GRANTS_TOGETHER_MAX]


def _same_text(one: str, other: str) -> str | None:
    return one if one == other else None


def _narrower(one: str, other: str) -> str | None:
    """Of two names, of which an empty one stands for any."""
    return one or other if not one or not other or one == other else None


def _meet_allowed(one: Allowed, other: Allowed) -> Allowed | None:
    type_id = _narrower(one.type, other.type)
    if type_id is None:
        return None
    if one.value:
        return Allowed(type=type_id, value=one.value) if allows(other, type_id, one.value) else None
    if other.value:
        return Allowed(type=type_id, value=other.value) if allows(one, type_id, other.value) else None
    domain, cidr = _lower_domain(one.domain, other.domain), _lower_range(one.cidr, other.cidr)
    return Allowed(type=type_id, domain=domain, cidr=cidr) if domain or cidr else None


def allows(one: Allowed, type_id: str, text: str) -> bool:
    """Is this found value nobody's personal data? Spec: 3-policy P-96."""
    if one.type and one.type != type_id:
        return False
    if one.value:
        return text == one.value
    if one.domain:
        return _in_domain(one.domain, _domain_of(text))
    return type_id in {"", ADDRESS_TYPE} and _in_range(one.cidr, text)


def _domain_of(text: str) -> str:
    """The host of an address for mail or of a URL; nothing where two readers could differ."""
    if "://" not in text:
        return text.rpartition("@")[2].lower() if text.count("@") == 1 else ""
    # Attack: https://example.com@evil.net, and a backslash that one reader takes for a slash.
    place = place_of(text)
    return place.host if place is not None else ""


def _in_domain(pattern: str, host: str) -> bool:
    """Attack: ``*.example.com`` is neither ``example.com`` nor ``badexample.com``."""
    return host.endswith(pattern[1:]) and len(host) >= len(pattern) if pattern.startswith("*.") else host == pattern


def _lower_domain(one: str, other: str) -> str:
    """The narrower of two patterns; nothing where they share no host."""
    if not one or not other:
        return ""
    if one == other or (other.startswith("*.") and one.removeprefix("*.").endswith(other[1:])):
        return one
    return other if one.startswith("*.") and other.removeprefix("*.").endswith(one[1:]) else ""


def _in_range(cidr: str, text: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(cidr)
    except ValueError:
        return False


def _lower_range(one: str, other: str) -> str:
    if not one or not other:
        return ""
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    if first.version != second.version or not first.overlaps(second):
        return ""
    return one if first.prefixlen >= second.prefixlen else other


def _meet_exempt(one: Exempt, other: Exempt) -> Exempt | None:
    publisher, package = _narrower(one.publisher, other.publisher), _lower_package(one.package, other.package)
    tool, pointer = _narrower(one.tool, other.tool), _lower_pointer(one.pointer, other.pointer)
    types = tuple(name for name in one.types if name in other.types)
    if publisher is None or package is None or tool is None or pointer is None or not types:
        return None
    return Exempt(publisher=publisher, package=package, tool=tool, pointer=pointer, types=types)


def _meet_reveal(one: Reveal, other: Reveal) -> Reveal | None:
    tool, pointer = _narrower(one.tool, other.tool), _lower_pointer(one.pointer, other.pointer)
    types = tuple(name for name in one.types if name in other.types)
    if one.package != other.package or tool is None or pointer is None or not types:
        return None
    return Reveal(package=one.package, tool=tool, pointer=pointer, types=types)


def package_fits(pattern: str, package: str) -> bool:
    """Spec: 3-policy P-21. Attack: ``com.example.*`` that reaches ``com.examplefoo``."""
    return package.startswith(pattern[:-1]) if pattern.endswith(".*") else package == pattern


def _lower_package(one: str, other: str) -> str | None:
    if not one or not other or one == other:
        return one or other
    if package_fits(one, other):
        return other
    return one if package_fits(other, one) else None


def _lower_pointer(one: str, other: str) -> str | None:
    """The place that both reach: each reaches itself and all below it."""
    some, others = sorted((one.split("/"), other.split("/")), key=len)
    steps = [b if a == "*" else a if b in {"*", a} else None for a, b in zip(some, others, strict=False)]
    known = [step for step in steps if step is not None]
    return "/".join((*known, *others[len(some) :])) if len(known) == len(steps) else None
