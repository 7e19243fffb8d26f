"""Conditions of a rule on time and on arguments, read strictly. Spec: spec/3-policy.md section 3."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TypeGuard

from mpp.limits import JSON_INT_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.hostpattern import HOST_PATTERN_MAX, read_host_pattern
from mpp.model.jsontext import Json, shown
from mpp.model.limits import PATH_CHARS_MAX, POINTER_MAX
from mpp.stages.policy.document import ArgumentTest, Scalar, When
from mpp.stages.policy.limits import ARGUMENT_TEXT_MAX, LIST_MAX, LONGER_MAX
from mpp.stages.policy.patterns import check_path

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TEXT_OPS = ("starts_with", "ends_with", "contains")
CASE_OPS = ("equals", "not_equals", "in", "not_in", *TEXT_OPS)
NUMBER_OPS = ("at_least", "at_most", "longer_than")
PRESENCE_OPS = ("exists", "absent")
OPS = (*CASE_OPS, "below", "host_in", *NUMBER_OPS, *PRESENCE_OPS)

POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
POINTER_FORM = "a JSON pointer such as /to or /items/0/path ('~' is written ~0 and '/' is written ~1)"
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_when(fields: Fields) -> When | None:
    block = fields.object("when", required=False)
    if block is None:
        return None
    if block.is_object and not block.found:
        block.faults.add("missing", block.where, "is empty", "say something in it, or leave it out", family="policy")
    days = tuple(_read_day(item, f"{block.path('days')}/{i}", block.faults) for i, item in enumerate(block.texts("days", most=len(DAYS), each_most=3)))
    when = When(
        days=days if block.has("days") else None,
        since=_read_time(block, "from"),
        until=_read_time(block, "until"),
        not_before=_read_date(block, "not_before"),
        not_after=_read_date(block, "not_after"),
    )
    if bool(when.since) != bool(when.until) or (when.since and when.since == when.until):
        hint = 'give two different times, such as from = "08:00" and until = "18:00"; leave both out for the whole day'
        block.faults.add("range", block.where, "from and until do not name a part of the day", hint, family="policy")
    if when.not_before and when.not_after and when.not_before > when.not_after:
        block.faults.add("range", block.where, "not_before is after not_after: no day fits", "exchange the two dates", family="policy")
    block.end()
    return when


def _read_day(item: str, where: str, faults: Faults) -> str:
    if item not in DAYS:
        faults.add("choice", where, f"{shown(item)!r} is not one of {', '.join(DAYS)}", "take one of them", family="policy")
    return item


def _read_time(block: Fields, key: str) -> str:
    return block.text(key, most=5, default="", pattern=_TIME, form="a time in UTC such as 08:00")


def _read_date(block: Fields, key: str) -> str:
    found = block.text(key, most=10, default="", pattern=_DATE, form="a day such as 2026-01-31")
    if _DATE.fullmatch(found) is not None:
        try:
            dt.date.fromisoformat(found)
        except ValueError:
            block.faults.add("range", block.path(key), f"{found} is no day of the calendar", "write a day such as 2026-01-31", family="policy")
    return found


def read_argument(found: Json, where: str, faults: Faults) -> ArgumentTest:
    fields = Fields(found, where, faults)
    pointer = fields.text("pointer", most=POINTER_MAX, least=0, pattern=POINTER, form=POINTER_FORM)
    op = fields.one_of("op", OPS)
    ignore_case = fields.flag("ignore_case", default=False)
    optional = fields.flag("optional", default=False)
    if ignore_case and op not in CASE_OPS:
        faults.add("argument", fields.path("ignore_case"), f"says nothing with {shown(op)}", f"remove it; it goes with {', '.join(CASE_OPS)}", family="policy")
    if optional and op in PRESENCE_OPS:
        faults.add("argument", fields.path("optional"), f"says nothing with {op}", "remove it: exists and absent are always clear", family="policy")
    test = ArgumentTest(pointer=pointer, op=op, value=_read_value(fields, op), ignore_case=ignore_case, optional=optional)
    fields.end()
    return test


def _read_value(fields: Fields, op: str) -> Scalar | tuple[Scalar, ...]:
    if op in TEXT_OPS:
        return fields.text("value", most=ARGUMENT_TEXT_MAX)
    if op in NUMBER_OPS:
        is_length = op == "longer_than"
        return fields.number("value", least=0 if is_length else -JSON_INT_MAX, most=LONGER_MAX if is_length else JSON_INT_MAX)
    return _READERS.get(op, _read_none)(fields)


def _read_none(fields: Fields) -> None:
    if fields.raw("value", required=False) is not None:
        fields.faults.add("argument", fields.path("value"), "says nothing with this op", "remove it", family="policy")


def _read_scalar(fields: Fields) -> Scalar:
    item = fields.raw("value")
    return item if _is_scalar(item, fields.path("value"), fields.faults) else None


def _read_folder(fields: Fields) -> str:
    found = fields.text("value", most=PATH_CHARS_MAX)
    if found:
        check_path(found, fields.path("value"), fields.faults)
    return found


def _read_hosts(fields: Fields) -> tuple[str, ...]:
    found = fields.texts("value", most=LIST_MAX, each_most=HOST_PATTERN_MAX, required=True)
    for i, item in enumerate(found):
        read_host_pattern(item, f"{fields.path('value')}/{i}", fields.faults)
    return found


def _read_others(fields: Fields) -> tuple[Scalar, ...]:
    """Spec: 3-policy P-40. Of an empty list everything is outside and nothing is of a listed type: two readers would take it for two things."""
    found = _read_scalars(fields)
    if not found and fields.found.get("value") == []:
        fields.faults.add("argument", fields.path("value"), "an empty list says nothing with not_in", "name values, or remove the condition", family="policy")
    return found


def _read_scalars(fields: Fields) -> tuple[Scalar, ...]:
    out: list[Scalar] = []
    seen: set[tuple[bool, Scalar]] = set()
    for i, item in enumerate(fields.items("value", most=LIST_MAX, required=True)):
        place = f"{fields.path('value')}/{i}"
        if not _is_scalar(item, place, fields.faults):
            continue
        # True is 1 to Python, and is not in a policy.
        if (isinstance(item, bool), item) in seen:
            fields.faults.add("duplicate", place, "stands twice", "keep one of them", family="policy")
        seen.add((isinstance(item, bool), item))
        out.append(item)
    return tuple(out)


_READERS: dict[str, Callable[[Fields], Scalar | tuple[Scalar, ...]]] = {
    "below": _read_folder, "host_in": _read_hosts, "in": _read_scalars, "not_in": _read_others, "equals": _read_scalar, "not_equals": _read_scalar,
}  # fmt: skip


def _is_scalar(item: Json, where: str, faults: Faults) -> TypeGuard[Scalar]:
    if isinstance(item, str) and len(item) > ARGUMENT_TEXT_MAX:
        faults.add("length", where, f"must have at most {ARGUMENT_TEXT_MAX} characters, has {len(item)}", "compare with a shorter text", family="policy")
    elif isinstance(item, int) and abs(item) > JSON_INT_MAX:
        faults.add("range", where, f"must be at most {JSON_INT_MAX} in size", "take a smaller number", family="policy")
    elif isinstance(item, list | dict | float):
        faults.add("type", where, "must be a text, a whole number, true, false or null", "compare with one such value", family="policy")
    else:
        return True
    return False
