"""Limits of advisories and of reports."""

from __future__ import annotations

REPORT_SECONDS = 3600
"""Seconds in which reports are counted. Reason: people write one or two."""

REPORTS_EACH_MAX = 5
"""Reports of one address in REPORT_SECONDS. Reason: more are a program."""

REPORTS_ALL_MAX = 200
"""Reports of all in REPORT_SECONDS. Reason: people read them; a flood from many addresses must not fill the database."""

REPORTS_LISTED_MAX = 100
"""Reports of one page. Reason: an administrator reads them from the oldest on."""

ADVISORIES_EACH_MAX = 100
"""Advisories about one package. Reason: each stands in the log for ever."""
