"""Older servers as the console shows them. Whatever they say of themselves is of nobody who was verified."""

from __future__ import annotations

import json
from collections.abc import Mapping

from mpp.host.legacy.http_connection import what_it_says
from mpp.host.legacy.looking import Seen
from mpp.host.legacy.offers import own_name, PROMPT, RESOURCE, TEMPLATE, TOOL
from mpp.host.legacy.pins import agree, CHANGED, differences, GONE, NEW
from mpp.host.legacy.shown import barrier_lines, callable_of, permissions, place_of, state_of
from mpp.host.legacy.types import described, Entry, HTTP, Pin
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.guard import Change, pin_of

DOCUMENT_CHARS_MAX = 20_000
"""Characters of one definition on a page. Reason: a page of many tools must stay readable; `mpp legacy show --json` has all of it."""

PINS_SHOWN_MAX = 200
"""Definitions on a page. Reason: as above."""

CHANGES_SHOWN_MAX = 100
"""Differences on a page. Reason: a person reads so many; where there are more, they are accepted at a terminal."""

KINDS: Mapping[str, str] = {TOOL: "tool", PROMPT: "prompt", RESOURCE: "resource", TEMPLATE: "template"}

TONES: Mapping[str, str] = {"ready": "good", "not listed yet": "plainly", "given up": "bad"}

_DIFFERS = (CHANGED, NEW, GONE)


@value
class ServerLine:
    """One row of the list."""

    name: str
    state: str
    tone: str
    place: str
    elsewhere: bool
    sandboxed: bool
    tools: int
    held: int
    added: int
    by: str


@value
class PinView:
    """One definition that a person agreed to."""

    name: str
    kind: str
    about: str
    digest: str
    document: str
    is_held: bool


@value
class HeldView:
    name: str
    why: str
    differs: bool
    """Would agreeing to what it says now end this?"""


@value
class ServerView:
    line: ServerLine
    permissions: tuple[tuple[str, str], ...]
    pins: tuple[PinView, ...]
    more: int
    is_listed: bool
    held: tuple[HeldView, ...]
    stopped_since: int
    stopped_why: str
    content: str


@value
class Looked:
    """What a server said of itself when it was started just now."""

    says: str
    version: str
    seconds: float
    changes: tuple[Change, ...]
    more: int
    remarks: tuple[str, ...]
    refused: tuple[HeldView, ...]
    """What stays kept back whatever a person agrees to."""
    barriers: tuple[tuple[str, str], ...]
    ignored: tuple[tuple[str, int], ...]
    tools: int
    """How many could be called if it were agreed to."""
    differs: bool
    digest: str
    """Names each byte of what would be agreed to."""


def line_of(entry: Entry) -> ServerLine:
    server, state = entry.server, state_of(entry)
    return ServerLine(
        name=server.name,
        state=state,
        tone=TONES.get(state, "careful"),
        place=place_of(entry),
        elsewhere=server.kind == HTTP,
        sandboxed=server.sandboxed,
        tools=len(callable_of(entry)),
        held=len(entry.held),
        added=server.added,
        by=f"{server.by} ({server.amr})" if server.amr else server.by,
    )


def view_of(entry: Entry) -> ServerView:
    held = {one.name for one in entry.held}
    pins = entry.pins or ()
    return ServerView(
        line=line_of(entry),
        permissions=tuple(permissions(entry)),
        pins=tuple(_pin(one, is_held=one.name in held) for one in pins[:PINS_SHOWN_MAX]),
        more=max(0, len(pins) - PINS_SHOWN_MAX),
        is_listed=entry.pins is not None,
        held=tuple(HeldView(name=one.name, why=one.why, differs=one.why in _DIFFERS) for one in entry.held),
        stopped_since=entry.stopped.since if entry.stopped is not None else 0,
        stopped_why=entry.stopped.why if entry.stopped is not None else "",
        content=entry.content_hash,
    )


def _pin(one: Pin, *, is_held: bool) -> PinView:
    found: Json = json.loads(one.document)
    about = found.get("description") if isinstance(found, dict) else ""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    return PinView(
        name=own_name(one.name),
        kind=KINDS[one.kind],
        about=about if isinstance(about, str) else "",
        digest=one.digest,
        document=text if len(text) <= DOCUMENT_CHARS_MAX else text[:DOCUMENT_CHARS_MAX] + "\n… (`mpp legacy show --json` has the rest)",
        is_held=is_held,
    )


def looked_of(entry: Entry, seen: Seen) -> Looked:
    """``entry``: as it was agreed to before."""
    found, after = differences(entry, seen.judged), agree(seen.judged)
    return Looked(
        says=what_it_says(seen.greeted),
        version=seen.greeted.version,
        seconds=round(seen.seconds, 1),
        changes=found[:CHANGES_SHOWN_MAX],
        more=max(0, len(found) - CHANGES_SHOWN_MAX),
        remarks=seen.judged.remarks,
        refused=tuple(HeldView(name=one.name, why=one.why, differs=False) for one in after.held),
        barriers=tuple(barrier_lines(seen.barriers)),
        ignored=seen.counts,
        tools=len(callable_of(after)),
        differs=entry.pins is None or after.pins != entry.pins,
        digest=digest_of(seen),
    )


def digest_of(seen: Seen) -> str:
    """Of all that somebody would agree to. Attack: a server that says one thing to whoever looks, and another when it is accepted."""
    return pin_of(described(seen.judged.fresh))
