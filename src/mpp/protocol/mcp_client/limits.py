"""Limits of what a server may say. Spec: legacy, sections 2 and 7."""

from __future__ import annotations

from mpp.limits import MIB

LINE_BYTES_MAX = 4 * MIB
"""Bytes of one message. Reason: an answer with a picture fits; what is larger is no answer for a model."""

NOISE_BYTES_MAX = MIB
"""Bytes on standard output that are no messages, over a server's life. Reason: banners and stray log lines have kilobytes; more is no server."""

BATCH_MAX = 64
"""Messages in one batch. Reason: one old version of the protocol has batches; real ones hold a few."""

PAGES_MAX = 64
"""Pages of one list. Reason: bounds a cursor that never ends; servers with hundreds of tools need a few."""

CURSOR_CHARS_MAX = 4096
"""Characters of a cursor. Reason: it goes back to the server as it came; real ones have a hundred."""

NAME_CHARS_MAX = 200
"""Characters of a name or a version that a server calls itself. Reason: it is shown on one line."""

ERROR_CHARS_MAX = 2000
"""Characters of an error message that are kept. Reason: it is filtered and shown; a longer one is a document."""

WORDS_CHARS_MAX = 8192
"""Characters of a log line, or of the words of a step, that are passed on. Reason: as for packages; it is one line for a person, and a server may say a thousand."""

URI_CHARS_MAX = 2048
"""Characters of the address of a resource. Reason: it is kept, shown and sent back; real ones have a hundred."""

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Levels of log lines, the least first."""
