"""The MCP core under any input: it never raises, each request has exactly one answer, and pieces of any size are the same as the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpp.errors import Refused
from mpp.model import jsontext
from mpp.protocol.mcp.lines import Lines
from mpp.protocol.mcp.reading import read_json
from mpp.protocol.mcp.sealing import binding, Seals, State
from mpp.protocol.mcp.ports import Caller
from mpp.host.system import FixedClock
from tests.unit.protocol import wire
from tests.unit.protocol.wire import CountedRandom, NOW, Wire

pytestmark = pytest.mark.property

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["demo__add", "demo__rm", "demo__asks", "mpp://demo/readme", "greet", "ask", "mpp-1", "approval", ":", "\\", '"']
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
METHODS = st.sampled_from(
    [
        "tools/call", "tools/list", "resources/list", "resources/read", "prompts/get", "completion/complete", "server/discover", "subscriptions/listen", "initialize",
        "ping", "logging/setLevel", "resources/subscribe", "notifications/cancelled", "notifications/initialized", "x",
    ]
)  # fmt: skip
IDS = st.integers(-3, 12) | st.sampled_from(["a", "mpp-1", "mpp-2"]) | VALUES
KNOWN = {
    "name": TEXTS, "uri": TEXTS, "arguments": VALUES, "cursor": VALUES, "level": TEXTS, "protocolVersion": st.sampled_from(["2025-11-25", "2025-03-26", "x"]),
    "capabilities": st.just({"elicitation": {}, "sampling": {}}), "notifications": VALUES, "requestId": IDS, "requestState": VALUES, "inputResponses": VALUES,
    "ref": VALUES, "argument": VALUES,
    "_meta": st.fixed_dictionaries({}, optional={wire.VERSION: st.sampled_from(["2026-07-28", "1"]), wire.CAPABILITIES: st.just({"elicitation": {}}) | VALUES, "progressToken": IDS}),
}  # fmt: skip
PARAMS = st.fixed_dictionaries({}, optional=KNOWN) | VALUES
REQUESTS = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": METHODS}, optional={"id": IDS, "params": PARAMS})
ANSWERS = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": st.sampled_from(["mpp-1", "mpp-2", "mpp-3"])}, optional={"result": VALUES, "error": VALUES})
MESSAGES = REQUESTS | ANSWERS | VALUES | st.lists(REQUESTS, max_size=3)


@given(st.lists(MESSAGES, max_size=12), st.booleans())
def test_each_request_has_one_answer(messages: list[Any], greeted: bool) -> None:
    client = wire.opened("2025-03-26") if greeted else Wire(wire.server())
    for message in messages:
        client.line(json.dumps(message).encode())
    client.give_up()
    answers: list[Any] = []
    for found in client.taken():
        for one in found if isinstance(found, list) else [found]:
            assert one["jsonrpc"] == "2.0"
            if "method" not in one:
                assert ("result" in one) != ("error" in one)
                answers.append(one)
    assert client.connection.running == ()
    wanted = [message for sent in messages for message in (sent if isinstance(sent, list) and sent and greeted else [sent])]
    said = [json.dumps(one["id"]) for one in wanted if isinstance(one, dict) and is_id(one.get("id"))]
    answered = [json.dumps(one["id"]) for one in answers if "id" in one]
    assert all(answered.count(name) <= said.count(name) for name in answered)
    # Who asked once was answered once, unless it was cancelled or listens on.
    cancelled = [json.dumps(one["params"].get("requestId")) for one in wanted if is_note(one)]
    listening = [json.dumps(name) for name in client.listening]
    requests = [json.dumps(one["id"]) for one in wanted if isinstance(one, dict) and is_request(one)]
    for name in requests:
        if said.count(name) == 1 and name not in cancelled and name not in listening:
            assert answered.count(name) == 1


def is_request(one: dict[str, Any]) -> bool:
    return one.get("jsonrpc") == "2.0" and isinstance(one.get("method"), str) and is_id(one.get("id"))


def is_id(found: Any) -> bool:
    return (isinstance(found, str) and len(found) <= 256) or (isinstance(found, int) and not isinstance(found, bool) and abs(found) < 2**63)


def is_note(one: Any) -> bool:
    return isinstance(one, dict) and one.get("method") == "notifications/cancelled" and isinstance(one.get("params"), dict)


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_any_line_is_survived(data: bytes) -> None:
    for client in (Wire(wire.server()), wire.opened()):
        client.line(data)
        client.taken()
        assert client.ask(wire.old(77, "ping"))["id"] == 77


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8), st.integers(1, 40))
def test_lines_in_any_pieces(data: bytes, cuts: list[int], most: int) -> None:
    whole, pieces = Lines(most), Lines(most)
    edges = [0, *sorted(cuts), len(data)]
    found = [line for begin, end in zip(edges, edges[1:], strict=False) for line in pieces.feed(data[begin:end])]
    assert found == whole.feed(data)
    assert all(line is None or len(line) <= most for line in found)


JSON_BYTES = VALUES.map(lambda value: json.dumps(value).encode()) | st.tuples(TEXTS, TEXTS, st.sampled_from(["", " ", "\\u003a", ":"])).map(
    lambda parts: f'{{{json.dumps(parts[0])}: 1,{parts[2].strip(":")[:0]}{json.dumps(parts[1])} :"{parts[2]}"}}'.encode()
)


@given(JSON_BYTES | st.binary(max_size=40))
def test_the_quick_reader_is_the_strict_one(data: bytes) -> None:
    def strict() -> Any:
        try:
            return jsontext.read(data, family="call", where="message")
        except Refused:
            return Refused

    try:
        found: Any = read_json(data)
    except Refused:
        found = Refused
    assert repr(found) == repr(strict()) or (found is not Refused and found == strict())


@given(st.text(max_size=300), st.dictionaries(TEXTS, VALUES, max_size=3), st.integers(0, 10_000), st.integers(1, 255))
def test_states_open_as_they_were_and_in_no_other_form(question: str, inputs: dict[str, Any], at: int, bit: int) -> None:
    seals = Seals(FixedClock(NOW), CountedRandom())
    bound = binding(Caller(), "tool", "t", b"{}")
    state = State(question=question, inputs=inputs, asked=tuple(inputs))
    text = seals.seal(state, bound)
    changed = bytearray(text.encode())
    changed[at % len(changed)] ^= bit
    try:
        other = changed.decode()
    except UnicodeDecodeError:
        other = ""
    assert seals.open(other, bound) is None
    assert seals.open(text, bound) == state
