"""The host calls of one run, in order, as lines: what the guest asked, and what it was given. Pure.

It holds what the guest itself saw: secrets are put in behind it and taken out before it, so none is here. Spec: audit L-42.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from mpp.model.calls import HostAnswer
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read
from mpp.model.value import value
from mpp.stages.audit.limits import TRANSCRIPT_BYTES_MAX, TRANSCRIPT_CALLS_MAX

CUTS = ("", "size", "signed", "unanswered")
"""Why a transcript ends before its call did. ``signed``: a context signed by the host was given, which is a credential and is not kept."""

CODE_CHARS_MAX = 64
"""Characters of the code of a host call that was refused. Reason: they are single words."""

METHOD_CHARS_MAX = 1024
"""Characters of the name of a method. Reason: the guest chooses it; real ones have twenty."""


@value
class Transcript:
    data: bytes
    """The lines, each with its line feed."""
    cut: str = ""
    """One of ``CUTS``; empty when it is whole."""


@value
class Recorded:
    """One host call as it is answered again."""

    asked: bytes
    """Method and parameters, written in one way: two requests are the same when these bytes are."""
    answer: HostAnswer


def asked_of(method: str, params: Json) -> bytes:
    return _written([method, params])


def line_of(method: str, params: Json, answer: HostAnswer) -> bytes:
    """What the guest asked and was given, with a line feed."""
    given: dict[str, Json] = {"error": answer.error, "message": answer.message} if answer.error else {"result": answer.result}
    # Not sorted: the guest gets text, and must get the same text again.
    return _written({"method": method, "params": params, **given}, is_sorted=False) + b"\n"


class Writer:
    """Collects the host calls of one run, within its bounds."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._bytes = 0
        self._cut = ""

    def add(self, method: str, params: Json, answer: HostAnswer) -> None:
        if self._cut:
            return
        line = line_of(method, params, answer)
        self._bytes += len(line)
        if self._bytes > TRANSCRIPT_BYTES_MAX or len(self._lines) >= TRANSCRIPT_CALLS_MAX:
            self.cut("size")
        else:
            self._lines.append(line)

    def cut(self, why: str) -> None:
        """Nothing more is kept; the first reason counts."""
        self._cut = self._cut or why

    def end(self) -> Transcript:
        return Transcript(data=b"".join(self._lines), cut=self._cut)


def read_transcript(data: bytes, *, where: str) -> tuple[Recorded, ...]:
    """The host calls in order. What the vault gave is still judged: a recipient reads what another machine wrote."""
    faults = Faults("audit")
    *lines, rest = data.split(b"\n")
    if rest:
        faults.add("form", where, "does not end with a line", "give the record as MPP wrote it")
    if len(lines) > TRANSCRIPT_CALLS_MAX:
        faults.add("length", where, f"has more than {TRANSCRIPT_CALLS_MAX} host calls", "give the record as MPP wrote it")
    found = tuple(_read_line(line, f"{where}/{i}", faults) for i, line in enumerate(lines[:TRANSCRIPT_CALLS_MAX]))
    faults.stop()
    return found


def _read_line(line: bytes, where: str, faults: Faults) -> Recorded:
    fields = Fields(read(line, family="audit", where=where), where, faults)
    method, params = fields.raw("method"), fields.raw("params")
    if not isinstance(method, str) or len(method) > METHOD_CHARS_MAX:
        faults.add("type", fields.path("method"), "must be a short string", "give the record as MPP wrote it")
        method = ""
    error, message, result = "", "", None
    if fields.has("error"):
        error = fields.text("error", most=CODE_CHARS_MAX)
        message = _text(fields)
    else:
        result = fields.raw("result")
    fields.end()
    return Recorded(asked=asked_of(method, params), answer=HostAnswer(result=result, error=error, message=message))


def _text(fields: Fields) -> str:
    found = fields.raw("message")
    if isinstance(found, str):
        return found
    fields.faults.add("type", fields.path("message"), "must be a string", "give the record as MPP wrote it")
    return ""


def addresses(lines: Sequence[Recorded]) -> tuple[str, ...]:
    """The addresses that were asked for, each once."""
    found: dict[str, None] = {}
    for one in lines:
        asked = json.loads(one.asked)
        method, params = asked
        if method == "http.fetch" and isinstance(params, dict) and isinstance(params.get("url"), str):
            found[params["url"]] = None
    return tuple(found)


def _written(found: Json, *, is_sorted: bool = True) -> bytes:
    return json.dumps(found, sort_keys=is_sorted, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
