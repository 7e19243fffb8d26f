"""The client's side of MCP without I/O: lines, messages, one session, one list."""

from __future__ import annotations

import json

import pytest

from mpp.errors import ToolFailed
from mpp.model.jsontext import Json
from mpp.protocol.mcp_client import limits
from mpp.protocol.mcp_client.events import Asked, Changed, Done, Log, Progress, Reply, Updated, Wish
from mpp.protocol.mcp_client.lines import Lines
from mpp.protocol.mcp_client.lists import Listed, PROMPTS
from mpp.protocol.mcp_client.messages import Answered, Noted, read_messages, Wanted
from mpp.protocol.mcp_client.session import ANOTHER_ID, METHOD_MISSING, MODERN, REFUSED, Session, UNKNOWN, VERSIONS

STREAM = b'banner\n{"a":1}\r\n\n  [1]  \n{"b":2}\nrest'
WHOLE = [b'{"a":1}', b"[1]", b'{"b":2}']


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_lines_come_whole_however_they_are_cut(size: int) -> None:
    lines = Lines()
    found = [line for at in range(0, len(STREAM), size) for line in lines.feed(STREAM[at : at + size])]
    assert (found, lines.noise) == (WHOLE, len("banner\n"))


def test_a_line_without_end_is_not_kept_until_it_does() -> None:
    lines = Lines(line_max=10)
    assert lines.feed(b"{" + b"x" * 9 + b"\n") == [b"{" + b"x" * 9]
    with pytest.raises(ToolFailed, match="line of more than 10 bytes"):
        lines.feed(b"{" + b"x" * 10)
    with pytest.raises(ToolFailed, match="line of more than 10 bytes"):
        Lines(line_max=10).feed(b"{" + b"x" * 10 + b"\n")


def test_noise_has_an_end() -> None:
    lines = Lines(noise_max=20)
    lines.feed(b"Listening...\n")
    with pytest.raises(ToolFailed, match="no messages"):
        lines.feed(b"and again\n")


MESSAGES: list[tuple[Json, object]] = [
    ({"id": 1, "result": {}}, Answered(id=1, result={})),
    ({"id": "1", "result": {}}, Answered(id="1", result={})),
    ({"id": 1, "error": {"code": -1, "message": "no"}}, Answered(id=1, error="no", code=-1)),
    ({"id": 1, "error": {"code": "x"}}, Answered(id=1, error="no message")),
    ({"id": 1, "error": "no"}, Answered(id=1, error="no message")),
    ({"id": 1, "error": {"message": "x" * 9999}}, Answered(id=1, error="x" * limits.ERROR_CHARS_MAX)),
    ({"id": 1, "method": "ping"}, Wanted(id=1, method="ping", params={})),
    ({"method": "a", "params": [1]}, Noted(method="a", params={})),
    ({"id": True, "method": "a"}, Noted(method="a", params={})),
    ({"id": None, "result": {}}, None),
    ({"id": 1.5, "result": {}}, None),
    ({"id": 1}, None),
    ({}, None),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_messages(message: dict[str, Json], expected: object) -> None:
    found = read_messages(json.dumps({"jsonrpc": "2.0", **message}).encode())
    assert found == (() if expected is None else (expected,))


@pytest.mark.parametrize("line", [b"{}", b"[]", b"1", b"{", b'{"jsonrpc":"1.0","id":1,"result":{}}', b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}', b"\xff"])
def test_what_is_no_message(line: bytes) -> None:
    assert read_messages(line) == ()


def test_a_batch_has_a_bound() -> None:
    many = [{"jsonrpc": "2.0", "method": str(number)} for number in range(limits.BATCH_MAX + 5)]
    assert len(read_messages(json.dumps(many).encode())) == limits.BATCH_MAX


def session() -> Session:
    return Session("1")


def written(data: bytes) -> dict[str, Json]:
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    found = json.loads(data)
    assert isinstance(found, dict)
    return found


def test_a_session_begins_with_the_newest_version() -> None:
    made = session()
    identity, data = made.initialize()
    params = written(data)["params"]
    assert isinstance(params, dict)
    assert params["protocolVersion"] == VERSIONS[0]
    result: dict[str, Json] = {"protocolVersion": "2024-11-05", "capabilities": {"tools": {}}, "serverInfo": {"name": "n\x1b", "version": 3}}
    done = made.receive(Answered(id=identity, result=result))
    assert isinstance(done, Done)
    greeted, after = made.greeted(done)
    assert (greeted.version, greeted.name, greeted.server_version, greeted.has_tools) == ("2024-11-05", "n\\x1b", "", True)
    assert written(after)["method"] == "notifications/initialized"


@pytest.mark.parametrize(
    "answer",
    [
        Done(id=1, result=None, error="no"),
        Done(id=1, result={}),
        Done(id=1, result={"protocolVersion": "1999-01-01"}),
        Done(id=1, result={"protocolVersion": 1}),
    ],
)
def test_who_does_not_understand_us_is_refused(answer: Done) -> None:
    with pytest.raises(ToolFailed, match="did not take up the connection"):
        session().greeted(answer)


def test_only_answers_with_an_open_id_count() -> None:
    made = session()
    identity, data = made.send(Wish(method="tools/call", params={"name": "echo"}, arguments=b'{"a":1.50}'))
    # The arguments are the bytes that were approved.
    assert b'"arguments":{"a":1.50}' in data
    for wrong in (identity + 1, str(identity), 0, -1):
        assert made.receive(Answered(id=wrong, result={})) is None
    assert made.receive(Answered(id=identity, result={})) == Done(id=identity, result={})
    assert made.receive(Answered(id=identity, result={})) is None
    assert made.counts[ANOTHER_ID] == 5
    again, _ = made.request("tools/list", {})
    assert made.receive(Answered(id=again, result=[])) == Done(id=again, result=None, error="the result is no object")
    third, _ = made.request("tools/list", {})
    assert made.receive(Answered(id=third, error="", code=-3)) == Done(id=third, result=None, error="no message", code=-3)
    fourth, _ = made.request("tools/list", {})
    assert written(made.cancel(fourth, "late"))["params"] == {"requestId": fourth, "reason": "late"}
    assert made.receive(Answered(id=fourth, result={})) is None


def test_requests_that_nobody_knows_are_refused_in_so_many_words() -> None:
    made = session()
    found = made.receive(Wanted(id="x", method="tools/call", params={}))
    assert isinstance(found, Reply)
    error = written(found.data)["error"]
    assert isinstance(error, dict)
    assert error["code"] == METHOD_MISSING
    assert made.counts[UNKNOWN] == 1


def test_a_ping_is_answered() -> None:
    found = session().receive(Wanted(id=7, method="ping", params={}))
    assert isinstance(found, Reply)
    assert written(found.data) == {"jsonrpc": "2.0", "id": 7, "result": {}}


@pytest.mark.parametrize("method", ["elicitation/create", "sampling/createMessage", "roots/list"])
def test_questions_and_who_does_not_answer_them(method: str) -> None:
    made = session()
    question = Asked(id=7, method=method, params={"message": "a"})
    assert made.receive(Wanted(id=7, method=method, params={"message": "a"})) == question
    assert written(made.answer(question, {"roots": []}))["result"] == {"roots": []}
    declined = written(made.decline(question))
    error = declined.get("error")
    assert declined.get("result") == {"action": "decline"} if method == "elicitation/create" else isinstance(error, dict) and error["code"] == REFUSED


def modern() -> Session:
    made = session()
    identity, data = made.discover()
    assert "2026-07-28" in str(written(data)["params"])
    done = Done(id=identity, result={"supportedVersions": [MODERN], "capabilities": {"tools": {}, "resources": {"subscribe": True}}, "_meta": {}})
    greeted = made.discovered(done)
    assert greeted is not None
    assert (greeted.version, greeted.abilities) == (MODERN, frozenset({"tools", "resources", "resources.subscribe"}))
    return made


def test_the_newer_era_says_all_in_each_request() -> None:
    made = modern()
    wish = Wish(method="tools/call", params={"name": "a"}, arguments=b"{}", inputs={"q": {"action": "accept"}}, state="s", level="debug")
    params = written(made.send(wish)[1])["params"]
    assert isinstance(params, dict)
    meta = params["_meta"]
    assert isinstance(meta, dict)
    assert (params["inputResponses"], params["requestState"], meta["io.modelcontextprotocol/logLevel"]) == ({"q": {"action": "accept"}}, "s", "debug")
    assert written(made.request("tools/list", {})[1])["params"] == {
        "_meta": {key: item for key, item in meta.items() if "io.model" in key and "level" not in key.lower()}
    }
    assert made.level("debug") == b""
    # A server of this era asks in its results, and nowhere else.
    assert isinstance(made.receive(Wanted(id=1, method="roots/list", params={})), Reply)
    listened = written(made.listen(("a://b",))[1])["params"]
    assert isinstance(listened, dict)
    notifications = listened["notifications"]
    assert isinstance(notifications, dict)
    assert notifications["resourceSubscriptions"] == ["a://b"]


@pytest.mark.parametrize("result", [None, {}, {"supportedVersions": ["2025-11-25"]}, {"supportedVersions": MODERN}])
def test_who_is_not_of_the_newer_era(result: dict[str, Json] | None) -> None:
    made = session()
    assert made.discovered(Done(id=1, result=result)) is None
    assert not made.is_modern


def test_a_level_is_said_once_and_only_lowered() -> None:
    made = session()
    assert b'"logging/setLevel"' in made.level("info")
    assert (made.level("info"), made.level("error"), made.level(""), made.level("x")) == (b"", b"", b"", b"")
    assert b'"debug"' in made.level("debug")
    params = written(made.send(Wish(method="prompts/get", params={"name": "a"}, inputs={"q": {}}, state="s"))[1])["params"]
    assert isinstance(params, dict)
    assert params.keys() == {"name", "_meta"}, "the older era has no answers in requests"


def test_notifications() -> None:
    made = session()
    identity, _ = made.request("tools/list", {})

    def heard(method: str, **params: Json) -> object:
        return made.receive(Noted(method=method, params=params))

    assert heard("notifications/tools/list_changed") == Changed()
    assert heard("notifications/prompts/list_changed") == Changed(what="prompts")
    assert heard("notifications/resources/updated", uri="a://b") == Updated(uri="a://b")
    assert heard("notifications/resources/updated", uri="x" * 9999) is None
    assert heard("notifications/subscriptions/acknowledged") is None
    assert heard("notifications/progress", progressToken=identity, progress=1, total="x") == Progress(id=identity, progress=1, total=None, message="")
    assert heard("notifications/progress", progressToken=identity, progress=1, total=2, message="m") == Progress(id=identity, progress=1, total=2, message="m")
    assert heard("notifications/progress", progressToken=identity + 1, progress=1) is None
    assert heard("notifications/progress", progressToken=identity, progress=True) is None
    assert heard("notifications/message", level="error", data="x") == Log(level="error", message="x")
    assert heard("notifications/message", level="\x1b[31m", data={"a": 1}) == Log(level="info", message='{"a": 1}')
    assert heard("notifications/other") is None
    assert (made.counts[ANOTHER_ID], made.counts[UNKNOWN]) == (2, 1)


def test_a_list_ends() -> None:
    listed = Listed(3)
    assert listed.take(Done(id=1, result={"tools": [{}], "nextCursor": "a"})) == "a"
    assert listed.take(Done(id=2, result={"tools": [{}]})) == ""
    assert len(listed.items) == 2
    assert Listed(1, PROMPTS).take(Done(id=1, result={"prompts": [{}]})) == ""


ENDLESS: list[tuple[list[Done], str]] = [
    ([Done(id=1, result={"tools": [], "nextCursor": "a"})] * 2, "no end"),
    ([Done(id=1, result={"tools": [], "nextCursor": "x" * 5000})], "no end"),
    ([Done(id=1, result={"tools": [], "nextCursor": str(number)}) for number in range(limits.PAGES_MAX + 1)], "no end"),
    ([Done(id=1, result={"tools": [{}] * 4})], "more than 3 tools"),
    ([Done(id=1, result={"tools": {}})], "no list of tools"),
    ([Done(id=1, result=None, error="no such method")], "no such method"),
]


@pytest.mark.parametrize(("pages", "words"), ENDLESS)
def test_a_list_without_end(pages: list[Done], words: str) -> None:
    listed = Listed(3)
    with pytest.raises(ToolFailed, match=words):
        for page in pages:
            listed.take(page)
