"""Limits of forwarding, each with its unit and its reason."""

from __future__ import annotations

from mpp.limits import KIB, MIB

BATCH_ENTRIES_MAX = 500
"""Entries that are under way at once. Reason: what is sent again after a fault is short; a connection for each batch costs little."""

BATCH_BYTES_MAX = MIB
"""Bytes of one batch. Reason: what servers of HTTP take as they are installed."""

OTLP_BATCH_BYTES_MAX = 256 * KIB
"""Bytes of the entries of one batch for OTLP. Reason: with its fields an entry is up to four times as long there."""

ANSWER_BYTES_MAX = 64 * KIB
"""Bytes of an answer that are read. Reason: it says yes or no in one sentence."""

SECONDS_MAX = 60
"""Seconds for one batch, from the connection to the answer. Reason: a server that takes longer has too much to do; the batch is sent again."""

SILENCE_SECONDS_MAX = 15
"""Seconds in which a server must take the connection, and go on reading. Reason: one that is silent for longer is down."""

RETRY_SECONDS_MIN = 1
"""Seconds before the second try. Reason: a server that begins anew needs about as long."""

RETRY_SECONDS_MAX = 60
"""Seconds between two tries, at most. Reason: what was down for an hour is served a minute after it is back."""

RETRY_AFTER_SECONDS_MAX = 600
"""Seconds that a server may ask us to wait. Reason: a server that says never must not stop forwarding for ever."""

TRIES_ONCE = 5
"""Tries of a run that is to end. Reason: half a minute; whoever calls it from a timer comes again."""

POLL_SECONDS = 1
"""Seconds between two looks at the log. Reason: an alarm that is a second late is early enough; a look costs almost nothing."""

READ_TRIES = 3
"""Looks at a log whose segments are being compressed. Reason: a file that is renamed is there on the next look."""

DEAD_BYTES_MAX = 4 * MIB
"""Bytes of the dead letters of one target. Reason: ten thousand; more are a fault of the target that a person must see."""

TARGETS_MAX = 32
"""Targets of one home. Reason: each is sent everything."""

TARGETS_BYTES_MAX = 256 * KIB
"""Bytes of the document of targets. Reason: all of them with their longest paths."""

CURSOR_BYTES_MAX = 4 * KIB
"""Bytes of a cursor. Reason: three short fields."""

URL_CHARS_MAX = 2000
"""Characters of an address. Reason: no server takes longer ones."""

PATH_CHARS_MAX = 4096
"""Characters of a path. Reason: no system has longer ones."""

HEADERS_MAX = 16
"""Headers that a file may add. Reason: one or two carry a token."""

HEADERS_BYTES_MAX = 16 * KIB
"""Bytes of a file of headers. Reason: servers take heads of about that size."""

REFUSED_IN_A_ROW_MAX = 100
"""Entries in a row that become dead letters. Reason: a target that refuses a hundred refuses all, and the fault is not theirs."""
