"""Limits of recording, running and comparing calls."""

from __future__ import annotations

from mpp.limits import MIB

LINE_BYTES_MAX = 16 * MIB
"""Bytes of one message of a server, and of one line of a recording. Reason: a picture in base64 fits; a server that never ends a line must not fill the memory."""

CALLS_MAX = 100_000
"""Calls of one recording. Reason: days of use; bounds a wrong file."""

CALL_SECONDS = 60
"""Seconds that a server has for one answer if nothing else is said. Reason: what clients commonly wait."""

START_SECONDS = 120
"""Seconds until a server answers for the first time. Reason: `npx` and `uvx` may have to download it first."""

GRACE_SECONDS = 2
"""Seconds that a server has to end by itself once nobody speaks to it any more, and once more after SIGTERM. Reason: enough to write a file, not enough to annoy."""

STDERR_BYTES_KEPT = 8192
"""Bytes of a server's last words on standard error that are kept. Reason: the end of a stack trace says what happened."""

OTHER_MESSAGES_MAX = 10_000
"""Messages before an answer that are not the answer. Reason: log lines and progress are fine; a flood must end."""

TOOLS_MAX = 1000
"""Tools of one server that are looked at. Reason: far more than any model is given."""

PAGES_MAX = 100
"""Pages of a list of tools. Reason: a server that gives the same cursor for ever must end."""

DIFFERENCES_MAX = 20
"""Differences of one call that are named. Reason: whoever sees twenty mends them first."""

REPORTED_MAX = 1000
"""Differences named in one comparison; the others are counted. Reason: a report must stay readable, and in memory."""

SHOWN_CHARS = 160
"""Characters of a value quoted in a difference. Reason: two of them fit on a screen."""

MASKS_MAX = 100
"""Masks of one comparison. Reason: who masks more compares nothing."""
