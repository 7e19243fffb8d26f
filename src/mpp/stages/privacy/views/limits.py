"""Limits of the decoding views."""

from __future__ import annotations

BLOCK_CHARS = 2048
"""Characters of a long text that are read anew at once. Reason: all places within one block share its views, so that work stays linear."""

EDGE_CHARS = 1024
"""Characters that a region reaches over its block on either side. Reason: no value but a key in many lines is longer, so none is cut at an edge."""

ROOM_CHARS = 256
"""Characters within which the edge of a region is moved to a space. Reason: half of a token may look like a value."""

KEY_CHARS_MAX = 16_384
"""Characters of a private key written in one line. Reason: an RSA key of 8192 bits takes half of that."""

DEPTH_MAX = 3
"""Encodings within one another that are undone. Reason: real data has two, and each level multiplies the work."""

REGION_VIEWS_MAX = 48
"""Views of one region. Reason: three encodings within one another make about twenty; only a text made for it makes more."""

VIEWS_MAX = 20_000
"""Views of one message. Reason: each costs some microseconds; beyond this the message is withheld."""

VIEW_CHARS_MAX = 16 * 1024 * 1024
"""Characters of all views of one message. Reason: each is searched again; that of half a megabyte of encoded text three levels deep fits."""

TOKEN_CHARS_MAX = 4 * 1024 * 1024
"""Characters of one base64 or hex token. Reason: a longer one is a file, and what does not fit is withheld."""

INFLATED_BYTES_MAX = 1024 * 1024
"""Bytes that one compressed token may hold. Reason: a small token may hold a very large text."""

INFLATED_RATIO_MAX = 1_000
"""Bytes that one byte of a compressed token may become. Reason: logs are packed to a fiftieth; fifty bytes of bzip2 can be a megabyte, and take a hundredth of a second each."""

HEAD_BYTES = 4_096
"""Bytes of a file in an archive by which it is told whether it is a text. Reason: pictures and programs show it in a few hundred."""

XZ_MEMORY_MAX = 72 * 1024 * 1024
"""Bytes of memory that unpacking xz may ask for. Reason: what was packed with its strongest setting takes 65 MB, most of which is never touched; what asks for more is withheld."""

DECODED_CHARS_MIN = 6
"""Characters of text that a token must hold. Reason: the shortest address has as many."""

ITEM_CHARS = 64
"""Characters of an item that are read next to a border between two items. Reason: a value that two items share is hardly longer on one side."""

DIGIT_ITEMS_MAX = 24
"""Items of a list of numbers that may together be one number. Reason: a card has 19 digits and an account 24; a longer list is a series of figures."""

CODES_MIN = 8
"""Items of a list of numbers that may be the codes of letters. Reason: the shortest value has about eight."""

ROW_CHARS_PLAIN = 512
"""Characters of a list up to which its items are read whole. Reason: to cut them costs more than to read them."""

BLOCKS_LONG_MAX = 100
"""Texts of one list that are read together however long they are. Reason: an answer has a few blocks; a table of records has thousands of rows."""

BLOCK_CHARS_MEAN = 200
"""Characters that the texts of a longer list have on average at most, if they are read together. Reason: pieces of a stream are short."""
