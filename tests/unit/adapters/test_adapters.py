"""Each adapter with stand-ins for its framework: what is handed over, what comes back, how a person is asked."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from mpp.adapters import agent_framework, autogen, crewai, langchain, openai_agents, pydantic_ai, semantic_kernel
from mpp.host.host import Host
from tests.unit.adapters.stand_ins import SCHEMA, WAITS, NotNowError, TableHost, ToolError

pytestmark = pytest.mark.usefixtures("frameworks")

DONE = 'done\n{"n":1}'


def only(made: list[Any]) -> Any:
    assert len(made) == 1
    return made[0]


def test_langchain(host: Host) -> None:
    tool = only(langchain.tools(host, names=["demo__add"]))
    assert (tool.name, tool.description, tool.args_schema, tool.response_format) == ("demo__add", "It does.", SCHEMA, "content_and_artifact")
    assert tool.func(n=1)[0] == DONE
    assert asyncio.run(tool.coroutine(n=1))[1]["structuredContent"] == {"n": 1}
    with pytest.raises(ToolError, match="did not work"):
        only(langchain.tools(host, names=["demo__fails"])).func(n=1)


def test_langgraph_is_interrupted(host: Host, table: TableHost, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = only(langchain.tools(host, names=[WAITS], ask=langchain.by_interrupt))
    with pytest.raises(NotNowError) as caught:
        tool.func(n=1)
    assert caught.value.args == ({"ref": "7f3a", "text": "May it?"},)
    monkeypatch.setattr(sys.modules["langgraph.types"], "interrupt", lambda _: "yes, but no boolean")
    with pytest.raises(ToolError):
        tool.func(n=1)
    monkeypatch.setattr(sys.modules["langgraph.types"], "interrupt", lambda _: True)
    assert tool.func(n=1)[0] == DONE
    assert table.answers == [("q-1", False), ("q-1", True)]


def test_pydantic_ai(host: Host, table: TableHost) -> None:
    tool = only(pydantic_ai.tools(host, names=[WAITS]))
    assert (tool.name, tool.json_schema, tool.takes_ctx) == ("demo__waits_for", SCHEMA, True)
    with pytest.raises(ToolError) as caught:
        asyncio.run(tool.run(SimpleNamespace(tool_call_approved=False), n=1))
    assert caught.value.metadata == {"ref": "7f3a", "text": "May it?"}
    assert table.answers == []
    assert asyncio.run(tool.run(SimpleNamespace(tool_call_approved=True), n=1)) == DONE
    assert asyncio.run(only(pydantic_ai.tools(host, names=["demo__asks"])).run(SimpleNamespace(tool_call_approved=False))).startswith("The tool needs more")


def test_openai_agents_make_a_call_once(host: Host, table: TableHost) -> None:
    tool = only(openai_agents.tools(host, names=["demo__add"]))
    assert (tool.params_json_schema, tool.strict_json_schema) == (SCHEMA, False)

    async def run() -> str:
        assert not await tool.needs_approval(None, {"n": 1}, "call-1")
        assert not await tool.needs_approval(None, {"n": 1}, "call-1")
        return str(await tool.on_invoke_tool(SimpleNamespace(tool_call_id="call-1"), '{"n":1}'))

    assert asyncio.run(run()) == DONE
    assert len(table.calls) == 1
    # Somebody who invokes it without asking first.
    assert asyncio.run(tool.on_invoke_tool(SimpleNamespace(tool_call_id="call-2"), "")) == DONE
    assert asyncio.run(tool.on_invoke_tool(SimpleNamespace(tool_call_id="call-2"), "[]")) == DONE


def test_openai_agents_wait_for_a_yes(host: Host, table: TableHost) -> None:
    tool = only(openai_agents.tools(host, names=[WAITS]))
    assert asyncio.run(tool.needs_approval(None, {"n": 1}, "call-1"))
    assert asyncio.run(tool.on_invoke_tool(SimpleNamespace(tool_call_id="call-1"), '{"n":1}')) == DONE
    assert table.answers == [("q-1", True)]


def test_openai_agents_forget_calls_that_nobody_came_back_to(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_agents, "WAITING_MAX", 2)
    tool = only(openai_agents.tools(host, names=["demo__add"]))

    async def run() -> list[str]:
        for number in range(4):
            await tool.needs_approval(None, {}, f"call-{number}")
        return list(tool.needs_approval.__self__._known)

    assert asyncio.run(run()) == ["call-2", "call-3"]


def test_agent_framework(host: Host, table: TableHost) -> None:
    plain, first = agent_framework.tools(host, names=["demo__add", WAITS], approved_first=[WAITS])
    assert (plain.approval_mode, first.approval_mode, plain.input_model) == ("never_require", "always_require", SCHEMA)
    assert asyncio.run(plain.func(n=1)) == DONE
    assert asyncio.run(first.func(n=1)) == DONE
    assert table.answers == [("q-1", True)]
    table.answers.clear()
    unasked = only(agent_framework.tools(host, names=[WAITS], ask=lambda _: False))
    assert "7f3a" in asyncio.run(unasked.func(n=1))


def test_semantic_kernel(host: Host, table: TableHost) -> None:
    assert "7f3a" in asyncio.run(only(semantic_kernel.tools(host, names=["demo__locked"], ask=lambda _: True)).method(n=1))
    tool = only(semantic_kernel.tools(host, names=[WAITS], ask=lambda _: True))
    assert tool.method.marked == ("demo__waits_for", "It does.")
    assert [(one.name, one.is_required, one.schema_data) for one in tool.parameters] == [
        ("n", True, {"type": "integer", "description": "A number"}),
        ("x", False, {}),
    ]
    # The kernel's own objects, and what it has for other functions, are no arguments.
    given = tool.gather_function_parameters(SimpleNamespace(arguments={"n": 1, "kernel": object(), "chat_history": "all of it"}))
    assert given == {"n": 1}
    assert asyncio.run(tool.method(**given)) == DONE
    assert (table.answers, table.calls[-1]) == ([("q-1", True)], (WAITS, {"n": 1}))


def test_autogen(host: Host, table: TableHost) -> None:
    tool = only(autogen.tools(host, names=[WAITS], ask=lambda _: True))
    assert tool.schema == {"name": "demo__waits_for", "description": "It does.", "parameters": SCHEMA}
    assert asyncio.run(tool.run_json({"n": 1}, None)) == DONE
    assert asyncio.run(tool.run(SimpleNamespace(model_dump=lambda: {"n": 2}), None)) == DONE
    assert table.calls[-1] == (WAITS, {"n": 2})


def test_crewai(host: Host, table: TableHost) -> None:
    tool = only(crewai.tools(host, names=["demo__add"]))
    assert tool._run(n=1, x=None) == DONE
    assert table.calls == [("demo__add", {"n": 1})]
    fields = tool.args_schema.fields
    assert fields["n"] == (int, (..., {"description": "A number"}))
    assert fields["x"][1] == (None, {"description": None})
