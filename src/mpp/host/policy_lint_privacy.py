"""What in a sound privacy table is probably wider than its author means, or names nothing. Nothing here decides; it warns."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator

from mpp.model.fields import near
from mpp.stages.policy import Allowed, Exempt, PrivacyRules, Reveal

SECRETS = "api_key"
"""The group of types that open something, and of which no part should be seen."""

ADDRESSES_WIDE = 65_536
"""Addresses of a range from which on it is called wide. Reason: a network of a house has fewer."""

LABELS_WIDE = 2
"""Parts of a package prefix up to which it is called wide. Reason: ``com.example.*`` is all that one organisation has."""


def built_in() -> frozenset[str]:
    """The types and groups that the filter has of itself, and the types of plug-ins."""
    from mpp.host.plugins import plugin_types  # noqa: PLC0415 - takes time to load, and only where a policy speaks of the filter
    from mpp.stages.privacy import GROUPS, known_types  # noqa: PLC0415 - likewise

    return known_types() | plugin_types() | GROUPS.keys()


def privacy_warnings(rules: PrivacyRules, known: Collection[str]) -> Iterator[str]:
    """In whole sentences. ``known``: the types that the filter has of itself; without them no name is judged."""
    for one in rules.exempt:
        yield from (f"privacy: the exemption {_exempt_words(one)} {words}" for words in _wide(one))
    for allowed in rules.allow:
        yield from _wide_allowed(allowed)
    for told in rules.reveal:
        if not told.pointer:
            yield f"privacy: pseudonyms are turned back anywhere in the arguments of {_reveal_words(told)}; give a pointer"
    yield from _whole(rules)
    if known:
        yield from _unknown(rules, {*known, *(one.id for one in rules.patterns)})
        taken = [one.id for one in rules.patterns if one.id in known]
        yield from (f"privacy: the pattern {name} has the id of a type that is built in" for name in taken)


def _wide(one: Exempt) -> Iterator[str]:
    if not one.package:
        yield "holds for every package of its publisher"
    elif one.package.endswith(".*") and one.package.count(".") <= LABELS_WIDE:
        yield f"holds for every package below {one.package[:-2]}"
    if not one.pointer:
        yield "holds for whole answers; give a pointer"
    if SECRETS in one.types:
        yield "lets secrets through"


def _exempt_words(one: Exempt) -> str:
    whose = one.package or f"publisher {one.publisher[:16]}"
    return f"of {whose}{f', tool {one.tool}' if one.tool else ''} ({', '.join(one.types)})"


def _reveal_words(one: Reveal) -> str:
    return f"{one.package}{f', tool {one.tool}' if one.tool else ''} ({', '.join(one.types)})"


def _wide_allowed(one: Allowed) -> Iterator[str]:
    if one.cidr and ipaddress.ip_network(one.cidr).num_addresses >= ADDRESSES_WIDE and not ipaddress.ip_network(one.cidr).is_private:
        yield f"privacy: the range {one.cidr} is wide, and its addresses are somebody's"
    if one.domain.startswith("*."):
        yield f"privacy: {one.domain} lets everybody's address at each sub-domain through"


def _whole(rules: PrivacyRules) -> Iterator[str]:
    if not rules.require:
        yield "privacy: answers are given out unfiltered where there is no engine, as require is false"
    if rules.outgoing == "none":
        yield "privacy: nothing is searched in what leaves, secrets included"
    if SECRETS in rules.off:
        yield "privacy: secrets are searched for nowhere"
    for name in (name for table in rules.actions for name, one in table.items() if name == SECRETS and one.action == "partial"):
        yield f"privacy: a part of each {name} is shown"
    for package in rules.accept_disabled:
        yield f"privacy: the publisher of {package} decides whether its answers are filtered"


def _unknown(rules: PrivacyRules, known: Collection[str]) -> Iterator[str]:
    named = [*(name for table in rules.actions for name in table if name != "default"), *rules.off, *rules.on]
    named += [name for one in rules.exempt for name in one.types] + [name for told in rules.reveal for name in told.types]
    named += [one.type for one in rules.allow if one.type]
    for name in dict.fromkeys(named):
        if name not in known:
            guess = near(name, known)
            yield f"privacy: there is no type {name}{f'; {guess}' if guess else ''}, unless a package brings it"
