# ruff: noqa: ICN001, PYI061, DTZ001, T201 - signatures and prints as authors of tools write them
"""What comes of a call: arguments into types, answers into content, faults into words."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, NotRequired, TypedDict

import pytest

import mpp_sdk
from mpp_sdk import serving, tool
from tests.unit.sdk_python.conftest import SDK


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Node:
    name: str
    kids: list[Node] = dataclasses.field(default_factory=list)
    when: datetime.date | None = None


class Options(TypedDict):
    a: int
    b: NotRequired[str]


class Point(NamedTuple):
    x: int
    y: int = 0


UserId = NewType("UserId", int)


def reply_to(name: str, /, **arguments: Any) -> dict[str, Any]:
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}})
    return json.loads(serving.answer(line.encode()))


def said(name: str, /, **arguments: Any) -> str:
    return reply_to(name, **arguments)["result"]["content"][0]["text"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (str, "é", "é"),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (None, None, None),
        (Any, [1, {"a": None}], [1, {"a": None}]),
        (int | None, None, None),
        (int | str, "3", "3"),
        (float | str, 3, 3.0),
        (str | list[str], ["a"], ["a"]),
        (Literal["a", 1, None], 1, 1),
        (Color, "blue", Color.BLUE),
        (list[int], [1, 2], [1, 2]),
        (Sequence[int], [1], [1]),
        (tuple[int, str], [1, "a"], (1, "a")),
        (tuple[int, ...], [1, 2, 3], (1, 2, 3)),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[int], [1], frozenset({1})),
        (dict[str, int], {"a": 1}, {"a": 1}),
        (Mapping[str, list[int]], {"a": [1]}, {"a": [1]}),
        (dict[int, str], {"1": "a"}, {1: "a"}),
        (list, [1, "a"], [1, "a"]),
        (dict, {"a": 1}, {"a": 1}),
        (Node, {"name": "a", "kids": [{"name": "b", "when": "2026-01-02"}]}, Node("a", [Node("b", when=datetime.date(2026, 1, 2))])),
        (Options, {"a": 1}, {"a": 1}),
        (Point, [1, 2], Point(1, 2)),
        (Point, {"x": 1}, Point(1)),
        (UserId, 3, 3),
        (Annotated[int, "words"], 3, 3),
        (bytes, "AQI=", b"\x01\x02"),
        (datetime.datetime, "2026-01-02T03:04:05", datetime.datetime(2026, 1, 2, 3, 4, 5)),
        (uuid.UUID, "12345678123456781234567812345678", uuid.UUID("12345678-1234-5678-1234-567812345678")),
        (Decimal, 1.5, Decimal("1.5")),
        (Path, "a/b", Path("a/b")),
    ],
)
def test_arguments_become_their_types(kind: Any, given: Any, expected: Any) -> None:
    got: list[Any] = []

    def take(value) -> None:
        got.append(value)

    take.__annotations__["value"] = kind
    tool(take)
    assert reply_to("take", value=given) == {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "isError": False}}
    assert got == [expected]
    assert type(got[0]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (str, 3, "the argument 'value' must be a text, not an integer"),
        (int, True, "must be an integer, not true or false"),
        (int, 1.5, "must be an integer"),
        (bool, 1, "must be true or false"),
        (float, "1", "must be a number, not a text"),
        (int | str, None, "not null"),
        (Literal["a", "b"], "c", 'must be one of "a", "b"'),
        (Literal[1], True, "must be one of 1"),
        (Color, "green", 'must be one of "red", "blue"'),
        (list[int], [1, "x"], "the argument 'value/1' must be an integer"),
        (dict[str, int], {"a": "x"}, "the argument 'value/a' must be"),
        (tuple[int, str], [1], "must be a list of 2"),
        (Node, {"kids": []}, "the argument 'value/name' is missing"),
        (Node, {"name": "a", "kids": [{"name": 1}]}, "the argument 'value/kids/0/name' must be a text"),
        (Node, {"name": "a", "x": 1}, "the argument 'value/x' is not known"),
        (Options, {"b": "x"}, "the argument 'value/a' is missing"),
        (Point, [1, 2, 3], "has more than 2 items"),
        (bytes, "AQ", "is no base64"),
        (bytes, "AR==", "is no base64"),
        (datetime.date, "tomorrow", "is no date"),
        (Decimal, "x", "is no Decimal"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(kind: Any, given: Any, words: str) -> None:
    def take(value) -> None: ...

    take.__annotations__["value"] = kind
    tool(take)
    result = reply_to("take", value=given)["result"]
    assert result["isError"] is True
    assert words in result["content"][0]["text"]


def test_unknown_and_missing_arguments_are_refused() -> None:
    @tool
    def take(a: int, *, b: str = "x") -> str:
        return f"{a}{b}"

    assert said("take", a=1) == "1x"
    assert said("take", a=1, b="y") == "1y"
    assert said("take") == "the argument 'a' is missing"
    assert said("take", a=1, c=2) == "the argument 'c' is not known; the tool 'take' takes a, b"


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (None, {"content": []}),
        ("é\n", {"content": [{"type": "text", "text": "é\n"}]}),
        ({"a": 1}, {"content": [{"type": "text", "text": '{"a":1}'}], "structuredContent": {"a": 1}}),
        ([1, 2], {"content": [{"type": "text", "text": "[1,2]"}]}),
        (Node("a"), {"content": [{"type": "text", "text": '{"name":"a","kids":[],"when":null}'}], "structuredContent": {"name": "a", "kids": [], "when": None}}),
        (Color.RED, {"content": [{"type": "text", "text": '"red"'}]}),
        ({"c": Color.RED, "s": {"b", "a"}, "d": datetime.date(2026, 1, 2), "b": b"\x01", "n": Decimal("1.5")},
         {"content": [{"type": "text", "text": '{"c":"red","s":["a","b"],"d":"2026-01-02","b":"AQ==","n":"1.5"}'}],
          "structuredContent": {"c": "red", "s": ["a", "b"], "d": "2026-01-02", "b": "AQ==", "n": "1.5"}}),
        (mpp_sdk.Image(b"\x01"), {"content": [{"type": "image", "data": "AQ==", "mimeType": "image/png"}]}),
        (["a", mpp_sdk.Text("b")], {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        (mpp_sdk.Structured({"a": 1}, "words"), {"content": [{"type": "text", "text": "words"}], "structuredContent": {"a": 1}}),
        (mpp_sdk.ToolResponse.success("a"), {"content": [{"type": "text", "text": "a"}]}),
        (mpp_sdk.ToolResponse({"a": 1}, meta={"k": 1}), {"content": [{"type": "text", "text": '{"a":1}'}], "structuredContent": {"a": 1}, "_meta": {"k": 1}}),
    ],
)  # fmt: skip
def test_answers_of_all_kinds(answer: Any, result: dict[str, Any]) -> None:
    @tool
    def give() -> Any:
        return answer

    assert reply_to("give")["result"] == {**result, "isError": False}


def test_an_answer_that_is_no_object_is_wrapped_where_its_type_says_so() -> None:
    @tool
    def count() -> int:
        return 3

    @tool
    def names() -> list[str]:
        return ["a"]

    assert reply_to("count")["result"] == {"content": [{"type": "text", "text": "3"}], "structuredContent": {"result": 3}, "isError": False}
    assert reply_to("names")["result"]["structuredContent"] == {"result": ["a"]}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"a": 2**64}, "give it back as a text"),
        ({"a": -(2**63) - 1}, "give it back as a text"),
        ("x" * 4_194_304, "more than"),
        (["x", *[mpp_sdk.Text("a")] * 256], "at most 256 items"),
    ],
)
def test_answers_that_no_host_would_take_are_faults_with_words(answer: Any, words: str) -> None:
    @tool
    def give() -> Any:
        return answer

    result = reply_to("give")["result"]
    assert result["isError"] is True
    assert words in result["content"][0]["text"]


def test_long_numbers_in_texts_are_no_numbers() -> None:
    @tool
    def give() -> Any:
        return {"text": "99999999999999999999", "most": 2**64 - 1}

    assert reply_to("give")["result"]["structuredContent"] == {"text": "99999999999999999999", "most": 2**64 - 1}


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (ValueError("secret of the author"), "the tool failed (ValueError); its log lines say where"),
        (SystemExit(3), "the tool ended itself before it had answered"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_a_defect_is_a_reply_error_and_its_words_go_to_the_log(raised: BaseException, words: str) -> None:
    @tool
    def broken() -> str:
        raise raised

    log = io.StringIO()
    with redirect_stderr(log):
        reply = reply_to("broken")
    assert reply["error"]["code"] == -32_603
    assert words in reply["error"]["message"]
    assert "secret of the author" not in json.dumps(reply)
    assert "in broken" in log.getvalue()


def test_endless_recursion_is_a_defect_like_others() -> None:
    @tool
    def deep() -> str:
        def down() -> str:
            return down()

        return down()

    log = io.StringIO()
    with redirect_stderr(log):
        assert reply_to("deep")["error"]["code"] == -32_603


def test_an_exception_whose_text_raises_is_answered_too() -> None:
    class Sick(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    @tool
    def broken() -> str:
        raise Sick

    with redirect_stderr(io.StringIO()):
        assert reply_to("broken")["error"]["message"].startswith("the tool failed (Sick)")


def test_values_that_do_not_travel_are_a_defect() -> None:
    @tool
    def give() -> Any:
        return {"a": object()}

    @tool
    def nan() -> Any:
        return {"a": float("nan")}

    log = io.StringIO()
    with redirect_stderr(log):
        assert reply_to("give")["error"]["code"] == -32_603
        assert reply_to("nan")["error"]["code"] == -32_603
    assert "a object cannot be given back" in log.getvalue()


def test_prints_go_to_the_log_and_standard_output_comes_back() -> None:
    @tool
    def noisy() -> str:
        print("noise")
        sys.stdout.write("more")
        return "answer"

    before, log = sys.stdout, io.StringIO()
    with redirect_stderr(log):
        assert said("noisy") == "answer"
    assert log.getvalue() == "noise\nmore"
    assert sys.stdout is before


def test_a_tool_that_closes_or_replaces_the_streams_still_answers() -> None:
    @tool
    def mean() -> str:
        sys.stdout = None
        sys.stderr = io.StringIO()
        sys.stderr.close()
        return "answer"

    before = sys.stderr
    try:
        assert said("mean") == "answer"
    finally:
        sys.stderr = before


def test_async_tools_with_and_without_asyncio() -> None:
    @tool
    async def plain() -> str:
        async def inner() -> str:
            return "a"

        return await inner() + await inner()

    @tool
    async def waits() -> list[int]:
        async def one(value: int) -> int:
            await asyncio.sleep(0.001 * (3 - value))
            return value

        return list(await asyncio.gather(*(one(value) for value in range(3))))

    @tool
    async def threads() -> int:
        return await asyncio.to_thread(len, "abc")

    @tool
    async def late() -> str:
        try:
            await asyncio.wait_for(asyncio.sleep(5), 0.001)
        except TimeoutError:
            return "late"
        return "never"

    mpp_sdk.prepare()
    assert [said("plain"), said("waits"), said("threads"), said("late")] == ["aa", "[0,1,2]", "3", "late"]


def test_a_tool_that_waits_for_nothing_says_so() -> None:
    @tool
    async def stuck() -> str:
        await asyncio.Event().wait()
        return "never"

    log = io.StringIO()
    with redirect_stderr(log):
        assert reply_to("stuck")["error"]["code"] == -32_603
    assert "nothing in this process can bring about" in log.getvalue()


def test_forward_names_are_read_when_they_are_known() -> None:
    space: dict[str, Any] = {"tool": tool}
    exec("@tool\ndef f(a: 'Later') -> str:\n    return a.x\n", space)
    exec("import dataclasses\n@dataclasses.dataclass\nclass Later:\n    x: str\n", space)
    assert said("f", a={"x": "y"}) == "y"


def test_two_tools_of_one_name_are_refused() -> None:
    @tool(name="same")
    def one() -> str:
        return ""

    with pytest.raises(ValueError, match="two tools with the name 'same'"):

        @tool(name="same")
        def two() -> str:
            return ""


def test_decorators_and_methods_keep_their_signature() -> None:
    import functools

    def logged(fn: Any) -> Any:
        @functools.wraps(fn)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return "<" + fn(*args, **kwargs) + ">"

        return inner

    @tool
    @logged
    def wrapped(a: int, b: str = "x") -> str:
        return f"{a}{b}"

    class Service:
        def method(self, a: int) -> str:
            return str(a)

    tool(Service().method)
    assert said("wrapped", a=1) == "<1x>"
    assert said("method", a=2) == "2"


def test_one_handler_for_all_tools() -> None:
    @mpp_sdk.tool_handler
    def handle(request: mpp_sdk.ToolRequest) -> mpp_sdk.ToolResponse:
        if request.tool == "no":
            return mpp_sdk.ToolResponse.error("not this one")
        if request.tool == "never":
            return mpp_sdk.ToolResponse.reject(-1, "no", {"a": 1})
        return mpp_sdk.ToolResponse.success({"tool": request.tool, "arguments": request.arguments})

    assert reply_to("any", a=1)["result"]["structuredContent"] == {"tool": "any", "arguments": {"a": 1}}
    assert reply_to("no")["result"] == {"content": [{"type": "text", "text": "not this one"}], "isError": True}
    assert reply_to("never")["error"] == {"code": -1, "message": "no", "data": {"a": 1}}


def test_the_context_is_that_of_the_line() -> None:
    seen: list[Any] = []

    @tool
    def who(context: mpp_sdk.Context, other: mpp_sdk.Context | None = None) -> str:
        seen.append((context.agent.name, context.agent.is_verified, context.user, context.invocation, context.package.id, other.tool if other else ""))
        assert mpp_sdk.context.current().user == context.user
        return repr(context)

    meta = {"agent": {"name": "bot", "proof": "signed"}, "user": "ada", "invocation": "00", "package": {"id": "a.b"}, "tool": "who", "unknown": 1}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "who", "_meta": meta}})
    serving.answer(line.encode())
    assert seen == [("bot", True, "ada", "00", "a.b", "who")]
    with pytest.raises(RuntimeError, match="no call under way"):
        mpp_sdk.context.current()


def test_a_process_reads_one_line_and_writes_one(tmp_path: Path) -> None:
    module = tmp_path / "one.py"
    module.write_text(
        "import mpp_sdk\n@mpp_sdk.tool\ndef f(a: str) -> str:\n    'F'\n    print('noise')\n    return a\nif __name__ == '__main__':\n    raise SystemExit(mpp_sdk.serve())\n"
    )
    line = json.dumps({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": "f", "arguments": {"a": "ü" * 70_000}}}, ensure_ascii=False)
    done = subprocess.run([sys.executable, module], input=line.encode() + b"\n", capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert (done.returncode, done.stderr, done.stdout.count(b"\n")) == (0, b"noise\n", 1)
    assert json.loads(done.stdout)["result"]["content"][0]["text"] == "ü" * 70_000
    empty = subprocess.run([sys.executable, module], input=b"", capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert (empty.returncode, json.loads(empty.stdout)["error"]["code"]) == (0, -32_700)
    long = subprocess.run([sys.executable, module], input=b"[" * 1_200_000, capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert (long.returncode, json.loads(long.stdout)["error"]["code"]) == (0, -32_600)


def test_importing_is_light() -> None:
    """What a small tool loads. Attack on oneself: a helper that pulls asyncio or inspect into every image."""
    code = "import sys; import mpp_sdk; print(sorted({'asyncio', 'inspect', 'dataclasses', 'socket', 'ssl', 'urllib.request', 'traceback', 'ast'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, env={"PYTHONPATH": str(SDK)}, timeout=60, check=False)
    assert done.stdout.strip() == b"[]", done.stderr.decode()


def test_every_name_of_the_door_is_there() -> None:
    for name in mpp_sdk.__all__:
        assert getattr(mpp_sdk, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        mpp_sdk.nothing  # noqa: B018
    assert os.path.exists(os.path.join(os.path.dirname(mpp_sdk.__file__), "py.typed"))
