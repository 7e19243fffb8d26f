"""Common Event Format, version 0. Its extension has few names; what has none stands under a label. Pure. Spec: audit L-81."""

from __future__ import annotations

from mpp.stages.audit.forward.record import ForwardRecord, one_line, SEVERITIES, summary, TEXT_MAX

VENDOR, PRODUCT, DEVICE_VERSION = "Model Package Protocol", "MPP", "1"

_LEVELS = dict(zip(SEVERITIES, (2, 4, 6, 9), strict=True))
"""Of 0 to 10."""


def to_cef(record: ForwardRecord) -> bytes:
    head = ("CEF:0", VENDOR, PRODUCT, DEVICE_VERSION, record.kind, summary(record), str(_LEVELS[record.severity]))
    return ("|".join(map(header, head)) + "|" + " ".join(f"{key}={extension(text)}" for key, text in _pairs(record) if text)).encode("utf-8")


def header(text: str) -> str:
    """A field of the head. Attack: a tool whose name holds a bar moves every field behind it."""
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def extension(text: str) -> str:
    """A value. Attack: a name that holds ``act=allow`` writes a field of its own."""
    plain = text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    return one_line(plain)


def _pairs(record: ForwardRecord) -> list[tuple[str, str]]:
    return [
        ("rt", str(record.at * 1000)),
        ("externalId", record.leaf),
        ("deviceExternalId", record.origin),
        ("cat", record.kind),
        ("act", record.effect or record.change),
        ("outcome", record.outcome),
        ("reason", record.code),
        ("suser", record.agent),
        ("suid", record.user),
        ("sourceServiceName", record.package),
        ("request", record.tool),
        ("fileHash", record.content),
        ("dhost", record.hosts[0] if record.hosts else ""),
        *_labelled("cn", 1, "logIndex", str(record.seq)),
        *_labelled("cn", 2, "riskScore", str(record.risk) if record.risk >= 0 else ""),
        *_labelled("cs", 1, "leafHash", record.leaf),
        *_labelled("cs", 2, "invocation", record.invocation),
        *_labelled("cs", 3, "publisher", record.publisher),
        *_labelled("cs", 4, "rule", record.rule),
        *_labelled("cs", 5, "agentProof", record.agent_level),
        *_labelled("cs", 6, "approvers", ",".join(record.approvers)[:TEXT_MAX]),
        *_labelled("flexString", 1, "tenant", record.tenant),
        *_labelled("flexString", 2, "hosts", ",".join(record.hosts)[:TEXT_MAX]),
    ]


def _labelled(kind: str, number: int, label: str, text: str) -> list[tuple[str, str]]:
    """A label without a value says nothing, and stays away."""
    return [(f"{kind}{number}", text), (f"{kind}{number}Label", label)] if text else []
