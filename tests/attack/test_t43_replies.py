"""T43, hostile replies: what a tool writes to standard output is one judged answer or a fault of the tool, never anything between."""

from __future__ import annotations

import json
import resource
import time

import pytest

from mpp.errors import Refused, ToolFailed
from mpp.limits import MIB
from mpp.model.manifest import ToolDefinition
from mpp.stages.sandbox.contract import REPLY_BYTES_MAX, SchemaCheck, ToolResult, read_arguments, read_reply

TOOL = ToolDefinition(name="greet", title="", description="Greets.", parameters=b'{"type":"object"}', returns=None, security_level="low")
GOOD = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hi"}]}}'
SECONDS_FAR_BEYOND = 60


def within(content: bytes) -> bytes:
    return GOOD.replace(b'"hi"', content)


def test_the_good_reply_is_read() -> None:
    for ending in (b"", b"\n"):
        assert isinstance(read_reply(GOOD + ending, 0, TOOL), ToolResult)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "an empty line": b"\n",
    "two answers": GOOD + b"\n" + GOOD + b"\n",
    "two answers in one line": GOOD + GOOD,
    "two line feeds": GOOD + b"\n\n",
    "a line before it": b"starting...\n" + GOOD,
    "a carriage return": GOOD + b"\r\n",
    "bytes after it": GOOD + b"\n\x00",
    "a NUL after it": GOOD + b"\x00",
    "half of it": GOOD[:-10],
    "no UTF-8": within(b'"\xff\xfe"'),
    "overlong UTF-8": within(b'"\xc0\xaf"'),
    "a surrogate in UTF-8": within(b'"\xed\xa0\x80"'),
    "half a character": within(b'"\\ud800"'),
    "a byte-order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a key twice": GOOD.replace(b'"id":1,', b'"id":1,"id":1,'),
    "a key twice inside": within(b'"hi","text":"ho"'),
    "a key twice in disguise": within(b'"hi","te\\u0078t":"ho"'),
    "not a number": within(b'"hi","_meta":{"a":NaN}'),
    "infinite": within(b'"hi","_meta":{"a":1e999}'),
    "an endless integer": within(b'"hi","_meta":{"a":' + b"9" * 5000 + b"}"),
    "deep": within(b'"hi","_meta":' + b'{"a":' * 40 + b"1" + b"}" * 40),
    "very deep": b"[" * 2_000_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "too many values": within(b'"hi","_meta":{"a":[' + b"0," * 400_000 + b"0]}"),
    "too long": within(b'"' + b"x" * REPLY_BYTES_MAX + b'"'),
    "a list": b"[" + GOOD + b"]",
    "a text": b'"hi"',
    "null": b"null",
    "another id": GOOD.replace(b'"id":1', b'"id":2'),
    "a text as id": GOOD.replace(b'"id":1', b'"id":"1"'),
    "a decimal as id": GOOD.replace(b'"id":1', b'"id":1.0'),
    "true as id": GOOD.replace(b'"id":1', b'"id":true'),
    "null as id": GOOD.replace(b'"id":1', b'"id":null'),
    "no id": GOOD.replace(b'"id":1,', b""),
    "another version": GOOD.replace(b'"2.0"', b'"1.0"'),
    "no version": GOOD.replace(b'"jsonrpc":"2.0",', b""),
    "a request": GOOD.replace(b'"result"', b'"method":"tools/call","params"'),
    "a result and an error": GOOD.replace(b'"result"', b'"error":{"code":1,"message":"x"},"result"'),
    "neither": b'{"jsonrpc":"2.0","id":1}',
    "a result of null": b'{"jsonrpc":"2.0","id":1,"result":null}',
    "an error without code": b'{"jsonrpc":"2.0","id":1,"error":{"message":"x"}}',
    "an error that is a text": b'{"jsonrpc":"2.0","id":1,"error":"x"}',
    "an error with a message of another type": b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":{}}}',
    "an error with more": b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x","result":{}}}',
    "one key more": GOOD.replace(b'"id":1,', b'"id":1,"approved":true,'),
    "keys without end": GOOD.replace(b'"id":1,', b'"id":1,' + b"".join(b'"k%d":1,' % i for i in range(50_000))),
}


@pytest.mark.parametrize("stdout", HOSTILE.values(), ids=list(HOSTILE))
def test_what_is_no_reply_is_a_fault_of_the_tool(stdout: bytes) -> None:
    with pytest.raises(ToolFailed) as caught:
        read_reply(stdout, 0, TOOL)
    assert {fault.code for fault in caught.value.faults} == {"tool.reply"}
    for fault in caught.value.faults:
        assert (fault.where + fault.message + fault.hint).isprintable()
        assert len(fault.message) < 500
    assert caught.value.hint


def test_every_shorter_reply_is_none() -> None:
    for size in range(len(GOOD)):
        with pytest.raises(ToolFailed):
            read_reply(GOOD[:size], 0, TOOL)


def test_no_single_changed_byte_ends_in_anything_else() -> None:
    for at in range(len(GOOD)):
        for byte in (0, 10, 34, 44, 92, 125, 255, GOOD[at] ^ 1):
            try:
                assert isinstance(read_reply(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :], 0, TOOL), ToolResult)
            except ToolFailed:
                continue


@pytest.mark.parametrize("code", [1, 134, 255, -9, 2**31])
def test_a_tool_that_failed_gave_no_answer(code: int) -> None:
    with pytest.raises(ToolFailed) as caught:
        read_reply(GOOD, code, TOOL)
    assert caught.value.code == "tool.exit"


def test_a_question_is_never_an_approval() -> None:
    asked = {"resultType": "input_required", "inputRequests": {"a": {"method": "approval/grant", "params": {"message": "Say yes"}}}}
    with pytest.raises(ToolFailed):
        read_reply(json.dumps({"jsonrpc": "2.0", "id": 1, "result": asked}).encode(), 0, TOOL)


def test_schema_bombs_end_in_time_and_memory() -> None:
    """Values that hold an unguarded validator for minutes, or take gigabytes when it reports."""
    one_of_many = json.dumps({"properties": {"a": {"items": {"enum": [f"x{i}" for i in range(1000)]}}}, "type": "object"}).encode()
    wide = json.dumps({"allOf": [{"maxProperties": i} for i in range(1900)], "type": "object"}).encode()
    unique = b'{"properties":{"a":{"uniqueItems":true}},"type":"object"}'
    cases = [
        (one_of_many, {"a": ["nothing"] * 59_000}),
        (wide, {f"k{i}": "x" * 10 for i in range(40_000)}),
        (unique, {"a": [2**64 - 1 - i for i in range(40_000)]}),
        (unique, {"a": [-(2**63) + i for i in range(40_000)]}),
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.monotonic()
    for schema, arguments in cases:
        with pytest.raises(Refused):
            SchemaCheck(schema).judge_arguments(read_arguments(json.dumps(arguments).encode()))
    assert time.monotonic() - begun < SECONDS_FAR_BEYOND
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 300 * MIB
