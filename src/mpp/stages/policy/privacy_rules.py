"""What the policies of a host say of the privacy filter, as values. ``reading_privacy.py`` makes them from documents. Spec: spec/3-policy.md section 10.

Each default is the strict one: a list that is empty grants nothing, and without any policy everything is searched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from mpp.model.jsontext import Json, canonical
from mpp.model.manifest import CustomPattern
from mpp.model.value import value
from mpp.stages.policy.limits import KEEP_USUAL, PSEUDONYM_MINUTES_MAX

ACTIONS = ("pseudonym", "partial", "surrogate", "redact", "block")
"""What becomes of a value that is found, from mild to strict."""

DEFAULT_TYPE = "default"
"""Stands for all types that are not named."""

GROUPS = ("api_key", "national_id")
"""Names that stand for several types: all secrets, and all numbers that states give to people."""

OUTGOING = ("none", "secrets", "all")
"""What is searched in what leaves for the tool or for another host, from mild to strict."""

OUTGOING_ACTIONS = ("redact", "block")

ADDRESS_TYPE = "ip_address"


@value
class TypeAction:
    """What becomes of a value of one type."""

    action: str
    keep: int = 0
    """Of ``partial``: how many characters at the end stay."""

    @property
    def strictness(self) -> tuple[int, int]:
        return ACTIONS.index(self.action), -self.keep

    def to_json(self) -> Json:
        return self.action if self.keep in {0, KEEP_USUAL} else {"action": self.action, "keep": self.keep}


MILDEST = TypeAction(action=ACTIONS[0])


@value
class Allowed:
    """Values that are nobody's personal data. Exactly one of ``value``, ``domain`` and ``cidr`` is there."""

    type: str = ""
    """Only found values of this type; of any, if empty."""
    value: str = ""
    domain: str = ""
    """The host of an address for mail or of a URL; ``*.`` before it: its sub-domains."""
    cidr: str = ""


@value
class Exempt:
    """Types that are not searched for in what some tools return."""

    types: tuple[str, ...]
    publisher: str = ""
    package: str = ""
    """A package id, or ``prefix.*``."""
    tool: str = ""
    """Empty: each tool."""
    pointer: str = ""
    """A place in what the tool returned, and all below it; a step ``*`` is any key or index. Empty: everywhere."""


@value
class Reveal:
    """Types whose pseudonyms are turned back in the arguments of some tools."""

    types: tuple[str, ...]
    package: str
    tool: str = ""
    pointer: str = ""


@value
class PrivacyRules:
    """The ``[privacy]`` table of one document; or what those of all layers say together."""

    actions: tuple[Mapping[str, TypeAction], ...] = ()
    """A table for each layer that has one: which groups a type is in, only the filter knows."""
    off: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    allow: tuple[Allowed, ...] = ()
    exempt: tuple[Exempt, ...] = ()
    accept_disabled: tuple[str, ...] = ()
    """Packages whose publishers may turn the filter off."""
    patterns: tuple[CustomPattern, ...] = ()
    reveal: tuple[Reveal, ...] = ()
    require: bool = True
    """Is a call refused where there is no engine to filter its answer?"""
    outgoing: str = "secrets"
    outgoing_action: str = "block"
    pseudonym_minutes: int = PSEUDONYM_MINUTES_MAX

    def action_for(self, type_id: str, *groups: str) -> TypeAction:
        """The strictest of all layers; in each the type itself, then its groups, then what is said of all others."""
        said = (table[name] for table in self.actions if (name := next((one for one in (type_id, *groups, DEFAULT_TYPE) if one in table), "")))
        return max(said, key=lambda one: one.strictness, default=MILDEST)

    @property
    def grants(self) -> int:
        """How many entries there are by which something is not filtered."""
        return sum(map(len, (self.off, self.allow, self.exempt, self.accept_disabled, self.reveal)))

    @property
    def digest(self) -> str:
        """SHA-256 of canonical JSON. Spec: 3-policy P-98."""
        return hashlib.sha256(canonical(together_json(self))).hexdigest()


NO_PRIVACY = PrivacyRules()
"""Where no layer speaks of it."""


def make_actions(found: Mapping[str, TypeAction]) -> tuple[Mapping[str, TypeAction], ...]:
    """The one table of a document; none where it is empty."""
    return (MappingProxyType(dict(found)),) if found else ()


def together_json(rules: PrivacyRules) -> dict[str, Json]:
    """What all layers say together. The order in which something was written means nothing, and the actions of each layer stand by themselves."""
    found: dict[str, Json] = {key: _sorted(item) for key, item in rules_json(rules).items()}
    return {**found, "actions": _sorted([_actions_json(table) for table in rules.actions])}


def rules_json(rules: PrivacyRules) -> dict[str, Json]:
    """The table of one document again: without what its absence would say. Spec: 3-policy P-9."""
    lists: dict[str, list[Json]] = {
        "off": [*rules.off],
        "on": [*rules.on],
        "allow": [_texts_json({"type": one.type, "value": one.value, "domain": one.domain, "cidr": one.cidr}) for one in rules.allow],
        "exempt": [
            {**_texts_json({"publisher": one.publisher, "package": one.package, "tool": one.tool, "pointer": one.pointer}), "types": [*one.types]}
            for one in rules.exempt
        ],
        "accept_disabled": [*rules.accept_disabled],
        "patterns": [_texts_json({"id": one.id, "regex": one.regex, "description": one.description}) for one in rules.patterns],
        "reveal": [{**_texts_json({"package": one.package, "tool": one.tool, "pointer": one.pointer}), "types": [*one.types]} for one in rules.reveal],
    }
    found: dict[str, Json] = {}
    for table in rules.actions[:1]:
        found["actions"] = _actions_json(table)
    found.update({key: items for key, items in lists.items() if items})
    plain: dict[str, Json] = {
        "require": rules.require,
        "outgoing": rules.outgoing,
        "outgoing_action": rules.outgoing_action,
        "pseudonym_minutes": rules.pseudonym_minutes,
    }
    found.update({key: item for key, item in plain.items() if item != getattr(NO_PRIVACY, key)})
    return found


def _actions_json(table: Mapping[str, TypeAction]) -> dict[str, Json]:
    return {name: one.to_json() for name, one in table.items()}


def _texts_json(texts: Mapping[str, str]) -> dict[str, Json]:
    return {key: text for key, text in texts.items() if text}


def _sorted(item: Json) -> Json:
    """Lists ascending by their canonical form, each item once."""
    if isinstance(item, list):
        found = {canonical(inner): inner for inner in map(_sorted, item)}
        return [found[key] for key in sorted(found)]
    return {key: _sorted(one) for key, one in item.items()} if isinstance(item, dict) else item
