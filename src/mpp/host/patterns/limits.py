"""Limits of judging patterns."""

from __future__ import annotations

from mpp.limits import KIB, MIB

JUDGE_SECONDS = 2.0
"""Processor seconds for one pattern. Reason: an ordinary one takes a twentieth of a second; the process of a longer one is killed. How busy the machine is counts for nothing."""

JUDGE_ALL_SECONDS = 30.0
"""Processor seconds for all patterns of one package. Reason: 64 ordinary ones take three; the rest of a hostile list is refused unread."""

JUDGE_WAIT_SECONDS = 300.0
"""Seconds for all of them as time passes. Reason: a tenth of a processor is enough; a process that was taken over and sleeps ends here."""

JUDGE_LOOK_SECONDS = 0.02
"""Seconds between two looks at the processor time of that process, at least. Reason: a hundredth of what a pattern has."""

JUDGE_DATA_BYTES = 256 * MIB
"""Bytes of memory of the process that judges. Reason: interpreter, both engines and the largest sound pattern need less than 100 MiB."""

JUDGE_CPU_SECONDS = 60
"""Processor seconds of that process. Reason: a net below the clock of the host, for all patterns of a package together."""

JUDGE_FILES_MAX = 32
"""Descriptors of that process. Reason: it needs two pipes; the numbers it was started with may be higher."""

START_SECONDS = 60.0
"""Seconds in which that process must be ready. Reason: a tenth of a second on a quiet machine; a busy one takes two and more."""

TURN_SECONDS = 0.005
"""Seconds of work between two rests. Reason: an event loop has other calls, which wait meanwhile."""

LINE_BYTES_MAX = 256 * KIB
"""Bytes of one question to that process or of its answer. Reason: 512 characters of a pattern, written out for two engines, need less than 64 KiB."""

PATTERN_BYTES_MAX = 4 * MIB
"""Bytes that RE2 may use for one pattern while it is judged. Reason: the same as where it is used."""

KEPT_BYTES_MAX = 64 * MIB
"""Bytes of one kept file. Reason: the database of all built-in expressions needs a few MiB."""

KEY_BYTES = 32
"""Bytes of the key of the seal. Reason: the strength of SHA-256."""

SLOWER_MAX = 20
"""Times slower than a simple expression that a pattern may be on the worst text. Reason: 20 MB a second where the simple one reads 400 MB."""

SLOWER_MATCH_MAX = 3
"""Times more costly than a match of a simple expression that a match may be. Reason: room for a noisy machine; one that reads on costs a hundred times more."""

SHORT_TEXT_BYTES = 2 * KIB
"""Bytes of the text that each kind begins with. Reason: a pattern of two thousand states without a table for them takes milliseconds for it."""

PIECE_TEXT_BYTES = 8 * KIB
"""Bytes of each text that is one piece again and again. Reason: long enough for a rate; fifty of them are tried."""

MIXED_TEXT_BYTES = 64 * KIB
"""Bytes of each text of mixed characters. Reason: takes an automaton through more states than its memory holds, if it has them."""

LONG_TEXT_BYTES = 256 * KIB
"""Bytes of the texts on which a pattern was slowest, tried once more. Reason: what grows with the square of the text shows itself."""

LONG_TEXTS = 3
"""Texts that are tried once more. Reason: the slowest short text is among the slowest long ones."""

MATCHES_MAX = 500
"""Matches in one text after which its pace is known. Reason: counting them costs more than finding them."""

WARM_SECONDS = 0.05
"""Processor time for building an automaton before its pace is measured. Reason: it is built once for many messages."""

TRIES = 4
"""Runs of a text that seems too slow. Reason: what is not built yet is built in the first ones, and other processes disturb."""

DOUBTS = 2
"""Times that a text which seems too slow is tried again a little later. Reason: a hypervisor takes the processor away for tens of milliseconds, and its clock runs on."""

DOUBT_SECONDS = 0.03
"""Seconds before it is tried again. Reason: as long as such an absence lasts."""

HOPELESS = 8
"""Times over what is allowed after which a text is not tried a third time. Reason: no other process and no building explains that much."""

PROBE_COMPILE_SECONDS = 0.1
"""Processor time for compiling a probe for Hyperscan. Reason: up to 64 of them are compiled together while a package is opened; ordinary ones take a thousandth of a second."""

SHARE_MAX = 0.03
"""Share of an ordinary text that a pattern may match. Reason: what matches more hides words and numbers of everybody."""
