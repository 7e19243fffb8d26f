"""Two answers to one call, compared. Pure. Each difference has a class: a redaction, another shape of an error, or a real one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mpp.host.replays.calls import Recorded
from mpp.host.replays.limits import DIFFERENCES_MAX, SHOWN_CHARS
from mpp.host.replays.masks import Mask, Steps, pointer
from mpp.host.replays.redacted import Known, is_redaction
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

REDACTION, ERROR_SHAPE, REAL = "redaction", "error-shape", "real"
CLASSES = (REDACTION, ERROR_SHAPE, REAL)

ABSENT = "nothing"
"""How a place is shown that one side does not have."""


@value
class Difference:
    number: int
    """Of the call, from 1."""
    tool: str
    at: str
    """A JSON pointer into the answer; empty: the whole of it."""
    kind: str
    old: str
    new: str
    """Both quoted, cut, and safe to print."""


class _Missing:
    """Stands for what is not there. No JSON value does."""


_MISSING = _Missing()


@value
class Rules:
    """How answers are compared."""

    masks: tuple[Mask, ...]
    known: Known
    """Which bare placeholders are ours."""


def compare(number: int, old: Recorded, new: Recorded, rules: Rules) -> list[Difference]:
    """All differences, a bounded number of them."""
    tool = old.call.tool
    if old.call != new.call:
        return [Difference(number=number, tool=tool, at="", kind=REAL, old=_quoted(_asked(old)), new=_quoted(_asked(new)))]
    found = list(_first(_walk(_plain(old), _plain(new), (), tool, rules)))
    if found and old.failed and new.failed:
        # Both could not do it. In which words is a matter of taste, and whoever minds does not allow this class.
        return [Difference(number=number, tool=tool, at="", kind=ERROR_SHAPE, old=_quoted(old.answer), new=_quoted(new.answer))]
    if found and old.failed != new.failed:
        return [Difference(number=number, tool=tool, at="", kind=REAL, old=_quoted(old.answer), new=_quoted(new.answer))]
    return [Difference(number=number, tool=tool, at=pointer(at), kind=kind, old=_quoted(a), new=_quoted(b)) for at, kind, a, b in found]


def only_one(number: int, one: Recorded, *, is_old: bool) -> Difference:
    """A call that the other side does not have."""
    asked = _quoted(_asked(one))
    return Difference(number=number, tool=one.call.tool, at="", kind=REAL, old=asked if is_old else ABSENT, new=ABSENT if is_old else asked)


def _asked(one: Recorded) -> dict[str, Json]:
    return {"tool": one.call.tool, "arguments": one.call.arguments}


def _plain(one: Recorded) -> dict[str, Json]:
    """Without what says nothing: ``isError`` false, ``resultType`` complete, and the ``_meta`` of the result, which is the carrier's."""
    if not isinstance(one.result, dict):
        return one.answer
    idle = {("isError", False), ("resultType", "complete")}
    kept = {key: item for key, item in one.result.items() if key != "_meta" and not (isinstance(item, bool | str) and (key, item) in idle)}
    return {"result": kept}


Found = tuple[Steps, str, "Json | _Missing", "Json | _Missing"]


def _first(found: Iterator[Found]) -> Iterator[Found]:
    for _, one in zip(range(DIFFERENCES_MAX), found, strict=False):
        yield one


def _walk(old: Json | _Missing, new: Json | _Missing, at: Steps, tool: str, rules: Rules) -> Iterator[Found]:
    if any(mask.covers(tool, at) for mask in rules.masks):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key, a, b in _members(old, new, rules):
            yield from _walk(a, b, (*at, key), tool, rules)
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            yield from _walk(old[i] if i < len(old) else _MISSING, new[i] if i < len(new) else _MISSING, (*at, str(i)), tool, rules)
    elif not _same(old, new):
        redaction = not isinstance(old, _Missing) and not isinstance(new, _Missing) and is_redaction(old, new, rules.known)
        yield at, REDACTION if redaction else REAL, old, new


def _members(old: dict[str, Json], new: dict[str, Json], rules: Rules) -> Iterator[tuple[str, Json | _Missing, Json | _Missing]]:
    """Members of both by their keys. A key that became a placeholder goes with the first one that fits it."""
    left = [key for key in new if key not in old]
    for key, item in old.items():
        if key in new:
            yield key, item, new[key]
            continue
        renamed = next((other for other in left if is_redaction(key, other, rules.known)), None)
        if renamed is None:
            yield key, item, _MISSING
        else:
            left.remove(renamed)
            # The key itself is told as a difference of its own, so that it shows.
            yield key, key, renamed
            yield renamed, item, new[renamed]
    for key in left:
        yield key, _MISSING, new[key]


def _same(old: Json | _Missing, new: Json | _Missing) -> bool:
    """1 and 1.0 are one number in JSON; true is none."""
    if isinstance(old, bool) or isinstance(new, bool):
        return old is new
    return not isinstance(old, _Missing) and not isinstance(new, _Missing) and old == new


def _quoted(item: Json | _Missing) -> str:
    return ABSENT if isinstance(item, _Missing) else shown(json.dumps(item, ensure_ascii=False), SHOWN_CHARS)
