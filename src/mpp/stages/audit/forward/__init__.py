"""What other systems take: one neutral record for each entry, and pure functions that write it in their formats.

Spec: audit section 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.audit.forward.cef import to_cef
    from mpp.stages.audit.forward.ecs import to_ecs
    from mpp.stages.audit.forward.jsonl import to_jsonl
    from mpp.stages.audit.forward.ocsf import to_ocsf
    from mpp.stages.audit.forward.otlp import Calls, OPEN_CALLS_MAX, otlp_logs, otlp_spans
    from mpp.stages.audit.forward.record import ForwardRecord, record_of, SEVERITIES, summary
    from mpp.stages.audit.forward.syslog import DOCUMENTATION_ENTERPRISE, framed, SYSLOG_BYTES_MAX, SyslogHead, to_syslog

__getattr__ = door(
    __name__,
    {
        "cef": "to_cef",
        "ecs": "to_ecs",
        "jsonl": "to_jsonl",
        "ocsf": "to_ocsf",
        "otlp": "Calls OPEN_CALLS_MAX otlp_logs otlp_spans",
        "record": "ForwardRecord record_of SEVERITIES summary",
        "syslog": "DOCUMENTATION_ENTERPRISE framed SYSLOG_BYTES_MAX SyslogHead to_syslog",
    },
)

__all__ = [
    "DOCUMENTATION_ENTERPRISE",
    "OPEN_CALLS_MAX",
    "SEVERITIES",
    "SYSLOG_BYTES_MAX",
    "Calls",
    "ForwardRecord",
    "SyslogHead",
    "framed",
    "otlp_logs",
    "otlp_spans",
    "record_of",
    "summary",
    "to_cef",
    "to_ecs",
    "to_jsonl",
    "to_ocsf",
    "to_syslog",
]
