"""The one line that a guest writes, read as hostile. Spec: spec/call-contract.md sections 4 to 6.

Exactly one line of strict JSON is an answer; two answers, half of one or anything beside it are none.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from mpp.errors import Fault, Refused, ToolFailed
from mpp.model.fields import Faults, Fields
from mpp.model.jsonquick import compact, read
from mpp.model.jsontext import Json, shown
from mpp.model.manifest import ToolDefinition
from mpp.model.value import value
from mpp.stages.sandbox.contract.content import Content, is_plain, note, plain_item, plain_text, read_content, read_meta
from mpp.stages.sandbox.contract.limits import (
    CONTENT_ITEMS_MAX,
    ERROR_SHOWN_MAX,
    REPLY_BYTES_MAX,
    STRUCTURED_VALUES_MAX,
)
from mpp.stages.sandbox.contract.measure import INT_LEAST, INT_MOST, measure
from mpp.stages.sandbox.contract.questions import InputRequired, read_questions
from mpp.stages.sandbox.contract.schemacheck import SchemaCheck

_FAMILY = "tool"
_WHERE = "standard output"
_HINT = "the tool must write one JSON-RPC line to standard output, and nothing else there; log to standard error"
_ERROR_CODE_MOST = 2**31
_ANSWER_KEYS = frozenset(("jsonrpc", "id", "result"))
_PLAIN_KEYS = frozenset(("content", "structuredContent", "isError"))
_NONE: dict[str, Json] = {}
"""Stands for what is not there."""


@value
class ToolResult:
    """What a tool answered, every part judged; not yet filtered."""

    content: tuple[Content, ...]
    structured: bytes | None
    """JSON of ``structuredContent``."""
    is_error: bool
    meta: bytes | None

    @property
    def is_text(self) -> bool:
        """Nothing but texts without labels."""
        return self.structured is None and self.meta is None and all(map(is_plain, self.content))

    def to_json(self) -> dict[str, Json]:
        content: list[Json] = [item.to_json() for item in self.content]
        out: dict[str, Json] = {"content": content}
        if self.structured is not None:
            out["structuredContent"] = json.loads(self.structured)
        if self.meta is not None:
            out["_meta"] = json.loads(self.meta)
        out["isError"] = self.is_error
        return out


ToolReply: TypeAlias = ToolResult | InputRequired


def read_reply(stdout: bytes, exit_code: int, tool: ToolDefinition) -> ToolReply:
    """The judged answer of ``tool``, which ended by itself with ``exit_code``; otherwise ``ToolFailed``."""
    if exit_code != 0:
        # Spec: call-contract C-26. Attack: an answer of a program that says itself that it went wrong.
        raise ToolFailed("tool.exit", f"the tool ended with exit code {exit_code}", where=_WHERE, hint="a tool that answers ends with 0; see its log lines")
    found = _read(stdout)
    plain = _plain(found)
    if plain is not None:
        return plain if plain.structured is None and tool.returns is None else _fits(plain, tool)
    answer = _answer(found)
    if answer.has("error"):
        _tell_error(answer)
    result = answer.object("result")
    # Raises for an answer without a result.
    _stop(answer.faults)
    reply = _result(result or answer)
    _stop(answer.faults)
    return _fits(reply, tool) if isinstance(reply, ToolResult) else reply


def read_result(found: Json) -> ToolReply:
    """The reply whose JSON a later stage has changed: every part is judged again, but for the schema of the tool, which speaks of what the tool wrote."""
    faults = Faults(_FAMILY)
    reply = _result(Fields(found, "", faults))
    _stop(faults)
    return reply


def _read(stdout: bytes) -> Json:
    """Spec: call-contract C-20 to C-22."""
    if len(stdout) > REPLY_BYTES_MAX:
        raise _wrong(f"is longer than {REPLY_BYTES_MAX} bytes")
    line = stdout.removesuffix(b"\n")
    if not line:
        raise _wrong("is empty")
    if b"\n" in line or b"\r" in line:
        raise _wrong("has more than one line")
    try:
        return read(line, family=_FAMILY, where=_WHERE)
    except Refused as fault:
        raise _wrong(f"is no strict JSON: {fault.message}") from None


def _plain(found: Json) -> ToolResult | None:
    """The answer, where it is of the commonest kind: texts, and perhaps something structured, without labels. None: it has to be read key by key.

    Most answers are of this kind, and the getters cost twenty times as much. A test holds the two together.
    """
    if not isinstance(found, dict) or found.keys() != _ANSWER_KEYS or found["jsonrpc"] != "2.0" or type(found["id"]) is not int or found["id"] != 1:
        return None
    result = found["result"]
    if not isinstance(result, dict) or not result.keys() <= _PLAIN_KEYS:
        return None
    items, structured, is_error = result.get("content"), result.get("structuredContent", _NONE), result.get("isError", False)
    if not isinstance(items, list) or len(items) > CONTENT_ITEMS_MAX or type(is_error) is not bool or not isinstance(structured, dict):
        return None
    content: list[Content] = []
    for item in items:
        one = plain_item(item)
        if one is None:
            return None
        content.append(one)
    return ToolResult(content=tuple(content), structured=None if structured is _NONE else _written(structured), is_error=is_error, meta=None)


def _answer(found: Json) -> Fields:
    """Spec: call-contract C-23, C-24."""
    faults = Faults(_FAMILY)
    answer = Fields(found, "", faults)
    answer.one_of("jsonrpc", ("2.0",))
    if answer.number("id", least=1, most=1) == 1 and answer.has("result") == answer.has("error"):
        note(faults, "/", "must have either a result or an error", "give one of the two")
    answer.raw("result", required=False)
    answer.raw("error", required=False)
    answer.end()
    _stop(faults)
    return answer


def _tell_error(answer: Fields) -> None:
    """Spec: call-contract C-25. The message is the tool's own text, so it is bounded and made printable."""
    error = answer.object("error")
    if error is not None:
        code = error.number("code", least=-_ERROR_CODE_MOST, most=_ERROR_CODE_MOST)
        message = plain_text(error, "message")
        error.raw("data", required=False)
        error.end()
        _stop(answer.faults)
        raise ToolFailed("tool.error", shown(message, ERROR_SHOWN_MAX) or "no message", where=f"error {code}", hint="the tool answered with an error")
    _stop(answer.faults)


def _result(result: Fields) -> ToolReply:
    kind = result.one_of("resultType", ("complete", "input_required"), default="complete")
    reply = read_questions(result) if kind == "input_required" else _complete(result)
    result.end()
    return reply


def _complete(result: Fields) -> ToolResult:
    """Spec: call-contract C-30 to C-38."""
    content = result.each("content", lambda item, where: read_content(item, where, result), most=CONTENT_ITEMS_MAX, required=True)
    structured = result.object("structuredContent", required=False)
    return ToolResult(
        content=content,
        structured=_written(structured.found) if structured is not None else None,
        is_error=result.flag("isError", default=False),
        meta=read_meta(result),
    )


def _fits(reply: ToolResult, tool: ToolDefinition) -> ToolResult:
    """Spec: call-contract C-12, C-37."""
    structured: Json = json.loads(reply.structured) if reply.structured is not None else None
    size = measure(structured)
    if size.values > STRUCTURED_VALUES_MAX:
        raise _wrong(f"has more than {STRUCTURED_VALUES_MAX} values in structuredContent")
    if not size.is_exact:
        raise _wrong(f"has an integer below {INT_LEAST} or above {INT_MOST}")
    if tool.returns is not None and not reply.is_error:
        if reply.structured is None:
            raise ToolFailed("tool.result_schema", "structuredContent is missing", where="structuredContent", hint="the manifest promises it under returns")
        SchemaCheck(tool.returns).judge_result(structured, size)
    return reply


def _written(found: Json) -> bytes:
    return compact(found, decimals=True)


def _wrong(what: str) -> ToolFailed:
    return ToolFailed("tool.reply", f"the reply {what}", where=_WHERE, hint=_HINT)


def _stop(faults: Faults) -> None:
    """All that was found, as one failure of the tool."""
    if faults.found:
        found = tuple(Fault("tool.reply", f"reply{one.where}", f"the reply: {one.message}", one.hint) for one in faults.found)
        raise ToolFailed("tool.reply", found[0].message, faults=found)
