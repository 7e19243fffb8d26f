"""Stage 7, audit: each event becomes an entry of a log that nobody can change unseen.

Takes: an ``Event`` of any stage; a log, a proof or a checkpoint from anywhere.
Gives: ``Entry``, a ``Verdict`` with its reason, a proof; the records that other systems take.
Refuses: ``audit.*``: a log that does not hold, and a record that cannot be kept.
Limits: limits.py.

Spec: spec/7-audit.md, spec/events.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.audit.batch import encode_events
    from mpp.stages.audit.chain import Stretch, Tree, follow
    from mpp.stages.audit.entry import (
        Entry,
        FIRST_PREV,
        Genesis,
        encode_event,
        epoch_body,
        genesis_body,
        leaf_of,
        line_of,
        lines_of,
        read_entry,
        read_epoch,
        read_genesis,
        tail_of,
    )
    from mpp.stages.audit.proof import Proof, Proven, ProvenLine, read_proof, verify_proof, write_proof
    from mpp.stages.audit.told import STAGES, Line, Told, dict_of, glance, redactions_of, text_of, texts_of, times_of, told_of
    from mpp.stages.audit.transcript import Recorded, Transcript, Writer, addresses, asked_of, read_transcript
    from mpp.stages.audit.vaulted import (
        ARGUMENTS,
        Answered,
        FRESH_BYTES,
        KEEPS,
        PATHS,
        Payload,
        Place,
        Places,
        RESULT,
        Sent,
        TRANSCRIPT,
        open_record,
        read_payload,
        seal_record,
        write_payload,
    )
    from mpp.stages.audit.verdict import ANCHORED, CHAINED, Covered, LADDER, SIGNED, Verdict, WITNESSED, level_of, reason_of
    from mpp.stages.audit.wanted import Condition, FACTS, Wanted
    from mpp.stages.audit.witness import (
        ACCEPTED,
        Accept,
        Asked,
        CONFLICT,
        INCONSISTENT,
        Judgement,
        Known,
        REQUEST_BYTES_MAX,
        SIZE_TYPE,
        Turned,
        UNKNOWN,
        UNREADABLE,
        UNSIGNED,
        judge,
        read_request,
        read_size,
        with_lines,
        write_request,
    )
    from mpp.stages.audit.witnessing import Seen, count_witnesses

__getattr__ = door(
    __name__,
    {
        "batch": "encode_events",
        "chain": "Stretch Tree follow",
        "entry": "Entry FIRST_PREV Genesis encode_event epoch_body genesis_body leaf_of line_of lines_of read_entry read_epoch read_genesis tail_of",
        "proof": "Proof Proven ProvenLine read_proof verify_proof write_proof",
        "told": "STAGES Line Told dict_of glance redactions_of text_of texts_of times_of told_of",
        "transcript": "Recorded Transcript Writer addresses asked_of read_transcript",
        "vaulted": "ARGUMENTS Answered FRESH_BYTES KEEPS PATHS Payload Place Places RESULT Sent TRANSCRIPT open_record read_payload seal_record write_payload",
        "verdict": "ANCHORED CHAINED Covered LADDER SIGNED Verdict WITNESSED level_of reason_of",
        "wanted": "Condition FACTS Wanted",
        "witness": "ACCEPTED Accept Asked CONFLICT INCONSISTENT Judgement Known REQUEST_BYTES_MAX SIZE_TYPE Turned UNKNOWN UNREADABLE UNSIGNED judge read_request read_size with_lines write_request",
        "witnessing": "Seen count_witnesses",
    },
)

__all__ = (
    "ACCEPTED",
    "ANCHORED",
    "ARGUMENTS",
    "CHAINED",
    "CONFLICT",
    "FACTS",
    "FIRST_PREV",
    "FRESH_BYTES",
    "INCONSISTENT",
    "KEEPS",
    "LADDER",
    "PATHS",
    "REQUEST_BYTES_MAX",
    "RESULT",
    "SIGNED",
    "SIZE_TYPE",
    "STAGES",
    "TRANSCRIPT",
    "UNKNOWN",
    "UNREADABLE",
    "UNSIGNED",
    "WITNESSED",
    "Accept",
    "Answered",
    "Asked",
    "Condition",
    "Covered",
    "Entry",
    "Genesis",
    "Judgement",
    "Known",
    "Line",
    "Payload",
    "Place",
    "Places",
    "Proof",
    "Proven",
    "ProvenLine",
    "Recorded",
    "Seen",
    "Sent",
    "Stretch",
    "Told",
    "Transcript",
    "Tree",
    "Turned",
    "Verdict",
    "Wanted",
    "Writer",
    "addresses",
    "asked_of",
    "count_witnesses",
    "dict_of",
    "encode_event",
    "encode_events",
    "epoch_body",
    "follow",
    "genesis_body",
    "glance",
    "judge",
    "leaf_of",
    "level_of",
    "line_of",
    "lines_of",
    "open_record",
    "read_entry",
    "read_epoch",
    "read_genesis",
    "read_payload",
    "read_proof",
    "read_request",
    "read_size",
    "read_transcript",
    "reason_of",
    "redactions_of",
    "seal_record",
    "tail_of",
    "text_of",
    "texts_of",
    "times_of",
    "told_of",
    "verify_proof",
    "with_lines",
    "write_payload",
    "write_proof",
    "write_request",
)
