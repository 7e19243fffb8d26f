"""Limits of the report, each with its unit and its reason."""

from __future__ import annotations

EXAMPLES_MAX = 5
"""Entries that are named for one piece of evidence, beside the first and the last. Reason: an auditor looks at some, and searches for the others."""

ROWS_MAX = 500
"""Names of one inventory. Reason: whoever floods the record with names gets no report of a gigabyte."""

RETENTION_DAYS = 183
"""Days for which logs are kept at least. Reason: six months, as articles 19(1) and 26(6) of the EU AI Act say."""
