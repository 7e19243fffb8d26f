"""What one question to the catalog gives at most."""

from __future__ import annotations

from mpp.limits import KIB

PAGE_ITEMS_MAX = 100
"""Items of one page. Reason: people look at twenty; bounds what one request reads of the database."""

CURSOR_CHARS_MAX = 512
"""Characters of the mark of a next page. Reason: it holds a package id, a version and a number, in base64."""

QUERY_CHARS_MAX = 200
"""Characters of a search. Reason: nobody types more; bounds the work of one search."""

QUERY_WORDS_MAX = 8
"""Words of a search that count. Reason: each is one more list that is merged."""

WORD_CHARS_MAX = 40
"""Characters of one word of a search, and of the index. Reason: longer ones are no words; a beginning of this length finds them."""

WORDS_CHARS_MAX = 8 * KIB
"""Characters of a package that can be searched. Reason: id, title, keywords, summary and the names of a hundred tools; a longer text would be there to be found, and not to be read."""

PREFIX_CHARS_MIN = 2
"""Characters from which on a word finds longer ones that begin with it. Reason: one letter begins a tenth of all words."""

NAME_HITS_MAX = 100
"""Packages with the words in their name that are ranked against each other. Reason: with those below, some milliseconds; nobody reads further."""

WORD_HITS_MAX = 150
"""Packages with the words anywhere that are ranked. Those that come after them follow in the order of their last change. Reason: as above."""

RANKS_FILLED_MAX = 1_000
"""Packages whose ranks are made in one transaction. Reason: a tenth of a second for which no other replica writes."""

SEARCHES_KEPT = 512
"""Pages of searches that are kept in memory. Reason: each has twenty to a hundred packages of a kilobyte; what many look for is among them."""

OWN_HITS_MAX = 500
"""Private packages of one publisher that its search looks through. Reason: they are in no index that all share; a company has some dozens."""

DAYS_MAX = 400
"""Days of one answer about downloads. Reason: a year and a month."""

OWNERS_MAX = 100
"""Owners of a package in one answer. Reason: more than a package may have."""

COUNTED_MAX = 10_000
"""Packages whose downloads wait in memory to be written. Reason: a megabyte; it is written every few seconds."""
