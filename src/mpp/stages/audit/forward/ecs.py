"""Elastic Common Schema 8: what it has a name for stands there, the rest below ``mpp``. Pure. Spec: audit L-81."""

from __future__ import annotations

from datetime import datetime, UTC

from mpp.model.jsontext import canonical, Json
from mpp.stages.audit.forward.record import fields_of, ForwardRecord, is_said, SEVERITIES, summary

ECS_VERSION = "8.17.0"
DATASET = "mpp.audit"

_SORTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "decision": ("api", ("info",)),
    "reveal": ("api", ("access",)),
    "intent": ("api", ("start",)),
    "result": ("api", ("end",)),
    "interrupted": ("api", ("end",)),
    "refused": ("api", ("denied",)),
    "receipt": ("api", ("info",)),
    "token-used": ("api", ("access",)),
    "agent": ("authentication", ("info",)),
    "question": ("iam", ("info",)),
    "answer": ("iam", ("info",)),
    "consent": ("iam", ("change",)),
    "approval-spent": ("iam", ("info",)),
    "approval-refused": ("iam", ("info",)),
    "standing": ("iam", ("change",)),
    "standing-used": ("iam", ("info",)),
    "token-granted": ("iam", ("creation",)),
    "token-narrowed": ("iam", ("change",)),
    "trust": ("iam", ("admin", "change")),
    "policy": ("configuration", ("change",)),
    "package": ("package", ("change",)),
    "stop": ("configuration", ("change",)),
    "vault": ("configuration", ("access",)),
}
"""Category and types of each kind; what the log says of itself is about the host."""

_LOG_SORT = ("host", ("info",))
_DECIDED = {"allow": "allowed", "deny": "denied"}


def to_ecs(record: ForwardRecord) -> bytes:
    category, types = _SORTS.get(record.kind, _LOG_SORT)
    if record.effect in _DECIDED:
        types = (_DECIDED[record.effect],)
    event: dict[str, Json] = {
        "kind": "event", "category": [category], "type": [*types], "outcome": record.outcome, "action": record.kind, "sequence": record.seq,
        "id": record.leaf, "hash": record.leaf, "module": "mpp", "dataset": DATASET, "provider": record.origin,
        "severity": SEVERITIES.index(record.severity) + 1, "original": record.line.decode("utf-8"), "reason": record.code,
    }  # fmt: skip
    document: dict[str, Json] = {
        "@timestamp": datetime.fromtimestamp(record.at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "ecs": {"version": ECS_VERSION},
        "message": summary(record),
        "event": event,
        "service": {"name": "mpp", "type": "mpp"},
        "user": {"hash": record.user},
        "package": {"name": record.package, "version": record.version, "checksum": record.content},
        "rule": {"name": record.rule},
        "error": {"code": record.code},
        "trace": {"id": record.invocation},
        "related": {"hosts": [*record.hosts], "hash": [record.leaf, *([record.content] if record.content else ())]},
        "mpp": fields_of(record),
    }
    return canonical({key: kept for key, item in document.items() if is_said(kept := _said(item))})


def _said(item: Json) -> Json:
    return {key: inner for key, inner in item.items() if is_said(inner)} if isinstance(item, dict) else item
