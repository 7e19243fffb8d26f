"""Bounds of the web site, each with its unit and reason."""

from __future__ import annotations

from mpp.limits import KIB

FORM_BYTES_MAX = 32 * KIB
"""Bytes of the body of a form. Reason: the longest has a reason of a few thousand characters, and each can become nine bytes."""

FORM_FIELDS_MAX = 16
"""Fields of a form. Reason: none of ours has ten."""

QUERY_CHARS_MAX = 500
"""Characters of a value in the address of a page. Reason: nobody searches for more."""

PAGE_ROWS = 20
"""Rows of one page of a list. Reason: two screens."""

LOG_ROWS = 50
"""Entries on one page of the log. Reason: each is one line."""

VERSIONS_SHOWN = 12
"""Versions on the page of a package. Reason: the newest ones matter there; all have a page of their own."""

HOME_ROWS = 6
"""Packages in each list of the first page. Reason: both lists fit on one screen."""

README_BYTES_MAX = 64 * KIB
"""Bytes of a README that are shown. Reason: making a page of more would keep others waiting; the package has all of it."""

README_LINES_MAX = 2000
"""Lines of a README that is shown with its form. Reason: each may become a row or a heading, and a page of thousands is read by nobody; beyond it is plain text."""

README_SIGNS_MAX = 3000
"""Signs of Markdown in a README that is shown with its form. Reason: long ones have some hundreds; tens of thousands of brackets took two seconds."""

README_NESTING_MAX = 16
"""Levels of lists and quotations in a README. Reason: no text needs more, and each costs time and stack."""

READMES_KEPT = 256
"""Rendered READMEs in memory. Reason: they are small, and the popular ones are asked for most."""

MANIFESTS_KEPT = 1024
"""Parsed manifests in memory. Reason: each has some kilobytes, and a page needs two."""

FIELDS_SHOWN_MAX = 30
"""Fields of one tool in its form. Reason: beyond that nobody fills in a form by hand; the schema is beside it."""

SCHEMA_CHARS_MAX = 20_000
"""Characters of one schema on a page. Reason: a page of 128 tools must stay readable; the manifest has all of it."""

DOCUMENT_CHARS_MAX = 100_000
"""Characters of a document that a page shows. Reason: the whole is one click away."""

PARTS_SHOWN_MAX = 40
"""Parts of a bill of materials on a page. Reason: one screen."""

GRAPH_DAYS = 90
"""Days in the graph of downloads. Reason: a quarter shows a trend, and a bar is still wide enough to point at."""

ITEMS_KEPT = 8192
"""Rows of lists of packages in memory. Reason: less than a kilobyte each; the popular ones are shown most."""

SESSION_SECONDS = 8 * 3600
"""Seconds for which an administrator stays logged in. Reason: a working day."""

LOGINS_PER_MINUTE = 5
"""Wrong tokens of one address in a minute. Reason: a person mistypes twice; a token has 256 bits, so that guessing is hopeless at any rate."""

LOGINS_ALL_PER_MINUTE = 60
"""Wrong tokens of all addresses in a minute. Reason: guessing from many addresses must not fill the processor."""

RATED_ADDRESSES_MAX = 10_000
"""Addresses that are counted at a time. Reason: some megabytes; beyond them the oldest are forgotten."""

ADMIN_ROWS = 50
"""Rows of a queue. Reason: what is done falls out of it, so that the next ones follow."""

EARLIER_LOOKED_AT = 50
"""Versions below one among which the one before is looked for. Reason: more pre-releases than that between two releases are rare, and then one of them is taken."""

AUDIT_LOOKED_AT = 5000
"""Entries of the log among which one page looks for those of administrators. Reason: some milliseconds; the next page goes on from there."""

ADVISORIES_SHOWN = 20
"""Advisories on the page of a package. Reason: one screen; the list has all."""

TOOLS_KEPT = 256
"""Manifests whose tools are kept as forms. Reason: each has some kilobytes, seldom a megabyte, and the popular ones are asked for most."""

HOME_LOOKED_AT = 24
"""Packages that each list of the first page is chosen from. Reason: what was revoked or has no stable version is left out, and is seldom."""
