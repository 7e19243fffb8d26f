"""What an entry tells, for those who search and count: read fast, believed in nothing. Pure.

A verifier reads entries strictly; a search over millions of them does not wait for that. So each value is checked for its type
and cut to a length here, and what is of another type is not there. Spec: spec/events.md section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import orjson

from mpp.model.events import EVENT_TIME_MAX
from mpp.model.jsontext import Json
from mpp.stages.audit.entry import tail_of
from mpp.stages.audit.limits import TOLD_CHARS_MAX, TOLD_NAMES_MAX

UNREADABLE = "unreadable"
"""The kind under which a line stands that is no event. `mpp audit verify` says what is wrong with it."""


class Line(NamedTuple):
    """One line of a log. Nothing in it is verified."""

    seq: int
    at: int
    kind: str
    tenant: str
    invocation: str
    body: dict[str, Json]
    commit: dict[str, Json]


class Told(NamedTuple):
    """What can be searched for; empty where the entry does not say it."""

    package: str = ""
    publisher: str = ""
    content: str = ""
    tool: str = ""
    """The one that was called: a right that covers others as well does not say so."""
    agent: str = ""
    users: tuple[str, ...] = ()
    """Pseudonyms."""
    effect: str = ""
    """What policy decided, or a person answered."""
    rules: tuple[str, ...] = ()
    code: str = ""
    outcome: str = ""
    approvers: tuple[str, ...] = ()
    """Who approved, agreed, stopped or changed something."""
    risk: int | None = None
    hosts: tuple[str, ...] = ()
    approval: str = ""
    """The one-time name of an approval: question, answer and use of it have the same."""


def glance(line: bytes) -> Line | None:
    """A line, without its line feed; None where it has no place in a chain."""
    tail = tail_of(line)
    if tail is None:
        return None
    try:
        found: Json = orjson.loads(line)
    except ValueError:
        found = None
    event = dict_of(dict_of(found), "event")
    at = event.get("at")
    if type(at) is not int or not 0 <= at <= EVENT_TIME_MAX:
        return Line(tail[1], 0, UNREADABLE, "", "", {}, {})
    return Line(
        seq=tail[1],
        at=at,
        kind=text_of(event, "kind") or UNREADABLE,
        tenant=text_of(event, "tenant"),
        invocation=text_of(event, "invocation"),
        body=dict_of(event, "body"),
        commit=dict_of(event, "commit"),
    )


def told_of(line: Line) -> Told:
    """Keys mean the same in all kinds of events, so that a kind that comes later is found as well."""
    body = line.body
    # Most keys are not there: one pass over those that are, instead of a question for each.
    said = {key: cut(item) for key, item in body.items() if key in _TEXTS and type(item) is str}
    if "facts" in body:
        said |= {_OF_FACTS[key]: cut(item) for key, item in dict_of(body, "facts").items() if key in _OF_FACTS and type(item) is str}
    if line.kind == "stop" and said.get("what") in {"package", "publisher"}:
        said[said["what"]] = said.get("name", "")
    agent = _agent(line)
    outcome = "interrupted" if line.kind == "interrupted" else said.get("outcome", "")
    return Told(
        package=said.get("package", ""),
        publisher=said.get("publisher", ""),
        content=said.get("content", ""),
        tool=said.get("tool", ""),
        agent=text_of(agent, "name") if agent else "",
        users=(*_distinct(body, said, ("user",), ""), *(_behind(agent) if "behalf" in agent else ())),
        effect=said.get("effect", "") or said.get("answer", ""),
        rules=(*_distinct(body, said, ("rule",), ""), *(_rules(body) if "rules" in body else ())),
        code=said.get("code", "") or (outcome if line.kind != "interrupted" and outcome != "ok" else ""),
        outcome=outcome,
        approvers=_distinct(body, said, ("approver", "by"), "approvers"),
        risk=_number(body, "risk") if "risk" in body else _number(body, "score"),
        hosts=_distinct(body, said, (), "hosts"),
        approval=said.get("jti", "") if line.kind != "agent" else "",
    )


STAGES = ("policy", "approval", "audit", "sandbox", "privacy")
"""Stages whose time a result may say, in the order in which a call passes them: the intent is made durable before the tool runs."""


def times_of(line: Line) -> dict[str, int]:
    """Microseconds that each stage of a call took, as far as its result says."""
    found = dict_of(line.body, "measured") if line.kind == "result" else {}
    told = {stage: _number(found, f"{stage}_us") for stage in STAGES} if found else {}
    return {stage: number for stage, number in told.items() if number is not None}


def redactions_of(line: Line) -> tuple[tuple[str, int], ...]:
    """How often something of each kind was taken out, never what it was."""
    rows = [(text_of(one, "type"), _number(one, "count")) for one in map(dict_of, _list(line.body, "redactions"))] if line.kind == "result" else []
    return tuple((kind, count) for kind, count in rows if kind and count)


_TEXTS = frozenset((
    "package", "publisher", "content", "tool", "user", "effect", "answer", "rule", "code", "outcome", "approver", "by", "what", "name", "jti",
))  # fmt: skip
_OF_FACTS = {"package_id": "package", "publisher_id": "publisher", "content_hash": "content", "tool": "tool", "user": "user"}


def _agent(line: Line) -> dict[str, Json]:
    if line.kind == "agent":
        return line.body
    return dict_of(line.body, "agent") or dict_of(dict_of(line.body, "facts"), "agent")


def _distinct(body: dict[str, Json], said: dict[str, str], keys: tuple[str, ...], several: str) -> tuple[str, ...]:
    """The texts at ``keys``, and those of the list ``several``."""
    found = tuple(said[key] for key in keys if said.get(key))
    return tuple(one for one in dict.fromkeys((*found, *texts_of(body, several))) if one) if several in body else found


def _behind(agent: dict[str, Json]) -> Iterator[str]:
    for one in _list(agent, "behalf"):
        if isinstance(one, dict) and one.get("kind") == "user" and text_of(one, "name"):
            yield text_of(one, "name")


def _rules(body: dict[str, Json]) -> Iterator[str]:
    for one in _list(body, "rules"):
        if isinstance(one, dict):
            yield cut("/".join(text_of(one, key) for key in ("layer", "policy", "rule")))


def dict_of(found: Json, key: str | None = None) -> dict[str, Json]:
    """The object at ``key``, or ``found`` itself; empty where there is none."""
    if key is not None:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _list(found: dict[str, Json], key: str) -> list[Json]:
    item = found.get(key)
    return item[:TOLD_NAMES_MAX] if isinstance(item, list) else []


def text_of(found: dict[str, Json], key: str) -> str:
    item = found.get(key)
    return cut(item) if isinstance(item, str) else ""


def texts_of(found: dict[str, Json], key: str) -> tuple[str, ...]:
    return tuple(cut(one) for one in _list(found, key) if isinstance(one, str))


def _number(found: dict[str, Json], key: str) -> int | None:
    item = found.get(key)
    return item if type(item) is int and 0 <= item <= EVENT_TIME_MAX else None


def cut(text: str) -> str:
    """Attack: a name of 60 KiB in each entry, which an index would keep. And a NUL, at which some readers of a database stop."""
    return text if len(text) <= TOLD_CHARS_MAX and "\x00" not in text else text[:TOLD_CHARS_MAX].replace("\x00", "\ufffd")
