"""Limits of the log, each with its unit and its reason."""

from __future__ import annotations

from mpp.limits import KIB, MIB

LINE_BYTES_MAX = 66_000
"""Bytes of the line of an entry. Reason: an event of 64 KiB, and what the chain adds."""

SEGMENT_ENTRIES_MAX = 65_536
"""Entries of one segment. Reason: what is read again after a power cut takes less than a second; 256 tiles of the lowest level."""

SEGMENT_BYTES_MAX = 32 * MIB
"""Bytes from which a segment is sealed. Reason: one read into memory at most; hashing it takes a moment."""

ROOM_BYTES = 1024 * KIB
"""Bytes of zeros put behind the open segment, time and again. Reason: syncing what overwrites them costs two thirds of a file that grows; less, and batches wait for it often."""

SEGMENT_BYTES_READ_MAX = SEGMENT_BYTES_MAX + LINE_BYTES_MAX + 4 * KIB + ROOM_BYTES
"""Bytes of a segment that are read. Reason: the last line may begin just below the limit, the entry of the epoch follows, and room behind it."""

SEGMENT_SECONDS_MAX = 86_400
"""Seconds after which a segment is sealed. Reason: a key that is stolen can rewrite one day, and no more."""

CHECKPOINT_SECONDS = 1
"""Seconds between two checkpoints while entries are written. Reason: what a crash leaves unsigned is short; a signature costs what ten entries cost."""

RESERVE_BYTES = MIB
"""Bytes kept for the ends of running calls when the disk is full. Reason: a thousand results."""

PROOF_BYTES_MAX = MIB
"""Bytes of a proof. Reason: three entries with their paths and a checkpoint fit many times."""

TOLD_CHARS_MAX = 300
"""Characters of one name of an entry that is searched for or counted. Reason: names of packages, tools and agents are shorter; an index keeps each once."""

TOLD_NAMES_MAX = 256
"""Names of one kind in one entry that are searched for. Reason: a call touches a few hosts and has a few approvers."""

TRANSCRIPT_CALLS_MAX = 10_000
"""Host calls of a kept transcript. Reason: as many as one call may make."""

TRANSCRIPT_BYTES_MAX = 16 * MIB
"""Bytes of a kept transcript. Reason: one answer of the largest size and what belongs to it; it is held in memory while the tool runs."""

VAULT_PATHS_MAX = 1_000
"""Paths of one kind, and addresses, in a record of the vault. Reason: as many names as a host notes of one call."""

VAULT_PATH_CHARS_MAX = 8192
"""Characters of one path or address in a record of the vault. Reason: an address that a tool asks for is no longer."""

VAULT_ARGUMENT_BYTES_MAX = 2 * MIB
"""Bytes of the request line in a record of the vault. Reason: twice what a call may have."""

VAULT_RESULT_BYTES_MAX = 8 * MIB
"""Bytes of a result in a record of the vault. Reason: twice what a tool may write, because numbers written anew may be longer."""

VAULT_PAYLOAD_BYTES_MAX = 64 * MIB
"""Bytes of the payload of a record of the vault. Reason: the largest request, result and transcript in base64, with their paths."""

VAULT_RECORD_BYTES_MAX = VAULT_PAYLOAD_BYTES_MAX + 4 * KIB
"""Bytes of a record of the vault. Reason: the payload, a box for the key, a tag."""
