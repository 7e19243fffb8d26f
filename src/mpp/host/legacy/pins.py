"""What a server lists, against what was agreed to: the same bytes or nothing. Spec: legacy, section 4."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mpp.errors import Refused
from mpp.host.legacy.limits import DEFINITION_BYTES_MAX
from mpp.host.legacy.offers import described_other, form_fault, Lists, METHODS, name_fault, named, own_name, passed_on, PROMPT, RESOURCE, TEMPLATE, TOOL
from mpp.host.legacy.schemas import schema_fault
from mpp.host.legacy.types import Entry, Held, Pin, described, tool_of
from mpp.model.jsontext import Json, shown
from mpp.model.limits import NAME_MAX
from mpp.model.names import TOOL_NAME
from mpp.model.value import value
from mpp.stages.privacy.guard import Change, changes, describe_tools, judge_described, refusal

CHANGED, NEW, GONE = "it is described otherwise than was agreed to", "nobody agreed to it", "the server does not list it any more"


@value
class Judged:
    """What a listing comes to."""

    entry: Entry
    """With what is kept back now; with pins, where this was the first list."""
    fresh: tuple[Pin, ...]
    """Everything in the list that the guard lets through: what a person may agree to."""
    remarks: tuple[str, ...]
    """What a person should see of it, one line each. Nothing of it is refused."""
    callable: frozenset[str]
    """The names of all pins that are as they were agreed to: what may be called, got and read."""

    @property
    def is_changed(self) -> bool:
        return any(one.why in {CHANGED, NEW, GONE} for one in self.entry.held)


def judge_listing(entry: Entry, listed: Sequence[Json] | Lists, others: frozenset[str] = frozenset()) -> Judged:
    """``others``: names of tools of other packages and servers."""
    held: dict[str, str] = {}
    remarks: list[str] = []
    fresh = _fresh(listed if isinstance(listed, Lists) else Lists(tools=tuple(listed)), others, held, remarks)
    pins = tuple(fresh[name] for name in sorted(fresh)) if entry.pins is None else entry.pins
    agreed = {one.name: one for one in pins}
    for name, pin in fresh.items():
        if name not in agreed:
            held[name] = NEW
        elif agreed[name].digest != pin.digest:
            held[name] = CHANGED
    for name in agreed.keys() - fresh.keys() - held.keys():
        held[name] = GONE
    after = replace(entry, pins=pins, held=tuple(Held(name=name, why=held[name][:400]) for name in sorted(held)))
    return Judged(
        entry=after, fresh=tuple(fresh[name] for name in sorted(fresh)), remarks=tuple(remarks), callable=frozenset(agreed.keys() - held.keys())
    )  # fmt: skip


def _fresh(lists: Lists, others: frozenset[str], held: dict[str, str], remarks: list[str]) -> dict[str, Pin]:
    """Everything that can be passed on and hides nothing; what does goes to ``held``, what a person should see to ``remarks``."""
    found: dict[str, Pin] = {}
    names = Counter(named(kind, one) for kind, one in lists.each() if isinstance(one, dict))
    for kind, one in lists.each():
        name = named(kind, one) if isinstance(one, dict) else ""
        why = _name_fault(kind, name)
        if why or not isinstance(one, dict):
            label = name or kind + str(one.get("name") if isinstance(one, dict) else None)
            held[shown(label, NAME_MAX)] = why
            continue
        why = f"two {_PLURAL[kind]} have this name" if names[name] > 1 else _fault(kind, one, others, remarks)
        if why:
            held[name] = why
        else:
            found[name] = _pin(kind, name, one)
    return found


_PLURAL = {TOOL: "tools", PROMPT: "prompts", RESOURCE: "resources", TEMPLATE: "templates"}


def _name_fault(kind: str, name: str) -> str:
    if kind != TOOL:
        return name_fault(kind, own_name(name))
    # Attack: a tool that a rule for reading resources lets through.
    return "" if TOOL_NAME.fullmatch(name) and name not in METHODS else "its name is none that can be called here"


def agree(judged: Judged) -> Entry:
    """What a person agreed to: all that the server lists now and the guard lets through."""
    names = {one.name for one in judged.fresh}
    return replace(judged.entry, pins=judged.fresh, held=tuple(one for one in judged.entry.held if one.name not in names and one.why != GONE))


def differences(entry: Entry, judged: Judged) -> tuple[Change, ...]:
    """What a model would read in another way than was agreed to."""
    return changes(described(entry.pins or ()), described(judged.fresh))


_Found = tuple[str, tuple[str, ...]]
"""Why a definition is kept back, in words, empty if it is not; and what a person should see of it."""

JUDGED_KEPT = 4096
"""Definitions whose judgement is kept. Reason: those of all servers at work; a list that changes in one place is judged in that place."""

_judged: dict[tuple[str, str, frozenset[str]], _Found] = {}


def _fault(kind: str, document: Mapping[str, Json], others: frozenset[str], remarks: list[str]) -> str:
    """Why a definition is kept back; empty if it is not."""
    written = _written(document)
    if len(written) > DEFINITION_BYTES_MAX:
        return f"it has more than {DEFINITION_BYTES_MAX} bytes"
    key = (kind, hashlib.sha256(written.encode("ascii")).hexdigest(), others)
    found = _judged.get(key)
    if found is None:
        found = _looked_at(kind, document, others)
        if len(_judged) >= JUDGED_KEPT:
            _judged.clear()
        _judged[key] = found
    remarks += found[1]
    return found[0]


def _looked_at(kind: str, document: Mapping[str, Json], others: frozenset[str]) -> _Found:
    """The guard looks at what is passed on."""
    try:
        described = describe_tools([shown_document(document)]) if kind == TOOL else (described_other(kind, passed_on(kind, document)),)
        verdict = judge_described(described, None, others)
    except Refused as fault:
        return f"{fault.message} [{fault.code}]", ()
    refused = refusal(verdict)
    if refused is not None:
        return f"{refused.message} [{refused.code}]", ()
    remarks = tuple(f'{shown(named(kind, document), NAME_MAX)}: "{hit.found}" ({hit.says})' for hit in verdict.shown)
    return (schema_fault(tool_of(document).input_schema) if kind == TOOL else form_fault(kind, document)), remarks


def shown_document(document: Mapping[str, Json]) -> dict[str, Json]:
    """What an agent reads of a definition. Everything else a server writes there goes nowhere."""
    tool = tool_of(document)
    found: dict[str, Json] = {"name": tool.name, "description": tool.description, "inputSchema": json.loads(tool.input_schema)}
    if tool.title:
        found["title"] = tool.title
    if tool.output_schema is not None:
        found["outputSchema"] = json.loads(tool.output_schema)
    return found


def _pin(kind: str, name: str, document: dict[str, Json]) -> Pin:
    described = describe_tools([document])[0] if kind == TOOL else described_other(kind, document)
    return Pin(name=name, digest=described.digest, document=_written(document))


def _written(document: Mapping[str, Json]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
