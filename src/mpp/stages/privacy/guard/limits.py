"""Limits of the description guard. Spec: spec/6-privacy.md gives the same numbers."""

from __future__ import annotations

from mpp.limits import KIB
from mpp.model.limits import TOOL_DESCRIPTION_MAX

TITLE_CHARS_MAX = 200
"""Characters of a title. Reason: it is shown on one line; a longer one is a description that nobody reads as one."""

PARAMETER_CHARS_MAX = 4 * KIB
"""Characters of the description of a parameter, and of any other text in a schema. Reason: real ones have hundreds."""

PROSE_CHARS_MAX = TOOL_DESCRIPTION_MAX
"""Characters of the description of a tool. Reason: models read it with every request; a flood of words hides an order among them."""

TOOL_CHARS_MAX = 64 * KIB
"""Characters of all that a model reads of one tool. Reason: real ones have a few thousand; a person must be able to look through it."""

TEXTS_MAX = 20_000
"""Texts of one tool. Reason: real ones have tens; bounds the work."""

TOOLS_LISTED_MAX = 1000
"""Tools of one list of an older server. Reason: agents choose badly among a hundred; bounds the work."""

LEVELS_MAX = 64
"""Levels of a schema. Reason: twice what a manifest may have; bounds the recursion."""

NAME_CHARS_MAX = 128
"""Characters of the name of a parameter or a definition. Reason: generated names are long, sentences are longer."""

NAME_WORDS_MAX = 16
"""Words in one name. Reason: generated names reach a dozen."""

NAME_SMALL_WORDS_MAX = 3
"""Words such as ``and`` or ``of`` in a name of five words or more; ``you`` or ``here`` count twice. Reason: ``is_cursor_at_the_end_of_line`` has three."""

NAME_SENTENCE_WORDS = 5
"""Words from which a name can be a sentence. Reason: ``reply_to_all`` is none."""

VALUE_WORDS_MAX = 12
"""Words in a default, a constant, a choice or a format. Reason: such values are looked up, not read."""

EXAMPLE_WORDS_MAX = 60
"""Words in one example. Reason: an example of a text is a sentence or two."""

PATTERN_WORDS_MAX = 5
"""Words with blanks between them in a regular expression. Reason: a pattern describes characters; a sentence in it is for a reader."""

REMARK_WORDS_MAX = 3
"""Words under a key that no reader expects, such as ``$comment`` or ``x-note``. Reason: a flag or a unit fits, an order does not."""

BLANKS_MAX = 60
"""Blanks in a row. Reason: tables are set with fewer; more push what follows off the screen."""

LINE_BREAKS_MAX = 6
"""Line breaks in a row, with nothing but blanks between them. Reason: as for blanks."""

SAME_MAX = 120
"""Times that one sign may stand in a row. Reason: a ruler has a line's length."""

DECODED_LEAST = 16
"""Characters that a decoded text must have to count. Reason: three or four words; shorter ones arise by chance."""

FOREIGN_WORDS_LEAST = 4
"""Words that turn out common once a text is turned around or its letters are shifted. Reason: one or two do so by chance."""

HITS_MAX = 200
"""Hits that are listed. Reason: nobody reads more, and one is enough to ask."""

EXCERPT_CHARS = 80
"""Characters of a text that are shown of a hit. Reason: one line."""

PLACE_CHARS = 200
"""Characters of the place of a hit that are shown. Reason: two lines; the names in it are of others."""

CHANGES_LISTED_MAX = 200
"""Differences between two versions that are listed. Reason: as for hits; the digest says that there are more."""
