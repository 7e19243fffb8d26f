"""Limits of the channels to a person."""

from __future__ import annotations

POLL_MS = 500
"""Milliseconds between two looks at a folder. Reason: a person does not notice them, and a look costs nothing."""

WEBHOOK_POLL_MS = 2000
"""Milliseconds between two questions to a web hook whether there is an answer. Reason: a server bears them for a day."""

WEBHOOK_SECONDS_MAX = 10
"""Seconds of one request to a web hook. Reason: it takes a question and answers; people are waited for by asking again."""

WEBHOOK_FAILURES_MAX = 30
"""Failures of a web hook in a row that are borne. Reason: a restart takes a minute; what is down for longer answers nothing."""

WEBHOOK_URL_CHARS_MAX = 2000
"""Characters of the address of a web hook. Reason: no web server takes longer ones."""
