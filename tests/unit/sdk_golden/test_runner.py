"""The runner of the golden set: what differs is found, whatever it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.model.jsontext import Json
from mpp.testing import golden as subject
from mpp.testing import tools
from mpp.testing.golden import difference, run_cases, run_sessions, Verdict
from mpp.testing.wasm import module
from tests.unit.sandbox import guests
from tools.golden import GOLDEN, golden_package, main, package_of_module, told

MANIFEST = (Path(GOLDEN) / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(1, 1.0), ([], []), ({"a": 1}, {"a": 1}), ({"$contains": "b"}, "abc"), (2**64 - 1, 2**64 - 1), (None, None), ("é", "é")],
)  # fmt: skip
def test_what_is_equal(wanted: Json, found: Json) -> None:
    assert difference(wanted, found, "") == ""


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (1, True), (0, False), (1, "1"), (2**64 - 1, float(2**64)), ([1], [1, 2]), ([1, 2], [2, 1]), ({"a": 1}, {"a": 2}), ({"a": 1}, {}), ({}, {"a": 1}),
        ({"$contains": "b"}, "ac"), ({"$contains": "1"}, 1), (None, False), ("e\u0301", "é"), ({}, []), ("x" * 500, "y" * 500),
    ],
)  # fmt: skip
def test_what_differs(wanted: Json, found: Json) -> None:
    assert difference(wanted, found, "/result") != ""


def test_errors_compare_what_the_case_names() -> None:
    assert difference({"code": 1}, {"code": 1, "message": "words of the SDK"}, "/error") == ""
    assert difference({"code": 1}, {"code": 1, "message": ""}, "/error") != ""
    assert difference({"code": 1}, {"code": 1}, "/error") == ""
    assert difference({"code": 1}, {"code": 1, "message": "a", "data": 1}, "/error") != ""
    assert difference({"code": 1, "message": "a"}, {"code": 1, "message": "b"}, "/error") != ""


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., str]:
    """A set of few cases."""

    def make(*cases: Json, sessions: Json = None) -> str:
        (tmp_path / "cases").mkdir()
        (tmp_path / "cases" / "all.json").write_text(json.dumps(cases))
        (tmp_path / "sessions.json").write_text(json.dumps(sessions or []))
        (tmp_path / "context.json").write_text('{"user": "ada"}')
        return str(tmp_path)

    return make


def verdicts(wasm: bytes, folder: str) -> list[str]:
    return [verdict.wrong for verdict in run_cases(golden_package(package_of_module(wasm, MANIFEST)), folder)]


def case(**more: Json) -> Json:
    return {"name": "one", "tool": "echo", "arguments": {}, "reply": {"result": {"content": [{"type": "text", "text": "Hello!"}]}}, **more}


def test_a_tool_that_answers_as_wanted(small: Callable[..., str]) -> None:
    assert verdicts(tools.greeting(), small(case(), case(name="two", line_base64=base64.b64encode(b"{}").decode()))) == ["", ""]


def test_what_may_be_left_out_is_left_out(small: Callable[..., str]) -> None:
    answer = tools.answering({"content": [{"type": "text", "text": "Hello!"}], "isError": False, "resultType": "complete"})
    assert verdicts(answer, small(case())) == [""]


@pytest.mark.parametrize(
    ("wasm", "words"),
    [
        (tools.greeting("Bye!"), '/result/content/0/text: wanted "Hello!"'),
        (tools.saying(b"{}\n{}\n"), "more than one line"),
        (tools.saying(b'{"a":1,"a":2}'), "the same key twice"),
        (tools.saying(b"Hello!"), "no JSON"),
        (tools.saying(b"[]"), "wanted"),
        (guests.guest(guests.TRAP), "tool.trap"),
        (guests.guest(guests.EXIT_7), "exit code 7"),
        (module(), "no JSON"),
    ],
)
def test_a_tool_that_does_not(small: Callable[..., str], wasm: bytes, words: str) -> None:
    (wrong,) = verdicts(wasm, small(case()))
    assert words in wrong


def test_words_on_standard_error_that_are_missing(small: Callable[..., str]) -> None:
    (wrong,) = verdicts(tools.greeting(), small(case(stderr="a note")))
    assert "does not hold 'a note'" in wrong


CALL = {"method": "kv.get", "params": {"key": "a"}, "result": {"value": None}}


def _escaped(raw: bytes) -> str:
    return "".join(f"\\{byte:02x}" for byte in raw)


def asking(*requests: Json) -> bytes:
    """A guest that makes these host calls and then greets."""
    reply = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"type": "text", "text": "Hello!"}]}}).encode()
    data, body = [(4096, reply)], ""
    for number, request in enumerate(requests):
        text = json.dumps(request).encode()
        data.append((8192 + 512 * number, text))
        body += f"(drop (call $call (i32.const {8192 + 512 * number}) (i32.const {len(text)}) (i32.const 70000) (i32.const 50000)))"
    more = "".join(f'(data (i32.const {at}) "{_escaped(raw)}")' for at, raw in data)
    return guests.guest(f"{body} (call $say (i32.const 1) (i32.const 4096) (i32.const {len(reply)}))", more=more)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([{"method": "kv.get", "params": {"key": "a"}}], ""),
        ([], "no call of kv.get"),
        ([{"method": "kv.get", "params": {"key": "b"}}], 'kv.get params/key: wanted "a"'),
        ([{"method": "kv.delete", "params": {"key": "a"}}], "called kv.delete in place of kv.get"),
        ([{"method": "kv.get", "params": {"key": "a"}}] * 2, "one call too many: kv.get"),
    ],
)
def test_host_calls_are_compared(small: Callable[..., str], made: list[Json], words: str) -> None:
    (wrong,) = verdicts(asking(*made), small(case(host=[CALL])))
    assert (words in wrong) if words else (wrong == "")


def test_a_refusal_of_the_script_is_one_for_the_tool(small: Callable[..., str]) -> None:
    refused = {"method": "log", "params": {}, "error": {"code": "quota", "message": "no"}}
    assert verdicts(asking({"method": "log", "params": {}}), small(case(host=[refused]))) == [""]


def test_sessions_run_against_real_services(small: Callable[..., str]) -> None:
    calls = [case(), {**case(), "reply": {"result": {"content": []}}}]  # type: ignore[dict-item]
    folder = small(sessions=[{"name": "two calls", "calls": calls}])
    (verdict,) = run_sessions(golden_package(package_of_module(asking({"method": "kv.list", "params": {}}), MANIFEST)), folder)
    assert verdict.name == "session: two calls"
    assert verdict.wrong.startswith("call 2: /result/content")


def test_a_set_of_another_form_is_told() -> None:
    with pytest.raises(TypeError):
        subject._object([])
    with pytest.raises(TypeError):
        subject._list({})


def test_what_went_wrong_is_said_and_counted() -> None:
    said: list[str] = []
    assert told(iter([Verdict(name="a", wrong="", seconds=0), Verdict(name="b", wrong="no", seconds=0)]), said.append) == (2, 1)
    assert said == ["b: no\n"]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.wasm"
    file.write_bytes(tools.greeting())
    assert main([str(file), "--wasm", "--only", "echo-null"]) == 1
    assert capsys.readouterr().out.endswith("0 of 1 cases\n")
    packed = tmp_path / "a.mpp"
    packed.write_bytes(package_of_module(tools.greeting(), MANIFEST))
    assert main([str(packed), "--only", "no case has this name"]) == 1
