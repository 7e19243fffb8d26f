"""Replies of a tool: every sound shape is read and written back; every other one is a fault of the tool, with its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from mpp.errors import ToolFailed
from mpp.model.jsontext import Json
from mpp.model.manifest import ToolDefinition
from mpp.stages.sandbox.contract import InputRequired, TextContent, ToolReply, ToolResult, read_reply
from mpp.stages.sandbox.contract.limits import CONTENT_TEXT_MAX

TOOL = ToolDefinition(name="greet", title="", description="Greets.", parameters=b'{"type":"object"}', returns=None, security_level="low")
TYPED = replace(TOOL, returns=b'{"properties":{"n":{"type":"integer"}},"required":["n"],"type":"object"}')
TEXT: dict[str, Json] = {"type": "text", "text": "hi"}


def read(result: Any, tool: ToolDefinition = TOOL) -> ToolReply:
    return read_reply(json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode() + b"\n", 0, tool)


def failure(result: Any, tool: ToolDefinition = TOOL) -> ToolFailed:
    with pytest.raises(ToolFailed) as caught:
        read(result, tool)
    assert all(fault.message and fault.hint for fault in caught.value.faults)
    return caught.value


ITEMS: list[Any] = [
    TEXT,
    {"type": "text", "text": ""},
    {"type": "text", "text": "\x1b[2J\n", "_meta": {"a": [1]}},
    {"type": "image", "data": "AAEC", "mimeType": "image/png"},
    {"type": "image", "data": "", "mimeType": "image/svg+xml", "annotations": {"audience": ["user", "assistant"], "priority": 0.5}},
    {"type": "audio", "data": "AA==", "mimeType": "audio/ogg; codecs=opus", "annotations": {"lastModified": "2026-01-31T12:00:00.5+01:00"}},
    {"type": "resource_link", "uri": "https://example.org/a?b#c", "name": "a"},
    {"type": "resource_link", "uri": "file:///a", "name": "a", "title": "A", "description": "d", "mimeType": 'text/plain; charset="utf-8"', "size": 0},
    {"type": "resource", "resource": {"uri": "urn:x:1", "text": ""}},
    {"type": "resource", "resource": {"uri": "urn:x:1", "mimeType": "a/b", "blob": "AAA=", "_meta": {}}, "annotations": {}, "_meta": {}},
]


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_is_written_back(item: Any) -> None:
    reply = read({"content": [item]})
    assert reply.to_json() == {"content": [item], "isError": False}
    assert isinstance(reply, ToolResult)
    assert reply.content[0].kind == item["type"]


def test_a_whole_result() -> None:
    result = {"content": [TEXT, TEXT], "structuredContent": {"b": [1.5, None], "a": "é"}, "isError": True, "_meta": {"x": 1}}
    reply = read({**result, "resultType": "complete"})
    assert reply.to_json() == result
    assert isinstance(reply, ToolResult)
    assert isinstance(reply.content[0], TextContent)
    assert reply.structured == '{"b":[1.5,null],"a":"é"}'.encode()


WRONG: list[tuple[Any, str]] = [
    ({}, "/result/content"),
    ([], "/result"),
    ({"content": {}}, "/result/content"),
    ({"content": [TEXT] * 257}, "/result/content"),
    ({"content": [], "more": 1}, "/result/more"),
    ({"content": [], "isError": "no"}, "/result/isError"),
    ({"content": [], "structuredContent": []}, "/result/structuredContent"),
    ({"content": [], "_meta": []}, "/result/_meta"),
    ({"content": [], "_meta": {str(i): 1 for i in range(65)}}, "/result/_meta"),
    ({"content": [], "resultType": "other"}, "/result/resultType"),
]
WRONG_ITEMS: list[tuple[Any, str]] = [
    ("hi", ""),
    ({"text": "hi"}, "/type"),
    ({"type": "html", "text": "hi"}, "/type"),
    ({"type": "text"}, "/text"),
    ({"type": "text", "text": 1}, "/text"),
    ({"type": "text", "text": "hi", "html": "<b>"}, "/html"),
    ({"type": "image", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "AAE", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "AB==", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "AAEC\n", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "_-__", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "ÄAEC", "mimeType": "image/png"}, "/data"),
    ({"type": "image", "data": "AAEC", "mimeType": "text/html"}, "/mimeType"),
    ({"type": "audio", "data": "AAEC", "mimeType": "image/png"}, "/mimeType"),
    ({"type": "image", "data": "AAEC", "mimeType": "image/png\n"}, "/mimeType"),
    ({"type": "resource_link", "uri": "https://example.org/ a", "name": "a"}, "/uri"),
    ({"type": "resource_link", "uri": "//example.org", "name": "a"}, "/uri"),
    ({"type": "resource_link", "uri": "https://exämple.org", "name": "a"}, "/uri"),
    ({"type": "resource_link", "uri": "x:" + "y" * 2048, "name": "a"}, "/uri"),
    ({"type": "resource_link", "uri": "x:\u202e", "name": "a"}, "/uri"),
    ({"type": "resource_link", "uri": "x:y", "name": "\x1b[2J"}, "/name"),
    ({"type": "resource_link", "uri": "x:y"}, "/name"),
    ({"type": "resource_link", "uri": "x:y", "name": "a", "size": -1}, "/size"),
    ({"type": "resource"}, "/resource"),
    ({"type": "resource", "resource": {"uri": "x:y"}}, "/resource"),
    ({"type": "resource", "resource": {"uri": "x:y", "text": "a", "blob": "AAEC"}}, "/resource"),
    ({"type": "resource", "resource": {"uri": "x:y", "text": "a", "z": 1}}, "/resource/z"),
    ({**TEXT, "annotations": {"audience": ["root"]}}, "/annotations/audience/0"),
    ({**TEXT, "annotations": {"priority": 2}}, "/annotations/priority"),
    ({**TEXT, "annotations": {"priority": True}}, "/annotations/priority"),
    ({**TEXT, "annotations": {"lastModified": "now"}}, "/annotations/lastModified"),
    ({**TEXT, "annotations": {"x": 1}}, "/annotations/x"),
]


@pytest.mark.parametrize(("result", "place"), WRONG + [({"content": [TEXT, item]}, f"/result/content/1{place}") for item, place in WRONG_ITEMS])
def test_other_results_are_refused_with_their_place(result: Any, place: str) -> None:
    fault = failure(result)
    assert {one.code for one in fault.faults} == {"tool.reply"}
    assert fault.where == f"reply{place}"


def test_promised_results_are_checked() -> None:
    assert isinstance(read({"content": [], "structuredContent": {"n": 1}}, TYPED), ToolResult)
    assert isinstance(read({"content": [], "isError": True}, TYPED), ToolResult)
    assert failure({"content": []}, TYPED).code == "tool.result_schema"
    wrong = failure({"content": [], "structuredContent": {"n": "1"}}, TYPED)
    assert (wrong.code, wrong.where) == ("tool.result_schema", "structuredContent/n")


def test_structured_content_is_bounded() -> None:
    assert "values" in failure({"content": [], "structuredContent": {"a": [0] * 100_000}}).message
    assert "integer" in failure({"content": [], "structuredContent": {"a": 2**64}}).message


QUESTION: Any = {
    "method": "elicitation/create",
    "params": {"message": "Which?", "requestedSchema": {"type": "object", "properties": {"a": {"type": "string"}}}},
}


SAMPLING: Any = {
    "method": "sampling/createMessage",
    "params": {"messages": [{"role": "user", "content": {"type": "text", "text": "What is the capital?"}}], "maxTokens": 50, "systemPrompt": "Be brief."},
}


@pytest.mark.parametrize("question", [SAMPLING, {"method": "roots/list", "params": {}}])
def test_a_model_and_folders_may_be_asked_for(question: Any) -> None:
    asked = {"resultType": "input_required", "inputRequests": {"which": question}}
    assert read(asked).to_json() == asked


def test_folders_need_no_parameters() -> None:
    asked = {"resultType": "input_required", "inputRequests": {"which": {"method": "roots/list"}}}
    assert read(asked).to_json()["inputRequests"] == {"which": {"method": "roots/list", "params": {}}}


def test_a_question_is_a_value() -> None:
    asked = {"resultType": "input_required", "inputRequests": {"which one": QUESTION}}
    reply = read(asked, TYPED)
    assert isinstance(reply, InputRequired)
    assert reply.to_json() == asked
    assert (reply.questions[0].id, reply.questions[0].method) == ("which one", "elicitation/create")


ASKED_WRONGLY: list[tuple[Any, str]] = [
    ({}, ""),
    ({str(i): QUESTION for i in range(9)}, ""),
    ({"a": {**QUESTION, "method": "tools/call"}}, "/a/method"),
    ({"a": {**QUESTION, "method": "roots/list"}}, "/a/params/message"),
    ({"a": {"method": "sampling/createMessage"}}, "/a/params"),
    ({"a": {**SAMPLING, "params": {**SAMPLING["params"], "includeContext": "allServers"}}}, "/a/params/includeContext"),
    ({"a": {**SAMPLING, "params": {**SAMPLING["params"], "messages": []}}}, "/a/params/messages"),
    ({"a": {**SAMPLING, "params": {**SAMPLING["params"], "messages": SAMPLING["params"]["messages"] * 17}}}, "/a/params/messages"),
    ({"a": {**SAMPLING, "params": {**SAMPLING["params"], "maxTokens": 0}}}, "/a/params/maxTokens"),
    ({"a": {**SAMPLING, "params": {**SAMPLING["params"], "systemPrompt": ""}}}, "/a/params/systemPrompt"),
    ({"a": {**SAMPLING, "params": {"messages": [{"role": "system", "content": TEXT}], "maxTokens": 1}}}, "/a/params/messages/0/role"),
    ({"a": {**SAMPLING, "params": {"messages": [{"role": "user"}], "maxTokens": 1}}}, "/a/params/messages/0/content"),
    ({"a": {**SAMPLING, "params": {"messages": [{"role": "user", "content": {"type": "image"}}], "maxTokens": 1}}}, "/a/params/messages/0/content/type"),
    ({"a": {**QUESTION, "x": 1}}, "/a/x"),
    ({"a": {"method": "elicitation/create"}}, "/a/params"),
    ({"a\x1b": QUESTION}, "/a\\x1b"),
    ({"a": {**QUESTION, "params": {**QUESTION["params"], "message": ""}}}, "/a/params/message"),
    ({"a": {**QUESTION, "params": {"message": "?"}}}, "/a/params/requestedSchema"),
    ({"a": {**QUESTION, "params": {"message": "?", "requestedSchema": {"type": "string"}}}}, "/a/params/requestedSchema/type"),
    ({"a": {**QUESTION, "params": {"message": "?", "requestedSchema": {"type": "object", "$ref": "https://x"}}}}, "/a/params/requestedSchema/$ref"),
    ({"a": {**QUESTION, "params": {"message": "?", "requestedSchema": {"type": "object", "title": "x" * 17_000}}}}, "/a/params/requestedSchema"),
]


@pytest.mark.parametrize(("asked", "place"), ASKED_WRONGLY)
def test_other_questions_are_refused(asked: Any, place: str) -> None:
    fault = failure({"resultType": "input_required", "inputRequests": asked})
    assert (fault.code, fault.where) == ("tool.reply", f"reply/result/inputRequests{place}")


def test_a_question_without_requests() -> None:
    assert failure({"resultType": "input_required"}).where == "reply/result/inputRequests"


def test_an_error_is_shown_safely() -> None:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "\x1b[2J" + "no " * 9000, "data": {"x": 1}}}).encode()
    with pytest.raises(ToolFailed) as caught:
        read_reply(line, 0, TOOL)
    assert (caught.value.code, caught.value.where) == ("tool.error", "error -32602")
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) <= 1000


def _variants() -> list[Any]:
    """Answers of the commonest kind, and all that are one step away from it."""
    plain = {"content": [TEXT], "isError": False}
    odd: list[Json] = [None, True, 0, 1.5, "x", [], {}, [TEXT], {"a": [1]}]
    out: list[Any] = [plain, {"content": []}, {"content": [TEXT] * 3}, {"content": [TEXT], "structuredContent": {"n": 1.5}}, {"content": [TEXT] * 9999}]
    out += [{**plain, key: item} for key in ("content", "isError", "structuredContent", "resultType", "_meta", "more") for item in odd]
    out += [{"content": [{**TEXT, key: item}]} for key in ("type", "text", "_meta", "annotations", "more") for item in odd]
    out += [{"content": [item]} for item in odd] + odd + ITEMS + [{"content": [TEXT, item]} for item in ITEMS] + [{"content": [{"text": "x"}]}]
    return [*out, {"content": [{"type": "text", "text": "x" * (CONTENT_TEXT_MAX + 1)}]}]


def test_the_commonest_answers_are_read_as_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(line: bytes, tool: ToolDefinition) -> object:
        try:
            return read_reply(line, 0, tool)
        except ToolFailed as fault:
            return fault.code, fault.faults

    heads: list[Any] = [{"jsonrpc": "2.0", "id": 1}, {"jsonrpc": "2.0", "id": True}, {"jsonrpc": "2.0", "id": 1.0}, {"jsonrpc": "1.0", "id": 1}, {"id": 1}]
    documents = [{**head, "result": result} for head in heads for result in _variants()] + [
        {**heads[0], "result": {"content": []}, "error": {}},
        {"jsonrpc": "2.0"},
    ]
    lines = [json.dumps(document, separators=(",", ":")).encode() + b"\n" for document in documents]
    for tool in (TOOL, TYPED):
        quick = [told(line, tool) for line in lines]
        with monkeypatch.context() as slow:
            slow.setattr("mpp.stages.sandbox.contract.reply._plain", lambda _: None)
            assert [told(line, tool) for line in lines] == quick
