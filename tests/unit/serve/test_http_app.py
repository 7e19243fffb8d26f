"""Messages over HTTP, in both eras: what comes in, and how its answer goes out."""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mpp.model.jsontext import Json
from mpp.protocol.mcp import calling
from mpp.protocol.mcp.ports import Caller, Live, Outcome, ToolCall
from mpp.serve import http_app
from mpp.serve.http_app import Front
from mpp.testing.backend import Approving, MemoryBackend, said
from tests.unit.serve.http_world import MODERN, SECONDS_MAX, Served, call_bytes, modern, read_until, request, serving


def telling(who: Caller, call: ToolCall, live: Live) -> Outcome:
    for step in range(3):
        live.progress(step, 3, f"step {step}")
    live.log("warning", "half way")
    return said("told")


class Waiting:
    """A tool that waits until its client is gone, or it is let go; it says what it saw."""

    def __init__(self) -> None:
        self.started, self.ended, self.freed = threading.Semaphore(0), threading.Semaphore(0), os.pipe()
        self.was_gone: list[bool] = []

    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        self.started.release()
        ready, _, _ = select.select([live.gone_fd, self.freed[0]], [], [], SECONDS_MAX)
        self.was_gone.append(live.gone_fd in ready)
        self.ended.release()
        return said("waited")

    def free(self) -> None:
        os.write(self.freed[1], b"x")

    def close(self) -> None:
        for fd in self.freed:
            os.close(fd)


class Crashing:
    def __call__(self, who: Caller, call: ToolCall, live: Live) -> Outcome:
        raise RuntimeError("a defect")


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    found = Waiting()
    yield found
    found.close()


@pytest.fixture
def backend(waiting: Waiting) -> MemoryBackend:
    found = MemoryBackend(instructions="Ask before you delete.")
    found.put("demo__tell", telling)
    found.put("demo__wait", waiting)
    found.put("demo__crash", Crashing())
    approving = Approving()
    approving.backend = found
    found.put("demo__delete", approving)
    found.put("demo__region", lambda who, call, live: said("there"), {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}})
    return found


@pytest.fixture
def served(tmp_path: Path, backend: MemoryBackend) -> Iterator[Served]:
    with serving(tmp_path, backend) as found:
        yield found


def test_the_new_era_needs_no_session(served: Served) -> None:
    found = served.modern("server/discover")
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    assert "2026-07-28" in found.result["supportedVersions"]
    assert "mcp-session-id" not in found.headers
    answer = served.call("demo__add", a=1, b=2)
    assert (answer.status, answer.result["structuredContent"]) == (200, {"sum": 3})
    assert {tool["name"] for tool in served.modern("tools/list").result["tools"]} >= {"demo__add", "demo__tell"}


def test_the_old_era_has_sessions(served: Served) -> None:
    session = served.begin()
    listed = served.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, **session)
    assert [tool["name"] for tool in listed.result["tools"]][:2] == ["demo__add", "demo__crash"]
    answer = served.post({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "demo__add", "arguments": {"a": 1, "b": 2}}}, **session)
    assert answer.result["structuredContent"] == {"sum": 3}
    named = {"Mcp-Session-Id": session["mcp_session_id"]}
    assert served.ask("DELETE", headers=named).status == 200
    assert served.ask("DELETE", headers=named).status == 404
    assert served.post({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}, **session).status == 404


def test_a_batch_is_answered_together(served: Served) -> None:
    session = served.begin(version="2025-03-26")
    batch: Json = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "demo__echo", "arguments": {}}},
    ]
    answer = served.post(batch, **session)
    assert answer.status == 200
    found = answer.json if answer.headers["content-type"] == "application/json" else answer.events[0]
    assert sorted(one["id"] for one in found) == [1, 2, 3]


BAD: list[tuple[str, dict[str, Any], int]] = [
    ("no JSON", {"body": b"{"}, 400),
    ("nothing", {"body": b""}, 400),
    ("no message", {"body": b"[1]"}, 400),
    ("no method", {"body": b'{"jsonrpc":"2.0","id":1}'}, 400),
    ("a form", {"body": b"{}", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 415),
    ("plain text", {"body": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
    ("another charset", {"body": b"{}", "headers": {"Content-Type": "application/json; charset=utf-16"}}, 415),
    ("a boundary", {"body": b"{}", "headers": {"Content-Type": "application/json; charset=utf-8; x=y"}}, 415),
    ("compressed", {"body": b"{}", "headers": {"Content-Encoding": "gzip"}}, 415),
    ("an answer that cannot be", {"body": b"{}", "headers": {"Accept": "image/png"}}, 406),
    ("another place", {"body": b"{}", "path": "/"}, 404),
    ("a place below", {"body": b"{}", "path": "/mcp/x"}, 404),
    ("no metadata", {"method": "GET", "path": "/.well-known/oauth-protected-resource"}, 404),
    ("PUT", {"method": "PUT", "body": b"{}"}, 405),
    ("OPTIONS", {"method": "OPTIONS"}, 405),
    ("HEAD", {"method": "HEAD"}, 405),
    ("GET without a session", {"method": "GET"}, 405),
    ("GET of the new era", {"method": "GET", "headers": {"Mcp-Session-Id": "x", "MCP-Protocol-Version": "2026-07-28"}}, 405),
    ("GET of no stream", {"method": "GET", "headers": {"Mcp-Session-Id": "x", "Accept": "application/json"}}, 406),
    ("DELETE without a session", {"method": "DELETE"}, 405),
    ("a session that is none", {"body": b'{"jsonrpc":"2.0","id":1,"method":"ping"}', "headers": {"Mcp-Session-Id": "x"}}, 404),
    ("a stream of no session", {"method": "GET", "headers": {"Mcp-Session-Id": "x"}}, 404),
    ("before initialize", {"body": b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'}, 400),
    ("a version that is none", {"body": b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}', "headers": {"MCP-Protocol-Version": "1999-01-01"}}, 400),
]


@pytest.mark.parametrize(("about", "ask", "status"), BAD, ids=[row[0] for row in BAD])
def test_bad_requests(about: str, ask: dict[str, Any], status: int, served: Served) -> None:
    found = served.ask(**{"method": "POST", **ask})
    assert found.status == status, about
    if status == 405:
        assert found.headers["allow"] == "POST, GET, DELETE"


HEADERS: list[tuple[str, dict[str, str], int]] = [
    ("all", {}, 200),
    ("no version", {"MCP-Protocol-Version": ""}, 400),
    ("another version", {"MCP-Protocol-Version": "2025-11-25"}, 400),
    ("another method", {"Mcp-Method": "tools/list"}, 400),
    ("another name", {"Mcp-Name": "demo__echo"}, 400),
    ("a name in base64", {"Mcp-Name": "=?base64?ZGVtb19fcmVnaW9u?="}, 200),
    ("no base64", {"Mcp-Name": "=?base64?!?="}, 400),
    ("another argument", {"Mcp-Param-Region": "us"}, 400),
]


@pytest.mark.parametrize(("about", "headers", "status"), HEADERS, ids=[row[0] for row in HEADERS])
def test_headers_say_what_the_message_says(about: str, headers: dict[str, str], status: int, served: Served) -> None:
    found = served.call("demo__region", region="eu", headers={"Mcp-Param-Region": "eu", **headers})
    assert found.status == status, found
    if status == 400:
        assert found.json["error"]["code"] == -32020


def test_an_argument_that_belongs_in_a_header_and_is_not_there(served: Served) -> None:
    assert served.call("demo__region", region="eu").json["error"]["code"] == -32020
    assert served.call("demo__region").status == 200


def test_words_before_the_answer_come_as_a_stream(served: Served) -> None:
    found = served.call("demo__tell", meta={"progressToken": "p", "io.modelcontextprotocol/logLevel": "info"})
    assert (found.status, found.headers["content-type"]) == (200, "text/event-stream")
    methods = [event.get("method", "answer") for event in found.events]
    assert methods == ["notifications/progress"] * 3 + ["notifications/message", "answer"]
    assert found.events[-1]["result"]["content"][0]["text"] == "told"


def test_who_takes_no_stream_gets_the_answer_alone(served: Served) -> None:
    found = served.call("demo__tell", meta={"progressToken": "p"}, headers={"Accept": "application/json"})
    assert found.headers["content-type"] == "application/json"
    assert found.result["content"][0]["text"] == "told"


def test_who_takes_a_stream_only_gets_one(served: Served) -> None:
    found = served.call("demo__echo", headers={"Accept": "text/event-stream"})
    assert (found.status, found.headers["content-type"]) == (200, "application/json")
    found = served.call("demo__tell", headers={"Accept": "text/event-stream"}, meta={"progressToken": 1})
    assert found.headers["content-type"] == "text/event-stream"


def test_a_person_is_asked_on_the_stream_of_the_call(served: Served, backend: MemoryBackend) -> None:
    session = served.begin(capabilities={"elicitation": {}})
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "demo__delete", "arguments": {}}}
    headers = {name.replace("_", "-"): text for name, text in session.items()}
    with served.connect() as client:
        client.sendall(request(json.dumps(call).encode(), headers))
        asked = read_until(client, b"\n\n\r\n")
        question = json.loads(asked.split(b"data: ")[1].split(b"\n")[0])
        assert (question["method"], b"text/event-stream" in asked) == ("elicitation/create", True)
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"approve": True}}}
        assert served.post(answer, **session).status == 202
        assert b'"text":"done"' in read_until(client, b"0\r\n\r\n")
    assert [yes for _, _, yes in backend.answers] == [True]
    # A second answer to the same question is one to nothing.
    assert served.post(answer, **session).status == 202
    assert len(backend.answers) == 1


def test_a_question_that_nobody_answers_is_withdrawn(served: Served, backend: MemoryBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "ELICIT_SECONDS", 0.05)
    session = served.begin(capabilities={"elicitation": {}})
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "demo__delete", "arguments": {}}}
    found = served.post(call, **session)
    assert [event.get("method", "answer") for event in found.events] == ["elicitation/create", "notifications/cancelled", "answer"]
    assert found.events[1]["params"]["requestId"] == found.events[0]["id"]
    assert (found.events[2]["result"]["isError"], backend.answers) == (True, [])


def test_nobody_is_asked_who_takes_no_stream(served: Served, backend: MemoryBackend) -> None:
    session = served.begin(capabilities={"elicitation": {}})
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "demo__delete", "arguments": {}}}
    found = served.post(call, accept="application/json", **session)
    assert (found.result["isError"], backend.answers) == (True, [])


def test_a_cancelled_call_ends(served: Served, waiting: Waiting) -> None:
    session = served.begin()
    call = {"jsonrpc": "2.0", "id": "long", "method": "tools/call", "params": {"name": "demo__wait", "arguments": {}}}
    headers = {name.replace("_", "-"): text for name, text in session.items()}
    with served.connect() as client:
        client.sendall(request(json.dumps(call).encode(), headers))
        assert waiting.started.acquire(timeout=SECONDS_MAX)
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "long"}}
        assert served.post(cancel, **session).status == 202
        assert waiting.ended.acquire(timeout=SECONDS_MAX)
        assert read_until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 202 ")
    assert waiting.was_gone == [True]


def test_a_session_that_ends_ends_its_calls(served: Served, waiting: Waiting) -> None:
    session = served.begin()
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "demo__wait", "arguments": {}}}
    headers = {name.replace("_", "-"): text for name, text in session.items()}
    with served.connect() as client:
        client.sendall(request(json.dumps(call).encode(), headers))
        assert waiting.started.acquire(timeout=SECONDS_MAX)
        assert served.ask("DELETE", headers={"Mcp-Session-Id": session["mcp_session_id"]}).status == 200
        assert waiting.ended.acquire(timeout=SECONDS_MAX)
    assert waiting.was_gone == [True]


def test_a_client_that_vanishes_while_it_is_asked(served: Served, backend: MemoryBackend) -> None:
    session = served.begin(capabilities={"elicitation": {}})
    call = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "demo__delete", "arguments": {}}}
    headers = {name.replace("_", "-"): text for name, text in session.items()}
    with served.connect() as client:
        client.sendall(request(json.dumps(call).encode(), headers))
        read_until(client, b"elicitation/create")
    # The id is free again as soon as the call has come to its end.
    for _ in range(1000):
        again = served.post(call, accept="application/json", **session)
        if again.status == 200:
            break
    assert again.result["isError"] is True
    assert backend.answers == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_a_call_is_an_error_and_the_next_is_answered(served: Served) -> None:
    for _ in range(3):
        assert served.call("demo__crash").json["error"]["data"] == {"code": "host.answer"}
        assert served.call("demo__add", a=1, b=1).status == 200
        assert served.call("demo__crash", meta={"progressToken": 1}).json["error"]["code"] == -32603


def test_changes_are_told_in_both_eras(served: Served, backend: MemoryBackend) -> None:
    session = served.begin()
    message, headers = modern("subscriptions/listen", notifications={"toolsListChanged": True})
    old_headers = {"Mcp-Session-Id": session["mcp_session_id"], "MCP-Protocol-Version": "2025-11-25"}
    with served.connect() as new, served.connect() as old:
        new.sendall(request(json.dumps(message).encode(), headers))
        assert b"acknowledged" in read_until(new, b"\n\n\r\n")
        old.sendall(request(b"", old_headers, method="GET"))
        read_until(old, b"\r\n\r\n")
        backend.put("demo__more", telling)
        assert b"notifications/tools/list_changed" in read_until(new, b"\n\n\r\n")
        assert b"notifications/tools/list_changed" in read_until(old, b"\n\n\r\n")
        served.server.stop()
        assert b"complete" in read_until(new, b"0\r\n\r\n")
        assert read_until(old, b"0\r\n\r\n")


def test_the_last_stream_of_a_session_counts(served: Served) -> None:
    session = served.begin()
    headers = {"Mcp-Session-Id": session["mcp_session_id"]}
    with served.connect() as first, served.connect() as second:
        first.sendall(request(b"", headers, method="GET"))
        read_until(first, b"\r\n\r\n")
        second.sendall(request(b"", headers, method="GET"))
        read_until(second, b"\r\n\r\n")
        assert read_until(first, b"0\r\n\r\n")


def test_a_silent_stream_says_that_it_lives(served: Served, monkeypatch: pytest.MonkeyPatch, waiting: Waiting) -> None:
    monkeypatch.setattr(Front, "keepalive", 0.01)
    message, headers = modern("subscriptions/listen", notifications={"toolsListChanged": True})
    with served.connect() as client:
        client.sendall(request(json.dumps(message).encode(), headers))
        read_until(client, b": alive\n\n")
    message, headers = modern("tools/call", "demo__wait", name="demo__wait", arguments={}, meta={"progressToken": 1})
    with served.connect() as client:
        client.sendall(request(json.dumps(message).encode(), headers))
        read_until(client, b": alive\n\n")
        waiting.free()
        assert b'"text":"waited"' in read_until(client, b"0\r\n\r\n")


def test_a_subscription_needs_a_stream(served: Served) -> None:
    assert served.modern("subscriptions/listen", headers={"Accept": "application/json"}, notifications={}).status == 406


def test_a_large_message_asks_for_room(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a" * 100_000
    assert served.call("demo__echo", text=text).status == 200
    monkeypatch.setattr(http_app, "BODIES_BYTES_MAX", 100_000)
    found = served.call("demo__echo", text=text)
    assert (found.status, found.headers["retry-after"]) == (503, "1")
    assert served.call("demo__add", a=1, b=1).status == 200


def test_requests_on_one_connection(served: Served) -> None:
    with served.connect() as client:
        for _ in range(3):
            client.sendall(call_bytes("demo__add", a=2, b=2))
            assert b'"sum":4' in read_until(client, b'"resultType":"complete"}}')


def test_a_stopped_server_takes_nothing(tmp_path: Path, backend: MemoryBackend, waiting: Waiting) -> None:
    with serving(tmp_path, backend) as served, served.connect() as client, served.connect() as other:
        other.sendall(call_bytes("demo__add", a=2, b=2))
        read_until(other, b'"resultType":"complete"}}')
        client.sendall(call_bytes("demo__wait"))
        assert waiting.started.acquire(timeout=SECONDS_MAX)
        served.server.stop()
        # The idle connection ends at once, the call comes to its end.
        assert other.recv(1) == b""
        waiting.free()
        assert b'"text":"waited"' in read_until(client, b'"resultType":"complete"}}')
    assert waiting.was_gone == [False]


def test_both_versions_of_a_request_are_one(served: Served) -> None:
    assert MODERN["_meta"]
    found = served.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": MODERN})
    assert found.json["error"]["code"] == -32020
