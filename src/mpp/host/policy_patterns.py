"""The expressions that a policy brings for the privacy filter: judged before the policy is in force, as those of packages are before they run.

Spec: 6-privacy F-22. Attack: an expression that is slow only on a text that somebody sends; it would stop calls of a whole fleet.
"""

from __future__ import annotations

from mpp.host.home import Home
from mpp.stages.policy import Policy

PLACE = "privacy/patterns"


def admit_patterns(policy: Policy, home: Home) -> None:
    """Raises Refused ``privacy.pattern`` with each that is not let in, and HostFailed where this machine cannot judge them."""
    patterns = policy.privacy.patterns if policy.privacy is not None else ()
    if not patterns:
        return
    # Policies with patterns are few, and what judges them starts a process.
    from mpp.host.patterns.cache import PatternCache  # noqa: PLC0415
    from mpp.host.patterns.judging import admit  # noqa: PLC0415

    admit(patterns, PatternCache(home.cache), PLACE)
