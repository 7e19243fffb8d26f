"""What goes into the record: one event for each thing that was decided, asked, answered, spent or used.

Here are the form and the names; each stage makes its own events, and the log keeps them. An event holds names, counts, digests and
commitments, never arguments, secret values or output. Spec: events E-3, E-4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from hashlib import sha256
from typing import NamedTuple

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
    "reveal",
    "intent",
    "result",
    "receipt",
    "policy",
    "trust",
    "package",
    "stop",
    "refused",
    "log",
    "epoch",
    "torn",
    "interrupted",
    "erased",
    "pruned",
    "vault",
)

COMMITS = ("in", "out_raw", "out_shown", "binding", "text")
"""What an event can commit to. Spec: audit L-40."""

SALT_BYTES = 32
"""Bytes of the salt of an entry. Reason: as long as the digest it hides."""

_DIGEST = re.compile("[0-9a-f]{64}")

EVENT_BYTES_MAX = 64 * KIB
"""Bytes of one event. Reason: it is one line of the record; what a package declares fits many times."""

EVENT_TIME_MAX = 253402300799
"""Latest time of an event: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

NAME_CHARS_MAX = 200
"""Characters of a tenant or an invocation id in an event. Reason: they are short names."""


class Written(NamedTuple):
    """The canonical form of one body. It holds for this very object: an event that was given another body is written anew.

    Nobody changes a body that was written. A test holds the two equal.
    """

    body: Mapping[str, Json]
    data: bytes


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
    commit: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 in hex of what the event commits to, by name. Of an event that was read: the salted commitments. Spec: audit L-40."""
    written: Written | None = field(default=None, compare=False, repr=False)
    """The body in its canonical form, where whoever made the event has it: many calls have one body. None: whoever keeps the event writes it."""


class EntryRef(NamedTuple):
    """Where an event went: what proves it later."""

    seq: int
    leaf: str
    """The leaf hash of its entry, in hex."""


def salted(salt: bytes, name: str, digest: str) -> str:
    """Spec: audit L-40. Attack: a record that says what was sent to whoever tries all postal codes."""
    return sha256(salt + name.encode("ascii") + b"\x00" + bytes.fromhex(digest)).hexdigest()


def event_json(event: Event, salt: bytes) -> dict[str, Json]:
    """The event as the record has it. Digests go in salted, and in no other way."""
    commit: dict[str, Json] = {name: salted(salt, name, digest) for name, digest in event.commit.items()}
    head: dict[str, Json] = {"mpp_event": 1, "kind": event.kind, "at": event.at, "tenant": event.tenant, "invocation": event.invocation}
    return {**head, "body": event.body, "commit": commit}


def written_body(body: dict[str, Json]) -> Written | None:
    """For ``Event.written``. None for what no record can hold: whoever keeps the event refuses it in its own words."""
    try:
        return Written(body, canonical(body))
    except ValueError:
        return None


def write_event(event: Event, salt: bytes) -> bytes:
    """One line, without its end."""
    return canonical(event_json(event, salt))


def read_event(data: bytes, *, where: str) -> Event:
    """Parse one event that may come from elsewhere."""
    if len(data) > EVENT_BYTES_MAX:
        raise Refused("audit.event", f"an event has more than {EVENT_BYTES_MAX} bytes", where=where, hint="give a record that MPP wrote")
    return event_of(read(data, family="audit", where=where), where=where)


def event_of(found: Json, *, where: str) -> Event:
    faults = Faults("audit")
    fields = Fields(found, where, faults)
    fields.number("mpp_event", least=1, most=1)
    body, commit = fields.object("body"), fields.object("commit")
    event = Event(
        kind=fields.one_of("kind", KINDS),
        at=fields.number("at", least=0, most=EVENT_TIME_MAX),
        tenant=fields.text("tenant", most=NAME_CHARS_MAX),
        invocation=fields.text("invocation", most=NAME_CHARS_MAX, least=0),
        body=body.found if body is not None else {},
        commit={} if commit is None else {name: commit.text(name, most=64, pattern=_DIGEST, form="a SHA-256 in hex") for name in COMMITS if commit.has(name)},
    )
    if commit is not None:
        commit.end()
    fields.end()
    faults.stop()
    return event
