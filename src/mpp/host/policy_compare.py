"""What one policy has that another has not, for whoever puts it in the place of that one."""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.policy import Policy, Rule

RULES_SHOWN_MAX = 20
"""Ids of rules in one line of a comparison. Reason: a person reads a line; --json has all."""


@value
class RuleChanges:
    """What one policy has that another has not, by the ids of rules."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    others: tuple[str, ...]
    """What changes beside the rules."""

    def lines(self) -> list[str]:
        rows = (("new rules", self.added), ("rules gone", self.removed), ("rules changed", self.changed), ("also changed", self.others))
        return [f"{words}: {_some(found)}" for words, found in rows if found] or ["nothing changes"]

    def to_json(self) -> dict[str, Json]:
        return {"added": [*self.added], "removed": [*self.removed], "changed": [*self.changed], "others": [*self.others]}


def compare(before: Policy | None, after: Policy | None) -> RuleChanges:
    old, new = _rules(before), _rules(after)
    others = [
        words
        for words, one, other in (
            ("private hosts", before.private_hosts if before else None, after.private_hosts if after else None),
            ("mappings", dict(before.mappings) if before else {}, dict(after.mappings) if after else {}),
            ("privacy", _privacy(before), _privacy(after)),
        )
        if one != other
    ]
    return RuleChanges(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        others=tuple(others),
    )


def _privacy(policy: Policy | None) -> str:
    """The digest of what it says of the privacy filter."""
    return policy.privacy.digest if policy is not None and policy.privacy is not None else ""


def _rules(policy: Policy | None) -> dict[str, Rule]:
    return {rule.id: rule for rule in policy.rules} if policy is not None else {}


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - RULES_SHOWN_MAX
    return ", ".join(names[:RULES_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
