"""Limits of the MCP front that hold for every transport."""

from __future__ import annotations

from mpp.limits import KIB, MIB

MESSAGE_BYTES_MAX = 4 * MIB
"""Bytes of one message. Reason: an image in arguments fits; a client cannot fill the memory with one line."""

ID_CHARS_MAX = 256
"""Characters of the id of a request, and of a progress token. Reason: they are kept while a request runs, and sent back."""

ID_INT_MAX = 2**63 - 1
"""Largest magnitude of a number as id. Reason: what is sent back must be exactly what came; larger ones are written differently by different readers."""

METHOD_CHARS_MAX = 128
"""Characters of the name of a method. Reason: the longest has 40."""

NAME_CHARS_MAX = 512
"""Characters of the name of a tool or prompt. Reason: it is looked up and quoted; real names have up to 128."""

URI_CHARS_MAX = 8 * KIB
"""Characters of the URI of a resource. Reason: it is looked up; longer ones are refused by web servers too."""

CURSOR_CHARS_MAX = 64
"""Characters of a cursor. Reason: ours have up to 40."""

STATE_CHARS_MAX = 256 * KIB
"""Characters of a sealed state that comes back. Reason: it holds the answers to a tool's questions."""

BATCH_MAX = 64
"""Messages in one batch. Reason: one line must not start more calls than a host runs at once."""

RUNNING_MAX = 1024
"""Requests of one connection that run or wait at a time. Reason: 1,000 parallel calls are served; more are told that the host is busy."""

LISTENING_MAX = 64
"""Subscriptions of one connection. Reason: each change is sent once for each."""

URIS_MAX = 256
"""Resources watched by one subscription or connection. Reason: each is named at each change."""

PAGE_ITEMS_MAX = 1000
"""Items of one page of a list. Reason: many clients read the first page only; 1,000 tools are more than any model can hold."""

LISTS_KEPT_MAX = 256
"""Encoded pages kept for the next that asks. Reason: one of ours is some hundred KiB at worst, mostly some KiB."""

COMPLETIONS_MAX = 100
"""Values of one completion. Reason: the protocol allows no more."""

ROUNDS_MAX = 8
"""Times that one call may ask the client for something. Reason: a tool that asks forever holds a person and a thread."""

QUESTIONS_MAX = 16
"""Questions of a tool in one round. Reason: each is shown to a person."""

ELICIT_SECONDS = 300
"""Seconds that a question to the client stays open. Reason: a person reads and thinks; after that the call is answered, and the approval still waits elsewhere."""

STATE_SECONDS = 900
"""Seconds that a sealed state is good for. Reason: as long as an answer may be used."""

STATES_SPENT_MAX = 10_000
"""Used states that are remembered. Reason: bounds memory; when it is full the key is replaced, so that all states end and none is used twice."""

PROGRESS_MAX = 10_000
"""Progress and log notifications of one call. Reason: a tool must not flood the client."""

TIMEOUT_MS_MAX = 3_600_000
"""Milliseconds that a client may ask for. Reason: an hour; the tool's own limit is what holds."""
