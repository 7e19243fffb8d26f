"""A finished run made fit to be shown: its answer or its failure, and what it wrote to standard error, in one pass.

Spec: 6-privacy. Nothing that a tool wrote reaches an agent, a screen or a log but as part of a ``Clean``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from mpp.errors import Fault, MppError, Refused, ToolFailed
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.privacy.pointers import ANSWER
from mpp.stages.privacy.types import Filtered, Report
from mpp.stages.sandbox import read_result, ToolReply

Pass = Callable[[Json], Filtered]
"""The filter with its rules bound."""

Failure = TypeVar("Failure", bound=MppError)

_MEDIA = ("data", "blob")


@value
class Clean:
    """What may be shown of one run. Only this stage makes one."""

    reply: ToolReply | None
    """The answer; None where there is none, or where it is withheld."""
    fault: MppError | None
    """Why there is none."""
    stderr: str
    report: Report


def clean_run(reply: ToolReply | None, fault: MppError | None, stderr: bytes, through: Pass) -> Clean:
    """Everything that the tool said, filtered as one message. Withholds, never raises."""
    told: list[Json] = [] if fault is None else [_told(one) for one in fault.faults]
    answer = None if reply is None else reply.to_json()
    document: dict[str, Json] = {ANSWER: answer, "fault": told, "stderr": stderr.decode("utf-8", "replace")}
    media = _media(answer)
    filtered = through(document)
    found = filtered.message
    if filtered.is_withheld or not isinstance(found, dict):
        return _withheld(filtered.report)
    _take_out_media(answer, media)
    shown = found["stderr"]
    try:
        # What is still as it was has been judged before.
        again = reply if reply is None or found[ANSWER] == reply.to_json() else read_result(found[ANSWER])
    except ToolFailed:
        # What stands in the place of something private does not always fit where that stood, such as in an address.
        return _withheld(_with_reason(filtered.report, "privacy.form"))
    return Clean(
        reply=again, fault=None if fault is None else _again(fault, found["fault"]), stderr=shown if isinstance(shown, str) else "", report=filtered.report
    )


def _told(one: Fault) -> Json:
    return {"where": one.where, "message": one.message, "hint": one.hint}


def _again(fault: Failure, told: Json) -> Failure:
    """The same failure in clean words. The code is ours."""
    rows = told if isinstance(told, list) else []
    faults = tuple(
        Fault(one.code, _text(row, "where"), _text(row, "message"), _text(row, "hint")) for one, row in zip(fault.faults, rows, strict=True)
    )  # fmt: skip
    return type(fault)(faults[0].code, faults[0].message, faults=faults)


def _text(row: Json, key: str) -> str:
    found = row[key] if isinstance(row, dict) else ""
    return found if isinstance(found, str) else ""


def _withheld(report: Report) -> Clean:
    message = (
        "the answer is withheld: the privacy filter could not make it fit to be shown"
        if report.withheld != "privacy.blocked"
        else "the answer is withheld: policy blocks what it holds"
    )
    fault = Refused(
        "privacy.withheld", message, where=report.withheld, hint="the record has the reason; ask for less at once, or have the tool's author look at it"
    )
    return Clean(reply=None, fault=fault, stderr="", report=report)


def _with_reason(report: Report, code: str) -> Report:
    return replace(report, withheld=code)


def _media(answer: Json) -> list[tuple[dict[str, Json], str, Json]]:
    """Pictures, sounds and files of the answer, as base64 text."""
    found: list[tuple[dict[str, Json], str, Json]] = []
    content = answer.get("content") if isinstance(answer, dict) else None
    for item in content if isinstance(content, list) else []:
        inner = item.get("resource", item) if isinstance(item, dict) else None
        if isinstance(inner, dict):
            found += [(inner, key, inner[key]) for key in _MEDIA if key in inner]
    return found


def _take_out_media(answer: Json, before: list[tuple[dict[str, Json], str, Json]]) -> None:
    """Half a picture is none: where something was found in one, the whole of it goes, and a word stands there."""
    content = answer.get("content") if isinstance(answer, dict) else None
    for inner, key, was in before:
        if inner[key] != was and isinstance(content, list):
            for place, item in enumerate(content):
                if item is inner or (isinstance(item, dict) and item.get("resource") is inner):
                    content[place] = {"type": "text", "text": "[WITHHELD: a file that holds something private]"}
