"""Limits of what publishers do with themselves."""

from __future__ import annotations

from mpp.limits import DAY_SECONDS

RECOVERY_SECONDS = 7 * DAY_SECONDS
"""Seconds between the notice of a recovery and its end. Reason: whoever still has the old root key must be able to see it and say no."""

RECOVERY_REASON_MAX = 200
"""Characters of the reason of a recovery. Reason: it stands in the log."""

RECOVERED_PACKAGES_MAX = 1000
"""Packages that move with one recovery. Reason: all of them in one transaction, or none; each is a leaf."""

ASKED_EACH_MAX = 4
"""Recoveries that one successor may have open. Reason: each is read by an administrator."""
