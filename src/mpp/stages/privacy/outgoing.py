"""What leaves for a tool, or for another host, searched for what must not go there. Requests are in outgoing_http.py.

Spec: 6-privacy F-40. A secret is looked for only where a detector is sure of its form: whatever else looks like one may be what the tool is for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.policy import CallPrivacy
from mpp.stages.privacy.arena import Arena, gather, Spot
from mpp.stages.privacy.catalog import API_KEY, group_of, OFF_BY_DEFAULT
from mpp.stages.privacy.detector import SURE
from mpp.stages.privacy.filter import Filter, outside_placeholders, Work
from mpp.stages.privacy.limits import ROUNDS_MAX
from mpp.stages.privacy.placeholders import bare
from mpp.stages.privacy.pointers import Pointers, written
from mpp.stages.privacy.search import finds_nothing, runs, search, Span

NONE, SECRETS, REDACT = "none", "secrets", "redact"

Granted = Callable[[str], bool]
"""Is this very text what the host gave to the package, for the place where it goes?"""

_HINT = "a key belongs in `mpp secret set`, and the host sends it itself; the owner of this host can change `outgoing` in a policy"


class Leak(NamedTuple):
    """One thing that was about to leave: for the record and for words, without the value."""

    type: str
    where: str
    """JSON pointer. A key that is itself a find stands in it as its placeholder."""
    digest: str
    """Keyed."""


@value
class Outgoing:
    """Arguments that may go to the tool, or why they may not, and what was found in them."""

    message: Json
    """None where ``fault`` says why it stays here. The same object where nothing was found."""
    found: tuple[Leak, ...] = ()
    fault: Refused | None = None


def nothing_granted(_: str) -> bool:
    return False


def outgoing_arguments(arguments: Json, by: Filter) -> Outgoing:
    """Arguments on their way to a tool. They are changed in place where policy has what is found replaced: the caller owns them."""
    rules = by.said.rules
    if rules.outgoing == NONE:
        return Outgoing(message=arguments)
    found: dict[Leak, None] = {}
    try:
        if finds_nothing(arguments, by.rules):
            return Outgoing(message=arguments)
        changed = cleaned(arguments, by, nothing_granted, found) if rules.outgoing_action == REDACT else refused_if(arguments, by, nothing_granted, found)
    except Refused as fault:
        return Outgoing(message=None, found=tuple(found), fault=located(fault, "arguments"))
    return Outgoing(message=changed, found=tuple(found))


def refused_if(message: Json, by: Filter, granted: Granted, found: dict[Leak, None]) -> Json:
    """The message as it is, or Refused if it holds anything."""
    note(looked(message, [message], by, granted), by, found)
    if found:
        raise kept_back(tuple(found))
    return message


def cleaned(message: Json, by: Filter, granted: Granted, found: dict[Leak, None]) -> Json:
    """The message with placeholders in the place of what was found. Refused where one cannot stand there."""
    root: list[Json] = [message]
    for _ in range(ROUNDS_MAX):
        look = looked(root[0], root, by, granted)
        note(look, by, found)
        if not look.spans:
            return root[0]
        if any(span.item is None and look.arena.spots[span.leaf].is_key for span in look.spans):
            # The names of things belong to the schema of whoever gets them, so another name is no answer.
            break
        _replace(look)
    raise kept_back(tuple(found))


class Look(NamedTuple):
    """A message, and what was found in it that must not leave."""

    arena: Arena
    spans: list[Span]
    where: Callable[[Spot], str]


def looked(message: Json, root: list[Json], by: Filter, granted: Granted) -> Look:
    arena = gather(message, root)
    spans = spans_of(arena, by, granted)
    pointers = Pointers(root)
    # Attack: a key of an object that is a secret itself, so that a pointer shows it.
    hidden = {arena.texts[one.leaf]: bare(one.type) for one in spans if one.item is None and arena.spots[one.leaf].is_key}
    return Look(arena, spans, lambda spot: written(tuple(hidden.get(step, step) for step in pointers.of(spot))))


def spans_of(arena: Arena, by: Filter, granted: Granted) -> list[Span]:
    """What is found in the texts and must not leave."""
    return [one for one in search(arena, by.rules, Work(by).watch) if _is_wanted(one, by.said) and _is_open(one, arena, by, granted)]


def _is_wanted(span: Span, said: CallPrivacy) -> bool:
    kind, group = span.type, group_of(span.type)
    if said.rules.outgoing == SECRETS and (span.sure < SURE or group != API_KEY):
        return False
    # That a publisher wants no filter is about answers. What leaves is the host's own affair.
    is_quiet = kind in OFF_BY_DEFAULT and kind not in said.rules.on and not said.demands(kind, group)
    return not is_quiet and not said.is_off(kind, group)


def _is_open(span: Span, arena: Arena, by: Filter, granted: Granted) -> bool:
    """It is no placeholder of ours, and nothing that is allowed or granted."""
    if span.item is None and not any(outside_placeholders(span.start, span.end, arena.texts[span.leaf], by.rules.types)):
        return False
    return not by.said.is_allowed(span.type, span.text) and not granted(span.text)


def note(look: Look, by: Filter, found: dict[Leak, None]) -> None:
    """Keep what was found, each value once."""
    known = {(one.type, one.digest) for one in found}
    for span in look.spans:
        digest = by.names.digest(span.type, span.text)
        if (span.type, digest) not in known:
            known.add((span.type, digest))
            found[Leak(span.type, look.where(span.item or look.arena.spots[span.leaf]), digest)] = None


def _replace(look: Look) -> None:
    by_leaf: dict[int, list[Span]] = {}
    for span in look.spans:
        if span.item is not None:
            span.item.put(bare(span.type))
        else:
            by_leaf.setdefault(span.leaf, []).append(span)
    for leaf, spans in by_leaf.items():
        look.arena.spots[leaf].put(replaced(look.arena.texts[leaf], spans, bare))


def replaced(text: str, spans: Sequence[Span], form: Callable[[str], str]) -> str:
    """The text with each run of overlapping spans replaced, under the type of the surest."""
    out: list[str] = []
    at = 0
    for group in runs(spans):
        out += (text[at : group[0].start], form(max(group, key=lambda one: (one.sure, one.end - one.start)).type))
        at = max(one.end for one in group)
    return "".join((*out, text[at:]))


def kept_back(found: tuple[Leak, ...]) -> Refused:
    """The refusal, in words that say what and where and never quote it."""
    first, more = found[0], len(found) - 1
    beside = f", and {more} more" if more else ""
    return Refused("privacy.outgoing", f"something that must not leave this host was about to: {first.type}{beside}", where=first.where, hint=_HINT)


def located(fault: Refused, place: str) -> Refused:
    """The refusal with what was searched before the place in it. Whatever could not be searched does not leave either."""
    inner = fault.faults[0]
    where = inner.where if inner.where.startswith("/") else ""
    hint = inner.hint if fault.code == "privacy.outgoing" else "send less at once"
    return Refused(fault.code, fault.message, where=f"{place}{where}", hint=hint)
