"""What a connection remembers: what runs, what was cancelled, who listens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mpp.errors import HostFailed, Refused
from mpp.protocol.mcp import busy_reply, Connection, header_mismatch, Job, Reply, Voice
from mpp.protocol.mcp.limits import MESSAGE_BYTES_MAX, RUNNING_MAX, URIS_MAX
from mpp.protocol.mcp.ports import Caller, UPDATED
from mpp.testing.backend import MemoryBackend
from tests.unit.protocol import wire
from tests.unit.protocol.wire import modern, old, Wire

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def line(message: Any) -> bytes:
    return json.dumps(message).encode()


def started(connection: Connection, message: Any) -> Job:
    (event,) = connection.receive(line(message))
    assert isinstance(event, Job)
    return event


def cancel(name: Any) -> bytes:
    return line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": name, "reason": "x"}})


def test_a_cancelled_request_is_not_answered() -> None:
    connection = Connection(wire.server(), Caller())
    job = started(connection, modern(1, "tools/call", name="demo__echo"))
    assert connection.running == (job,)
    (ended,) = connection.receive(cancel(1))
    assert ended == wire.Ended(job)
    assert connection.receive(cancel(1)) == []
    assert connection.done(job, Reply(b"x")) is None
    # The id is free again.
    again = started(connection, modern(1, "tools/call", name="demo__echo"))
    assert connection.done(again, Reply(b"x")) == Reply(b"x")
    assert connection.receive(cancel(1)) == []


def test_a_cancelled_question_is_dropped() -> None:
    client = wire.opened(capabilities={"elicitation": {}})
    asked = client.ask(old(1, "tools/call", name="demo__rm"))
    client.line(cancel(1))
    client.line(line({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept", "content": {"approve": True}}}))
    assert (client.taken(), client.ended, client.connection.running) == ([], [1], ())


def test_nobody_answers_in_time() -> None:
    client = wire.opened(capabilities={"elicitation": {}})
    asked = client.ask(old(1, "tools/call", name="demo__rm"))
    client.give_up()
    (found,) = client.taken()
    assert found["result"]["content"][0]["text"] == "approval required, ref 7f3a"
    client.line(line({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}}))
    assert client.taken() == []


def test_one_id_for_one_request() -> None:
    connection = Connection(wire.server(), Caller())
    started(connection, modern(1, "tools/call", name="demo__echo"))
    (found,) = connection.receive(line(modern(1, "tools/list")))
    assert isinstance(found, Reply)
    assert json.loads(found.data)["error"]["code"] == -32600
    # "1" is another name than 1.
    started(connection, modern("1", "tools/list"))


def test_too_many_at_once() -> None:
    connection = Connection(wire.server(), Caller())
    for name in range(RUNNING_MAX):
        started(connection, modern(name, "tools/list"))
    (found,) = connection.receive(line(modern("more", "tools/list")))
    assert found == busy_reply("more")
    assert json.loads(busy_reply("more").data)["error"]["data"] == {"code": "host.busy"}


def test_a_batch_whose_calls_end_in_any_order() -> None:
    connection = Connection(wire.server(), Caller())
    for message in wire.begin("2025-03-26"):
        connection.receive(line(message))
    batch = [old(1, "tools/call", name="demo__echo"), old(2, "tools/list"), old(3, "ping"), old(4, "tools/list")]
    first, second, third = (event for event in connection.receive(line(batch)) if isinstance(event, Job))
    connection.receive(cancel(4))
    assert connection.done(second, Reply(b'"b"')) is None
    assert connection.done(third, Reply(b'"d"')) is None
    whole = connection.done(first, Reply(b'"a"'))
    assert whole is not None
    assert json.loads(whole.data) == [{"jsonrpc": "2.0", "id": 3, "result": {}}, "b", "a"]


def test_who_listens_hears_what_it_asked_for() -> None:
    client = Wire(wire.server())
    client.line(line(modern("s", "subscriptions/listen", notifications={"toolsListChanged": True, "promptsListChanged": False, "other": True})))
    assert client.taken() == [
        {
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": {"_meta": {SUBSCRIPTION: "s"}, "notifications": {"toolsListChanged": True}},
        }
    ]
    client.line(line(modern(7, "subscriptions/listen", notifications={"resourcesListChanged": True, "resourceSubscriptions": ["mpp://a", "mpp://a"]})))
    assert client.taken()[0]["params"]["notifications"] == {"resourcesListChanged": True, "resourceSubscriptions": ["mpp://a"]}
    assert client.listening == ["s", 7]
    told = {what: [json.loads(data) for data in client.connection.changed(what)] for what in ("tools", "prompts", "resources")}
    assert told == {
        "tools": [{"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {"_meta": {SUBSCRIPTION: "s"}}}],
        "prompts": [],
        "resources": [
            {"jsonrpc": "2.0", "method": "notifications/resources/list_changed", "params": {"_meta": {SUBSCRIPTION: 7}}},
            {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"_meta": {SUBSCRIPTION: 7}, "uri": "mpp://a"}},
        ],
    }
    assert client.ask(modern("s", "tools/list"))["error"]["code"] == -32600
    client.line(cancel("s"))
    assert client.connection.changed("tools") == []
    assert [json.loads(data) for data in client.connection.close()] == [
        {"jsonrpc": "2.0", "id": 7, "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: 7}}}
    ]
    assert client.connection.close() == []


FILTERS = [
    None,
    [],
    {"resourceSubscriptions": "x"},
    {"resourceSubscriptions": [7]},
    {"resourceSubscriptions": [""]},
    {"resourceSubscriptions": ["x"] * (URIS_MAX + 1)},
]


@pytest.mark.parametrize("wanted", FILTERS)
def test_filters_that_are_none(wanted: Any) -> None:
    client = Wire(wire.server())
    assert client.ask(modern(1, "subscriptions/listen", notifications=wanted))["error"]["code"] == -32602
    assert client.connection.close() == []


def test_too_many_subscriptions_and_watched_resources() -> None:
    client = Wire(wire.server())
    for name in range(64):
        client.line(line(modern(name, "subscriptions/listen", notifications={})))
    client.taken()
    assert client.ask(modern("more", "subscriptions/listen", notifications={}))["error"]["code"] == -32603
    greeted = wire.opened()
    for name in range(URIS_MAX):
        assert "result" in greeted.ask(old(name, "resources/subscribe", uri=f"mpp://{name}"))
    assert "error" in greeted.ask(old("more", "resources/subscribe", uri="mpp://more"))
    assert "result" in greeted.ask(old("again", "resources/subscribe", uri="mpp://0"))


def test_the_old_era_is_told_once_it_is_ready() -> None:
    connection = Connection(wire.server(), Caller())
    greeting, ready = wire.begin()
    connection.receive(line(ready))
    assert connection.changed("tools") == []
    connection.receive(line(greeting))
    assert (connection.version, connection.changed("tools")) == ("2025-11-25", [])
    connection.receive(line(ready))
    connection.receive(line(old(1, "resources/subscribe", uri="mpp://a")))
    assert [json.loads(data)["method"] for data in connection.changed("resources")] == [
        "notifications/resources/list_changed",
        "notifications/resources/updated",
    ]
    assert len(connection.changed("tools")) == 1
    (told,) = connection.changed(f"{UPDATED}local mpp://a")
    assert json.loads(told)["params"] == {"uri": "mpp://a"}
    # Attack: word of what somebody else watches, or of another tenant's server.
    assert connection.changed(f"{UPDATED}local mpp://b") == connection.changed(f"{UPDATED}other mpp://a") == []
    connection.receive(line(old(2, "resources/unsubscribe", uri="mpp://a")))
    assert connection.changed(f"{UPDATED}local mpp://a") == []


def test_the_host_hears_which_resources_are_watched() -> None:
    at = wire.backend()
    client = Wire(wire.server(at))
    client.line(line(modern(1, "subscriptions/listen", notifications={"resourceSubscriptions": ["mpp://a"]})))
    (told,) = client.connection.changed(f"{UPDATED}local mpp://a")
    assert json.loads(told)["params"] == {"_meta": {SUBSCRIPTION: 1}, "uri": "mpp://a"}
    greeted = wire.opened(at=at)
    greeted.ask(old(1, "resources/subscribe", uri="mpp://b"))
    assert at.followed == ["mpp://a", "mpp://b"]


def test_a_list_in_pages() -> None:
    at = wire.backend()
    client = Wire(wire.server(at, page=5))
    names: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        found = client.ask(modern(1, "tools/list", **cursor))["result"]
        names += [tool["name"] for tool in found["tools"]]
        cursor = {"cursor": found["nextCursor"]} if "nextCursor" in found else {}
        if not cursor:
            break
    assert len(names) == 12
    assert names == sorted(names)
    first = client.ask(modern(1, "tools/list"))["result"]["nextCursor"]
    at.put("demo__zz", at._tools["demo__add"])
    # What the cursor is of is not there any more.
    assert client.ask(modern(1, "tools/list", cursor=first))["error"]["code"] == -32602
    assert client.ask(modern(1, "prompts/list", cursor=first))["error"]["code"] == -32602


def test_a_page_is_encoded_once() -> None:
    at = MemoryBackend()
    server = wire.server(at)
    client = Wire(server)
    client.line(line(modern(1, "tools/list")))
    kept = dict(server.pages._kept)
    client.line(line(modern(2, "tools/list")))
    assert server.pages._kept == kept
    at.put("demo__new", at._tools["demo__add"])
    client.line(line(modern(3, "tools/list")))
    assert json.loads(client.out[-1])["result"]["tools"][-1]["name"] == "demo__new"


def test_pages_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.protocol.mcp.lists.LISTS_KEPT_MAX", 2)
    server = wire.server()
    for tenant in "abc":
        Wire(server, Caller(tenant=tenant)).line(line(modern(1, "tools/list")))
    assert len(server.pages._kept) == 1


FAULTS = [
    (Refused("call.json", "/home/ada is not JSON"), -32602, {"code": "call.json"}),
    (HostFailed("host.closed", "closed /home/ada"), -32603, {"code": "host.closed"}),
]


@pytest.mark.parametrize(("fault", "code", "data"), FAULTS)
@pytest.mark.parametrize("method", ["tools/call", "tools/list", "resources/read", "prompts/get", "completion/complete"])
def test_what_the_host_refuses_is_told_without_its_words(fault: Exception, code: int, data: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise fault

    for name in ("call", "tools", "read", "prompt", "complete"):
        monkeypatch.setattr(MemoryBackend, name, refuse)
    client = Wire(wire.server(MemoryBackend()))
    message = modern(1, method, name="x", uri="x", ref={"type": "ref/prompt", "name": "x"}, argument={"name": "x", "value": ""})
    found = client.ask(message)["error"]
    assert (found["code"], found["data"]) == (code, data)
    assert "ada" not in json.dumps(found)


def test_what_reaches_the_host() -> None:
    at = MemoryBackend()
    client = Wire(wire.server(at))
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    client.line(line(modern(1, "tools/call", meta={"traceparent": trace, "mpp/timeoutMs": 500}, name="demo__echo", arguments={"é": [1.0, 2**65]})))
    client.line(line(modern(2, "tools/call", meta={"traceparent": "x" * 55}, name="demo__echo")))
    first, second = at.calls
    assert (first.name, first.timeout_ms, first.traceparent) == ("demo__echo", 500, trace)
    assert first.arguments == '{"é":[1.0,36893488147419103232]}'.encode()
    assert (second.timeout_ms, second.traceparent, second.arguments) == (0, "", b"{}")


def test_a_message_that_is_too_large() -> None:
    client = Wire(wire.server())
    assert client.ask(b" " * (MESSAGE_BYTES_MAX + 1))["error"]["code"] == -32700
    many = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[' + b"1," * 300_001 + b"1]}}"
    assert client.ask(many)["error"]["code"] == -32700


def test_a_voice_says_what_was_asked_for() -> None:
    said: list[bytes] = []
    connection = Connection(wire.server(), Caller())
    job = started(connection, modern(1, "tools/call", meta={"progressToken": 0, "io.modelcontextprotocol/logLevel": "debug"}, name="demo__echo"))
    assert (job.wants_stream, job.name, job.modern) == (True, "demo__echo", True)
    voice = Voice(job, said.append, 9)
    assert voice.gone_fd == 9
    voice.log("debug", "a")
    voice.log("shout", "b")
    voice.progress(float("nan"), None, "")
    voice.progress(1, float("inf"), "m")
    voice.end()
    voice.log("debug", "late")
    assert [json.loads(data)["params"] for data in said] == [{"level": "debug", "data": "a"}, {"progressToken": 0, "progress": 1, "message": "m"}]
    quiet = Voice(started(connection, modern(2, "tools/list")), said.append)
    quiet.log("emergency", "x")
    quiet.progress(1, 2, "")
    assert len(said) == 2


def test_a_voice_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.protocol.mcp.telling.PROGRESS_MAX", 3)
    said: list[bytes] = []
    voice = Voice(started(Connection(wire.server(), Caller()), modern(1, "tools/call", meta={"progressToken": 1}, name="x")), said.append)
    for step in range(9):
        voice.progress(step, None, "")
    assert len(said) == 3


def test_which_jobs_may_say_something_first() -> None:
    modern_job = started(Connection(wire.server(), Caller()), modern(1, "tools/call", {"elicitation": {}}, name="x"))
    assert not modern_job.wants_stream
    greeted = wire.opened(capabilities={"elicitation": {}})
    (job,) = greeted.connection.receive(line(old(1, "tools/call", name="x")))
    assert isinstance(job, Job)
    assert job.wants_stream
    (listed,) = greeted.connection.receive(line(old(2, "tools/list")))
    assert isinstance(listed, Job)
    assert (listed.wants_stream, listed.name) == (False, "")


def test_a_mismatch_of_headers_as_an_answer() -> None:
    found = header_mismatch(None, "Mcp-Name")
    assert (json.loads(found.data), found.status) == ({"jsonrpc": "2.0", "error": {"code": -32020, "message": "Header mismatch: Mcp-Name"}}, 400)


# -- tasks, which are served in no era. Spec: mcp-front J-4


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel", "tasks/update"])
def test_no_era_has_tasks(method: str) -> None:
    assert wire.opened().ask(wire.old(1, method, taskId="t"))["error"]["code"] == -32601
    extension = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    assert Wire(wire.server()).ask(wire.modern(1, method, extension, taskId="t"))["error"]["code"] == -32601


def test_a_call_that_asks_to_be_a_task_is_answered_when_it_is_done() -> None:
    client = Wire(wire.server())
    extension = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
    found = client.ask(wire.modern(1, "tools/call", extension, name="demo__add", arguments={"a": 2, "b": 3}, task={"ttl": 60_000}))
    assert (found["result"]["structuredContent"], found["result"]["resultType"]) == ({"sum": 5}, "complete")
    older = wire.opened().ask(wire.old(1, "tools/call", name="demo__add", arguments={"a": 2, "b": 3}, task={"ttl": 60_000}))
    assert (older["result"]["structuredContent"], "task" in older["result"]) == ({"sum": 5}, False)
    assert "tasks" not in json.dumps(client.ask(wire.modern(2, "server/discover"))["result"])
