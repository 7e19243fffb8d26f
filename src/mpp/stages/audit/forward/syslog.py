"""Syslog by RFC 5424, with the fields as structured data, framed by octet counting (RFC 6587, RFC 5425). Pure. Spec: audit L-81, L-82."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, UTC

from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.audit.forward.record import fields_of, ForwardRecord, one_line, SEVERITIES, summary

DOCUMENTATION_ENTERPRISE = 32473
"""The enterprise number that is set aside for examples. An organisation sets its own; MPP has none."""

SYSLOG_BYTES_MAX = 8192
"""Bytes of one message. Reason: what servers take as they are installed; a longer one would be cut, and nobody would know."""

FACILITY = 13
"""Log audit."""

_LEVELS = dict(zip(SEVERITIES, (6, 5, 4, 3), strict=True))
_BOM = b"\xef\xbb\xbf"
_SHORT_MAX = 64
_SHORT = ("origin", "seq", "leaf", "tenant", "invocation", "outcome", "code", "package", "tool", "agent", "effect")
"""What stays of a message that would be too long: where to find the rest."""


@value
class SyslogHead:
    """What the sender knows and the record does not."""

    hostname: str = "-"
    enterprise: int = DOCUMENTATION_ENTERPRISE


def to_syslog(record: ForwardRecord, head: SyslogHead, text: bytes = b"") -> bytes:
    """``text``: a line of another format, to be carried as the message; then the structured data says only where the entry is.

    What is too long comes in the short form of this one: a name that somebody chose must not keep an entry away.
    """
    words = text or _message(summary(record))
    fields = fields_of(record)
    keys = ("origin", "seq", "leaf") if text else tuple(fields)
    whole = _put(record, head, _element(head, ((key, fields[key]) for key in keys)), words)
    if len(whole) <= SYSLOG_BYTES_MAX:
        return whole
    short = ((key, _cut(fields[key])) for key in _SHORT if key in fields)
    return _put(record, head, _element(head, (*short, ("cut", "yes"))), _message(summary(record)[:_SHORT_MAX]))


def framed(message: bytes) -> bytes:
    """Attack of lines: a break inside of a message would make two of it. A length does not."""
    return b"%d %b" % (len(message), message)


def param(text: str) -> str:
    """The value of a parameter."""
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def printable(name: str) -> str:
    """A host name as the head takes it."""
    return re.sub(r"[^!-~]", "", name)[:255] or "-"


def _put(record: ForwardRecord, head: SyslogHead, element: str, words: bytes) -> bytes:
    at = datetime.fromtimestamp(record.at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    start = f"<{FACILITY * 8 + _LEVELS[record.severity]}>1 {at} {printable(head.hostname)} mpp - {record.kind} {element} "
    return start.encode("utf-8") + words


def _element(head: SyslogHead, pairs: Iterable[tuple[str, Json]]) -> str:
    return f"[mpp@{head.enterprise} " + " ".join(f'{key}="{param(_flat(item))}"' for key, item in pairs) + "]"


def _flat(item: Json) -> str:
    if isinstance(item, dict):
        return " ".join(f"{key}:{inner}" for key, inner in item.items())
    return ",".join(map(str, item)) if isinstance(item, list) else str(item)


def _cut(item: Json) -> Json:
    return item if isinstance(item, int) or item is None else str(item)[:_SHORT_MAX]


def _message(text: str) -> bytes:
    """A message that is not ASCII begins with the mark that says it is UTF-8."""
    data = text.encode("utf-8")
    return data if data.isascii() else _BOM + data
