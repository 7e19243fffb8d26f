"""The events of what a person changed on this host: who is known or trusted, and what is stopped."""

from __future__ import annotations

from mpp.model.events import Event
from mpp.model.jsontext import Json, shown

TENANT = "local"
"""Whoever runs the host."""


def trust_event(kind: str, name: str, change: str, *, by: str, how: str, at: int, channel: str = "") -> Event:
    """``how`` somebody agreed; empty where nobody had to."""
    body: dict[str, Json] = {"what": kind, "name": shown(name), "change": change, "by": by, "amr": how, **_on(channel)}
    return Event(kind="trust", at=at, tenant=TENANT, invocation="", body=body)


def stop_event(kind: str, name: str, *, lifted: bool, why: str, by: str, how: str, at: int, channel: str = "") -> Event:
    body: dict[str, Json] = {"what": kind, "name": name, "lifted": lifted, "why": why, "by": by, "amr": how, **_on(channel)}
    return Event(kind="stop", at=at, tenant=TENANT, invocation="", body=body)


def _on(channel: str) -> dict[str, Json]:
    return {"channel": channel} if channel else {}
