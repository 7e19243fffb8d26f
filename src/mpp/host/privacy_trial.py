"""Trying the privacy filter on a message that a person has at hand. Nothing of it is kept."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.filtering import Whose
from mpp.host.home import Home
from mpp.host.opening import open_filters
from mpp.host.policy_store import open_policies
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.ports import Clock, Random
from mpp.stages.policy import CallPrivacy
from mpp.stages.privacy import Filter, read_message

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
