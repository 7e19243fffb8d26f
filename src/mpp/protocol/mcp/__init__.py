"""The Model Context Protocol as this project speaks it, in both eras: messages in, events out. Spec: spec/mcp-front.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.protocol.mcp.calling import Ask
    from mpp.protocol.mcp.connection import Answered, Connection, Ended, Event, Listening, Run, Server
    from mpp.protocol.mcp.lines import Lines
    from mpp.protocol.mcp.telling import Job, Voice
    from mpp.protocol.mcp.writing import Reply, busy_reply, error_reply, header_mismatch

__getattr__ = door(
    __name__,
    {
        "calling": "Ask",
        "connection": "Answered Connection Ended Event Listening Run Server",
        "lines": "Lines",
        "telling": "Job Voice",
        "writing": "Reply busy_reply error_reply header_mismatch",
    },
)

__all__ = [
    "Answered",
    "Ask",
    "Connection",
    "Ended",
    "Event",
    "Job",
    "Lines",
    "Listening",
    "Reply",
    "Run",
    "Server",
    "Voice",
    "busy_reply",
    "error_reply",
    "header_mismatch",
]
