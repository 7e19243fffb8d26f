"""The way to the host: what is asked, what comes back, and what happens where there is no host."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
import threading
import types
import urllib.error
import urllib.request
from typing import Any

import pytest

import mpp_sdk
from mpp_sdk import _clients, _host, http, kv, log, progress, secret, tool
from mpp_sdk.errors import BadRequest, host_error, HostError, NetworkError, NotDeclared, NotGranted, QuotaExceeded, TimedOut, TooLarge, Unavailable
from mpp_sdk.testing import ArgumentsRefused, Bench, Reply, Request


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("bad_request", BadRequest), ("unknown_method", BadRequest), ("not_declared", NotDeclared), ("not_granted", NotGranted), ("quota", QuotaExceeded),
        ("too_large", TooLarge), ("timeout", TimedOut), ("deadline", TimedOut), ("connect", NetworkError), ("tls", NetworkError), ("redirect", NetworkError),
        ("unavailable", Unavailable), ("never_heard_of", Unavailable),
    ],
)  # fmt: skip
def test_each_code_has_its_class(code: str, kind: type[HostError]) -> None:
    found = host_error(code, "words")
    assert (type(found), found.code, str(found)) == (kind, code, f"{code}: words")
    assert isinstance(host_error("timeout", ""), TimeoutError)
    assert isinstance(host_error("tls", ""), ConnectionError)


def test_without_a_host_there_is_a_clear_word(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HostError, match=r"there is no host here: run the tool in a package, or in a test with mpp_sdk\.testing"):
        kv.get("a")
    log.warning("é")
    progress(1, 2, "half")
    assert capfd.readouterr().err == "warning: é\n"


def test_the_module_of_the_layer_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def call(request: bytes) -> bytes:
        asked.append(json.loads(request))
        return b'{"result":{"value":"AQI="}}'

    monkeypatch.setitem(sys.modules, "_mpp", types.SimpleNamespace(call=call))
    monkeypatch.setattr(sys, "builtin_module_names", (*sys.builtin_module_names, "_mpp"))
    monkeypatch.setattr(_host, "_chosen", None)
    assert kv.get("ключ") == b"\x01\x02"
    assert asked == [{"method": "kv.get", "params": {"key": "ключ"}}]

    def broken(request: bytes) -> bytes:
        raise OSError("host call: there is no host to call")

    monkeypatch.setattr(_host, "_chosen", broken)
    with pytest.raises(Unavailable, match="no host to call"):
        kv.get("a")


def test_the_file_of_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other end reads one line, and answers in two pieces with a line that is longer than one read."""
    ours, theirs = socket.socketpair()
    asked: list[bytes] = []
    long = json.dumps({"result": {"value": "QUFB" * 200_000}}).encode() + b"\n"

    def serve() -> None:
        with theirs, theirs.makefile("rb") as lines:
            asked.append(lines.readline())
            theirs.sendall(long[:5])
            theirs.sendall(long[5:])

    thread = threading.Thread(target=serve)
    thread.start()
    monkeypatch.setattr(_host.os, "open", lambda path, flags: ours.detach())
    assert kv.get("a") == b"AAA" * 200_000
    thread.join(10)
    assert asked == [b'{"method":"kv.get","params":{"key":"a"}}\n']


def test_a_host_that_breaks_off_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(writing)
    monkeypatch.setattr(_host.os, "open", lambda path, flags: reading)
    monkeypatch.setattr(_host.os, "write", lambda channel, data: len(data))
    with pytest.raises(HostError, match="broke off"):
        kv.get("a")


def test_half_a_character_never_leaves() -> None:
    with Bench(), pytest.raises(BadRequest):
        kv.set("\ud800", "x")


def test_kv_of_a_test() -> None:
    with Bench(kv={"a": "1", "é": b"\xff"}, kv_max_bytes=200) as bench:
        assert (kv.get("a"), kv.get("é"), kv.get("gone"), kv.get_json("a"), kv.get_json("gone", 3)) == (b"1", b"\xff", None, 1, 3)
        assert kv.set("a", "2", expect="1") is True
        assert kv.set("a", "3", expect=b"1") is False
        assert kv.set("b", "x", expect=None) is True
        assert kv.set("b", "x", expect=None) is False
        kv.set_json("c", {"é": 1})
        assert bench.store()["c"] == '{"é":1}'.encode()
        assert (kv.delete("b"), kv.delete("b")) == (True, False)
        assert kv.list() == ("a", "c", "é")
        page = kv.page(limit=1)
        assert (page.keys, page.more) == (("a",), True)
        assert kv.list("c") == ("c",)
        assert tuple(kv.keys()) == ("a", "c", "é")
        with pytest.raises(QuotaExceeded):
            kv.set("d", "x" * 200)
        with pytest.raises(TooLarge):
            kv.get("k" * 513)
        with pytest.raises(BadRequest):
            kv.get("a\0")
    with Bench(kv=None), pytest.raises(NotDeclared):
        kv.get("a")


def test_tools_have_keys_of_their_own_and_one_space_together() -> None:
    @tool
    def save(value: str, shared: bool) -> str:
        """Saves."""
        kv.set("key", value, shared=shared)
        return kv.get("key", shared=shared).decode()

    @tool
    def load(shared: bool) -> str:
        """Loads."""
        found = kv.get("key", shared=shared)
        return f"{found} {kv.list(shared=shared)} {list(kv.keys(shared=shared))} {kv.get_json('n', shared=shared)} {kv.delete('key', shared=shared)}"

    with Bench(kv={"n": "1"}, shared={"n": "2"}, kv_max_bytes=60) as bench:
        bench.call(save, value="own", shared=False)
        bench.call(save, value="all", shared=True)
        assert bench.call(load, shared=False).text == "None ('n',) ['n'] 1 False"
        assert bench.call(load, shared=True).text == "b'all' ('key', 'n') ['key', 'n'] 2 True"
        assert (bench.store(save), bench.store("load"), bench.shared) == ({"n": b"1", "key": b"own"}, {"n": b"1"}, {"n": b"2"})
        # What may be stored is one limit for all of it, and what did not fit changed nothing.
        assert bench.call(save, value="x" * 60, shared=False).text.startswith("quota: ")
        assert bench.store(save)["key"] == b"own"


def test_keys_come_page_by_page() -> None:
    with Bench(kv={f"{number:05}": "" for number in range(2_500)}, kv_max_bytes=10_000_000):
        assert len(tuple(kv.keys())) == 2_500


def test_http_of_a_test() -> None:
    def echo(request: Request) -> Reply:
        return Reply(201, body=request.body, headers={"Content-Type": "text/plain; charset=latin-1"})

    with Bench(
        routes={"GET https://a.example/x": Reply(json_body={"é": [1]}), "POST https://a.example/x": echo, "https://a.example/gone": Reply(404)}
    ) as bench:
        found = http.get("https://a.example/x", params={"q": "a b", "none": None}, headers={"X": "1"}, timeout=0.5)
        assert (found.status, found.ok, found.json(), found.header("CONTENT-TYPE"), found.url) == (
            200, True, {"é": [1]}, "application/json", "https://a.example/x?q=a+b",
        )  # fmt: skip
        assert http.post("https://a.example/x", json={"a": 1}).text == '{"a":1}'
        assert http.post("https://a.example/x", body=b"\xe9").text == "é"
        with pytest.raises(http.StatusError, match="answered 404"):
            http.get("https://a.example/gone").raise_for_status()
        with pytest.raises(NotDeclared):
            http.delete("https://b.example/")
        assert [request.method for request in bench.requests] == ["GET", "POST", "POST", "GET", "DELETE"]
        assert bench.requests[0].headers == (("X", "1"),)
        assert bench.requests[1].headers == (("Content-Type", "application/json"),)


def test_a_secret_is_a_reference_and_only_in_headers() -> None:
    with Bench(routes={"https://a.example/": Reply()}) as bench:
        http.get("https://a.example/", headers={"Authorization": f"Bearer {secret('CRM')}", "Accept": "x"})
        assert bench.requests[0].headers == (("Accept", "x"),)
        for options in ({"body": f"key={secret('CRM')}"}, {"params": {"key": secret("CRM")}}, {"json": {"key": secret("CRM")}}):
            with pytest.raises(BadRequest, match="never in an address or a body"):
                http.post("https://a.example/", **options)
        with pytest.raises(BadRequest):
            http.get(f"https://a.example/?key={secret('CRM')}")
    assert (secret("A-b_1"), secret("A").name) == ("{mpp-secret:A-b_1}", "A")
    with pytest.raises(ValueError, match="no name of a secret"):
        secret("a b")


def test_urllib_goes_through_the_host_where_there_is_one() -> None:
    routes = {"https://a.example/x": Reply(200, body="é", headers={"X-One": "1", "Content-Length": "99"}), "https://a.example/gone": Reply(404, body="none")}
    routes["https://a.example/moved"] = Reply(302, headers={"Location": "https://a.example/x"})
    made = http.opener()
    with Bench(routes=routes) as bench:
        with made.open(urllib.request.Request("https://a.example/x", data=b"d", headers={"User-Agent": "me", "X-Two": "2"}), timeout=3) as found:
            assert (found.status, found.read().decode(), found.headers["x-one"], found.headers["content-length"], found.geturl()) == (
                200, "é", "1", None, "https://a.example/x",
            )  # fmt: skip
        assert made.open("https://a.example/moved").read().decode() == "é"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            made.open("https://a.example/gone")
        with pytest.raises(urllib.error.URLError, match="not_declared"):
            made.open("https://b.example/")
        assert bench.requests[0].method == "POST"
        assert dict(bench.requests[0].headers) == {"Content-type": "application/x-www-form-urlencoded", "User-agent": "me", "X-two": "2"}


def test_clients_that_were_imported_are_changed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = urllib.request._opener
    monkeypatch.delattr(urllib.request, "__mpp__", raising=False)
    try:
        mpp_sdk.prepare()
        first = urllib.request._opener
        mpp_sdk.prepare()
        assert first is urllib.request._opener is not before
        with Bench(routes={"https://a.example/": Reply(body="through")}):
            assert urllib.request.urlopen("https://a.example/").read() == b"through"
    finally:
        urllib.request._opener = before


class FakeRequests:
    """As much of requests as the adapter touches; the tests of the ten servers meet httpx itself."""

    def __init__(self) -> None:
        exceptions = types.SimpleNamespace(
            Timeout=type("Timeout", (Exception,), {"__init__": lambda self, *a, **k: None}),
            ConnectionError=type("ConnectionError", (Exception,), {"__init__": lambda self, *a, **k: None}),
        )
        self.module = types.ModuleType("requests")
        self.module.exceptions = exceptions
        self.module.Response = type("Response", (), {})
        self.module.utils = types.SimpleNamespace(get_encoding_from_headers=lambda headers: "utf-8")
        self.adapters = types.ModuleType("requests.adapters")
        self.adapters.BaseAdapter = object
        self.adapters.HTTPAdapter = type("HTTPAdapter", (), {"send": lambda self, request, **options: "theirs"})
        self.structures = types.ModuleType("requests.structures")
        self.structures.CaseInsensitiveDict = dict


def test_requests_goes_through_the_host_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeRequests()
    for name, module in (("requests", fake.module), ("requests.adapters", fake.adapters), ("requests.structures", fake.structures)):
        monkeypatch.setitem(sys.modules, name, module)
    _clients.install()
    request = types.SimpleNamespace(method="POST", url="https://a.example/", headers={"A": "1", "Host": "x"}, body=io.BytesIO(b"d"))
    adapter = fake.adapters.HTTPAdapter()
    assert adapter.send(request) == "theirs"
    with Bench(routes={"https://a.example/": Reply(201, body="é")}) as bench:
        found = adapter.send(request, timeout=(1, 2))
        assert (found.status_code, found.raw.read().decode(), bench.requests[0].body, bench.requests[0].headers) == (201, "é", b"d", (("A", "1"),))
        request.url = "https://b.example/"
        with pytest.raises(fake.module.exceptions.ConnectionError):
            adapter.send(request)


def test_questions_end_the_call_and_come_back_as_arguments() -> None:
    @tool(asks=["sure", "words"])
    def remove(path: str) -> str:
        """Removes."""
        found = mpp_sdk.ask_all(
            {
                "sure": lambda name: mpp_sdk.ask(name, "Sure?", {"really": bool, "why": {"type": "string"}}),
                "words": lambda name: mpp_sdk.ask_model(name, "Say it", system="Short"),
            }
        )
        return f"{path} {found['sure'].get('really')} {bool(found['sure'])} {found['words']}"

    with Bench() as bench:
        result = bench.call(remove, path="a")
        assert set(result.questions) == {"sure", "words"}
        assert result.questions["sure"]["params"]["requestedSchema"] == {
            "type": "object", "properties": {"really": {"type": "boolean"}, "why": {"type": "string"}}, "required": ["really", "why"],
        }  # fmt: skip
        bench.answer("sure", {"really": True})
        bench.answer_as("words", {"role": "assistant", "content": {"type": "text", "text": "done"}})
        assert bench.call(remove, path="a").text == "a True True done"
        bench.answer("sure", action="decline")
        assert bench.call(remove, path="a").text == "a None False done"
        assert [name for name, _ in bench.asked].count("sure") == 3


def test_questions_that_are_wrong_are_defects_of_the_tool() -> None:
    @tool
    def undeclared() -> str:
        """Asks."""
        return str(mpp_sdk.ask("sure", "Sure?"))

    @tool(asks=["a"])
    def odd(kind: str) -> str:
        """Asks."""
        return str(mpp_sdk.ask("a", "What?", {"x": complex}))

    @tool(asks=["where"])
    def folders() -> list[str]:
        """Asks."""
        return [one["uri"] for one in mpp_sdk.ask_folders("where")]

    with Bench() as bench:
        assert bench.call("undeclared").error["code"] == -32_603
        assert bench.call("odd", kind="x").error["code"] == -32_603
        assert bench.call("folders").questions == {"where": {"method": "roots/list", "params": {}}}
        bench.answer_as("where", {"roots": [{"uri": "file:///a"}]})
        assert bench.call("folders").structured == {"result": ["file:///a"]}
        with pytest.raises(ArgumentsRefused, match="/kind is not of type string"):
            bench.call("odd", kind=1)
    with pytest.raises(RuntimeError, match="no call under way"):
        mpp_sdk.ask("a", "b")


def test_a_bench_records_and_hides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THIS_MACHINE", "x")

    @tool
    def look(name: str, context: mpp_sdk.Context) -> str:
        """Looks."""
        log.info(f"looking at {name}")
        progress(1)
        progress(2, 3, "more")
        return f"{os.environ.get(name)} {context.user} {context.token('https://a.example')}"

    with Bench(env={"MINE": "y"}, user="ada") as bench:
        assert bench.call("look", name="OF_THIS_MACHINE").text == "None ada test-token-for https://a.example"
        assert bench.call("look", name="MINE").text.startswith("y ")
        assert bench.logs == [("info", "looking at OF_THIS_MACHINE"), ("info", "looking at MINE")]
        assert bench.progress[:2] == [(1, None, ""), (2, 3, "more")]
        assert mpp_sdk.context.get("https://a.example")["token"] == "test-token-for https://a.example"
        with pytest.raises(BadRequest):
            _host.call("no.method", {})
    assert os.environ["OF_THIS_MACHINE"] == "x"


def test_a_bench_holds_a_tool_to_its_returns_and_its_calls() -> None:
    @tool
    def wrong() -> dict[str, int]:
        """Gives."""
        return {"a": "b"}

    @tool
    def busy() -> int:
        """Asks often."""
        for number in range(20_000):
            kv.get(str(number))
        return 1

    with Bench() as bench:
        with pytest.raises(AssertionError, match="the host would refuse the answer of 'wrong': /a is not of type integer"):
            bench.call(wrong)
        assert bench.call("busy").text.startswith("quota: ")
