"""Faults of a document that a later version of its format may have written.

Spec: spec/manifest.md M-3 and M-4.
"""

from __future__ import annotations

from mpp.model.fields import Faults

NEWER_HINT = "update this host; the publisher may instead name the key in optional_keys, where its version allows that"


class VersionedFaults(Faults):
    """In a document of a later minor version an unknown key is no typing mistake: it needs a newer host, unless marked optional.

    The mark is looked up when the fault is noted. Attack: sorting out afterwards would let a hundred optional
    keys fill the bounded list and push the real faults out of it.
    """

    def __init__(self, family: str, *, newer: bool, optional: frozenset[str]) -> None:
        super().__init__(family)
        self.newer, self.optional = newer, optional

    def add(self, name: str, where: str, message: str, hint: str, *, family: str = "") -> None:
        if name != "unknown_key" or not self.newer:
            super().add(name, where, message, hint, family=family)
        elif where not in self.optional:
            super().add("needs_newer_host", where, message, NEWER_HINT, family="manifest")
