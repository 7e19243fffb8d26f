"""JSON lines: the entry whole, with its place. Whoever has this line can make the leaf hash anew. Pure. Spec: audit L-81."""

from __future__ import annotations

from mpp.model.jsontext import canonical
from mpp.stages.audit.forward.record import ForwardRecord

FORMAT = 1


def to_jsonl(record: ForwardRecord) -> bytes:
    """``line`` is the entry byte for byte, as a text: a reader that sorts keys or rounds numbers does not change its hash."""
    return canonical({
        "mpp_forward": FORMAT, "origin": record.origin, "seq": record.seq, "leaf": record.leaf, "kind": record.kind, "at": record.at,
        "severity": record.severity, "outcome": record.outcome, "line": record.line.decode("utf-8"),
    })  # fmt: skip
