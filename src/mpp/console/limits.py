"""Bounds of the console, each with its unit and reason."""

from __future__ import annotations

from mpp.limits import KIB, MIB

FORM_BYTES_MAX = MIB
"""Bytes of the body of a form. Reason: a policy that is tried out has up to some hundred KiB, and each byte of it can become three."""

FORM_FIELDS_MAX = 64
"""Fields of a form. Reason: none of ours has thirty."""

FORM_SECONDS_MAX = 10
"""Seconds in which the body of a form must have come whole. Reason: it comes from this machine; a slow one holds a place."""

PATH_CHARS_MAX = 512
"""Characters of the path of an address. Reason: the longest of ours names one call of one package."""

QUERY_CHARS_MAX = 2 * KIB
"""Characters behind the question mark of an address. Reason: all filters of one list fit."""

SESSIONS_MAX = 8
"""Browsers at a time. Reason: a person has two; the one that was idle for longest makes room."""

SESSION_SECONDS = 12 * 3600
"""Seconds after which a session ends, used or not. Reason: a working day with its breaks."""

SESSION_IDLE_SECONDS = 2 * 3600
"""Seconds without a request after which a session ends. Reason: a browser that was left open on a desk."""

ENTRIES_WRONG_PER_MINUTE = 10
"""Wrong tokens in a minute before the answer is to wait. Reason: a token has 256 bits, so that this keeps the processor free and guards nothing else; the right one is always taken."""

REQUESTS_PER_MINUTE = 1200
"""Requests in a minute of one session. Reason: a page has four, and a person who leafs through calls opens one a second."""

STRANGERS_PER_MINUTE = 300
"""Requests in a minute of all who have no session, together. Reason: one enters with five; they have no part in what a session may ask."""

PASSPHRASES_WRONG_PER_MINUTE = 5
"""Wrong passphrases in a minute. Reason: a person mistypes twice; each try costs the time of a slow hash."""

CONNECTIONS_MAX = 64
"""Connections at once. Reason: a browser opens six, and keeps one for news."""

STREAMS_MAX = 8
"""Pages that wait for news at once. Reason: one for each session; more pages of one browser look for themselves."""

STREAM_LOOK_SECONDS = 1.0
"""Seconds between two looks at the store for a page that waits for news. Reason: a person sees no difference to at once, and a look is one read of an index."""

STREAM_SECONDS_MAX = 600
"""Seconds after which a page must ask for news anew. Reason: a session that has ended must not be told for longer."""

NOTES_MAX = 4
"""Notices that a session keeps for its next page. Reason: an action leaves one."""

PAGE_ROWS = 50
"""Rows of one page of a list. Reason: each is one or two lines."""
