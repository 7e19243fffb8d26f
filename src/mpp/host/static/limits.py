"""Limits of what a package ships beside its tools: prompts, resources, files."""

from __future__ import annotations

from mpp.limits import KIB, MIB
from mpp.model.limits import TOOL_DESCRIPTION_MAX

LIST_BYTES_MAX = 256 * KIB
"""Bytes of ``mcp/prompts.json`` and of ``mcp/resources.json``. Reason: lists of words; what is long stands in files of its own."""

FILE_BYTES_MAX = MIB
"""Bytes of one file that a prompt or a resource shows. Reason: it travels as base64 in one message to an agent; bounds memory per request."""

PROMPTS_MAX = 64
"""Prompts of a package. Reason: a person picks from a menu."""

RESOURCES_MAX = 256
"""Resources of a package. Reason: an agent reads the whole list."""

TEMPLATES_MAX = 32
"""Templates of a package. Reason: each is tried for an address that nobody knows."""

ARGUMENTS_MAX = 16
"""Arguments of a prompt. Reason: a person fills in a form."""

MESSAGES_MAX = 16
"""Messages of a prompt. Reason: a question with examples; bounds what one request makes."""

TEXT_CHARS_MAX = TOOL_DESCRIPTION_MAX
"""Characters of a text in a list. Reason: as for the description of a tool, because the same guard reads it; longer ones stand in files."""

ARGUMENT_CHARS_MAX = 8 * KIB
"""Characters of the value of an argument. Reason: a person types or pastes it."""

FILLED_CHARS_MAX = MIB
"""Characters of all texts of a filled prompt or resource. Reason: a placeholder that stands a thousand times makes much of little."""

VALUES_MAX = 100
"""Values that complete one argument. Reason: the Model Context Protocol shows at most as many at once."""

VALUE_CHARS_MAX = 200
"""Characters of one of them. Reason: it stands on one line of a menu."""

VARIABLES_MAX = 8
"""Variables of a template. Reason: an address with more is no address that a person understands."""

VARIABLE_CHARS_MAX = 128
"""Characters that stand for a variable in an address. Reason: names and numbers; bounds the search."""

NAME_CHARS_MAX = 64
"""Characters of a name. Reason: as for tools, so that an alias can stand before it."""

LABEL_CHARS_MAX = 200
"""Characters of a title. Reason: it stands on one line."""

ADDRESS_CHARS_MAX = 512
"""Characters of the address of a resource. Reason: real ones have tens, and each stands in every list."""

DESCRIPTION_CHARS_MAX = 4 * KIB
"""Characters of a description. Reason: as for the parameters of a tool."""

QUESTION_CHARS_MAX = 2000
"""Characters of what a prompt asks a person. Reason: as for a question of a tool."""

LOOKS_MAX = 5
"""Doubtful places that a person is shown before an install. Reason: a question is read whole; more hide each other."""

CHANGES_MAX = 20
"""Prompts of an update that are told of one by one. Reason: a person reads all of them before a yes."""

CHANGED_CHARS_MAX = 600
"""Characters of a prompt that are shown beside what it was. Reason: a paragraph; what comes behind is said to be there."""

ICON_BYTES_MAX = 8 * KIB
"""Bytes of the picture of a package. Reason: it stands in each list once for every tool, as base64."""

ICON_SIDE_MIN = 16
"""Pixels of one side, at least. Reason: clients show no smaller ones."""

ICON_SIDE_MAX = 512
"""Pixels of one side, at most. Reason: bounds what a client has to decode."""
