"""Limits of arguments, replies and validation. Spec: spec/call-contract.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import JSON_DEPTH_MAX, KIB, MIB

LINE_BYTES_MAX = MIB
"""Bytes of a request line with its line feed. Reason: adapters in guests read it into memory whole; the one for C holds exactly this."""

CONTEXT_BYTES_MAX = 16 * KIB
"""Bytes of a request line that are not the arguments. Reason: names and hashes need two kilobytes; the arguments must know their room."""

ARGUMENT_BYTES_MAX = LINE_BYTES_MAX - CONTEXT_BYTES_MAX
"""Bytes of arguments, as sent by the caller and as written on the line. Reason: both fit on one request line together with the context."""

ARGUMENT_DEPTH_MAX = JSON_DEPTH_MAX - 2
"""Levels of nesting in arguments. Reason: they stand two levels deep in a line that guests read with 32 levels."""

ARGUMENT_VALUES_MAX = 60_000
"""Values in arguments. Reason: adapters in guests hold 65,536 for the whole line."""

REPLY_BYTES_MAX = 4 * MIB
"""Bytes of a reply. Reason: an image or a page fits; an agent reads far less, and the host holds it in memory."""

STRUCTURED_VALUES_MAX = 100_000
"""Values in ``structuredContent``. Reason: bounds the work of looking at each; tables that people read are smaller."""

CONTENT_ITEMS_MAX = 256
"""Items in ``content``. Reason: a reply is read by a model; more are data and belong in a file."""

CONTENT_TEXT_MAX = REPLY_BYTES_MAX
"""Characters of one text of a reply. Reason: it may fill a reply."""

BLOB_BYTES_MAX = 3 * MIB
"""Bytes of one image, sound or file in a reply. Reason: what a reply holds once it is written as base64."""

URI_MAX = 2048
"""Characters of an address in a reply. Reason: common clients cut longer ones."""

MIME_MAX = 127
"""Characters of a media type. Reason: real ones have thirty; bounds the text that is shown."""

WORD_MAX = 1000
"""Characters of a name, a title, a description or a time in a reply. Reason: they are labels, not content."""

META_KEYS_MAX = 64
"""Keys of one ``_meta``. Reason: it holds labels for programs, not data."""

ERROR_SHOWN_MAX = 1000
"""Characters of a tool's own error message that are shown. Reason: it reaches agents and logs."""

QUESTIONS_MAX = 8
"""Questions that a tool asks at once. Reason: a person must be able to read all of them."""

QUESTION_TEXT_MAX = 2000
"""Characters of one question. Reason: a person reads it before answering."""

QUESTION_FORM_MAX = 16 * KIB
"""Bytes of the form of one question. Reason: a form with a few fields has some hundred."""

SAMPLING_MESSAGES_MAX = 16
"""Messages that a tool puts to the caller's model at once. Reason: a question with its examples; a conversation belongs to the agent."""

SAMPLING_TEXT_MAX = 16_384
"""Characters of one of them. Reason: a page or two; the person whom a client shows it to must be able to read it."""

SAMPLING_TOKENS_MAX = 32_768
"""Tokens that a tool asks the caller's model for. Reason: somebody else pays for them."""

WORK_MAX = 60_000_000
"""Steps of one validation, each about 30 nanoseconds at worst. Reason: the validator cannot be interrupted; two seconds are the most a call may hold it."""

EXPLAIN_WORK_MAX = 20_000_000
"""Steps of all the validations that find the places of faults. Reason: an explanation may not cost more than the verdict."""

EXPLAIN_TRIES_MAX = 400
"""Parts of a schema that are tried alone to explain a refusal. Reason: each is compiled; bounds time."""

EXPLAIN_BYTES_MAX = 4_000_000
"""Bytes of schemas that are compiled to explain one refusal. Reason: each part is compiled with the whole schema beside it."""

FINDINGS_MAX = 20
"""Faults listed for one value against its schema. Reason: a model mends a few at a time; the list goes back to it."""

CHAIN_MAX = 128
"""Schemas that lead to each other and judge the same value. Reason: bounds the native stack; real ones have ten."""

REACH_MAX = 100_000
"""Steps between schemas that are known beforehand. Reason: bounds the table of costs; real schemas need some hundred."""

PATTERN_POSITIONS_MAX = 100_000
"""Positions of all patterns of a schema. Reason: each position of a negated class compiles to hundreds of bytes."""

COMPILED_MAX = 256
"""Compiled schemas that are kept. Reason: a host calls the same tools again; bounds memory."""
