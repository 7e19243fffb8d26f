"""From a stored target to one that can be sent to."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from mpp.host.audit.forwarding.answers import Transport
from mpp.host.audit.forwarding.cursor import Cursor
from mpp.host.audit.forwarding.forwarder import Encode
from mpp.host.audit.forwarding.headers import read_headers
from mpp.host.audit.forwarding.limits import BATCH_BYTES_MAX, OTLP_BATCH_BYTES_MAX
from mpp.host.audit.forwarding.source import LogSource
from mpp.host.audit.forwarding.targets import Target
from mpp.host.audit.forwarding.to_file import ToFile
from mpp.host.audit.forwarding.to_http import ToLines, ToOtlp, Web
from mpp.host.audit.forwarding.to_syslog import ToSyslog
from mpp.ports import Clock
from mpp.stages.audit.forward import ForwardRecord, OPEN_CALLS_MAX, record_of, SyslogHead, to_cef, to_ecs, to_jsonl, to_ocsf, to_syslog

OTLP = frozenset(("otlp", "otlp-logs"))


def encoder(target: Target, hostname: str = "") -> Encode:
    """How one entry is written for it."""
    head = SyslogHead(hostname=hostname or socket.gethostname(), enterprise=target.enterprise)
    if target.format == "cef" and target.address.scheme in {"tcp", "tls"}:
        return lambda record: to_syslog(record, head, to_cef(record))
    table: dict[str, Encode] = {"jsonl": to_jsonl, "ecs": to_ecs, "ocsf": to_ocsf, "cef": to_cef, "syslog": lambda record: to_syslog(record, head)}
    return table.get(target.format, _whole)


def _whole(record: ForwardRecord) -> bytes:
    return record.line


def batch_bytes(target: Target) -> int:
    return OTLP_BATCH_BYTES_MAX if target.format in OTLP else BATCH_BYTES_MAX


def open_transport(target: Target, source: LogSource, cursor: Cursor | None, clock: Clock) -> Transport:
    """Nothing is connected before the first batch."""
    address = target.address
    if address.scheme == "file":
        return ToFile(address.path)
    if address.scheme in {"tcp", "tls"}:
        return ToSyslog(target)
    web = Web(target, read_headers(target.header_file) if target.header_file else {}, clock)
    if target.format not in OTLP:
        return ToLines(web, address.path)
    spans = target.format == "otlp"
    return ToOtlp(web, address.path, spans=spans, earlier=_earlier(source, cursor) if spans and cursor is not None else ())


def _earlier(source: LogSource, cursor: Cursor) -> Iterator[ForwardRecord]:
    """The intents among the last entries that were taken: their results may be still to come."""
    for entry in source.before(cursor.seq + 1, OPEN_CALLS_MAX):
        if entry.event.kind == "intent":
            yield record_of(entry, cursor.origin)
