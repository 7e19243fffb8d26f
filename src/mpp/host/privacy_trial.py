"""Trying the privacy filter on a message that a person has at hand, and what it searches for. Nothing of the message is kept."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.filtering import Whose
from mpp.host.home import Home
from mpp.host.opening import open_filters
from mpp.host.policy_store import open_policies
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.host.plugins import plugin_types
from mpp.model.value import value
from mpp.ports import Clock, Random
from mpp.stages.policy import CallPrivacy, PrivacyRules
from mpp.stages.privacy import Filter, group_of, known_types, OFF_BY_DEFAULT, read_message, words_for

NOTHING = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())

WHY = {1: "form, with a word nearby", 2: "form", 3: "checksum, or a prefix that its issuer owns"}
"""Why a finding is believed, by how sure it is."""


def trial_filter(home: Home, filters: PrivacyFilters, clock: Clock, random: Random) -> Filter:
    """The detectors of this host, its policies, and the patterns of a package. Whose call it would be nobody knows here, so exemptions do not count."""
    said = CallPrivacy(rules=open_policies(home, clock).current().policies.privacy)
    return open_filters(home, clock, random).bind(said, filters, Whose(tenant="local", agent=""))


def message_of(data: bytes) -> Json:
    """JSON as it is; anything else as one text."""
    try:
        return read_message(data)
    except Refused as fault:
        if fault.code == "privacy.limit":
            raise
        return data.decode("utf-8", "replace")


def masked(text: str, *, show: bool) -> str:
    """Attack: a log of a build that prints what it was to find. The values are only shown where somebody asks for them."""
    return text if show or len(text) <= 2 else f"{text[:2]}{'*' * min(len(text) - 2, 12)}"


@value
class Searched:
    """One type of what is searched for, and what the rules do with it."""

    name: str
    group: str
    """Empty: it is in none."""
    action: str
    words: str


def searched_for(rules: PrivacyRules) -> tuple[Searched, ...]:
    """All types of this host, those of plug-ins too, in order of their groups."""
    own = known_types()
    kinds = sorted(own | plugin_types(), key=lambda kind: (_group(kind), kind))
    return tuple(
        Searched(name=kind, group=_group(kind), action=_action(kind, rules), words=words_for(kind) + ("" if kind in own else " (of a plug-in)"))
        for kind in kinds
    )


def _group(kind: str) -> str:
    group = group_of(kind)
    return "" if group == kind else group


def _action(kind: str, rules: PrivacyRules) -> str:
    group = group_of(kind)
    if {kind, group} & set(rules.off) or (kind in OFF_BY_DEFAULT and kind not in rules.on):
        return "off"
    return rules.action_for(kind, group).action
