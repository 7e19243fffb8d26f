# ruff: noqa: B008, RUF013 - signatures as servers have them
"""Servers of FastMCP: what is taken, what is asked, what becomes of prompts and resources."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import pytest

from mpp.host.static import static_of
from mpp.stages.gatekeeper import verify
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, signed, trusting
from mpp_sdk import fastmcp, serving
from mpp_sdk._tools import tools
from mpp_sdk.describe import definition
from mpp_sdk.fastmcp import Audio, Context, FastMCP, Image, Message, TextContent, ToolAnnotations, ToolError, UserMessage
from mpp_sdk.fastmcp._addresses import match
from mpp_sdk.fastmcp.static import static_content
from mpp_sdk.pydantic import BaseModel, Field
from mpp_sdk.testing import Bench
from tests.unit.sdk_python.conftest import ROOT


@pytest.fixture
def mcp() -> Iterator[FastMCP]:
    before = list(fastmcp.servers)
    fastmcp.servers.clear()
    yield FastMCP("test", host="127.0.0.1", port=8000)
    fastmcp.servers[:] = before


def test_a_tool_by_every_spelling(mcp: FastMCP) -> None:
    @mcp.tool
    def bare(a: int) -> int:
        """Bare"""
        return a

    @mcp.tool()
    def called(a: int) -> int:
        """Called"""
        return a

    @mcp.tool("by-name", annotations=ToolAnnotations(readOnlyHint=True, title="By name"))
    def named(a: int) -> int:
        """Named"""
        return a

    @mcp.tool(name="by_keyword", title="T", description="D", annotations={"destructiveHint": True, "title": "not this"})
    def other(a: int) -> int:
        return a

    mcp.add_tool(lambda a: a, name="lambda", description="L")
    assert bare(1) == called(1) == 1
    found = {name: definition(one) for name, one in tools.items()}
    assert {name: one["security_level"] for name, one in found.items()} == {
        "bare": "medium",
        "called": "medium",
        "by-name": "low",
        "by_keyword": "high",
        "lambda": "medium",
    }
    assert (found["by_keyword"]["title"], found["by_keyword"]["description"], found["by-name"]["title"]) == ("T", "D", "By name")
    assert found["lambda"]["parameters"] == {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def test_fields_are_defaults_and_words(mcp: FastMCP) -> None:
    @mcp.tool()
    def take(
        a: Annotated[int, Field(description="A", ge=1)],
        b: int = Field(default=5, le=9),
        c: str = Field(description="C"),
        d: str = None,
        e: list[int] = Field(default_factory=list),
    ) -> str:
        """Takes"""
        return f"{a} {b} {c} {d} {e}"

    parameters = definition(tools["take"])["parameters"]
    assert parameters["properties"] == {
        "a": {"type": "integer", "description": "A", "minimum": 1},
        "b": {"type": "integer", "maximum": 9, "default": 5},
        "c": {"type": "string", "description": "C"},
        "d": {"type": "string", "default": None},
        "e": {"type": "array", "items": {"type": "integer"}, "default": []},
    }
    assert parameters["required"] == ["a", "c"]
    with Bench() as bench:
        assert bench.call("take", a=1, c="x").text == "1 5 x None []"
        assert bench.call("take", a=1, c="x", e=[2], unknown=3).text == "1 5 x None [2]"


def test_json_in_a_text_is_read_where_no_text_is_wanted(mcp: FastMCP) -> None:
    @mcp.tool()
    def take(a: list[int], b: str) -> str:
        """Takes"""
        return f"{a} {b}"

    line = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "take", "arguments": {"a": "[1, 2]", "b": "[3]"}}}
    assert json.loads(serving.answer(json.dumps(line).encode()))["result"]["content"][0]["text"] == "[1, 2] [3]"


def test_answers_are_those_of_fastmcp(mcp: FastMCP) -> None:
    answers: dict[str, Any] = {
        "untyped": (None, {"a": 1}, {"content": [{"type": "text", "text": '{\n  "a": 1\n}'}]}),
        "text": (str, "x", {"content": [{"type": "text", "text": "x"}], "structuredContent": {"result": "x"}}),
        "nothing": (None.__class__, None, {"content": [], "structuredContent": {"result": None}}),
        "bare": (dict, {"a": 1}, {"content": [{"type": "text", "text": '{\n  "a": 1\n}'}]}),
        "items": (list[int], [1, 2], {"content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}], "structuredContent": {"result": [1, 2]}}),
        "mixed": (
            list[str | Image],
            ["a", Image(data=b"\x01", format="jpeg")],
            {"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "AQ==", "mimeType": "image/jpeg"}]},
        ),
        "sound": (Audio, Audio(data=b"\x01"), {"content": [{"type": "audio", "data": "AQ==", "mimeType": "audio/wav"}]}),
        "content": (TextContent, TextContent(type="text", text="t"), {"content": [{"type": "text", "text": "t"}]}),
        "nested": (
            list[list[int]],
            [[1], [2, 3]],
            {"content": [{"type": "text", "text": text} for text in "123"], "structuredContent": {"result": [[1], [2, 3]]}},
        ),
        "object": (Any, object, {"content": [{"type": "text", "text": json.dumps(str(object))}]}),
    }
    for name, (kind, value, _) in answers.items():
        mcp.add_tool(_giver(value, kind), name=name, description="Gives")
    with Bench() as bench:
        for name, (_, _, result) in answers.items():
            assert bench.call(name).reply["result"] == {**result, "isError": False}, name


def _giver(value: Any, kind: Any) -> Any:
    def give():
        return value

    if kind is not None:
        give.__annotations__["return"] = kind
    return give


def test_faults_are_told_as_fastmcp_tells_them(mcp: FastMCP, capfd: pytest.CaptureFixture[str]) -> None:
    @mcp.tool()
    def broken(kind: str) -> str:
        """Breaks"""
        raise {"value": ValueError("no such thing"), "tool": ToolError("cannot")}[kind]

    with Bench() as bench:
        assert bench.call("broken", kind="value").reply["result"] == {
            "content": [{"type": "text", "text": "Error executing tool broken: no such thing"}],
            "isError": True,
        }
        assert bench.call("broken", kind="tool").text == "Error executing tool broken: cannot"
    assert "in broken" in capfd.readouterr().err


def test_the_context_logs_reports_asks_and_reads(mcp: FastMCP) -> None:
    class Form(BaseModel):
        day: str
        count: int = Field(default=1, ge=1)

    @mcp.resource("notes://{name}")
    def note(name: str) -> str:
        return f"note {name}"

    @mcp.tool()
    async def use(ctx: Context) -> str:
        """Uses"""
        await ctx.info("a")
        ctx.warning("b")
        await ctx.log("notice", "c")
        await ctx.report_progress(progress=1, total=2)
        ctx.set_state("k", 1)
        first = await ctx.elicit("Which day?", schema=Form)
        second = await ctx.elicit("How many?", response_type=int)
        third = await ctx.sample("Say it", system_prompt="Short")
        return f"{first.data.day} {first.data.count} {second.data} {third.text} {ctx.get_state('k')} {await ctx.read_resource('notes://x')} {ctx.client_id} {ctx.request_id[:4]}"

    with Bench(agent="bot") as bench:
        result = bench.call("use")
        assert result.questions["answer"]["params"]["requestedSchema"] == {
            "type": "object", "properties": {"day": {"type": "string"}, "count": {"type": "integer", "minimum": 1, "default": 1}}, "required": ["day"],
        }  # fmt: skip
        bench.answer("answer", {"day": "x"})
        assert set(bench.call("use").questions) == {"answer2"}
        bench.answer("answer2", {"value": 3})
        bench.answer_as("answer3", {"content": {"type": "text", "text": "said"}})
        assert bench.call("use").text == "x 1 3 said 1 note x bot 0011"
        assert bench.logs[:3] == [("info", "a"), ("warning", "b"), ("info", "c")]
        assert bench.progress[0] == (1, 2, "")
    assert definition(tools["use"])["parameters"]["properties"]["answer"]["type"] == "object"


@pytest.mark.parametrize(("action", "kind"), [("decline", "DeclinedElicitation"), ("cancel", "CancelledElicitation")])
def test_a_person_may_say_no(action: str, kind: str, mcp: FastMCP) -> None:
    @mcp.tool()
    async def use(ctx: Context) -> str:
        """Uses"""
        found = await ctx.elicit("Really?", response_type=["yes", "no"])
        return f"{type(found).__name__} {found.action} {found.data}"

    with Bench() as bench:
        bench.answer("answer", action=action)
        assert bench.call("use").text == f"{kind} {action} None"


def test_sessions_as_far_as_a_package_has_one(mcp: FastMCP) -> None:
    @mcp.tool()
    async def use(ctx: Context[fastmcp.ServerSession, None]) -> str:
        """Uses"""
        roots = await ctx.session.list_roots()
        said = await ctx.request_context.session.create_message(messages=[fastmcp.SamplingMessage(role="user", content=TextContent("Say it"))], max_tokens=10)
        return f"{roots.roots[0].uri} {said.content.text} {mcp.get_context().fastmcp.name}"

    with Bench() as bench:
        bench.answer_as("answer", {"roots": [{"uri": "file:///a"}]})
        bench.answer_as("answer2", {"content": {"type": "text", "text": "said"}})
        assert bench.call("use").text == "file:///a said test"
    with pytest.raises(ValueError, match="outside of a request"):
        mcp.get_context()


def test_a_lifespan_holds_for_one_call() -> None:
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan(server: FastMCP):
        seen.append("begun")
        yield {"db": "x"}
        seen.append("ended")

    server = FastMCP("with", lifespan=lifespan)

    @server.tool()
    def use(ctx: Context) -> str:
        """Uses"""
        return ctx.request_context.lifespan_context["db"]

    with Bench() as bench:
        assert (bench.call("use").text, bench.call("use").text) == ("x", "x")
    assert seen == ["begun", "ended"] * 2
    fastmcp.servers.remove(server)


def test_prompts_and_resources_become_static_content(mcp: FastMCP) -> None:
    @mcp.resource("style://rules", title="Rules")
    def rules() -> str:
        """The rules"""
        return "- short"

    @mcp.resource("style://long", mime_type="text/markdown")
    def long() -> str:
        return "x" * 10_000

    @mcp.resource("style://bytes", mime_type="image/png")
    async def picture() -> bytes:
        return b"\x01"

    @mcp.resource("style://data", mime_type="application/json")
    def data() -> dict[str, int]:
        return {"a": 1}

    @mcp.resource("style://{word}/x")
    def word(word: str) -> str:
        return f"# {word}"

    @mcp.prompt()
    def review(text: str, reader: str = "all") -> str:
        """Review a text"""
        return f"Review for {reader}: {text}"

    @mcp.prompt("talk", title="Talk")
    def talk(topic: str) -> list[Message]:
        return [UserMessage(f"About {topic}"), fastmcp.AssistantMessage("Yes."), {"role": "user", "content": {"type": "text", "text": "Go on."}}]

    found = static_content(str(ROOT))
    assert [one["uri"] for one in found["resources"]["resources"]] == ["style://rules", "style://long", "style://bytes", "style://data"]
    assert found["resources"]["resources"][3]["text"] == '{\n  "a": 1\n}'
    assert found["resources"]["templates"] == [
        {"uriTemplate": "style://{word}/x", "name": "word", "description": "word", "mimeType": "text/plain", "text": "# {word}"}
    ]
    assert found["files"] == {"mcp/long.md": {"text": "x" * 10_000}, "mcp/picture.bin": {"base64": "AQ=="}}
    assert [one["name"] for one in found["prompts"]["prompts"]] == ["review", "talk"]
    assert found["prompts"]["prompts"][0]["messages"][0]["content"]["text"] == "Review for {reader}: {text}"
    assert [one["required"] for one in found["prompts"]["prompts"][0]["arguments"]] == [True, False]
    assert [one["role"] for one in found["prompts"]["prompts"][1]["messages"]] == ["user", "assistant", "user"]
    assert len(found["reports"]) == 5
    members = {"mcp/prompts.json": json.dumps(found["prompts"]).encode(), "mcp/resources.json": json.dumps(found["resources"]).encode()}
    members |= {name: one["text"].encode() if "text" in one else b"\x01" for name, one in found["files"].items()}
    judged(members)


def judged(members: dict[str, bytes]) -> None:
    """The host's own reader takes what was written."""
    found = static_of(verify(signed(extra=members), trusting(publisher()), NOW))
    assert [one.name for one in found.given] == ["review", "talk"]


def test_what_cannot_be_static_is_reported_with_file_and_line(mcp: FastMCP) -> None:
    @mcp.resource("style://{word}")
    def decides(word: str) -> str:
        return "a" if word == "x" else word

    @mcp.resource("style://upper/{word}")
    def changes(word: str) -> str:
        return word.upper()

    @mcp.resource("style://lookup/{word}")
    def looks_up(word: str) -> str:
        return {"a": "b"}[word]

    @mcp.resource("https://example.com/x")
    def web() -> str:
        return "x"

    @mcp.prompt()
    def forgets(text: str) -> str:
        """Forgets its argument"""
        return "always the same"

    @mcp.prompt()
    def picture() -> Any:
        """Gives no text"""
        return Message(Image(data=b"x"))

    @mcp.custom_route("/health", methods=["GET"])
    async def health(request: Any) -> Any: ...

    @mcp.completion()
    async def complete(*_: Any) -> Any: ...

    found = static_content(str(ROOT))
    assert (found["prompts"], found["resources"]) == (None, None)
    words = [one["message"] for one in found["reports"]]
    assert len(words) == 8
    for part in (
        "decides something",
        "changed before they stand",
        "KeyError",
        "cannot answer for https:",
        "'text' does not stand",
        "only messages that are texts",
        "custom_route('/health')",
        "completion()",
    ):
        assert any(part in one for one in words), part
    assert all(one["file"] == "tests/unit/sdk_python/test_fastmcp.py" and one["line"] > 1 for one in found["reports"])


def test_running_is_the_hosts_affair(mcp: FastMCP) -> None:
    mcp.run()
    mcp.run(transport="sse")
    assert match("a://{x}/b", "a://1/b") == {"x": "1"}
    assert match("a://{x}/b", "a://1/2/b") is None
    with pytest.raises(ValueError, match="Unknown resource"):
        mcp.read("a://b")


def test_pictures_are_read_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(b"\x01")
    assert Image(path=tmp_path / "a.gif").item() == {"type": "image", "data": "AQ==", "mimeType": "image/gif"}
    assert Image(data=b"\x01").to_image_content().item()["mimeType"] == "image/png"
    with pytest.raises(ValueError, match="either path or data"):
        Image()
    with pytest.raises(ValueError, match="begins with image/"):
        fastmcp.ImageContent(data="AQ==", mimeType="text/plain")


def test_the_names_that_the_migration_knows_are_those_of_the_module() -> None:
    from mpp.author.migrating.source_words import FASTMCP_NAMES, MODULES, PROMPT_NAMES

    assert set(fastmcp.__all__) == FASTMCP_NAMES
    from mpp_sdk.fastmcp.prompts import base

    assert set(base.__all__) | {"base"} == PROMPT_NAMES
    assert set(MODULES.values()) == {"mpp_sdk.fastmcp", "mpp_sdk.fastmcp.prompts"}
    assert "pydantic" in sys.modules
