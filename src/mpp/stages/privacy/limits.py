"""Limits of the privacy stage."""

from __future__ import annotations

CONTEXT_CHARS = 48
"""Characters before a place that are read as its context. Reason: a label such as "Social Security number of the applicant:" fits."""

MESSAGE_BYTES_MAX = 32 * 1024 * 1024
"""Bytes of one message. Reason: a tool's answer has a lower limit of its own; this one bounds memory where the stage is used alone."""

LEAVES_MAX = 400_000
"""Texts, keys and numbers of one message. Reason: beyond it the walk alone takes longer than a second."""

DEPTH_MAX = 200
"""Levels of one message. Reason: that of the strict reader."""

PLACES_MAX = 200_000
"""Places that one scan may report. Reason: each costs a microsecond or two; a text made of nothing but beginnings is withheld."""

LONG_NUMBER = 1_000
"""Integers from this size on are read like texts. Reason: a PIN has four digits; shorter numbers are counts, and no number of a person."""

DIGEST_CHARS = 24
"""Hex digits of a keyed digest in the record. Reason: 96 bits; two values never share one by chance."""

DIGESTS_MAX = 64
"""Keyed digests of one report. Reason: an entry of the record stays small; the counts say how many there were."""

PSEUDONYMS_MAX = 100_000
"""Values kept for one tenant and agent. Reason: some 20 MB; the oldest are forgotten first, and only a reveal needs them."""

SURROGATE_TRIES = 16
"""Surrogates that are tried. Reason: one in ten passes a checksum by chance."""

ROUNDS_MAX = 6
"""Times that replaced texts are searched again. Reason: what was replaced may have parted two things, and a new key may name its value; after that the message is withheld."""

CHECK_EVERY = 16
"""Places between two looks at the clock. Reason: a look at a place may cost ten milliseconds in a text made for it, and one at the clock a fifth of a microsecond."""

NAME_CHARS_MAX = 256
"""Characters of the key above a leaf that detectors are told. Reason: a name has fewer; each of a thousand places would read a key of a megabyte anew."""

NUMBER_BITS_MAX = 8_192
"""Bits of an integer that is read as digits. Reason: no reader of ours gives a longer one, and writing it down takes time quadratic in its length."""

SECONDS_MAX = 5.0
"""Processor time for one message, whatever its size. Reason: the largest ordinary one takes two seconds; beyond it the message is withheld."""

SECONDS_BASE = 0.5
"""Processor time that every message has. Reason: a small one takes less than a millisecond, on the slowest machine some."""

CHARS_PER_SECOND = 3_000_000
"""Characters that give a message one more second. Reason: ordinary ones are five times as fast; a text made to be slow is withheld instead."""

DULL_KEYS_MAX = 10_000
"""Keys that are remembered because nothing began in them. Reason: a megabyte; the messages of a host have some hundreds."""

DULL_KEY_CHARS = 64
"""Characters of such a key. Reason: longer ones are seldom the same twice."""

SMALL_HOLDERS_MAX = 64
"""Objects and lists of a message that is looked at as a small one first. Reason: most answers have five; of a larger one the glance would be a second walk."""

SMALL_CHARS_MAX = 4_096
"""Characters of such a message. Reason: where something is in it, it is scanned twice, and so many take the engine a few microseconds."""

LEAVES_MANY = 2_000
"""Texts of a message from which on the garbage collector rests while it is filtered. Reason: a smaller one makes too few objects to bring on more than one collection."""

REVEALS_MAX = 1_000
"""Values that are turned back in the arguments of one call. Reason: each is looked for in all that the tool says; this many cost a second in the largest answer."""

RUN_BYTES_LEAST = 12
"""Readable bytes in a row of a file that are searched on its way out. Reason: no secret whose form is sure is shorter."""

RUNS_MAX = 20_000
"""Readable parts of a file that are searched on its way out. Reason: a file of random bytes of the largest size has some thirty; what has more is text."""

DIGESTS_KNOWN_MAX = 256
"""Pairs of rules and policy whose digest is remembered. Reason: a host has one for each set of patterns."""
