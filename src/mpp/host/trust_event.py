"""The entry of the record for a change of who is known or trusted here, or of what an older server is agreed to be. Spec: events, kind ``trust``."""

from __future__ import annotations

from mpp.model.events import Event
from mpp.model.jsontext import Json, shown


def trust_event(kind: str, name: str, change: str, *, by: str, amr: str, at: int, channel: str = "") -> Event:
    """``amr``: how the person said yes; ``channel``: on which way, where it was not a command."""
    body: dict[str, Json] = {"what": kind, "name": shown(name), "change": change, "by": by, "amr": amr, **({"channel": channel} if channel else {})}
    return Event(kind="trust", at=at, tenant="local", invocation="", body=body)
