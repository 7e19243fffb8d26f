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

ENTER_SECONDS = 120
"""Seconds for which a word of the command line opens the web site. Reason: it is copied into a browser, or opened at once."""

ENTERS_EACH_MAX = 10
"""Such words of one key at a time. Reason: a person needs one; bounds the rows that a loop makes."""

SESSION_SECONDS = 3600
"""Seconds for which a publisher stays logged in to the web site. Reason: it is made anew by one command."""

SESSION_IDLE_SECONDS = 900
"""Seconds without a page after which a publisher's session has ended. Reason: a browser that was left open."""
