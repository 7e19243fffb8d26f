"""What goes into the record: one event for each thing that was decided, asked, answered, spent or used.

Here are the form and the names; each stage makes its own events, and the log keeps them. An event holds names, counts, digests and
commitments, never arguments, secret values or output. Spec: events E-3, E-4.
"""

from __future__ import annotations

from mpp.errors import Refused
from mpp.limits import KIB
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read
from mpp.model.value import value

KINDS = (
    "decision",
    "question",
    "answer",
    "consent",
    "approval-spent",
    "approval-refused",
    "standing",
    "standing-used",
    "token-granted",
    "token-narrowed",
    "token-used",
    "agent",
    "intent",
    "result",
    "receipt",
    "policy",
    "trust",
    "stop",
    "refused",
)

EVENT_BYTES_MAX = 64 * KIB
"""Bytes of one event. Reason: it is one line of the record; what a package declares fits many times."""

EVENT_TIME_MAX = 253402300799
"""Latest time of an event: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

NAME_CHARS_MAX = 200
"""Characters of a tenant or an invocation id in an event. Reason: they are short names."""


@value
class Event:
    kind: str
    at: int
    """Seconds since 1970."""
    tenant: str
    invocation: str
    """The call it belongs to; empty where there is none."""
    body: dict[str, Json]
    """Only what the canonical form can hold: ASCII keys, no decimals. Nobody writes it again."""


def write_event(event: Event) -> bytes:
    """One line, without its end."""
    return canonical({"mpp_event": 1, "kind": event.kind, "at": event.at, "tenant": event.tenant, "invocation": event.invocation, "body": event.body})


def read_event(data: bytes, *, where: str) -> Event:
    """Parse one line of a record that may come from elsewhere."""
    if len(data) > EVENT_BYTES_MAX:
        raise Refused("policy.event", f"an event has more than {EVENT_BYTES_MAX} bytes", where=where, hint="give a record that MPP wrote")
    faults = Faults("policy")
    fields = Fields(read(data, family="policy", where=where), where, faults)
    fields.number("mpp_event", least=1, most=1)
    body = fields.object("body")
    event = Event(
        kind=fields.one_of("kind", KINDS),
        at=fields.number("at", least=0, most=EVENT_TIME_MAX),
        tenant=fields.text("tenant", most=NAME_CHARS_MAX),
        invocation=fields.text("invocation", most=NAME_CHARS_MAX, least=0),
        body=body.found if body is not None else {},
    )
    fields.end()
    faults.stop()
    return event
