"""Limits of policy documents, of what is explained of a decision, and of what a decision event keeps."""

from __future__ import annotations

from mpp.limits import KIB, MIB

POLICY_BYTES_MAX = 4 * MIB
"""Bytes of one policy document. Reason: ten thousand written rules fit; reading it takes seconds at most."""

RULES_MAX = 10_000
"""Rules of one document. Reason: large fleets have thousands; bounds compiling and the worst evaluation."""

LIST_MAX = 1000
"""Items of one list of a rule. Reason: a longer list is data, and is written as several rules."""

ARGUMENT_TESTS_MAX = 16
"""Conditions on arguments of one rule. Reason: a person must be able to follow them; each is judged for each call."""

PATTERN_CHARS_MAX = 256
"""Characters of a pattern for a name. Reason: names of agents and users are shorter; it is shown in one line."""

ARGUMENT_TEXT_MAX = 1024
"""Characters of a text that is compared with an argument. Reason: longer ones are documents, not conditions."""

LONGER_MAX = 10_000_000
"""Largest number in ``longer_than``, in characters or items. Reason: no call is that large."""

PATH_PARTS_MAX = 64
"""Components of a path in a policy. Reason: real ones have ten; each is looked up when arguments are judged."""

ARGUMENT_PATH_MAX = 4096
"""Characters of an argument that is judged as a path. Reason: the longest that systems take."""

WHY_MAX = 300
"""Characters of the reason of a rule. Reason: it stands in one or two lines of an answer to a person."""

VERSION_RANGE_MAX = 200
"""Characters of a version range. Reason: two comparisons of the longest versions fit."""

MAPPINGS_MAX = 256
"""Mappings of one document. Reason: a package has at most 128 paths, and few need another place."""

PRIVATE_HOSTS_MAX = 1000
"""Private hosts of one document. Reason: each was thought about by somebody."""

CALLS_PER_MINUTE_MAX = 100_000
"""Calls in a minute that a limit may name. Reason: no host serves more; a larger number limits nothing."""

APPROVERS_MAX = 2
"""People that a rule may demand for one call. Reason: more are never at their desks at one time, and the question goes stale."""

ANSWER_SECONDS_MAX = 900
"""Seconds in which an answer must be used, at most. Reason: spec/4-approval.md; a policy may shorten it and not lengthen it."""

DOTTED_PARTS_MAX = 32
"""Names joined by dots in a TOML document. Reason: the library's reader takes time in the square of them."""

INDEX_LEAF_MAX = 8
"""Rules that are tried one after the other without a table. Reason: a table costs as much as trying eight."""

INDEX_COPIES_MAX = 32
"""Places of one rule in the index. Reason: two long lists in one rule would multiply; bounds memory to 32 times the rules."""

SEARCHED_CHARS_MAX = 16_384
"""Characters of an argument in which ``contains`` looks for a part. Reason: a caller chooses the argument; ten thousand rules must not read a megabyte each."""

SHORT_TEXT_MAX = 256
"""Characters of a text whose other forms (NFKC, case folding) are made anew each time. Reason: to look it up costs as much as to make it."""

LONG_TEXTS_MAX = 64
"""Long texts of one call whose other forms are kept while it is judged. Reason: rules look at a few arguments; bounds memory."""

VERSIONS_KEPT_MAX = 256
"""Versions that are kept taken apart. Reason: a host has tens of packages in use; each is looked at by many rules."""

NEAR_MAX = 3
"""Rules of one layer that are explained although they did not match. Reason: a reader follows three."""

ALSO_MAX = 10
"""Further matching rules of one layer that are explained. Reason: a reader follows ten."""

CHANGES_MAX = 6
"""Ways to another decision that are explained. Reason: a reader compares six."""

FACTS_SCOPE_BYTES_MAX = 16 * KIB
"""Bytes of a declared scope that a decision event keeps. Reason: an event has 64 KiB; ordinary packages need one."""

FACT_TEXT_MAX = 300
"""Characters of one text of a decision event. Reason: names, digests and sentences are shorter."""

FACT_ITEMS_MAX = 64
"""Items of one list of a decision event. Reason: it bounds what a foreign record can cost."""

PRIVACY_LIST_MAX = 256
"""Entries of one list of the privacy table, and types of its actions. Reason: somebody thought about each; layers are compared pair by pair."""

PRIVACY_TYPES_MAX = 64
"""Types of one entry of the privacy table. Reason: an exemption for more is one for everything."""

ALLOWED_CHARS_MAX = 256
"""Characters of a value that is nobody's personal data. Reason: the longest address for mail; what is longer is a text."""

KEEP_MAX = 8
"""Characters at the end of a value that may stay. Reason: half of the shortest card number; with more a value is not hidden."""

KEEP_USUAL = 4
"""Characters that stay where none are named. Reason: what receipts show of a card number."""

PSEUDONYM_MINUTES_MAX = 60
"""Minutes for which a pseudonym may be turned back. Reason: a conversation of an agent; what lasts longer is a store of personal data."""

GRANTS_TOGETHER_MAX = 1000
"""Entries of one list that are left when layers are compared. Reason: 256 by 256 could be left; what is beyond is not granted."""

UNFILTERED_LINES_MAX = 16
"""Lines about what is not filtered for one package. Reason: a person reads them in a question; the last one counts the others."""

SCOPES_KNOWN_MAX = 256
"""Scopes whose words for the record are remembered. Reason: a host has one or two for each tool in use."""

KNOWN_MAX = 1024
"""Calls whose verdict is remembered, by package, tool, agent and user. Reason: a host has some hundreds in use; each is a kilobyte."""
